//! Runs compiled operations on a set of replicas: accept queue, workers, cores.
//!
//! A visit waits in its replica's accept queue for a worker, holds the worker until its program ends (also while it
//! waits for others, which is what makes pools run dry), and uses the replica's cores while it computes.

mod accept_queue;
mod computing;
mod ending;
mod interpreter;

pub use accept_queue::{AcceptQueue, PRIORITIES};

use crate::engine::context::Context;
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{NONE, VisitId};
use crate::engine::{Evidence, Failure, Outcome, Reply, Timer};
use crate::techniques::parts::balancer::Balancer;
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::processor::Processor;
use crate::techniques::parts::program::{Instruction, Program};

/// Timer kinds.
const COMPUTED: u32 = 0;
const WAITED: u32 = 1;
const PROCESSOR: u32 = 2;
/// As [`COMPUTED`], by the last step of the operation.
const COMPUTED_LAST: u32 = 3;

/// Marks on a visit.
const BRANCH: u8 = 1;
const FAILED: u8 = 2;
const ANSWERED: u8 = 4;

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
                self.pass_core_on(context, slot);
                self.proceed(context, slot, finish);
            }
            COMPUTED_LAST => {
                let slot = timer.data as u32;
                self.pass_core_on(context, slot);
                let next = self.end(context, slot, finish);
                if next != NONE {
                    self.run(context, next, finish);
                }
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
                numerator: self.workers_busy.integral(now_ns),
                denominator: replicas * u128::from(self.limits.workers) * u128::from(now_ns),
            });
        }
    }

    /// Checks the laws that the counts of every run obey, exactly.
    pub fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.meter.audit(now_ns, evidence)?;
        let computing = evidence.pending.iter().filter(|(_, timer)| matches!(timer.kind, COMPUTED | COMPUTED_LAST));
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
        balancer.choose(context, slot, 0)
    }
}

/// The balancer of this node chose the replica, so it must hear of the end.
const CHOSEN_HERE: u8 = 8;

/// The salt of a repeated visit.
pub fn resalt(salt: u32, occurrence: u32) -> u32 {
    salt.wrapping_mul(0x9E37_79B1).wrapping_add(occurrence.wrapping_mul(0x85EB_CA77))
}
