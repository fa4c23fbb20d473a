//! What time alone brings about: who has waited too long, and what has been idle or open too long.

use crate::engine::Failure;
use crate::techniques::parts::pool::pools::{Act, Least, Pools};

impl Pools {
    /// A time has come at which a look at this place was due.
    pub fn look(&mut self, now_ns: u64, place: u16) {
        let pool = &mut self.pools[usize::from(place)];
        // Others were overtaken by an earlier one.
        if pool.look_ns != Some(now_ns) {
            return;
        }
        pool.look_ns = None;
        self.give_up_waits(now_ns, place);
        self.close_idle(now_ns, place);
        self.fill(now_ns, place);
        self.look_later(now_ns, place);
    }

    fn give_up_waits(&mut self, now_ns: u64, place: u16) {
        let Some(timeout_ns) = self.rules.wait_timeout_ns else { return };
        let pool = &mut self.pools[usize::from(place)];
        while let Some(&(slot, since_ns)) = pool.waiting.front() {
            if since_ns.saturating_add(timeout_ns) > now_ns {
                return;
            }
            pool.waiting.pop_front();
            self.ledger.waited(now_ns, since_ns);
            self.ledger.timed_out += 1;
            self.acts.push_back(Act::Drop { slot, failure: Failure::TimedOut });
        }
    }

    /// Connections that have been idle for long are at the front, since those used last go first.
    fn close_idle(&mut self, now_ns: u64, place: u16) {
        let mut position = 0;
        loop {
            let pool = &self.pools[usize::from(place)];
            let Some(&number) = pool.idle.get(position) else { return };
            let connection = &self.connections[usize::from(number)];
            let is_idle_too_long = self.may_close_idle(place)
                && self
                    .rules
                    .idle_timeout_ns
                    .is_some_and(|time_ns| connection.idle_ns.saturating_add(time_ns) <= now_ns);
            if is_idle_too_long || connection.expires_ns <= now_ns {
                self.pools[usize::from(place)].idle.remove(position);
                self.leave(place);
                self.close(now_ns, number);
            } else {
                position += 1;
            }
        }
    }

    /// Whether the pool has more than it always keeps.
    fn may_close_idle(&self, place: u16) -> bool {
        let pool = &self.pools[usize::from(place)];
        match self.rules.least {
            Least::Idle(least) => pool.idle.len() as u32 > least,
            Least::Total(least) => pool.total > least,
        }
    }

    /// Sees to it that there is a look when the next thing is due.
    pub(super) fn look_later(&mut self, now_ns: u64, place: u16) {
        let pool = &self.pools[usize::from(place)];
        let mut due_ns = u64::MAX;
        if let Some((_, since_ns)) = pool.waiting.front() {
            due_ns = since_ns.saturating_add(self.rules.wait_timeout_ns.unwrap_or(u64::MAX));
            let reserve_ns = since_ns.saturating_add(self.rules.reserve_after_ns);
            if self.rules.reserve > 0 && reserve_ns > now_ns {
                due_ns = due_ns.min(reserve_ns);
            }
        }
        if pool.pause_until_ns > now_ns {
            due_ns = due_ns.min(pool.pause_until_ns);
        }
        self.look_by(now_ns, place, due_ns);
        if self.rules.lifetime_ns.is_some() || self.rules.idle_timeout_ns.is_some() {
            let pool = &self.pools[usize::from(place)];
            let expiries = pool.idle.iter().map(|number| self.connections[usize::from(*number)].expires_ns);
            if let Some(expires_ns) = expiries.min() {
                self.look_at_idle(now_ns, place, expires_ns);
            }
        }
    }

    /// As [`Pools::look_later`] when a connection has become idle that expires then; what holds of the others was seen to
    /// before.
    pub(super) fn look_at_idle(&mut self, now_ns: u64, place: u16, expires_ns: u64) {
        let mut due_ns = expires_ns;
        if let (Some(timeout_ns), true) = (self.rules.idle_timeout_ns, self.may_close_idle(place)) {
            let first = self.pools[usize::from(place)].idle.first();
            let since_ns = first.map_or(u64::MAX, |number| self.connections[usize::from(*number)].idle_ns);
            due_ns = due_ns.min(since_ns.saturating_add(timeout_ns));
        }
        self.look_by(now_ns, place, due_ns);
    }

    /// There is a look at this time, or before.
    fn look_by(&mut self, now_ns: u64, place: u16, due_ns: u64) {
        let pool = &mut self.pools[usize::from(place)];
        if due_ns < u64::MAX && pool.look_ns.is_none_or(|look_ns| due_ns < look_ns) {
            let at_ns = due_ns.max(now_ns);
            pool.look_ns = Some(at_ns);
            self.acts.push_back(Act::Look { place, at_ns });
        }
    }
}
