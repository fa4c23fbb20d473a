//! A database at work: one server, or a writer and its replicas.

use std::sync::Arc;

use crate::diagnostic::span::Spanned;
use crate::distribution::{Distribution, Sampler};
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::VisitList;
use crate::engine::{Evidence, Node, Outcome, Reply, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::database::Database;
use crate::techniques::database::cluster::{COMMIT, Cluster, FETCH, FIRST_TIMER, FLUSH_LOG, LOCK, LOOK, SCAN};
use crate::techniques::database::read_replicas::ReadReplicas;
use crate::techniques::parts::executor::{AcceptQueue, Executor, Finish, Life, Limits, Next};
use crate::techniques::parts::pod::WithoutReplicas;
use crate::techniques::parts::pool::Sessions;
use crate::techniques::parts::processor::{Processor, Sharing};
use crate::techniques::parts::program::{Compiler, Program};
use crate::techniques::parts::steps::Step;
use crate::techniques::technique::{CompileError, Spec, Wiring};

/// Until a replica that is ended has answered what it was asked.
const DRAIN_NS: u64 = 30_000_000_000;

/// A database at work.
#[derive(Clone, Debug)]
pub struct DatabaseNode {
    pub(super) executor: Executor,
    pub(super) tally: Tally,
    /// With replicas.
    cluster: Option<Box<Cluster>>,
}

/// Counts queries by kind as they end, and knows over which connections they go.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    is_write: Vec<bool>,
    reads: u64,
    writes: u64,
    /// If others keep connections open.
    pub(super) sessions: Option<Box<Sessions>>,
    /// What opening a connection costs.
    connect: Option<(Sampler, Purpose)>,
}

/// The step of a query that opens its connection, if it has none.
const CONNECT: u16 = u16::MAX;

impl Finish for Tally {
    fn finish(&mut self, context: &mut Context, slot: u32) -> Outcome {
        match self.is_write.get(usize::from(context.visit(slot).operation)) {
            Some(true) => self.writes += 1,
            Some(false) => self.reads += 1,
            // Connecting is no query.
            None => {}
        }
        Outcome::Done
    }

    fn perform(&mut self, context: &mut Context, slot: u32, number: u16, _ready: &mut Vec<u32>) -> Next {
        let visit = context.visit(slot);
        match &self.connect {
            Some((law, purpose)) if number == CONNECT && !Executor::uses_session(visit.flags) => {
                Next::Compute(law.sample_ns(&mut Stream::keyed(visit.key, *purpose, visit.salt)))
            }
            _ => Next::GoOn,
        }
    }

    #[inline(always)]
    fn departs(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        if self.sessions.is_some() && Executor::uses_session(context.visit(slot).flags) {
            self.end_over_session(context, slot, outcome);
        }
    }
}

impl DatabaseNode {
    /// Compiles the written form.
    pub fn compile(spec: &Database, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let sessions = wiring.sessions_here().map(|protocol| Box::new(Sessions::new(protocol)));
        let connect = match &spec.connect {
            Some(law) => Some((wiring.sampler(law)?, wiring.purpose("connect"))),
            None => None,
        };
        let (program, apply_operation) = program(spec, sessions.is_some(), wiring)?;
        let limits = Limits {
            cores: spec.cores(),
            workers: spec.connections(),
            queue: spec.queue.as_ref().map_or(0, |queue| queue.value),
            zones: 1,
        };
        let coefficient = |value: &Option<Spanned<f64>>| value.as_ref().map_or(0.0, |value| value.value);
        let (contention, coherency) = (coefficient(&spec.contention), coefficient(&spec.coherency));
        let alone = ReadReplicas::none();
        let replicas = spec.read_replicas.as_ref().map(|replicas| &replicas.value);
        let replicas = if spec.is_plain() { None } else { Some(replicas.unwrap_or(&alone)) };
        let processor = if replicas.is_some() || connect.is_some() {
            // Statements share the cores with whoever applies the log, and with whoever connects.
            Processor::Sharing(Box::new(Sharing::new(limits.cores, contention, coherency)))
        } else {
            Executor::processor(&limits, &program, false, contention, coherency)
        };
        let queue = AcceptQueue::FirstComeFirstServed(VisitList::default());
        let is_write = spec.operations.values().map(|query| query.is_write()).collect();
        let life = replicas.map(|replicas| life(spec, replicas, wiring)).transpose()?;
        let cluster = match replicas {
            Some(replicas) => Some(Box::new(Cluster::compile(spec, replicas, apply_operation, wiring)?)),
            None => None,
        };
        Ok(Self {
            executor: Executor::new(spec.servers(), limits, &queue, &processor, None, program, life),
            tally: Tally { is_write, reads: 0, writes: 0, sessions, connect },
            cluster,
        })
    }
}

