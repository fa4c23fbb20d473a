//! Calls over connections that stay open: of the pools that a link keeps for the replicas of the caller, and of
//! transactions that go over a link without one.

use std::collections::BTreeSet;

use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::visit::{Identity, Visit, VisitId};
use crate::engine::{Destination, Failure, Outcome, Reply, Timer, Token};
use crate::random::{Purpose, Stream};
use crate::techniques::link::{DETAIL_SHIFT, Link, LinkNode, outcome_code, outcome_of};
use crate::techniques::parts::pool::{Act, Pools, Protocol, Wish, breaks};
use crate::techniques::technique::Wiring;

/// Timer kinds, beside those of the link itself.
pub(super) const FIRST: u32 = 16;
const LOOK: u32 = 16;
/// A request for a connection has come through; the answer has.
const OPENING: u32 = 17;
const OPENED: u32 = 18;

/// No attempt of a call has this number: the calls that open connections have it instead.
const OPENS: u8 = u8::MAX;

/// Marks on a visit: it holds a connection of a pool until it ends; its attempt has reached the callee; the callee has
/// answered.
const HOLDS: u8 = 1;
const DELIVERED: u8 = 2;
const ANSWERED: u8 = 4;

/// What a link knows of connections.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    protocol: Protocol,
    pools: Option<Pools>,
    /// Replicas of the caller that are there for ever, which begin with the run.
    lasting: u16,
    purpose: Purpose,
    /// Draws that were made for the opening of connections.
    draws: u64,
    /// Whether it is being done what the pools have decided.
    acts: bool,
    /// Attempts to connect that were given up after the callee had got them: token and attempt.
    forsaken: BTreeSet<(u64, u8)>,
}

impl Connections {
    /// Of a link to a node that others keep connections to, if it is one.
    pub fn compile(spec: &Link, from: &str, to: &str, wiring: &mut dyn Wiring) -> Option<Box<Self>> {
        let protocol = wiring.sessions(to)?;
        let pools = spec.pool.as_ref().map(|pool| Pools::new(pool.rules(), 1));
        let lasting = if wiring.has_life(from) { 0 } else { wiring.replicas(from).count.min(60_000) as u16 };
        let purpose = wiring.purpose("connections");
        Some(Box::new(Self { protocol, pools, lasting, purpose, draws: 0, acts: false, forsaken: BTreeSet::new() }))
    }

    fn is_opening(reply: &Reply) -> bool {
        reply.branch == OPENS
    }

    /// The key of the draws of one more connection, or of a way to it.
    fn next_key(&mut self, context: &Context) -> u64 {
        self.draws += 1;
        context.seed().request(self.purpose, self.draws)
    }

    /// Whether a call is a part of a transaction that has begun: another connection knows nothing of it.
    pub fn is_bound(&self, operation: u16) -> bool {
        matches!(self.protocol.wish(operation), Wish::Over(_) | Wish::Within(_))
    }

    /// Under which number and over which connection the callee is called.
    pub fn address(&self, visit: &Visit, replica: u16) -> (u16, u16) {
        let Some(pools) = &self.pools else { return (visit.operation, replica) };
        let wish = match self.protocol.wish(visit.operation) {
            Wish::Alone(operation) => Wish::Over(operation),
            wish => wish,
        };
        (self.protocol.number(wish), pools.target(visit.program_counter))
    }
}

impl LinkNode {
    pub(super) fn pools(&self) -> Option<&Pools> {
        self.connections.as_ref()?.pools.as_ref()
    }

    pub(super) fn audit_connections(&self, now_ns: u64) -> Result<(), String> {
        self.pools().map_or(Ok(()), |pools| pools.audit(now_ns))
    }

    /// Time zero: the pools of replicas that are there for ever are filled.
    pub(super) fn begin_pools(&mut self, context: &mut Context) {
        let Some(connections) = &mut self.connections else { return };
        let Some(pools) = &mut connections.pools else { return };
        (0..connections.lasting).for_each(|place| pools.begin(context.now_ns(), place));
        self.carry_out(context);
    }

