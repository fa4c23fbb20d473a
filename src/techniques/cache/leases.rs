//! Leases, as memcached gives them (Nishtala et al., *Scaling Memcache at Facebook*, NSDI 2013, section 3.2.1).
//!
//! ```text
//! miss:    a lease of this key is out, and no older than the interval -> serve what was there before, if that may still be
//!                                                                        served, else ask again later
//!          else the lease is the asking request's
//! fill:    by the holder of the lease -> kept, the lease is over; by anybody else -> not kept: it may be outdated
//! delete:  the lease is void, so that what its holder fetches is not kept
//! ```

use std::collections::BTreeMap;

use crate::techniques::technique::LeaseTerms;

/// What a miss means to who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Fetch it.
    Granted,
    /// Here is what was there before.
    Stale,
    /// Ask again.
    Wait,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    /// The request that fetches; nobody if the lease is void.
    holder: Option<u64>,
    granted_ns: u64,
    /// Until when what was deleted may still be served.
    stale_until_ns: u64,
}

/// All leases of a cache, by key.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    by_key: BTreeMap<u64, Lease>,
    /// How long the longest lasts.
    interval_ns: u64,
    /// Leases when those were last looked through that are over.
    looked_through_at: usize,
}

impl Leases {
    /// Leases last so long.
    pub fn new(interval_ns: u64) -> Self {
        Self { interval_ns, ..Self::default() }
    }

    /// A request misses a key, or finds it stale.
    pub fn ask(&mut self, key: u64, request: u64, terms: LeaseTerms, now_ns: u64) -> Answer {
        if let Some(lease) = self.by_key.get(&key) {
            let is_out = now_ns < lease.granted_ns.saturating_add(terms.interval_ns);
            if is_out && terms.serves_stale && now_ns < lease.stale_until_ns {
                return Answer::Stale;
            }
            if is_out && lease.holder.is_some() {
                return Answer::Wait;
            }
        }
        let stale_until_ns = self.by_key.get(&key).map_or(0, |lease| lease.stale_until_ns);
        self.by_key.insert(key, Lease { holder: Some(request), granted_ns: now_ns, stale_until_ns });
        self.look_through(now_ns);
        Answer::Granted
    }

    /// A request has fetched a key. Returns whether it may be kept.
    pub fn fill(&mut self, key: u64, request: u64) -> bool {
        match self.by_key.get_mut(&key) {
            Some(lease) if lease.holder == Some(request) => {
                lease.holder = None;
                true
            }
            _ => false,
        }
    }

    /// A key is no longer what it was.
    pub fn void(&mut self, key: u64, was_there: bool, now_ns: u64) {
        let stale_until_ns = now_ns.saturating_add(self.interval_ns);
        match self.by_key.get_mut(&key) {
            Some(lease) => {
                lease.holder = None;
                if was_there {
                    lease.stale_until_ns = stale_until_ns;
                }
            }
            // Whoever asks next fetches it.
            None if was_there => {
                self.by_key.insert(key, Lease { holder: None, granted_ns: 0, stale_until_ns });
                self.look_through(now_ns);
            }
            None => {}
        }
    }

    pub fn clear(&mut self) {
        self.by_key.clear();
    }

    /// Forgets leases that are over, now and then.
    fn look_through(&mut self, now_ns: u64) {
        if self.by_key.len() < 2 * self.looked_through_at.max(512) {
            return;
        }
        let interval_ns = self.interval_ns;
        self.by_key
            .retain(|_, lease| now_ns < lease.granted_ns.saturating_add(interval_ns) || now_ns < lease.stale_until_ns);
        self.looked_through_at = self.by_key.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: LeaseTerms = LeaseTerms { interval_ns: 100, serves_stale: false };
    const STALE: LeaseTerms = LeaseTerms { interval_ns: 100, serves_stale: true };

    #[test]
    fn one_of_many_fetches_until_it_has_or_its_time_is_over() {
        let mut leases = Leases::new(100);
        assert_eq!(leases.ask(7, 1, TERMS, 0), Answer::Granted);
        assert_eq!(leases.ask(7, 2, TERMS, 50), Answer::Wait);
        assert!(!leases.fill(7, 2) && leases.fill(7, 1));
        assert_eq!(leases.ask(7, 3, TERMS, 60), Answer::Granted);
        assert_eq!(leases.ask(7, 4, TERMS, 159), Answer::Wait);
        assert_eq!(leases.ask(7, 4, TERMS, 160), Answer::Granted);
    }

    #[test]
    fn what_was_fetched_before_a_write_is_not_kept() {
        let mut leases = Leases::new(100);
        assert_eq!(leases.ask(7, 1, TERMS, 0), Answer::Granted);
        leases.void(7, false, 10);
        assert!(!leases.fill(7, 1));
        assert_eq!(leases.ask(7, 2, TERMS, 20), Answer::Granted);
        assert!(leases.fill(7, 2));
    }

    #[test]
    fn what_was_written_is_fetched_once_in_an_interval_while_the_old_is_served() {
        let mut leases = Leases::new(100);
        assert_eq!(leases.ask(7, 1, STALE, 1_000), Answer::Granted);
        assert!(leases.fill(7, 1));
        leases.void(7, true, 1_010);
        assert_eq!(leases.ask(7, 2, STALE, 1_020), Answer::Stale);
        assert_eq!(leases.ask(7, 2, STALE, 1_099), Answer::Stale);
        assert_eq!(leases.ask(7, 3, STALE, 1_100), Answer::Granted);
    }

    #[test]
    fn leases_that_are_over_are_forgotten() {
        let mut leases = Leases::new(100);
        for key in 0..100_000 {
            leases.ask(key, key, TERMS, key * 10);
        }
        assert!(leases.by_key.len() < 3_000);
    }
}
