//! A rate that swings around its mean, as with the hours of the day.

use rand_distr::{Distribution as _, Exp1};

use crate::random::Stream;

/// A rate that swings with the hours of the day.
#[derive(Clone, Debug)]
pub struct Diurnal {
    pub(super) rate: f64,
    pub(super) amplitude: f64,
    pub(super) period_ns: f64,
    pub(super) peak_ns: f64,
}

impl Diurnal {
    /// Lewis & Shedler 1979: candidates at a rate that is never exceeded, kept in proportion to the rate at their time.
    ///
    /// The bound is that of a part of the period, so that a night with hardly a request costs few candidates; but one
    /// bound for all is best if requests are so rare that whole periods pass between them.
    pub(super) fn next_ns(&self, now_ns: f64, stream: &mut Stream) -> Option<f64> {
        const PARTS: f64 = 1024.0;
        const BUSY: f64 = 1e5;
        let is_busy = self.rate * self.period_ns * 1e-9 > BUSY;
        let mut time_ns = now_ns;
        while time_ns < u64::MAX as f64 {
            let (bound, part_end_ns) = if is_busy {
                let part_ns = self.period_ns / PARTS;
                let part = (time_ns / part_ns).floor();
                let (start_ns, end_ns) = (part * part_ns, (part + 1.0) * part_ns);
                // Around the peak a part rises above its ends, by less than this.
                let ends = self.rate_per_s(start_ns).max(self.rate_per_s(end_ns));
                (ends + 1e-5 * self.rate * self.amplitude, end_ns.max(time_ns + 1.0))
            } else {
                (self.rate * (1.0 + self.amplitude), f64::INFINITY)
            };
            let gap: f64 = Exp1.sample(stream);
            let candidate_ns = time_ns + gap * 1e9 / bound;
            if candidate_ns >= part_end_ns {
                time_ns = part_end_ns;
                continue;
            }
            time_ns = candidate_ns;
            if stream.unit() * bound < self.rate_per_s(time_ns) {
                return Some(time_ns);
            }
        }
        None
    }

    pub(super) fn rate_per_s(&self, time_ns: f64) -> f64 {
        let phase = std::f64::consts::TAU * (time_ns - self.peak_ns) / self.period_ns;
        self.rate * (1.0 + self.amplitude * phase.cos())
    }
}
