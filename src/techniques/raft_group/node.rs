//! A Raft group at work: the leader's requests, and what becomes of them when it is lost.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use crate::distribution::{Distribution, Sampler};
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::gauge::Gauge;
use crate::engine::record::{Happening, NodeRecord, Share};
use crate::engine::visit::VisitId;
use crate::engine::{Evidence, Failure, Node, Outcome, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::parts::copies::{Copies, Progress, Trip};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::meter::Meter;
use crate::techniques::raft_group::election::{Election, STEPS_DOWN};
use crate::techniques::raft_group::{ELECTION_TIMEOUT_NS, RaftGroup, RaftReads, WRITE, WithoutLeader};
use crate::techniques::technique::{CompileError, Wiring};

type Law = (Sampler, Purpose);

/// What waits at a member that is too slow ends here; who needs that member fails.
const LONGEST_QUEUE: u32 = 100_000;

/// What a request is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A majority has to have the entry.
    Append,
    /// A majority has to confirm the leader.
    Confirm,
    /// The leader reads.
    Read,
}

/// A request of a caller, as often as it was begun.
#[derive(Clone, Copy, Debug)]
struct Request {
    visit: VisitId,
    stage: Stage,
    entry: u64,
    answered: u64,
    outstanding: u64,
    is_answered: bool,
}

/// A Raft group at work.
#[derive(Clone, Debug)]
pub struct RaftGroupNode {
    copies: Copies,
    disks: Option<u32>,
    election: Election,
    reads: RaftReads,
    without: WithoutLeader,
    read: Law,
    append: Law,
    latency: Option<Law>,
    cross_zone: Option<Law>,
    /// By number; what members still do for requests that are over is among them.
    requests: BTreeMap<u32, Request>,
    last: u32,
    /// Requests that wait for a leader.
    held: VecDeque<VisitId>,
    entries: u64,
    meter: Meter,
    leads: Gauge,
    elections: u64,
    happenings: Vec<Happening>,
}

impl RaftGroupNode {
    /// Compiles the written form.
    pub fn compile(spec: &RaftGroup, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let disks = spec.disks.as_ref().map(|disks| disks.value);
        let law = |written: &Option<_>, what: &str| match written {
            Some(law) => Ok::<_, CompileError>(Some((wiring.sampler(law)?, wiring.purpose(what)))),
            None => Ok(None),
        };
        let latency = law(&spec.latency, "latency")?;
        let timeout = match law(&spec.election_timeout, "election timeout")? {
            Some(timeout) => timeout,
            None => (default_timeout()?, wiring.purpose("election timeout")),
        };
        let copies = Copies::new(spec.members(), spec.zones(), disks.unwrap_or(u32::MAX), LONGEST_QUEUE);
        Ok(Self {
            election: Election::new(copies.count(), spec.heartbeat_ns(), timeout, latency.clone()),
            copies,
            disks,
            reads: spec.reads,
            without: spec.without_leader,
            read: (wiring.sampler(&spec.read)?, wiring.purpose("read")),
            append: (wiring.sampler(&spec.append)?, wiring.purpose("append")),
            latency,
            cross_zone: law(&spec.cross_zone_latency, "cross zone")?,
            requests: BTreeMap::new(),
            last: 0,
            held: VecDeque::new(),
            entries: 0,
            meter: Meter::default(),
            leads: Gauge::at(1),
            elections: 0,
            happenings: Vec::new(),
        })
    }

    /// Begins a request with the leader, or does with it what is done without one.
    fn begin(&mut self, context: &mut Context, visit: VisitId) {
        let Some(slot) = context.visits().find(visit) else { return };
        if self.election.leader().is_none() {
            return match self.without {
                WithoutLeader::Wait => self.held.push_back(visit),
                WithoutLeader::Fail => self.answer(context, visit, Outcome::Failed(Failure::Rejected)),
            };
        }
        let is_write = context.visit(slot).operation == WRITE;
        let stage = match (is_write, self.reads) {
            (true, _) => Stage::Append,
            (false, RaftReads::Lease) => Stage::Read,
            (false, RaftReads::ReadIndex) => Stage::Confirm,
        };
        self.entries += u64::from(is_write);
        self.last = self.last.wrapping_add(1);
        let entry = self.entries;
        let id = self.last;
        self.requests.insert(id, Request { visit, stage, entry, answered: 0, outstanding: 0, is_answered: false });
        self.ask(context, id);
    }

