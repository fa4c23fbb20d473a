//! A quorum storage at work: asks copies, counts answers, and replies when there are enough.

use std::collections::BTreeSet;

use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::gauge::Gauge;
use crate::engine::record::{Happening, NodeRecord, Share};
use crate::engine::visit::VisitId;
use crate::engine::{Evidence, Failure, Node, Outcome, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::parts::copies::{Copies, FIRST_FREE_KIND, Progress, Trip};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::meter::Meter;
use crate::techniques::quorum_storage::paths::Paths;
use crate::techniques::quorum_storage::repair::Repair;
use crate::techniques::quorum_storage::requests::{Request, Requests};
use crate::techniques::quorum_storage::versions::Versions;
use crate::techniques::quorum_storage::volume::Volume;
use crate::techniques::quorum_storage::writers::Writers;
use crate::techniques::quorum_storage::{
    IO_QUEUE, QuorumStorage, REPAIR_BYTES_PER_S, REPAIR_DELAY_NS, Reads, WRITE, WithoutQuorum,
};
use crate::techniques::technique::{CompileError, Wiring};

/// Timer kinds, beside those of the copies.
const TAKEN_FOR_LOST: u32 = FIRST_FREE_KIND;
const COPIED: u32 = FIRST_FREE_KIND + 1;
const FETCHED: u32 = FIRST_FREE_KIND + 2;

type Law = (Sampler, Purpose);

/// How many must answer.
#[derive(Clone, Copy, Debug)]
struct Quorum {
    write: u32,
    read: u32,
    reads: Reads,
    without: WithoutQuorum,
}

/// How long things take.
#[derive(Clone, Debug)]
struct Laws {
    read: Law,
    write: Law,
    latency: Option<Law>,
    cross_zone: Option<Law>,
}

/// What is counted beside visits.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    keyed_reads: u64,
    stale_reads: u64,
    repaired: u64,
}

/// A quorum storage at work.
#[derive(Clone, Debug)]
pub struct QuorumStorageNode {
    copies: Copies,
    disks: Option<u32>,
    quorum: Quorum,
    laws: Laws,
    key_space: Option<u16>,
    write_bytes: u64,
    requests: Requests,
    /// Reads that cannot be answered as things are.
    stalled: BTreeSet<u32>,
    versions: Versions,
    paths: Paths,
    volume: Volume,
    writers: Option<Box<Writers>>,
    repair: Repair,
    meter: Meter,
    tally: Tally,
    can_write: Gauge,
    can_read: Gauge,
    happenings: Vec<Happening>,
}

impl QuorumStorageNode {
    /// Compiles the written form.
    pub fn compile(spec: &QuorumStorage, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let disks = spec.disks.as_ref().map(|disks| disks.value);
        let room = spec.io_queue.as_ref().map_or(IO_QUEUE, |queue| queue.value);
        let law = |written: &Option<_>, what: &str| match written {
            Some(law) => Ok::<_, CompileError>(Some((wiring.sampler(law)?, wiring.purpose(what)))),
            None => Ok(None),
        };
        let (latency, cross_zone) = (law(&spec.latency, "latency")?, law(&spec.cross_zone_latency, "cross zone")?);
        let lag = law(&spec.replication_lag, "replication lag")?;
        let laws = Laws {
            read: (wiring.sampler(&spec.read)?, wiring.purpose("read")),
            write: (wiring.sampler(&spec.write)?, wiring.purpose("write")),
            latency,
            cross_zone,
        };
        let copies = Copies::new(spec.copies(), spec.zones(), disks.unwrap_or(u32::MAX), room);
        let mean_ns = |law: &Option<Law>| law.as_ref().map_or(0.0, |(law, _)| law.mean_ns());
        let paths = Paths::new(spec.zones(), copies.count(), |zone, copy| {
            let crossing_ns = if copies.zone(copy) == zone { 0.0 } else { mean_ns(&laws.cross_zone) };
            laws.read.0.mean_ns() + 2.0 * (mean_ns(&laws.latency) + crossing_ns)
        });
        let bytes_per_s = spec.repair_bandwidth.as_ref().map_or(REPAIR_BYTES_PER_S, |it| it.bytes_per_second);
        let delay_ns = spec.repair_delay.as_ref().map_or(REPAIR_DELAY_NS, |delay| delay.ns);
        let write_bytes = spec.write_size.as_ref().map_or(0, |size| size.bytes);
        let size = spec.size.as_ref().map_or(0, |size| size.bytes);
        let price = spec.storage_price.as_ref().map_or(0.0, |price| price.usd_per_byte_hour);
        let retries = spec.conflict_retries.as_ref().map_or(0, |retries| retries.value);
        Ok(Self {
            disks,
            quorum: Quorum {
                write: spec.write_quorum(),
                read: spec.read_quorum(),
                reads: spec.reads,
                without: spec.without_quorum,
            },
            laws,
            key_space: spec.key.as_ref().map(|key| wiring.key_space(key)),
            write_bytes,
            requests: Requests::default(),
            stalled: BTreeSet::new(),
            versions: Versions::new(copies.count()),
            paths,
            volume: Volume::new(size, spec.segment_bytes(), spec.most_bytes(), price),
            writers: (spec.writers() > 1).then(|| Box::new(Writers::new(spec.writers(), lag, retries))),
            repair: Repair::new(copies.count(), delay_ns, bytes_per_s, write_bytes),
            copies,
            meter: Meter::default(),
            tally: Tally::default(),
            can_write: Gauge::at(1),
            can_read: Gauge::at(1),
            happenings: Vec::new(),
        })
    }

