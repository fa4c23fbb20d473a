//! The nodes of a vector database: the one that takes requests, and those that hold the shards.

use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::record::NodeRecord;
use crate::engine::visit::VisitList;
use crate::engine::{Evidence, Node, Reply, Timer};
use crate::techniques::parts::executor::{AcceptQueue, Executor, Limits, Succeed};
use crate::techniques::parts::program::Compiler;
use crate::techniques::parts::steps::Step;
use crate::techniques::technique::{CompileError, Wiring};
use crate::techniques::vector_database::VectorDatabase;
use crate::techniques::vector_database::coordinator::Coordinator;

/// One node of a vector database.
#[derive(Clone, Debug)]
pub enum VectorDatabaseNode {
    /// Takes requests, asks shards and gathers what they answer.
    Coordinator(Box<Coordinator>),
    /// Holds copies of shards.
    Holder(Box<Executor>),
}

impl VectorDatabaseNode {
    /// Compiles the written form: the part that is asked for.
    pub fn compile(spec: &VectorDatabase, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        if wiring.parts().is_empty() {
            return Ok(Self::Holder(Box::new(holder(spec, wiring)?)));
        }
        Ok(Self::Coordinator(Box::new(Coordinator::compile(spec, wiring)?)))
    }
}

/// A node with cores on which shards are searched and written.
fn holder(spec: &VectorDatabase, wiring: &mut dyn Wiring) -> Result<Executor, CompileError> {
    let mut compiler = Compiler::new(wiring);
    for (name, operation) in spec.operations.iter() {
        let law = Spanned::new(spec.computing(operation), spec.distance_time.span);
        compiler.operation(name, &[Step::Compute(law)])?;
    }
    let program = compiler.finish()?;
    let limits = Limits { cores: spec.cpu(), workers: u32::MAX, queue: 0, zones: 1 };
    let processor = Executor::processor(&limits, &program, false, 0.0, 0.0);
    let queue = AcceptQueue::FirstComeFirstServed(VisitList::default());
    Ok(Executor::new(1, limits, &queue, &processor, None, program, None))
}

impl Node for VectorDatabaseNode {
    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        match self {
            Self::Coordinator(coordinator) => coordinator.arrive(context, slot),
            Self::Holder(executor) => executor.arrive(context, slot, &mut Succeed),
        }
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        match self {
            Self::Coordinator(coordinator) => coordinator.reply(context, reply),
            Self::Holder(executor) => executor.reply(context, reply, &mut Succeed),
        }
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        match self {
            Self::Coordinator(coordinator) => coordinator.merged(context, timer),
            Self::Holder(executor) => executor.timer(context, timer, &mut Succeed),
        }
    }

    fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        match self {
            Self::Coordinator(coordinator) => coordinator.sample(sample),
            Self::Holder(executor) => executor.sample(now_ns, sample),
        }
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        match self {
            Self::Coordinator(coordinator) => coordinator.audit(now_ns, evidence),
            Self::Holder(executor) => executor.audit(now_ns, evidence),
        }
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        match self {
            Self::Coordinator(coordinator) => coordinator.observe(now_ns, record),
            Self::Holder(executor) => executor.observe(now_ns, record),
        }
    }
}
