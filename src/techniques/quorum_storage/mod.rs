//! QuorumStorage: copies over zones that agree by counting, as Aurora's volume and Dynamo's stores do.
//!
//! # How it works
//!
//! ```text
//! write: to every copy at once; acknowledged when `write_quorum` of them have it; the others go on
//! read:  SingleCopy: from the copy that is expected to answer first, of those known to have the newest write of the key
//!        Quorum:     from all copies; the newest of the first `read_quorum` answers
//! lost:  a copy that is away for `repair_delay` is made anew elsewhere in its zone, a segment at `repair_bandwidth`;
//!        one that comes back serves at once and fetches what it has missed
//! ```
//!
//! What a copy has of each key is known exactly, so a stale read is one whose answer is older than the last write that had been
//! acknowledged when the read began.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `copies`, `zones` | | 6, 3 (or all copies) | copy `i` stands in zone `i % zones` |
//! | `write_quorum`, `read_quorum` | copies | 4, 3 | that must answer; with single-copy reads the latter is what a repair needs |
//! | `reads` | | `SingleCopy` | or `Quorum` |
//! | `key` | key space | none | what requests are about; without it versions and conflicts are not told |
//! | `read`, `write` | time | | of a copy's disk for one of them |
//! | `latency` | time | 0 | one way to a copy |
//! | `cross_zone_latency` | time | 0 | added each way to a copy in another zone than the caller's |
//! | `disks` | | unlimited | reads and writes that a copy works on at once |
//! | `io_queue` | | 10,000 | that wait at a copy; beyond it it misses writes and fetches them later |
//! | `size` | bytes | 0 | stored at time zero |
//! | `write_size` | bytes | 0 | that a write adds, and that a copy fetches for a write it has missed |
//! | `segment_size`, `max_size` | bytes | 10 GB, 128 TB | steps in which the volume grows, and where it ends |
//! | `repair_bandwidth` | bytes/time | 10 Gbit/s | at which a segment is copied; those of a copy are copied at the same time |
//! | `repair_delay` | time | 10 s | until a copy that is away is taken for lost |
//! | `without_quorum` | | `Wait` | or `Fail`: what becomes of requests when too few copies are there |
//! | `writers` | | 1 | that write without asking each other; any of them takes the next request |
//! | `replication_lag` | time | 0 | until the other writers know of an acknowledged write |
//! | `conflict_retries` | | 0 | times that a writer tries again what was refused for a write it did not know of |
//! | `price` | $/time | 0 | of all copies together |
//! | `storage_price` | $/size-time | 0 | of the segments, counted once and not per copy |
//! | `io_price` | $/request | 0 | of each read and write |
//!
//! # When it helps, when it hurts
//!
//! Slow and lost copies are not waited for, as long as the quorum is there without them. Every write is work for all copies.
//! Where `read_quorum` + `write_quorum` is not above `copies`, reads may be stale.
//!
//! # Law
//!
//! Without queues a write takes the time of the `write_quorum`-th fastest of `copies`: with exponential times of mean `m`,
//! `m (1/copies + ... + 1/(copies - write_quorum + 1))`. No read is stale if `read_quorum` + `write_quorum` > `copies`.

mod node;
mod paths;
mod repair;
mod requests;
mod versions;
mod volume;
mod writers;

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::Distribution;
use crate::price::{HourlyPrice, RequestPrice, StoragePrice};
use crate::techniques::parts::copies::MOST_COPIES;
use crate::techniques::technique::{
    Capacity, Demand, Exposure, Mistake, Operations, Prices, Reference, Spec, law_mistakes, mean_s,
};
use crate::units::{Bandwidth, Bytes, Duration};

pub use node::QuorumStorageNode;

