//! Queue: messages wait here for consumers, so that their publisher need not.
//!
//! # How it works
//!
//! ```text
//! publish: full -> reject; else store and acknowledge at once
//! deliver: while messages wait and fewer than `consumers` are unacknowledged: call the consumer's operation
//! reply:   success -> acknowledge; failure -> deliver again, up to `max_deliveries`, then dead-letter
//! ```
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `messages` | | | kinds of messages, and the operation that consumes each |
//! | `capacity` | messages | unlimited | waiting at once; beyond it publishing fails |
//! | `consumers` | | 1 | messages delivered and not yet acknowledged |
//! | `prefetch` | | none | instead of `consumers`: of each ready replica of the consuming service, which may come and go |
//! | `max_deliveries` | | 1 | attempts before a message is a dead letter |
//! | `price` | $/time | 0 | of the queue |
//! | `request_price` | $/message | 0 | of each message published |
//!
//! # When it helps, when it hurts
//!
//! It takes work off the caller's path and buffers peaks. It does not add capacity: while more arrives than is consumed
//! it only grows, and each message waits longer.
//!
//! # Law
//!
//! With `consumers` = c that are never busy otherwise, the messages' wait is that of the M/M/c (M/G/c) queue.

use serde::Deserialize;

use crate::diagnostic::span::{Named, Spanned};
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{Visit, VisitId, VisitList};
use crate::engine::{Destination, Evidence, Failure, Node, Outcome, Reply};
use crate::price::{HourlyPrice, RequestPrice};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::meter::Meter;
use crate::techniques::technique::{
    Capacity, CompileError, Demand, Mistake, Operations, Prices, Reference, Spec, Wiring, Worker,
};

/// A queue as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    pub messages: Spanned<Named<String>>,
    #[serde(default)]
    pub capacity: Option<Spanned<u32>>,
    #[serde(default)]
    pub consumers: Option<Spanned<u32>>,
    #[serde(default)]
    pub prefetch: Option<Spanned<u32>>,
    #[serde(default)]
    pub max_deliveries: Option<Spanned<u8>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
    #[serde(default)]
    pub request_price: Option<RequestPrice>,
}

impl Spec for Queue {
    fn can_fail(&self) -> bool {
        self.capacity.is_some()
    }

    fn kind(&self) -> &'static str {
        "Queue"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::Named(self.messages.keys().map(|name| name.value.as_str()).collect())
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.messages.values().map(Reference::Operation).collect()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.messages.is_empty() {
            let help = "add messages: { \"job\": \"workers.job\" }";
            found.push(Mistake::new(self.messages.span, "a queue without kinds of messages carries nothing", help));
        }
        if let (Some(_), Some(prefetch)) = (&self.consumers, &self.prefetch) {
            let message = "consumers are counted either together or for each replica";
            found.push(Mistake::new(prefetch.span, message, "leave consumers or prefetch out"));
        }
        let mut services = self.messages.values().filter_map(|consumer| consumer.rsplit_once('.'));
        if let (Some(prefetch), Some((first, _))) = (&self.prefetch, services.next())
            && services.any(|(service, _)| service != first)
        {
            let message = "with prefetch one service consumes all kinds of messages";
            found.push(Mistake::new(prefetch.span, message, "give each consuming service a queue of its own"));
        }
        let counts = [(&self.capacity, "room"), (&self.consumers, "consumers"), (&self.prefetch, "prefetch")];
        for (count, what) in counts {
            if let Some(count) = count.as_ref().filter(|count| count.value == 0) {
                found.push(Mistake::new(
                    count.span,
                    format!("without {what} no message ever passes"),
                    "write 1 or more",
                ));
            }
        }
        if let Some(deliveries) = self.max_deliveries.as_ref().filter(|deliveries| deliveries.value == 0) {
            found.push(Mistake::new(deliveries.span, "a message is delivered at least once", "write 1 or more"));
        }
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let consumer = self.messages.iter().find(|(name, _)| name.value == operation);
        let mut demand = Demand::default();
        consumer.iter().for_each(|(_, consumer)| demand.call(consumer, 1.0));
        demand
    }

    fn decouples(&self) -> bool {
        true
    }

    fn watches(&self) -> Option<&str> {
        self.prefetch.as_ref().and_then(|_| self.service())
    }

    fn capacity(&self) -> Capacity {
        let consumers = self.consumers.as_ref().map_or(1, |consumers| u64::from(consumers.value));
        let workers = self.prefetch.is_none().then_some(consumers);
        Capacity { workers, worker: Worker::Consumer, ..Capacity::default() }
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        match &self.prefetch {
            Some(prefetch) => vec![("prefetch", f64::from(prefetch.value))],
            None => vec![("consumers", self.consumers.as_ref().map_or(1.0, |consumers| f64::from(consumers.value)))],
        }
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            usd_per_request: self.request_price.as_ref().map_or(0.0, |price| price.usd_per_request),
            ..Prices::default()
        }
    }
}

