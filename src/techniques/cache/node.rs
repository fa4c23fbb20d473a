//! A cache at work.

use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::gauge::Gauge;
use crate::engine::record::{Happening, NodeRecord};
use crate::engine::visit::{Visit, VisitList};
use crate::engine::{Evidence, Node, Reply, Timer};
use crate::random::Purpose;
use crate::techniques::cache::Cache;
use crate::techniques::cache::keeper::{FLUSH, Keeper, More, Task};
use crate::techniques::cache::leases::Leases;
use crate::techniques::cache::operations::CacheOperation;
use crate::techniques::cache::servers::{Consequence, Servers};
use crate::techniques::cache::sizes::Sizes;
use crate::techniques::cache::write_behind::WriteBehind;
use crate::techniques::parts::executor::{AcceptQueue, Executor, Limits};
use crate::techniques::parts::program::Compiler;
use crate::techniques::parts::steps::Step;
use crate::techniques::parts::store::{Cycle, Eviction, Store};
use crate::techniques::technique::{CacheCommand, CompileError, Wiring};

/// Timer kinds, beside those of the executor and of writes that wait.
const EXPIRE: u32 = 101;
const PROMOTE: u32 = 102;

/// A cache at work.
#[derive(Clone, Debug)]
pub struct CacheNode {
    executor: Executor,
    keeper: Keeper,
    sampling: Purpose,
    expiry_period_ns: u64,
    /// Whether it is within each replica of a service.
    is_local: bool,
    happenings: Vec<Happening>,
}

/// A command of another node, as a whole.
fn steps(spec: &Cache) -> Vec<Step> {
    // Within a process nobody waits for a thread of the cache.
    let compute = if spec.local_to.is_some() { Step::Wait } else { Step::Compute };
    let command_time = spec.command_time.clone().map(compute);
    let latency = spec.latency.clone().map(Step::Wait);
    command_time.into_iter().chain(latency).collect()
}

impl CacheNode {
    /// Compiles the written form; callers have named their commands by then.
    pub fn compile(spec: &Cache, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let name = wiring.name().to_owned();
        let command = steps(spec);
        let sizes = spec.entry_sizes.as_ref().map(|sizes| Sizes::compile(sizes, wiring)).transpose()?;
        let is_disturbed = wiring.is_scaled();
        let (jitter, sampling) = (wiring.purpose("ttl jitter"), wiring.purpose("eviction"));
        let mut tasks = Vec::new();
        let mut compiler = Compiler::new(wiring);
        for (operation, written) in spec.operations.iter() {
            compiler.operation(operation, &written.steps(&name, &command))?;
            let space = compiler.wiring().key_space(written.key());
            let ttl_ns = written.ttl().as_ref().map(|ttl| ttl.ns);
            tasks.push(match &written.value {
                CacheOperation::ReadThrough { .. } => Task::Nothing,
                CacheOperation::WriteThrough { .. } => Task::Command(CacheCommand::Set { space, ttl_ns }),
                CacheOperation::WriteBehind { flush_delay, write, .. } => {
                    let hidden = compiler.hidden_operation(&format!("{} flush", **operation), write);
                    Task::WriteBehind { space, ttl_ns, delay_ns: flush_delay.ns, hidden }
                }
            });
        }
        // Reading through is a command of the cache to itself, so all are known only now.
        let commands = compiler.wiring().commands();
        for (index, given) in commands.iter().enumerate() {
            compiler.operation(&format!("command {index}"), &command)?;
            tasks.push(Task::Command(*given));
        }
        let program = compiler.finish()?;
        let threads = spec.threads.as_ref().map_or(1, |threads| threads.value);
        let limits = Limits { cores: f64::from(threads), workers: u32::MAX, queue: u32::MAX, zones: 1 };
        let queue = AcceptQueue::FirstComeFirstServed(VisitList::default());
        let processor = Executor::processor(&limits, &program, true, 0.0, 0.0);
        let store = Store::new(spec.room(), spec.eviction(), spec.sampling());
        let more = spec.has_more(&commands, is_disturbed).then(|| {
            Box::new(More {
                others: Vec::new(),
                empty: store.clone(),
                sizes,
                jitter,
                cycle: spec.cycle(),
                leases: Leases::new(longest_lease_ns(&commands)),
                has_leases: longest_lease_ns(&commands) > 0,
                write_behind: spec.writes_behind().then(WriteBehind::default),
                hidden: program.hidden,
                servers: spec
                    .local_to
                    .is_none()
                    .then(|| Servers::new(spec.replicas_count(), spec.promotion_ns(), spec.replication_lag_ns())),
                full_is_error: spec.eviction() != Eviction::TtlOnly,
                used: Gauge::default(),
                room: Gauge::at(spec.room()),
                stale: 0,
                refused: 0,
                expired: 0,
                lost: 0,
            })
        });
        Ok(Self {
            executor: Executor::new(1, limits, &queue, &processor, None, program, None),
            keeper: Keeper { tasks, store, hits: 0, gets: 0, evictions: 0, sets: 0, more },
            sampling,
            expiry_period_ns: 1_000_000_000 / u64::from(spec.hz()),
            is_local: spec.local_to.is_some(),
            happenings: Vec::new(),
        })
    }

