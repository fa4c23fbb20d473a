//! A hash ring with virtual nodes (Karger et al., STOC 1997): every shard has some points on a circle of hashes, and a key
//! belongs to the first point at or after its own hash. Who comes takes keys from all others, and who goes leaves its keys
//! to all others, because points stay where they are.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// Points in ascending order, each with the position of whom it belongs to.
#[derive(Clone, Debug)]
pub struct Ring(Arc<[(u64, u32)]>);

impl Ring {
    /// So many points for each of these members; keys are told their position.
    pub fn of(members: impl IntoIterator<Item = u32>, virtual_nodes: u32) -> Self {
        let points = |(position, member): (usize, u32)| {
            let hash = move |point: u32| xxh3_64(format!("{member}-{point}").as_bytes());
            (0..virtual_nodes).map(move |point| (hash(point), position as u32))
        };
        let mut ring: Vec<(u64, u32)> = members.into_iter().enumerate().flat_map(points).collect();
        ring.sort_unstable();
        Self(ring.into())
    }

    /// The position of the member that a key of this hash belongs to; the first if there is none.
    #[inline]
    pub fn position(&self, hash: u64) -> u32 {
        let next = self.0.partition_point(|&(point, _)| point < hash);
        self.0.get(next).or(self.0.first()).map_or(0, |(_, position)| *position)
    }
}