    /// Asks the members that the stage of a request needs.
    fn ask(&mut self, context: &mut Context, id: u32) {
        let Some(leader) = self.election.leader() else { return };
        let Some(&Request { visit, stage, answered, outstanding, .. }) = self.requests.get(&id) else { return };
        let Some(slot) = context.visits().find(visit) else { return };
        let identity = context.visit(slot).identity();
        let members: Vec<u16> = match stage {
            Stage::Read => vec![leader],
            Stage::Append => self.copies.present().collect(),
            Stage::Confirm => self.copies.present().filter(|member| *member != leader).collect(),
        };
        // Each attempt at a request, member and direction draws apart.
        let draw = |(law, purpose): &Law, member: u16, way: u32| {
            let salt = resalt(identity.salt, (id.wrapping_mul(64) + u32::from(member)).wrapping_mul(4) + way);
            law.sample_ns(&mut Stream::keyed(identity.key, *purpose, salt))
        };
        let is_new = |member: &u16| (answered | outstanding) >> *member & 1 == 0;
        let mut asked = 0;
        for member in members.into_iter().filter(is_new) {
            let way_ns = |way: u32| {
                let is_far = self.copies.zone(member) != self.copies.zone(leader);
                let ways = [self.latency.as_ref(), self.cross_zone.as_ref().filter(|_| is_far)];
                let ways = ways.into_iter().flatten().filter(|_| member != leader);
                ways.map(|law| draw(law, member, way)).fold(0, u64::saturating_add)
            };
            let demand_ns = match stage {
                Stage::Read => draw(&self.read, member, 0),
                Stage::Append => draw(&self.append, member, 0),
                Stage::Confirm => 0,
            };
            let trip = Trip { there_ns: way_ns(1), demand_ns, back_ns: way_ns(2) };
            if self.copies.send(context, &mut self.meter, member, id, trip) {
                asked |= 1 << member;
            }
        }
        if let Some(request) = self.requests.get_mut(&id) {
            request.outstanding |= asked;
            if stage == Stage::Confirm {
                // The leader knows of itself that it leads.
                request.answered |= 1 << leader;
            }
        }
        self.go_on(context, id);
    }

    /// A request may have what it needs.
    fn go_on(&mut self, context: &mut Context, id: u32) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let needed = if request.stage == Stage::Read { 1 } else { self.election.majority() };
        if !request.is_answered && request.answered.count_ones() >= needed {
            if request.stage == Stage::Confirm {
                let visit = request.visit;
                request.is_answered = true;
                self.last = self.last.wrapping_add(1);
                let next = self.last;
                let read =
                    Request { visit, stage: Stage::Read, entry: 0, answered: 0, outstanding: 0, is_answered: false };
                self.requests.insert(next, read);
                self.retire(id);
                return self.ask(context, next);
            }
            request.is_answered = true;
            let visit = request.visit;
            self.answer(context, visit, Outcome::Done);
        }
        self.retire(id);
    }

    /// Forgets a request that is over.
    fn retire(&mut self, id: u32) {
        if self.requests.get(&id).is_some_and(|request| request.is_answered && request.outstanding == 0) {
            self.requests.remove(&id);
        }
    }

    fn answer(&mut self, context: &mut Context, visit: VisitId, outcome: Outcome) {
        let now_ns = context.now_ns();
        let Some(slot) = context.visits().find(visit) else { return };
        let entered_ns = context.visit(slot).entered_ns;
        context.reply(slot, outcome);
        self.meter.answer(outcome == Outcome::Done, now_ns - entered_ns, 0);
        self.meter.leave(now_ns, entered_ns);
    }

    /// A member's answer is there.
    fn hear(&mut self, context: &mut Context, id: u32, member: u16) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.outstanding &= !(1 << member);
            request.answered |= 1 << member;
        }
        self.go_on(context, id);
    }

    /// Members are back, and get from the leader what they have not answered.
    fn send_what_is_missing(&mut self, context: &mut Context) {
        let open = |request: &Request| !request.is_answered && request.stage != Stage::Read;
        let ids: Vec<u32> = self.requests.iter().filter(|(_, request)| open(request)).map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.ask(context, id));
    }

    /// Nobody leads any more: what the leader had in progress waits for the next one, or fails.
    fn give_up(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        self.leads.set(now_ns, 0);
        let open: Vec<u32> =
            self.requests.iter().filter(|(_, request)| !request.is_answered).map(|(id, _)| *id).collect();
        for id in open {
            let Some(request) = self.requests.get_mut(&id) else { continue };
            request.is_answered = true;
            let visit = request.visit;
            match self.without {
                WithoutLeader::Wait => self.held.push_back(visit),
                WithoutLeader::Fail => self.answer(context, visit, Outcome::Failed(Failure::Error)),
            }
            self.retire(id);
        }
    }

    fn note(&mut self, now_ns: u64, what: &'static str) {
        Happening::remember(&mut self.happenings, now_ns, what);
    }

    /// A member will never answer.
    fn drop(&mut self, context: &mut Context, id: u32, member: u16) {
        let has_no_room = self.copies.is_present(member);
        let majority = self.election.majority();
        if let Some(request) = self.requests.get_mut(&id) {
            request.outstanding &= !(1 << member);
            let can_end = (request.answered | request.outstanding).count_ones() >= majority;
            if has_no_room && !request.is_answered && !can_end {
                request.is_answered = true;
                let visit = request.visit;
                self.answer(context, visit, Outcome::Failed(Failure::Rejected));
            }
        }
        self.go_on(context, id);
    }
}

