//! The other side: connections as who accepts them sees them.

use std::collections::BTreeMap;

use crate::engine::gauge::Gauge;
use crate::engine::record::Share;
use crate::techniques::parts::pool::{Protocol, Wish};

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is none: the number is free.
    Closed,
    /// It is being opened.
    Opening,
    Idle,
    /// Something runs over it.
    Busy,
    /// As `Busy`, and its owner wants it no more.
    Closing,
}

/// The connections that others keep open to a node.
#[derive(Clone, Debug)]
pub struct Sessions {
    protocol: Protocol,
    /// By number.
    states: Vec<State>,
    free: Vec<u16>,
    /// Visits that run over a session, or open one, and its number.
    busy: BTreeMap<u64, u16>,
    open: Gauge,
    /// Those of them that have something to do.
    working: Gauge,
    opened: u64,
    refused: u64,
    /// Those that ended with what they did, and that the node has not heard of.
    ended: u32,
}

impl Sessions {
    /// None yet, at a node that is spoken to like this.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            states: Vec::new(),
            free: Vec::new(),
            busy: BTreeMap::new(),
            open: Gauge::default(),
            working: Gauge::default(),
            opened: 0,
            refused: 0,
            ended: 0,
        }
    }

    /// What the caller of this number wants.
    pub fn wish(&self, number: u16) -> Wish {
        self.protocol.wish(number)
    }

    /// Sessions that are there.
    pub fn count(&self) -> u64 {
        self.open.level()
    }

    /// Whether there is a number for one more.
    pub fn has_number(&self) -> bool {
        !self.free.is_empty() || self.states.len() < usize::from(u16::MAX)
    }

    /// This visit opens a session.
    pub fn connect(&mut self, now_ns: u64, word: u64) {
        self.open.add(now_ns, 1);
        self.working.add(now_ns, 1);
        self.opened += 1;
        let number = match self.free.pop() {
            Some(number) => number,
            None => {
                self.states.push(State::Closed);
                self.states.len() as u16 - 1
            }
        };
        self.states[usize::from(number)] = State::Opening;
        self.busy.insert(word, number);
    }

    /// A visit that wanted a session was turned away.
    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    /// This visit runs over a session. Returns whether there is such a one, with nothing running over it.
    pub fn begin(&mut self, now_ns: u64, word: u64, number: u16) -> bool {
        let Some(state) = self.states.get_mut(usize::from(number)).filter(|state| **state == State::Idle) else {
            return false;
        };
        *state = State::Busy;
        self.working.add(now_ns, 1);
        self.busy.insert(word, number);
        true
    }

    /// What this visit did over its session has ended. Returns the number of the session.
    pub fn end(&mut self, now_ns: u64, word: u64, succeeded: bool) -> Option<u16> {
        let number = self.busy.remove(&word)?;
        self.working.subtract(now_ns, 1);
        let state = &mut self.states[usize::from(number)];
        let stays = *state == State::Busy || (*state == State::Opening && succeeded);
        *state = if stays { State::Idle } else { State::Closed };
        if !stays {
            self.closed(now_ns, number);
            self.ended += 1;
        }
        Some(number)
    }

    /// Whether one more session has ended with what it did.
    pub fn take_ended(&mut self) -> bool {
        let has_ended = self.ended > 0;
        self.ended = self.ended.saturating_sub(1);
        has_ended
    }

    /// The owner closes a session. Returns whether it has ended; if something runs over it, it ends with that.
    pub fn close(&mut self, now_ns: u64, number: u16) -> bool {
        let Some(state) = self.states.get_mut(usize::from(number)) else { return false };
        match *state {
            State::Idle => {
                *state = State::Closed;
                self.closed(now_ns, number);
                true
            }
            State::Busy | State::Opening => {
                *state = State::Closing;
                false
            }
            State::Closing | State::Closed => false,
        }
    }

    fn closed(&mut self, now_ns: u64, number: u16) {
        self.free.push(number);
        self.open.subtract(now_ns, 1);
    }

    /// Sessions x nanoseconds without anything to do.
    pub fn idle_ns(&self, now_ns: u64) -> u128 {
        self.open.integral(now_ns) - self.working.integral(now_ns)
    }

    /// Fills in what only who accepts connections has to tell.
    pub fn observe(&self, now_ns: u64, shares: &mut Vec<Share>) {
        let attempts = u128::from(self.opened + self.refused);
        shares.push(Share::level("open_connections", &self.open, now_ns));
        shares.push(Share { name: "refused_connection_ratio", numerator: self.refused.into(), denominator: attempts });
    }

    /// Checks what holds at all times, exactly: `taken` workers are kept for sessions, and so many visits run over them.
    pub fn audit(&self, taken: u64, running: u64) -> Result<(), String> {
        let count = |is: &dyn Fn(State) -> bool| self.states.iter().filter(|state| is(**state)).count() as u64;
        let open = count(&|state| state != State::Closed);
        let busy = count(&|state| !matches!(state, State::Closed | State::Idle));
        if open != self.open.level() || busy != self.busy.len() as u64 {
            let (level, visits) = (self.open.level(), self.busy.len());
            return Err(format!("{open} sessions of which {busy} are busy, but {level} counted and {visits} visits"));
        }
        if taken != open || running != busy || busy != self.working.level() {
            return Err(format!(
                "{open} sessions of which {busy} are busy, but {taken} workers kept and {running} busy"
            ));
        }
        Ok(())
    }
}
