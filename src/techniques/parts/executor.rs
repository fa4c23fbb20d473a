//! Runs compiled operations on a set of replicas: accept queue, workers, cores.
//!
//! A visit waits in its replica's accept queue for a worker, holds the worker until its program ends (also while it
//! waits for others, which is what makes pools run dry), and uses the replica's cores while it computes.

mod accept_queue;
mod binding;
mod computing;
mod ending;
mod fleet;
mod flights;
mod interpreter;
mod life;
mod replicas;
mod resizing;
mod servers;
mod sessions;
mod transactions;

pub use accept_queue::{AcceptQueue, PRIORITIES};
pub use fleet::{Fleet, Life};

use flights::Flights;
use replicas::Replicas;

use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{Visit, VisitId};
use crate::engine::{Evidence, Failure, Outcome, Reply, Timer, Token};
use crate::techniques::parts::balancer::Balancer;
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::pod::WithoutReplicas;
use crate::techniques::parts::processor::Processor;
use crate::techniques::parts::program::{GuardPart, Instruction, Program};
use transactions::Transactions;

/// Timer kinds.
const COMPUTED: u32 = 0;
const WAITED: u32 = 1;
const PROCESSOR: u32 = 2;
/// As [`COMPUTED`], by the last step of the operation.
const COMPUTED_LAST: u32 = 3;
/// About the life of a replica.
const PROCESS_STARTS: u32 = 4;
const READY: u32 = 5;
const GRACE_ENDED: u32 = 6;
const ADMIT_HELD: u32 = 7;

/// Marks on a visit.
const BRANCH: u8 = 1;
const FAILED: u8 = 2;
const ANSWERED: u8 = 4;
/// Databases have marks of their own in between.
const OVER_SESSION: u8 = 64;

/// One replica.
#[derive(Clone, Debug)]
pub struct Replica {
    workers_busy: u32,
    /// Of these, those that have a session of their caller's.
    over_sessions: u32,
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
///
/// What every visit touches stands first and together, as in [`Meter`].
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Executor {
    /// Of replicas that come and go.
    fleet: Option<Box<Fleet>>,
    /// Whether there is one replica for ever, so that nobody need choose.
    single: bool,
    /// Whether the replicas have cores for all, so that nobody need look at them.
    ample: bool,
    limits: Limits,
    program: Program,
    replicas: Replicas,
    workers_busy: Gauge,
    /// Workers of each replica that are taken for as long as callers want, whether they have something to do or not.
    sessions: u32,
    /// The connections that visits hold.
    transactions: Option<Box<Transactions>>,
    /// Visits whose programs can go on now.
    ready: Vec<u32>,
    meter: Meter,
    /// Fetches that others may wait for.
    flights: Option<Box<Flights>>,
    balancer: Option<Box<Balancer>>,
    /// A replica as it starts.
    template: Replica,
}

/// What happens after a step of a node's own ([`Instruction::Own`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next step.
    GoOn,
    /// So many nanoseconds of a core's time, then the next step. The node's cores must be shared.
    Compute(u64),
    /// So many nanoseconds without a core, then the next step.
    Pause(u64),
    /// Nothing, until the node lets the visit go on: by [`Executor::resume`], or among those that are ready.
    Wait,
    /// The visit fails.
    Fail(Failure),
}

/// What a node adds to the programs of its visits: steps of its own, and the outcome to reply with at the end.
pub trait Finish {
    /// Whether callers see one replica, whichever serves them.
    const HIDES_REPLICAS: bool = false;

    fn finish(&mut self, context: &mut Context, slot: u32) -> Outcome;

    /// A visit is about to be answered: what its caller is told of a replica stands in it.
    #[inline(always)]
    fn departs(&mut self, _context: &mut Context, _slot: u32, _outcome: Outcome) {}

    /// A visit has come to a step of the node's own. Others that this sets free are made `ready`, after [`advance`].
    #[inline(always)]
    fn perform(&mut self, _context: &mut Context, _slot: u32, _number: u16, _ready: &mut Vec<u32>) -> Next {
        Next::GoOn
    }

    /// A visit has left the replica at this place, done or failed; one that is killed with its replica has not.
    #[inline(always)]
    fn left(&mut self, _context: &mut Context, _visit: &Visit, _place: usize, _ready: &mut Vec<u32>) {}
}

/// A program's end is its success.
pub struct Succeed;

impl Finish for Succeed {
    #[inline(always)]
    fn finish(&mut self, _context: &mut Context, _slot: u32) -> Outcome {
        Outcome::Done
    }
}

