//! The loop: pop an event, let its node act, deliver what it sent, repeat.

use std::fmt;
use std::sync::Arc;

use crate::engine::context::{Content, Context, KeySpace, Message};
use crate::engine::control::NodeSample;
use crate::engine::record::{Counters, NodeRecord, Record, Share};
use crate::engine::visit::{Visit, VisitId};
use crate::engine::{Evidence, Node, NodeIndex, Reply, Timer, Workload};
use crate::random::{Seed, mix};

/// Messages that one event may cause without time passing. Far above what a large fan-out needs; a request that goes in
/// circles meets it at once.
const MESSAGES_PER_EVENT: usize = 1_000_000;

/// Messages after which it is looked at how many there were, and how many visits they made: each may fan out to
/// thousands.
const MESSAGES_PER_LOOK: usize = 64;

/// Bounds that keep a run from eating the machine.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Visits in progress at once.
    pub visits: u32,
    /// Events over the whole run.
    pub events: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { visits: 2_000_000, events: u64::MAX }
    }
}

/// Why a run stopped before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// More visits in progress than allowed: work arrives faster than it is done.
    TooManyVisits,
    /// The budget of events is used up.
    TooManyEvents,
    /// Requests go round in circles without time passing.
    ZeroDelayCycle(NodeIndex),
}

impl fmt::Display for Halt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyVisits => write!(formatter, "too many requests in progress at once"),
            Self::TooManyEvents => write!(formatter, "the budget of events is used up"),
            Self::ZeroDelayCycle(_) => write!(
                formatter,
                "one event caused more than a million messages without time passing: requests go round in circles, or \
                 one request fans out too far"
            ),
        }
    }
}

/// One run of a model.
#[derive(Debug)]
pub struct Simulation<N> {
    nodes: Vec<N>,
    context: Context,
    limits: Limits,
    events: u64,
    fingerprint: u64,
    halt: Option<Halt>,
    window: Window,
    /// The sample that is taken now; its memory is kept.
    sample: NodeSample,
}

/// What had been counted when the current window began.
#[derive(Debug, Default)]
struct Window {
    start_ns: u64,
    events: u64,
    counters: Vec<Counters>,
    shares: Vec<Vec<Share>>,
}

impl<N: Node> Simulation<N> {
    /// Prepares a run and lets every node set its first timers.
    pub fn new(nodes: Vec<N>, keys: Arc<[KeySpace]>, seed: Seed, limits: Limits) -> Self {
        let context = Context::new(seed, keys);
        let window = Window {
            counters: vec![Counters::default(); nodes.len()],
            shares: vec![Vec::new(); nodes.len()],
            ..Window::default()
        };
        let mut simulation = Self {
            nodes,
            context,
            limits,
            events: 0,
            fingerprint: 0,
            halt: None,
            window,
            sample: NodeSample::default(),
        };
        for index in 0..simulation.nodes.len() {
            simulation.context.node = NodeIndex(index as u32);
            simulation.nodes[index].start(&mut simulation.context);
            simulation.deliver();
        }
        simulation
    }

    /// Runs until `end_ns` inclusive. After `Err` the run cannot go on, but what happened so far can be observed.
    pub fn run_until(&mut self, end_ns: u64) -> Result<(), Halt> {
        if let Some(halt) = self.halt {
            return Err(halt);
        }
        self.context.nodes.place(&self.nodes);
        while let Some(entry) = self.context.calendar.pop_until(end_ns) {
            let node = entry.event.node;
            self.context.node = node;
            self.context.now_ns = entry.time_ns;
            self.events += 1;
            self.fingerprint = (self.fingerprint ^ entry.time_ns).rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ u64::from(node.0);
            let timer = Timer { kind: entry.event.kind, data: entry.event.data };
            self.nodes[node.0 as usize].timer(&mut self.context, timer);
            let settled = self.deliver();
            if !settled || self.context.visits.live() > self.limits.visits || self.events >= self.limits.events {
                return Err(self.stop());
            }
        }
        self.context.now_ns = self.context.now_ns.max(end_ns);
        Ok(())
    }

    #[cold]
    fn stop(&mut self) -> Halt {
        let exceeded = if self.events >= self.limits.events { Halt::TooManyEvents } else { Halt::TooManyVisits };
        *self.halt.get_or_insert(exceeded)
    }

    /// Ends an event that causes too much.
    #[cold]
    fn look(&mut self, node: NodeIndex, delivered: usize) {
        let exceeded = if delivered > MESSAGES_PER_EVENT {
            Halt::ZeroDelayCycle(node)
        } else if self.context.visits.live() > self.limits.visits {
            Halt::TooManyVisits
        } else {
            return;
        };
        self.halt = Some(exceeded);
        self.context.outbox.clear();
        self.context.commands.clear();
        self.context.questions.clear();
    }

