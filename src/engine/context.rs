//! The verbs: the only way for a node to act.

use crate::distribution::KeySampler;
use crate::engine::calendar::Calendar;
use crate::engine::visit::{Identity, Visit, VisitId, Visits};
use crate::engine::{Destination, NodeIndex, Outcome, Reply, Timer, Token};
use crate::random::{Purpose, Seed, Stream};

/// A key space: what requests are about, such as a client or a product.
#[derive(Clone, Debug)]
pub struct KeySpace {
    pub purpose: Purpose,
    pub sampler: KeySampler,
}

/// An event of the calendar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub node: NodeIndex,
    pub timer: Timer,
}

/// A message without delay.
#[derive(Clone, Copy, Debug)]
pub(super) enum Message {
    Arrive { node: NodeIndex, slot: u32 },
    Reply { node: NodeIndex, reply: Reply },
}

/// All of a run but its nodes.
#[derive(Debug)]
pub(super) struct Core {
    pub now_ns: u64,
    pub seed: Seed,
    pub calendar: Calendar<Event>,
    pub visits: Visits,
    pub outbox: Vec<Message>,
    pub keys: Vec<KeySpace>,
}

/// A node's hands during one call of a hook.
pub struct Context<'a> {
    pub(super) core: &'a mut Core,
    pub(super) node: NodeIndex,
}

impl Context<'_> {
    /// Nanoseconds since the start of the run.
    #[inline(always)]
    pub fn now_ns(&self) -> u64 {
        self.core.now_ns
    }

    /// The root of this replication's randomness.
    #[inline(always)]
    pub fn seed(&self) -> Seed {
        self.core.seed
    }

    /// The visits in progress.
    #[inline(always)]
    pub fn visits(&mut self) -> &mut Visits {
        &mut self.core.visits
    }

    /// One visit in progress.
    #[inline(always)]
    pub fn visit(&mut self, slot: u32) -> &mut Visit {
        self.core.visits.get_mut(slot)
    }

    /// Sets a timer. Timers are not taken back: a node recognises one that no longer means anything.
    #[inline(always)]
    pub fn after(&mut self, delay_ns: u64, timer: Timer) {
        let time_ns = self.core.now_ns.saturating_add(delay_ns);
        self.core.calendar.push(time_ns, Event { node: self.node, timer });
    }

    /// Calls an operation; the reply comes back with `token` and `branch`. Returns the new visit's slot.
    #[inline(always)]
    pub fn call(&mut self, destination: Destination, token: Token, branch: u8, identity: Identity) -> u32 {
        self.send(destination, self.node, token, branch, identity)
    }

    /// Starts work at an operation whose end nobody waits for.
    #[inline(always)]
    pub fn spawn(&mut self, destination: Destination, identity: Identity) -> u32 {
        self.send(destination, NodeIndex::NOBODY, Token(0), 0, identity)
    }

    /// Makes a visit of this node's own, for example a parallel branch, without sending it anywhere.
    #[inline(always)]
    pub fn open(&mut self, operation: u16, token: Token, identity: Identity) -> u32 {
        let destination = Destination { node: self.node, operation };
        self.core.visits.insert(self.core.now_ns, destination, self.node, token, 0, identity)
    }

    /// Ends a visit of this node's own without telling anybody.
    #[inline(always)]
    pub fn close(&mut self, slot: u32) {
        self.core.visits.remove(slot);
    }

    /// Ends a visit and tells its caller, if there is one.
    #[inline(always)]
    pub fn reply(&mut self, slot: u32, outcome: Outcome) {
        self.answer(slot, outcome);
        self.core.visits.remove(slot);
    }

    /// Tells a visit's caller and goes on with the visit, which from then on has no caller.
    #[inline(always)]
    pub fn reply_early(&mut self, slot: u32, outcome: Outcome) {
        self.answer(slot, outcome);
        self.core.visits.get_mut(slot).caller = NodeIndex::NOBODY;
    }

    /// The key of this request in a key space; the same however often and wherever it is asked.
    #[inline(always)]
    pub fn key(&self, space: u16, request_key: u64) -> u64 {
        let space = &self.core.keys[usize::from(space)];
        space.sampler.sample(&mut Stream::keyed(request_key, space.purpose, 0))
    }

    #[inline(always)]
    fn answer(&mut self, slot: u32, outcome: Outcome) {
        let visit = self.core.visits.get(slot);
        if visit.caller == NodeIndex::NOBODY {
            return;
        }
        let reply = Reply {
            token: visit.token,
            branch: visit.branch,
            replica: visit.replica,
            outcome,
            called_ns: visit.entered_ns,
        };
        let node = visit.caller;
        self.core.outbox.push(Message::Reply { node, reply });
    }

    #[inline(always)]
    fn send(
        &mut self,
        destination: Destination,
        caller: NodeIndex,
        token: Token,
        branch: u8,
        identity: Identity,
    ) -> u32 {
        let core = &mut *self.core;
        let slot = core.visits.insert(core.now_ns, destination, caller, token, branch, identity);
        core.outbox.push(Message::Arrive { node: destination.node, slot });
        slot
    }

    /// The full name of a visit, for a timer or a token.
    #[inline(always)]
    pub fn id(&self, slot: u32) -> VisitId {
        self.core.visits.id(slot)
    }
}