impl Executor {
    /// `count` equal replicas, for ever or with a life. `balancer` chooses among them for callers that have not chosen.
    pub fn new(
        count: u32,
        limits: Limits,
        queue: &AcceptQueue,
        processor: &Processor,
        balancer: Option<Balancer>,
        program: Program,
        life: Option<Life>,
    ) -> Self {
        let replica = Replica {
            workers_busy: 0,
            over_sessions: 0,
            waiting: 0,
            queue: queue.clone(),
            processor: processor.clone(),
            busy_microcores: 0,
        };
        Self {
            ample: matches!(replica.processor, Processor::Ample),
            single: count <= 1 && life.is_none(),
            replicas: Replicas::new(count as usize, replica.clone()),
            template: replica,
            fleet: life.map(|life| Box::new(Fleet::new(life, limits.cores, limits.zones))),
            limits,
            balancer: balancer.map(Box::new),
            flights: Flights::of(&program),
            program,
            meter: Meter::default(),
            workers_busy: Gauge::default(),
            sessions: 0,
            transactions: None,
            ready: Vec::new(),
        }
    }

    /// A call arrives.
    #[inline(always)]
    pub fn arrive(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) {
        self.meter.arrive(context.now_ns());
        let index = if self.single {
            0
        } else if self.fleet.is_none() {
            self.route(context, slot)
        } else {
            match self.route_to_pod(context, slot) {
                Some(index) => index,
                None => return self.hold_or_reject(context, slot),
            }
        };
        self.admit(context, slot, index, finish);
    }

    /// A request has come to its replica.
    #[inline(always)]
    fn admit<F: Finish>(&mut self, context: &mut Context, slot: u32, index: usize, finish: &mut F) {
        let now_ns = context.now_ns();
        if self.fleet.is_some() && !self.finds_memory(context, slot, index) {
            return;
        }
        let visit = context.visit(slot);
        visit.replica = index as u16;
        if index == 0 {
            visit.zone = 0;
        }
        let replica = &mut self.replicas[index];
        if visit.flags & OVER_SESSION != 0 {
            replica.over_sessions += 1;
        }
        // A session has its worker already.
        if replica.workers_busy + self.sessions < self.limits.workers.saturating_add(replica.over_sessions) {
            replica.workers_busy += 1;
            self.workers_busy.add(now_ns, 1);
            visit.started_ns = now_ns;
            visit.program_counter = self.program.start(visit.operation);
            self.run(context, slot, finish);
        } else if replica.waiting < self.limits.queue {
            replica.waiting += 1;
            replica.queue.push(context, slot);
            self.meter.wait(now_ns);
        } else {
            if let Some(fleet) = &mut self.fleet {
                fleet.leave(now_ns);
            }
            if F::HIDES_REPLICAS {
                self.forget_choice::<F>(context, slot);
            }
            self.reject(context, slot);
        }
    }

    /// Takes memory for one more request. If there is none the replica is killed, and this request with it.
    #[inline(never)]
    fn finds_memory(&mut self, context: &mut Context, slot: u32, index: usize) -> bool {
        let now_ns = context.now_ns();
        let replica = &self.replicas[index];
        let requests = u64::from(replica.workers_busy) + u64::from(replica.waiting) + 1;
        let Some(fleet) = &mut self.fleet else { return true };
        if fleet.life.memory.is_none()
            || fleet.memory_bytes(index, requests) <= fleet.pods[index].size.memory_limit_bytes
        {
            fleet.enter(now_ns);
            return true;
        }
        self.run_out_of_memory(context, index, slot);
        self.turn_away(context, slot, Failure::Killed);
        false
    }

    /// There is no replica for this request.
    #[cold]
    #[inline(never)]
    fn hold_or_reject(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        let is_meant_for_any = context.visit(slot).replica == Visit::ANY_REPLICA;
        match &mut self.fleet {
            Some(fleet) if is_meant_for_any && fleet.life.without_replicas == WithoutReplicas::Hold => {
                fleet.held.push_back(context.visits(), slot);
                self.meter.wait(now_ns);
            }
            _ => self.reject(context, slot),
        }
    }

    #[cold]
    #[inline(never)]
    fn reject(&mut self, context: &mut Context, slot: u32) {
        self.turn_away(context, slot, Failure::Rejected);
    }

