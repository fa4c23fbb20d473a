//! Function: code without servers. Each request has an execution environment, which is started when none is idle.
//!
//! # How it works
//!
//! ```text
//! arrive: too many in progress -> throttle; else take an environment with room: a provisioned one first, else the one that was
//!         idle for the shortest time; else one that is starting; else start another
//! start:  cold_start later the environment runs the requests that wait for it
//! end:    an environment that has had nothing to do for keep_alive is gone; provisioned ones stay
//! ```
//!
//! With `concurrency: 1` this is AWS Lambda, whose functions may start 1,000 environments every ten seconds, a quota that refills
//! evenly and is never more than 1,000 (Developer Guide, "Lambda scaling behavior"); with more it is Cloud Run or Knative. A request
//! for which an environment would have to start beyond `scaling_rate` is rejected as one beyond the limit. A request waits for the environment that was started for it, even if another falls idle before.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `cpu` | cores | 1 | of each environment |
//! | `concurrency` | requests | 1 | in one environment at once |
//! | `cold_start` | time | 0 | until a new environment runs its first request; drawn for each request that starts one |
//! | `keep_alive` | time | 10 min | for which an idle environment stays |
//! | `provisioned_concurrency` | | 0 | environments that are always there |
//! | `concurrency_limit` | requests | 60,000 | in progress at once; beyond it requests are rejected |
//! | `scaling_rate` | | unlimited | `(environments: 1_000, every: "10s")`: how many may be started in that time, and at once |
//! | `request_price` | $/request | 0 | of each request that is not rejected |
//! | `duration_price` | $/time | 0 | of an environment while it starts and works: the price of a GB-second times its memory |
//! | `provisioned_price` | $/time | 0 | of each provisioned environment, whether it works or not |
//! | `operations` | | | steps of each operation |
//!
//! # When it helps, when it hurts
//!
//! Nothing is paid for idle time and nothing queues. Rare requests nearly always meet a cold start, and a surge starts as many
//! environments as it has requests at once; what lies behind, such as a database, gets them all.
//!
//! # Law
//!
//! Without cold starts and limit the requests in progress are those of M/G/infinity (Poisson with mean `rate x duration`); with a
//! limit of c, requests are rejected as in M/G/c/c (Erlang's loss formula, whatever the law of the duration). Environments started
//! within any time are at most those of one quota and what refills in that time.

use serde::Deserialize;

mod environments;

use environments::{Choice, EXPIRY, Environments, Quota};

use crate::diagnostic::span::{Named, Spanned};
use crate::distribution::{Distribution, Sampler};
use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::VisitList;
use crate::engine::{Evidence, Node, Reply, Timer};
use crate::price::{HourlyPrice, RequestPrice};
use crate::random::{Purpose, Stream};
use crate::techniques::parts::executor::{AcceptQueue, Executor, Limits};
use crate::techniques::parts::pool::Connections;
use crate::techniques::parts::program::Compiler;
use crate::techniques::parts::steps::{self, Step};
use crate::techniques::technique::{
    Capacity, CompileError, Demand, Mistake, Operations, Prices, Reference, Spec, Wiring, law_mistakes,
};
use crate::units::Duration;

/// As many environments as a node can tell apart.
const MOST_ENVIRONMENTS: u32 = 60_000;
const KEEP_ALIVE_NS: u64 = 600_000_000_000;

/// A function as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    #[serde(default)]
    pub cpu: Option<Spanned<f64>>,
    #[serde(default)]
    pub concurrency: Option<Spanned<u32>>,
    #[serde(default)]
    pub cold_start: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub keep_alive: Option<Spanned<Duration>>,
    #[serde(default)]
    pub provisioned_concurrency: Option<Spanned<u32>>,
    #[serde(default)]
    pub concurrency_limit: Option<Spanned<u32>>,
    #[serde(default)]
    pub scaling_rate: Option<Spanned<ScalingRate>>,
    #[serde(default)]
    pub request_price: Option<RequestPrice>,
    #[serde(default)]
    pub duration_price: Option<HourlyPrice>,
    #[serde(default)]
    pub provisioned_price: Option<HourlyPrice>,
    pub operations: Spanned<Named<Vec<Step>>>,
}

/// How fast environments may be started.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScalingRate {
    /// In that time, and at once.
    pub environments: u32,
    pub every: Duration,
}

impl Function {
    fn concurrency(&self) -> u32 {
        self.concurrency.as_ref().map_or(1, |concurrency| concurrency.value)
    }

