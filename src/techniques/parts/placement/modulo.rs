//! The id of the key modulo the number of shards: the simplest there is, and the dearest when a shard is added.
//!
//! A key stays where it was only if its id has the same remainder by `n` and by `n + 1`: of `n (n + 1)` ids in a row, `n` do,
//! so `n / (n + 1)` of all keys move.

/// The shard of this id.
#[inline]
pub fn shard(id: u64, shards: u32) -> u32 {
    (id % u64::from(shards.max(1))) as u32
}