    /// A request fails as it arrives.
    fn turn_away(&mut self, context: &mut Context, slot: u32, failure: Failure) {
        let now_ns = context.now_ns();
        let visit = context.visit(slot);
        let entered_ns = visit.entered_ns;
        if visit.flags & CHOSEN_HERE != 0
            && let Some(balancer) = &mut self.balancer
        {
            let replica = std::mem::replace(&mut visit.replica, Visit::ANY_REPLICA);
            balancer.returned(replica, 0);
        }
        self.meter.reject(now_ns, entered_ns);
        context.reply(slot, Outcome::Failed(failure));
    }

    /// The visit that this timer is about, if it has not ended before its time.
    #[inline(always)]
    fn awaiting(&mut self, context: &mut Context, timer: Timer) -> Option<u32> {
        let found = context.visits().find(VisitId::from_token(Token(timer.data)));
        if found.is_none() {
            self.forget(context.now_ns(), timer.data);
        }
        found
    }

    /// The time has come at which the computing of a killed request would have ended.
    #[cold]
    #[inline(never)]
    fn forget(&mut self, now_ns: u64, word: u64) {
        if let Some(killed_ns) = self.fleet.as_mut().and_then(|fleet| fleet.dead.remove(&word)) {
            self.meter.take_back(now_ns - killed_ns);
        }
    }

    /// A timer of this node goes off.
    #[inline(always)]
    pub fn timer(&mut self, context: &mut Context, timer: Timer, finish: &mut impl Finish) {
        match timer.kind {
            COMPUTED => {
                let Some(slot) = self.awaiting(context, timer) else { return };
                self.pass_core_on(context, slot);
                self.proceed(context, slot, finish);
            }
            COMPUTED_LAST => {
                let Some(slot) = self.awaiting(context, timer) else { return };
                if self.ample && self.fleet.is_none() {
                    let next = self.end(context, slot, finish);
                    self.take_core_over(context, next, finish);
                } else {
                    self.pass_core_on(context, slot);
                    let next = self.end(context, slot, finish);
                    self.go_on(context, next, finish);
                }
            }
            WAITED => {
                if let Some(slot) = self.awaiting(context, timer) {
                    self.proceed(context, slot, finish);
                }
            }
            PROCESSOR => self.shared_computed(context, timer.data as usize, finish),
            ADMIT_HELD => self.admit_held(context, finish),
            _ => self.live(context, timer),
        }
    }

    /// There is a replica for requests that wait for one.
    #[cold]
    #[inline(never)]
    fn admit_held(&mut self, context: &mut Context, finish: &mut impl Finish) {
        while let Some(fleet) = self.fleet.as_mut().filter(|fleet| fleet.ready.level() > 0) {
            let Some(slot) = fleet.held.pop_front(context.visits()) else { return };
            self.meter.waited(context.now_ns());
            match self.route_to_pod(context, slot) {
                Some(index) => self.admit(context, slot, index, finish),
                None => self.reject(context, slot),
            }
        }
    }

    /// A call that a visit here made is answered.
    #[inline(always)]
    pub fn reply(&mut self, context: &mut Context, reply: Reply, finish: &mut impl Finish) {
        let Some(slot) = context.visits().find(VisitId::from_token(reply.token)) else {
            return self.too_late(context, reply);
        };
        let at = context.visit(slot).program_counter;
        match self.program.code[usize::from(at)] {
            Instruction::CacheGet { hit, .. } if reply.outcome == Outcome::Done => {
                context.visit(slot).program_counter = hit;
                self.run(context, slot, finish);
            }
            Instruction::Call { .. } | Instruction::Own(_) if matches!(reply.outcome, Outcome::Failed(_)) => {
                // To whoever called this node it is an error like any other that a replica elsewhere was killed.
                let is_killed = reply.outcome == Outcome::Failed(Failure::Killed);
                let outcome = if is_killed { Outcome::Failed(Failure::Error) } else { reply.outcome };
                let next = self.fail(context, slot, outcome, finish);
                self.go_on(context, next, finish);
            }
            Instruction::Transaction(part) => self.transacted(context, slot, part, reply, finish),
            Instruction::Guarded { part: GuardPart::Ask, guard } => self.looked_up(context, slot, guard, reply, finish),
            _ => self.proceed(context, slot, finish),
        }
    }

    /// A visit that waits at a step of the node's own goes on behind it.
    pub fn resume(&mut self, context: &mut Context, slot: u32, finish: &mut impl Finish) {
        advance(context, slot);
        self.go_on(context, slot, finish);
    }

