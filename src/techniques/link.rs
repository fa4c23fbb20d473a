//! Link: the way between two nodes, and the caller's policy for calls along it.
//!
//! # How it works
//!
//! ```text
//! call:    send: wait for the wire (size / bandwidth, in turn), then `latency`; the callee gets it
//! reply:   the same way back
//! timeout: no reply in time -> the attempt has failed; a later reply is ignored, but the callee works on
//! failure: attempts left -> wait for the backoff, try again; else the call has failed
//! pool:    an attempt has a connection of its replica's pool from before it is sent until it has ended
//! ```
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `latency` | time | 0 | one way |
//! | `bandwidth` | bytes/s | unlimited | in each direction, shared by all replicas of the caller |
//! | `request_size`, `response_size` | bytes | 0 | of each call |
//! | `timeout` | time | none | of each attempt |
//! | `retry` | | none | see [`Retry`] |
//! | `policy` | | callee's | balancing in the caller's hands; see [`Policy`] |
//! | `cross_zone_latency` | time | 0 | added each way when caller and replica stand in different zones |
//! | `transfer_price` | $/byte | 0 | of both sizes |
//! | `pool` | | none | connections that each replica of the caller keeps open; see [`Pool`] |
//!
//! # When it helps, when it hurts
//!
//! A timeout frees the caller but not the callee. Retries mask rare failures; under overload each adds load just when
//! there is least room for it, and layers of retries multiply.
//!
//! # Law
//!
//! If each attempt fails with probability `p` independently, `r` retries make `(1 - p^(r+1)) / (1 - p)` attempts on
//! average, and `1 - p^(r+1)` of the calls succeed.

mod pooled;

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::Distribution;
use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::VisitId;
use crate::engine::{Destination, Evidence, Failure, Node, Outcome, Reply, Timer};
use crate::price::TransferPrice;
use crate::random::{Purpose, Stream};
use crate::techniques::parts::balancer::{Balancer, Policy};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::pool::{Pool, PoolView};
use crate::techniques::technique::{CompileError, LinkSpec, Mistake, Prices, Reference, Wiring, law_mistakes, mean_s};
use crate::units::{Bandwidth, Bytes, Duration};
use pooled::Connections;

/// A link as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    pub latency: Option<Spanned<Distribution>>,
    pub bandwidth: Option<Spanned<Bandwidth>>,
    pub request_size: Option<Spanned<Bytes>>,
    pub response_size: Option<Spanned<Bytes>>,
    pub timeout: Option<Spanned<Duration>>,
    pub retry: Option<Spanned<Retry>>,
    pub policy: Option<Spanned<Policy>>,
    pub cross_zone_latency: Option<Spanned<Distribution>>,
    pub transfer_price: Option<TransferPrice>,
    pub pool: Option<Spanned<Pool>>,
}

/// When and how often to try again.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The first attempt included.
    pub max_attempts: u8,
    /// Pause before the second attempt.
    #[serde(default)]
    pub backoff: Duration,
    /// Each further pause is this many times longer.
    #[serde(default = "doubling")]
    pub multiplier: f64,
    #[serde(default)]
    pub max_backoff: Option<Duration>,
    #[serde(default)]
    pub jitter: Jitter,
}

fn doubling() -> f64 {
    2.0
}

/// How a pause is spread, so that clients do not return in step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Jitter {
    #[default]
    None,
    /// Anything between zero and the pause.
    Full,
    /// Half of the pause, and anything up to the other half.
    Equal,
}