    /// Begins a request, or begins it once more.
    fn begin(&mut self, context: &mut Context, mut request: Request) {
        let now_ns = context.now_ns();
        request.asked_ns = now_ns;
        let key = request.key;
        if !request.is_write {
            request.write = if self.key_space.is_some() { self.versions.acknowledged(key) } else { 0 };
            request.needed = if self.quorum.reads == Reads::SingleCopy { 1 } else { self.quorum.read };
            let id = self.requests.insert(request);
            return self.ask_to_read(context, id);
        }
        let count = u32::from(self.copies.count());
        request.is_refused = match &mut self.writers {
            Some(writers) => writers.begin(now_ns, key, request.writer),
            None => false,
        };
        request.needed = self.quorum.write;
        if request.is_refused {
            // When so many have refused it, too few are left to accept it.
            request.needed = (count - self.quorum.write + 1).min(u32::from(self.copies.present_count())).max(1);
        } else if self.key_space.is_some() {
            request.write = self.versions.begin(key);
        }
        let is_refused = request.is_refused;
        let id = self.requests.insert(request);
        for copy in 0..self.copies.count() {
            if self.copies.is_present(copy) {
                self.ask(context, id, copy);
            } else if !is_refused {
                self.repair.miss(copy);
            }
        }
        self.look(context, id);
    }

    /// Asks the copies that a read needs and has not asked yet.
    fn ask_to_read(&mut self, context: &mut Context, id: u32) {
        let Some(request) = self.requests.get(id) else { return };
        let (key, zone, is_alone) = (request.key, request.identity.zone, request.outstanding == 0);
        let others: Vec<u16> = self.copies.present().filter(|copy| request.is_new_to(*copy)).collect();
        if self.quorum.reads == Reads::Quorum {
            others.into_iter().for_each(|copy| self.ask(context, id, copy));
        } else if is_alone {
            let is_known = self.key_space.is_some();
            let has_it = |copy: &u16| !is_known || self.versions.is_complete(key, *copy);
            let complete: Vec<u16> = others.into_iter().filter(has_it).collect();
            let (first, probe) = self.paths.choose(zone % self.copies.zones(), &complete);
            first.into_iter().chain(probe).for_each(|copy| self.ask(context, id, copy));
        }
        self.look(context, id);
    }

