//! How replicas come and go.
//!
//! ```text
//! reconcile: fewer than wanted -> create; more -> end the last ready first, and those that are not ready before
//! create:    pending -> (the scheduler finds a machine) -> starting -> (startup, next look at readiness) -> ready
//! drain:     no new requests; gone when idle, or killed when the grace period ends
//! kill:      whatever is there fails; out of memory: the process starts again at the same place, later and later
//! ```
//!
//! The order in which a ReplicaSet ends pods is Kubernetes' (not ready before ready, the younger before the older), the
//! pauses between restarts are those of its crash loop: none, then 10 s, doubled up to 5 minutes, forgotten after 10 minutes
//! without a crash.

use std::sync::Arc;

use crate::engine::context::Context;
use crate::engine::control::{Command, Disturbance, Phase, ReplicaId};
use crate::engine::visit::Visit;
use crate::engine::{Failure, NodeIndex, Outcome, Timer};
use crate::random::Stream;
use crate::techniques::parts::executor::fleet::{Fleet, MICRO, Roll};
use crate::techniques::parts::executor::{
    ADMIT_HELD, ANSWERED, BRANCH, CHOSEN_HERE, Executor, GRACE_ENDED, PROCESS_STARTS, READY,
};
use crate::techniques::parts::processor::Processor;
use crate::techniques::parts::program::Instruction;

const FIRST_BACK_OFF_NS: u64 = 10_000_000_000;
const LONGEST_BACK_OFF_NS: u64 = 300_000_000_000;
const CRASHES_FORGOTTEN_AFTER_NS: u64 = 600_000_000_000;

impl Executor {
    /// Time zero: the replicas that are written are there and have warmed up.
    pub fn start(&mut self, context: &mut Context) {
        let count = self.replicas.len() as u32;
        let Some(fleet) = &mut self.fleet else { return };
        let now_ns = context.now_ns();
        fleet.desired.set(now_ns, u64::from(count));
        for _ in 0..count {
            let place = fleet.create(now_ns);
            match fleet.life.scheduler {
                Some(scheduler) => ask_for_place(fleet, context, scheduler, place),
                None => {
                    fleet.pods[place].started_ns = Some(now_ns);
                    fleet.set_phase(now_ns, place, Some(Phase::Ready));
                    fleet.warm(place);
                    tell_pools(fleet, context, place, true);
                }
            }
        }
        self.publish(context);
    }

    /// A controller says how the replicas should be.
    pub fn command(&mut self, context: &mut Context, command: Command) {
        let now_ns = context.now_ns();
        let Some(fleet) = &mut self.fleet else { return };
        match command {
            Command::Scale { replicas } => {
                fleet.desired.set(now_ns, u64::from(replicas));
                self.reconcile(context);
            }
            Command::Resize { replica: None, size } => self.resize_new(size),
            Command::Resize { replica: Some(replica), size } => self.resize_in_place(context, replica, size),
            Command::Evict { replica } => {
                if let Some(place) =
                    fleet.place(replica).filter(|&place| fleet.pods[place].phase != Some(Phase::Draining))
                {
                    fleet.evictions += 1;
                    self.terminate(context, place);
                    self.reconcile(context);
                }
            }
            Command::Kill { replica } => {
                if let Some(place) = fleet.place(replica) {
                    // One that drains was evicted before.
                    fleet.evictions += u64::from(fleet.pods[place].phase != Some(Phase::Draining));
                    fleet.note(now_ns, "machine lost");
                    self.gone(context, place);
                    self.publish(context);
                    self.lose(context, place, None);
                    self.reconcile(context);
                }
            }
            Command::Roll { surge, unavailable } => {
                fleet.note(now_ns, "update begins");
                fleet.roll = Some(Roll { first_new: fleet.created, surge, unavailable });
                self.reconcile(context);
            }
            Command::Placed { replica } => {
                if let Some(place) =
                    fleet.place(replica).filter(|&place| fleet.pods[place].phase == Some(Phase::Pending))
                {
                    self.boot(context, place);
                }
            }
            Command::Disturb { disturbance } => self.disturb(context, disturbance),
            Command::Restore { disturbance } => {
                fleet.conditions.end(&disturbance);
                let conditions = &fleet.conditions;
                fleet.absent.retain(|place| conditions.is_lost(*place));
                self.reconcile(context);
            }
            Command::Endpoints { .. }
            | Command::Place { .. }
            | Command::Left { .. }
            | Command::Reshard
            | Command::Disconnect { .. }
            | Command::EndTransaction { .. }
            | Command::Pool { .. } => {}
        }
    }

