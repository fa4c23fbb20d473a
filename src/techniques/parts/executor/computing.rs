//! Computes on a replica's cores: on one that nobody else wants, on one after others, or on some shared with others.

use crate::engine::Timer;
use crate::engine::context::Context;
use crate::engine::visit::{NONE, VisitList};
use crate::random::Stream;
use crate::techniques::parts::executor::{
    BRANCH, COMPUTED, COMPUTED_LAST, Executor, Finish, Limits, PROCESSOR, Replica,
};
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::processor::{Processor, Sharing};
use crate::techniques::parts::program::{Instruction, Program};

/// In micro-cores.
const WHOLE_CORE: i64 = 1_000_000;

impl Executor {
    #[inline(always)]
    pub(super) fn compute(&mut self, context: &mut Context, slot: u32, index: usize, demand_ns: u64, is_last: bool) {
        let now_ns = context.now_ns();
        if !self.ample {
            match &mut self.replicas[index].processor {
                Processor::Ample => {}
                Processor::RunToCompletion { busy, .. } => *busy += 1,
                Processor::Sharing(_) => return self.compute_shared(context, slot, index, demand_ns),
            }
        }
        self.meter.occupy(now_ns, demand_ns);
        if let Some(fleet) = &mut self.fleet {
            fleet.occupy(now_ns, index, WHOLE_CORE);
        }
        let timer = computed(context, &self.meter, slot, demand_ns, is_last);
        context.after(demand_ns, timer);
    }

    /// How long a computation takes here that takes so long on a replica that has warmed up.
    #[inline(always)]
    pub(super) fn demand_ns(&self, index: usize, demand_ns: u64) -> u64 {
        match &self.fleet {
            None => demand_ns,
            Some(fleet) => (demand_ns as f64 * fleet.slowdown(index)) as u64,
        }
    }

    #[inline(never)]
    pub(super) fn compute_shared(&mut self, context: &mut Context, slot: u32, index: usize, demand_ns: u64) {
        let now_ns = context.now_ns();
        let Processor::Sharing(sharing) = &mut self.replicas[index].processor else { return };
        if let Some(timer_ns) = sharing.add(now_ns, slot, demand_ns) {
            context.after(timer_ns - now_ns, Timer { kind: PROCESSOR, data: index as u64 });
        }
        self.tell_busy(now_ns, index);
    }

    /// A visit's computation on a core of its own has ended: the core goes to the next one, or is idle.
    #[inline(always)]
    pub(super) fn pass_core_on(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        if self.ample && self.fleet.is_none() {
            return self.meter.release(now_ns);
        }
        let index = usize::from(context.visit(slot).replica);
        if let Processor::RunToCompletion { queue, busy, .. } = &mut self.replicas[index].processor {
            if let Some(next) = queue.pop_front(context.visits()) {
                let visit = context.visit(next);
                visit.started_ns = visit.started_ns.wrapping_add(now_ns);
                let (key, salt, at) = (visit.key, visit.salt, visit.program_counter);
                if visit.flags & BRANCH == 0 {
                    self.meter.waited(now_ns);
                }
                // The demand is a function of the visit, so it need not be remembered while waiting.
                if let Instruction::Compute { ref law, purpose, is_last } = self.program.code[usize::from(at)] {
                    let demand_ns = self.demand_ns(index, law.sample_ns(&mut Stream::keyed(key, purpose, salt)));
                    self.meter.demand(demand_ns);
                    let timer = computed(context, &self.meter, next, demand_ns, is_last);
                    context.after(demand_ns, timer);
                }
                return;
            }
            *busy -= 1;
        }
        self.meter.release(now_ns);
        if let Some(fleet) = &mut self.fleet {
            fleet.occupy(now_ns, index, -WHOLE_CORE);
        }
    }

    /// As [`Self::pass_core_on`] where cores are ample and replicas for ever, once the visit has left: whoever takes its worker
    /// up, if anybody, takes over the core too if computing is the first thing to do.
    #[inline(always)]
    pub(super) fn take_core_over(&mut self, context: &mut Context, next: u32, finish: &mut impl Finish) {
        if next != NONE {
            let visit = context.visit(next);
            let (key, salt, at) = (visit.key, visit.salt, visit.program_counter);
            if let Instruction::Compute { ref law, purpose, is_last } = self.program.code[usize::from(at)] {
                let demand_ns = law.sample_ns(&mut Stream::keyed(key, purpose, salt));
                self.meter.demand(demand_ns);
                let timer = computed(context, &self.meter, next, demand_ns, is_last);
                context.after(demand_ns, timer);
                return self.go_on_with_others(context, finish);
            }
        }
        self.meter.release(context.now_ns());
        if next != NONE {
            self.ready.push(next);
        }
        self.go_on_with_others(context, finish);
    }

