//! The verbs: the only way for a node to act.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::distribution::KeySampler;
use crate::engine::calendar::Calendar;
use crate::engine::visit::{Identity, Visit, VisitId, Visits};
use crate::engine::{Destination, NodeIndex, Outcome, Timer, Token};
use crate::random::{Purpose, Seed, Stream};

/// A key space: what requests are about, such as a client or a product.
#[derive(Clone, Debug)]
pub struct KeySpace {
    pub purpose: Purpose,
    pub sampler: KeySampler,
}

/// An event of the calendar.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Event {
    pub node: NodeIndex,
    pub timer: Timer,
}

/// A message without delay: a visit arrives at a node, or comes back to its caller with an outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub node: NodeIndex,
    pub slot: u32,
    pub outcome: Option<Outcome>,
}

/// Messages that await delivery, in the order they were sent. Nearly always there is at most one, which therefore has a
/// place of its own.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    first: Option<Message>,
    rest: VecDeque<Message>,
}

impl Outbox {
    #[inline(always)]
    fn push(&mut self, message: Message) {
        if self.first.is_none() {
            self.first = Some(message);
        } else {
            self.push_behind(message);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_behind(&mut self, message: Message) {
        self.rest.push_back(message);
    }

    #[inline(always)]
    pub fn pop(&mut self) -> Option<Message> {
        let message = self.first.take();
        if !self.rest.is_empty() {
            self.first = self.rest.pop_front();
        }
        message
    }

    pub fn clear(&mut self) {
        self.first = None;
        self.rest.clear();
    }
}

/// All of a run but its nodes.
#[derive(Debug)]
pub(super) struct Core {
    pub now_ns: u64,
    pub seed: Seed,
    pub calendar: Calendar<Event>,
    pub visits: Visits,
    pub outbox: Outbox,
    pub keys: Arc<[KeySpace]>,
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
        self.send(destination, Visit::ANY_REPLICA, self.node, token, branch, identity)
    }

    /// As [`Context::call`], at a replica that the caller has chosen.
    #[inline(always)]
    pub fn call_replica(&mut self, destination: Destination, replica: u16, token: Token, identity: Identity) -> u32 {
        self.send(destination, replica, self.node, token, 0, identity)
    }

    /// Starts work at an operation whose end nobody waits for.
    #[inline(always)]
    pub fn spawn(&mut self, destination: Destination, identity: Identity) -> u32 {
        self.send(destination, Visit::ANY_REPLICA, NodeIndex::NOBODY, Token(0), 0, identity)
    }

    /// Makes a visit of this node's own, for example a parallel branch, without sending it anywhere.
    #[inline(always)]
    pub fn open(&mut self, operation: u16, token: Token, identity: Identity) -> u32 {
        let destination = Destination { node: self.node, operation };
        self.core.visits.insert(self.core.now_ns, destination, Visit::ANY_REPLICA, self.node, token, 0, identity)
    }

    /// Ends a visit of this node's own without telling anybody.
    #[inline(always)]
    pub fn close(&mut self, slot: u32) {
        self.core.visits.end(slot);
        self.core.visits.free(slot);
    }

    /// Ends a visit and tells its caller, if there is one.
    #[inline(always)]
    pub fn reply(&mut self, slot: u32, outcome: Outcome) {
        let Core { visits, outbox, .. } = &mut *self.core;
        let caller = visits.end(slot);
        if caller == NodeIndex::NOBODY {
            visits.free(slot);
        } else {
            outbox.push(Message { node: caller, slot, outcome: Some(outcome) });
        }
    }

    /// Tells a visit's caller and goes on with the visit, which from then on has no caller.
    pub fn reply_early(&mut self, slot: u32, outcome: Outcome) {
        let Core { visits, outbox, .. } = &mut *self.core;
        let caller = visits.get(slot).caller;
        if caller != NodeIndex::NOBODY {
            let envelope = visits.copy(slot);
            outbox.push(Message { node: caller, slot: envelope, outcome: Some(outcome) });
            visits.get_mut(slot).caller = NodeIndex::NOBODY;
        }
    }

    /// The key of this request in a key space; the same however often and wherever it is asked.
    #[inline(always)]
    pub fn key(&self, space: u16, request_key: u64) -> u64 {
        let space = &self.core.keys[usize::from(space)];
        space.sampler.sample(&mut Stream::keyed(request_key, space.purpose, 0))
    }

    #[inline(always)]
    fn send(
        &mut self,
        destination: Destination,
        replica: u16,
        caller: NodeIndex,
        token: Token,
        branch: u8,
        identity: Identity,
    ) -> u32 {
        let core = &mut *self.core;
        let slot = core.visits.insert(core.now_ns, destination, replica, caller, token, branch, identity);
        core.outbox.push(Message { node: destination.node, slot, outcome: None });
        slot
    }

    /// The full name of a visit, for a timer or a token.
    #[inline(always)]
    pub fn id(&self, slot: u32) -> VisitId {
        self.core.visits.id(slot)
    }
}
