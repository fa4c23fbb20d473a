//! A database at work.

use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::VisitList;
use crate::engine::{Evidence, Node, Outcome, Reply, Timer};
use crate::techniques::database::Database;
use crate::techniques::parts::executor::{AcceptQueue, Executor, Finish, Limits};
use crate::techniques::parts::program::Compiler;
use crate::techniques::technique::{CompileError, Wiring};

/// A database at work.
#[derive(Clone, Debug)]
pub struct DatabaseNode {
    executor: Executor,
    tally: Tally,
}

/// Counts queries by kind as they end.
#[derive(Clone, Debug)]
struct Tally {
    is_write: Vec<bool>,
    reads: u64,
    writes: u64,
}

impl Finish for Tally {
    fn finish(&mut self, context: &mut Context, slot: u32) -> Outcome {
        if self.is_write[usize::from(context.visit(slot).operation)] {
            self.writes += 1;
        } else {
            self.reads += 1;
        }
        Outcome::Done
    }
}

impl DatabaseNode {
    /// Compiles the written form.
    pub fn compile(spec: &Database, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let mut compiler = Compiler::new(wiring);
        for (name, query) in spec.operations.iter() {
            compiler.operation(name, &query.steps())?;
        }
        let program = compiler.finish();
        let limits = Limits {
            cores: spec.cores(),
            workers: spec.connections(),
            queue: spec.queue.as_ref().map_or(0, |queue| queue.value),
            zones: 1,
        };
        let coefficient = |value: &Option<Spanned<f64>>| value.as_ref().map_or(0.0, |value| value.value);
        let processor =
            Executor::processor(&limits, &program, false, coefficient(&spec.contention), coefficient(&spec.coherency));
        let queue = AcceptQueue::FirstComeFirstServed(VisitList::default());
        let is_write = spec.operations.values().map(|query| query.is_write()).collect();
        Ok(Self {
            executor: Executor::new(1, limits, &queue, &processor, None, program, None),
            tally: Tally { is_write, reads: 0, writes: 0 },
        })
    }
}

impl Node for DatabaseNode {
    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        self.executor.arrive(context, slot, &mut self.tally);
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.executor.reply(context, reply, &mut self.tally);
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        self.executor.timer(context, timer, &mut self.tally);
    }

    fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        self.executor.sample(now_ns, sample);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.executor.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.executor.observe(now_ns, record);
        if let Some(share) = record.shares.first_mut() {
            // What a worker is elsewhere is a connection here.
            share.name = "connection_utilization_ratio";
        }
        let queries = u128::from(self.tally.reads + self.tally.writes);
        record.shares.push(Share { name: "write_ratio", numerator: self.tally.writes.into(), denominator: queries });
    }
}