    /// Something befalls replicas from outside. Others take the place of those that are lost, elsewhere.
    fn disturb(&mut self, context: &mut Context, disturbance: Disturbance) {
        let Some(fleet) = &mut self.fleet else { return };
        fleet.conditions.begin(disturbance.clone());
        let Disturbance::Lose { parts } = disturbance else { return };
        let is_hit = |place: &usize| fleet.pods[*place].phase.is_some() && fleet.conditions.hits(&parts, *place);
        let lost: Vec<usize> = (0..fleet.pods.len()).filter(is_hit).collect();
        if fleet.life.keeps_places {
            fleet.absent.extend(&lost);
        }
        lost.iter().for_each(|place| self.gone(context, *place));
        self.publish(context);
        lost.iter().for_each(|place| self.lose(context, *place, None));
        self.reconcile(context);
    }

    /// A timer about a replica's life goes off.
    pub(super) fn live(&mut self, context: &mut Context, timer: Timer) {
        let replica = ReplicaId::from_word(timer.data);
        let Some(fleet) = &mut self.fleet else { return };
        let Some(place) = fleet.place(replica) else { return };
        match (timer.kind, fleet.pods[place].phase) {
            (PROCESS_STARTS, Some(Phase::Starting)) => self.start_process(context, place),
            (READY, Some(Phase::Starting)) => {
                self.become_ready(context, place);
                self.reconcile(context);
            }
            (GRACE_ENDED, Some(Phase::Draining)) => {
                self.lose(context, place, None);
                self.gone(context, place);
                self.reconcile(context);
            }
            _ => {}
        }
    }

    fn phase(&self, place: usize) -> Option<Phase> {
        self.fleet.as_ref().and_then(|fleet| fleet.pods.get(place)).and_then(|pod| pod.phase)
    }

    /// Creates and ends replicas until there are as many as wanted, of the version that is wanted.
    fn reconcile(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        loop {
            let Some(fleet) = &mut self.fleet else { return };
            let wanted = (fleet.desired.level() as u32).saturating_sub(fleet.absent.len() as u32);
            let first_new = fleet.roll.map_or(0, |roll| roll.first_new);
            let staying: Vec<usize> = fleet.staying().collect();
            let is_old = |&&place: &&usize| fleet.pods[place].number < first_new;
            let old: Vec<usize> = staying.iter().filter(is_old).copied().collect();
            let (total, new) = (staying.len() as u32, (staying.len() - old.len()) as u32);
            let (surge, unavailable) = fleet.roll.map_or((0, 0), |roll| {
                let surge = roll.surge.rounded_up(wanted);
                let unavailable = roll.unavailable.rounded_down(wanted);
                // Neither more nor fewer would be no update at all; Kubernetes lets one be missing then.
                (surge, if surge == 0 { unavailable.max(1) } else { unavailable })
            });
            if new < wanted && total < wanted.saturating_add(surge) && fleet.has_place() {
                let missing = (wanted - new).min(wanted.saturating_add(surge) - total);
                (0..missing).for_each(|_| self.add_replica(context));
                continue;
            }
            let is_ready = |place: &usize| fleet.pods[*place].phase == Some(Phase::Ready);
            let ready = staying.iter().filter(|place| is_ready(place)).count() as u32;
            let is_new = |place: &&usize| fleet.pods[**place].number >= first_new;
            let new_unready = staying.iter().filter(is_new).filter(|place| !is_ready(place)).count() as u32;
            let least = wanted.saturating_sub(unavailable);
            if old.is_empty() && ready >= wanted && fleet.roll.take().is_some() {
                fleet.note(now_ns, "update done");
                continue;
            }
            let rank = |place: &usize| (is_ready(place), std::cmp::Reverse(fleet.pods[*place].number));
            let may_go = |place: &usize| fleet.pods[*place].number >= first_new && fleet.kept != Some(*place);
            let superfluous = if new > wanted || (old.is_empty() && total > wanted) {
                staying.iter().copied().filter(may_go).min_by_key(rank)
            } else {
                // An old one goes if enough others are ready; one that is not, if enough others are there for those that are
                // new and not ready yet.
                let goes = |place: &&usize| if is_ready(place) { ready > least } else { total > least + new_unready };
                old.iter().filter(goes).copied().min_by_key(rank)
            };
            match superfluous {
                Some(place) => self.terminate(context, place),
                None => return,
            }
        }
    }

