//! What every station measures of its visits, and the identities these measurements must obey.

use crate::engine::Evidence;
use crate::engine::control::NodeSample;
use crate::engine::gauge::Gauge;
use crate::engine::record::{Counters, NodeRecord};
use crate::statistics::histogram::LatencyHistogram;
use crate::statistics::total::Total;

/// Counts, time integrals and latencies of one station.
///
/// The integrals are made from the simulation's clock alone. The time that visits spent here is summed up apart, from
/// what each visit says of when it came, so that [`Meter::audit`] compares two independent measurements.
///
/// In the order in which a visit touches it: four cache lines, and then what is rare. Among thousands of stations, lines are
/// what a visit costs.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Meter {
    arrivals: u64,
    left: u64,
    /// Of the gauge of visits here, whose level is those that arrived and have not left.
    in_system_moment: Total,
    /// Sum of the time that ended visits spent here.
    spent_ns: Total,
    completed: u64,
    failed: u64,
    waiting: Gauge,
    /// Whole cores, and millionths of cores: whichever the station counts in.
    cores: Gauge,
    /// Sum of the computing that whole cores were given.
    demanded_ns: Total,
    latency: LatencyHistogram,
    wait: LatencyHistogram,
    microcores: Gauge,
    /// Those of the failed that were turned away at the door.
    rejected: u64,
}

impl Meter {
    /// A visit arrives.
    #[inline(always)]
    pub fn arrive(&mut self, now_ns: u64) {
        self.arrivals += 1;
        self.in_system_moment.add(u128::from(now_ns));
    }

    /// A visit begins to wait.
    #[inline(always)]
    pub fn wait(&mut self, now_ns: u64) {
        self.waiting.add(now_ns, 1);
    }

    /// A visit's waiting ends.
    #[inline(always)]
    pub fn waited(&mut self, now_ns: u64) {
        self.waiting.subtract(now_ns, 1);
    }

    /// A core becomes busy, with this much to do.
    #[inline(always)]
    pub fn occupy(&mut self, now_ns: u64, demand_ns: u64) {
        self.cores.add(now_ns, 1);
        self.demand(demand_ns);
    }

    /// A core that has become free is busy again at once.
    #[inline(always)]
    pub fn demand(&mut self, demand_ns: u64) {
        self.demanded_ns.add(u128::from(demand_ns));
    }

    /// Computing that was given to a core is taken back.
    pub fn take_back(&mut self, demand_ns: u64) {
        self.demanded_ns.subtract(u128::from(demand_ns));
    }

    /// A core becomes idle.
    #[inline(always)]
    pub fn release(&mut self, now_ns: u64) {
        self.cores.subtract(now_ns, 1);
    }

    /// Of the cores that are shared, so many millionths more are busy; negative: fewer.
    pub fn occupy_microcores(&mut self, now_ns: u64, change: i64) {
        self.microcores.set(now_ns, self.microcores.level().saturating_add_signed(change));
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

    /// A hint: this answer will soon be given.
    #[inline(always)]
    pub fn expect_answer(&self, latency_ns: u64, waited_ns: u64) {
        self.latency.expect(latency_ns);
        self.wait.expect(waited_ns);
    }

    /// A visit is turned away before anything was done for it.
    pub fn reject(&mut self, now_ns: u64, entered_ns: u64) {
        self.answer(false, 0, 0);
        self.rejected += 1;
        self.leave(now_ns, entered_ns);
    }

    /// A visit leaves.
    #[inline(always)]
    pub fn leave(&mut self, now_ns: u64, entered_ns: u64) {
        self.in_system_moment.subtract(u128::from(now_ns));
        self.left += 1;
        self.spent_ns.add(u128::from(now_ns - entered_ns));
    }

    /// Visits here now.
    #[inline(always)]
    pub fn in_system(&self) -> u64 {
        self.arrivals - self.left
    }

    /// Visits x nanoseconds here.
    fn in_system_ns(&self, now_ns: u64) -> u128 {
        (u128::from(self.in_system()) * u128::from(now_ns)).wrapping_sub(self.in_system_moment.get())
    }

    /// Core nanoseconds of computing.
    pub fn busy_ns(&self, now_ns: u64) -> u128 {
        self.cores.integral(now_ns) + self.microcores.integral(now_ns) / 1_000_000
    }

    /// Fills in what a controller may see.
    pub fn sample(&self, sample: &mut NodeSample) {
        sample.arrivals = self.arrivals;
        sample.completed = self.completed;
        sample.failed = self.failed;
        sample.waiting = self.waiting.level();
        sample.in_system = self.in_system();
    }

    /// Fills in a record.
    pub fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        record.counters = Counters {
            arrivals: self.arrivals,
            completed: self.completed,
            failed: self.failed,
            left: self.left,
            billed: self.completed + self.failed - self.rejected,
            in_system_ns: self.in_system_ns(now_ns),
            waiting_ns: self.waiting.integral(now_ns),
            busy_ns: self.busy_ns(now_ns),
            ..Counters::default()
        };
        record.wait = self.wait.take();
        record.latency = self.latency.take();
    }

    /// Checks conservation (what arrived has left or is here) and Little's law in whole nanoseconds: the area under the
    /// curve of the number present is the time that visits spent here, those that left and those still here.
    pub fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        if self.arrivals != self.left + evidence.present {
            let (arrived, left) = (self.arrivals, self.left);
            return Err(format!("{arrived} arrived, {left} left, {} here", evidence.present));
        }
        let (present, area) = (self.in_system(), self.in_system_ns(now_ns));
        let spent = self.spent_ns.get() + evidence.present_ns;
        if area != spent {
            return Err(format!("Little's law: area {area} ns, time spent {spent} ns"));
        }
        if self.waiting.level() > present {
            return Err(format!("{} wait but only {present} are there", self.waiting.level()));
        }
        if self.waiting.integral(now_ns) > area {
            return Err(format!("waited for {} ns, present for {area} ns", self.waiting.integral(now_ns)));
        }
        if self.arrivals < self.completed + self.failed {
            return Err(format!("{} arrived, {} answered", self.arrivals, self.completed + self.failed));
        }
        Ok(())
    }

    /// Checks the utilization law in whole nanoseconds: whole cores were busy for as long as the computing given to
    /// them takes, less what is left to do.
    pub fn audit_cores(&self, now_ns: u64, left_ns: u128) -> Result<(), String> {
        let busy = self.cores.integral(now_ns) + left_ns;
        if busy != self.demanded_ns.get() {
            return Err(format!(
                "utilization law: busy and left to do {busy} ns, demanded {} ns",
                self.demanded_ns.get()
            ));
        }
        Ok(())
    }
}
