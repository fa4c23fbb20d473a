//! The router at work.

use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{Identity, VisitId};
use crate::engine::{Destination, Evidence, Failure, Node, NodeIndex, Outcome, Reply, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::placement::Shard;
use crate::techniques::shards::Shards;
use crate::techniques::technique::{CompileError, Wiring};

/// Stands for a sharded node before all its callers.
#[derive(Clone, Debug)]
pub struct ShardRouterNode {
    shards: Vec<NodeIndex>,
    /// By operation.
    routes: Vec<Route>,
    routing: Option<(Sampler, Purpose)>,
    merge: Option<(Sampler, Purpose)>,
    /// Memory for the names of keys.
    name: Vec<u8>,
    /// By shard.
    requests: Vec<u64>,
    /// Requests that were passed on, and those of them that went to all shards.
    routed: u64,
    scattered: u64,
    answers: u64,
    meter: Meter,
}

/// Where requests of an operation go.
#[derive(Clone, Debug)]
pub enum Route {
    /// To the shard of their key in this space.
    ByKey { space: u16, shard: Box<Shard> },
    /// To all shards.
    Scatter,
}

/// Kinds of timers: the time for routing is over, or that for merging.
const ROUTE: u32 = 0;
const MERGE: u32 = 1;

/// Mark of a visit that waits for all shards.
const SCATTERED: u8 = 1;

impl ShardRouterNode {
    /// Compiles the written form.
    pub fn compile(
        spec: &Shards,
        shards: Vec<NodeIndex>,
        routes: Vec<Route>,
        wiring: &mut dyn Wiring,
    ) -> Result<Self, CompileError> {
        let timed = |law: &Option<_>, what| match law {
            Some(law) => Ok(Some((wiring.sampler(law)?, wiring.purpose(what)))),
            None => Ok(None),
        };
        Ok(Self {
            routes,
            routing: timed(&spec.routing_time, "routing")?,
            merge: timed(&spec.merge, "merge")?,
            name: Vec::new(),
            requests: vec![0; shards.len()],
            shards,
            routed: 0,
            scattered: 0,
            answers: 0,
            meter: Meter::default(),
        })
    }

    fn route(&mut self, context: &mut Context, slot: u32) {
        let visit = *context.visit(slot);
        let token = context.id(slot).token();
        self.routed += 1;
        match &self.routes[usize::from(visit.operation)] {
            Route::ByKey { space, shard } => {
                let rank = context.key(*space, visit.key);
                let place = shard.of(rank, &mut self.name).map(|place| place as usize);
                let Some(place) = place.filter(|place| *place < self.shards.len()) else {
                    self.routed -= 1;
                    return self.finish(context, slot, Outcome::Failed(Failure::Error));
                };
                self.requests[place] += 1;
                let destination = Destination { node: self.shards[place], operation: visit.operation };
                context.call(destination, token, 0, visit.identity());
            }
            Route::Scatter => {
                self.scattered += 1;
                let own = context.visit(slot);
                own.flags = SCATTERED;
                own.pending = self.shards.len() as u16;
                for (place, node) in self.shards.iter().enumerate() {
                    self.requests[place] += 1;
                    // Each shard has work of its own to do, so it draws apart; the first as if it were alone.
                    let salt = if place == 0 { visit.salt } else { resalt(visit.salt, place as u32) };
                    let identity = Identity { salt, ..visit.identity() };
                    let destination = Destination { node: *node, operation: visit.operation };
                    context.call(destination, token, 0, identity);
                }
            }
        }
    }

    fn finish(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        let now_ns = context.now_ns();
        let entered_ns = context.visit(slot).entered_ns;
        self.meter.answer(!matches!(outcome, Outcome::Failed(_)), now_ns - entered_ns, 0);
        self.meter.leave(now_ns, entered_ns);
        context.reply(slot, outcome);
    }
}

impl Node for ShardRouterNode {
    #[inline(never)]
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        self.meter.arrive(context.now_ns());
        let Some((law, purpose)) = &self.routing else { return self.route(context, slot) };
        let visit = context.visit(slot);
        let delay_ns = law.sample_ns(&mut Stream::keyed(visit.key, *purpose, visit.salt));
        context.after(delay_ns, Timer { kind: ROUTE, data: u64::from(slot) });
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.answers += 1;
        // Who scattered a request and was failed by one shard has told its caller already.
        let Some(slot) = context.visits().find(VisitId::from_token(reply.token)) else { return };
        let visit = context.visit(slot);
        if visit.flags != SCATTERED || matches!(reply.outcome, Outcome::Failed(_)) {
            return self.finish(context, slot, reply.outcome);
        }
        visit.pending -= 1;
        if visit.pending > 0 {
            return;
        }
        let Some((law, purpose)) = &self.merge else { return self.finish(context, slot, Outcome::Done) };
        let delay_ns = law.sample_ns(&mut Stream::keyed(visit.key, *purpose, visit.salt));
        context.after(delay_ns, Timer { kind: MERGE, data: u64::from(slot) });
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        // A visit that is being routed or merged ends in no other way, so its slot is still its own.
        match timer.kind {
            ROUTE => self.route(context, timer.data as u32),
            _ => self.finish(context, timer.data as u32, Outcome::Done),
        }
    }

    fn sample(&self, _now_ns: u64, sample: &mut NodeSample) {
        self.meter.sample(sample);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        let sent: u64 = self.requests.iter().sum();
        let due = self.routed + self.scattered * (self.shards.len() as u64 - 1);
        if sent != due {
            return Err(format!("{sent} requests to shards, {due} by the requests that were routed"));
        }
        if sent != self.answers + evidence.awaited {
            return Err(format!("{sent} requests to shards, {} answered, {} awaited", self.answers, evidence.awaited));
        }
        self.meter.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        let most = self.requests.iter().copied().max().unwrap_or(0);
        let sent = self.requests.iter().map(|count| u128::from(*count)).sum();
        record.shares = vec![
            Share { name: "hottest_shard_request_ratio", numerator: most.into(), denominator: sent },
            Share { name: "scatter_ratio", numerator: self.scattered.into(), denominator: self.routed.into() },
        ];
    }
}
