//! Cache: a keyed in-memory store in front of something slower.
//!
//! # How it works
//!
//! ```text
//! get:    one of `threads` carries out the command; found and not expired -> hit, mark as used; else miss
//! set:    store with a time to live; if full, evict others first as `eviction` says
//! delete: forget (invalidation)
//! ```
//!
//! Services use it with the steps `CacheAside`, `Store` and `Invalidate`, or call its own operations, which read and write through
//! it. Expired entries are removed when they are next looked up or evicted, so they can push others out, as they can in Redis
//! between two rounds of active expiry; with `active_expire_effort` these rounds are made.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `entries` | | | how many fit; or |
//! | `maxmemory` | bytes | | memory for entries, and |
//! | `entry_size` | bytes | | how much each of them takes, or |
//! | `entry_sizes` | bytes | | a law of how much: each key has a size of its own |
//! | `eviction` | | `Lru` | which entry goes |
//! | `maxmemory_samples` | | 5 | entries that Redis' policies look at |
//! | `lfu_log_factor` | | 10 | how slowly the counters of Redis' LFU rise |
//! | `lfu_decay_time` | time | `"1m"` | after which one falls; `"0s"`: never |
//! | `active_expire_effort` | | none | from 1 to 10: how hard Redis looks for expired entries; without it only lookups find them |
//! | `hz` | | 10 | rounds of that in a second |
//! | `operations` | | none | `ReadThrough`, `WriteThrough`, `WriteBehind` |
//! | `local_to` | service | none | each replica of this service has such a cache in its own memory |
//! | `command_time` | time | 0 | a thread's time for one command |
//! | `threads` | | 1 | commands carried out at once |
//! | `latency` | time | 0 | added to each command without occupying a thread |
//! | `replicas` | | 0 | further servers, of which one takes over when a `Fault` befalls the one that serves |
//! | `down_after` | time | `"30s"` | until Sentinel takes it for lost |
//! | `failover_time` | time | `"1s"` | until another serves then |
//! | `replication_lag` | time | `"100ms"` | until replicas have what is stored; younger entries are lost |
//! | `price` | $/time | 0 | of each server |
//!
//! # When it helps, when it hurts
//!
//! It helps in proportion to the hit ratio, which grows with the skew of the keys and slowly with memory. A cold or
//! flushed cache sends the full load to what is behind it, and many requests that miss the same key at once all go there,
//! unless they are held back (`single_flight`, `lease`) or a stale entry is served meanwhile (`soft_ttl`).
//!
//! # Law
//!
//! With room for all keys, a key requested at rate `l` and kept for `T` hits with probability `l T / (1 + l T)`. A full
//! cache of independent requests follows Che's approximation (Che, Tung & Wang 2002). No policy misses less often than
//! that which knows the future (Belady 1966).

mod keeper;
mod leases;
mod node;
mod operations;
mod servers;
mod sizes;
mod write_behind;

pub use node::CacheNode;
pub use operations::CacheOperation;
pub use sizes::EntrySizes;

use serde::Deserialize;

use crate::diagnostic::span::{Named, Spanned};
use crate::distribution::Distribution;
use crate::price::HourlyPrice;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::parts::steps;
use crate::techniques::parts::store::{Eviction, Sampling};
use crate::techniques::technique::{
    CacheCommand, Capacity, Demand, Exposure, Mistake, Operations, Prices, Reference, Spec, law_mistakes, mean_s,
};
use crate::units::{Bytes, Duration};

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
    pub entry_sizes: Option<Spanned<EntrySizes>>,
    #[serde(default)]
    pub eviction: Option<Spanned<Eviction>>,
    #[serde(default)]
    pub maxmemory_samples: Option<Spanned<u32>>,
    #[serde(default)]
    pub lfu_log_factor: Option<Spanned<u32>>,
    #[serde(default)]
    pub lfu_decay_time: Option<Spanned<Duration>>,
    #[serde(default)]
    pub active_expire_effort: Option<Spanned<u32>>,
    #[serde(default)]
    pub hz: Option<Spanned<u32>>,
    #[serde(default)]
    pub operations: Spanned<Named<CacheOperation>>,
    #[serde(default)]
    pub local_to: Option<Spanned<String>>,
    #[serde(default)]
    pub command_time: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub threads: Option<Spanned<u32>>,
    #[serde(default)]
    pub latency: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub replicas: Option<Spanned<u32>>,
    #[serde(default)]
    pub down_after: Option<Spanned<Duration>>,
    #[serde(default)]
    pub failover_time: Option<Spanned<Duration>>,
    #[serde(default)]
    pub replication_lag: Option<Spanned<Duration>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
}

