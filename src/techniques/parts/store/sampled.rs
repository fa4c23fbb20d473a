//! Redis looks at a few entries at random and lets the best candidate go that it has seen lately (`maxmemory-policy`).
//!
//! ```text
//! victim():   random: any entry; else
//!             draw `maxmemory_samples` entries and put them into a pool of 16, which keeps the best candidates
//!             the best of the pool that is still there
//! candidate:  lru: the longest unused, by a clock of one second
//!             lfu: the lowest counter
//!             ttl: the first to expire
//! counter:    begins at 5; a use raises it with probability 1 / ((counter - 5) x lfu_log_factor + 1), up to 255;
//!             each `lfu_decay_time` without a use lowers it by 1
//! ```
//!
//! Redis draws neighbours from its hash table, here each entry is drawn by itself.

use crate::random::{Purpose, Seed, Stream};
use crate::techniques::parts::store::eviction::Sampling;
use crate::techniques::parts::store::index::Index;
use crate::techniques::parts::store::policy::Victim;
use crate::techniques::parts::store::slab::{NOBODY, Slab};

/// What makes an entry go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    LeastRecentlyUsed,
    LeastFrequentlyUsed,
    FirstToExpire,
    Chance,
}

/// Candidates that Redis remembers from one eviction to the next.
const POOL: usize = 16;
/// The clock of LRU ticks every second.
const TICK_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * TICK_NS;
/// The counter of a new entry.
const INITIAL_COUNT: u32 = 5;
const MOST_COUNT: u32 = 255;
const MINUTES: u32 = 0xFFFF;

#[derive(Clone, Debug)]
pub struct Sampled {
    score: Score,
    /// Whether only entries go that have a time to live.
    only_volatile: bool,
    sampling: Sampling,
    /// The entries that may go; each knows its place here.
    members: Vec<u32>,
    /// Candidates, the best last: their scores and keys.
    pool: Vec<(u64, u64)>,
    stream: Stream,
}

impl Sampled {
    pub fn new(score: Score, only_volatile: bool, sampling: Sampling) -> Self {
        let stream = Seed::new(0, 0).stream(Purpose::named("sampled eviction"));
        Self { score, only_volatile, sampling, members: Vec::new(), pool: Vec::new(), stream }
    }

    pub fn seed(&mut self, stream: Stream) {
        self.stream = stream;
    }

    pub fn clear(&mut self) {
        self.members = Vec::new();
        self.pool.clear();
    }

    pub fn inserted(&mut self, slab: &mut Slab, slot: u32, now_ns: u64) {
        let mark = match self.score {
            Score::LeastRecentlyUsed => (now_ns / TICK_NS) as u32,
            Score::LeastFrequentlyUsed => minute(now_ns) << 8 | INITIAL_COUNT,
            Score::FirstToExpire | Score::Chance => 0,
        };
        slab.entry_mut(slot).set_mark(mark);
        slab.entry_mut(slot).older = NOBODY;
        if !self.only_volatile || slab.entry(slot).may_expire() {
            self.enter(slab, slot);
        }
    }

    /// An entry that could expire no longer can, or the other way round.
    pub fn expiry_changed(&mut self, slab: &mut Slab, slot: u32) {
        if self.only_volatile {
            if slab.entry(slot).may_expire() { self.enter(slab, slot) } else { self.removed(slab, slot) }
        }
    }

    fn enter(&mut self, slab: &mut Slab, slot: u32) {
        slab.entry_mut(slot).older = self.members.len() as u32;
        self.members.push(slot);
    }

    pub fn removed(&mut self, slab: &mut Slab, slot: u32) {
        let place = std::mem::replace(&mut slab.entry_mut(slot).older, NOBODY);
        if place == NOBODY {
            return;
        }
        self.members.swap_remove(place as usize);
        if let Some(&moved) = self.members.get(place as usize) {
            slab.entry_mut(moved).older = place;
        }
    }

    #[inline]
    pub fn used(&mut self, slab: &mut Slab, slot: u32, now_ns: u64) {
        match self.score {
            Score::LeastRecentlyUsed => slab.entry_mut(slot).set_mark((now_ns / TICK_NS) as u32),
            Score::LeastFrequentlyUsed => {
                let count = self.decayed(slab.entry(slot).mark(), now_ns);
                let chance = 1.0
                    / (f64::from(count.saturating_sub(INITIAL_COUNT)) * f64::from(self.sampling.lfu_log_factor) + 1.0);
                let raised = count < MOST_COUNT && self.stream.unit() < chance;
                slab.entry_mut(slot).set_mark(minute(now_ns) << 8 | (count + u32::from(raised)));
            }
            Score::FirstToExpire | Score::Chance => {}
        }
    }

