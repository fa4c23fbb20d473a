//! Jump consistent hash (Lamping & Veach 2014): as the number of shards grows from 1 on, a key jumps to the newest shard with
//! just the probability that keeps all alike. It needs no memory, and shards can only be added and removed at the end.

/// The multiplier of the linear congruential generator that decides the jumps.
const MULTIPLIER: u64 = 2_862_933_555_777_941_757;

/// The shard of this key.
#[inline]
pub fn shard(mut key: u64, shards: u32) -> u32 {
    let (mut shard, mut next) = (0u64, 0u64);
    while next < u64::from(shards) {
        shard = next;
        key = key.wrapping_mul(MULTIPLIER).wrapping_add(1);
        let uniform = (1u64 << 31) as f64 / ((key >> 33) + 1) as f64;
        next = ((shard + 1) as f64 * uniform) as u64;
    }
    shard as u32
}
