//! Workers that callers keep for themselves between their requests: connections of pools.

use crate::engine::context::Context;
use crate::techniques::parts::executor::{Executor, Finish, OVER_SESSION};

impl Executor {
    /// A request will use a session of its caller's, and so finds a worker in any case.
    pub fn use_session(context: &mut Context, slot: u32) {
        context.visit(slot).flags |= OVER_SESSION;
    }

    /// Whether a request uses a session of its caller's.
    pub fn uses_session(flags: u8) -> bool {
        flags & OVER_SESSION != 0
    }

    /// Takes a worker of each replica for one more session, if there is one everywhere.
    pub fn open_session(&mut self) -> bool {
        let workers = self.limits.workers;
        let has_room = |taken: u32, over: u32| taken + self.sessions < workers.saturating_add(over);
        let found = self.replicas.iter().all(|replica| has_room(replica.workers_busy, replica.over_sessions));
        self.sessions += u32::from(found);
        found
    }

    /// A session is over: in each replica its worker takes up a request that waits.
    pub fn close_session(&mut self, context: &mut Context, finish: &mut impl Finish) {
        self.sessions -= 1;
        for place in 0..self.replicas.len() {
            let replica = &mut self.replicas[place];
            let has_room = replica.workers_busy + self.sessions < self.limits.workers + replica.over_sessions;
            if has_room && let Some(next) = replica.queue.pop(context) {
                replica.waiting -= 1;
                replica.workers_busy += 1;
                self.workers_busy.add(context.now_ns(), 1);
                self.meter.waited(context.now_ns());
                self.begin(context, next);
                self.go_on(context, next, finish);
            }
        }
    }

    /// Workers of each replica that are kept for sessions.
    pub fn sessions(&self) -> u64 {
        self.sessions.into()
    }

    /// Visits in service over sessions.
    pub fn over_sessions(&self) -> u64 {
        self.replicas.iter().map(|replica| u64::from(replica.over_sessions)).sum()
    }
}