/// Entries that one cache may hold.
const MOST_ENTRIES: u64 = 50_000_000;
/// Redis' default.
const DEFAULT_HZ: u32 = 10;
const MINUTE_NS: u64 = 60_000_000_000;
/// Sentinel's default (`down-after-milliseconds`).
const DEFAULT_DOWN_AFTER_NS: u64 = 30_000_000_000;
const DEFAULT_FAILOVER_NS: u64 = 1_000_000_000;
const DEFAULT_LAG_NS: u64 = 100_000_000;

impl Cache {
    /// Entries that fit, about.
    pub fn capacity_entries(&self) -> u64 {
        match (&self.entries, &self.maxmemory, &self.entry_size) {
            (Some(entries), _, _) => entries.value,
            (None, Some(memory), Some(size)) => memory.bytes / size.bytes.max(1),
            (None, Some(memory), None) => {
                let mean = self.entry_sizes.as_ref().and_then(|sizes| sizes.mean_bytes());
                (memory.bytes as f64 / mean.unwrap_or(1024.0).max(1.0)) as u64
            }
            _ => 0,
        }
    }

    /// What the sizes of entries may add up to: bytes where entries differ in size, else entries.
    fn room(&self) -> u64 {
        match (&self.entry_sizes, &self.maxmemory) {
            (Some(_), Some(memory)) => memory.bytes,
            _ => self.capacity_entries(),
        }
    }

    fn eviction(&self) -> Eviction {
        self.eviction.as_ref().map_or(Eviction::default(), |eviction| eviction.value)
    }

    fn sampling(&self) -> Sampling {
        let usual = Sampling::default();
        Sampling {
            maxmemory_samples: self.maxmemory_samples.as_ref().map_or(usual.maxmemory_samples, |samples| samples.value),
            lfu_log_factor: self.lfu_log_factor.as_ref().map_or(usual.lfu_log_factor, |factor| factor.value),
            lfu_decay_minutes: self
                .lfu_decay_time
                .as_ref()
                .map_or(usual.lfu_decay_minutes, |time| u32::try_from(time.ns / MINUTE_NS).unwrap_or(u32::MAX)),
        }
    }

    fn hz(&self) -> u32 {
        self.hz.as_ref().map_or(DEFAULT_HZ, |hz| hz.value)
    }

    fn replicas_count(&self) -> u32 {
        self.replicas.as_ref().map_or(0, |replicas| replicas.value)
    }

    /// From the loss of the server that serves until another does.
    fn promotion_ns(&self) -> u64 {
        let ns = |time: &Option<Spanned<Duration>>, usual| time.as_ref().map_or(usual, |time| time.ns);
        ns(&self.down_after, DEFAULT_DOWN_AFTER_NS).saturating_add(ns(&self.failover_time, DEFAULT_FAILOVER_NS))
    }

    fn replication_lag_ns(&self) -> u64 {
        self.replication_lag.as_ref().map_or(DEFAULT_LAG_NS, |lag| lag.ns)
    }

    fn writes_behind(&self) -> bool {
        self.operations.values().any(|operation| matches!(operation.value, CacheOperation::WriteBehind { .. }))
    }

    /// Whether it is more than a memory with a size, from which the least recently used entry goes.
    fn has_more(&self, commands: &[CacheCommand], is_disturbed: bool) -> bool {
        let is_guarded =
            |command: &CacheCommand| matches!(command, CacheCommand::Ask { .. } | CacheCommand::Fill { .. });
        is_disturbed
            || self.entry_sizes.is_some()
            || self.eviction.is_some()
            || self.active_expire_effort.is_some()
            || self.local_to.is_some()
            || self.replicas.is_some()
            || !self.operations.is_empty()
            || commands.iter().any(is_guarded)
    }