    /// One more replica, which looks for a machine, if there is still a place for it.
    fn add_replica(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        let Some(fleet) = self.fleet.as_mut().filter(|fleet| fleet.has_place()) else { return };
        let place = fleet.create(now_ns);
        while self.replicas.len() <= place {
            self.replicas.push(self.template.clone());
        }
        self.replicas[place] = self.template.clone();
        match fleet.life.scheduler {
            Some(scheduler) => ask_for_place(fleet, context, scheduler, place),
            None => self.boot(context, place),
        }
    }

    /// The replica has a machine: from now on it is paid for, and boots.
    fn boot(&mut self, context: &mut Context, place: usize) {
        let now_ns = context.now_ns();
        let Some(fleet) = &mut self.fleet else { return };
        fleet.pods[place].started_ns = Some(now_ns);
        fleet.set_phase(now_ns, place, Some(Phase::Starting));
        // What is written stands at time zero.
        if now_ns == 0 {
            fleet.warm(place);
            return self.become_ready(context, place);
        }
        self.start_process(context, place);
    }

    /// The process in a replica starts, and will be found ready.
    fn start_process(&mut self, context: &mut Context, place: usize) {
        let now_ns = context.now_ns();
        let seed = context.seed();
        let Some(fleet) = &mut self.fleet else { return };
        let id = fleet.id(place);
        let pod = &mut fleet.pods[place];
        pod.process_started_ns = now_ns;
        pod.completed_since_start = 0;
        pod.warmed_up = 0;
        let startup_ns = fleet.life.startup.as_ref().map_or(0, |(law, purpose)| {
            let key = seed.request(*purpose, u64::from(id.number));
            law.sample_ns(&mut Stream::keyed(key, *purpose, pod.crashes))
        });
        let period_ns = fleet.life.readiness_period_ns;
        let delay_ns =
            if period_ns == 0 { startup_ns } else { startup_ns.div_ceil(period_ns).saturating_mul(period_ns) };
        if delay_ns == 0 {
            return self.become_ready(context, place);
        }
        context.after(delay_ns, Timer { kind: READY, data: id.word() });
    }

    fn become_ready(&mut self, context: &mut Context, place: usize) {
        let now_ns = context.now_ns();
        let Some(fleet) = &mut self.fleet else { return };
        fleet.set_phase(now_ns, place, Some(Phase::Ready));
        tell_pools(fleet, context, place, true);
        let is_awaited = !fleet.held.is_empty();
        self.publish(context);
        if is_awaited {
            context.after(0, Timer { kind: ADMIT_HELD, data: 0 });
        }
    }

