//! Clients at work: open ones send when their arrival process says so, closed ones when they have thought.

use crate::diagnostic::span::Spanned;
use crate::distribution::AliasTable;
use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::record::{NodeRecord, OperationRecord};
use crate::engine::visit::Identity;
use crate::engine::{Destination, Evidence, Node, Outcome, Reply, Timer, Token, Workload};
use crate::processor::prefetch;
use crate::random::{Purpose, Stream};
use crate::statistics::total::Total;
use crate::techniques::clients::{Clients, UserStage};
use crate::techniques::parts::arrivals::Process;
use crate::techniques::technique::{CompileError, Wiring};

/// Timer kinds.
const ARRIVAL: u32 = 0;
const THINK: u32 = 1;
const RAMP: u32 = 2;

/// Clients at work.
#[derive(Clone, Debug)]
pub struct ClientsNode {
    source: Source,
    mix: AliasTable,
    destinations: Vec<Destination>,
    operations: Vec<OperationRecord>,
    requests: Purpose,
    choosing: Purpose,
    zoning: Purpose,
    priority: u8,
    zones: u8,
    sent: u64,
    completed: u64,
    failed: u64,
    /// Of the gauge of requests in progress, whose level is those that were sent and not answered.
    in_progress_moment: Total,
    /// Sum of the times that answered requests took.
    spent_ns: Total,
}

#[derive(Clone, Debug)]
enum Source {
    Open { process: Process, stream: Option<Stream>, purpose: Purpose, batch: u32 },
    Closed { think: Sampler, purpose: Purpose, target: u32, ramps: Vec<Ramp>, seats: Vec<Seat> },
}

/// A user who may come and go, while the number of users is ramped.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    present: bool,
    /// The number of the user's next request.
    next_request: u32,
}

/// A stretch of time over which the number of users moves linearly.
#[derive(Clone, Copy, Debug)]
struct Ramp {
    start_ns: u64,
    end_ns: u64,
    from: u32,
    to: u32,
}

impl ClientsNode {
    /// Compiles the written form.
    pub fn compile(spec: &Clients, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let destinations = spec.mix.keys().map(|name| wiring.destination(name)).collect::<Result<Vec<_>, _>>()?;
        let weights: Vec<f64> = spec.mix.values().map(|weight| weight.value).collect();
        let mix = AliasTable::new(&weights).map_err(|error| CompileError::at(spec.mix.span, error.to_string()))?;
        let source = if let Some(users) = &spec.users {
            let think = match &spec.think {
                Some(think) => wiring.sampler(think)?,
                None => wiring.sampler(&Spanned::default())?,
            };
            let ramps = ramps(users.value, &spec.stages);
            let seats = if ramps.is_empty() { Vec::new() } else { vec![Seat::default(); spec.most_users() as usize] };
            Source::Closed { think, purpose: wiring.purpose("think"), target: users.value, ramps, seats }
        } else {
            let process = spec.open_process(wiring)?;
            let batch = spec.requests_at_once();
            Source::Open { process, stream: None, purpose: wiring.purpose("arrivals"), batch }
        };
        Ok(Self {
            source,
            mix,
            operations: vec![OperationRecord::default(); destinations.len()],
            destinations,
            requests: wiring.purpose("requests"),
            choosing: wiring.purpose("mix"),
            zoning: wiring.purpose("zone"),
            priority: spec.priority.as_ref().map_or(0, |priority| priority.value),
            zones: spec.zones.as_ref().map_or(1, |zones| zones.value),
            sent: 0,
            completed: 0,
            failed: 0,
            in_progress_moment: Total::default(),
            spent_ns: Total::default(),
        })
    }

    #[inline(always)]
    fn send(&mut self, context: &mut Context, number: u64, user: u32) {
        let key = context.seed().request(self.requests, number);
        let operation =
            if self.destinations.len() == 1 { 0 } else { self.mix.sample(&mut Stream::keyed(key, self.choosing, 0)) };
        let zone = if self.zones == 1 { 0 } else { self.zone(key, user) };
        let identity = Identity { key, user, salt: 0, priority: self.priority, zone };
        self.sent += 1;
        self.in_progress_moment.add(u128::from(context.now_ns()));
        context.call(self.destinations[operation], Token(number), operation as u8, identity);
    }

