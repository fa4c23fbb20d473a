//! Replicas that come and go: what is known of each, and what is counted of all.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::distribution::Sampler;
use crate::engine::NodeIndex;
use crate::engine::control::{Allowance, Phase, ReplicaId, ReplicaSample, Sidecar};
use crate::engine::gauge::Gauge;
use crate::engine::record::{Happening, NodeRecord, Share};
use crate::engine::visit::VisitList;
use crate::random::Purpose;
use crate::techniques::parts::conditions::Conditions;
use crate::techniques::parts::pod::{Memory, WarmUp, WithoutReplicas};

/// Millionths, in which shares of a core and of a replica are counted.
pub(super) const MICRO: f64 = 1e6;

/// Replicas that may be there at once, those that drain included.
const MOST_PLACES: usize = u16::MAX as usize;

/// How replicas of a service live.
#[derive(Clone, Debug)]
pub struct Life {
    /// From having a machine until it could take requests.
    pub startup: Option<(Sampler, Purpose)>,
    /// Time between two looks at whether it is ready.
    pub readiness_period_ns: u64,
    pub grace_period_ns: u64,
    pub warm_up: Option<WarmUp>,
    pub memory: Option<Memory>,
    /// What each replica asks a machine for.
    pub requested_cores: f64,
    pub sidecars: Arc<[Sidecar]>,
    pub without_replicas: WithoutReplicas,
    /// Whether a replica whose place is lost starts there again when that is over, and none elsewhere meanwhile.
    pub keeps_places: bool,
    /// Those who choose among the replicas.
    pub watchers: Vec<NodeIndex>,
    /// Those who keep connections open for each replica.
    pub pools: Vec<NodeIndex>,
    /// Who finds machines for replicas; without it there is always one.
    pub scheduler: Option<NodeIndex>,
}

/// What a replica requests of its machine, and what it may use.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub requested_cores: f64,
    pub cores: f64,
    pub requested_memory_bytes: u64,
    pub memory_limit_bytes: u64,
}

/// One replica's life so far.
#[derive(Clone, Debug)]
pub struct Pod {
    pub number: u32,
    /// `None` once it is gone.
    pub phase: Option<Phase>,
    pub created_ns: u64,
    pub started_ns: Option<u64>,
    pub transition_ns: u64,
    /// Micro-cores that compute.
    pub busy: Gauge,
    pub size: Size,
    /// Requests answered since it was created, and since its process started.
    pub completed: u64,
    pub completed_since_start: u64,
    /// Requests by which its process has warmed up.
    pub warmed_up: u64,
    pub out_of_memory: u32,
    /// Crashes that follow one another closely.
    pub crashes: u32,
    /// The last time its process started.
    pub process_started_ns: u64,
}

/// A rolling update: replicas below this number are old.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roll {
    pub first_new: u32,
    pub surge: Allowance,
    pub unavailable: Allowance,
}

/// All replicas that a service has, had, or will have.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub life: Life,
    /// By place.
    pub pods: Vec<Pod>,
    /// Places whose replica is gone.
    free: BTreeSet<usize>,
    /// Requests that wait for a replica to be there.
    pub held: VisitList,
    pub(super) roll: Option<Roll>,
    /// The place whose replica stays when there are too many.
    pub(super) kept: Option<usize>,
    /// Whether replicas do something that nobody asked for.
    pub(super) has_own_work: bool,
    /// How often a replica has moved on in its life.
    pub(super) changes: u64,
    /// Cores of a replica as it is written, which its price is for.
    pub(super) written_cores: f64,
    /// Of replicas that start from now on.
    pub(super) size: Size,
    pub(super) created: u32,
    pub(super) desired: Gauge,
    pub(super) pending: Gauge,
    pub(super) starting: Gauge,
    pub(super) ready: Gauge,
    /// Ready or draining.
    pub(super) serving: Gauge,
    /// Micro-replicas that are paid for, in proportion to their cores.
    pub(super) billed: Gauge,
    /// Micro-cores of those that serve.
    pub(super) capacity: Gauge,
    /// Bytes in use by those that serve, and those they may use.
    pub(super) memory: Gauge,
    pub(super) memory_limit: Gauge,
    pub(super) out_of_memory: u64,
    pub(super) evictions: u64,
    /// Requests that were lost with their replica.
    pub(super) killed: u64,
    /// What has befallen places: of machines, zones.
    pub(super) conditions: Conditions,
    /// Places that are kept for their replicas until these start again.
    pub(super) absent: BTreeSet<usize>,
    /// What befell replicas since the last record.
    happenings: Vec<Happening>,
    /// Computations of killed requests whose timers have not gone off: by their timer's data, when they were killed.
    pub(super) dead: std::collections::BTreeMap<u64, u64>,
}