    fn mistakes_of_size(&self) -> Vec<Mistake> {
        let span =
            [self.entries.as_ref().map(|entries| entries.span), self.maxmemory.as_ref().map(|memory| memory.span)];
        let span = span.into_iter().flatten().next().unwrap_or_default();
        let mistake = |message: String, help: &str| vec![Mistake::new(span, message, help)];
        if self.entries.is_some() == self.maxmemory.is_some() {
            let message = "a cache is as large as its entries or its memory say, one of the two".to_owned();
            return mistake(message, "write entries: 100_000, or maxmemory: \"1GiB\" and entry_size: \"4KiB\"");
        }
        if let (Some(sizes), Some(_)) = (&self.entry_sizes, &self.entry_size) {
            let help = "leave out entry_size, or entry_sizes";
            return vec![Mistake::new(sizes.span, "entries have one size or a law of sizes, not both", help)];
        }
        if self.maxmemory.is_some() != (self.entry_size.is_some() || self.entry_sizes.is_some()) {
            let message = "memory and entry size go together".to_owned();
            return mistake(message, "write maxmemory: \"1GiB\" and entry_size: \"4KiB\", or entries: 100_000");
        }
        if !(1..=MOST_ENTRIES).contains(&self.capacity_entries()) {
            let message = format!("a cache holds between 1 and 50,000,000 entries, not {}", self.capacity_entries());
            return mistake(message, "write for example entries: 100_000");
        }
        self.entry_sizes.as_ref().map_or_else(Vec::new, EntrySizes::mistakes)
    }

    fn mistakes_of_eviction(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let eviction = self.eviction();
        if let Some(samples) = &self.maxmemory_samples {
            if !eviction.is_sampled() {
                let message = format!("{eviction:?} looks at no samples");
                found.push(Mistake::new(
                    samples.span,
                    message,
                    "add for example eviction: AllkeysLru, or leave it out",
                ));
            } else if !(1..=1_000).contains(&samples.value) {
                let message = "Redis looks at between 1 and 1,000 entries here";
                found.push(Mistake::new(samples.span, message, "write for example 5"));
            }
        }
        let counting = [
            self.lfu_log_factor.as_ref().map(|factor| factor.span),
            self.lfu_decay_time.as_ref().map(|time| time.span),
        ];
        for span in counting.into_iter().flatten().filter(|_| !eviction.counts()) {
            let message = format!("{eviction:?} counts no uses as Redis does");
            found.push(Mistake::new(span, message, "add eviction: AllkeysLfu, or leave it out"));
        }
        if let Some(time) = self.lfu_decay_time.as_ref().filter(|time| time.ns % MINUTE_NS != 0) {
            found.push(Mistake::new(
                time.span,
                "Redis counts this time in whole minutes",
                "write \"1m\", or \"0s\" for never",
            ));
        }
        if let Some(effort) = self.active_expire_effort.as_ref().filter(|effort| !(1..=10).contains(&effort.value)) {
            found.push(Mistake::new(
                effort.span,
                "an effort lies between 1 and 10",
                "write 1, which is Redis' default",
            ));
        }
        if let Some(hz) = &self.hz {
            if self.active_expire_effort.is_none() {
                let help = "add active_expire_effort: 1, or leave out hz";
                found.push(Mistake::new(hz.span, "without active expiry nothing is done so many times a second", help));
            } else if !(1..=500).contains(&hz.value) {
                found.push(Mistake::new(
                    hz.span,
                    "Redis allows between 1 and 500 rounds a second",
                    "write for example 10",
                ));
            }
        }
        found
    }

    fn mistakes_of_servers(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.replicas_count() == 0 {
            let times = [&self.down_after, &self.failover_time, &self.replication_lag];
            for time in times.into_iter().flatten() {
                let help = "add replicas: 1, or leave it out";
                found.push(Mistake::new(time.span, "without replicas there is nobody to take over", help));
            }
        }
        if let Some(replicas) = self.replicas.as_ref().filter(|replicas| replicas.value > 100) {
            found.push(Mistake::new(replicas.span, "one server has at most 100 replicas here", "write for example 1"));
        }
        if let Some(service) = &self.local_to {
            if self.replicas.is_some() {
                let help = "leave out replicas";
                found.push(Mistake::new(
                    service.span,
                    "memory within a process goes with it, and nobody takes over",
                    help,
                ));
            }
            if !self.operations.is_empty() {
                let help = "use the steps CacheAside, Store and Invalidate in that service";
                found.push(Mistake::new(
                    service.span,
                    "a cache within another process has no operations of its own",
                    help,
                ));
            }
            if let Some(threads) = &self.threads {
                let help = "leave out threads";
                found.push(Mistake::new(
                    threads.span,
                    "a cache within another process has no threads of its own",
                    help,
                ));
            }
        }
        found
    }
}

