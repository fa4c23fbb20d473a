//! A writer and its replicas at work.
//!
//! All are servers of one executor, by place. The writer's place may change; whoever else is there follows it.

mod commits;
mod failover;
mod internals;
mod measures;
mod routing;
mod storage;

use std::collections::BTreeMap;

use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample, Phase};
use crate::engine::visit::Visit;
use crate::engine::{Outcome, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::database::Database;
use crate::techniques::database::follower::Follower;
use crate::techniques::database::log::Log;
use crate::techniques::database::read_replicas::{
    Acknowledge, Consistency, Endpoint, MOST_REPLICAS, ReadReplicas, Replication,
};
use crate::techniques::parts::executor::{Executor, Finish, Next};
use crate::techniques::parts::program::Compiler;
use crate::techniques::technique::{CompileError, Wiring};
use commits::Commit;
use failover::{PROMOTE, Promotion, Vacancy};
use internals::Internals;
use routing::Route;
use storage::Storage;

/// Steps of a database's own.
pub const LOOK: u16 = 0;
pub const COMMIT: u16 = 1;
pub const TAKE: u16 = 2;
pub const APPLIED: u16 = 3;
pub const LOCK: u16 = 4;
pub const SCAN: u16 = 5;
pub const FETCH: u16 = 6;
pub const FLUSH_LOG: u16 = 7;
pub const REPLAY: u16 = 8;

/// Marks a visit that has a row, or waits for it.
const LOCKED: u8 = 128;

/// Timers of a database's own, apart from those of its executor.
pub const FIRST_TIMER: u32 = 128;
const RECEIVED: u32 = 128;
const ACKNOWLEDGED: u32 = 129;
const CHECKPOINT: u32 = 131;
const FLUSH: u32 = 132;

/// What the cluster knows of an operation.
#[derive(Clone, Copy, Debug)]
struct Statement {
    is_write: bool,
    key: Option<u16>,
    /// The endpoint that answers it, or the writer.
    route: Option<usize>,
    consistency: Consistency,
}

/// A writer and its replicas.
#[derive(Clone, Debug)]
pub struct Cluster {
    statements: Vec<Statement>,
    /// The operation by which a replica applies its log.
    apply_operation: u16,
    apply_workers: u32,
    apply: Option<(Sampler, Purpose)>,
    /// Of a page that a record is about and that the replica has to read.
    apply_io: Option<(Sampler, Purpose)>,
    storage: Option<Storage>,
    latency: Option<(Sampler, Purpose)>,
    replication: Replication,
    acknowledgements: u32,
    acknowledge: Acknowledge,
    /// Whether anybody reads their own writes, and the key space that says whose they are.
    has_sessions: bool,
    session: Option<u16>,
    is_scaled: bool,
    writer: Option<usize>,
    promotion: Option<Promotion>,
    vacancy: Vacancy,
    /// By place: which server the follower is, and what it has.
    followers: Vec<Option<(u32, Follower)>>,
    /// How often servers had come or gone when this was last looked at.
    changes: u64,
    epoch: u16,
    log: Log,
    /// Commits that wait for acknowledgements, by the number of their record.
    commits: BTreeMap<u64, Commit>,
    routes: Vec<Route>,
    /// Whether there is anything to tell of replicas.
    has_replicas: bool,
    internals: Internals,
    /// By place: which server memory and disk are of.
    servers: Vec<Option<u32>>,
    measures: measures::Measures,
}

impl Cluster {
    /// Compiles what is written about replicas; `apply_operation` is [`Cluster::apply_program`]'s.
    pub fn compile(
        spec: &Database,
        replicas: &ReadReplicas,
        apply_operation: u16,
        wiring: &mut dyn Wiring,
    ) -> Result<Self, CompileError> {
        let law = |law: &Option<_>, what: &str| match law {
            Some(law) => Ok(Some((wiring.sampler(law)?, wiring.purpose(what)))),
            None => Ok::<_, CompileError>(None),
        };
        let apply = law(&replicas.apply, "apply")?;
        let apply_io = law(&replicas.apply_io, "apply io")?;
        let latency = law(&replicas.latency, "replication")?;
        let storage = spec.storage.as_ref().map(|name| Storage::compile(name, wiring)).transpose()?;
        let names: Vec<&str> = replicas.endpoints.keys().map(|name| name.value.as_str()).collect();
        let route = |endpoint: &Endpoint| match endpoint {
            Endpoint::Writer => None,
            Endpoint::Reader => Some(0),
            Endpoint::Custom(name) => names.iter().position(|known| known == name).map(|position| position + 1),
        };
        let statements = spec.operations.values().map(|query| Statement {
            is_write: query.is_write(),
            key: spec.key_of(query).map(|key| wiring.key_space(key)),
            route: if query.is_write() { None } else { route(query.endpoint().map_or(&replicas.endpoint, |one| one)) },
            consistency: query.consistency().map_or(replicas.consistency, |one| one.value),
        });
        let statements: Vec<Statement> = statements.collect();
        let session = replicas.session.as_ref().map(|key| wiring.key_space(key));
        Ok(Self {
            has_sessions: statements.iter().any(|one| one.consistency == Consistency::ReadYourWrites),
            statements,
            apply_operation,
            apply_workers: replicas.workers(),
            apply,
            apply_io,
            storage,
            latency,
            replication: replicas.replication,
            acknowledgements: replicas.acknowledgements.as_ref().map_or(1, |count| count.value),
            acknowledge: replicas.acknowledge,
            session,
            is_scaled: wiring.is_scaled(),
            writer: Some(0),
            promotion: Promotion::compile(replicas, wiring)?,
            vacancy: Vacancy::default(),
            followers: Vec::new(),
            changes: 0,
            epoch: 0,
            log: Log::default(),
            commits: BTreeMap::new(),
            routes: Route::all(replicas, wiring)?,
            has_replicas: spec.read_replicas.is_some(),
            internals: Internals::compile(spec, wiring),
            servers: Vec::new(),
            measures: measures::Measures::default(),
        })
    }

    /// The work of one of the workers that apply the log: record after record, for ever.
    pub fn apply_program(compiler: &mut Compiler<'_>, replays: bool) -> u16 {
        let operation = compiler.begin("apply");
        compiler.own(TAKE);
        if replays {
            compiler.own(REPLAY);
        }
        compiler.own(APPLIED);
        compiler.again();
        operation
    }

    /// Time zero.
    pub fn start(&mut self, executor: &mut Executor, context: &mut Context) {
        executor.start(context);
        executor.keep(self.writer);
        if let Some(first_ns) = self.internals.first_checkpoint_ns() {
            context.after(first_ns, Timer { kind: CHECKPOINT, data: 0 });
        }
        self.follow(executor, context);
    }

    /// Servers may have come or gone.
    #[inline]
    pub fn follow(&mut self, executor: &mut Executor, context: &mut Context) {
        if executor.changes() != self.changes {
            self.changes = executor.changes();
            self.look_round(executor, context);
        }
        if self.vacancy.next.is_some() {
            self.take_over(executor, context);
        }
    }

    #[cold]
    fn look_round(&mut self, executor: &mut Executor, context: &mut Context) {
        self.followers.resize_with(executor.places().max(self.followers.len()), || None);
        self.watch_writer(executor, context);
        for place in 0..executor.places() {
            let server = executor.server(place);
            let number = server.map(|(number, _)| number);
            self.equip(context.now_ns(), place, number);
            if self.followers[place].as_ref().is_some_and(|(known, _)| Some(*known) != number) {
                self.part(executor, context, place);
            }
            let Some((number, phase)) = server.filter(|_| self.writer != Some(place)) else { continue };
            if self.writer.is_none() && self.vacancy.last == place && self.vacancy.next.is_none() {
                // The last writer may come back before anybody takes its place.
                continue;
            }
            if self.followers[place].is_none() {
                self.epoch = self.epoch.wrapping_add(1);
                // It has, or will have been given, all that is in the log by now.
                self.followers[place] = Some((number, Follower::new(self.epoch, self.log.end())));
            }
            let Some((_, follower)) = &mut self.followers[place] else { continue };
            match phase {
                Phase::Ready if !follower.applies => {
                    follower.applies = true;
                    follower.serves_from = self.log.end();
                    follower.is_serving = follower.applied == follower.serves_from;
                    for _ in 0..self.apply_workers {
                        executor.launch(context, place, self.apply_operation, self);
                    }
                }
                Phase::Draining => follower.is_serving = false,
                _ => {}
            }
        }
        self.set_members();
    }

    /// A server has a memory and a disk of its own.
    fn equip(&mut self, now_ns: u64, place: usize, number: Option<u32>) {
        self.servers.resize(self.servers.len().max(place + 1), None);
        let before = std::mem::replace(&mut self.servers[place], number);
        if before != number {
            before.iter().for_each(|_| self.internals.remove_server(now_ns));
            number.iter().for_each(|_| self.internals.add_server(now_ns, place));
        }
    }

    /// A server is gone, with whatever it had not applied.
    fn part(&mut self, executor: &mut Executor, context: &mut Context, place: usize) {
        let Some((_, follower)) = self.followers[place].take() else { return };
        self.measures.forget(context.now_ns(), self.log.from(follower.applied));
        self.await_no_longer(executor, context, place);
        self.forget_applied();
    }

    /// The time that a message takes one way.
    fn latency_ns(&self, request: u64, place: usize, way: u32) -> u64 {
        let law = self.latency.as_ref();
        law.map_or(0, |(law, purpose)| law.sample_ns(&mut Stream::keyed(request, *purpose, place as u32 * 2 + way)))
    }

    /// A timer of the database's own.
    pub fn timer(&mut self, executor: &mut Executor, context: &mut Context, timer: Timer) {
        match timer.kind {
            RECEIVED => self.receive(executor, context, timer.data),
            PROMOTE => self.promote(context, timer.data),
            CHECKPOINT => self.checkpoint(context),
            FLUSH => self.flush(context),
            _ => self.acknowledged(executor, context, timer.data),
        }
    }

    /// A controller says how the servers should be. It counts replicas: the writer is there in any case.
    pub fn command(&mut self, executor: &mut Executor, context: &mut Context, command: Command) {
        match command {
            Command::Scale { replicas } => {
                executor.command(context, Command::Scale { replicas: replicas.min(MOST_REPLICAS) + 1 });
            }
            Command::Disturb { .. } | Command::Restore { .. } => executor.command(context, command),
            _ => {}
        }
    }

    /// What controllers see: the replicas, without the writer.
    pub fn sample(&self, sample: &mut NodeSample) {
        sample.replicas.retain(|replica| Some(usize::from(replica.id.place)) != self.writer);
        sample.desired = sample.desired.saturating_sub(1);
        sample.busy_ns = sample.replicas.iter().map(|replica| replica.busy_ns).sum();
    }

    /// Who a request comes from, as far as reading one's own writes goes.
    fn session(&self, context: &Context, key: u64, user: u32) -> u64 {
        self.session.map_or(u64::from(user), |space| context.key(space, key))
    }

    /// Records that everybody has applied are of no use any more.
    fn forget_applied(&mut self) {
        let followers = self.followers.iter().flatten();
        let least = followers.map(|(_, follower)| follower.applied).min().unwrap_or(self.log.end());
        self.log.forget_below(least);
    }
}

impl Finish for Cluster {
    const HIDES_REPLICAS: bool = true;

    fn finish(&mut self, context: &mut Context, slot: u32) -> Outcome {
        let visit = context.visit(slot);
        let is_write = self.statements[usize::from(visit.operation)].is_write;
        let is_elsewhere = Some(usize::from(visit.replica)) != self.writer;
        self.measures.end(is_write, is_elsewhere);
        Outcome::Done
    }

    fn perform(&mut self, context: &mut Context, slot: u32, number: u16, _ready: &mut Vec<u32>) -> Next {
        match number {
            LOOK => self.look(context, slot),
            COMMIT => self.commit(context, slot),
            TAKE => self.take(context, slot),
            LOCK => self.lock(context, slot),
            SCAN => self.scan(context, slot),
            FETCH => self.fetch(context, slot),
            FLUSH_LOG => self.flush_log(context, slot),
            REPLAY => self.replay(context, slot),
            _ => self.applied(context, slot),
        }
    }

    fn left(&mut self, context: &mut Context, visit: &Visit, place: usize, ready: &mut Vec<u32>) {
        self.unlock(context, visit, ready);
        self.leave(context, visit, place);
    }
}