    /// The counter now, of an entry with this mark.
    fn decayed(&self, mark: u32, now_ns: u64) -> u32 {
        let count = mark & 0xFF;
        if self.sampling.lfu_decay_minutes == 0 {
            return count;
        }
        let passed = minute(now_ns).wrapping_sub(mark >> 8) & MINUTES;
        count.saturating_sub(passed / self.sampling.lfu_decay_minutes)
    }

    /// The higher, the sooner it goes.
    fn score(&self, slab: &Slab, slot: u32, now_ns: u64) -> u64 {
        let entry = slab.entry(slot);
        match self.score {
            Score::LeastRecentlyUsed => (now_ns / TICK_NS).saturating_sub(u64::from(entry.mark())),
            Score::LeastFrequentlyUsed => u64::from(MOST_COUNT - self.decayed(entry.mark(), now_ns)),
            Score::FirstToExpire => u64::MAX - entry.expires_ns,
            Score::Chance => 0,
        }
    }

    fn any(&mut self) -> u32 {
        self.members[self.stream.below(self.members.len() as u64) as usize]
    }

    pub fn victim(&mut self, slab: &mut Slab, index: &Index, now_ns: u64) -> Option<Victim> {
        if self.members.is_empty() {
            return None;
        }
        let slot = if self.score == Score::Chance { self.any() } else { self.best(slab, index, now_ns) };
        self.removed(slab, slot);
        Some(Victim::Gone(slot))
    }

    fn best(&mut self, slab: &Slab, index: &Index, now_ns: u64) -> u32 {
        loop {
            for _ in 0..self.sampling.maxmemory_samples {
                let slot = self.any();
                self.consider(self.score(slab, slot, now_ns), slab.entry(slot).key);
            }
            while let Some((_, key)) = self.pool.pop() {
                // One that went otherwise, or may no longer go, is passed over.
                if let Some(slot) = index.find(key, slab).filter(|&slot| slab.entry(slot).older != NOBODY) {
                    return slot;
                }
            }
        }
    }

    /// Puts a candidate into the pool, unless that is full of better ones.
    fn consider(&mut self, score: u64, key: u64) {
        let place = self.pool.partition_point(|&(other, _)| other < score);
        if self.pool.len() < POOL {
            self.pool.insert(place, (score, key));
        } else if place > 0 {
            self.pool.remove(0);
            self.pool.insert(place - 1, (score, key));
        }
    }

    pub fn len(&self) -> Option<usize> {
        (!self.only_volatile).then_some(self.members.len())
    }
}

fn minute(now_ns: u64) -> u32 {
    (now_ns / MINUTE_NS) as u32 & MINUTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(sampling: Sampling) -> Sampled {
        Sampled::new(Score::LeastFrequentlyUsed, false, sampling)
    }

    #[test]
    fn a_counter_falls_by_one_with_each_decay_time() {
        let mark = minute(10 * MINUTE_NS) << 8 | 9;
        for (decay_minutes, after_minutes, left) in [(1, 0, 9), (1, 4, 5), (1, 60, 0), (3, 8, 7), (0, 60_000, 9)] {
            let counter = counter(Sampling { lfu_decay_minutes: decay_minutes, ..Sampling::default() });
            assert_eq!(counter.decayed(mark, (10 + after_minutes) * MINUTE_NS), left, "{decay_minutes} min");
        }
        // The clock of minutes has 16 bits, and begins anew after 45 days.
        let late = minute(65_535 * MINUTE_NS) << 8 | 9;
        assert_eq!(counter(Sampling::default()).decayed(late, 65_538 * MINUTE_NS), 6);
    }

    #[test]
    fn counters_are_logarithmic() {
        // The mean number of uses that take a counter from 5 to 5 + n is the sum of (i x factor + 1) for i below n.
        let mut counter = counter(Sampling::default());
        let mut slab = Slab::default();
        let slot = slab.insert(crate::techniques::parts::store::slab::Entry::new(1, 1, u64::MAX));
        let (mut uses, rounds) = (0u32, 400);
        for _ in 0..rounds {
            counter.inserted(&mut slab, slot, 0);
            while slab.entry(slot).mark() & 0xFF < INITIAL_COUNT + 5 {
                counter.used(&mut slab, slot, 0);
                uses += 1;
            }
            counter.removed(&mut slab, slot);
        }
        let (mean, expected) = (f64::from(uses) / f64::from(rounds), 1.0 + 11.0 + 21.0 + 31.0 + 41.0);
        let variance: f64 = [11.0f64, 21.0, 31.0, 41.0].iter().map(|mean| mean * (mean - 1.0)).sum();
        let error = (variance / f64::from(rounds)).sqrt();
        assert!((mean - expected).abs() < 4.0 * error, "{mean} uses, {expected} expected");
    }
}
