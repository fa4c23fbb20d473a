//! A database at work.

use crate::diagnostic::span::Spanned;
use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::VisitList;
use crate::engine::{Evidence, Node, Outcome, Reply, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::database::Database;
use crate::techniques::parts::executor::{AcceptQueue, Executor, Finish, Limits, Next};
use crate::techniques::parts::pool::Sessions;
use crate::techniques::parts::processor::{Processor, Sharing};
use crate::techniques::parts::program::Compiler;
use crate::techniques::parts::steps::Step;
use crate::techniques::technique::{CompileError, Wiring};

/// A database at work.
#[derive(Clone, Debug)]
pub struct DatabaseNode {
    pub(super) executor: Executor,
    pub(super) tally: Tally,
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
        let mut compiler = Compiler::new(wiring);
        for (name, query) in spec.operations.iter() {
            compiler.begin(name);
            if connect.is_some() {
                compiler.own(CONNECT);
            }
            compiler.steps(&query.steps())?;
            compiler.end();
        }
        if sessions.is_some() {
            let steps: Vec<Step> = spec.connect.iter().cloned().map(Step::Compute).collect();
            compiler.operation("(connect)", &steps)?;
            compiler.operation("(connected)", &[])?;
        }
        let program = compiler.finish();
        let limits = Limits {
            cores: spec.cores(),
            workers: spec.connections(),
            queue: spec.queue.as_ref().map_or(0, |queue| queue.value),
            zones: 1,
        };
        let coefficient = |value: &Option<Spanned<f64>>| value.as_ref().map_or(0.0, |value| value.value);
        let (contention, coherency) = (coefficient(&spec.contention), coefficient(&spec.coherency));
        let processor = match &connect {
            None => Executor::processor(&limits, &program, false, contention, coherency),
            Some(_) => Processor::Sharing(Box::new(Sharing::new(limits.cores, contention, coherency))),
        };
        let queue = AcceptQueue::FirstComeFirstServed(VisitList::default());
        let is_write = spec.operations.values().map(|query| query.is_write()).collect();
        Ok(Self {
            executor: Executor::new(1, limits, &queue, &processor, None, program, None),
            tally: Tally { is_write, reads: 0, writes: 0, sessions, connect },
        })
    }
}

impl Node for DatabaseNode {
    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        if self.tally.sessions.is_some() && !self.meets_session(context, slot) {
            return;
        }
        self.executor.arrive(context, slot, &mut self.tally);
        self.end_sessions(context);
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.executor.reply(context, reply, &mut self.tally);
        self.end_sessions(context);
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        self.executor.timer(context, timer, &mut self.tally);
        self.end_sessions(context);
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        self.connection_command(context, &command);
    }

    fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        self.executor.sample(now_ns, sample);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.audit_sessions()?;
        self.executor.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.executor.observe(now_ns, record);
        if let Some(share) = record.shares.first_mut() {
            // What a worker is elsewhere is a connection here.
            share.name = "connection_utilization_ratio";
            share.numerator += self.tally.sessions.as_ref().map_or(0, |sessions| sessions.idle_ns(now_ns));
        }
        let queries = u128::from(self.tally.reads + self.tally.writes);
        record.shares.push(Share { name: "write_ratio", numerator: self.tally.writes.into(), denominator: queries });
        if let Some(sessions) = &self.tally.sessions {
            sessions.observe(now_ns, &mut record.shares);
        }
    }
}
