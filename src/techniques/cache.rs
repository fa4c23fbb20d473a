//! Cache: a keyed in-memory store in front of something slower.
//!
//! # How it works
//!
//! ```text
//! get:    one of `threads` carries out the command; found and not expired -> hit, mark as used; else miss
//! set:    store with a time to live; if full, evict the least recently used entry first
//! delete: forget (invalidation)
//! ```
//!
//! Services use it with the steps `CacheAside` and `Invalidate`. Expired entries are removed when they are next looked
//! up or evicted, so they can push others out, as they can in Redis between two rounds of active expiry.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `entries` | | | how many fit; or |
//! | `maxmemory`, `entry_size` | bytes | | memory, and how much one entry takes |
//! | `command_time` | time | 0 | a thread's time for one command |
//! | `threads` | | 1 | commands carried out at once |
//! | `latency` | time | 0 | added to each command without occupying a thread |
//! | `price` | $/time | 0 | of the cache |
//!
//! # When it helps, when it hurts
//!
//! It helps in proportion to the hit ratio, which grows with the skew of the keys and slowly with memory. A cold or
//! flushed cache sends the full load to what is behind it, and many requests that miss the same key at once all go there.
//!
//! # Law
//!
//! With room for all keys, a key requested at rate `l` and kept for `T` hits with probability `l T / (1 + l T)`. A full
//! cache of independent requests follows Che's approximation (Che, Tung & Wang 2002).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::engine::context::Context;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::VisitList;
use crate::engine::{Evidence, Node, Outcome, Reply, Timer};
use crate::price::HourlyPrice;
use crate::random::mix;
use crate::techniques::parts::executor::{AcceptQueue, Executor, Finish, Limits};
use crate::techniques::parts::program::Compiler;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::parts::steps::Step;
use crate::techniques::technique::{
    CacheCommand, Capacity, CompileError, Demand, Mistake, Operations, Prices, Reference, Spec, Wiring, law_mistakes,
    mean_s,
};
use crate::units::Bytes;

/// A cache as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    #[serde(default)]
    pub entries: Option<Spanned<u64>>,
    #[serde(default)]
    pub maxmemory: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub entry_size: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub command_time: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub threads: Option<Spanned<u32>>,
    #[serde(default)]
    pub latency: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
}

/// Entries that one cache may hold.
const MOST_ENTRIES: u64 = 50_000_000;

impl Cache {
    /// Entries that fit.
    pub fn capacity_entries(&self) -> u64 {
        match (&self.entries, &self.maxmemory, &self.entry_size) {
            (Some(entries), _, _) => entries.value,
            (None, Some(memory), Some(size)) => memory.bytes / size.bytes.max(1),
            _ => 0,
        }
    }

    /// What one command does.
    fn steps(&self) -> Vec<Step> {
        let compute = self.command_time.clone().map(Step::Compute);
        let wait = self.latency.clone().map(Step::Wait);
        compute.into_iter().chain(wait).collect()
    }
}

impl Spec for Cache {
    fn can_fail(&self) -> bool {
        false
    }

