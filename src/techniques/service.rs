//! Service: replicas of a program that answers requests.
//!
//! # How it works
//!
//! ```text
//! arrive: choose a replica (unless the caller did); worker free -> begin; room in the queue -> wait; else reject
//! begin:  run the operation's steps; compute uses the replica's cores, calls hold the worker until the reply
//! end:    reply, and let the worker take the next waiting request
//! ```
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `replicas` | | 1 | equal copies |
//! | `instance` | | none | of the model's catalogue: gives `cpu` and `price` of each replica where they are left out |
//! | `cpu` | cores | 1 | of each replica; fractions throttle threads, event loops need whole cores |
//! | `workers` | requests | unlimited | in service at once in each replica: threads or processes |
//! | `queue` | requests | unlimited | waiting in each replica for a worker; beyond it requests are rejected |
//! | `discipline` | | `FirstComeFirstServed` | who gets the next free worker |
//! | `scheduling` | | `ProcessorSharing` | how cores are shared: threads, or `RunToCompletion` as event loops do |
//! | `contention`, `coherency` | | 0 | coefficients of the Universal Scalability Law per replica |
//! | `balancing` | | `RoundRobin` | which replica gets a request whose caller has no view of the replicas |
//! | `zones` | zones | 1 | replica `i` stands in zone `i % zones` |
//! | `price` | $/time | 0 | of each replica, from when it boots until it is gone |
//! | `request_price` | $/request | 0 | of each request that is worked on, as third parties charge |
//! | `startup` | time | 0 | from having a machine until a replica could take requests |
//! | `readiness_period` | time | 0 | between two looks at whether it is ready; it is taken for ready at the next |
//! | `warm_up` | | none | the first requests of a replica compute longer |
//! | `termination_grace_period` | time | 30 s | for what a replica still has to do when it is ended; the rest is killed |
//! | `cpu_request` | cores | `cpu` | what a machine keeps free for a replica, and what utilization is told against |
//! | `memory` | | unlimited | what a replica holds; over its limit it is killed and starts again |
//! | `sidecars` | | none | containers beside the program: what they request and use of cores and memory |
//! | `without_replicas` | | `Reject` | what becomes of requests while there is no replica |
//! | `operations` | | | steps of each operation |
//!
//! Replicas come and go if a controller scales the service or a fault befalls it, if it has `memory` or if it has a `warm_up`;
//! those that are written are there at time zero.
//!
//! # When it helps, when it hurts
//!
//! More replicas or cores help while computing is what limits. Workers that wait for a slow dependency are busy without
//! computing: then neither helps, and more workers only move the queue to the dependency.
//!
//! # Law
//!
//! With `workers` = `cpu` a replica is an M/G/c queue; with unlimited workers and one core it is M/G/1 processor sharing.

use serde::Deserialize;

use crate::diagnostic::span::{Named, Span, Spanned};
use crate::distribution::Distribution;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::NodeRecord;
use crate::engine::visit::VisitList;
use crate::engine::{Evidence, Node, Reply, Timer};
use crate::price::{HourlyPrice, RequestPrice};
use crate::techniques::parts::balancer::Policy;
use crate::techniques::parts::executor::{AcceptQueue, Executor, Life, Limits, Succeed};
use crate::techniques::parts::instance::Instance;
use crate::techniques::parts::pod::{Memory, Sidecar, WarmUp, WithoutReplicas};
use crate::techniques::parts::pool::Connections;
use crate::techniques::parts::processor::{Processor, Sharing};
use crate::techniques::parts::program::Compiler;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::parts::steps::{self, Step};
use crate::techniques::technique::{
    Capacity, CompileError, Demand, Exposure, Mistake, Operations, Prices, Reference, ReplicaView, Requests, Spec,
    Wiring, law_mistakes, mean_s,
};
use crate::units::{Bytes, Duration};