impl LinkSpec for Link {
    fn references(&self) -> Vec<Reference<'_>> {
        self.policy.iter().flat_map(|policy| policy.references()).collect()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        for law in [&self.latency, &self.cross_zone_latency].into_iter().flatten() {
            found.extend(law_mistakes(law));
        }
        if let (Some(law), None) = (&self.cross_zone_latency, &self.policy) {
            let help = "add policy: ZoneAware, or another policy";
            found.push(Mistake::new(law.span, "only a link that balances knows the replica's zone", help));
        }
        if let Some(bandwidth) = self.bandwidth.as_ref() {
            if bandwidth.bytes_per_second <= 0.0 {
                found.push(Mistake::new(bandwidth.span, "nothing passes without bandwidth", "write \"1Gbit/s\""));
            } else if self.request_size.is_none() && self.response_size.is_none() {
                let help = "add request_size: \"2KiB\" or response_size: \"20KiB\"";
                found.push(Mistake::new(bandwidth.span, "bandwidth limits nothing if nothing has a size", help));
            }
        }
        if let Some(timeout) = self.timeout.as_ref().filter(|timeout| timeout.ns == 0) {
            found.push(Mistake::new(
                timeout.span,
                "with a timeout of zero every call fails",
                "write for example \"1s\"",
            ));
        }
        if let Some(policy) = &self.policy {
            found.extend(policy.mistakes(policy.span));
        }
        if let Some(retry) = &self.retry {
            found.extend(retry.mistakes(retry.span));
        }
        if let Some(pool) = &self.pool {
            found.extend(pool.mistakes());
            if let Some(policy) = &self.policy {
                let message = "a connection of a pool stays with its server, whatever a policy chooses";
                found.push(Mistake::new(policy.span, message, "leave out policy, or pool"));
            }
        }
        found
    }

    fn attempts(&self) -> u32 {
        self.retry.as_ref().map_or(1, |retry| u32::from(retry.max_attempts))
    }

    fn prices(&self) -> Prices {
        let usd_per_byte = self.transfer_price.as_ref().map_or(0.0, |price| price.usd_per_byte);
        Prices { usd_per_byte, ..Prices::default() }
    }

    fn delay_s(&self) -> f64 {
        2.0 * self.latency.as_ref().map_or(0.0, |law| mean_s(law))
    }

    fn wire_s(&self) -> f64 {
        let Some(bandwidth) = &self.bandwidth else { return 0.0 };
        let larger = [&self.request_size, &self.response_size].into_iter().flatten().map(|size| size.bytes).max();
        larger.unwrap_or(0) as f64 / bandwidth.bytes_per_second
    }

    fn gives_up(&self) -> bool {
        self.timeout.is_some() || self.pool.is_some()
    }

    fn balances(&self) -> bool {
        self.policy.is_some()
    }

    fn pool(&self) -> Option<PoolView> {
        self.pool.as_ref().map(|pool| PoolView {
            most: pool.most().into(),
            least: pool.least().into(),
            is_for_sessions: false,
            span: pool.span,
        })
    }
}

impl Retry {
    fn mistakes(&self, span: Span) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.max_attempts == 0 {
            found.push(Mistake::new(
                span,
                "the first attempt counts: max_attempts is at least 1",
                "write max_attempts: 3",
            ));
        }
        if !(self.multiplier.is_finite() && self.multiplier >= 1.0) {
            found.push(Mistake::new(span, "a multiplier below 1 shortens the pauses", "write multiplier: 2"));
        }
        found
    }
}

/// Timer kinds; the attempt is in the bits above, the outcome or the replica above that.
const SENT: u32 = 0;
const RETURNED: u32 = 1;
const TIMEOUT: u32 = 2;
const RETRY: u32 = 3;
/// The request has reached the other zone.
const CROSSED: u32 = 4;
const ATTEMPT_SHIFT: u32 = 8;
const DETAIL_SHIFT: u32 = 16;

/// A link at work.
#[derive(Clone, Debug)]
pub struct LinkNode {
    /// Tells this link's retries from repetitions elsewhere.
    site: u32,
    /// By the operation's index, which is the same at the callee.
    target: crate::engine::NodeIndex,
    latency: Option<(Sampler, Purpose)>,
    cross_zone: Option<(Sampler, Purpose)>,
    zones: u8,
    /// Nanoseconds that a request and a response occupy the wire, and until when it is occupied in each direction.
    wire_ns: [u64; 2],
    wire_free_ns: [u64; 2],
    bytes: [u64; 2],
    sent_bytes: u128,
    timeout_ns: Option<u64>,
    retry: Option<(Retry, Purpose)>,
    balancer: Option<Balancer>,
    /// To a node that others keep connections open to.
    connections: Option<Box<Connections>>,
    meter: Meter,
    attempts: u64,
    timeouts: u64,
}

