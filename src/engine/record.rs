//! What a run leaves behind: plain numbers per node, for a window of simulated time.

use crate::engine::gauge::Gauge;
use crate::statistics::histogram::LatencyHistogram;

const HOUR_NS: u128 = 3_600_000_000_000;

/// What every node counts, from time zero. Two of these subtract to a window's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Visits that arrived (for clients: requests sent).
    pub arrivals: u64,
    /// Visits answered with success.
    pub completed: u64,
    /// Visits answered with failure.
    pub failed: u64,
    /// Visits that are no longer in the node.
    pub left: u64,
    /// Visits x nanoseconds in the node.
    pub in_system_ns: u128,
    /// Visits x nanoseconds waiting for service.
    pub waiting_ns: u128,
    /// Cores (or servers) x nanoseconds busy.
    pub busy_ns: u128,
    /// Cores (or servers) x nanoseconds there.
    pub capacity_ns: u128,
    /// Replicas x nanoseconds, which hourly prices multiply; a replica that was resized counts in proportion.
    pub replica_ns: u128,
    /// Micro-dollars per hour x nanoseconds of what has prices of its own, such as machines of several kinds.
    pub charged_ns: u128,
    /// Requests that a price per request is paid for.
    pub billed: u64,
    /// Bytes sent over links.
    pub bytes: u128,
}

impl Counters {
    /// What was counted since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            arrivals: self.arrivals - earlier.arrivals,
            completed: self.completed - earlier.completed,
            failed: self.failed - earlier.failed,
            left: self.left - earlier.left,
            in_system_ns: self.in_system_ns - earlier.in_system_ns,
            waiting_ns: self.waiting_ns - earlier.waiting_ns,
            busy_ns: self.busy_ns - earlier.busy_ns,
            capacity_ns: self.capacity_ns - earlier.capacity_ns,
            replica_ns: self.replica_ns - earlier.replica_ns,
            charged_ns: self.charged_ns - earlier.charged_ns,
            billed: self.billed - earlier.billed,
            bytes: self.bytes - earlier.bytes,
        }
    }

    /// Adds another window's counts.
    pub fn add(&mut self, other: &Self) {
        self.arrivals += other.arrivals;
        self.completed += other.completed;
        self.failed += other.failed;
        self.left += other.left;
        self.in_system_ns += other.in_system_ns;
        self.waiting_ns += other.waiting_ns;
        self.busy_ns += other.busy_ns;
        self.capacity_ns += other.capacity_ns;
        self.replica_ns += other.replica_ns;
        self.charged_ns += other.charged_ns;
        self.billed += other.billed;
        self.bytes += other.bytes;
    }
}

/// A share that only some techniques have, such as the hit ratio of a cache: a numerator and a denominator since zero,
/// in the same unit. Whole numbers, so that parts add up to the whole exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The key in results; its last word is the unit.
    pub name: &'static str,
    pub numerator: u128,
    pub denominator: u128,
}

/// Something that befell a node at one moment, such as a replica that ran out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    pub time_ns: u64,
    /// In a few words, as a chart tells it: `out of memory`.
    pub what: &'static str,
}

/// Happenings that a node remembers from one record to the next.
const MOST_HAPPENINGS: usize = 1_000;

impl Happening {
    /// Puts one more on a node's list, of too many only the first.
    pub fn remember(list: &mut Vec<Self>, time_ns: u64, what: &'static str) {
        if list.len() < MOST_HAPPENINGS {
            list.push(Self { time_ns, what });
        }
    }
}

impl Share {
    /// The average of a level over time.
    pub fn level(name: &'static str, gauge: &Gauge, now_ns: u64) -> Self {
        Self { name, numerator: gauge.integral(now_ns), denominator: u128::from(now_ns) }
    }

    /// How often something happens.
    pub fn per_hour(name: &'static str, count: u64, now_ns: u64) -> Self {
        Self { name, numerator: u128::from(count) * HOUR_NS, denominator: u128::from(now_ns) }
    }
}

/// What clients saw of one operation they request.
#[derive(Clone, Debug, Default)]
pub struct OperationRecord {
    pub completed: u64,
    pub failed: u64,
    /// Of successful requests.
    pub latency: LatencyHistogram,
}

/// One node over one window of time.
#[derive(Clone, Debug, Default)]
pub struct NodeRecord {
    pub counters: Counters,
    /// From arrival to the start of service.
    pub wait: LatencyHistogram,
    /// From arrival to reply.
    pub latency: LatencyHistogram,
    /// Clients only; indexed as their mix.
    pub operations: Vec<OperationRecord>,
    pub shares: Vec<Share>,
    /// In the order of time, each in one record only: a node hands over what has happened since it was last asked.
    pub happenings: Vec<Happening>,
}

impl NodeRecord {
    /// Adds a later window of the same node.
    pub fn merge(&mut self, other: &Self) {
        self.counters.add(&other.counters);
        self.wait.merge(&other.wait);
        self.latency.merge(&other.latency);
        self.operations.resize_with(self.operations.len().max(other.operations.len()), Default::default);
        for (mine, theirs) in self.operations.iter_mut().zip(&other.operations) {
            mine.completed += theirs.completed;
            mine.failed += theirs.failed;
            mine.latency.merge(&theirs.latency);
        }
        if self.shares.is_empty() {
            self.shares.clone_from(&other.shares);
        } else {
            for (mine, theirs) in self.shares.iter_mut().zip(&other.shares) {
                mine.numerator += theirs.numerator;
                mine.denominator += theirs.denominator;
            }
        }
        self.happenings.extend_from_slice(&other.happenings);
    }
}

/// A whole model over one window of time.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub start_ns: u64,
    pub end_ns: u64,
    /// Events processed in the window.
    pub events: u64,
    /// At its end: requests of open workloads in progress, and work in progress that nobody waits for.
    pub backlog: u64,
    pub nodes: Vec<NodeRecord>,
}

impl Record {
    /// Adds the window that follows.
    pub fn merge(&mut self, later: &Self) {
        self.end_ns = later.end_ns;
        self.events += later.events;
        self.backlog = later.backlog;
        self.nodes.resize_with(self.nodes.len().max(later.nodes.len()), Default::default);
        for (mine, theirs) in self.nodes.iter_mut().zip(&later.nodes) {
            mine.merge(theirs);
        }
    }

    /// Simulated seconds.
    pub fn seconds(&self) -> f64 {
        (self.end_ns - self.start_ns) as f64 * 1e-9
    }
}
