//! The values of what a controller looks at.

use crate::controllers::parts::scraper::Scraper;
use crate::engine::control::{Phase, ReplicaSample};
pub use crate::techniques::parts::signal::Signal;

impl Signal {
    /// Its value for the node as a whole; `None` as long as too little has been seen.
    pub fn of_node(self, scraper: &Scraper) -> Option<f64> {
        match self {
            Self::QueueLength => Some(scraper.latest()?.sample.waiting as f64),
            Self::RequestsInProgress => Some(scraper.latest()?.sample.in_system as f64),
            Self::RequestsPerSecond => {
                let (before, now) = scraper.both()?;
                let arrivals = now.sample.arrivals - before.sample.arrivals;
                Some(arrivals as f64 / ((now.time_ns - before.time_ns) as f64 * 1e-9))
            }
        }
    }

    /// Its value for each replica that told of itself, with the replica.
    pub fn of_replicas(self, scraper: &Scraper) -> Vec<(ReplicaSample, f64)> {
        let tells = |replica: &&ReplicaSample| matches!(replica.phase, Phase::Ready | Phase::Draining);
        let levels = scraper.latest().into_iter().flat_map(|scrape| scrape.sample.replicas.iter().filter(tells));
        match self {
            Self::QueueLength => levels.map(|replica| (*replica, f64::from(replica.waiting))).collect(),
            Self::RequestsInProgress => levels.map(|replica| (*replica, f64::from(replica.in_system))).collect(),
            // What a replica was asked is what it answered and still has.
            Self::RequestsPerSecond => {
                let asked = |replica: &ReplicaSample| replica.completed + u64::from(replica.in_system);
                let rate = |(before, now, time_ns): (&ReplicaSample, &ReplicaSample, u64)| {
                    (*now, asked(now).saturating_sub(asked(before)) as f64 / (time_ns as f64 * 1e-9))
                };
                scraper.replicas().map(rate).collect()
            }
        }
    }
}