impl LinkNode {
    /// Compiles the written form of a link to this node.
    pub fn compile(
        spec: &Link,
        target: crate::engine::NodeIndex,
        (from_name, target_name): (&str, &str),
        wiring: &mut dyn Wiring,
    ) -> Result<Self, CompileError> {
        let law = |law: &Option<Spanned<Distribution>>, what: &str| -> Result<_, CompileError> {
            match law {
                Some(law) => Ok(Some((wiring.sampler(law)?, wiring.purpose(what)))),
                None => Ok(None),
            }
        };
        let size = |size: &Option<Spanned<Bytes>>| size.as_ref().map_or(0, |size| size.bytes);
        let bytes = [size(&spec.request_size), size(&spec.response_size)];
        let wire = |bytes: u64| {
            spec.bandwidth.as_ref().map_or(0, |rate| (bytes as f64 / rate.bytes_per_second * 1e9).ceil() as u64)
        };
        let view = wiring.replicas(target_name);
        Ok(Self {
            target,
            site: wiring.purpose("attempts").word(),
            latency: law(&spec.latency, "latency")?,
            cross_zone: law(&spec.cross_zone_latency, "cross zone latency")?,
            zones: view.zones.max(1),
            wire_ns: [wire(bytes[0]), wire(bytes[1])],
            wire_free_ns: [0; 2],
            bytes,
            sent_bytes: 0,
            timeout_ns: spec.timeout.as_ref().map(|timeout| timeout.ns),
            retry: spec.retry.as_ref().map(|retry| (retry.value.clone(), wiring.purpose("retry"))),
            balancer: spec.policy.as_ref().map(|policy| policy.compile(view, wiring)).transpose()?,
            connections: Connections::compile(spec, from_name, target_name, wiring),
            meter: Meter::default(),
            attempts: 0,
            timeouts: 0,
        })
    }

    /// Starts the attempt that `pending` counts, as soon as it has a connection where it needs one.
    fn attempt(&mut self, context: &mut Context, slot: u32) {
        if self.connections.is_some() && !self.finds_connection(context, slot) {
            return;
        }
        self.send(context, slot);
    }

    fn send(&mut self, context: &mut Context, slot: u32) {
        self.attempts += 1;
        let id = context.id(slot);
        let attempt = u32::from(context.visit(slot).pending);
        let data = id.token().0;
        if let Some(timeout_ns) = self.timeout_ns {
            context.after(timeout_ns, Timer { kind: TIMEOUT | attempt << ATTEMPT_SHIFT, data });
        }
        let delay_ns = self.delay_ns(context, slot, 0, attempt);
        if delay_ns == 0 {
            return self.deliver(context, slot);
        }
        context.after(delay_ns, Timer { kind: SENT | attempt << ATTEMPT_SHIFT, data });
    }

    /// How long a request (direction 0) or response (1) takes from one end to the other.
    fn delay_ns(&mut self, context: &mut Context, slot: u32, direction: usize, attempt: u32) -> u64 {
        let mut delay_ns = self.transmit_ns(context.now_ns(), direction);
        if let Some((law, purpose)) = &self.latency {
            let visit = context.visit(slot);
            let salt = resalt(visit.salt, attempt * 2 + direction as u32);
            delay_ns = delay_ns.saturating_add(law.sample_ns(&mut Stream::keyed(visit.key, *purpose, salt)));
        }
        delay_ns
    }

    /// Puts the bytes on the wire behind those that are on it; how long it takes until the last one has gone.
    fn transmit_ns(&mut self, now_ns: u64, direction: usize) -> u64 {
        self.sent_bytes += u128::from(self.bytes[direction]);
        if self.wire_ns[direction] == 0 {
            return 0;
        }
        let free_ns = self.wire_free_ns[direction].max(now_ns).saturating_add(self.wire_ns[direction]);
        self.wire_free_ns[direction] = free_ns;
        free_ns - now_ns
    }

