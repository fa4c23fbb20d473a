//! What a monitoring system knows of a node: what it saw at its last two looks.

use crate::engine::NodeIndex;
use crate::engine::control::{NodeSample, Phase, ReplicaId, ReplicaSample};

/// The looks at one node.
#[derive(Clone, Debug)]
pub struct Scraper {
    pub node: NodeIndex,
    latest: Option<Scrape>,
    previous: Option<Scrape>,
}

/// One look.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    pub time_ns: u64,
    pub sample: NodeSample,
}

impl Scraper {
    /// Nothing has been seen of this node.
    pub fn new(node: NodeIndex) -> Self {
        Self { node, latest: None, previous: None }
    }

    /// Keeps what is seen now.
    pub fn keep(&mut self, time_ns: u64, sample: &NodeSample) {
        let mut oldest = std::mem::replace(&mut self.previous, self.latest.take()).unwrap_or_default();
        oldest.time_ns = time_ns;
        oldest.sample.clone_from(sample);
        self.latest = Some(oldest);
    }

    /// The last look.
    pub fn latest(&self) -> Option<&Scrape> {
        self.latest.as_ref()
    }

    /// The last two looks, the earlier one first.
    pub fn both(&self) -> Option<(&Scrape, &Scrape)> {
        Some((self.previous.as_ref()?, self.latest.as_ref()?))
    }

    /// Each replica with a process at both looks: how it was then, how it is now, and the nanoseconds in between. What
    /// has only just been started is not known yet, as little as what has ended.
    pub fn replicas(&self) -> impl Iterator<Item = (&ReplicaSample, &ReplicaSample, u64)> {
        self.both().into_iter().flat_map(|(before, now)| {
            let time_ns = now.time_ns - before.time_ns;
            let runs = |replica: &&ReplicaSample| replica.phase != Phase::Pending;
            now.sample.replicas.iter().filter(runs).filter_map(move |replica| {
                let earlier = find(&before.sample.replicas, replica.id).filter(runs)?;
                Some((earlier, replica, time_ns))
            })
        })
    }
}

/// The replica of this name; replicas are in the order of their places.
fn find(replicas: &[ReplicaSample], id: ReplicaId) -> Option<&ReplicaSample> {
    let position = replicas.binary_search_by_key(&id.place, |replica| replica.id.place).ok()?;
    Some(&replicas[position]).filter(|replica| replica.id == id)
}