impl Queue {
    /// The service that consumes the messages.
    fn service(&self) -> Option<&str> {
        self.messages.values().next().and_then(|consumer| consumer.rsplit_once('.')).map(|(service, _)| service)
    }
}

/// Who takes messages.
#[derive(Clone, Debug)]
enum Consumers {
    /// So many, wherever they are.
    Fixed { most: u32 },
    /// So many of each replica that is ready; how many each has taken, by place.
    PerReplica { prefetch: u32, taken: Vec<u32>, ready: Vec<u16>, next: usize },
}

impl Consumers {
    /// The replica that takes the next message, or any; `None` if nobody can take one.
    fn take(&mut self, unacknowledged: u32) -> Option<u16> {
        match self {
            Self::Fixed { most } => (unacknowledged < *most).then_some(Visit::ANY_REPLICA),
            Self::PerReplica { prefetch, taken, ready, next } => {
                // The least loaded, in turn.
                let count = ready.len();
                let start = *next;
                let positions = (0..count).map(|step| (start + step) % count);
                let position = positions.min_by_key(|position| taken[usize::from(ready[*position])])?;
                let place = usize::from(ready[position]);
                if taken[place] >= *prefetch {
                    return None;
                }
                taken[place] += 1;
                *next = (position + 1) % count;
                Some(ready[position])
            }
        }
    }

    /// The replica is done with a message.
    fn acknowledge(&mut self, replica: u16) {
        if let Self::PerReplica { taken, .. } = self
            && let Some(taken) = taken.get_mut(usize::from(replica))
        {
            *taken -= 1;
        }
    }

    fn set_ready(&mut self, replicas: &[u16]) {
        if let Self::PerReplica { taken, ready, next, .. } = self {
            ready.clear();
            ready.extend_from_slice(replicas);
            let places = replicas.last().map_or(0, |last| usize::from(*last) + 1);
            taken.resize(places.max(taken.len()), 0);
            *next = 0;
        }
    }

    /// How many there are now.
    fn count(&self) -> u32 {
        match self {
            Self::Fixed { most } => *most,
            Self::PerReplica { prefetch, ready, .. } => prefetch.saturating_mul(ready.len() as u32),
        }
    }
}

/// A queue at work.
#[derive(Clone, Debug)]
pub struct QueueNode {
    consumers: Vec<Destination>,
    /// Tells redeliveries by this queue from repetitions elsewhere.
    site: u32,
    waiting: VisitList,
    capacity: u32,
    unacknowledged: u32,
    available: Consumers,
    /// Consumers there.
    capacity_gauge: Gauge,
    max_deliveries: u16,
    published: u64,
    dead: u64,
    redelivered: u64,
    meter: Meter,
}

impl QueueNode {
    /// Compiles the written form.
    pub fn compile(spec: &Queue, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let consumers = spec.messages.values().map(|name| wiring.destination(name)).collect::<Result<_, _>>()?;
        let available = match (&spec.prefetch, spec.service()) {
            (Some(prefetch), Some(service)) => {
                let count = wiring.replicas(service).count;
                let ready: Vec<u16> = (0..count as u16).collect();
                Consumers::PerReplica { prefetch: prefetch.value, taken: vec![0; ready.len()], ready, next: 0 }
            }
            _ => Consumers::Fixed { most: spec.consumers.as_ref().map_or(1, |consumers| consumers.value) },
        };
        Ok(Self {
            consumers,
            capacity_gauge: Gauge::at(u64::from(available.count())),
            available,
            site: wiring.purpose("deliveries").word(),
            waiting: VisitList::default(),
            capacity: spec.capacity.as_ref().map_or(u32::MAX, |capacity| capacity.value),
            unacknowledged: 0,
            max_deliveries: spec.max_deliveries.as_ref().map_or(1, |deliveries| u16::from(deliveries.value)),
            published: 0,
            dead: 0,
            redelivered: 0,
            meter: Meter::default(),
        })
    }