/// A service as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    #[serde(default)]
    pub replicas: Option<Spanned<u32>>,
    #[serde(default)]
    pub instance: Option<Spanned<String>>,
    #[serde(default)]
    pub cpu: Option<Spanned<f64>>,
    #[serde(default)]
    pub workers: Option<Spanned<u32>>,
    #[serde(default)]
    pub queue: Option<Spanned<u32>>,
    #[serde(default)]
    pub discipline: Discipline,
    #[serde(default)]
    pub scheduling: Scheduling,
    #[serde(default)]
    pub contention: Option<Spanned<f64>>,
    #[serde(default)]
    pub coherency: Option<Spanned<f64>>,
    #[serde(default)]
    pub balancing: Option<Spanned<Policy>>,
    #[serde(default)]
    pub zones: Option<Spanned<u8>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
    #[serde(default)]
    pub request_price: Option<RequestPrice>,
    #[serde(default)]
    pub startup: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub readiness_period: Option<Spanned<Duration>>,
    #[serde(default)]
    pub warm_up: Option<Spanned<WarmUp>>,
    #[serde(default)]
    pub termination_grace_period: Option<Spanned<Duration>>,
    #[serde(default)]
    pub cpu_request: Option<Spanned<f64>>,
    #[serde(default)]
    pub memory: Option<Spanned<Memory>>,
    #[serde(default)]
    pub sidecars: Named<Sidecar>,
    #[serde(default)]
    pub without_replicas: WithoutReplicas,
    pub operations: Spanned<Named<Vec<Step>>>,
}

/// Who gets the next free worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Discipline {
    #[default]
    FirstComeFirstServed,
    LastComeFirstServed,
    /// The smallest `priority` of the clients first; work that has begun is not interrupted.
    Priority,
}

/// How the visits that compute share the cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Scheduling {
    #[default]
    ProcessorSharing,
    RunToCompletion,
}

/// Replicas that one service may have.
pub const MOST_REPLICAS: u32 = 60_000;

/// What Kubernetes gives a pod to end in order.
const GRACE_PERIOD_NS: u64 = 30_000_000_000;

impl Service {
    /// How its replicas live, if they do not just stand there.
    fn life(&self, wiring: &mut dyn Wiring) -> Result<Option<Life>, CompileError> {
        if !wiring.is_scaled() && !self.has_life() {
            return Ok(None);
        }
        let startup = match &self.startup {
            Some(law) => Some((wiring.sampler(law)?, wiring.purpose("startup"))),
            None => None,
        };
        Ok(Some(Life {
            startup,
            readiness_period_ns: self.readiness_period.as_ref().map_or(0, |period| period.ns),
            grace_period_ns: self.termination_grace_period.as_ref().map_or(GRACE_PERIOD_NS, |period| period.ns),
            warm_up: self.warm_up.as_ref().map(|warm_up| warm_up.value),
            memory: self.memory.as_ref().map(|memory| memory.value.clone()),
            requested_cores: self.requested_cores(),
            sidecars: self.sidecars.values().map(|sidecar| sidecar.compiled()).collect(),
            without_replicas: self.without_replicas,
            keeps_places: false,
            watchers: wiring.watchers(),
            pools: wiring.pools(),
            scheduler: wiring.scheduler(),
        }))
    }

    fn count(&self) -> u32 {
        self.replicas.as_ref().map_or(1, |replicas| replicas.value)
    }

    fn cores(&self) -> f64 {
        self.cpu.as_ref().map_or(1.0, |cpu| cpu.value)
    }

    fn requested_cores(&self) -> f64 {
        self.cpu_request.as_ref().map_or(self.cores(), |request| request.value)
    }
}

impl Spec for Service {
    fn can_fail(&self) -> bool {
        self.queue.is_some() || self.memory.is_some() || self.operations.values().any(|steps| steps::can_fail(steps))
    }