    /// Asks one copy.
    fn ask(&mut self, context: &mut Context, id: u32, copy: u16) {
        let now_ns = context.now_ns();
        let Some(request) = self.requests.get(id).filter(|request| request.is_new_to(copy)) else { return };
        request.asked_ns = now_ns;
        request.outstanding |= 1 << copy;
        let (key, salt) = (request.identity.key, request.identity.salt);
        let crosses = self.copies.zone(copy) != request.identity.zone % self.copies.zones();
        // Each attempt, copy and direction draws apart.
        let site = (request.attempt * 64 + u32::from(copy)) * 4;
        let draw =
            |(law, purpose): &Law, way: u32| law.sample_ns(&mut Stream::keyed(key, *purpose, resalt(salt, site + way)));
        let way_ns = |way: u32| {
            let crossing = self.laws.cross_zone.as_ref().filter(|_| crosses);
            let ways = [self.laws.latency.as_ref(), crossing].into_iter().flatten();
            ways.map(|law| draw(law, way)).fold(0, u64::saturating_add)
        };
        let law = if request.is_write { &self.laws.write } else { &self.laws.read };
        let trip = Trip { there_ns: way_ns(1), demand_ns: draw(law, 0), back_ns: way_ns(2) };
        if !self.copies.send(context, &mut self.meter, copy, id, trip) {
            self.drop(context, id, copy);
        }
    }

    /// A copy will never answer: it is lost, or has no room.
    fn drop(&mut self, context: &mut Context, id: u32, copy: u16) {
        let has_no_room = self.copies.is_present(copy);
        let Some(request) = self.requests.get(id) else { return };
        request.outstanding &= !(1 << copy);
        request.shed |= u64::from(has_no_room) << copy;
        let (is_write, is_refused) = (request.is_write, request.is_refused);
        if !is_write && request.visit.is_some() {
            return self.ask_to_read(context, id);
        }
        if is_write && !is_refused {
            self.repair.miss(copy);
        }
        self.look(context, id);
        self.requests.retire(id);
    }

    /// What becomes of a request if too few copies can answer it. A write waits for copies to fetch it.
    fn look(&mut self, context: &mut Context, id: u32) {
        let Some(request) = self.requests.get(id) else { return };
        if request.visit.is_none() {
            return;
        }
        let (is_write, is_shed) = (request.is_write, request.shed != 0);
        if request.is_feasible() {
            self.stalled.remove(&id);
        } else if self.quorum.without == WithoutQuorum::Fail || (is_shed && !is_write) {
            self.finish(context, id, Outcome::Failed(Failure::Rejected));
        } else if !is_write {
            self.stalled.insert(id);
        }
    }

    /// A copy has done what it was asked.
    fn served(&mut self, context: &mut Context, id: u32, copy: u16) {
        let keyed = self.key_space.is_some();
        let Some(request) = self.requests.get(id) else { return };
        if !request.is_write {
            if keyed {
                request.found.resize(usize::from(self.copies.count()), 0);
                request.found[usize::from(copy)] = self.versions.held(request.key, copy);
            }
        } else if !request.is_refused && keyed {
            let (key, write) = (request.key, request.write);
            self.versions.apply(key, copy, write);
            self.resume_reads(context, Some(key));
        }
        self.fetch_if_idle(context, copy);
    }

    /// The answer of a copy is there.
    fn answered(&mut self, context: &mut Context, id: u32, copy: u16) {
        let now_ns = context.now_ns();
        let zones = self.copies.zones();
        let Some(request) = self.requests.get(id) else { return };
        request.outstanding &= !(1 << copy);
        request.answered |= 1 << copy;
        if !request.is_write {
            request.newest = request.newest.max(request.found.get(usize::from(copy)).copied().unwrap_or(0));
            let (zone, asked_ns) = (request.identity.zone % zones, request.asked_ns);
            self.paths.observe(zone, copy, now_ns - asked_ns);
        }
        let Some(request) = self.requests.get(id).filter(|request| request.visit.is_some() && request.is_done()) else {
            return self.requests.retire(id);
        };
        if !request.is_refused {
            return self.finish(context, id, Outcome::Done);
        }
        let retries = self.writers.as_ref().map_or(0, |writers| writers.retries);
        if request.attempt >= retries {
            return self.finish(context, id, Outcome::Failed(Failure::Error));
        }
        let again = Request { attempt: request.attempt + 1, outstanding: 0, answered: 0, shed: 0, ..request.clone() };
        request.visit = None;
        self.requests.retire(id);
        self.begin(context, again);
    }