    /// A replica has more cores than before: they take up what waits for one.
    #[cold]
    pub(super) fn use_free_cores(&mut self, context: &mut Context, index: usize) {
        let now_ns = context.now_ns();
        loop {
            let Processor::RunToCompletion { cores, busy, queue } = &mut self.replicas[index].processor else { return };
            if *busy >= *cores {
                return;
            }
            let Some(next) = queue.pop_front(context.visits()) else { return };
            let visit = context.visit(next);
            visit.started_ns = visit.started_ns.wrapping_add(now_ns);
            let (key, salt, at) = (visit.key, visit.salt, visit.program_counter);
            if visit.flags & BRANCH == 0 {
                self.meter.waited(now_ns);
            }
            if let Instruction::Compute { ref law, purpose, is_last } = self.program.code[usize::from(at)] {
                let demand_ns = self.demand_ns(index, law.sample_ns(&mut Stream::keyed(key, purpose, salt)));
                self.compute(context, next, index, demand_ns, is_last);
            }
        }
    }

    #[inline(never)]
    pub(super) fn shared_computed(&mut self, context: &mut Context, index: usize, finish: &mut impl Finish) {
        let now_ns = context.now_ns();
        let Processor::Sharing(sharing) = &mut self.replicas[index].processor else { return };
        if !sharing.accept_timer(now_ns) {
            return;
        }
        let first = self.ready.len();
        while let Some(slot) = sharing.take_ended(now_ns) {
            self.ready.push(slot);
        }
        if let Some(timer_ns) = sharing.next_timer(now_ns) {
            context.after(timer_ns - now_ns, Timer { kind: PROCESSOR, data: index as u64 });
        }
        self.tell_busy(now_ns, index);
        // What is ready is taken from the end; the first to end goes first.
        self.ready[first..].reverse();
        for position in first..self.ready.len() {
            context.visit(self.ready[position]).program_counter += 1;
        }
        self.go_on(context, NONE, finish);
    }

    pub(super) fn tell_busy(&mut self, now_ns: u64, index: usize) {
        let replica = &mut self.replicas[index];
        if let Processor::Sharing(sharing) = &replica.processor {
            let busy = sharing.busy_microcores();
            let change = busy as i64 - replica.busy_microcores as i64;
            self.meter.occupy_microcores(now_ns, change);
            replica.busy_microcores = busy;
            if let Some(fleet) = &mut self.fleet {
                fleet.occupy(now_ns, index, change);
            }
        }
    }

    /// The processor for this many cores and workers.
    pub fn processor(
        limits: &Limits,
        program: &Program,
        run_to_completion: bool,
        contention: f64,
        coherency: f64,
    ) -> Processor {
        if run_to_completion {
            let cores = (limits.cores.floor() as u32).max(1);
            return Processor::RunToCompletion { cores, busy: 0, queue: VisitList::default() };
        }
        // A worker computes on one core at a time, except where a step has parallel branches.
        let crowded = f64::from(limits.workers) > limits.cores || !program.branches.is_empty();
        let shared = crowded || contention > 0.0 || coherency > 0.0;
        if shared {
            Processor::Sharing(Box::new(Sharing::new(limits.cores, contention, coherency)))
        } else {
            Processor::Ample
        }
    }
}

impl Replica {
    /// Lets a visit wait if every core runs a computation to its end. Returns whether it must.
    #[inline(always)]
    pub(super) fn lets_wait(&mut self, meter: &mut Meter, context: &mut Context, slot: u32) -> bool {
        let Processor::RunToCompletion { cores, busy, queue } = &mut self.processor else { return false };
        if *busy < *cores {
            return false;
        }
        let now_ns = context.now_ns();
        // The start of service moves by as much as is waited here; begun with the subtraction.
        let visit = context.visit(slot);
        visit.started_ns = visit.started_ns.wrapping_sub(now_ns);
        // A branch that waits is no request that waits: its visit is there and counted once.
        if visit.flags & BRANCH == 0 {
            meter.wait(now_ns);
        }
        queue.push_back(context.visits(), slot);
        true
    }
}

/// The timer for the end of a computation of so long on a core of its own.
#[inline(always)]
fn computed(context: &mut Context, meter: &Meter, slot: u32, demand_ns: u64, is_last: bool) -> Timer {
    if is_last && context.is_vast() {
        expect_answer(context, meter, slot, demand_ns);
    }
    Timer { kind: if is_last { COMPUTED_LAST } else { COMPUTED }, data: context.id(slot).word() }
}

/// The visit's answer will be given when its last computation ends, which is known now.
#[inline(never)]
fn expect_answer(context: &mut Context, meter: &Meter, slot: u32, demand_ns: u64) {
    let now_ns = context.now_ns();
    let visit = context.visit(slot);
    let waited_ns = visit.started_ns.wrapping_sub(visit.entered_ns);
    meter.expect_answer((now_ns - visit.entered_ns).saturating_add(demand_ns), waited_ns);
}