    fn is_down(&self) -> bool {
        self.keeper.more.as_ref().and_then(|more| more.servers.as_ref()).is_some_and(Servers::is_down)
    }

    fn servers(&mut self) -> Option<&mut Servers> {
        self.keeper.more.as_mut()?.servers.as_mut()
    }

    fn follow(&mut self, context: &mut Context, consequence: Consequence) {
        match consequence {
            Consequence::Nothing => {}
            Consequence::Promote { after_ns, epoch } => context.after(after_ns, Timer { kind: PROMOTE, data: epoch }),
            Consequence::Empty => self.keeper.empty(context.now_ns()),
        }
    }

    /// Another server takes over, if one can.
    #[cold]
    fn promote(&mut self, context: &mut Context, epoch: u64) {
        let now_ns = context.now_ns();
        if let Some((since_ns, missing)) = self.servers().and_then(|servers| servers.promote(epoch)) {
            self.keeper.lose(now_ns, since_ns, &missing);
            Happening::remember(&mut self.happenings, now_ns, "failover");
        }
    }
}

fn longest_lease_ns(commands: &[CacheCommand]) -> u64 {
    let interval_ns = |command: &CacheCommand| match command {
        CacheCommand::Ask { guards, .. } => guards.lease.map(|terms| terms.interval_ns),
        _ => None,
    };
    commands.iter().filter_map(interval_ns).max().unwrap_or(0)
}

impl Node for CacheNode {
    fn start(&mut self, context: &mut Context) {
        self.keeper.store.seed(context.seed().stream(self.sampling));
        if let Some(more) = &mut self.keeper.more {
            more.empty.seed(context.seed().stream(self.sampling.child(1)));
            if more.cycle.is_some() {
                context.after(self.expiry_period_ns, Timer { kind: EXPIRE, data: 0 });
            }
        }
    }

    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        if self.keeper.more.is_some() {
            if self.is_down() {
                self.executor.receive(context, slot);
                return self.executor.refuse(context, slot);
            }
            if self.is_local {
                let now_ns = context.now_ns();
                let visit = context.visit(slot);
                let replica = if visit.replica == Visit::ANY_REPLICA { 0 } else { visit.replica };
                // The executor has one replica for all, so who asks is kept elsewhere.
                visit.pending = replica;
                self.keeper.reach(now_ns, replica);
            }
        }
        self.executor.arrive(context, slot, &mut self.keeper);
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.executor.reply(context, reply, &mut self.keeper);
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        match timer.kind {
            FLUSH => self.keeper.flush(context, timer.data),
            EXPIRE => {
                self.keeper.expire(context.now_ns());
                context.after(self.expiry_period_ns, Timer { kind: EXPIRE, data: 0 });
            }
            PROMOTE => self.promote(context, timer.data),
            _ => self.executor.timer(context, timer, &mut self.keeper),
        }
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        let now_ns = context.now_ns();
        match command {
            Command::Disturb { disturbance } => {
                if let Some(consequence) = self.servers().map(|servers| servers.disturb(disturbance, now_ns)) {
                    self.follow(context, consequence);
                }
            }
            Command::Restore { disturbance } => {
                if let Some(consequence) = self.servers().map(|servers| servers.restore(&disturbance)) {
                    self.follow(context, consequence);
                }
            }
            Command::Endpoints { ready, .. } if self.is_local => self.keeper.keep_only(now_ns, &ready),
            _ => {}
        }
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.keeper.audit(now_ns)?;
        self.executor.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.executor.observe(now_ns, record);
        let coalesced = std::mem::take(&mut record.shares);
        self.keeper.observe(now_ns, record);
        record.shares.extend(coalesced);
        record.happenings.append(&mut self.happenings);
    }
}

/// How a round of active expiry is made.
impl Cache {
    pub(super) fn cycle(&self) -> Option<Cycle> {
        self.active_expire_effort.as_ref().map(|effort| Cycle::new(effort.value, self.hz()))
    }
}
