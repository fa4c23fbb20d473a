//! Bursts: states with rates of their own, visited in turn.

use rand_distr::{Distribution as _, Exp1};

use crate::random::Stream;

/// A Markov-modulated Poisson process whose states follow each other in a circle.
#[derive(Clone, Debug)]
pub struct Bursts {
    /// `(rate per second, mean duration in ns)`
    pub(super) states: Vec<(f64, f64)>,
    pub(super) state: usize,
    pub(super) until_ns: f64,
}

impl Bursts {
    pub(super) fn next_ns(&mut self, now_ns: u64, stream: &mut Stream) -> Option<u64> {
        let mut time_ns = now_ns as f64;
        if self.until_ns == 0.0 {
            self.until_ns = self.stay(stream);
        }
        loop {
            let (rate, _) = self.states[self.state];
            if rate > 0.0 {
                let gap: f64 = Exp1.sample(stream);
                let candidate = time_ns + gap * 1e9 / rate;
                if candidate <= self.until_ns {
                    return Some(candidate as u64);
                }
            }
            // Exponential gaps have no memory, so the draw that crosses the end of the state is simply forgotten.
            time_ns = self.until_ns;
            self.state = (self.state + 1) % self.states.len();
            self.until_ns += self.stay(stream);
            if !self.until_ns.is_finite() || self.until_ns > u64::MAX as f64 {
                return None;
            }
        }
    }

    fn stay(&self, stream: &mut Stream) -> f64 {
        let stay: f64 = Exp1.sample(stream);
        (stay * self.states[self.state].1).max(1.0)
    }
}