    /// Ends a replica in good order: at once if it has not served yet, else when it is idle or the grace period is over.
    fn terminate(&mut self, context: &mut Context, place: usize) {
        let now_ns = context.now_ns();
        let Some(fleet) = &mut self.fleet else { return };
        if fleet.pods[place].phase != Some(Phase::Ready) {
            return self.gone(context, place);
        }
        fleet.set_phase(now_ns, place, Some(Phase::Draining));
        let timer = Timer { kind: GRACE_ENDED, data: fleet.id(place).word() };
        let grace_period_ns = fleet.life.grace_period_ns;
        self.publish(context);
        if self.is_idle(place) {
            return self.gone(context, place);
        }
        context.after(grace_period_ns, timer);
    }

    fn is_idle(&self, place: usize) -> bool {
        let replica = &self.replicas[place];
        replica.workers_busy == 0 && replica.waiting == 0
    }

    /// A draining replica that has nothing left to do is gone.
    #[cold]
    #[inline(never)]
    pub(super) fn drained(&mut self, context: &mut Context, place: usize) {
        if self.phase(place) == Some(Phase::Draining) && self.is_idle(place) {
            self.gone(context, place);
            self.reconcile(context);
        }
    }

    fn gone(&mut self, context: &mut Context, place: usize) {
        if self.fleet.as_ref().is_some_and(|fleet| fleet.has_own_work) {
            // What it does by itself ends with it.
            self.lose(context, place, None);
        }
        let Some(fleet) = &mut self.fleet else { return };
        let replica = fleet.id(place);
        fleet.set_phase(context.now_ns(), place, None);
        tell_pools(fleet, context, place, false);
        if let Some(scheduler) = fleet.life.scheduler {
            let node = context.node();
            context.command(scheduler, Command::Left { node, replica });
        }
    }

    /// Tells everybody who chooses among the replicas which ones are ready.
    fn publish(&mut self, context: &mut Context) {
        let Some(fleet) = &self.fleet else { return };
        let ready: Arc<[u16]> = fleet.ready_places().into();
        if let Some(balancer) = &mut self.balancer {
            balancer.set_members(&ready);
        }
        let node = context.node();
        for &watcher in &fleet.life.watchers {
            context.command(watcher, Command::Endpoints { node, ready: Arc::clone(&ready) });
        }
    }

    /// The replica's memory is full: its process is killed, and starts again.
    #[cold]
    #[inline(never)]
    pub(super) fn run_out_of_memory(&mut self, context: &mut Context, place: usize, arriving: u32) {
        let now_ns = context.now_ns();
        let Some(fleet) = &mut self.fleet else { return };
        fleet.out_of_memory += 1;
        fleet.note(now_ns, "out of memory");
        fleet.pods[place].out_of_memory += 1;
        if fleet.pods[place].phase == Some(Phase::Draining) {
            self.gone(context, place);
            return self.lose(context, place, Some(arriving));
        }
        fleet.set_phase(now_ns, place, Some(Phase::Starting));
        tell_pools(fleet, context, place, false);
        let pod = &mut fleet.pods[place];
        let ran_for_ns = now_ns - pod.process_started_ns;
        pod.crashes = if ran_for_ns >= CRASHES_FORGOTTEN_AFTER_NS { 1 } else { pod.crashes.saturating_add(1) };
        let back_off_ns = match pod.crashes {
            1 => 0,
            crashes => FIRST_BACK_OFF_NS.saturating_mul(1 << (crashes - 2).min(10)).min(LONGEST_BACK_OFF_NS),
        };
        let timer = Timer { kind: PROCESS_STARTS, data: fleet.id(place).word() };
        // Whoever tries again at once must know that this replica is not the one to try.
        self.publish(context);
        self.lose(context, place, Some(arriving));
        context.after(back_off_ns, timer);
    }