    /// The extra way to a replica in another zone.
    fn crossing_ns(&self, context: &mut Context, slot: u32, replica: u16, direction: u32) -> u64 {
        let Some((law, purpose)) = &self.cross_zone else { return 0 };
        let visit = context.visit(slot);
        if u16::from(visit.zone) % u16::from(self.zones) == replica % u16::from(self.zones) {
            return 0;
        }
        let salt = resalt(visit.salt, u32::from(visit.pending) * 2 + direction);
        law.sample_ns(&mut Stream::keyed(visit.key, *purpose, salt))
    }

    /// The request has come through: hand it to the callee, or send it on to another zone.
    fn deliver(&mut self, context: &mut Context, slot: u32) {
        let mut replica = context.visit(slot).replica;
        if let Some(balancer) = &mut self.balancer {
            let attempt = u32::from(context.visit(slot).pending);
            replica = balancer.choose(context, slot, attempt);
            let crossing_ns = self.crossing_ns(context, slot, replica, 0);
            if crossing_ns > 0 {
                let kind = CROSSED | attempt << ATTEMPT_SHIFT | u32::from(replica) << DETAIL_SHIFT;
                let data = context.id(slot).token().0;
                return context.after(crossing_ns, Timer { kind, data });
            }
        }
        self.hand_over(context, slot, replica);
    }

    fn hand_over(&mut self, context: &mut Context, slot: u32, replica: u16) {
        let token = context.id(slot).token();
        let visit = *context.visit(slot);
        let mut identity = visit.identity();
        if visit.pending > 0 {
            // The place of the retry counts too: where two links in a row retry, each pair of attempts draws afresh.
            identity.salt = resalt(identity.salt, self.site.wrapping_add(u32::from(visit.pending)));
        }
        let mut operation = visit.operation;
        let mut replica = replica;
        if let Some(connections) = &self.connections {
            (operation, replica) = connections.address(&visit, replica);
            Self::mark_delivered(context, slot);
        }
        let destination = Destination { node: self.target, operation };
        let call = context.call(destination, token, visit.pending as u8, identity);
        context.visit(call).replica = replica;
    }

    /// The attempt has ended like this.
    fn ended(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        if self.connections.is_some() {
            self.give_back(context, slot, outcome);
        }
        let visit = *context.visit(slot);
        let attempt = visit.pending;
        // What belongs to a transaction cannot be tried again alone.
        let is_bound = self.connections.as_ref().is_some_and(|connections| connections.is_bound(visit.operation));
        if let (Outcome::Failed(_), Some((retry, purpose)), false) = (outcome, &self.retry, is_bound)
            && attempt + 1 < u16::from(retry.max_attempts)
        {
            let salt = resalt(visit.salt, u32::from(attempt));
            let pause_ns = retry.pause_ns(attempt, &mut Stream::keyed(visit.key, *purpose, salt));
            // The next attempt counts from now, so that whatever belongs to this one comes too late.
            context.visit(slot).pending = attempt + 1;
            let kind = RETRY | u32::from(attempt + 1) << ATTEMPT_SHIFT;
            let data = context.id(slot).token().0;
            return context.after(pause_ns, Timer { kind, data });
        }
        let now_ns = context.now_ns();
        // A call that needs no connection began when it came.
        let waited_ns = if self.connections.is_some() { visit.started_ns } else { 0 };
        self.meter.answer(!matches!(outcome, Outcome::Failed(_)), now_ns - visit.entered_ns, waited_ns);
        self.meter.leave(now_ns, visit.entered_ns);
        context.reply(slot, outcome);
    }
}

impl Retry {
    fn pause_ns(&self, attempt: u16, stream: &mut Stream) -> u64 {
        let longest = self.max_backoff.as_ref().map_or(f64::INFINITY, |longest| longest.ns as f64);
        let pause = (self.backoff.ns as f64 * self.multiplier.powi(i32::from(attempt))).min(longest);
        (match self.jitter {
            Jitter::None => pause,
            Jitter::Full => pause * stream.unit(),
            Jitter::Equal => pause * (0.5 + 0.5 * stream.unit()),
        }) as u64
    }
}