    /// An attempt needs a connection. Returns whether it has one, or needs none of this link's; else it waits, or is done.
    #[inline(never)]
    pub(super) fn finds_connection(&mut self, context: &mut Context, slot: u32) -> bool {
        let now_ns = context.now_ns();
        let visit = context.visit(slot);
        (visit.flags, visit.started_ns) = (0, 0);
        let visit = *visit;
        let Some(connections) = self.connections.as_mut().filter(|connections| connections.pools.is_some()) else {
            return true;
        };
        if connections.is_bound(visit.operation) {
            context.visit(slot).program_counter = visit.replica;
            return true;
        }
        let Some(place) = place_of_caller(context, &visit, connections.lasting) else {
            // Nobody is there any more who would have it.
            self.ended(context, slot, Outcome::Failed(Failure::Killed));
            return false;
        };
        let Some(pools) = &mut connections.pools else { return true };
        match pools.ask(now_ns, place, slot) {
            Some(number) => self.granted(context, slot, number, 0),
            None => {
                self.meter.wait(now_ns);
                // Since when it waits.
                context.visit(slot).started_ns = now_ns;
            }
        }
        self.carry_out(context);
        false
    }

    /// A call has its connection: a query is sent, a transaction has what it wants.
    fn granted(&mut self, context: &mut Context, slot: u32, number: u16, waited_ns: u64) {
        let visit = context.visit(slot);
        visit.program_counter = number;
        visit.started_ns = waited_ns;
        let operation = visit.operation;
        let Some(connections) = &self.connections else { return };
        if connections.protocol.wish(operation) == Wish::Connect {
            context.visit(slot).replica = number;
            return self.ended(context, slot, Outcome::Done);
        }
        context.visit(slot).flags |= HOLDS;
        self.send(context, slot);
    }

    /// An attempt has ended: what it held is given back.
    #[inline(never)]
    pub(super) fn give_back(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        let now_ns = context.now_ns();
        let visit = *context.visit(slot);
        let token = context.id(slot).token();
        let Some(connections) = &mut self.connections else { return };
        let wish = connections.protocol.wish(visit.operation);
        let Some(pools) = &mut connections.pools else {
            // Whoever gives up connecting may be connected nevertheless.
            if wish == Wish::Connect && outcome == Outcome::Failed(Failure::TimedOut) {
                if visit.flags & ANSWERED != 0 {
                    context.command(self.target, Command::Disconnect { connection: visit.replica });
                } else if visit.flags & DELIVERED != 0 {
                    connections.forsaken.insert((token.0, visit.pending as u8));
                }
            }
            return;
        };
        let number = visit.program_counter;
        let is_held = visit.flags & HOLDS != 0;
        if (is_held || matches!(wish, Wish::Within(_))) && breaks(outcome) {
            pools.break_off(now_ns, number);
        }
        if is_held {
            context.visit(slot).flags &= !HOLDS;
            pools.release(now_ns, number);
        }
        self.carry_out(context);
    }

    /// The callee has been reached.
    pub(super) fn mark_delivered(context: &mut Context, slot: u32) {
        context.visit(slot).flags |= DELIVERED;
    }

    /// A reply has come. Returns whether it was about connections, and about no call.
    #[inline(never)]
    pub(super) fn takes_reply(&mut self, context: &mut Context, reply: &Reply) -> bool {
        if Connections::is_opening(reply) {
            let delay_ns = self.opening_delay_ns(context);
            let kind = OPENED | outcome_code(reply.outcome) << DETAIL_SHIFT;
            // The place and the generation of a ticket leave room for the number at the other end.
            let data = reply.token.0 & !TARGET_MASK | u64::from(reply.replica) << TARGET_SHIFT;
            context.after(delay_ns, Timer { kind, data });
            return true;
        }
        let Some(connections) = &mut self.connections else { return false };
        let found = context.visits().find(VisitId::from_token(reply.token));
        if connections.forsaken.remove(&(reply.token.0, reply.branch)) {
            if reply.outcome == Outcome::Done {
                context.command(self.target, Command::Disconnect { connection: reply.replica });
            }
        } else if let Some(slot) = found
            && context.visit(slot).pending as u8 == reply.branch
        {
            let visit = context.visit(slot);
            visit.flags |= ANSWERED;
            if connections.pools.is_none() && connections.protocol.wish(visit.operation) == Wish::Connect {
                visit.replica = reply.replica;
            }
        }
        false
    }

