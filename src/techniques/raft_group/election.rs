//! Who leads, and how another one comes to lead.
//!
//! Terms, votes and timeouts are those of Ongaro & Ousterhout, *In Search of an Understandable Consensus Algorithm* (2014),
//! section 5.2, and 5.4.1 for whom nobody votes. Heartbeats are no events: while a leader is there they always arrive.

use crate::distribution::Sampler;
use crate::engine::Timer;
use crate::engine::context::Context;
use crate::random::{Purpose, Stream};
use crate::techniques::parts::copies::{Copies, FIRST_FREE_KIND};

/// Timer kinds.
pub const TIMES_OUT: u32 = FIRST_FREE_KIND;
const ASKED: u32 = FIRST_FREE_KIND + 1;
const VOTED: u32 = FIRST_FREE_KIND + 2;
pub const STEPS_DOWN: u32 = FIRST_FREE_KIND + 3;

/// One member as elections see it.
#[derive(Clone, Copy, Debug, Default)]
struct Member {
    term: u64,
    /// Whether it has voted in its term, for itself if it is a candidate.
    has_voted: bool,
    is_candidate: bool,
    votes: u32,
    /// The length of its log.
    log: u64,
    /// Tells its timeouts apart.
    wait: u32,
}

/// Elections of one group.
#[derive(Clone, Debug)]
pub struct Election {
    members: Vec<Member>,
    leader: Option<u16>,
    /// Leaders so far.
    reign: u32,
    majority: u32,
    heartbeat_ns: u64,
    timeout: (Sampler, Purpose),
    latency: Option<(Sampler, Purpose)>,
    draws: u64,
}

/// A message between two members.
struct Message {
    candidate: u16,
    voter: u16,
    term: u64,
}

impl Message {
    fn word(&self) -> u64 {
        self.term << 16 | u64::from(self.candidate) << 8 | u64::from(self.voter)
    }

    fn from_word(word: u64) -> Self {
        Self { candidate: (word >> 8 & 0xFF) as u16, voter: (word & 0xFF) as u16, term: word >> 16 }
    }
}

impl Election {
    /// Member 0 leads, in the first term.
    pub fn new(
        members: u16,
        heartbeat_ns: u64,
        timeout: (Sampler, Purpose),
        latency: Option<(Sampler, Purpose)>,
    ) -> Self {
        Self {
            members: vec![Member::default(); usize::from(members)],
            leader: Some(0),
            reign: 1,
            majority: u32::from(members) / 2 + 1,
            heartbeat_ns,
            timeout,
            latency,
            draws: 0,
        }
    }

    /// Who leads now.
    pub fn leader(&self) -> Option<u16> {
        self.leader
    }

    /// How many of all members are more than half.
    pub fn majority(&self) -> u32 {
        self.majority
    }

    /// A member has so much of the log.
    pub fn append(&mut self, member: u16, entry: u64) {
        let log = &mut self.members[usize::from(member)].log;
        *log = (*log).max(entry);
    }

    /// The leader is gone: the others notice when its heartbeats stay away.
    pub fn lose_leader(&mut self, context: &mut Context, copies: &Copies) {
        self.leader = None;
        let now_ns = context.now_ns();
        let last_ns = now_ns - now_ns % self.heartbeat_ns.max(1);
        copies.present().for_each(|member| self.wait(context, member, last_ns));
    }

    /// Some members are back: they follow, or wait for a leader.
    pub fn come_back(&mut self, context: &mut Context, back: &[u16]) {
        for &member in back {
            let log = self.leader.map(|leader| self.members[usize::from(leader)].log);
            let term = self.leader.map(|leader| self.members[usize::from(leader)].term);
            let state = &mut self.members[usize::from(member)];
            state.is_candidate = false;
            state.log = log.unwrap_or(state.log);
            state.term = state.term.max(term.unwrap_or(0));
            if self.leader.is_none() {
                self.wait(context, member, context.now_ns());
            }
        }
    }

    /// If the leader does not reach a majority it steps down after a timeout.
    pub fn doubt(&mut self, context: &mut Context) {
        let delay_ns = self.timeout_ns(context);
        context.after(delay_ns, Timer { kind: STEPS_DOWN, data: u64::from(self.reign) });
    }

