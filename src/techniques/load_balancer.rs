//! Load balancer (or gateway): a hop that spreads requests over the replicas of its target.
//!
//! # How it works
//!
//! ```text
//! arrive: connections exhausted -> reject; else take `processing` time
//! then:   choose a replica by the policy, call the same operation of the target on it
//! reply:  pass it back
//! ```
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | whose operations are offered and called |
//! | `policy` | | `RoundRobin` | see [`Policy`] |
//! | `processing` | time | 0 | added to each request |
//! | `max_connections` | requests | unlimited | in progress at once; beyond it requests are rejected |
//! | `price` | $/time | 0 | of the balancer |
//! | `request_price` | $/request | 0 | of each request |
//!
//! # When it helps, when it hurts
//!
//! Policies that look at what is outstanding keep short queues even with few replicas; random and round robin do not see
//! a slow replica. Two random choices get most of the gain of looking at all (Mitzenmacher 2001).
//!
//! # Law
//!
//! `LeastOutstanding` over one-worker replicas is join the shortest queue; `PowerOfChoices(2)` over many is the
//! supermarket model; `Random` is independent M/M/1 queues.

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::NodeRecord;
use crate::engine::visit::VisitId;
use crate::engine::{Destination, Evidence, Failure, Node, Outcome, Reply, Timer};
use crate::price::{HourlyPrice, RequestPrice};
use crate::random::{Purpose, Stream};
use crate::techniques::parts::balancer::{Balancer, Policy};
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::technique::{
    Capacity, CompileError, Demand, Mistake, Operations, Prices, Reference, Spec, Wiring, Worker, law_mistakes, mean_s,
};

/// A load balancer as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    pub target: Spanned<String>,
    #[serde(default)]
    pub policy: Option<Spanned<Policy>>,
    #[serde(default)]
    pub processing: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub max_connections: Option<Spanned<u32>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
    #[serde(default)]
    pub request_price: Option<RequestPrice>,
}

impl Spec for LoadBalancer {
    fn can_fail(&self) -> bool {
        self.max_connections.is_some()
    }

    fn kind(&self) -> &'static str {
        "LoadBalancer"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::SameAs(&self.target)
    }

    fn references(&self) -> Vec<Reference<'_>> {
        let mut found = vec![Reference::Target(&self.target)];
        found.extend(self.policy.iter().flat_map(|policy| policy.references()));
        found
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if let Some(policy) = &self.policy {
            found.extend(policy.mistakes(policy.span));
        }
        if let Some(law) = &self.processing {
            found.extend(law_mistakes(law));
        }
        if let Some(connections) = self.max_connections.as_ref().filter(|connections| connections.value == 0) {
            found.push(Mistake::new(connections.span, "without connections nothing passes", "write 1 or more"));
        }
        found
    }

    fn watches(&self) -> Option<&str> {
        Some(&self.target)
    }

    fn demand(&self, operation: &str) -> Demand {
        let held_s = self.processing.as_ref().map_or(0.0, |law| mean_s(law));
        let mut demand = Demand { held_s, ..Demand::default() };
        demand.call(&format!("{}.{operation}", *self.target), 1.0);
        demand
    }

    fn capacity(&self) -> Capacity {
        let workers = self.max_connections.as_ref().map(|connections| u64::from(connections.value));
        Capacity { workers, worker: Worker::Connection, ..Capacity::default() }
    }

    fn tells(&self, signal: Signal) -> Tells {
        match signal {
            Signal::QueueLength => Tells::Never,
            // A request is here for as long as it is processed, and as the target has it.
            Signal::RequestsInProgress if self.processing.is_none() => Tells::WithReplicas,
            Signal::RequestsInProgress | Signal::RequestsPerSecond => Tells::Always,
        }
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        self.max_connections.iter().map(|connections| ("max_connections", f64::from(connections.value))).collect()
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            usd_per_request: self.request_price.as_ref().map_or(0.0, |price| price.usd_per_request),
            ..Prices::default()
        }
    }
}

/// A load balancer at work.
#[derive(Clone, Debug)]
pub struct LoadBalancerNode {
    destinations: Vec<Destination>,
    balancer: Balancer,
    processing: Option<(Sampler, Purpose)>,
    max_connections: u64,
    meter: Meter,
}

impl LoadBalancerNode {
    /// Compiles the written form.
    pub fn compile(spec: &LoadBalancer, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let mut destinations = Vec::new();
        for operation in wiring.operations(&spec.target) {
            let value = format!("{}.{operation}", *spec.target);
            destinations.push(wiring.destination(&Spanned { value, span: spec.target.span })?);
        }
        let policy = spec.policy.as_ref().map(|policy| policy.value.clone()).unwrap_or_default();
        let processing = match &spec.processing {
            Some(law) => Some((wiring.sampler(law)?, wiring.purpose("processing"))),
            None => None,
        };
        Ok(Self {
            destinations,
            balancer: policy.compile(wiring.replicas(&spec.target), wiring)?,
            processing,
            max_connections: spec.max_connections.as_ref().map_or(u64::MAX, |connections| connections.value.into()),
            meter: Meter::default(),
        })
    }

    #[inline(always)]
    fn pass_on(&mut self, context: &mut Context, slot: u32) {
        let replica = self.balancer.choose(context, slot, 0);
        let visit = *context.visit(slot);
        let token = VisitId { slot, generation: visit.generation }.token();
        let destination = self.destinations[usize::from(visit.operation)];
        context.call_replica(destination, replica, token, visit.identity());
    }
}

impl Node for LoadBalancerNode {
    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        self.meter.arrive(now_ns);
        if self.meter.in_system() > self.max_connections {
            self.meter.reject(now_ns, now_ns);
            return context.reply(slot, Outcome::Failed(Failure::Rejected));
        }
        let Some((law, purpose)) = &self.processing else { return self.pass_on(context, slot) };
        let visit = context.visit(slot);
        let delay_ns = law.sample_ns(&mut Stream::keyed(visit.key, *purpose, visit.salt));
        context.after(delay_ns, Timer { kind: 0, data: u64::from(slot) });
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        let now_ns = context.now_ns();
        let Some(slot) = context.visits().find(VisitId::from_token(reply.token)) else { return };
        self.balancer.returned(reply.replica, now_ns - reply.called_ns);
        let entered_ns = context.visit(slot).entered_ns;
        self.meter.answer(!matches!(reply.outcome, Outcome::Failed(_)), now_ns - entered_ns, 0);
        self.meter.leave(now_ns, entered_ns);
        context.reply(slot, reply.outcome);
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        self.pass_on(context, timer.data as u32);
    }

    fn command(&mut self, _context: &mut Context, command: Command) {
        if let Command::Endpoints { ready, .. } = command {
            self.balancer.set_members(&ready);
        }
    }

    fn sample(&self, _now_ns: u64, sample: &mut NodeSample) {
        self.meter.sample(sample);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.meter.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        record.counters.replica_ns = u128::from(now_ns);
    }
}
