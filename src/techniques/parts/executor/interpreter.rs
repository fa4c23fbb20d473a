//! Carries out a visit's program, instruction by instruction, until the visit must wait for something or ends.

use crate::engine::context::Context;
use crate::engine::visit::{NONE, VisitId};
use crate::engine::{Failure, Outcome, Timer};
use crate::random::Stream;
use crate::techniques::parts::executor::{Executor, Finish, Next, WAITED, advance, resalt};
use crate::techniques::parts::program::Instruction;

impl Executor {
    /// A worker takes a visit up.
    #[inline(always)]
    pub(super) fn begin(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        let visit = context.visit(slot);
        visit.started_ns = now_ns;
        visit.program_counter = self.program.start(visit.operation);
    }

    /// Goes on after the instruction at which a visit stood.
    #[inline(always)]
    pub(super) fn proceed(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) {
        context.visit(slot).program_counter += 1;
        self.run(context, slot, finish);
    }

    /// Goes on with a visit, and with all that this sets free to go on.
    #[inline(always)]
    pub(super) fn run(&mut self, context: &mut Context, mut slot: u32, finish: &mut impl Finish) {
        loop {
            slot = self.step(context, slot, finish);
            if slot == NONE {
                match self.ready.pop() {
                    Some(ready) => slot = ready,
                    None => return,
                }
            }
        }
    }

    /// As [`Self::run`] for what may be [`NONE`].
    #[inline(never)]
    pub(super) fn go_on(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) {
        if slot != NONE {
            self.ready.push(slot);
        }
        if let Some(slot) = self.ready.pop() {
            self.run(context, slot, finish);
        }
    }

    /// Goes on with the visits that were set free to go on, if any.
    #[inline(always)]
    pub(super) fn go_on_with_others(&mut self, context: &mut Context, finish: &mut impl Finish) {
        if !self.ready.is_empty() {
            self.go_on(context, NONE, finish);
        }
    }

    /// Carries out instructions until the visit must wait for something or ends. Returns the visit that goes on next, or
    /// [`NONE`]; others that are set free to go on are left in `ready`.
    #[inline(always)]
    fn step<F: Finish>(&mut self, context: &mut Context, slot: u32, finish: &mut F) -> u32 {
        loop {
            let visit = context.visit(slot);
            let (key, salt, at) = (visit.key, visit.salt, visit.program_counter);
            match self.program.code[usize::from(at)] {
                Instruction::Compute { ref law, purpose, is_last } => {
                    let index = usize::from(visit.replica);
                    // Who waits for a core draws its demand when it gets one.
                    if !self.ample && self.replicas[index].lets_wait(&mut self.meter, context, slot) {
                        return NONE;
                    }
                    let demand_ns = self.demand_ns(index, law.sample_ns(&mut Stream::keyed(key, purpose, salt)));
                    self.compute(context, slot, index, demand_ns, is_last);
                    return NONE;
                }
                Instruction::End => return self.end(context, slot, finish),
                Instruction::Call { destination, occurrence }
                | Instruction::CacheGet { destination, occurrence, .. }
                | Instruction::CacheCommand { destination, occurrence } => {
                    let mut identity = visit.identity();
                    identity.salt = resalt(salt, occurrence);
                    let token = VisitId { slot, generation: visit.generation }.token();
                    context.call(destination, token, 0, identity);
                    return NONE;
                }
                Instruction::Wait { ref law, purpose } => {
                    let wait_ns = law.sample_ns(&mut Stream::keyed(key, purpose, salt));
                    let data = context.id(slot).word();
                    context.after(wait_ns, Timer { kind: WAITED, data });
                    return NONE;
                }
                Instruction::Choose { choices } => {
                    visit.program_counter = self.program.choices[usize::from(choices)].target(key, salt);
                }
                Instruction::Jump(target) => visit.program_counter = target,
                Instruction::ChooseByKey { space, ranks_below, otherwise } => {
                    let popular = context.key(space, key) < ranks_below;
                    context.visit(slot).program_counter = if popular { at + 1 } else { otherwise };
                }
                Instruction::Parallel { branches, join } => {
                    self.fork(context, slot, branches, join);
                    return NONE;
                }
                Instruction::Transaction(part) => {
                    if self.transact(context, slot, part) == NONE {
                        return NONE;
                    }
                }
                Instruction::Guarded { part, guard } => {
                    if !self.guarded(context, slot, part, guard) {
                        return NONE;
                    }
                }
                Instruction::Reply => {
                    let outcome = finish.finish(context, slot);
                    self.answer_early::<F>(context, slot, outcome);
                }
                Instruction::Fail { probability, purpose } => {
                    if Stream::keyed(key, purpose, salt).unit() < probability {
                        return self.fail(context, slot, Outcome::Failed(Failure::Error), finish);
                    }
                    visit.program_counter += 1;
                }
                Instruction::Own(number) => {
                    let index = usize::from(visit.replica);
                    match finish.perform(context, slot, number, &mut self.ready) {
                        Next::GoOn => advance(context, slot),
                        Next::Compute(demand_ns) => {
                            let demand_ns = self.demand_ns(index, demand_ns);
                            self.compute_shared(context, slot, index, demand_ns);
                            return NONE;
                        }
                        Next::Pause(wait_ns) => {
                            let data = context.id(slot).word();
                            context.after(wait_ns, Timer { kind: WAITED, data });
                            return NONE;
                        }
                        Next::Wait => return NONE,
                        Next::Fail(failure) => return self.fail(context, slot, Outcome::Failed(failure), finish),
                    }
                }
            }
        }
    }
}
