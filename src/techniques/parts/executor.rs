//! Runs compiled operations on a set of replicas: accept queue, workers, cores.
//!
//! A visit waits in its replica's accept queue for a worker, holds the worker until its program ends (also while it
//! waits for others, which is what makes pools run dry), and uses the replica's cores while it computes.

use crate::engine::context::Context;
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{NONE, VisitId, VisitList};
use crate::engine::{Evidence, Failure, Outcome, Reply, Timer};
use crate::random::Stream;
use crate::techniques::parts::balancer::Balancer;
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::processor::{Processor, Sharing};
use crate::techniques::parts::program::{Instruction, Program};

/// Timer kinds.
const COMPUTED: u32 = 0;
const WAITED: u32 = 1;
const PROCESSOR: u32 = 2;

/// Marks on a visit.
const BRANCH: u8 = 1;
const FAILED: u8 = 2;
const ANSWERED: u8 = 4;

/// Priorities that a priority queue tells apart.
pub const PRIORITIES: usize = 8;

/// In which order waiting visits get a worker.
#[derive(Clone, Debug)]
pub enum AcceptQueue {
    FirstComeFirstServed(VisitList),
    LastComeFirstServed(VisitList),
    /// By the request's priority, then in order of arrival; work that has begun is not interrupted.
    Priority(Box<[VisitList; PRIORITIES]>),
}

/// One replica.
#[derive(Clone, Debug)]
pub struct Replica {
    workers_busy: u32,
    waiting: u32,
    queue: AcceptQueue,
    processor: Processor,
    /// What the meter was last told that this replica's cores do, in millionths of a core.
    busy_microcores: u64,
}

/// What each replica has.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub cores: f64,
    /// Visits in service at once.
    pub workers: u32,
    /// Visits waiting for a worker.
    pub queue: u32,
    pub zones: u8,
}

/// Replicas that run one program.
#[derive(Clone, Debug)]
pub struct Executor {
    replicas: Vec<Replica>,
    /// Whether the replicas have cores for all, so that nobody need look at them.
    ample: bool,
    limits: Limits,
    balancer: Option<Balancer>,
    program: Program,
    meter: Meter,
    workers_busy: Gauge,
    /// Visits whose programs can go on now.
    ready: Vec<u32>,
}

/// What a node adds when a visit's program has ended well: the outcome to reply with.
pub trait Finish {
    fn finish(&mut self, context: &mut Context, slot: u32) -> Outcome;
}

/// A program's end is its success.
pub struct Succeed;

impl Finish for Succeed {
    #[inline(always)]
    fn finish(&mut self, _context: &mut Context, _slot: u32) -> Outcome {
        Outcome::Done
    }
}

impl AcceptQueue {
    #[inline(always)]
    fn push(&mut self, context: &mut Context, slot: u32) {
        match self {
            Self::FirstComeFirstServed(list) => list.push_back(context.visits(), slot),
            Self::LastComeFirstServed(list) => list.push_front(context.visits(), slot),
            Self::Priority(lists) => {
                let priority = usize::from(context.visit(slot).priority).min(PRIORITIES - 1);
                lists[priority].push_back(context.visits(), slot);
            }
        }
    }

    #[inline(always)]
    fn pop(&mut self, context: &mut Context) -> Option<u32> {
        match self {
            Self::FirstComeFirstServed(list) | Self::LastComeFirstServed(list) => list.pop_front(context.visits()),
            Self::Priority(lists) => lists.iter_mut().find_map(|list| list.pop_front(context.visits())),
        }
    }
}

impl Executor {
    /// `count` equal replicas. `balancer` chooses among them for callers that have not chosen.
    pub fn new(
        count: u32,
        limits: Limits,
        queue: &AcceptQueue,
        processor: &Processor,
        balancer: Option<Balancer>,
        program: Program,
    ) -> Self {
        let replica = Replica {
            workers_busy: 0,
            waiting: 0,
            queue: queue.clone(),
            processor: processor.clone(),
            busy_microcores: 0,
        };
        Self {
            ample: matches!(replica.processor, Processor::Ample),
            replicas: vec![replica; count.max(1) as usize],
            limits,
            balancer,
            program,
            meter: Meter::default(),
            workers_busy: Gauge::default(),
            ready: Vec::new(),
        }
    }