    /// Whether it is this leader that doubted.
    pub fn is_reign(&self, word: u64) -> bool {
        self.leader.is_some() && word == u64::from(self.reign)
    }

    /// A timer of the elections goes off. Returns whether somebody leads from now on.
    pub fn timer(&mut self, context: &mut Context, copies: &Copies, timer: Timer) -> bool {
        if self.leader.is_some() {
            return false;
        }
        match timer.kind {
            TIMES_OUT => {
                let member = timer.data as u16;
                let state = &self.members[usize::from(member)];
                let counts = u64::from(state.wait) == timer.data >> 16 && copies.is_present(member);
                counts && self.stand(context, copies, member)
            }
            ASKED => {
                self.vote(context, copies, &Message::from_word(timer.data));
                false
            }
            _ => {
                let Message { candidate, term, .. } = Message::from_word(timer.data);
                let state = &mut self.members[usize::from(candidate)];
                if !copies.is_present(candidate) || !state.is_candidate || state.term != term {
                    return false;
                }
                state.votes += 1;
                self.counts(copies, candidate)
            }
        }
    }

    /// Whether a timer is one of the elections'.
    pub fn is_own(timer: Timer) -> bool {
        (TIMES_OUT..=VOTED).contains(&timer.kind)
    }

    /// A member begins a new term and asks all others for their votes.
    fn stand(&mut self, context: &mut Context, copies: &Copies, member: u16) -> bool {
        let state = &mut self.members[usize::from(member)];
        state.term += 1;
        (state.has_voted, state.is_candidate, state.votes) = (true, true, 1);
        let term = state.term;
        self.wait(context, member, context.now_ns());
        for voter in copies.present().filter(|voter| *voter != member) {
            let data = Message { candidate: member, voter, term }.word();
            let delay_ns = self.latency_ns(context);
            context.after(delay_ns, Timer { kind: ASKED, data });
        }
        self.counts(copies, member)
    }

    fn vote(&mut self, context: &mut Context, copies: &Copies, message: &Message) {
        let Message { candidate, voter, term } = *message;
        if !copies.is_present(voter) {
            return;
        }
        let candidates_log = self.members[usize::from(candidate)].log;
        let state = &mut self.members[usize::from(voter)];
        if term > state.term {
            (state.term, state.has_voted, state.is_candidate) = (term, false, false);
        }
        if term < state.term || state.has_voted || candidates_log < state.log {
            return;
        }
        state.has_voted = true;
        // Who has voted gives the candidate time.
        self.wait(context, voter, context.now_ns());
        let delay_ns = self.latency_ns(context);
        context.after(delay_ns, Timer { kind: VOTED, data: message.word() });
    }

    /// Whether a candidate has votes enough, and so leads.
    fn counts(&mut self, copies: &Copies, candidate: u16) -> bool {
        let Member { votes, term, log, .. } = self.members[usize::from(candidate)];
        if votes < self.majority {
            return false;
        }
        self.leader = Some(candidate);
        self.reign += 1;
        for member in copies.present() {
            let state = &mut self.members[usize::from(member)];
            state.is_candidate = false;
            state.wait = state.wait.wrapping_add(1);
            state.log = log;
            state.term = state.term.max(term);
        }
        true
    }

    /// A member waits for a sign of life, of which it had the last one at `since_ns`.
    fn wait(&mut self, context: &mut Context, member: u16, since_ns: u64) {
        let timeout_ns = self.timeout_ns(context);
        let state = &mut self.members[usize::from(member)];
        state.wait = state.wait.wrapping_add(1);
        let data = u64::from(state.wait) << 16 | u64::from(member);
        let time_ns = since_ns.saturating_add(timeout_ns).max(context.now_ns());
        context.at(time_ns, Timer { kind: TIMES_OUT, data });
    }

    fn timeout_ns(&mut self, context: &Context) -> u64 {
        let (law, purpose) = &self.timeout;
        self.draws += 1;
        law.sample_ns(&mut Stream::keyed(context.seed().request(*purpose, self.draws), *purpose, 0))
    }

    fn latency_ns(&mut self, context: &Context) -> u64 {
        self.draws += 1;
        self.latency.as_ref().map_or(0, |(law, purpose)| {
            law.sample_ns(&mut Stream::keyed(context.seed().request(*purpose, self.draws), *purpose, 0))
        })
    }
}
