//! What services and caches say to each other.

/// What is asked of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheCommand {
    Get {
        space: u16,
    },
    Set {
        space: u16,
        ttl_ns: Option<u64>,
    },
    Delete {
        space: u16,
    },
    /// As `Get`, by those who guard against stampedes.
    Ask {
        space: u16,
        guards: Guards,
    },
    /// As `Set`, by these.
    Fill {
        space: u16,
        ttl_ns: Option<u64>,
        ttl_jitter: Jitter,
        is_leased: bool,
    },
}

impl CacheCommand {
    /// The key space of its key.
    pub fn space(self) -> u16 {
        let (Self::Get { space } | Self::Set { space, .. } | Self::Delete { space }) = self else {
            let (Self::Ask { space, .. } | Self::Fill { space, .. }) = self else { return 0 };
            return space;
        };
        space
    }
}

/// How a lookup is guarded against stampedes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    /// An entry is stale when it expires within this time.
    pub stale_before_expiry_ns: Option<u64>,
    pub lease: Option<LeaseTerms>,
}

/// Who may fetch what is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    /// After this time another one may.
    pub interval_ns: u64,
    /// Whether all others get what was there before, as long as that lasts.
    pub serves_stale: bool,
}

/// A share of a time by which it may be longer or shorter, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter {
    pub millionths: u32,
}