    /// A timer about connections goes off.
    #[cold]
    #[inline(never)]
    pub(super) fn connection_timer(&mut self, context: &mut Context, timer: Timer) {
        let now_ns = context.now_ns();
        let Some(connections) = &mut self.connections else { return };
        let Some(pools) = &mut connections.pools else { return };
        match timer.kind & 0xFF {
            LOOK => pools.look(now_ns, timer.data as u16),
            OPENED => {
                let (ticket, target) = (timer.data & !TARGET_MASK, (timer.data >> TARGET_SHIFT) as u16);
                pools.opened(now_ns, ticket, outcome_of(timer.kind >> DETAIL_SHIFT), target);
            }
            _ => self.open(context, timer.data),
        }
        self.carry_out(context);
    }

    /// A command about connections.
    pub(super) fn connection_command(&mut self, context: &mut Context, command: Command) {
        let now_ns = context.now_ns();
        let target = self.target;
        let pools = self.connections.as_mut().and_then(|connections| connections.pools.as_mut());
        match (command, pools) {
            (Command::Disconnect { connection }, Some(pools)) => {
                context.command(target, Command::EndTransaction { connection: pools.target(connection) });
                pools.release(now_ns, connection);
            }
            (Command::Pool { place, is_there: true }, Some(pools)) => pools.begin(now_ns, place),
            (Command::Pool { place, is_there: false }, Some(pools)) => pools.end(now_ns, place),
            (command @ (Command::Disconnect { .. } | Command::EndTransaction { .. }), None) => {
                context.command(target, command);
            }
            _ => {}
        }
        self.carry_out(context);
    }

    /// Does what the pools have decided. What follows from that is done in the same turn.
    fn carry_out(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        if self.connections.as_ref().is_none_or(|connections| connections.acts) {
            return;
        }
        loop {
            let Some(connections) = &mut self.connections else { return };
            let act = connections.pools.as_mut().and_then(Pools::next_act);
            connections.acts = act.is_some();
            let Some(act) = act else { return };
            match act {
                Act::Grant { slot, number } => {
                    self.meter.waited(now_ns);
                    let waited_ns = now_ns - context.visit(slot).started_ns;
                    self.granted(context, slot, number, waited_ns);
                }
                Act::Drop { slot, failure } => {
                    self.meter.waited(now_ns);
                    context.visit(slot).started_ns = 0;
                    self.ended(context, slot, Outcome::Failed(failure));
                }
                Act::Open { ticket } => match self.opening_delay_ns(context) {
                    0 => self.open(context, ticket),
                    delay_ns => context.after(delay_ns, Timer { kind: OPENING, data: ticket }),
                },
                Act::Close { target } => context.command(self.target, Command::Disconnect { connection: target }),
                Act::Look { place, at_ns } => context.at(at_ns, Timer { kind: LOOK, data: u64::from(place) }),
            }
        }
    }

    /// Asks the callee for a connection.
    fn open(&mut self, context: &mut Context, ticket: u64) {
        let Some(connections) = &mut self.connections else { return };
        let key = connections.next_key(context);
        let identity = Identity { key, user: 0, salt: 0, priority: 0, zone: 0 };
        let operation = connections.protocol.number(Wish::Connect);
        context.call(Destination { node: self.target, operation }, Token(ticket), OPENS, identity);
    }

    /// How long a request for a connection, or its answer, is on its way. What is written is connected at time zero.
    fn opening_delay_ns(&mut self, context: &Context) -> u64 {
        let (Some((law, purpose)), Some(connections)) = (&self.latency, &mut self.connections) else { return 0 };
        if context.now_ns() == 0 {
            return 0;
        }
        law.sample_ns(&mut Stream::keyed(connections.next_key(context), *purpose, 0))
    }
}

/// Where a ticket, which is a place in its lowest 16 bits and a generation in its highest 32, has room.
const TARGET_SHIFT: u32 = 16;
const TARGET_MASK: u64 = 0xFFFF_0000;

/// The replica of the caller that a call comes from, if it is still there. Who has no replicas that are told apart has one
/// pool.
fn place_of_caller(context: &mut Context, visit: &Visit, lasting: u16) -> Option<u16> {
    if lasting == 1 {
        return Some(0);
    }
    let slot = context.visits().find(VisitId::from_token(visit.token))?;
    let replica = context.visit(slot).replica;
    Some(if replica == Visit::ANY_REPLICA { 0 } else { replica })
}