    fn limit(&self) -> u32 {
        self.concurrency_limit.as_ref().map_or(MOST_ENVIRONMENTS, |limit| limit.value)
    }

    fn provisioned(&self) -> u32 {
        self.provisioned_concurrency.as_ref().map_or(0, |provisioned| provisioned.value)
    }

    fn keep_alive_ns(&self) -> u64 {
        self.keep_alive.as_ref().map_or(KEEP_ALIVE_NS, |keep_alive| keep_alive.ns)
    }
}

impl Spec for Function {
    /// Each execution environment has connections of its own.
    fn has_life(&self) -> bool {
        true
    }

    fn can_fail(&self) -> bool {
        let is_limited = self.concurrency_limit.is_some() || self.scaling_rate.is_some();
        is_limited || self.operations.values().any(|steps| steps::can_fail(steps))
    }

    fn kind(&self) -> &'static str {
        "Function"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::Named(self.operations.keys().map(|name| name.value.as_str()).collect())
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.operations.values().flat_map(|steps| steps::references(steps)).collect()
    }

    fn connections(&self) -> Connections<'_> {
        let at_once = self.operations.values().flat_map(|steps| steps::connections_at_once(steps)).collect();
        Connections { at_once, ..Connections::default() }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.operations.is_empty() {
            let help = "add operations: { \"resize\": [ Compute(Exponential(\"50ms\")) ] }";
            found.push(Mistake::new(self.operations.span, "a function without operations does nothing", help));
        }
        for (_, steps) in self.operations.iter() {
            found.extend(steps::mistakes(steps, steps.span));
        }
        if let Some(cpu) = self.cpu.as_ref().filter(|cpu| !(0.001..=1_000.0).contains(&cpu.value)) {
            let message = "an environment has between 0.001 and 1,000 cores";
            found.push(Mistake::new(cpu.span, message, "write for example 0.5"));
        }
        if let Some(concurrency) = self.concurrency.as_ref().filter(|requests| !(1..=1_000).contains(&requests.value)) {
            let message = "an environment runs between 1 and 1,000 requests at once";
            found.push(Mistake::new(concurrency.span, message, "write for example 80"));
        }
        if let Some(limit) = self.concurrency_limit.as_ref().filter(|limit| limit.value == 0) {
            found.push(Mistake::new(limit.span, "a limit of 0 rejects every request", "write for example 1000"));
        }
        let environments = self.limit().min(MOST_ENVIRONMENTS);
        if let Some(provisioned) = self.provisioned_concurrency.as_ref().filter(|count| count.value > environments) {
            let message =
                format!("{} environments are provisioned, but {environments} are ever used", provisioned.value);
            found.push(Mistake::new(provisioned.span, message, "provision at most concurrency_limit"));
        }
        if let Some(rate) = self.scaling_rate.as_ref().filter(|rate| rate.environments == 0 || rate.every.ns == 0) {
            let message = "environments are started at some rate";
            found.push(Mistake::new(rate.span, message, "write for example (environments: 1_000, every: \"10s\")"));
        }
        found.extend(self.cold_start.iter().flat_map(law_mistakes));
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let found = self.operations.iter().find(|(name, _)| name.value == operation);
        found.map(|(_, steps)| steps::demand(steps)).unwrap_or_default()
    }

    fn capacity(&self) -> Capacity {
        Capacity { workers: Some(u64::from(self.limit())), ..Capacity::default() }
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        let limit = self.concurrency_limit.as_ref().map(|limit| ("concurrency_limit", f64::from(limit.value)));
        limit.into_iter().chain([("provisioned_concurrency", f64::from(self.provisioned()))]).collect()
    }

    fn settling_s(&self) -> f64 {
        self.keep_alive_ns() as f64 * 1e-9
    }

    fn prices(&self) -> Prices {
        let usd_per_request = self.request_price.as_ref().map_or(0.0, |price| price.usd_per_request);
        Prices { usd_per_request, ..Prices::default() }
    }
}

/// The timer by which an environment has started, apart from those of the executor; the data says which one.
const READY: u32 = 64;

/// A function at work.
#[derive(Clone, Debug)]
pub struct FunctionNode {
    executor: Executor,
    environments: Box<Environments>,
    cold_start: Option<(Sampler, Purpose)>,
    limit: u64,
    cores: f64,
    accepted: u64,
    cold: u64,
    throttled: u64,
    /// Micro-dollars for an hour.
    duration_price: f64,
    provisioned_price: f64,
}

