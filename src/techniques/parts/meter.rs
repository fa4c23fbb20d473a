//! What every station measures of its visits, and the identities these measurements must obey.

use crate::engine::record::{Counters, NodeRecord};
use crate::statistics::histogram::LatencyHistogram;

/// Counts, time integrals and latencies of one station. One clock serves all three integrals.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    settled_ns: u64,
    in_system: u64,
    waiting: u64,
    busy: u64,
    in_system_area: u128,
    waiting_area: u128,
    busy_area: u128,
    arrivals: u64,
    completed: u64,
    failed: u64,
    /// Sum of the time that ended visits spent here, and of the arrival times of those still here.
    spent_ns: u128,
    entered_ns: u128,
    wait: LatencyHistogram,
    latency: LatencyHistogram,
}

impl Meter {
    #[inline(always)]
    fn settle(&mut self, now_ns: u64) {
        let elapsed = u128::from(now_ns - self.settled_ns);
        self.in_system_area += u128::from(self.in_system) * elapsed;
        self.waiting_area += u128::from(self.waiting) * elapsed;
        self.busy_area += u128::from(self.busy) * elapsed;
        self.settled_ns = now_ns;
    }

    /// A visit arrives.
    #[inline(always)]
    pub fn arrive(&mut self, now_ns: u64) {
        self.settle(now_ns);
        self.arrivals += 1;
        self.in_system += 1;
        self.entered_ns += u128::from(now_ns);
    }

    /// A visit begins to wait.
    #[inline(always)]
    pub fn wait(&mut self, now_ns: u64) {
        self.settle(now_ns);
        self.waiting += 1;
    }

    /// A visit's waiting ends.
    #[inline(always)]
    pub fn waited(&mut self, now_ns: u64) {
        self.settle(now_ns);
        self.waiting -= 1;
    }

    /// Cores become busy, `change` of them; negative: idle.
    #[inline(always)]
    pub fn occupy(&mut self, now_ns: u64, change: i64) {
        self.settle(now_ns);
        self.busy = self.busy.wrapping_add_signed(change);
    }

    /// A visit is answered: how, after what time, of which so much was waiting.
    #[inline(always)]
    pub fn answer(&mut self, success: bool, latency_ns: u64, waited_ns: u64) {
        if success {
            self.completed += 1;
            self.latency.record(latency_ns);
            self.wait.record(waited_ns);
        } else {
            self.failed += 1;
        }
    }

    /// A visit leaves.
    #[inline(always)]
    pub fn leave(&mut self, now_ns: u64, entered_ns: u64) {
        self.settle(now_ns);
        self.in_system -= 1;
        self.entered_ns -= u128::from(entered_ns);
        self.spent_ns += u128::from(now_ns - entered_ns);
    }

    /// Visits here now.
    pub fn in_system(&self) -> u64 {
        self.in_system
    }

    /// Fills in a record; `busy_unit` is the level of `occupy` that stands for one core.
    pub fn observe(&mut self, now_ns: u64, busy_unit: u64, record: &mut NodeRecord) {
        self.settle(now_ns);
        record.counters = Counters {
            arrivals: self.arrivals,
            completed: self.completed,
            failed: self.failed,
            in_system_ns: self.in_system_area,
            waiting_ns: self.waiting_area,
            busy_ns: self.busy_area / u128::from(busy_unit),
            ..Counters::default()
        };
        record.wait = self.wait.take();
        record.latency = self.latency.take();
    }

    /// Checks conservation and Little's law, both exactly: every nanosecond under the curve of the number present is a
    /// nanosecond that some visit spent here.
    pub fn audit(&self, now_ns: u64) -> Result<(), String> {
        let area = self.in_system_area + u128::from(self.in_system) * u128::from(now_ns - self.settled_ns);
        let present = u128::from(self.in_system) * u128::from(now_ns) - self.entered_ns;
        if area != self.spent_ns + present {
            return Err(format!("Little's law: area {area} ns, time spent {} ns", self.spent_ns + present));
        }
        if self.waiting > self.in_system {
            return Err(format!("{} wait but only {} are there", self.waiting, self.in_system));
        }
        if self.arrivals < self.completed + self.failed {
            return Err(format!("{} arrived, {} answered", self.arrivals, self.completed + self.failed));
        }
        Ok(())
    }
}