    fn kind(&self) -> &'static str {
        "Cache"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::None
    }

    fn references(&self) -> Vec<Reference<'_>> {
        Vec::new()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let span =
            [self.entries.as_ref().map(|entries| entries.span), self.maxmemory.as_ref().map(|memory| memory.span)];
        let span = span.into_iter().flatten().next().unwrap_or_default();
        if self.entries.is_some() == self.maxmemory.is_some() {
            let help = "write entries: 100_000, or maxmemory: \"1GiB\" and entry_size: \"4KiB\"";
            found.push(Mistake::new(
                span,
                "a cache is as large as its entries or its memory say, one of the two",
                help,
            ));
        } else if self.maxmemory.is_some() != self.entry_size.is_some() {
            let help = "write maxmemory: \"1GiB\" and entry_size: \"4KiB\", or entries: 100_000";
            found.push(Mistake::new(span, "memory and entry size go together", help));
        } else if !(1..=MOST_ENTRIES).contains(&self.capacity_entries()) {
            let message = format!("a cache holds between 1 and 50,000,000 entries, not {}", self.capacity_entries());
            found.push(Mistake::new(span, message, "write for example entries: 100_000"));
        }
        for law in [&self.command_time, &self.latency].into_iter().flatten() {
            found.extend(law_mistakes(law));
        }
        if let Some(threads) = self.threads.as_ref().filter(|threads| threads.value == 0) {
            found.push(Mistake::new(threads.span, "without threads nothing is ever answered", "write 1 or more"));
        }
        found
    }

    fn demand(&self, _operation: &str) -> Demand {
        let mean = |law: &Option<Spanned<Distribution>>| law.as_ref().map_or(0.0, |law| mean_s(law));
        let (core_s, latency_s) = (mean(&self.command_time), mean(&self.latency));
        Demand { core_s, held_s: core_s + latency_s, ..Demand::default() }
    }

    fn capacity(&self) -> Capacity {
        let threads = self.threads.as_ref().map_or(1, |threads| threads.value);
        Capacity { cores: Some(f64::from(threads)), ..Capacity::default() }
    }

    fn tells(&self, signal: Signal) -> Tells {
        let _ = signal;
        Tells::Never
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        vec![("threads", self.threads.as_ref().map_or(1.0, |threads| f64::from(threads.value)))]
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            ..Prices::default()
        }
    }
}

/// A cache at work.
#[derive(Clone, Debug)]
pub struct CacheNode {
    executor: Executor,
    keeper: Keeper,
}

/// Carries commands out as their time is up.
#[derive(Clone, Debug)]
struct Keeper {
    commands: Vec<CacheCommand>,
    store: LeastRecentlyUsed,
    hits: u64,
    gets: u64,
    evictions: u64,
    sets: u64,
}

impl CacheNode {
    /// Compiles the written form; callers have named their commands by then.
    pub fn compile(spec: &Cache, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let commands = wiring.commands();
        let mut compiler = Compiler::new(wiring);
        for (index, _) in commands.iter().enumerate() {
            compiler.operation(&format!("command {index}"), &spec.steps())?;
        }
        let program = compiler.finish();
        let threads = spec.threads.as_ref().map_or(1, |threads| threads.value);
        let limits = Limits { cores: f64::from(threads), workers: u32::MAX, queue: u32::MAX, zones: 1 };
        let queue = AcceptQueue::FirstComeFirstServed(VisitList::default());
        let processor = Executor::processor(&limits, &program, true, 0.0, 0.0);
        let store = LeastRecentlyUsed::new(spec.capacity_entries() as u32);
        Ok(Self {
            executor: Executor::new(1, limits, &queue, &processor, None, program, None),
            keeper: Keeper { commands, store, hits: 0, gets: 0, evictions: 0, sets: 0 },
        })
    }
}

impl Finish for Keeper {
    #[inline]
    fn finish(&mut self, context: &mut Context, slot: u32) -> Outcome {
        let now_ns = context.now_ns();
        let visit = *context.visit(slot);
        let command = self.commands[usize::from(visit.operation)];
        let (CacheCommand::Get { space } | CacheCommand::Set { space, .. } | CacheCommand::Delete { space }) = command;
        // Keys of different spaces share the memory but not the names.
        let key = mix(context.key(space, visit.key)).wrapping_add(u64::from(space));
        match command {
            CacheCommand::Get { .. } => {
                self.gets += 1;
                if self.store.get(key, now_ns) {
                    self.hits += 1;
                    return Outcome::Done;
                }
                Outcome::Miss
            }
            CacheCommand::Set { ttl_ns, .. } => {
                self.sets += 1;
                let expires_ns = ttl_ns.map_or(u64::MAX, |ttl_ns| now_ns.saturating_add(ttl_ns));
                self.evictions += u64::from(self.store.set(key, expires_ns));
                Outcome::Done
            }
            CacheCommand::Delete { .. } => {
                self.store.remove(key);
                Outcome::Done
            }
        }
    }
}

