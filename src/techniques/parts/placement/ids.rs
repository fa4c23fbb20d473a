//! The ids of keys. Key spaces number their keys by popularity, which no real id shows: shuffled ids are a permutation of the
//! numbers, the same in every run.

use serde::Deserialize;

use crate::random::mix;

/// What a key's id tells of its popularity, as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Ids {
    /// The id is the rank: 0 is the most popular key.
    #[default]
    ByPopularity,
    /// Nothing.
    Shuffled,
}

/// Rounds of the Feistel network; four make a good permutation of good rounds (Luby & Rackoff 1988).
const ROUNDS: u64 = 4;

/// A permutation of the numbers below `count`.
#[derive(Clone, Copy, Debug)]
pub struct Shuffle {
    count: u64,
    /// Bits of each half.
    half: u32,
}

impl Shuffle {
    pub fn of(count: u64) -> Self {
        let bits = 64 - count.saturating_sub(1).leading_zeros();
        Self { count, half: bits.div_ceil(2).max(1) }
    }

    /// The id of the key with this rank. Who lands outside goes on until it lands inside, so this stays a permutation.
    #[inline]
    pub fn id(self, rank: u64) -> u64 {
        let mask = (1u64 << self.half) - 1;
        let mut id = rank;
        loop {
            let (mut left, mut right) = (id >> self.half & mask, id & mask);
            for round in 0..ROUNDS {
                (left, right) = (right, left ^ mix(right ^ (round + 1) << 56) & mask);
            }
            id = left << self.half | right;
            if id < self.count {
                return id;
            }
        }
    }
}