impl Fleet {
    /// A fleet without replicas.
    pub fn new(life: Life, cores: f64, zones: u8) -> Self {
        let size = Size {
            requested_cores: life.requested_cores,
            cores,
            requested_memory_bytes: life.memory.as_ref().map_or(0, |memory| memory.requested_bytes()),
            memory_limit_bytes: life.memory.as_ref().map_or(0, |memory| memory.limit.bytes),
        };
        Self {
            pods: Vec::new(),
            free: BTreeSet::new(),
            held: VisitList::default(),
            roll: None,
            kept: None,
            has_own_work: false,
            changes: 0,
            life,
            written_cores: cores,
            size,
            created: 0,
            desired: Gauge::default(),
            pending: Gauge::default(),
            starting: Gauge::default(),
            ready: Gauge::default(),
            serving: Gauge::default(),
            billed: Gauge::default(),
            capacity: Gauge::default(),
            memory: Gauge::default(),
            memory_limit: Gauge::default(),
            out_of_memory: 0,
            evictions: 0,
            killed: 0,
            conditions: Conditions::new(zones),
            absent: BTreeSet::new(),
            happenings: Vec::new(),
            dead: std::collections::BTreeMap::new(),
        }
    }

    /// The name of the replica at a place.
    pub fn id(&self, place: usize) -> ReplicaId {
        ReplicaId { place: place as u16, number: self.pods[place].number }
    }

    /// The place of a replica that is not gone.
    pub fn place(&self, id: ReplicaId) -> Option<usize> {
        let pod = self.pods.get(usize::from(id.place))?;
        (pod.number == id.number && pod.phase.is_some()).then_some(usize::from(id.place))
    }

    /// Whether the replica at this place takes requests that were sent to it.
    pub fn serves(&self, place: usize) -> bool {
        matches!(self.pods.get(place).and_then(|pod| pod.phase), Some(Phase::Ready | Phase::Draining))
    }

    /// The places of replicas that are there and not on their way out.
    pub fn staying(&self) -> impl Iterator<Item = usize> {
        let stays = |pod: &Pod| pod.phase.is_some_and(|phase| phase != Phase::Draining);
        self.pods.iter().enumerate().filter(move |(_, pod)| stays(pod)).map(|(place, _)| place)
    }

    /// The places of replicas that are ready.
    pub fn ready_places(&self) -> Vec<u16> {
        let is_ready = |(_, pod): &(usize, &Pod)| pod.phase == Some(Phase::Ready);
        self.pods.iter().enumerate().filter(is_ready).map(|(place, _)| place as u16).collect()
    }

    /// What a replica with so many requests holds in memory.
    pub fn memory_bytes(&self, place: usize, requests: u64) -> u64 {
        let Some(memory) = &self.life.memory else { return 0 };
        let leaked = memory.leak.bytes.saturating_mul(self.pods[place].completed_since_start);
        memory.base.bytes.saturating_add(memory.per_request.bytes.saturating_mul(requests)).saturating_add(leaked)
    }

    /// How much longer the replica computes than one that has warmed up.
    #[inline]
    pub fn slowdown(&self, place: usize) -> f64 {
        let slow = self.conditions.factor(place);
        let Some(warm_up) = &self.life.warm_up else { return slow };
        let cold = 1.0 - self.pods[place].warmed_up as f64 / f64::from(warm_up.requests);
        slow * (1.0 + (warm_up.factor - 1.0) * cold.max(0.0))
    }

    /// A request comes to a replica.
    pub(super) fn enter(&mut self, now_ns: u64) {
        if let Some(memory) = &self.life.memory {
            self.memory.add(now_ns, memory.per_request.bytes);
        }
    }

