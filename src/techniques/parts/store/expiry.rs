//! Active expiry as Redis does it: a few times a second it looks for entries whose time is over.
//!
//! ```text
//! each round:  look at the next entries with a time to live; those whose time is over go
//!              again while more of them than acceptable were over, and the round may still look at more
//! ```

use crate::techniques::parts::store::Store;

/// What one round may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Entries with a time to live that are looked at together.
    keys_per_loop: u32,
    /// Of these, so many may be over without another look, in percent.
    acceptable_stale_percent: u32,
    /// Entries that a round looks at in all.
    most_keys: u32,
}

/// Places of the table that may be passed for each entry wanted, as most may be empty.
const PLACES_PER_KEY: u32 = 20;
/// What looking at an entry takes Redis, about: a round has a share of the processor and ends when that is used up.
const KEYS_PER_SECOND: f64 = 1e6;

impl Cycle {
    /// By `active-expire-effort`, from 1 to 10, and `hz`, the rounds in a second.
    pub fn new(effort: u32, hz: u32) -> Self {
        let more = effort.clamp(1, 10) - 1;
        let share = f64::from(25 + 2 * more) / 100.0;
        Self {
            keys_per_loop: 20 + 20 / 4 * more,
            acceptable_stale_percent: 10 - more,
            most_keys: (share * KEYS_PER_SECOND / f64::from(hz.max(1))) as u32,
        }
    }
}

impl Store {
    /// One round. Returns how many entries went.
    pub fn expire(&mut self, cycle: Cycle, now_ns: u64) -> u32 {
        let (mut looked_at, mut gone) = (0, 0);
        loop {
            let (seen, over) = self.look(cycle.keys_per_loop, now_ns);
            looked_at += seen;
            gone += over;
            if seen == 0 || over * 100 <= seen * cycle.acceptable_stale_percent || looked_at >= cycle.most_keys {
                return gone;
            }
        }
    }

    /// Looks at so many entries. Returns how many there were, and how many were over.
    fn look(&mut self, keys: u32, now_ns: u64) -> (u32, u32) {
        let (mut seen, mut over) = (0, 0);
        for _ in 0..(keys * PLACES_PER_KEY).min(self.slab.places()) {
            if seen == keys {
                break;
            }
            self.cursor = if self.cursor + 1 < self.slab.places() { self.cursor + 1 } else { 0 };
            let slot = self.cursor;
            if !self.slab.is_resident(slot) || !self.slab.entry(slot).may_expire() {
                continue;
            }
            seen += 1;
            if self.slab.entry(slot).expires_ns <= now_ns {
                over += 1;
                self.forget(slot);
            }
        }
        (seen, over)
    }
}