impl Spec for Cache {
    fn can_fail(&self) -> bool {
        self.operations.values().any(|operation| steps::can_fail(operation.inner()))
            || (!self.operations.is_empty() && self.eviction() == Eviction::Noeviction)
    }

    fn kind(&self) -> &'static str {
        "Cache"
    }

    fn operations(&self) -> Operations<'_> {
        if self.operations.is_empty() {
            return Operations::None;
        }
        Operations::Named(self.operations.keys().map(|name| name.value.as_str()).collect())
    }

    fn references(&self) -> Vec<Reference<'_>> {
        let inner = self.operations.values().flat_map(|operation| operation.references());
        inner.chain(self.local_to.as_ref().map(|name| Reference::Node { name, kind: "Service" })).collect()
    }

    fn watches(&self) -> Option<&str> {
        self.local_to.as_ref().map(|service| service.as_str())
    }

    fn exposure(&self) -> Exposure {
        let losable = if self.local_to.is_some() { 0 } else { 1 + self.replicas_count() };
        Exposure { part: "server", losable, ..Exposure::default() }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = self.mistakes_of_size();
        found.extend(self.mistakes_of_eviction());
        found.extend(self.mistakes_of_servers());
        for operation in self.operations.values() {
            found.extend(operation.mistakes(operation.span));
        }
        for law in [&self.command_time, &self.latency].into_iter().flatten() {
            found.extend(law_mistakes(law));
        }
        if let Some(threads) = self.threads.as_ref().filter(|threads| threads.value == 0) {
            found.push(Mistake::new(threads.span, "without threads nothing is ever answered", "write 1 or more"));
        }
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let mean = |law: &Option<Spanned<Distribution>>| law.as_ref().map_or(0.0, |law| mean_s(law));
        let (core_s, latency_s) = (mean(&self.command_time), mean(&self.latency));
        let core_s = if self.local_to.is_some() { 0.0 } else { core_s };
        let own = Demand { core_s, held_s: mean(&self.command_time) + latency_s, ..Demand::default() };
        let named = self.operations.iter().find(|(name, _)| name.value == operation).map(|(_, found)| &found.value);
        match named {
            // What is written through is written before anything else.
            Some(CacheOperation::WriteThrough { write, .. }) => {
                let mut whole = steps::demand(write);
                whole.core_s += own.core_s;
                whole.held_s += own.held_s;
                whole
            }
            _ => own,
        }
    }

    fn capacity(&self) -> Capacity {
        if self.local_to.is_some() {
            return Capacity::default();
        }
        let threads = self.threads.as_ref().map_or(1, |threads| threads.value);
        Capacity { cores: Some(f64::from(threads)), ..Capacity::default() }
    }

    fn settling_s(&self) -> f64 {
        let own = self.operations.values().filter_map(|operation| operation.ttl().as_ref()).map(|ttl| ttl.as_s());
        let inner = self.operations.values().map(|operation| steps::longest_ttl_s(operation.inner()));
        own.chain(inner).fold(0.0, f64::max)
    }

    fn cycle_s(&self) -> f64 {
        self.settling_s()
    }

    fn tells(&self, signal: Signal) -> Tells {
        let _ = signal;
        Tells::Never
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        if self.local_to.is_some() {
            return Vec::new();
        }
        vec![("threads", self.threads.as_ref().map_or(1.0, |threads| f64::from(threads.value)))]
    }

    fn prices(&self) -> Prices {
        let servers = f64::from(1 + self.replicas_count());
        Prices {
            usd_per_replica_hour: servers * self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            ..Prices::default()
        }
    }
}