    /// A visit that waits at a step of the node's own fails.
    pub fn give_up(&mut self, context: &mut Context, slot: u32, failure: Failure, finish: &mut impl Finish) {
        let next = self.fail(context, slot, Outcome::Failed(failure), finish);
        self.go_on(context, next, finish);
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
                numerator: self.workers_busy.integral(now_ns),
                denominator: self.serving_ns(now_ns) * u128::from(self.limits.workers),
            });
        }
        if let Some(fleet) = &mut self.fleet {
            fleet.observe(now_ns, record);
        }
        if let Some(flights) = &self.flights {
            flights.observe(record);
        }
    }

    /// Replicas x nanoseconds at work.
    fn serving_ns(&self, now_ns: u64) -> u128 {
        match &self.fleet {
            Some(fleet) => fleet.serving.integral(now_ns),
            None => self.replicas.len() as u128 * u128::from(now_ns),
        }
    }

    /// Fills in what a controller may see.
    pub fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        self.meter.sample(sample);
        sample.busy_ns = self.meter.busy_ns(now_ns);
        sample.desired = self.replicas.len() as u32;
        let Some(fleet) = &self.fleet else { return };
        sample.desired = fleet.desired.level() as u32;
        sample.sidecars = fleet.life.sidecars.clone();
        sample.replicas.extend(
            self.replicas
                .iter()
                .enumerate()
                .filter_map(|(place, replica)| fleet.sample(now_ns, place, replica.waiting, replica.workers_busy)),
        );
    }

    /// Checks the laws that the counts of every run obey, exactly.
    pub fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.meter.audit(now_ns, evidence)?;
        let computing = evidence.pending.iter().filter(|(_, timer)| matches!(timer.kind, COMPUTED | COMPUTED_LAST));
        // What was killed will not be computed; it was to take until its timer goes off.
        let killed_ns = |timer: &Timer| self.fleet.as_ref().and_then(|fleet| fleet.dead.get(&timer.data).copied());
        let left = computing
            .map(|(left_ns, timer)| u128::from(left_ns + killed_ns(timer).map_or(0, |killed_ns| now_ns - killed_ns)));
        self.meter.audit_cores(now_ns, left.sum())?;
        let busy: u64 = self.replicas.iter().map(|replica| u64::from(replica.workers_busy)).sum();
        let waiting: u64 = self.replicas.iter().map(|replica| u64::from(replica.waiting)).sum();
        let held = self.fleet.as_ref().map_or(0, |fleet| u64::from(fleet.held.len()));
        let waiting = waiting + held;
        if busy + waiting != self.meter.in_system() {
            return Err(format!("{busy} in service and {waiting} waiting, but {} present", self.meter.in_system()));
        }
        if busy != self.workers_busy.level() {
            return Err(format!("{busy} workers busy, but {} counted", self.workers_busy.level()));
        }
        if self.workers_busy.integral(now_ns) > u128::from(self.limits.workers) * self.serving_ns(now_ns) {
            return Err("workers were busy for longer than they were there".to_owned());
        }
        match &self.fleet {
            Some(fleet) => fleet.audit(now_ns),
            None => Ok(()),
        }
    }

    /// As [`Executor::route`] among replicas that come and go; `None` if the one that the caller chose is gone, or none is
    /// there at all.
    #[inline(never)]
    fn route_to_pod(&mut self, context: &mut Context, slot: u32) -> Option<usize> {
        let mut replica = context.visit(slot).replica;
        if replica == Visit::ANY_REPLICA {
            let balancer = self.balancer.as_mut()?;
            replica = balancer.choose(context, slot, 0);
            if replica == Visit::ANY_REPLICA {
                return None;
            }
            context.visit(slot).flags |= CHOSEN_HERE;
        }
        let place = usize::from(replica);
        let zones = u16::from(self.limits.zones);
        context.visit(slot).zone = if zones == 1 { 0 } else { (replica % zones) as u8 };
        self.fleet.as_ref().is_some_and(|fleet| fleet.serves(place)).then_some(place)
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
        balancer.choose(context, slot, 0)
    }
}

/// The balancer of this node chose the replica, so it must hear of the end.
const CHOSEN_HERE: u8 = 8;

/// A visit that waits stands at its next step.
#[inline(always)]
pub fn advance(context: &mut Context, slot: u32) {
    context.visit(slot).program_counter += 1;
}

/// The salt of a repeated visit.
pub fn resalt(salt: u32, occurrence: u32) -> u32 {
    salt.wrapping_mul(0x9E37_79B1).wrapping_add(occurrence.wrapping_mul(0x85EB_CA77))
}
