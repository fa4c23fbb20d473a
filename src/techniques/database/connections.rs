//! The connections that pools, poolers and transactions keep open. What comes over one has its place among
//! `max_connections` already; all other queries find only what these leave.

use crate::engine::Outcome;
use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::visit::Visit;
use crate::techniques::database::node::{DatabaseNode, Tally};
use crate::techniques::parts::executor::Executor;
use crate::techniques::parts::pool::Wish;

impl DatabaseNode {
    /// A visit arrives where connections are kept. Returns whether it is to be served: who finds no connection is refused,
    /// and nobody waits to connect.
    #[inline(never)]
    pub(super) fn meets_session(&mut self, context: &mut Context, slot: u32) -> bool {
        let now_ns = context.now_ns();
        let word = context.id(slot).word();
        let Some(sessions) = &mut self.tally.sessions else { return true };
        let visit = context.visit(slot);
        let is_served = match sessions.wish(visit.operation) {
            Wish::Alone(_) => return true,
            Wish::Connect if sessions.has_number() && self.executor.open_session() => {
                sessions.connect(now_ns, word);
                // What is written is connected at time zero, which takes nothing.
                visit.operation += u16::from(now_ns == 0);
                true
            }
            Wish::Connect => {
                sessions.refuse();
                false
            }
            Wish::Over(operation) | Wish::Within(operation) => {
                visit.operation = operation;
                sessions.begin(now_ns, word, visit.replica)
            }
        };
        context.visit(slot).replica = Visit::ANY_REPLICA;
        if is_served {
            Executor::use_session(context, slot);
        } else {
            self.executor.receive(context, slot);
            self.executor.refuse(context, slot);
        }
        is_served
    }

    /// Sessions that have ended leave their places to others.
    #[inline(always)]
    pub(super) fn end_sessions(&mut self, context: &mut Context) {
        if self.tally.sessions.is_some() {
            self.leave_places(context);
        }
    }

    #[inline(never)]
    fn leave_places(&mut self, context: &mut Context) {
        while self.tally.sessions.as_mut().is_some_and(|sessions| sessions.take_ended()) {
            self.executor.close_session(context, &mut self.tally);
        }
    }

    /// A command about connections.
    pub(super) fn connection_command(&mut self, context: &mut Context, command: &Command) {
        let Command::Disconnect { connection } = command else { return };
        let Some(sessions) = &mut self.tally.sessions else { return };
        if sessions.close(context.now_ns(), *connection) {
            self.executor.close_session(context, &mut self.tally);
            self.end_sessions(context);
        }
    }

    pub(super) fn audit_sessions(&self) -> Result<(), String> {
        let Some(sessions) = &self.tally.sessions else { return Ok(()) };
        sessions.audit(self.executor.sessions(), self.executor.over_sessions())
    }
}

impl Tally {
    /// A visit over a session is about to be answered: who connects is told the number.
    #[inline(never)]
    pub(super) fn end_over_session(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        let word = context.id(slot).word();
        let succeeded = !matches!(outcome, Outcome::Failed(_));
        let Some(sessions) = &mut self.sessions else { return };
        let Some(number) = sessions.end(context.now_ns(), word, succeeded) else { return };
        let visit = context.visit(slot);
        if !matches!(sessions.wish(visit.operation), Wish::Alone(_)) {
            visit.replica = number;
        }
    }
}
