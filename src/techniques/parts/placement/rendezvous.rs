//! Rendezvous hashing, or highest random weight (Thaler & Ravishankar 1998): a key belongs to the shard with which its hash is
//! largest. Nothing is remembered, and only the keys of a shard that goes move; each look costs a hash for every shard.

use crate::random::mix;

/// The shard of a key with this hash.
#[inline]
pub fn shard(hash: u64, shards: u32) -> u32 {
    let weight = |shard: &u32| mix(hash ^ mix(u64::from(*shard) + 1));
    (0..shards).max_by_key(weight).unwrap_or(0)
}