/// What the statements do, and the operation by which replicas apply the log.
fn program(spec: &Database, is_kept_connected: bool, wiring: &mut dyn Wiring) -> Result<(Program, u16), CompileError> {
    let mut compiler = Compiler::new(wiring);
    for (name, query) in spec.operations.iter() {
        if spec.is_plain() {
            compiler.begin(name);
            if spec.connect.is_some() {
                compiler.own(CONNECT);
            }
            compiler.steps(&query.steps())?;
            compiler.end();
            continue;
        }
        let is_limited = spec.iops.is_some() || spec.storage.is_some();
        let wait = |law: Option<&Spanned<Distribution>>| law.map(|law| Step::Wait(law.clone()));
        compiler.begin(name);
        if query.locks_row() {
            compiler.own(LOCK);
        }
        if !query.is_write() {
            compiler.own(LOOK);
        }
        compiler.steps(&[Step::Compute(query.cpu().clone())])?;
        if query.row_ns() > 0 {
            compiler.own(SCAN);
        }
        if query.access().is_some() || (is_limited && query.io().is_some()) {
            compiler.own(FETCH);
        }
        compiler.steps(wait(query.io()).as_slice())?;
        if query.is_write() {
            if is_limited {
                compiler.own(FLUSH_LOG);
            }
            compiler.steps(wait(query.commit()).as_slice())?;
            compiler.own(COMMIT);
        }
        compiler.end();
    }
    if is_kept_connected {
        let steps: Vec<Step> = spec.connect.iter().cloned().map(Step::Compute).collect();
        compiler.operation("(connect)", &steps)?;
        compiler.operation("(connected)", &[])?;
    }
    let apply = if spec.is_plain() { 0 } else { Cluster::apply_program(&mut compiler, replays(spec)) };
    Ok((compiler.finish()?, apply))
}

/// Whether replicas read pages before they apply records.
fn replays(spec: &Database) -> bool {
    let replicas = spec.read_replicas.as_ref();
    spec.storage.is_none() && replicas.is_some_and(|replicas| replicas.apply_io.is_some())
}

/// How replicas come and go.
fn life(spec: &Database, replicas: &ReadReplicas, wiring: &dyn Wiring) -> Result<Life, CompileError> {
    let startup = match &replicas.startup {
        Some(law) => Some((wiring.sampler(law)?, wiring.purpose("startup"))),
        None => None,
    };
    Ok(Life {
        startup,
        readiness_period_ns: 0,
        grace_period_ns: DRAIN_NS,
        warm_up: None,
        memory: None,
        requested_cores: spec.cores(),
        sidecars: Arc::new([]),
        without_replicas: WithoutReplicas::Reject,
        keeps_places: true,
        watchers: Vec::new(),
        pools: Vec::new(),
        scheduler: None,
    })
}

impl Node for DatabaseNode {
    fn start(&mut self, context: &mut Context) {
        if let Some(cluster) = &mut self.cluster {
            cluster.start(&mut self.executor, context);
        }
    }

    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        match &mut self.cluster {
            None => {
                if self.tally.sessions.is_some() && !self.meets_session(context, slot) {
                    return;
                }
                self.executor.arrive(context, slot, &mut self.tally);
                self.end_sessions(context);
            }
            Some(cluster) => {
                cluster.arrive(&mut self.executor, context, slot);
                cluster.follow(&mut self.executor, context);
            }
        }
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        match &mut self.cluster {
            None => {
                self.executor.reply(context, reply, &mut self.tally);
                self.end_sessions(context);
            }
            Some(cluster) => {
                self.executor.reply(context, reply, &mut **cluster);
                cluster.follow(&mut self.executor, context);
            }
        }
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        match &mut self.cluster {
            None => {
                self.executor.timer(context, timer, &mut self.tally);
                self.end_sessions(context);
            }
            Some(cluster) => {
                if timer.kind >= FIRST_TIMER {
                    cluster.timer(&mut self.executor, context, timer);
                } else {
                    self.executor.timer(context, timer, &mut **cluster);
                }
                cluster.follow(&mut self.executor, context);
            }
        }
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        match &mut self.cluster {
            None => self.connection_command(context, &command),
            Some(cluster) => {
                cluster.command(&mut self.executor, context, command);
                cluster.follow(&mut self.executor, context);
            }
        }
    }

    fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        self.executor.sample(now_ns, sample);
        if let Some(cluster) = &self.cluster {
            cluster.sample(sample);
        }
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.audit_sessions()?;
        self.executor.audit(now_ns, evidence)?;
        self.cluster.as_ref().map_or(Ok(()), |cluster| cluster.audit(now_ns))
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.executor.observe(now_ns, record);
        if let Some(share) = record.shares.first_mut() {
            // What a worker is elsewhere is a connection here.
            share.name = "connection_utilization_ratio";
            share.numerator += self.tally.sessions.as_ref().map_or(0, |sessions| sessions.idle_ns(now_ns));
        }
        if let Some(cluster) = &mut self.cluster {
            return cluster.observe(&self.executor, now_ns, record);
        }
        let queries = u128::from(self.tally.reads + self.tally.writes);
        record.shares.push(Share { name: "write_ratio", numerator: self.tally.writes.into(), denominator: queries });
        if let Some(sessions) = &self.tally.sessions {
            sessions.observe(now_ns, &mut record.shares);
        }
    }
}