/// A quorum storage as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuorumStorage {
    #[serde(default)]
    pub copies: Option<Spanned<u32>>,
    #[serde(default)]
    pub zones: Option<Spanned<u8>>,
    #[serde(default)]
    pub write_quorum: Option<Spanned<u32>>,
    #[serde(default)]
    pub read_quorum: Option<Spanned<u32>>,
    #[serde(default)]
    pub reads: Reads,
    #[serde(default)]
    pub key: Option<Spanned<String>>,
    pub read: Spanned<Distribution>,
    pub write: Spanned<Distribution>,
    #[serde(default)]
    pub latency: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub cross_zone_latency: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub disks: Option<Spanned<u32>>,
    #[serde(default)]
    pub io_queue: Option<Spanned<u32>>,
    #[serde(default)]
    pub size: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub write_size: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub segment_size: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub max_size: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub repair_bandwidth: Option<Spanned<Bandwidth>>,
    #[serde(default)]
    pub repair_delay: Option<Spanned<Duration>>,
    #[serde(default)]
    pub without_quorum: WithoutQuorum,
    #[serde(default)]
    pub writers: Option<Spanned<u32>>,
    #[serde(default)]
    pub replication_lag: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub conflict_retries: Option<Spanned<u32>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
    #[serde(default)]
    pub storage_price: Option<StoragePrice>,
    #[serde(default)]
    pub io_price: Option<RequestPrice>,
}

/// How many copies a read asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Reads {
    /// One that is known to have what is asked for.
    #[default]
    SingleCopy,
    /// All, and it takes the newest of the first answers.
    Quorum,
}

/// What becomes of requests when fewer copies are there than must answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum WithoutQuorum {
    /// They wait until enough are back.
    #[default]
    Wait,
    /// They fail.
    Fail,
}

/// The operations, by index.
const OPERATIONS: [&str; 2] = ["read", "write"];
const WRITE: u16 = 1;

const SEGMENT_BYTES: u64 = 10_000_000_000;
const MOST_BYTES: u64 = 128_000_000_000_000;
const REPAIR_BYTES_PER_S: f64 = 1.25e9;
const REPAIR_DELAY_NS: u64 = 10_000_000_000;
const IO_QUEUE: u32 = 10_000;
const MOST_IO_QUEUE: u32 = 1_000_000;
const MOST_WRITERS: u32 = 1_000;

impl QuorumStorage {
    fn copies(&self) -> u32 {
        self.copies.as_ref().map_or(6, |copies| copies.value)
    }

    fn zones(&self) -> u8 {
        self.zones.as_ref().map_or(self.copies().clamp(1, 3) as u8, |zones| zones.value)
    }

    fn write_quorum(&self) -> u32 {
        self.write_quorum.as_ref().map_or(4, |quorum| quorum.value)
    }

    fn read_quorum(&self) -> u32 {
        self.read_quorum.as_ref().map_or(3, |quorum| quorum.value)
    }

    fn writers(&self) -> u32 {
        self.writers.as_ref().map_or(1, |writers| writers.value)
    }

    fn segment_bytes(&self) -> u64 {
        self.segment_size.as_ref().map_or(SEGMENT_BYTES, |size| size.bytes)
    }

    fn most_bytes(&self) -> u64 {
        self.max_size.as_ref().map_or(MOST_BYTES, |size| size.bytes)
    }

    fn quorum_mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let copies = self.copies();
        if let Some(written) = self.copies.as_ref().filter(|copies| !(1..=MOST_COPIES).contains(&copies.value)) {
            let message = format!("there are between 1 and {MOST_COPIES} copies");
            found.push(Mistake::new(written.span, message, "write for example 6"));
            return found;
        }
        if !(1..=copies).contains(&u32::from(self.zones())) {
            let span = self.zones.as_ref().map_or(Span::default(), |zones| zones.span);
            let message = format!("there are {} zones for {copies} copies", self.zones());
            found.push(Mistake::new(span, message, format!("write zones between 1 and {copies}")));
        }
        let quorums = [
            ("write_quorum", &self.write_quorum, self.write_quorum()),
            ("read_quorum", &self.read_quorum, self.read_quorum()),
        ];
        for (name, written, quorum) in quorums {
            if !(1..=copies).contains(&quorum) {
                let span = written.as_ref().or(self.copies.as_ref()).map_or(Span::default(), |count| count.span);
                let message = format!("of {copies} copies, {quorum} can never answer");
                found.push(Mistake::new(span, message, format!("write {name} between 1 and {copies}")));
            }
        }
        found
    }

    fn writer_mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if let Some(writers) = self.writers.as_ref().filter(|writers| !(1..=MOST_WRITERS).contains(&writers.value)) {
            let message = format!("there are between 1 and {MOST_WRITERS} writers");
            found.push(Mistake::new(writers.span, message, "write for example 2"));
        }
        if let (Some(writers), None) = (self.writers.as_ref().filter(|writers| writers.value > 1), &self.key) {
            let message = "nothing says what the writers write to, so they never conflict";
            found.push(Mistake::new(writers.span, message, "add key: \"page\", a key space of the model"));
        }
        let lag = self.replication_lag.as_ref().map(|lag| (lag.span, "replication_lag"));
        let retries = self.conflict_retries.as_ref().map(|retries| (retries.span, "conflict_retries"));
        for (span, name) in [lag, retries].into_iter().flatten().filter(|_| self.writers() == 1) {
            let message = format!("a single writer has no use for {name}");
            found.push(Mistake::new(span, message, "add writers: 2, or leave it out"));
        }
        found
    }
}

