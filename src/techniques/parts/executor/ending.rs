//! Ends what a visit does: its branches, which it starts and joins, its answer, and its stay at a worker.

use crate::engine::context::Context;
use crate::engine::visit::{NONE, Visit, VisitId};
use crate::engine::{Failure, Outcome};
use crate::techniques::parts::executor::{ANSWERED, BRANCH, CHOSEN_HERE, Executor, FAILED, Finish, OVER_SESSION};

impl Executor {
    /// Starts the branches of a parallel step.
    #[inline(never)]
    pub(super) fn fork(&mut self, context: &mut Context, slot: u32, branches: u16, join: u16) {
        let starts = std::mem::take(&mut self.program.branches[usize::from(branches)]);
        let parent = *context.visit(slot);
        let token = context.id(slot).token();
        {
            let visit = context.visit(slot);
            visit.pending = starts.len() as u16;
            visit.program_counter = join;
        }
        for &start in starts.iter().rev() {
            let branch = context.open(parent.operation, token, parent.identity());
            let visit = context.visit(branch);
            visit.flags = BRANCH;
            visit.replica = parent.replica;
            visit.program_counter = start;
            self.ready.push(branch);
        }
        self.program.branches[usize::from(branches)] = starts;
    }

    #[inline(always)]
    pub(super) fn end(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) -> u32 {
        if context.visit(slot).flags & BRANCH != 0 {
            return self.join(context, slot, None, finish);
        }
        let outcome = finish.finish(context, slot);
        self.depart(context, slot, outcome, finish)
    }

    /// The operation of this visit fails.
    #[cold]
    #[inline(never)]
    pub(super) fn fail(&mut self, context: &mut Context, slot: u32, outcome: Outcome, finish: &mut impl Finish) -> u32 {
        self.roll_back(context, slot);
        if self.flights.is_some() {
            self.abandon_flights(context, slot);
        }
        if context.visit(slot).flags & BRANCH != 0 {
            return self.join(context, slot, Some(outcome), finish);
        }
        self.depart(context, slot, outcome, finish)
    }

    /// A branch ends; the last one lets its parent go on, or fail if any branch failed.
    #[inline(never)]
    fn join(&mut self, context: &mut Context, slot: u32, failure: Option<Outcome>, finish: &mut impl Finish) -> u32 {
        let parent = VisitId::from_token(context.visit(slot).token).slot;
        context.close(slot);
        let visit = context.visit(parent);
        visit.pending -= 1;
        if failure.is_some() {
            visit.flags |= FAILED;
        }
        if visit.pending > 0 {
            return NONE;
        }
        if visit.flags & FAILED != 0 {
            visit.flags &= !FAILED;
            return self.fail(context, parent, Outcome::Failed(Failure::Error), finish);
        }
        parent
    }

    /// Answers a visit that goes on afterwards.
    #[inline(never)]
    pub(super) fn answer_early<F: Finish>(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        let now_ns = context.now_ns();
        let visit = context.visit(slot);
        visit.program_counter += 1;
        if visit.flags & ANSWERED == 0 {
            visit.flags |= ANSWERED;
            let waited_ns = visit.started_ns - visit.entered_ns;
            self.meter.answer(!matches!(outcome, Outcome::Failed(_)), now_ns - visit.entered_ns, waited_ns);
        }
        let replica = context.visit(slot).replica;
        if self.fleet.is_some() || F::HIDES_REPLICAS {
            self.forget_choice::<F>(context, slot);
        }
        context.reply_early(slot, outcome);
        context.visit(slot).replica = replica;
    }

    /// The visit leaves, and its worker takes up the next one, which is returned.
    #[inline(always)]
    fn depart<F: Finish>(&mut self, context: &mut Context, slot: u32, outcome: Outcome, finish: &mut F) -> u32 {
        let now_ns = context.now_ns();
        let place = usize::from(context.visit(slot).replica);
        if self.fleet.is_some() || F::HIDES_REPLICAS {
            self.forget_choice::<F>(context, slot);
        }
        finish.departs(context, slot, outcome);
        let visit = context.answer(slot, outcome);
        let spent_ns = now_ns - visit.entered_ns;
        if visit.flags & ANSWERED == 0 {
            let waited_ns = visit.started_ns - visit.entered_ns;
            self.meter.answer(!matches!(outcome, Outcome::Failed(_)), spent_ns, waited_ns);
        }
        self.meter.leave(now_ns, visit.entered_ns);
        finish.left(context, &visit, place, &mut self.ready);
        if visit.flags & CHOSEN_HERE != 0
            && let Some(balancer) = &mut self.balancer
        {
            balancer.returned(place as u16, spent_ns);
        }
        if let Some(fleet) = &mut self.fleet {
            fleet.complete(now_ns, place);
        }
        let replica = &mut self.replicas[place];
        let is_over_session = visit.flags & OVER_SESSION != 0;
        replica.over_sessions -= u32::from(is_over_session);
        // The worker of a session stays with it.
        if replica.waiting > 0
            && !is_over_session
            && let Some(next) = replica.queue.pop(context)
        {
            replica.waiting -= 1;
            self.meter.waited(now_ns);
            self.begin(context, next);
            return next;
        }
        replica.workers_busy -= 1;
        self.workers_busy.subtract(now_ns, 1);
        if self.fleet.is_some() {
            self.drained(context, place);
        }
        NONE
    }

    /// A caller that left the choice of the replica to this node does not hear of it: to its balancer, if it has one, the
    /// request was never sent to that replica.
    pub(super) fn forget_choice<F: Finish>(&mut self, context: &mut Context, slot: u32) {
        let visit = context.visit(slot);
        if visit.flags & CHOSEN_HERE != 0 {
            visit.replica = Visit::ANY_REPLICA;
        } else if F::HIDES_REPLICAS {
            visit.replica = 0;
        }
    }
}
