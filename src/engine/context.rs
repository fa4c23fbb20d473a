//! The verbs: the only way for a node to act.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::distribution::KeySampler;
use crate::engine::calendar::{Calendar, Entry};
use crate::engine::control::Command;
use crate::engine::foresight::Foresight;
use crate::engine::visit::{Identity, NONE, OWN, ReturnAddress, Visit, VisitId, Visits};
use crate::engine::{Destination, NodeIndex, Outcome, Timer, Token};
use crate::random::{Purpose, Seed, Stream};

/// A key space: what requests are about, such as a client or a product.
#[derive(Clone, Debug)]
pub struct KeySpace {
    pub purpose: Purpose,
    pub sampler: KeySampler,
    /// Keys that were recorded are not drawn.
    pub recorded: Option<Arc<Recorded>>,
}

/// Keys in the order in which they were recorded, and the requests that go through them in that order.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub keys: Arc<[u64]>,
    /// What the requests are made for, each workload by itself.
    pub requests: Vec<Purpose>,
}

impl Recorded {
    /// No workload sends so many requests, and a number that was not made for it is nearly always larger.
    const MOST_REQUESTS: u64 = 1 << 40;

    /// The key of the request, if it is one of those.
    #[cold]
    #[inline(never)]
    fn key(&self, seed: Seed, request_key: u64) -> Option<u64> {
        let numbers = self.requests.iter().map(|purpose| seed.request_number(*purpose, request_key));
        let number = numbers.into_iter().find(|number| *number < Self::MOST_REQUESTS)?;
        Some(self.keys[(number % self.keys.len() as u64) as usize])
    }
}

/// An event of the calendar: a node's timer, flat so that an entry is three words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Event {
    pub node: NodeIndex,
    pub kind: u32,
    pub data: u64,
}

const _: () = assert!(size_of::<Entry<Event>>() == 24, "an entry is three words");

/// A message without delay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub content: Content,
    pub node: NodeIndex,
    pub slot: u32,
    /// Of a reply.
    pub outcome: Outcome,
}

/// What a message says about the visit in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Nothing,
    /// It arrives at the node.
    Call,
    /// It has ended and comes back to its caller.
    Reply,
    /// Nothing: the next of the commands that are on their way is for the node.
    Command,
    /// Nothing: the node asked for the next of the samples.
    Sample,
}

/// Messages that await delivery, in the order they were sent. Nearly always there is at most one, which therefore has a
/// place of its own.
#[derive(Debug)]
pub(super) struct Outbox {
    first: Message,
    rest: VecDeque<Message>,
}

impl Outbox {
    fn new() -> Self {
        let nothing = Message { content: Content::Nothing, node: NodeIndex::NOBODY, slot: 0, outcome: Outcome::Done };
        Self { first: nothing, rest: VecDeque::new() }
    }

    #[inline(always)]
    fn push(&mut self, content: Content, node: NodeIndex, slot: u32, outcome: Outcome) {
        if self.first.content != Content::Nothing {
            return self.push_behind(Message { content, node, slot, outcome });
        }
        // Field by field: a message that is put together first goes through memory once more.
        self.first.content = content;
        self.first.node = node;
        self.first.slot = slot;
        self.first.outcome = outcome;
    }

    #[cold]
    #[inline(never)]
    fn push_behind(&mut self, message: Message) {
        self.rest.push_back(message);
    }

    /// The next message.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<Message> {
        if self.first.content == Content::Nothing {
            return None;
        }
        let message = self.first;
        self.first.content = Content::Nothing;
        if !self.rest.is_empty() {
            self.advance();
        }
        Some(message)
    }

    #[cold]
    #[inline(never)]
    fn advance(&mut self) {
        if let Some(message) = self.rest.pop_front() {
            self.first = message;
        }
    }

    pub fn clear(&mut self) {
        self.first.content = Content::Nothing;
        self.rest.clear();
    }
}

/// All of a run but its nodes, and a node's hands during one call of a hook.
#[derive(Debug)]
pub struct Context {
    /// The node that acts.
    pub(super) node: NodeIndex,
    pub(super) now_ns: u64,
    pub(super) seed: Seed,
    pub(super) calendar: Calendar<Event>,
    pub(super) visits: Visits,
    pub(super) outbox: Outbox,
    /// The contents of messages that are about no visit, in the order of these messages.
    pub(super) commands: VecDeque<Command>,
    pub(super) questions: VecDeque<(NodeIndex, Token)>,
    pub(super) keys: Arc<[KeySpace]>,
    pub(super) nodes: Foresight,
}

