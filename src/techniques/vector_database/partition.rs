//! Where vectors are, where a query's nearest neighbours are, and which shards are asked first.

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::random::Stream;
use crate::techniques::parts::placement::ids::Shuffle;
use crate::techniques::technique::{Mistake, Reference};
use crate::units::Ratio;

/// What decides on which shard a vector is, as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Partition {
    /// The hash of its id, which tells nothing about its neighbours.
    #[default]
    ByHash,
    /// The cluster that it lies in: clusters are the keys of a key space, of which neighbours stand side by side, and each
    /// shard has as many in a row.
    ByCluster {
        key: Spanned<String>,
        /// Share of a query's nearest neighbours that lie in its own cluster.
        locality: Spanned<Ratio>,
    },
}

impl Partition {
    /// The key space, if there is one.
    pub fn references(&self) -> Vec<Reference<'_>> {
        match self {
            Self::ByHash => Vec::new(),
            Self::ByCluster { key, .. } => vec![Reference::Key(key)],
        }
    }

    /// Mistakes in the partition itself.
    pub fn mistakes(&self) -> Vec<Mistake> {
        match self {
            Self::ByCluster { locality, .. } if !(0.01..=1.0).contains(&locality.value.value) => {
                let message = "the share of neighbours in the query's own cluster lies between 1% and 100%";
                vec![Mistake::new(locality.span, message, "write for example \"70%\"")]
            }
            _ => Vec::new(),
        }
    }
}

/// A circle of clusters, in arcs of equal length that are the shards.
#[derive(Clone, Copy, Debug)]
pub struct Circle {
    clusters: u64,
    shards: u64,
    shuffle: Shuffle,
    /// Probability that a neighbour lies no further away.
    locality: f64,
}

impl Circle {
    /// So many clusters over so many shards.
    pub fn of(clusters: u64, shards: u32, locality: f64) -> Self {
        Self { clusters: clusters.max(1), shards: shards.into(), shuffle: Shuffle::of(clusters.max(1)), locality }
    }

    /// Where the cluster of this popularity is: neighbours are not equally popular.
    pub fn position(&self, rank: u64) -> u64 {
        self.shuffle.id(rank)
    }

    /// The shard of the cluster at this position.
    pub fn shard(&self, position: u64) -> u32 {
        (u128::from(position) * u128::from(self.shards) / u128::from(self.clusters)) as u32
    }

    /// The shard that holds a neighbour of a query at this position.
    pub fn neighbour(&self, position: u64, stream: &mut Stream) -> u32 {
        // Geometric: the number of clusters that are passed by before the neighbour is met.
        let distance = match self.locality < 1.0 {
            true => (1.0 - stream.unit()).ln() / (1.0 - self.locality).ln(),
            false => 0.0,
        };
        let distance = (distance as u64) % self.clusters;
        let ahead = stream.next_word() & 1 == 0;
        let step = if ahead { distance } else { self.clusters - distance };
        self.shard((position + step) % self.clusters)
    }

    /// Appends the shards to ask, the nearest first: the query's own, then those whose arcs begin or end nearest to it.
    pub fn nearest(&self, position: u64, count: u32, shards: &mut Vec<u32>) {
        let own = u64::from(self.shard(position));
        let arc = self.clusters as f64 / self.shards as f64;
        let within = position as f64 + 0.5 - own as f64 * arc;
        let (mut behind, mut ahead) = (0u64, 0u64);
        shards.push(own as u32);
        while shards.len() < count as usize {
            let back = within + behind as f64 * arc;
            let forth = arc - within + ahead as f64 * arc;
            if back < forth {
                behind += 1;
                shards.push(((own + self.shards - behind % self.shards) % self.shards) as u32);
            } else {
                ahead += 1;
                shards.push(((own + ahead) % self.shards) as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed};

    #[test]
    fn the_nearest_shards_are_each_asked_once() {
        let circle = Circle::of(100, 7, 0.5);
        for position in 0..100 {
            let mut shards = Vec::new();
            circle.nearest(position, 7, &mut shards);
            assert_eq!(shards[0], circle.shard(position));
            shards.sort_unstable();
            assert_eq!(shards, [0, 1, 2, 3, 4, 5, 6], "from {position}");
        }
    }

    #[test]
    fn so_many_neighbours_lie_in_the_own_cluster() {
        let circle = Circle::of(1_000, 1_000, 0.6);
        let mut stream = Seed::new(1, 0).stream(Purpose::named("neighbours"));
        let own = (0..100_000).filter(|_| circle.neighbour(500, &mut stream) == 500).count() as f64;
        assert!((own / 100_000.0 - 0.6).abs() < 4.0 * (0.24f64 / 100_000.0).sqrt(), "{own}");
    }
}