    /// Delivers messages in the order they were sent until none is left. Returns whether that came to an end.
    #[inline(always)]
    fn deliver(&mut self) -> bool {
        let mut delivered = 0usize;
        while let Some(Message { content, node, slot, outcome }) = self.context.outbox.pop() {
            self.context.node = node;
            if content == Content::Call {
                self.nodes[node.0 as usize].arrive(&mut self.context, slot);
            } else if content != Content::Reply {
                self.deliver_control(content, node);
            } else {
                let visit = self.context.visits.free(slot);
                let reply = Reply {
                    token: visit.token,
                    branch: visit.branch,
                    replica: visit.replica,
                    outcome,
                    called_ns: visit.entered_ns,
                };
                self.nodes[node.0 as usize].reply(&mut self.context, reply);
            }
            delivered += 1;
            if delivered.is_multiple_of(MESSAGES_PER_LOOK) {
                self.look(node, delivered);
                if self.halt.is_some() {
                    return false;
                }
            }
        }
        true
    }

    /// Delivers a message that is about no visit.
    #[cold]
    #[inline(never)]
    fn deliver_control(&mut self, content: Content, node: NodeIndex) {
        let context = &mut self.context;
        if content == Content::Command {
            if let Some(command) = context.commands.pop_front() {
                self.nodes[node.0 as usize].command(context, command);
            }
        } else if let Some((asked, token)) = context.questions.pop_front() {
            let mut sample = std::mem::take(&mut self.sample);
            sample.clear();
            self.nodes[asked.0 as usize].sample(context.now_ns, &mut sample);
            self.nodes[node.0 as usize].sampled(context, token, &sample);
            self.sample = sample;
        }
    }

    /// Allows this many events over the whole run. A run that stopped because it had used up fewer can go on.
    pub fn set_event_limit(&mut self, events: u64) {
        self.limits.events = events;
        if self.halt == Some(Halt::TooManyEvents) && self.events < events {
            self.halt = None;
        }
    }

    /// Events processed so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Nanoseconds simulated so far.
    pub fn now_ns(&self) -> u64 {
        self.context.now_ns
    }

    /// A hash of the times and nodes of all events so far: two runs with the same value took the same course.
    pub fn fingerprint(&self) -> u64 {
        mix(self.fingerprint ^ self.events)
    }

    /// Closes the current window of time, returns what happened in it and opens the next.
    pub fn take_record(&mut self) -> Record {
        let now_ns = self.context.now_ns;
        let mut record = Record {
            start_ns: self.window.start_ns,
            end_ns: now_ns,
            events: self.events - self.window.events,
            backlog: self.backlog(),
            nodes: Vec::with_capacity(self.nodes.len()),
        };
        for (index, node) in self.nodes.iter_mut().enumerate() {
            let mut node_record = NodeRecord::default();
            node.observe(now_ns, &mut node_record);
            let counters = std::mem::replace(&mut self.window.counters[index], node_record.counters);
            node_record.counters = node_record.counters.since(&counters);
            let shares = std::mem::replace(&mut self.window.shares[index], node_record.shares.clone());
            for (share, earlier) in node_record.shares.iter_mut().zip(&shares) {
                share.numerator -= earlier.numerator;
                share.denominator -= earlier.denominator;
            }
            record.nodes.push(node_record);
        }
        self.window.start_ns = now_ns;
        self.window.events = self.events;
        record
    }

    /// Holds every node's counts against the visits and events that are there, and names the first law that is broken.
    /// A run that was stopped in the middle of an event has nothing to be held against.
    pub fn audit(&self) -> Result<(), (NodeIndex, String)> {
        if !matches!(self.halt, None | Some(Halt::TooManyEvents)) {
            return Ok(());
        }
        let now_ns = self.context.now_ns;
        let mut evidence = vec![Evidence::default(); self.nodes.len()];
        for (node, visit) in self.context.visits.sent() {
            let since_ns = u128::from(now_ns - visit.entered_ns);
            let callee = &mut evidence[node.0 as usize];
            callee.present += 1;
            callee.present_ns += since_ns;
            if let Some(caller) = evidence.get_mut(visit.caller.0 as usize) {
                caller.awaited += 1;
                caller.awaited_ns += since_ns;
            }
        }
        for entry in self.context.calendar.iter() {
            let timer = Timer { kind: entry.event.kind, data: entry.event.data };
            evidence[entry.event.node.0 as usize].pending.push((entry.time_ns - now_ns, timer));
        }
        for (index, (node, evidence)) in self.nodes.iter().zip(&evidence).enumerate() {
            node.audit(now_ns, evidence).map_err(|law| (NodeIndex(index as u32), law))?;
        }
        Ok(())
    }

    /// Requests of open workloads in progress, each counted once however many nodes it is in, and work that nobody waits
    /// for any more: what can pile up without end. A closed workload's own requests cannot.
    fn backlog(&self) -> u64 {
        let visits = &self.context.visits;
        let stays = |visit: &Visit| match self.nodes.get(visit.caller.0 as usize).map(Node::workload) {
            None => true,
            Some(Some(workload)) => workload == Workload::Open,
            // All other callers wait with a visit of their own; one that has ended has left its call behind.
            Some(None) => visits.find(VisitId::from_token(visit.token)).is_none(),
        };
        visits.sent().filter(|(_, visit)| stays(visit)).count() as u64
    }

    /// The nodes.
    pub fn nodes(&self) -> &[N] {
        &self.nodes
    }

    /// Visits in progress.
    pub fn in_flight(&self) -> u32 {
        self.context.visits.live()
    }
}