    /// Lets the processor fetch what the request of this number will touch. Where it will go is a function of the number alone.
    #[inline(never)]
    fn expect(&self, context: &Context, number: u64) {
        let key = context.seed().request(self.requests, number);
        let operation = self.mix.sample(&mut Stream::keyed(key, self.choosing, 0));
        context.expect(self.destinations[operation].node);
        prefetch(&self.operations[operation]);
    }

    /// A user stays in one zone; the requests of an open workload come from anywhere. By chance rather than in turn,
    /// because in turn they would go in step with whatever else takes turns.
    #[inline(never)]
    fn zone(&self, key: u64, user: u32) -> u8 {
        let zones = u64::from(self.zones);
        let zone = match self.source {
            Source::Closed { .. } => u64::from(user) % zones,
            Source::Open { .. } => Stream::keyed(key, self.zoning, 0).below(zones),
        };
        zone as u8
    }

    /// All requests of a batch but the first.
    #[inline(never)]
    fn send_rest(&mut self, context: &mut Context, count: u32) {
        for _ in 0..count {
            let number = self.sent;
            self.send(context, number, number as u32);
        }
    }

    #[inline(always)]
    fn schedule_arrival(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        if context.is_vast() {
            self.expect(context, self.sent);
        }
        let Source::Open { process, stream: Some(stream), .. } = &mut self.source else { return };
        if let Process::Poisson(poisson) = process {
            return context.after(poisson.gap_ns(stream), Timer { kind: ARRIVAL, data: 0 });
        }
        if let Some(next_ns) = process.next_ns(now_ns, stream) {
            context.at(next_ns.max(now_ns), Timer { kind: ARRIVAL, data: 0 });
        }
    }

    /// Whether a user is one too many, and so leaves before this request.
    #[inline(always)]
    fn leaves(&mut self, user: u32, next_request: u32) -> bool {
        let Source::Closed { target, seats, .. } = &mut self.source else { return false };
        if user < *target {
            return false;
        }
        seats[user as usize] = Seat { present: false, next_request };
        true
    }

    /// The user pauses, or leaves if there are too many; `number` carries who, and which request comes next.
    #[inline(always)]
    fn pause(&mut self, context: &mut Context, number: u64) {
        if self.leaves((number >> 32) as u32, number as u32) {
            return;
        }
        let Source::Closed { think, purpose, .. } = &mut self.source else { return };
        let key = context.seed().request(self.requests, number);
        let pause_ns = think.sample_ns(&mut Stream::keyed(key, *purpose, 0));
        context.after(pause_ns, Timer { kind: THINK, data: number });
    }

    /// A user has the answer to the request of this number.
    #[inline(never)]
    fn answered(&mut self, context: &mut Context, number: u64) {
        let user = number & !0xFFFF_FFFF;
        let request = (number as u32).wrapping_add(1);
        self.pause(context, user | u64::from(request));
    }

    /// Requests sent and not answered.
    fn in_progress(&self) -> u64 {
        self.sent - self.completed - self.failed
    }

    /// Requests in progress x nanoseconds.
    fn in_progress_ns(&self, now_ns: u64) -> u128 {
        (u128::from(self.in_progress()) * u128::from(now_ns)).wrapping_sub(self.in_progress_moment.get())
    }

    /// Moves the number of users to where the ramps want it, and looks again when it changes next.
    #[cold]
    fn ramp(&mut self, context: &mut Context) {
        let now_ns = context.now_ns();
        let Source::Closed { target, ramps, .. } = &mut self.source else { return };
        let Some(ramp) = ramps.iter().find(|ramp| now_ns < ramp.end_ns).or(ramps.last()).copied() else { return };
        let (wanted, next_ns) = ramp.at(now_ns);
        let before = std::mem::replace(target, wanted);
        self.seat(context, before..wanted);
        if let Some(next_ns) = next_ns {
            context.after(next_ns - now_ns, Timer { kind: RAMP, data: 0 });
        }
    }

    /// Lets those of these users begin who are not there.
    fn seat(&mut self, context: &mut Context, users: std::ops::Range<u32>) {
        for user in users {
            let mut request = 0;
            if let Source::Closed { seats, .. } = &mut self.source
                && let Some(seat) = seats.get_mut(user as usize)
            {
                if seat.present {
                    continue;
                }
                seat.present = true;
                request = seat.next_request;
            }
            self.pause(context, u64::from(user) << 32 | u64::from(request));
        }
    }
}