    /// A request leaves a replica without an answer.
    pub(super) fn leave(&mut self, now_ns: u64) {
        if let Some(memory) = &self.life.memory {
            self.memory.subtract(now_ns, memory.per_request.bytes);
        }
    }

    /// A request at this place was answered.
    #[inline]
    pub(super) fn complete(&mut self, now_ns: u64, place: usize) {
        let pod = &mut self.pods[place];
        pod.completed += 1;
        pod.completed_since_start += 1;
        pod.warmed_up += 1;
        if let Some(memory) = &self.life.memory {
            self.memory.subtract(now_ns, memory.per_request.bytes);
            self.memory.add(now_ns, memory.leak.bytes);
        }
    }

    /// Checks that the levels are those of the replicas.
    pub(super) fn audit(&self, now_ns: u64) -> Result<(), String> {
        let count =
            |holds: fn(Phase) -> bool| self.pods.iter().filter(|pod| pod.phase.is_some_and(holds)).count() as u64;
        let serves = |phase| matches!(phase, Phase::Ready | Phase::Draining);
        let levels = [
            ("pending", self.pending.level(), count(|phase| phase == Phase::Pending)),
            ("starting", self.starting.level(), count(|phase| phase == Phase::Starting)),
            ("ready", self.ready.level(), count(|phase| phase == Phase::Ready)),
            ("serving", self.serving.level(), count(serves)),
        ];
        for (name, counted, there) in levels {
            if counted != there {
                return Err(format!("{counted} replicas counted as {name}, {there} are"));
            }
        }
        let used: u64 = self.pods.iter().map(|pod| pod.busy.level()).sum();
        if used as f64 > self.capacity.level() as f64 + 1.0 + self.pods.len() as f64 {
            return Err(format!("{used} micro-cores compute, {} are there", self.capacity.level()));
        }
        if self.capacity.integral(now_ns) < self.pods.iter().map(|pod| pod.busy.integral(now_ns)).sum() {
            return Err("replicas computed for longer than they were there".to_owned());
        }
        Ok(())
    }

    /// Micro-cores more or fewer that compute at this place.
    #[inline]
    pub fn occupy(&mut self, now_ns: u64, place: usize, change: i64) {
        let busy = &mut self.pods[place].busy;
        busy.set(now_ns, busy.level().saturating_add_signed(change));
    }

    /// Fills in what a controller may see of the replica at a place; `None` if there is none.
    pub fn sample(&self, now_ns: u64, place: usize, waiting: u32, in_service: u32) -> Option<ReplicaSample> {
        let pod = &self.pods[place];
        let in_system = waiting + in_service;
        Some(ReplicaSample {
            id: self.id(place),
            phase: pod.phase?,
            created_ns: pod.created_ns,
            started_ns: pod.started_ns,
            transition_ns: pod.transition_ns,
            busy_ns: pod.busy.integral(now_ns) / 1_000_000,
            cores: pod.size.cores,
            requested_cores: pod.size.requested_cores,
            memory_bytes: self.memory_bytes(place, u64::from(in_system)),
            memory_limit_bytes: pod.size.memory_limit_bytes,
            requested_memory_bytes: pod.size.requested_memory_bytes,
            waiting,
            in_system,
            completed: pod.completed,
            out_of_memory: pod.out_of_memory,
        })
    }

    /// Remembers what befell a replica, for charts.
    pub(super) fn note(&mut self, time_ns: u64, what: &'static str) {
        Happening::remember(&mut self.happenings, time_ns, what);
    }

    /// Fills in a record.
    pub fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        record.happenings.append(&mut self.happenings);
        record.counters.replica_ns = self.billed.integral(now_ns) / 1_000_000;
        record.counters.capacity_ns = self.capacity.integral(now_ns) / 1_000_000;
        let level = |name, gauge: &Gauge| Share::level(name, gauge, now_ns);
        let per_hour = |name, count: u64| Share::per_hour(name, count, now_ns);
        record.shares.push(level("desired_replicas", &self.desired));
        record.shares.push(level("starting_replicas", &self.starting));
        record.shares.push(level("ready_replicas", &self.ready));
        if self.life.scheduler.is_some() {
            record.shares.push(level("pending_replicas", &self.pending));
        }
        if self.life.memory.is_some() {
            record.shares.push(Share {
                name: "memory_ratio",
                numerator: self.memory.integral(now_ns),
                denominator: self.memory_limit.integral(now_ns),
            });
            record.shares.push(per_hour("out_of_memory_kills_per_hour", self.out_of_memory));
        }
        record.shares.push(per_hour("killed_requests_per_hour", self.killed));
        record.shares.push(per_hour("evictions_per_hour", self.evictions));
    }
}

