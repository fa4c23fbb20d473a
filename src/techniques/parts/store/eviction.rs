//! Which entry goes, as it is written in a model.

use serde::Deserialize;

/// Which entry goes when there is no room. The names with two parts are values of Redis' `maxmemory-policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Eviction {
    /// The least recently used, exactly.
    #[default]
    Lru,
    /// The least often used, exactly.
    Lfu,
    /// The one that came first.
    Fifo,
    /// The first that was not used since the hand passed it.
    Clock,
    Sieve,
    S3Fifo,
    Arc,
    /// Of a few at random, the longest unused.
    AllkeysLru,
    /// Of a few at random, that with the lowest counter.
    AllkeysLfu,
    AllkeysRandom,
    /// As [`Eviction::AllkeysLru`], of entries with a time to live.
    VolatileLru,
    VolatileLfu,
    VolatileRandom,
    /// Of a few at random, the first to expire.
    VolatileTtl,
    /// None: what does not fit is an error.
    Noeviction,
    /// None but those that expire: what does not fit is not kept.
    TtlOnly,
}

impl Eviction {
    /// Whether it looks at a few entries at random.
    pub fn is_sampled(self) -> bool {
        matches!(self, Self::AllkeysLru | Self::AllkeysLfu | Self::VolatileLru | Self::VolatileLfu | Self::VolatileTtl)
    }

    /// Whether it counts uses as Redis does.
    pub fn counts(self) -> bool {
        matches!(self, Self::AllkeysLfu | Self::VolatileLfu)
    }
}

/// How Redis looks at entries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    pub maxmemory_samples: u32,
    pub lfu_log_factor: u32,
    /// 0: never.
    pub lfu_decay_minutes: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { maxmemory_samples: 5, lfu_log_factor: 10, lfu_decay_minutes: 1 }
    }
}