    /// Whatever a replica has to do fails, and its cores are idle. `but` is a request that is not there yet.
    pub(super) fn lose(&mut self, context: &mut Context, place: usize, but: Option<u32>) {
        let now_ns = context.now_ns();
        let node = context.node();
        let slots = context.visits().at_replica(node, place as u16);
        if let Some(flights) = &mut self.flights {
            flights.forget(place as u16);
        }
        self.ready.retain(|slot| !slots.contains(slot));
        let mut replica = std::mem::replace(&mut self.replicas[place], self.template.clone());
        let mut waiting_for_core = Vec::new();
        if let Processor::RunToCompletion { queue, .. } = &mut replica.processor {
            waiting_for_core.extend(std::iter::from_fn(|| queue.pop_front(context.visits())));
        }
        let waiting_for_worker: Vec<u32> = std::iter::from_fn(|| replica.queue.pop(context)).collect();
        waiting_for_worker.iter().for_each(|_| self.meter.waited(now_ns));
        // One whose branches are on their way waits for nobody itself.
        let has_begun = |slot: &&u32| Some(**slot) != but && !waiting_for_worker.contains(slot);
        for &slot in slots.iter().filter(has_begun) {
            if context.visit(slot).pending == 0 {
                self.forsake(context, slot);
            } else {
                self.roll_back(context, slot);
            }
        }
        let shares = matches!(replica.processor, Processor::Sharing(_));
        let busy_microcores = replica.busy_microcores;
        self.workers_busy.subtract(now_ns, u64::from(replica.workers_busy));
        let Some(fleet) = &mut self.fleet else { return };
        if shares {
            self.meter.occupy_microcores(now_ns, -(busy_microcores as i64));
            fleet.occupy(now_ns, place, -(busy_microcores as i64));
        }
        for slot in slots {
            if Some(slot) == but {
                continue;
            }
            let visit = *context.visit(slot);
            let is_branch = visit.flags & BRANCH != 0;
            let instruction = &self.program.code[usize::from(visit.program_counter)];
            // One whose branches are on their way stands at the step after them.
            let computes = visit.pending == 0 && matches!(instruction, Instruction::Compute { .. });
            if waiting_for_core.contains(&slot) {
                if !is_branch {
                    self.meter.waited(now_ns);
                }
            } else if computes && !shares && !waiting_for_worker.contains(&slot) {
                self.meter.release(now_ns);
                fleet.occupy(now_ns, place, -(MICRO as i64));
                fleet.dead.insert(context.id(slot).word(), now_ns);
            }
            if is_branch {
                context.close(slot);
                continue;
            }
            fleet.leave(now_ns);
            fleet.killed += 1;
            if visit.flags & CHOSEN_HERE != 0 {
                context.visit(slot).replica = Visit::ANY_REPLICA;
                if let Some(balancer) = &mut self.balancer {
                    balancer.returned(place as u16, now_ns - visit.entered_ns);
                }
            }
            context.reply(slot, Outcome::Failed(Failure::Killed));
            if visit.flags & ANSWERED == 0 {
                self.meter.answer(false, now_ns - visit.entered_ns, 0);
            }
            self.meter.leave(now_ns, visit.entered_ns);
        }
    }
}

/// Tells the pools of this node's connections that a replica is there, or is there no more.
fn tell_pools(fleet: &Fleet, context: &mut Context, place: usize, is_there: bool) {
    for &pools in &fleet.life.pools {
        context.command(pools, Command::Pool { place: place as u16, is_there });
    }
}

fn ask_for_place(fleet: &Fleet, context: &mut Context, scheduler: NodeIndex, place: usize) {
    let size = fleet.pods[place].size;
    let sidecars = &fleet.life.sidecars;
    let command = Command::Place {
        node: context.node(),
        replica: fleet.id(place),
        cores: size.requested_cores + sidecars.iter().map(|sidecar| sidecar.requested_cores).sum::<f64>(),
        memory_bytes: size.requested_memory_bytes + sidecars.iter().map(|sidecar| sidecar.memory_bytes).sum::<u64>(),
    };
    context.command(scheduler, command);
}