impl Spec for QuorumStorage {
    fn kind(&self) -> &'static str {
        "QuorumStorage"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::Named(OPERATIONS.to_vec())
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.key.iter().map(Reference::Key).collect()
    }

    fn can_fail(&self) -> bool {
        self.without_quorum == WithoutQuorum::Fail || self.writers() > 1 || self.write_size.is_some()
    }

    fn exposure(&self) -> Exposure {
        Exposure { part: "copy", losable: self.copies(), slowable: self.copies(), zones: self.zones() }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = self.quorum_mistakes();
        found.extend(self.writer_mistakes());
        let laws = [&self.latency, &self.cross_zone_latency, &self.replication_lag];
        for law in [&self.read, &self.write].into_iter().chain(laws.into_iter().flatten()) {
            found.extend(law_mistakes(law));
        }
        if let Some(disks) = self.disks.as_ref().filter(|disks| disks.value == 0) {
            found.push(Mistake::new(disks.span, "without disks nothing is ever stored", "write 1 or more"));
        }
        match (&self.io_queue, &self.disks) {
            (Some(queue), None) => {
                let message = "nobody waits at copies whose disks are unlimited";
                found.push(Mistake::new(queue.span, message, "add disks: 8, or leave io_queue out"));
            }
            (Some(queue), Some(_)) if queue.value > MOST_IO_QUEUE => {
                found.push(Mistake::new(queue.span, "at most a million wait at a copy", "write for example 10_000"));
            }
            _ => {}
        }
        if let Some(size) = self.segment_size.as_ref().filter(|size| size.bytes == 0) {
            found.push(Mistake::new(
                size.span,
                "a volume does not grow in steps of nothing",
                "write for example \"10GB\"",
            ));
        }
        if let Some(size) = self.size.as_ref().filter(|size| size.bytes > self.most_bytes()) {
            let message = "more is stored than the volume can hold";
            found.push(Mistake::new(size.span, message, "write a smaller size, or a larger max_size"));
        }
        if let Some(bandwidth) = self.repair_bandwidth.as_ref().filter(|bandwidth| bandwidth.bytes_per_second <= 0.0) {
            found.push(Mistake::new(
                bandwidth.span,
                "at no bandwidth nothing is repaired",
                "write for example \"10Gbit/s\"",
            ));
        }
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let copies = f64::from(self.copies());
        let core_s = match (operation, self.reads) {
            ("write", _) => copies * mean_s(&self.write),
            (_, Reads::SingleCopy) => mean_s(&self.read),
            (_, Reads::Quorum) => copies * mean_s(&self.read),
        };
        let held_s = 2.0 * self.latency.as_ref().map_or(0.0, |law| mean_s(law));
        Demand { core_s, held_s, ..Demand::default() }
    }

    fn capacity(&self) -> Capacity {
        let disks = self.disks.as_ref().map(|disks| f64::from(disks.value) * f64::from(self.copies()));
        Capacity { cores: disks, ..Capacity::default() }
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        self.disks.iter().map(|disks| ("disks", f64::from(disks.value))).collect()
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            usd_per_request: self.io_price.as_ref().map_or(0.0, |price| price.usd_per_request),
            ..Prices::default()
        }
    }
}