/// The timeouts of the Raft paper.
fn default_timeout() -> Result<Sampler, CompileError> {
    let (low, high) = ELECTION_TIMEOUT_NS;
    let law = format!("Uniform(\"{low}ns\", \"{high}ns\")");
    let law: Option<Distribution> = ron::from_str(&law).ok();
    law.and_then(|law| law.compile(Path::new("")).ok()).ok_or_else(|| CompileError::new("a law that is always there"))
}

impl Node for RaftGroupNode {
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        self.meter.arrive(now_ns);
        context.visit(slot).started_ns = now_ns;
        let visit = context.id(slot);
        self.begin(context, visit);
    }

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let now_ns = context.now_ns();
        if Copies::is_own(timer) {
            match self.copies.timer(context, &mut self.meter, timer) {
                None => {}
                Some(Progress::Served { owner, copy, is_answered }) => {
                    if let Some(request) = self.requests.get(&owner).filter(|request| request.stage == Stage::Append) {
                        self.election.append(copy, request.entry);
                    }
                    if is_answered {
                        self.hear(context, owner, copy);
                    }
                }
                Some(Progress::Answered { owner, copy }) => self.hear(context, owner, copy),
                Some(Progress::Dropped { owner, copy }) => self.drop(context, owner, copy),
            }
        } else if Election::is_own(timer) {
            if self.election.timer(context, &self.copies, timer) {
                self.elections += 1;
                self.note(now_ns, "leader elected");
                self.leads.set(now_ns, 1);
                for visit in std::mem::take(&mut self.held) {
                    self.begin(context, visit);
                }
                if u32::from(self.copies.present_count()) < self.election.majority() {
                    self.election.doubt(context);
                }
            }
        } else if timer.kind == STEPS_DOWN
            && self.election.is_reign(timer.data)
            && u32::from(self.copies.present_count()) < self.election.majority()
        {
            self.note(now_ns, "leader steps down");
            self.election.lose_leader(context, &self.copies);
            self.give_up(context);
        }
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        let mut dropped = Vec::new();
        let change = self.copies.command(context, &mut self.meter, &command, &mut dropped);
        let leader = self.election.leader();
        let is_leader_lost = leader.is_some_and(|leader| change.lost.contains(&leader));
        if is_leader_lost {
            self.note(context.now_ns(), "leader lost");
            self.election.lose_leader(context, &self.copies);
            self.give_up(context);
        } else if leader.is_some()
            && !change.lost.is_empty()
            && u32::from(self.copies.present_count()) < self.election.majority()
        {
            self.election.doubt(context);
        }
        for (id, member) in dropped {
            self.drop(context, id, member);
        }
        self.election.come_back(context, &change.back);
        if !change.back.is_empty() {
            self.send_what_is_missing(context);
        }
    }

    fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
        self.meter.sample(sample);
        sample.busy_ns = self.meter.busy_ns(now_ns);
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        self.meter.audit(now_ns, evidence)?;
        let left_ns = self.copies.audit(evidence)?;
        self.meter.audit_cores(now_ns, left_ns)?;
        let open = self.requests.values().filter(|request| !request.is_answered).count();
        let waiting = (open + self.held.len()) as u64;
        if waiting != self.meter.in_system() {
            return Err(format!("{waiting} requests wait for members, {} are here", self.meter.in_system()));
        }
        if self.leads.level() != u64::from(self.election.leader().is_some()) {
            return Err("a leader is counted that is not there, or is there and not counted".to_owned());
        }
        Ok(())
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        record.counters.replica_ns = u128::from(now_ns);
        let disks = u128::from(self.disks.unwrap_or(0)) * u128::from(self.copies.count());
        record.counters.capacity_ns = disks * u128::from(now_ns);
        record.happenings.append(&mut self.happenings);
        record.shares = vec![
            Share::level("present_replicas", self.copies.present_gauge(), now_ns),
            Share::level("leader_available_ratio", &self.leads, now_ns),
            Share::level("waiting_ios", self.copies.waiting_gauge(), now_ns),
            Share::per_hour("elections_per_hour", self.elections, now_ns),
        ];
    }
}
