//! Four hand-written event loops, one per workload: the honest limit that the general engine is measured against.
//!
//! Each loop knows its one workload by heart and does nothing else, but plays by the rules of a simulator: every change
//! of state is an event that passes through a real calendar (`heap.rs`), time is whole nanoseconds, ties go by sequence
//! number, every delay is drawn when it begins, and every request's latency enters a histogram. There is no warm-up.

pub mod heap;
pub mod nodes;
pub mod queue;
pub mod w1;
pub mod w2;
pub mod w3;
pub mod w4;

use forescale::random::{Purpose, Seed, Stream};
use histogram::Histogram;
use rand_distr::{Distribution, Exp1};

pub const MILLISECOND: f64 = 1e6;
pub const SECOND: f64 = 1e9;

/// What one run of one workload found out.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub requests: u64,
    pub mean_latency_s: f64,
    pub p50_latency_s: f64,
    pub p99_latency_s: f64,
    /// The mean fraction of the servers of the watched station that were busy.
    pub busy_fraction: f64,
}

/// The statistics that every loop keeps.
pub struct Meter {
    histogram: Histogram,
    requests: u64,
    latency_sum_ns: u64,
    /// Service is counted in full when it begins; what is left at the end of a run is far below the noise.
    service_sum_ns: u64,
}

impl Meter {
    pub fn new() -> Self {
        // 2^44 ns are almost five hours.
        let histogram = Histogram::new(7, 44).expect("the powers are valid");
        Self { histogram, requests: 0, latency_sum_ns: 0, service_sum_ns: 0 }
    }

    /// Takes the latency of a finished request and says how many have finished.
    #[inline(always)]
    pub fn finish(&mut self, latency_ns: u64) -> u64 {
        self.histogram.increment(latency_ns).expect("a latency below five hours");
        self.latency_sum_ns += latency_ns;
        self.requests += 1;
        self.requests
    }

    #[inline(always)]
    pub fn serve(&mut self, service_ns: u64) {
        self.service_sum_ns += service_ns;
    }

    pub fn outcome(&self, servers: usize, end_ns: u64) -> Outcome {
        let quantiles = self.histogram.quantiles(&[0.5, 0.99]).expect("valid quantiles").expect("at least one request");
        let mut values =
            quantiles.entries().values().map(|bucket| (bucket.start() + bucket.end()) as f64 / 2.0 / SECOND);
        Outcome {
            requests: self.requests,
            mean_latency_s: self.latency_sum_ns as f64 / self.requests as f64 / SECOND,
            p50_latency_s: values.next().expect("the median"),
            p99_latency_s: values.next().expect("the 99th percentile"),
            busy_fraction: self.service_sum_ns as f64 / servers as f64 / end_ns as f64,
        }
    }
}

/// A sequential stream of random numbers.
///
/// Exponential draws are made 256 at a time: the ziggurat stays in one tight loop of its own, and its rare branches
/// (which call `exp` and `ln`) take no registers away from the event loop.
pub struct Draws {
    stream: Stream,
    block: [f64; 256],
    next: u8,
}

impl Draws {
    pub fn new(workload: &str, seed: u64) -> Self {
        let stream = Seed::new(seed, 0).stream(Purpose::named(workload));
        Self { stream, block: [0.0; 256], next: 0 }
    }

    /// An exponential delay in whole nanoseconds.
    #[inline(always)]
    pub fn exponential(&mut self, mean_ns: f64) -> u64 {
        if self.next == 0 {
            self.refill();
        }
        let unit = self.block[usize::from(self.next)];
        self.next = self.next.wrapping_add(1);
        // By way of i64, for which the processor has an instruction.
        (unit * mean_ns) as i64 as u64
    }

    /// A uniform number in `[0, 1)`.
    #[inline(always)]
    pub fn unit(&mut self) -> f64 {
        self.stream.unit()
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        for unit in &mut self.block {
            *unit = Exp1.sample(&mut self.stream);
        }
    }
}
