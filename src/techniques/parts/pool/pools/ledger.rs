//! What is counted of pools, and the identities that the counts obey.

use crate::engine::gauge::Gauge;
use crate::engine::record::Share;
use crate::techniques::parts::pool::pools::{Connection, Pool, State};

/// Counts of all pools of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// Pools that are there.
    pub pools: Gauge,
    /// Connections that are open, and those of them that somebody has.
    pub open: Gauge,
    pub used: Gauge,
    /// Visits that wait for one.
    pub waiting: Gauge,
    pub asked: u64,
    pub timed_out: u64,
    pub opened: u64,
    pub refused: u64,
    /// Sum of the times that ended waits took, and that closed connections were open.
    waited_ns: u128,
    open_ns: u128,
}

impl Ledger {
    /// A wait has ended.
    pub fn waited(&mut self, now_ns: u64, since_ns: u64) {
        self.waiting.subtract(now_ns, 1);
        self.waited_ns += u128::from(now_ns - since_ns);
    }

    /// A connection is closed.
    pub fn closed(&mut self, now_ns: u64, opened_ns: u64) {
        self.open.subtract(now_ns, 1);
        self.open_ns += u128::from(now_ns - opened_ns);
    }

    pub fn observe(&self, now_ns: u64, most: u32, shares: &mut Vec<Share>) {
        let share = |name, numerator: u128, denominator: u128| Share { name, numerator, denominator };
        let asked = u128::from(self.asked);
        let attempts = u128::from(self.opened + self.refused);
        let places_ns = self.pools.integral(now_ns) * u128::from(most);
        shares.extend([
            share("connection_utilization_ratio", self.used.integral(now_ns), places_ns),
            Share::level("open_connections", &self.open, now_ns),
            Share::level("waiting_clients", &self.waiting, now_ns),
            share("avg_wait_s", self.waiting.integral(now_ns), asked * 1_000_000_000),
            share("wait_timeout_ratio", self.timed_out.into(), asked),
            share("refused_connection_ratio", self.refused.into(), attempts),
        ]);
    }

    pub fn audit(&self, now_ns: u64, pools: &[Pool], connections: &[Connection]) -> Result<(), String> {
        let count = |state: State| connections.iter().filter(|one| one.state == state).count() as u64;
        let (idle, used, broken) = (count(State::Idle), count(State::Used), count(State::Broken));
        if idle + used + broken != self.open.level() {
            return Err(format!("{idle} idle, {used} used, {broken} broken, but {} open", self.open.level()));
        }
        let listed: u64 = pools.iter().map(|pool| pool.idle.len() as u64).sum();
        let total: u64 = pools.iter().map(|pool| u64::from(pool.total)).sum();
        if listed != idle || total != idle + used || used != self.used.level() {
            return Err(format!("{idle} idle and {used} used, but {listed} listed and {total} in pools"));
        }
        let open = connections.iter().filter(|one| one.state != State::Closed);
        let open_ns = self.open_ns + open.map(|one| u128::from(now_ns - one.opened_ns)).sum::<u128>();
        if open_ns != self.open.integral(now_ns) {
            return Err(format!("connections: area {} ns, open {open_ns} ns", self.open.integral(now_ns)));
        }
        let waits = pools.iter().flat_map(|pool| &pool.waiting);
        let waited_ns = self.waited_ns + waits.map(|(_, since_ns)| u128::from(now_ns - since_ns)).sum::<u128>();
        if waited_ns != self.waiting.integral(now_ns) {
            return Err(format!("waiting: area {} ns, waited {waited_ns} ns", self.waiting.integral(now_ns)));
        }
        Ok(())
    }
}
