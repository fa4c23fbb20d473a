//! Exponential gaps, as between requests of independent users.

use rand_distr::{Distribution as _, Exp1};

use crate::processor::whole;
use crate::random::Stream;

/// Exponential gaps, drawn by the block: nobody else takes from the stream, and a tight loop of its own keeps the
/// sampler's rare branches and its latency out of the event loop.
#[derive(Clone, Debug)]
pub struct Poisson {
    mean_ns: f64,
    units: Box<[f64; BLOCK]>,
    next: usize,
}

const BLOCK: usize = 64;

impl Poisson {
    pub(super) fn new(mean_ns: f64) -> Self {
        Self { mean_ns, units: Box::new([0.0; BLOCK]), next: BLOCK }
    }

    pub(super) fn mean_gap_ns(&self) -> f64 {
        self.mean_ns
    }

    #[inline(always)]
    pub fn gap_ns(&mut self, stream: &mut Stream) -> u64 {
        if self.next >= BLOCK {
            self.draw(stream);
        }
        let unit = self.units[self.next % BLOCK];
        self.next += 1;
        whole(unit * self.mean_ns)
    }

    #[cold]
    #[inline(never)]
    fn draw(&mut self, stream: &mut Stream) {
        self.units.fill_with(|| Exp1.sample(stream));
        self.next = 0;
    }
}