    /// Consumers that are there, those included that take no more and still have something.
    fn tell_consumers(&mut self, now_ns: u64) {
        if matches!(self.available, Consumers::PerReplica { .. }) {
            let consumers = u64::from(self.available.count().max(self.unacknowledged));
            self.capacity_gauge.set(now_ns, consumers);
        }
    }

    fn deliver(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        while !self.waiting.is_empty() {
            let Some(replica) = self.available.take(self.unacknowledged) else { return };
            let Some(slot) = self.waiting.pop_front(context.visits()) else { return };
            self.meter.waited(now_ns);
            self.meter.occupy(now_ns, 0);
            self.unacknowledged += 1;
            let visit = context.visit(slot);
            if visit.pending == 0 {
                visit.started_ns = now_ns;
            }
            let mut identity = visit.identity();
            if visit.pending > 0 {
                identity.salt = resalt(identity.salt, self.site.wrapping_add(u32::from(visit.pending)));
            }
            visit.pending += 1;
            let destination = self.consumers[usize::from(visit.operation)];
            let token = context.id(slot).token();
            context.visit(slot).replica = replica;
            context.call_replica(destination, replica, token, identity);
        }
    }
}

impl Node for QueueNode {
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        self.meter.arrive(now_ns);
        if self.waiting.len() >= self.capacity {
            self.meter.reject(now_ns, now_ns);
            return context.reply(slot, Outcome::Failed(Failure::Rejected));
        }
        self.published += 1;
        context.reply_early(slot, Outcome::Done);
        self.waiting.push_back(context.visits(), slot);
        self.meter.wait(now_ns);
        self.deliver(context);
    }

    fn reply(&mut self, context: &mut Context, reply: Reply) {
        let now_ns = context.now_ns();
        let Some(slot) = context.visits().find(VisitId::from_token(reply.token)) else { return };
        self.unacknowledged -= 1;
        self.tell_consumers(now_ns);
        self.meter.release(now_ns);
        let visit = *context.visit(slot);
        self.available.acknowledge(visit.replica);
        let failed = matches!(reply.outcome, Outcome::Failed(_));
        if reply.outcome == Outcome::Failed(Failure::Killed) {
            // The consumer is gone, and its messages come back as if nobody had had them.
            self.redelivered += 1;
            context.visit(slot).pending -= 1;
            self.waiting.push_front(context.visits(), slot);
            self.meter.wait(now_ns);
        } else if failed && visit.pending < self.max_deliveries {
            self.redelivered += 1;
            self.waiting.push_back(context.visits(), slot);
            self.meter.wait(now_ns);
        } else {
            self.dead += u64::from(failed);
            self.meter.answer(!failed, now_ns - visit.entered_ns, visit.started_ns - visit.entered_ns);
            self.meter.leave(now_ns, visit.entered_ns);
            context.close(slot);
        }
        self.deliver(context);
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        if let Command::Endpoints { ready, .. } = command {
            self.available.set_ready(&ready);
            self.tell_consumers(context.now_ns());
            self.deliver(context);
        }
    }

    fn sample(&self, _now_ns: u64, sample: &mut NodeSample) {
        self.meter.sample(sample);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        let here = u64::from(self.waiting.len() + self.unacknowledged);
        if here != self.meter.in_system() {
            return Err(format!("{here} messages held, {} counted", self.meter.in_system()));
        }
        self.meter.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        record.counters.replica_ns = u128::from(now_ns);
        record.counters.billed = self.published;
        record.counters.capacity_ns = self.capacity_gauge.integral(now_ns);
        let published = u128::from(self.published);
        record.shares = vec![
            Share { name: "dead_letter_ratio", numerator: self.dead.into(), denominator: published },
            Share { name: "redelivery_ratio", numerator: self.redelivered.into(), denominator: published },
        ];
    }
}