impl Node for CacheNode {
    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        self.executor.arrive(context, slot, &mut self.keeper);
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.executor.reply(context, reply, &mut self.keeper);
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        self.executor.timer(context, timer, &mut self.keeper);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        let (held, room) = (self.keeper.store.positions.len(), self.keeper.store.capacity);
        if held > room as usize {
            return Err(format!("{held} entries in a cache for {room}"));
        }
        self.executor.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.executor.observe(now_ns, record);
        let keeper = &self.keeper;
        let share = |name, numerator: u64, denominator: u64| Share {
            name,
            numerator: numerator.into(),
            denominator: denominator.into(),
        };
        record.shares = vec![
            share("hit_ratio", keeper.hits, keeper.gets),
            share("evictions_per_set_ratio", keeper.evictions, keeper.sets),
        ];
    }
}

/// Spreads keys that are already well mixed: the table may use their bits as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = mix(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Entries in order of use: a doubly linked list through an array, found by a hash table that is never iterated.
#[derive(Clone, Debug)]
struct LeastRecentlyUsed {
    capacity: u32,
    positions: HashMap<u64, u32, BuildHasherDefault<KeyHasher>>,
    entries: Vec<CacheEntry>,
    newest: u32,
    oldest: u32,
    free: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct CacheEntry {
    key: u64,
    expires_ns: u64,
    newer: u32,
    older: u32,
}

const NOBODY: u32 = u32::MAX;

impl LeastRecentlyUsed {
    fn new(capacity: u32) -> Self {
        Self {
            capacity,
            positions: HashMap::default(),
            entries: Vec::new(),
            newest: NOBODY,
            oldest: NOBODY,
            free: Vec::new(),
        }
    }

    fn get(&mut self, key: u64, now_ns: u64) -> bool {
        let Some(&position) = self.positions.get(&key) else { return false };
        if self.entries[position as usize].expires_ns <= now_ns {
            self.remove(key);
            return false;
        }
        self.unlink(position);
        self.link_newest(position);
        true
    }

    /// Stores an entry. Returns whether another one had to go.
    fn set(&mut self, key: u64, expires_ns: u64) -> bool {
        if let Some(&position) = self.positions.get(&key) {
            self.entries[position as usize].expires_ns = expires_ns;
            self.unlink(position);
            self.link_newest(position);
            return false;
        }
        let full = self.positions.len() >= self.capacity as usize;
        if full && self.oldest != NOBODY {
            self.remove(self.entries[self.oldest as usize].key);
        }
        let entry = CacheEntry { key, expires_ns, newer: NOBODY, older: NOBODY };
        let position = if let Some(position) = self.free.pop() {
            self.entries[position as usize] = entry;
            position
        } else {
            self.entries.push(entry);
            (self.entries.len() - 1) as u32
        };
        self.positions.insert(key, position);
        self.link_newest(position);
        full
    }

    fn remove(&mut self, key: u64) {
        if let Some(position) = self.positions.remove(&key) {
            self.unlink(position);
            self.free.push(position);
        }
    }

    fn unlink(&mut self, position: u32) {
        let CacheEntry { newer, older, .. } = self.entries[position as usize];
        match newer {
            NOBODY => self.newest = older,
            _ => self.entries[newer as usize].older = older,
        }
        match older {
            NOBODY => self.oldest = newer,
            _ => self.entries[older as usize].newer = newer,
        }
    }

    fn link_newest(&mut self, position: u32) {
        let entry = &mut self.entries[position as usize];
        entry.newer = NOBODY;
        entry.older = self.newest;
        match self.newest {
            NOBODY => self.oldest = position,
            newest => self.entries[newest as usize].newer = position,
        }
        self.newest = position;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_entry_goes_first() {
        let mut store = LeastRecentlyUsed::new(2);
        assert!(!store.set(1, u64::MAX));
        assert!(!store.set(2, u64::MAX));
        assert!(store.get(1, 0));
        assert!(store.set(3, u64::MAX));
        assert_eq!((store.get(1, 0), store.get(2, 0), store.get(3, 0)), (true, false, true));
    }

    #[test]
    fn an_entry_expires_after_its_time_to_live() {
        let mut store = LeastRecentlyUsed::new(2);
        store.set(1, 100);
        assert!(store.get(1, 99));
        assert!(!store.get(1, 100));
        store.set(1, 300);
        store.remove(1);
        assert!(!store.get(1, 200));
    }
}