    fn kind(&self) -> &'static str {
        "Service"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::Named(self.operations.keys().map(|name| name.value.as_str()).collect())
    }

    fn references(&self) -> Vec<Reference<'_>> {
        let mut found: Vec<Reference<'_>> =
            self.operations.values().flat_map(|steps| steps::references(steps)).collect();
        found.extend(self.balancing.iter().flat_map(|policy| policy.references()));
        found
    }

    fn memory_limit(&self) -> Option<(Bytes, Span)> {
        self.memory.as_ref().map(|memory| (memory.limit, memory.span))
    }

    fn instance(&self) -> Option<&Spanned<String>> {
        self.instance.as_ref()
    }

    fn resolve(&mut self, span: Span, instance: &Instance) {
        instance.fill_in(span, &mut self.cpu, &mut self.price);
    }

    fn connections(&self) -> Connections<'_> {
        let at_once = self.operations.values().flat_map(|steps| steps::connections_at_once(steps)).collect();
        Connections { at_once, ..Connections::default() }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.operations.is_empty() {
            let help = "add operations: { \"read\": [ Compute(Exponential(\"5ms\")) ] }";
            found.push(Mistake::new(self.operations.span, "a service without operations does nothing", help));
        }
        for (_, steps) in self.operations.iter() {
            found.extend(steps::mistakes(steps, steps.span));
        }
        if let Some(replicas) = self.replicas.as_ref().filter(|count| !(1..=MOST_REPLICAS).contains(&count.value)) {
            let message = "a service has between 1 and 60,000 replicas";
            found.push(Mistake::new(replicas.span, message, "write for example 4"));
        }
        if let Some(cpu) = self.cpu.as_ref().filter(|cpu| !(0.001..=100_000.0).contains(&cpu.value)) {
            let message = "a replica has between 0.001 and 100,000 cores";
            found.push(Mistake::new(cpu.span, message, "write for example 2 or 0.5"));
        }
        if let Some(cpu) = self.cpu.as_ref().filter(|cpu| cpu.value.fract() != 0.0)
            && self.scheduling == Scheduling::RunToCompletion
        {
            let message = "computations that run to completion need whole cores";
            found.push(Mistake::new(cpu.span, message, "write for example 1, or use ProcessorSharing"));
        }
        if let Some(workers) = self.workers.as_ref().filter(|workers| workers.value == 0) {
            found.push(Mistake::new(workers.span, "without workers nothing is ever served", "write 1 or more"));
        }
        if self.workers.is_none() && self.queue.is_some() {
            let span = self.queue.as_ref().map(|queue| queue.span).unwrap_or_default();
            let message = "nobody waits in the queue of a service whose workers are unlimited";
            found.push(Mistake::new(span, message, "add workers: 16, or leave the queue out"));
        }
        for coefficient in [&self.contention, &self.coherency].into_iter().flatten() {
            if !(0.0..=1.0).contains(&coefficient.value) {
                let message = "coefficients of the Universal Scalability Law lie between 0 and 1";
                found.push(Mistake::new(coefficient.span, message, "write for example 0.03"));
            } else if self.scheduling == Scheduling::RunToCompletion && coefficient.value > 0.0 {
                let message = "run-to-completion cores do not slow each other down here";
                found.push(Mistake::new(coefficient.span, message, "leave this out, or use ProcessorSharing"));
            }
        }
        if let Some(law) = &self.startup {
            found.extend(law_mistakes(law));
        }
        if let Some(warm_up) = &self.warm_up {
            found.extend(WarmUp::mistakes(warm_up));
        }
        if let Some(memory) = &self.memory {
            found.extend(memory.mistakes(memory.span));
        }
        found.extend(self.sidecars.values().flat_map(Sidecar::mistakes));
        if let Some(request) =
            self.cpu_request.as_ref().filter(|request| !(0.001..=self.cores()).contains(&request.value))
        {
            let message = format!("a replica requests between 0.001 and its {} cores", self.cores());
            found.push(Mistake::new(request.span, message, "write at most cpu"));
        }
        if let Some(policy) = &self.balancing {
            found.extend(policy.mistakes(policy.span));
        }
        if let Some(zones) = self.zones.as_ref().filter(|zones| zones.value == 0) {
            found.push(Mistake::new(zones.span, "replicas stand in at least one zone", "write 1 or more"));
        }
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let found = self.operations.iter().find(|(name, _)| name.value == operation);
        found.map(|(_, steps)| steps::demand(steps)).unwrap_or_default()
    }

    fn replicas(&self) -> ReplicaView {
        ReplicaView { count: self.count(), zones: self.zones.as_ref().map_or(1, |zones| zones.value) }
    }

    fn scales(&self) -> bool {
        true
    }

    fn capacity(&self) -> Capacity {
        let count = f64::from(self.count());
        let workers = self.workers.as_ref().map(|workers| u64::from(workers.value) * u64::from(self.count()));
        Capacity { cores: Some(count * self.cores()), workers, ..Capacity::default() }
    }

    fn exposure(&self) -> Exposure {
        let ReplicaView { count, zones } = self.replicas();
        Exposure { part: "replica", losable: count, slowable: count, zones }
    }

    fn tells(&self, signal: Signal) -> Tells {
        let somebody_waits = self.workers.is_some() && self.queue.as_ref().is_none_or(|queue| queue.value > 0);
        match signal {
            // What is turned away has arrived.
            Signal::RequestsPerSecond => Tells::Always,
            _ if self.without_replicas == WithoutReplicas::Hold => Tells::Always,
            Signal::QueueLength if !somebody_waits => Tells::Never,
            Signal::QueueLength | Signal::RequestsInProgress => Tells::WithReplicas,
        }
    }

    fn requests(&self) -> Option<Requests> {
        let memory_bytes = self.memory.as_ref().map_or(0, |memory| memory.requested_bytes());
        let beside = self.sidecars.values().fold((0.0, 0u64), |(cores, bytes), sidecar| {
            (cores + sidecar.cpu_request, bytes.saturating_add(sidecar.memory.bytes))
        });
        Some(Requests { cores: self.requested_cores() + beside.0, memory_bytes: memory_bytes.saturating_add(beside.1) })
    }

    fn has_life(&self) -> bool {
        self.memory.is_some() || self.warm_up.is_some()
    }

    fn startup_s(&self) -> f64 {
        let readiness_s = self.readiness_period.as_ref().map_or(0.0, |period| period.as_s());
        self.startup.as_ref().map_or(0.0, |law| mean_s(law)) + readiness_s
    }

    fn sidecars(&self) -> Vec<&str> {
        self.sidecars.keys().map(|name| name.value.as_str()).collect()
    }

    fn settling_s(&self) -> f64 {
        self.operations.values().map(|steps| steps::longest_ttl_s(steps)).fold(0.0, f64::max)
    }

    fn cycle_s(&self) -> f64 {
        self.settling_s()
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        let workers = self.workers.as_ref().map(|workers| ("workers", f64::from(workers.value)));
        [("replicas", f64::from(self.count())), ("cpu", self.cores())].into_iter().chain(workers).collect()
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            usd_per_request: self.request_price.as_ref().map_or(0.0, |price| price.usd_per_request),
            ..Prices::default()
        }
    }
}