impl FunctionNode {
    /// Compiles the written form.
    pub fn compile(spec: &Function, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let mut compiler = Compiler::new(wiring);
        for (name, steps) in spec.operations.iter() {
            compiler.operation(name, steps)?;
        }
        let program = compiler.finish()?;
        let cores = spec.cpu.as_ref().map_or(1.0, |cpu| cpu.value);
        let limits = Limits { cores, workers: spec.concurrency(), queue: 0, zones: 1 };
        let queue = AcceptQueue::FirstComeFirstServed(VisitList::default());
        let processor = Executor::processor(&limits, &program, false, 0.0, 0.0);
        let cold_start = match &spec.cold_start {
            Some(law) => Some((wiring.sampler(law)?, wiring.purpose("cold start"))),
            None => None,
        };
        let micro = |price: &Option<HourlyPrice>| price.as_ref().map_or(0.0, |price| price.usd_per_hour * 1e6);
        Ok(Self {
            executor: Executor::new(spec.provisioned(), limits, &queue, &processor, None, program, None),
            environments: Box::new(Environments::new(
                spec.provisioned(),
                spec.concurrency(),
                spec.keep_alive_ns(),
                spec.scaling_rate.as_ref().map(|rate| Quota::new(rate.environments, rate.every.ns)),
            )),
            cold_start,
            limit: u64::from(spec.limit()),
            cores,
            accepted: 0,
            cold: 0,
            throttled: 0,
            duration_price: micro(&spec.duration_price),
            provisioned_price: micro(&spec.provisioned_price),
        })
    }

    /// How long a new environment takes to start for this request.
    fn cold_start_ns(&self, context: &mut Context, slot: u32) -> u64 {
        let visit = context.visit(slot);
        let (key, salt) = (visit.key, visit.salt);
        let law = self.cold_start.as_ref();
        law.map_or(0, |(law, purpose)| law.sample_ns(&mut Stream::keyed(key, *purpose, salt)))
    }
}

impl Node for FunctionNode {
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        self.executor.receive(context, slot);
        let choice = if self.executor.in_system() > self.limit {
            None
        } else {
            self.environments.choose(now_ns, MOST_ENVIRONMENTS)
        };
        let Some(choice) = choice else {
            self.throttled += 1;
            return self.executor.refuse(context, slot);
        };
        self.accepted += 1;
        match choice {
            Choice::Warm(place) => self.executor.serve(context, slot, place, &mut *self.environments),
            Choice::Starting(place) => {
                self.cold += 1;
                self.executor.bind(context, slot, place);
            }
            Choice::New(place) => {
                self.cold += 1;
                self.executor.provide(place);
                let delay_ns = self.cold_start_ns(context, slot);
                self.executor.bind(context, slot, place);
                let data = self.environments.word(place);
                context.after(delay_ns, Timer { kind: READY, data });
            }
        }
    }

    fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.executor.reply(context, reply, &mut *self.environments);
    }

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let now_ns = context.now_ns();
        match timer.kind {
            READY => {
                let Some(place) = self.environments.become_warm(timer.data) else { return };
                self.executor.open(context, place, &mut *self.environments);
            }
            EXPIRY => {
                if let Some(again_ns) = self.environments.expire(now_ns, timer.data) {
                    context.at(again_ns, timer);
                }
            }
            _ => self.executor.timer(context, timer, &mut *self.environments),
        }
    }

    fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        self.executor.sample(now_ns, sample);
        sample.desired = self.environments.count() as u32;
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.executor.audit(now_ns, evidence)?;
        self.environments.audit(self.executor.in_system())
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.executor.observe(now_ns, record);
        let here_ns = self.environments.here.integral(now_ns);
        let working_ns = self.environments.working.integral(now_ns);
        let provisioned_ns = f64::from(self.environments.provisioned) * now_ns as f64;
        record.counters.replica_ns = here_ns;
        record.counters.capacity_ns = (self.cores * here_ns as f64) as u128;
        record.counters.charged_ns =
            (self.duration_price * working_ns as f64 + self.provisioned_price * provisioned_ns) as u128;
        let (time_ns, in_system_ns) = (u128::from(now_ns), record.counters.in_system_ns);
        let arrived = self.accepted + self.throttled;
        let share = |name, numerator, denominator| Share { name, numerator, denominator };
        record.shares = vec![
            share("cold_start_ratio", self.cold.into(), self.accepted.into()),
            share("throttled_ratio", self.throttled.into(), arrived.into()),
            share("concurrent_executions", in_system_ns, time_ns),
            share("environments", here_ns, time_ns),
            share("working_environments", working_ns, time_ns),
        ];
    }
}