impl Ramp {
    /// Users wanted now, and when to look again.
    fn at(&self, now_ns: u64) -> (u32, Option<u64>) {
        if now_ns >= self.end_ns {
            return (self.to, None);
        }
        let length = (self.end_ns - self.start_ns) as f64;
        let passed = now_ns.saturating_sub(self.start_ns) as f64;
        let change = f64::from(self.to) - f64::from(self.from);
        let wanted = (f64::from(self.from) + change * passed / length).round() as u32;
        // One user's worth of time, but at least a thousandth of the ramp, so that large ramps stay cheap.
        let step_ns = (length / change.abs().max(1.0)).max(length / 1000.0).max(1.0);
        let next_ns = now_ns.max(self.start_ns).saturating_add(step_ns.ceil() as u64);
        (wanted, Some(next_ns.min(self.end_ns)))
    }
}

fn ramps(start: u32, stages: &[UserStage]) -> Vec<Ramp> {
    let mut ramps: Vec<Ramp> = Vec::new();
    for stage in stages {
        let (start_ns, from) = ramps.last().map_or((0, start), |last| (last.end_ns, last.to));
        ramps.push(Ramp { start_ns, end_ns: start_ns.saturating_add(stage.duration.ns), from, to: stage.target });
    }
    ramps
}

impl Node for ClientsNode {
    fn start(&mut self, context: &mut Context) {
        match &mut self.source {
            Source::Open { stream, purpose, .. } => {
                *stream = Some(context.seed().stream(*purpose));
                self.schedule_arrival(context);
            }
            &mut Source::Closed { target, .. } => {
                self.seat(context, 0..target);
                self.ramp(context);
            }
        }
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {
        debug_assert!(false, "nobody calls clients");
    }

    #[inline(never)]
    fn timer(&mut self, context: &mut Context, timer: Timer) {
        match timer.kind {
            ARRIVAL => {
                let Source::Open { batch, .. } = self.source else { return };
                let number = self.sent;
                self.send(context, number, number as u32);
                if batch > 1 {
                    self.send_rest(context, batch - 1);
                }
                self.schedule_arrival(context);
            }
            THINK => {
                let user = (timer.data >> 32) as u32;
                if !self.leaves(user, timer.data as u32) {
                    self.send(context, timer.data, user);
                }
            }
            _ => self.ramp(context),
        }
    }

    #[inline(never)]
    fn reply(&mut self, context: &mut Context, reply: Reply) {
        let now_ns = context.now_ns();
        self.in_progress_moment.subtract(u128::from(now_ns));
        let latency_ns = now_ns - reply.called_ns;
        self.spent_ns.add(u128::from(latency_ns));
        let operation = &mut self.operations[usize::from(reply.branch)];
        if matches!(reply.outcome, Outcome::Failed(_)) {
            operation.failed += 1;
            self.failed += 1;
        } else {
            operation.latency.record(latency_ns);
            self.completed += 1;
        }
        if let Source::Closed { .. } = self.source {
            self.answered(context, reply.token.0);
        }
    }

    fn sample(&self, _now_ns: u64, sample: &mut NodeSample) {
        sample.arrivals = self.sent;
        sample.completed = self.completed;
        sample.failed = self.failed;
        sample.in_system = self.in_progress();
    }

    fn workload(&self) -> Option<Workload> {
        Some(match self.source {
            Source::Open { .. } => Workload::Open,
            Source::Closed { .. } => Workload::Closed,
        })
    }

    fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        let answered = self.completed + self.failed;
        if self.sent != answered + evidence.awaited {
            let sent = self.sent;
            return Err(format!("{sent} sent, {answered} answered, {} awaited", evidence.awaited));
        }
        let (area, spent) = (self.in_progress_ns(now_ns), self.spent_ns.get() + evidence.awaited_ns);
        if area != spent {
            return Err(format!("Little's law: area {area} ns, time spent {spent} ns"));
        }
        Ok(())
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        record.counters.arrivals = self.sent;
        record.counters.completed = self.completed;
        record.counters.failed = self.failed;
        record.counters.in_system_ns = self.in_progress_ns(now_ns);
        record.operations = self
            .operations
            .iter_mut()
            .map(|operation| OperationRecord {
                completed: operation.latency.count(),
                failed: std::mem::take(&mut operation.failed),
                latency: operation.latency.take(),
            })
            .collect();
    }
}
