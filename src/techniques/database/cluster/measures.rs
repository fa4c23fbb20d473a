//! What a cluster counts.

use crate::engine::gauge::Gauge;
use crate::engine::record::{Happening, NodeRecord, Share};
use crate::techniques::database::cluster::Cluster;
use crate::techniques::database::log::Record;
use crate::techniques::parts::executor::Executor;

/// A lag that users notice.
const LONG_LAG_NS: u64 = 1_000_000_000;

/// Counts since time zero.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    reads: u64,
    writes: u64,
    /// Reads that a replica answered.
    replica_reads: u64,
    /// Reads that went to the writer because no replica was fresh enough.
    fallbacks: u64,
    /// Reads of keys, and those of them that did not see the last write.
    keyed_reads: u64,
    stale_reads: u64,
    /// Records that replicas which answer reads have applied, and how long after their commit.
    records: u64,
    lag_ns: u128,
    long_lags: u64,
    /// Records that some replica has not applied yet, once for each.
    unapplied: Gauge,
    /// Sum of the times that those which are no longer unapplied were so.
    spent_ns: u128,
    /// Commits that were answered and then lost with their writer.
    lost_commits: u64,
    pub happenings: Vec<Happening>,
    /// What earlier writers computed, in micro-cores x nanoseconds, and for how long they were there.
    writer_busy: u128,
    writer_ns: u64,
    /// When the writer of now became it, and what it had computed before.
    since_ns: u64,
    busy_before: u128,
}

impl Measures {
    pub fn end(&mut self, is_write: bool, is_elsewhere: bool) {
        if is_write {
            self.writes += 1;
        } else {
            self.reads += 1;
            self.replica_reads += u64::from(is_elsewhere);
        }
    }

    pub fn lose_commits(&mut self, count: u64) {
        self.lost_commits += count;
    }

    pub fn fall_back(&mut self) {
        self.fallbacks += 1;
    }

    pub fn read(&mut self, is_stale: bool) {
        self.keyed_reads += 1;
        self.stale_reads += u64::from(is_stale);
    }

    pub fn commit(&mut self, now_ns: u64, followers: u64) {
        self.unapplied.add(now_ns, followers);
    }

    pub fn apply(&mut self, now_ns: u64, committed_ns: u64, is_serving: bool) {
        let lag_ns = now_ns - committed_ns;
        self.unapplied.subtract(now_ns, 1);
        self.spent_ns += u128::from(lag_ns);
        if is_serving {
            self.records += 1;
            self.lag_ns += u128::from(lag_ns);
            self.long_lags += u64::from(lag_ns > LONG_LAG_NS);
        }
    }

    /// A replica will never apply these.
    pub fn forget<'a>(&mut self, now_ns: u64, records: impl Iterator<Item = &'a Record>) {
        for record in records {
            self.unapplied.subtract(now_ns, 1);
            self.spent_ns += u128::from(now_ns - record.committed_ns);
        }
    }
}

impl Cluster {
    /// Fills in a record.
    pub fn observe(&mut self, executor: &Executor, now_ns: u64, record: &mut NodeRecord) {
        if !self.is_scaled {
            // Without a controller they say nothing.
            record.shares.retain(|share| !share.name.ends_with("_replicas") && share.name != "evictions_per_hour");
        }
        self.observe_internals(now_ns, record);
        let measures = &self.measures;
        let share = |name, numerator: u64, denominator: u64| Share {
            name,
            numerator: numerator.into(),
            denominator: denominator.into(),
        };
        let reads = measures.reads;
        record.shares.push(share("write_ratio", measures.writes, reads + measures.writes));
        if !self.has_replicas {
            return;
        }
        record.shares.push(share("replica_read_ratio", measures.replica_reads, reads));
        record.shares.push(share("writer_fallback_ratio", measures.fallbacks, reads));
        record.shares.push(share("stale_read_ratio", measures.stale_reads, measures.keyed_reads));
        let records = u128::from(measures.records);
        record.shares.push(Share {
            name: "replication_lag_mean_s",
            numerator: measures.lag_ns,
            denominator: records * 1_000_000_000,
        });
        record.shares.push(share("replication_lag_above_1s_ratio", measures.long_lags, measures.records));
        record.shares.push(Share::level("unapplied_records", &measures.unapplied, now_ns));
        if self.is_scaled {
            record.shares.push(Share::per_hour("lost_commits_per_hour", self.measures.lost_commits, now_ns));
        }
        record.happenings.append(&mut self.measures.happenings);
        let (writer, writer_ns) = self.writers(executor, now_ns);
        record.shares.push(share("writer_available_ratio", writer_ns, now_ns));
        let all_busy = record.counters.busy_ns * 1_000_000;
        let all_there = record.counters.capacity_ns * 1_000_000;
        let writer_there = (writer_ns as f64 * executor.cores() * 1e6) as u128;
        record.shares.push(Share { name: "writer_utilization_ratio", numerator: writer, denominator: writer_there });
        record.shares.push(Share {
            name: "replica_utilization_ratio",
            numerator: all_busy.saturating_sub(writer),
            denominator: all_there.saturating_sub(writer_there),
        });
    }

    /// What writers computed so far, in micro-cores x nanoseconds, and for how long there was one.
    fn writers(&self, executor: &Executor, now_ns: u64) -> (u128, u64) {
        let Measures { writer_busy, writer_ns, since_ns, busy_before, .. } = &self.measures;
        self.writer.map_or((*writer_busy, *writer_ns), |place| {
            (
                (writer_busy + executor.busy_microcore_ns(place, now_ns)).saturating_sub(*busy_before),
                writer_ns + now_ns - since_ns,
            )
        })
    }

    /// Another server is the writer from now on, or none.
    pub fn set_writer(&mut self, executor: &mut Executor, now_ns: u64, writer: Option<usize>) {
        let (busy, there_ns) = self.writers(executor, now_ns);
        self.measures.writer_busy = busy;
        self.measures.writer_ns = there_ns;
        self.measures.since_ns = now_ns;
        self.measures.busy_before = writer.map_or(0, |place| executor.busy_microcore_ns(place, now_ns));
        self.writer = writer;
        executor.keep(writer);
    }

    /// Checks that the log holds what replicas lack, and Little's law of it.
    pub fn audit(&self, now_ns: u64) -> Result<(), String> {
        let followers = || self.followers.iter().flatten().map(|(_, follower)| follower);
        let lacking: u64 = followers().map(|follower| self.log.end() - follower.applied).sum();
        let unapplied = &self.measures.unapplied;
        if lacking != unapplied.level() {
            return Err(format!("{lacking} records are not applied, {} counted", unapplied.level()));
        }
        let age = |record: &Record| u128::from(now_ns - record.committed_ns);
        let ages: u128 = followers().flat_map(|follower| self.log.from(follower.applied)).map(age).sum();
        let (area, spent) = (unapplied.integral(now_ns), self.measures.spent_ns + ages);
        if area != spent {
            return Err(format!("Little's law of the log: area {area} ns, time spent {spent} ns"));
        }
        Ok(())
    }
}