impl Fleet {
    /// Where one more replica finds a place, if anywhere. Callers know places by 16 bits, and nothing starts where all is lost.
    pub(super) fn next_place(&self) -> Option<usize> {
        let stands = |place: &usize| !self.conditions.is_lost(*place);
        let free = self.free.iter().copied().find(stands);
        free.or_else(|| (self.pods.len()..MOST_PLACES).find(stands))
    }

    /// Whether one more replica finds a place.
    pub(super) fn has_place(&self) -> bool {
        self.next_place().is_some()
    }

    /// A new replica at the first free place, which looks for a machine.
    pub(super) fn create(&mut self, now_ns: u64) -> usize {
        let pod = Pod {
            number: self.created,
            phase: None,
            created_ns: now_ns,
            started_ns: None,
            transition_ns: now_ns,
            busy: Gauge::default(),
            size: self.size,
            completed: 0,
            completed_since_start: 0,
            warmed_up: 0,
            out_of_memory: 0,
            crashes: 0,
            process_started_ns: now_ns,
        };
        self.created += 1;
        let place = self.next_place().unwrap_or(self.pods.len());
        while self.pods.len() <= place {
            self.free.insert(self.pods.len());
            self.pods.push(pod.clone());
        }
        self.free.remove(&place);
        self.pods[place] = pod;
        self.set_phase(now_ns, place, Some(Phase::Pending));
        place
    }

    /// The replica has been there for long.
    pub(super) fn warm(&mut self, place: usize) {
        self.pods[place].warmed_up = self.life.warm_up.map_or(0, |warm_up| u64::from(warm_up.requests));
    }

    /// How much of a machine a replica takes, against one as it is written: of cores or of memory, whichever is more.
    fn share(&self, place: usize) -> f64 {
        let pod = &self.pods[place].size;
        let written_bytes = self.life.memory.as_ref().map_or(0, |memory| memory.limit.bytes);
        let of_memory = if written_bytes == 0 { 0.0 } else { pod.memory_limit_bytes as f64 / written_bytes as f64 };
        (pod.cores / self.written_cores).max(of_memory)
    }

    /// Millionths of a replica as it is written that this one is paid as.
    pub(super) fn billed_micro(&self, place: usize) -> u64 {
        (self.share(place) * MICRO) as u64
    }

    /// Moves a replica on in its life. It has no requests as it begins or ceases to serve.
    pub(super) fn set_phase(&mut self, now_ns: u64, place: usize, phase: Option<Phase>) {
        self.changes += 1;
        let idle_bytes = self.memory_bytes(place, 0);
        let billed = self.billed_micro(place);
        let pod = &mut self.pods[place];
        let before = std::mem::replace(&mut pod.phase, phase);
        if phase.is_none() {
            self.free.insert(place);
        }
        if (before == Some(Phase::Ready)) != (phase == Some(Phase::Ready)) {
            pod.transition_ns = now_ns;
        }
        let move_level = |gauge: &mut Gauge, holds: fn(Phase) -> bool, amount: u64| match (
            before.is_some_and(holds),
            phase.is_some_and(holds),
        ) {
            (false, true) => gauge.add(now_ns, amount),
            (true, false) => gauge.subtract(now_ns, amount),
            _ => {}
        };
        let serves = |phase| matches!(phase, Phase::Ready | Phase::Draining);
        move_level(&mut self.pending, |phase| phase == Phase::Pending, 1);
        move_level(&mut self.starting, |phase| phase == Phase::Starting, 1);
        move_level(&mut self.ready, |phase| phase == Phase::Ready, 1);
        move_level(&mut self.serving, serves, 1);
        move_level(&mut self.billed, |phase| phase != Phase::Pending, billed);
        move_level(&mut self.capacity, serves, (pod.size.cores * MICRO) as u64);
        move_level(&mut self.memory, serves, idle_bytes);
        move_level(&mut self.memory_limit, serves, pod.size.memory_limit_bytes);
    }
}