    /// A call arrives.
    #[inline(always)]
    pub fn arrive(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) {
        let now_ns = context.now_ns();
        self.meter.arrive(now_ns);
        let index = if self.replicas.len() == 1 { 0 } else { self.route(context, slot) };
        let visit = context.visit(slot);
        visit.replica = index as u16;
        if index == 0 {
            visit.zone = 0;
        }
        let replica = &mut self.replicas[index];
        if replica.workers_busy < self.limits.workers {
            replica.workers_busy += 1;
            self.workers_busy.add(now_ns, 1);
            visit.started_ns = now_ns;
            visit.program_counter = self.program.starts[usize::from(visit.operation)];
            self.run(context, slot, finish);
        } else if replica.waiting < self.limits.queue {
            replica.waiting += 1;
            replica.queue.push(context, slot);
            self.meter.wait(now_ns);
        } else {
            self.reject(context, slot);
        }
    }

    #[cold]
    #[inline(never)]
    fn reject(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        self.meter.reject(now_ns);
        let visit = context.visit(slot);
        if visit.flags & CHOSEN_HERE != 0
            && let Some(balancer) = &mut self.balancer
        {
            balancer.returned(visit.replica, 0);
        }
        context.reply(slot, Outcome::Failed(Failure::Rejected));
    }

    /// A timer of this node goes off.
    #[inline(always)]
    pub fn timer(&mut self, context: &mut Context, timer: Timer, finish: &mut impl Finish) {
        match timer.kind {
            COMPUTED => {
                let slot = timer.data as u32;
                self.computed(context, slot);
                self.run(context, slot, finish);
            }
            WAITED => self.proceed(context, timer.data as u32, finish),
            _ => self.shared_computed(context, timer.data as usize, finish),
        }
    }

    /// A call that a visit here made is answered.
    #[inline(always)]
    pub fn reply(&mut self, context: &mut Context, reply: Reply, finish: &mut impl Finish) {
        let Some(slot) = context.visits().find(VisitId::from_token(reply.token)) else { return };
        let at = context.visit(slot).program_counter;
        match self.program.code[usize::from(at)] {
            Instruction::CacheGet { hit, .. } if reply.outcome == Outcome::Done => {
                context.visit(slot).program_counter = hit;
                self.run(context, slot, finish);
            }
            Instruction::Call { .. } if matches!(reply.outcome, Outcome::Failed(_)) => {
                let next = self.fail(context, slot, reply.outcome);
                self.go_on(context, next, finish);
            }
            _ => self.proceed(context, slot, finish),
        }
    }