    /// Answers whoever waits for a request.
    fn finish(&mut self, context: &mut Context, id: u32, outcome: Outcome) {
        let now_ns = context.now_ns();
        let Some(request) = self.requests.get(id) else { return };
        let Some(visit) = request.visit.take() else { return };
        let &mut Request { key, is_write, is_refused, write, newest, identity, .. } = request;
        let is_done = outcome == Outcome::Done;
        if let Some(writers) = self.writers.as_mut().filter(|_| is_write && !is_refused) {
            let lag_ns = writers
                .lag
                .as_ref()
                .map_or(0, |(law, purpose)| law.sample_ns(&mut Stream::keyed(identity.key, *purpose, identity.salt)));
            writers.end(key, now_ns.saturating_add(lag_ns));
        }
        if self.key_space.is_some() && is_done {
            if is_write {
                self.versions.acknowledge(key, write);
            } else {
                self.tally.keyed_reads += 1;
                self.tally.stale_reads += u64::from(newest < write);
            }
        }
        self.stalled.remove(&id);
        self.requests.retire(id);
        if let Some(slot) = context.visits().find(visit) {
            let entered_ns = context.visit(slot).entered_ns;
            context.reply(slot, outcome);
            self.meter.answer(is_done, now_ns - entered_ns, 0);
            self.meter.leave(now_ns, entered_ns);
        }
    }

    /// A copy that has missed writes though it was there fetches them when it has nothing else to do.
    fn fetch_if_idle(&mut self, context: &mut Context, copy: u16) {
        if self.copies.is_idle(copy) {
            self.fetch(context, copy);
        }
    }

    fn fetch(&mut self, context: &mut Context, copy: u16) {
        if let Some(taken_ns) = self.repair.fetch(copy) {
            context.after(taken_ns, Timer { kind: FETCHED, data: self.repair.word(copy) });
        }
    }

    /// A copy has fetched everything that it lacked, from others or from those who wait for it to be written.
    fn complete(&mut self, context: &mut Context, copy: u16) {
        self.repair.is_complete(copy);
        let others: Vec<u16> = self.copies.present().collect();
        self.versions.catch_up(copy, &others);
        let lacked = |request: &Request| {
            request.is_write && !request.is_refused && (request.outstanding | request.answered) >> copy & 1 == 0
        };
        for id in self.requests.waiting_with(lacked) {
            let Some(request) = self.requests.get(id) else { continue };
            request.answered |= 1 << copy;
            let (key, write, is_done) = (request.key, request.write, request.is_done());
            self.versions.apply(key, copy, write);
            if is_done {
                self.finish(context, id, Outcome::Done);
            }
        }
        self.resume_reads(context, None);
    }

    /// Reads for which too few copies were there, or those of a key, go on.
    fn resume_reads(&mut self, context: &mut Context, key: Option<u64>) {
        if self.stalled.is_empty() {
            return;
        }
        let stalled: Vec<u32> = self.stalled.iter().copied().collect();
        for id in stalled {
            let is_meant = |request: &mut Request| key.is_none_or(|key| request.key == key);
            if self.requests.get(id).is_some_and(is_meant) {
                self.ask_to_read(context, id);
            }
        }
    }

    /// A copy is made anew if it is still away, its zone is there, and a read quorum says what it must hold.
    fn make_anew(&mut self, context: &mut Context, copy: u16) {
        if self.copies.is_present(copy) {
            return;
        }
        if self.copies.is_zone_lost(copy) || u32::from(self.copies.present_count()) < self.quorum.read {
            return self.repair.put_off(copy);
        }
        let taken_ns = self.repair.copying_ns(self.volume.fullest_segment_bytes());
        context.after(taken_ns, Timer { kind: COPIED, data: self.repair.word(copy) });
    }

    /// Tells whether quorums are there.
    fn tell(&mut self, now_ns: u64) {
        let present = u32::from(self.copies.present_count());
        let states = [
            (&mut self.can_write, self.quorum.write, ["write quorum lost", "write quorum back"]),
            (&mut self.can_read, self.quorum.read, ["read quorum lost", "read quorum back"]),
        ];
        for (gauge, quorum, [lost, back]) in states {
            let is_there = u64::from(present >= quorum);
            if gauge.level() != is_there {
                gauge.set(now_ns, is_there);
                Happening::remember(&mut self.happenings, now_ns, if is_there == 1 { back } else { lost });
            }
        }
    }
}

