//! The router at work.

use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{Identity, VisitId};
use crate::engine::{Destination, Evidence, Failure, Node, NodeIndex, Outcome, Reply, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::meter::Meter;
use crate::techniques::parts::placement::Shard;
use crate::techniques::parts::placement::movement::{Whereabouts, WhileMoving};
use crate::techniques::shards::Shards;
use crate::techniques::shards::moving::{CHUNK, Moving};
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
    /// Calls that scattered requests made.
    scatter_calls: u64,
    /// Requests that are being sent on.
    underway: u64,
    answers: u64,
    meter: Meter,
    moving: Option<Box<Moving>>,
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
/// A request that is sent on has come to where its key has gone.
const REDIRECTED: u32 = 2;

/// Mark of a visit that waits for all shards.
const SCATTERED: u8 = 1;

impl ShardRouterNode {
    /// Compiles the written form.
    pub fn compile(
        spec: &Shards,
        shards: Vec<NodeIndex>,
        routes: Vec<Route>,
        moving: Option<Moving>,
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
            scatter_calls: 0,
            underway: 0,
            answers: 0,
            meter: Meter::default(),
            moving: moving.map(Box::new),
        })
    }

    fn route(&mut self, context: &mut Context, slot: u32) {
        let visit = *context.visit(slot);
        let token = context.id(slot).token();
        self.routed += 1;
        match &self.routes[usize::from(visit.operation)] {
            Route::ByKey { space, shard } => {
                let rank = context.key(*space, visit.key);
                let place = match &mut self.moving {
                    Some(moving) if moving.has_begun() => match moving.transfer.find(rank, &mut self.name) {
                        Some(Whereabouts::Moving { from, to, is_gone }) => {
                            return self.route_moving(context, slot, from, is_gone.then_some(to));
                        }
                        Some(Whereabouts::At(place)) => Some(place),
                        None => None,
                    },
                    _ => shard.of(rank, &mut self.name),
                };
                match place.filter(|place| (*place as usize) < self.shards.len()) {
                    Some(place) => self.call(context, slot, place),
                    None => {
                        self.routed -= 1;
                        self.finish(context, slot, Outcome::Failed(Failure::Error));
                    }
                }
            }
            Route::Scatter => {
                self.scattered += 1;
                let all = self.shards.len() as u32;
                let active = self.moving.as_ref().map_or(all, |moving| moving.active().len() as u32);
                let own = context.visit(slot);
                own.flags = SCATTERED;
                own.pending = active as u16;
                self.scatter_calls += u64::from(active);
                for number in 0..active {
                    let place = self.moving.as_ref().map_or(number, |moving| moving.active()[number as usize]) as usize;
                    self.requests[place] += 1;
                    // Each shard has work of its own to do, so it draws apart; the first as if it were alone.
                    let salt = if number == 0 { visit.salt } else { resalt(visit.salt, number) };
                    let identity = Identity { salt, ..visit.identity() };
                    let destination = Destination { node: self.shards[place], operation: visit.operation };
                    context.call(destination, token, 0, identity);
                }
            }
        }
    }

    fn call(&mut self, context: &mut Context, slot: u32, place: u32) {
        let visit = *context.visit(slot);
        self.requests[place as usize] += 1;
        let destination = Destination { node: self.shards[place as usize], operation: visit.operation };
        let token = context.id(slot).token();
        context.call(destination, token, 0, visit.identity());
    }

    /// A request for a key of the piece that is being moved, which has `gone` to another shard or is still where it was.
    #[cold]
    fn route_moving(&mut self, context: &mut Context, slot: u32, from: u32, gone: Option<u32>) {
        let Some(moving) = &mut self.moving else { return };
        if moving.while_moving == WhileMoving::Block {
            self.routed -= 1;
            self.meter.wait(context.now_ns());
            return moving.held.push_back(context.visits(), slot);
        }
        let Some(to) = gone else { return self.call(context, slot, from) };
        moving.redirected += 1;
        let Some((law, purpose)) = &moving.redirect else { return self.call(context, slot, to) };
        let visit = context.visit(slot);
        visit.program_counter = to as u16;
        let delay_ns = law.sample_ns(&mut Stream::keyed(visit.key, *purpose, visit.salt));
        self.underway += 1;
        context.after(delay_ns, Timer { kind: REDIRECTED, data: u64::from(slot) });
    }

    /// One chunk less to move; requests that waited for its piece go on when that is complete.
    #[cold]
    fn chunk_ended(&mut self, context: &mut Context, is_done: bool) {
        let Some(moving) = &mut self.moving else { return };
        let mut released = Vec::new();
        if moving.chunk_ended(is_done) {
            while let Some(slot) = moving.held.pop_front(context.visits()) {
                released.push(slot);
            }
        }
        moving.next_chunk(context, &self.shards);
        for slot in released {
            self.meter.waited(context.now_ns());
            self.route(context, slot);
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
        if let (Some(moving), true) = (&mut self.moving, reply.branch != 0) {
            return moving.answered(context, reply, &self.shards);
        }
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
            CHUNK => self.chunk_ended(context, timer.data == 1),
            REDIRECTED => {
                self.underway -= 1;
                let place = u32::from(context.visit(timer.data as u32).program_counter);
                self.call(context, timer.data as u32, place);
            }
            _ => self.finish(context, timer.data as u32, Outcome::Done),
        }
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        match (command, &mut self.moving) {
            (Command::Reshard, Some(moving)) => moving.begin(context, &self.shards),
            // What befalls the node befalls each of its shards.
            (command @ (Command::Disturb { .. } | Command::Restore { .. }), _) => {
                self.shards.iter().for_each(|shard| context.command(*shard, command.clone()));
            }
            _ => {}
        }
    }

    fn sample(&self, _now_ns: u64, sample: &mut NodeSample) {
        self.meter.sample(sample);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        let sent: u64 = self.requests.iter().sum();
        let due = self.routed - self.scattered + self.scatter_calls;
        if sent + self.underway != due {
            return Err(format!("{sent} requests to shards, {due} by the requests that were routed"));
        }
        let sent = sent + self.moving.as_ref().map_or(0, |moving| moving.sent);
        if sent != self.answers + evidence.awaited {
            return Err(format!("{sent} requests to shards, {} answered, {} awaited", self.answers, evidence.awaited));
        }
        self.meter.audit(now_ns, evidence)
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        if let Some(moving) = &mut self.moving {
            moving.count(now_ns, &mut record.counters);
            record.happenings.append(&mut moving.happenings);
        }
        let most = self.requests.iter().copied().max().unwrap_or(0);
        let sent = self.requests.iter().map(|count| u128::from(*count)).sum();
        record.shares = vec![
            Share { name: "hottest_shard_request_ratio", numerator: most.into(), denominator: sent },
            Share { name: "scatter_ratio", numerator: self.scattered.into(), denominator: self.routed.into() },
        ];
        if let Some(moving) = &self.moving {
            let (numerator, denominator) = (moving.redirected.into(), self.routed.into());
            record.shares.push(Share { name: "redirected_ratio", numerator, denominator });
        }
    }
}