    /// Fills in a record.
    pub fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        let replicas = self.replicas.len() as u128;
        record.counters.replica_ns = replicas * u128::from(now_ns);
        record.counters.capacity_ns = (self.limits.cores * self.replicas.len() as f64 * now_ns as f64) as u128;
        if self.limits.workers < u32::MAX {
            record.shares.push(Share {
                name: "worker_utilization_ratio",
                numerator: self.workers_busy.integral(now_ns) as f64,
                denominator: (replicas * u128::from(self.limits.workers) * u128::from(now_ns)) as f64,
            });
        }
    }

    /// Checks the laws that the counts of every run obey, exactly.
    pub fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.meter.audit(now_ns, evidence)?;
        let computing = evidence.pending.iter().filter(|(_, timer)| timer.kind == COMPUTED);
        self.meter.audit_cores(now_ns, computing.map(|&(left_ns, _)| u128::from(left_ns)).sum())?;
        let busy: u64 = self.replicas.iter().map(|replica| u64::from(replica.workers_busy)).sum();
        let waiting: u64 = self.replicas.iter().map(|replica| u64::from(replica.waiting)).sum();
        if busy + waiting != self.meter.in_system() {
            return Err(format!("{busy} in service and {waiting} waiting, but {} present", self.meter.in_system()));
        }
        if busy != self.workers_busy.level() {
            return Err(format!("{busy} workers busy, but {} counted", self.workers_busy.level()));
        }
        if self.workers_busy.integral(now_ns)
            > u128::from(self.limits.workers) * self.replicas.len() as u128 * u128::from(now_ns)
        {
            return Err("workers were busy for longer than they were there".to_owned());
        }
        Ok(())
    }

    #[inline(always)]
    fn route(&mut self, context: &mut Context, slot: u32) -> usize {
        let mut replica = context.visit(slot).replica;
        if usize::from(replica) >= self.replicas.len() {
            replica = self.choose(context, slot);
        }
        let zones = u16::from(self.limits.zones);
        context.visit(slot).zone = if zones == 1 { 0 } else { (replica % zones) as u8 };
        usize::from(replica)
    }

    /// A replica for a caller that has not chosen, or whose choice is not there.
    #[inline(never)]
    fn choose(&mut self, context: &mut Context, slot: u32) -> u16 {
        let Some(balancer) = &mut self.balancer else { return self.replicas.len() as u16 - 1 };
        context.visit(slot).flags |= CHOSEN_HERE;
        balancer.choose(context, slot)
    }

    /// A worker takes a visit up.
    #[inline(always)]
    fn begin(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        let visit = context.visit(slot);
        visit.started_ns = now_ns;
        visit.program_counter = self.program.starts[usize::from(visit.operation)];
    }

    /// Goes on after the instruction at which a visit stood.
    #[inline(always)]
    fn proceed(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) {
        context.visit(slot).program_counter += 1;
        self.run(context, slot, finish);
    }

    /// Goes on with a visit, and with all that this sets free to go on.
    #[inline(always)]
    fn run(&mut self, context: &mut Context, mut slot: u32, finish: &mut impl Finish) {
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
    fn go_on(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) {
        if slot != NONE {
            self.ready.push(slot);
        }
        if let Some(slot) = self.ready.pop() {
            self.run(context, slot, finish);
        }
    }

    /// Carries out instructions until the visit must wait for something or ends. Returns the visit that goes on next, or
    /// [`NONE`]; others that are set free to go on are left in `ready`.
    #[inline(always)]
    fn step(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) -> u32 {
        loop {
            let visit = context.visit(slot);
            let (key, salt, at) = (visit.key, visit.salt, visit.program_counter);
            match self.program.code[usize::from(at)] {
                Instruction::Compute { ref law, purpose } => {
                    let index = usize::from(visit.replica);
                    let demand_ns = law.sample_ns(&mut Stream::keyed(key, purpose, salt));
                    self.compute(context, slot, index, demand_ns);
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
                    context.after(wait_ns, Timer { kind: WAITED, data: u64::from(slot) });
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
                Instruction::Reply => {
                    let outcome = finish.finish(context, slot);
                    self.answer_early(context, slot, outcome);
                }
                Instruction::Fail { probability, purpose } => {
                    if Stream::keyed(key, purpose, salt).unit() < probability {
                        return self.fail(context, slot, Outcome::Failed(Failure::Error));
                    }
                    visit.program_counter += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn compute(&mut self, context: &mut Context, slot: u32, index: usize, demand_ns: u64) {
        let now_ns = context.now_ns();
        if self.ample {
            self.meter.occupy(now_ns, demand_ns);
            return context.after(demand_ns, Timer { kind: COMPUTED, data: u64::from(slot) });
        }
        match &mut self.replicas[index].processor {
            Processor::Ample => {}
            Processor::RunToCompletion { cores, busy, queue } => {
                if *busy < *cores {
                    *busy += 1;
                    self.meter.occupy(now_ns, demand_ns);
                    context.after(demand_ns, Timer { kind: COMPUTED, data: u64::from(slot) });
                } else {
                    // The start of service moves by as much as is waited here; begun with the subtraction.
                    let visit = context.visit(slot);
                    visit.started_ns = visit.started_ns.wrapping_sub(now_ns);
                    // A branch that waits is no request that waits: its visit is there and counted once.
                    if visit.flags & BRANCH == 0 {
                        self.meter.wait(now_ns);
                    }
                    queue.push_back(context.visits(), slot);
                }
            }
            Processor::Sharing(_) => self.compute_shared(context, slot, index, demand_ns),
        }
    }

    #[inline(never)]
    fn compute_shared(&mut self, context: &mut Context, slot: u32, index: usize, demand_ns: u64) {
        let now_ns = context.now_ns();
        let Processor::Sharing(sharing) = &mut self.replicas[index].processor else { return };
        if let Some(timer_ns) = sharing.add(now_ns, slot, demand_ns) {
            context.after(timer_ns - now_ns, Timer { kind: PROCESSOR, data: index as u64 });
        }
        self.tell_busy(now_ns, index);
    }

    /// A computation on a core of its own has ended, and the visit stands at its next instruction.
    #[inline(always)]
    fn computed(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        let visit = context.visit(slot);
        visit.program_counter += 1;
        if self.ample {
            return self.meter.release(now_ns);
        }
        let index = usize::from(visit.replica);
        if let Processor::RunToCompletion { queue, busy, .. } = &mut self.replicas[index].processor {
            if let Some(next) = queue.pop_front(context.visits()) {
                let visit = context.visit(next);
                visit.started_ns = visit.started_ns.wrapping_add(now_ns);
                let (key, salt, at) = (visit.key, visit.salt, visit.program_counter);
                if visit.flags & BRANCH == 0 {
                    self.meter.waited(now_ns);
                }
                // The demand is a function of the visit, so it need not be remembered while waiting.
                if let Instruction::Compute { ref law, purpose } = self.program.code[usize::from(at)] {
                    let demand_ns = law.sample_ns(&mut Stream::keyed(key, purpose, salt));
                    self.meter.demand(demand_ns);
                    context.after(demand_ns, Timer { kind: COMPUTED, data: u64::from(next) });
                }
                return;
            }
            *busy -= 1;
        }
        self.meter.release(now_ns);
    }

    #[inline(never)]
    fn shared_computed(&mut self, context: &mut Context, index: usize, finish: &mut impl Finish) {
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

    fn tell_busy(&mut self, now_ns: u64, index: usize) {
        let replica = &mut self.replicas[index];
        if let Processor::Sharing(sharing) = &replica.processor {
            let busy = sharing.busy_microcores();
            self.meter.occupy_microcores(now_ns, busy as i64 - replica.busy_microcores as i64);
            replica.busy_microcores = busy;
        }
    }

    /// Starts the branches of a parallel step.
    #[inline(never)]
    fn fork(&mut self, context: &mut Context, slot: u32, branches: u16, join: u16) {
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
    fn end(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) -> u32 {
        if context.visit(slot).flags & BRANCH != 0 {
            return self.join(context, slot, None);
        }
        let outcome = finish.finish(context, slot);
        self.depart(context, slot, outcome)
    }

    /// The operation of this visit fails.
    #[cold]
    #[inline(never)]
    fn fail(&mut self, context: &mut Context, slot: u32, outcome: Outcome) -> u32 {
        if context.visit(slot).flags & BRANCH != 0 {
            return self.join(context, slot, Some(outcome));
        }
        self.depart(context, slot, outcome)
    }

    /// A branch ends; the last one lets its parent go on, or fail if any branch failed.
    #[inline(never)]
    fn join(&mut self, context: &mut Context, slot: u32, failure: Option<Outcome>) -> u32 {
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
            return self.fail(context, parent, Outcome::Failed(Failure::Error));
        }
        parent
    }

    /// Answers a visit that goes on afterwards.
    #[inline(never)]
    fn answer_early(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        let now_ns = context.now_ns();
        let visit = context.visit(slot);
        visit.program_counter += 1;
        if visit.flags & ANSWERED == 0 {
            visit.flags |= ANSWERED;
            let waited_ns = visit.started_ns - visit.entered_ns;
            self.meter.answer(!matches!(outcome, Outcome::Failed(_)), now_ns - visit.entered_ns, waited_ns);
        }
        context.reply_early(slot, outcome);
    }

    /// The visit leaves, and its worker takes up the next one, which is returned.
    #[inline(always)]
    fn depart(&mut self, context: &mut Context, slot: u32, outcome: Outcome) -> u32 {
        let now_ns = context.now_ns();
        let visit = context.answer(slot, outcome);
        let spent_ns = now_ns - visit.entered_ns;
        if visit.flags & ANSWERED == 0 {
            let waited_ns = visit.started_ns - visit.entered_ns;
            self.meter.answer(!matches!(outcome, Outcome::Failed(_)), spent_ns, waited_ns);
        }
        self.meter.leave(now_ns, visit.entered_ns);
        if visit.flags & CHOSEN_HERE != 0
            && let Some(balancer) = &mut self.balancer
        {
            balancer.returned(visit.replica, spent_ns);
        }
        let replica = &mut self.replicas[usize::from(visit.replica)];
        if replica.waiting > 0
            && let Some(next) = replica.queue.pop(context)
        {
            replica.waiting -= 1;
            self.meter.waited(now_ns);
            self.begin(context, next);
            return next;
        }
        replica.workers_busy -= 1;
        self.workers_busy.subtract(now_ns, 1);
        NONE
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

/// The balancer of this node chose the replica, so it must hear of the end.
const CHOSEN_HERE: u8 = 8;

/// The salt of a repeated visit.
pub fn resalt(salt: u32, occurrence: u32) -> u32 {
    salt.wrapping_mul(0x9E37_79B1).wrapping_add(occurrence.wrapping_mul(0x85EB_CA77))
}