impl Node for QuorumStorageNode {
    fn arrive(&mut self, context: &mut Context, slot: u32) {
        let now_ns = context.now_ns();
        self.meter.arrive(now_ns);
        let visit = *context.visit(slot);
        let is_write = visit.operation == WRITE;
        if is_write && !self.volume.grow(now_ns, self.write_bytes) {
            self.meter.reject(now_ns, visit.entered_ns);
            return context.reply(slot, Outcome::Failed(Failure::Rejected));
        }
        context.visit(slot).started_ns = now_ns;
        let writers = self.writers.as_ref().map_or(1, |writers| writers.count);
        let request = Request {
            visit: Some(VisitId { slot, generation: visit.generation }),
            identity: visit.identity(),
            key: self.key_space.map_or(0, |space| context.key(space, visit.key)),
            is_write,
            is_refused: false,
            writer: (visit.key >> 32) % writers,
            attempt: 0,
            write: 0,
            newest: 0,
            needed: 0,
            outstanding: 0,
            answered: 0,
            shed: 0,
            asked_ns: now_ns,
            found: Vec::new(),
        };
        self.begin(context, request);
    }

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        if Copies::is_own(timer) {
            match self.copies.timer(context, &mut self.meter, timer) {
                None => {}
                Some(Progress::Served { owner, copy, is_answered }) => {
                    self.served(context, owner, copy);
                    if is_answered {
                        self.answered(context, owner, copy);
                    }
                }
                Some(Progress::Answered { owner, copy }) => self.answered(context, owner, copy),
                Some(Progress::Dropped { owner, copy }) => self.drop(context, owner, copy),
            }
            return;
        }
        let Some(copy) = self.repair.copy(timer.data) else { return };
        match timer.kind {
            TAKEN_FOR_LOST => self.make_anew(context, copy),
            COPIED if !self.copies.is_present(copy) && !self.copies.is_zone_lost(copy) => {
                self.tally.repaired += 1;
                Happening::remember(&mut self.happenings, context.now_ns(), "copy repaired");
                self.copies.replace(context.now_ns(), copy);
                self.tell(context.now_ns());
                self.complete(context, copy);
            }
            COPIED => self.repair.put_off(copy),
            _ => self.complete(context, copy),
        }
    }

    fn command(&mut self, context: &mut Context, command: Command) {
        let mut dropped = Vec::new();
        let change = self.copies.command(context, &mut self.meter, &command, &mut dropped);
        for copy in change.lost {
            let word = self.repair.is_away(copy);
            context.after(self.repair.delay_ns, Timer { kind: TAKEN_FOR_LOST, data: word });
        }
        self.tell(context.now_ns());
        for (id, copy) in dropped {
            self.drop(context, id, copy);
        }
        for copy in change.back {
            self.resume_reads(context, None);
            self.fetch(context, copy);
        }
        for copy in self.repair.take_waiting() {
            self.make_anew(context, copy);
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
        let waiting = self.requests.waiting() as u64;
        if waiting != self.meter.in_system() {
            return Err(format!("{waiting} requests wait for copies, {} are here", self.meter.in_system()));
        }
        Ok(())
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        record.counters.replica_ns = u128::from(now_ns);
        record.counters.charged_ns = self.volume.charged_ns(now_ns);
        let disks = u128::from(self.disks.unwrap_or(0)) * u128::from(self.copies.count());
        record.counters.capacity_ns = disks * u128::from(now_ns);
        record.happenings.append(&mut self.happenings);
        let share = |name, numerator: u128, denominator: u128| Share { name, numerator, denominator };
        let time_ns = u128::from(now_ns);
        record.shares = vec![
            Share::level("present_replicas", self.copies.present_gauge(), now_ns),
            Share::level("write_available_ratio", &self.can_write, now_ns),
            Share::level("read_available_ratio", &self.can_read, now_ns),
            Share::level("waiting_ios", self.copies.waiting_gauge(), now_ns),
            share("allocated_gb", self.volume.allocated_mb_ns(now_ns), time_ns * 1_000),
            Share::per_hour("repaired_copies_per_hour", self.tally.repaired, now_ns),
        ];
        if self.key_space.is_some() {
            let Tally { keyed_reads, stale_reads, .. } = self.tally;
            record.shares.push(share("stale_read_ratio", stale_reads.into(), keyed_reads.into()));
        }
        if let Some(writers) = &self.writers {
            record.shares.push(share("conflict_ratio", writers.conflicts.into(), writers.writes.into()));
        }
    }
}