impl Context {
    pub(super) fn new(seed: Seed, keys: Arc<[KeySpace]>) -> Self {
        Self {
            node: NodeIndex::NOBODY,
            now_ns: 0,
            seed,
            calendar: Calendar::new(),
            visits: Visits::new(),
            outbox: Outbox::new(),
            commands: VecDeque::new(),
            questions: VecDeque::new(),
            keys,
            nodes: Foresight::default(),
        }
    }

    /// Nanoseconds since the start of the run.
    #[inline(always)]
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// The root of this replication's randomness.
    #[inline(always)]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The visits in progress.
    #[inline(always)]
    pub fn visits(&mut self) -> &mut Visits {
        &mut self.visits
    }

    /// One visit in progress.
    #[inline(always)]
    pub fn visit(&mut self, slot: u32) -> &mut Visit {
        self.visits.get_mut(slot)
    }

    /// Sets a timer. Timers are not taken back: a node recognises one that no longer means anything.
    #[inline(always)]
    pub fn after(&mut self, delay_ns: u64, timer: Timer) {
        self.at(self.now_ns.saturating_add(delay_ns), timer);
    }

    /// Sets a timer to a time, which must not lie in the past.
    #[inline(always)]
    pub fn at(&mut self, time_ns: u64, timer: Timer) {
        debug_assert!(time_ns >= self.now_ns, "nothing happens in the past");
        self.calendar.push(time_ns, Event { node: self.node, kind: timer.kind, data: timer.data });
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
        let back = ReturnAddress { caller: self.node, token, branch: 0 };
        let own = Destination { node: OWN, operation };
        self.visits.insert(self.now_ns, own, Visit::ANY_REPLICA, back, identity)
    }

    /// Ends a visit of this node's own without telling anybody.
    #[inline(always)]
    pub fn close(&mut self, slot: u32) {
        self.visits.end(slot);
        self.visits.free(slot);
    }

    /// Ends a visit and tells its caller, if there is one.
    #[inline(always)]
    pub fn reply(&mut self, slot: u32, outcome: Outcome) {
        let _ = self.answer(slot, outcome);
    }

    /// As [`Context::reply`], and says what the visit was.
    #[inline(always)]
    pub fn answer(&mut self, slot: u32, outcome: Outcome) -> Visit {
        let visit = self.visits.end(slot);
        if visit.caller == NodeIndex::NOBODY {
            self.visits.free(slot);
        } else {
            self.outbox.push(Content::Reply, visit.caller, slot, outcome);
        }
        visit
    }

    /// Tells a visit's caller and goes on with the visit, which from then on has no caller.
    pub fn reply_early(&mut self, slot: u32, outcome: Outcome) {
        let caller = self.visits.get(slot).caller;
        if caller != NodeIndex::NOBODY {
            let envelope = self.visits.copy(slot);
            self.outbox.push(Content::Reply, caller, envelope, outcome);
            self.visits.get_mut(slot).caller = NodeIndex::NOBODY;
        }
    }

    /// The key of this request in a key space; the same however often and wherever it is asked.
    #[inline(always)]
    pub fn key(&self, space: u16, request_key: u64) -> u64 {
        let space = &self.keys[usize::from(space)];
        if let Some(recorded) = &space.recorded
            && let Some(key) = recorded.key(self.seed, request_key)
        {
            return key;
        }
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
        let back = ReturnAddress { caller, token, branch };
        let slot = self.visits.insert(self.now_ns, destination, replica, back, identity);
        self.outbox.push(Content::Call, destination.node, slot, Outcome::Done);
        slot
    }

    /// Tells a node to do something.
    pub fn command(&mut self, node: NodeIndex, command: Command) {
        self.commands.push_back(command);
        self.outbox.push(Content::Command, node, NONE, Outcome::Done);
    }

    /// Asks for a sample of a node, which comes to [`crate::engine::Node::sampled`] with `token` before time passes.
    pub fn ask(&mut self, node: NodeIndex, token: Token) {
        self.questions.push_back((node, token));
        self.outbox.push(Content::Sample, self.node, NONE, Outcome::Done);
    }

    /// Whether the model is so large that a visit pays for memory. Then, and only then, hints are worth their time.
    #[inline(always)]
    pub fn is_vast(&self) -> bool {
        self.nodes.is_worthwhile()
    }

    /// A hint: this node will soon be called.
    #[inline(always)]
    pub fn expect(&self, node: NodeIndex) {
        self.nodes.expect(node);
    }

    /// The node that acts.
    pub fn node(&self) -> NodeIndex {
        self.node
    }

    /// The full name of a visit, for a timer or a token.
    #[inline(always)]
    pub fn id(&self, slot: u32) -> VisitId {
        self.visits.id(slot)
    }
}
