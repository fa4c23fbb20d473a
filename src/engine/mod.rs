//! The discrete-event engine: time, events, visits. It knows no technique, no text and no file.
//!
//! A model is a list of nodes that exchange **visits** (a request in a node) and set **timers**. Messages without delay
//! go through an outbox that is drained after each event and never touch the calendar. A node acts only through the
//! verbs of [`context::Context`] and never borrows another node.

pub mod calendar;
pub mod context;
pub mod control;
mod foresight;
pub mod gauge;
pub mod record;
pub mod simulation;
pub mod visit;

/// A node's place in the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u32);

impl NodeIndex {
    /// The caller of work that nobody waits for.
    pub const NOBODY: Self = Self(u32::MAX);
}

/// An operation of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    pub node: NodeIndex,
    pub operation: u16,
}

/// What a caller wants back with the reply; only the caller knows its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub u64);

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Done,
    /// A lookup found nothing: no failure.
    Miss,
    /// A lookup found something that should be fetched anew.
    Stale,
    /// A lookup found nothing, but somebody fetches it: ask again.
    Pending,
    /// It failed.
    Failed(Failure),
}

/// Why a visit failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A full queue or a connection limit turned it away.
    Rejected,
    /// The caller's patience ended.
    TimedOut,
    /// The operation itself failed.
    Error,
    /// The replica that worked on it was killed.
    Killed,
}

/// The answer to a call.
#[derive(Clone, Copy, Debug)]
pub struct Reply {
    pub token: Token,
    /// As given with the call.
    pub branch: u8,
    /// The replica that served it.
    pub replica: u16,
    pub outcome: Outcome,
    /// When the call was made.
    pub called_ns: u64,
}

/// An event a node set for itself.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    /// The node's own choice.
    pub kind: u32,
    /// The node's own choice.
    pub data: u64,
}

/// What the engine knows of a node without asking it: the other side of an audit's balance.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Visits that were sent to the node and have not ended.
    pub present: u64,
    /// Nanoseconds since these were called, summed up.
    pub present_ns: u128,
    /// Visits elsewhere that the node called and that have not been answered.
    pub awaited: u64,
    /// Nanoseconds since the node called these, summed up.
    pub awaited_ns: u128,
    /// The node's own timers that have not gone off, each with the nanoseconds until it does.
    pub pending: Vec<(u64, Timer)>,
}

/// How a node starts requests by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Without waiting for the answers to earlier ones, so that they may pile up.
    Open,
    /// No more at once than it has users.
    Closed,
}

/// What a technique does when something reaches it. Methods that a node never needs may be left out.
pub trait Node {
    /// Time zero: set the first timers.
    fn start(&mut self, context: &mut context::Context) {
        let _ = context;
    }

    /// A call arrives; sooner or later it must be replied to or forwarded.
    fn arrive(&mut self, context: &mut context::Context, slot: u32);

    /// A call this node made is answered.
    fn reply(&mut self, context: &mut context::Context, reply: Reply) {
        let _ = (context, reply);
    }

    /// A timer this node set goes off.
    fn timer(&mut self, context: &mut context::Context, timer: Timer) {
        let _ = (context, timer);
    }

    /// A controller, or a node that this one deals with, tells it to do something.
    fn command(&mut self, context: &mut context::Context, command: control::Command) {
        let _ = (context, command);
    }

    /// What a controller may see of the node now.
    fn sample(&self, now_ns: u64, sample: &mut control::NodeSample) {
        let _ = (now_ns, sample);
    }

    /// A sample that this node asked for with `token`.
    fn sampled(&mut self, context: &mut context::Context, token: Token, sample: &control::NodeSample) {
        let _ = (context, token, sample);
    }

    /// Whether and how the node starts requests by itself.
    fn workload(&self) -> Option<Workload> {
        None
    }

    /// Checks the laws that the node's counts obey in every run, exactly; says which one is broken.
    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String>;

    /// Fills in all counters since time zero and hands over the histograms since the last call.
    fn observe(&mut self, now_ns: u64, record: &mut record::NodeRecord);
}