/// A service at work.
#[derive(Clone, Debug)]
pub struct ServiceNode {
    executor: Executor,
}

impl ServiceNode {
    /// Compiles the written form.
    pub fn compile(spec: &Service, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let mut compiler = Compiler::new(wiring);
        for (name, steps) in spec.operations.iter() {
            compiler.operation(name, steps)?;
        }
        let program = compiler.finish()?;
        let limits = Limits {
            cores: spec.cores(),
            workers: spec.workers.as_ref().map_or(u32::MAX, |workers| workers.value),
            queue: spec.queue.as_ref().map_or(u32::MAX, |queue| queue.value),
            zones: spec.replicas().zones.max(1),
        };
        let queue = match spec.discipline {
            Discipline::FirstComeFirstServed => AcceptQueue::FirstComeFirstServed(VisitList::default()),
            Discipline::LastComeFirstServed => AcceptQueue::LastComeFirstServed(VisitList::default()),
            Discipline::Priority => AcceptQueue::Priority(Box::default()),
        };
        let coefficient = |value: &Option<Spanned<f64>>| value.as_ref().map_or(0.0, |value| value.value);
        let processor = Executor::processor(
            &limits,
            &program,
            spec.scheduling == Scheduling::RunToCompletion,
            coefficient(&spec.contention),
            coefficient(&spec.coherency),
        );
        // What has cores for all today may have fewer tomorrow.
        let processor = match processor {
            Processor::Ample if wiring.is_resized_in_place() => {
                Processor::Sharing(Box::new(Sharing::new(limits.cores, 0.0, 0.0)))
            }
            processor => processor,
        };
        let policy = spec.balancing.as_ref().map(|policy| policy.value.clone()).unwrap_or_default();
        let life = spec.life(wiring)?;
        let chooses = spec.count() > 1 || life.is_some();
        let balancer = chooses.then(|| policy.compile(spec.replicas(), wiring)).transpose()?;
        Ok(Self { executor: Executor::new(spec.count(), limits, &queue, &processor, balancer, program, life) })
    }
}

impl Node for ServiceNode {
    fn start(&mut self, context: &mut Context) {
        self.executor.start(context);
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        self.executor.command(context, command);
    }

    fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        self.executor.sample(now_ns, sample);
    }

    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        self.executor.arrive(context, slot, &mut Succeed);
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.executor.reply(context, reply, &mut Succeed);
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        self.executor.timer(context, timer, &mut Succeed);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.executor.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.executor.observe(now_ns, record);
    }
}