fn outcome_code(outcome: Outcome) -> u32 {
    match outcome {
        Outcome::Done => 0,
        Outcome::Miss => 1,
        Outcome::Failed(Failure::Rejected) => 2,
        Outcome::Failed(Failure::TimedOut) => 3,
        Outcome::Failed(Failure::Error) => 4,
        Outcome::Failed(Failure::Killed) => 5,
        Outcome::Stale => 6,
        Outcome::Pending => 7,
    }
}

fn outcome_of(code: u32) -> Outcome {
    match code {
        0 => Outcome::Done,
        1 => Outcome::Miss,
        2 => Outcome::Failed(Failure::Rejected),
        3 => Outcome::Failed(Failure::TimedOut),
        5 => Outcome::Failed(Failure::Killed),
        6 => Outcome::Stale,
        7 => Outcome::Pending,
        _ => Outcome::Failed(Failure::Error),
    }
}

impl Node for LinkNode {
    fn start(&mut self, context: &mut Context) {
        self.begin_pools(context);
    }

    fn arrive(&mut self, context: &mut Context, slot: u32) {
        self.meter.arrive(context.now_ns());
        self.attempt(context, slot);
    }

    fn reply(&mut self, context: &mut Context, reply: Reply) {
        let now_ns = context.now_ns();
        if self.connections.is_some() && self.takes_reply(context, &reply) {
            return;
        }
        if let Some(balancer) = &mut self.balancer {
            balancer.returned(reply.replica, now_ns - reply.called_ns);
        }
        // Nobody waits any more for an attempt that was given up; its answer goes over the wire in vain.
        let found = context.visits().find(VisitId::from_token(reply.token));
        let Some(slot) = found.filter(|&slot| context.visit(slot).pending as u8 == reply.branch) else {
            self.transmit_ns(now_ns, 1);
            return;
        };
        let attempt = u32::from(reply.branch);
        let mut delay_ns = self.delay_ns(context, slot, 1, attempt);
        if self.balancer.is_some() {
            delay_ns = delay_ns.saturating_add(self.crossing_ns(context, slot, reply.replica, 1));
        }
        if delay_ns == 0 {
            return self.ended(context, slot, reply.outcome);
        }
        let kind = RETURNED | attempt << ATTEMPT_SHIFT | outcome_code(reply.outcome) << DETAIL_SHIFT;
        context.after(delay_ns, Timer { kind, data: reply.token.0 });
    }

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        if timer.kind & 0xFF >= pooled::FIRST {
            return self.connection_timer(context, timer);
        }
        let token = crate::engine::Token(timer.data);
        let attempt = (timer.kind >> ATTEMPT_SHIFT) as u8;
        let found = context.visits().find(VisitId::from_token(token));
        let Some(slot) = found.filter(|&slot| context.visit(slot).pending as u8 == attempt) else {
            // The attempt was given up on its way to another zone: the replica never sees it.
            if let (CROSSED, Some(balancer)) = (timer.kind & 0xFF, &mut self.balancer) {
                balancer.withdrawn((timer.kind >> DETAIL_SHIFT) as u16);
            }
            return;
        };
        match timer.kind & 0xFF {
            SENT => self.deliver(context, slot),
            CROSSED => self.hand_over(context, slot, (timer.kind >> DETAIL_SHIFT) as u16),
            RETURNED => self.ended(context, slot, outcome_of(timer.kind >> DETAIL_SHIFT)),
            TIMEOUT => {
                self.timeouts += 1;
                self.ended(context, slot, Outcome::Failed(Failure::TimedOut));
            }
            _ => self.attempt(context, slot),
        }
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        match (command, &mut self.balancer) {
            (Command::Endpoints { ready, .. }, Some(balancer)) => balancer.set_members(&ready),
            (command, _) => self.connection_command(context, command),
        }
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.audit_connections(now_ns)?;
        self.meter.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        record.counters.bytes = self.sent_bytes;
        let attempts = u128::from(self.attempts);
        let calls = u128::from(record.counters.arrivals);
        record.shares = vec![
            Share { name: "attempts_per_call", numerator: attempts, denominator: calls },
            Share { name: "timeout_ratio", numerator: self.timeouts.into(), denominator: attempts },
        ];
        if let Some(pools) = self.pools() {
            pools.observe(now_ns, &mut record.shares);
        }
    }
}
