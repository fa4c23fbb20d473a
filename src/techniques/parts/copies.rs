//! Equal copies of something, each with a disk of its own across a network: storage nodes of a volume, members of a group.
//!
//! ```text
//! send:   travel there; a server of the copy free -> be served; room to wait -> wait; else be dropped
//! served: the copy has done it; travel back; the sender hears of it
//! lose:   what waits or is served there is dropped, and what arrives later too; answers on their way arrive
//! ```
//!
//! What is sent belongs to an owner, a number that means something to the sender alone.

use std::collections::VecDeque;

use crate::engine::context::Context;
use crate::engine::control::{Command, Disturbance};
use crate::engine::gauge::Gauge;
use crate::engine::{Evidence, Timer};
use crate::techniques::parts::conditions::Conditions;
use crate::techniques::parts::meter::Meter;

/// Timer kinds of this part.
const ARRIVES: u32 = 0;
const SERVED: u32 = 1;
const ANSWERS: u32 = 2;
/// The first kind that a sender may use for its own timers.
pub const FIRST_FREE_KIND: u32 = 8;

/// More copies than a word has bits cannot be told apart in one.
pub const MOST_COPIES: u32 = 63;

/// One thing that a copy does for somebody, with the ways there and back.
#[derive(Clone, Copy, Debug)]
pub struct Trip {
    pub there_ns: u64,
    pub demand_ns: u64,
    pub back_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Free,
    There,
    Waiting,
    Serving,
    Back,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    owner: u32,
    generation: u32,
    copy: u16,
    stage: Stage,
    demand_ns: u64,
    back_ns: u64,
    ends_ns: u64,
}

#[derive(Clone, Debug, Default)]
struct Copy {
    serving: u32,
    queue: VecDeque<u32>,
    is_lost: bool,
    /// What has befallen the place it stood at no longer concerns it: it has been made anew elsewhere.
    has_moved: bool,
}

/// What has become of something that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The copy has done it. If the answer takes no time, it is there too.
    Served { owner: u32, copy: u16, is_answered: bool },
    /// The sender hears that it is done.
    Answered { owner: u32, copy: u16 },
    /// It will never be done, and no answer comes.
    Dropped { owner: u32, copy: u16 },
}

/// Which copies a command has taken or given back.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub lost: Vec<u16>,
    pub back: Vec<u16>,
}

/// All copies and everything that is on its way to or from them.
#[derive(Clone, Debug)]
pub struct Copies {
    copies: Vec<Copy>,
    jobs: Vec<Job>,
    free: Vec<u32>,
    servers: u32,
    room: u32,
    zones: u8,
    conditions: Conditions,
    present: Gauge,
    waiting: Gauge,
}

impl Copies {
    /// `count` copies over so many zones, each of which serves so many at once and lets so many others wait.
    pub fn new(count: u32, zones: u8, servers: u32, room: u32) -> Self {
        Self {
            copies: vec![Copy::default(); count as usize],
            jobs: Vec::new(),
            free: Vec::new(),
            servers,
            room,
            zones: zones.max(1),
            conditions: Conditions::new(zones.max(1)),
            present: Gauge::at(u64::from(count)),
            waiting: Gauge::default(),
        }
    }

    /// How many there are, lost ones included.
    pub fn count(&self) -> u16 {
        self.copies.len() as u16
    }

    /// The zone of a copy.
    pub fn zone(&self, copy: u16) -> u8 {
        (copy % u16::from(self.zones)) as u8
    }

    /// Zones over which they are spread.
    pub fn zones(&self) -> u8 {
        self.zones
    }

    /// Whether a copy is there.
    pub fn is_present(&self, copy: u16) -> bool {
        !self.copies[usize::from(copy)].is_lost
    }

    /// The copies that are there.
    pub fn present(&self) -> impl Iterator<Item = u16> + use<'_> {
        (0..self.count()).filter(|copy| self.is_present(*copy))
    }

    /// How many are there.
    pub fn present_count(&self) -> u16 {
        self.present.level() as u16
    }

    /// The same over time.
    pub fn present_gauge(&self) -> &Gauge {
        &self.present
    }

    /// What waits at all copies, over time.
    pub fn waiting_gauge(&self) -> &Gauge {
        &self.waiting
    }

    /// Whether a copy has nothing to do.
    pub fn is_idle(&self, copy: u16) -> bool {
        let copy = &self.copies[usize::from(copy)];
        copy.serving == 0 && copy.queue.is_empty()
    }

    /// Whether the zone of a copy is lost as a whole.
    pub fn is_zone_lost(&self, copy: u16) -> bool {
        self.conditions.is_zone_lost(usize::from(copy))
    }

    /// Sends something to a copy. Returns whether it is on its way: a copy without a way there may drop it at once.
    pub fn send(&mut self, context: &mut Context, meter: &mut Meter, copy: u16, owner: u32, trip: Trip) -> bool {
        let Trip { there_ns, demand_ns, back_ns } = trip;
        let job = self.free.pop().unwrap_or_else(|| {
            let nothing = Job { owner, generation: 0, copy, stage: Stage::Free, demand_ns: 0, back_ns: 0, ends_ns: 0 };
            self.jobs.push(nothing);
            self.jobs.len() as u32 - 1
        });
        let generation = self.jobs[job as usize].generation;
        self.jobs[job as usize] = Job { owner, generation, copy, stage: Stage::There, demand_ns, back_ns, ends_ns: 0 };
        if there_ns == 0 {
            return self.arrive(context, meter, job);
        }
        context.after(there_ns, self.timer_of(ARRIVES, job));
        true
    }

    /// Whether a timer is one of this part's.
    pub fn is_own(timer: Timer) -> bool {
        timer.kind < FIRST_FREE_KIND
    }

    /// A timer of this part goes off.
    pub fn timer(&mut self, context: &mut Context, meter: &mut Meter, timer: Timer) -> Option<Progress> {
        let id = timer.data as u32;
        let Job { owner, generation, copy, back_ns, .. } = *self.jobs.get(id as usize)?;
        if generation != (timer.data >> 32) as u32 {
            return None;
        }
        match timer.kind {
            ARRIVES => {
                let is_taken = self.arrive(context, meter, id);
                (!is_taken).then_some(Progress::Dropped { owner, copy })
            }
            SERVED => {
                meter.release(context.now_ns());
                self.copies[usize::from(copy)].serving -= 1;
                self.serve_next(context, meter, copy);
                let is_answered = back_ns == 0;
                if is_answered {
                    self.end(id);
                } else {
                    self.jobs[id as usize].stage = Stage::Back;
                    context.after(back_ns, self.timer_of(ANSWERS, id));
                }
                Some(Progress::Served { owner, copy, is_answered })
            }
            _ => {
                self.end(id);
                Some(Progress::Answered { owner, copy })
            }
        }
    }

    /// Takes what a command says to heart. What is dropped with copies that are lost is added to `dropped`.
    pub fn command(
        &mut self,
        context: &mut Context,
        meter: &mut Meter,
        command: &Command,
        dropped: &mut Vec<(u32, u16)>,
    ) -> Change {
        match command {
            Command::Disturb { disturbance } => {
                self.conditions.begin(disturbance.clone());
                if let Disturbance::Lose { parts } = disturbance {
                    for (place, copy) in self.copies.iter_mut().enumerate() {
                        copy.has_moved &= !parts.contains(place, self.zones);
                    }
                }
            }
            Command::Restore { disturbance } => self.conditions.end(disturbance),
            _ => return Change::default(),
        }
        let mut change = Change::default();
        for place in 0..self.count() {
            let copy = &mut self.copies[usize::from(place)];
            let is_hit = self.conditions.is_lost(usize::from(place));
            copy.has_moved &= is_hit;
            let is_lost = is_hit && !copy.has_moved;
            match (copy.is_lost, is_lost) {
                (false, true) => {
                    self.lose(context, meter, place, dropped);
                    change.lost.push(place);
                }
                (true, false) => {
                    self.bring_back(context.now_ns(), place);
                    change.back.push(place);
                }
                _ => {}
            }
        }
        change
    }

    /// A copy that was lost has been made anew elsewhere.
    pub fn replace(&mut self, now_ns: u64, copy: u16) {
        if !self.is_present(copy) {
            self.copies[usize::from(copy)].has_moved = true;
            self.bring_back(now_ns, copy);
        }
    }

    fn bring_back(&mut self, now_ns: u64, copy: u16) {
        self.copies[usize::from(copy)].is_lost = false;
        self.present.add(now_ns, 1);
    }

    fn lose(&mut self, context: &mut Context, meter: &mut Meter, place: u16, dropped: &mut Vec<(u32, u16)>) {
        let now_ns = context.now_ns();
        let copy = &mut self.copies[usize::from(place)];
        copy.is_lost = true;
        copy.serving = 0;
        self.present.subtract(now_ns, 1);
        self.waiting.subtract(now_ns, copy.queue.len() as u64);
        copy.queue.clear();
        for id in 0..self.jobs.len() as u32 {
            let job = self.jobs[id as usize];
            if job.copy != place || !matches!(job.stage, Stage::Waiting | Stage::Serving) {
                continue;
            }
            if job.stage == Stage::Serving {
                meter.release(now_ns);
                meter.take_back(job.ends_ns - now_ns);
            }
            self.end(id);
            dropped.push((job.owner, place));
        }
    }

    fn arrive(&mut self, context: &mut Context, meter: &mut Meter, id: u32) -> bool {
        let place = self.jobs[id as usize].copy;
        let copy = &mut self.copies[usize::from(place)];
        if copy.is_lost || (copy.serving >= self.servers && copy.queue.len() >= self.room as usize) {
            self.end(id);
            return false;
        }
        copy.queue.push_back(id);
        self.waiting.add(context.now_ns(), 1);
        self.jobs[id as usize].stage = Stage::Waiting;
        self.serve_next(context, meter, place);
        true
    }

    fn serve_next(&mut self, context: &mut Context, meter: &mut Meter, place: u16) {
        let now_ns = context.now_ns();
        let copy = &mut self.copies[usize::from(place)];
        if copy.serving >= self.servers {
            return;
        }
        let Some(id) = copy.queue.pop_front() else { return };
        copy.serving += 1;
        self.waiting.subtract(now_ns, 1);
        let factor = self.conditions.factor(usize::from(place));
        let job = &mut self.jobs[id as usize];
        let demand_ns = if factor == 1.0 { job.demand_ns } else { (job.demand_ns as f64 * factor) as u64 };
        job.stage = Stage::Serving;
        job.ends_ns = now_ns.saturating_add(demand_ns);
        meter.occupy(now_ns, demand_ns);
        context.after(demand_ns, self.timer_of(SERVED, id));
    }

    fn end(&mut self, id: u32) {
        let job = &mut self.jobs[id as usize];
        job.generation = job.generation.wrapping_add(1);
        job.stage = Stage::Free;
        self.free.push(id);
    }

    fn timer_of(&self, kind: u32, id: u32) -> Timer {
        let generation = self.jobs[id as usize].generation;
        Timer { kind, data: u64::from(generation) << 32 | u64::from(id) }
    }

    /// Checks that everything that was sent is where it is counted, and that what is served will end. Returns what is left of
    /// that, in nanoseconds.
    pub fn audit(&self, evidence: &Evidence) -> Result<u128, String> {
        let count = |place: usize, stage: Stage| {
            self.jobs.iter().filter(|job| usize::from(job.copy) == place && job.stage == stage).count()
        };
        let mut waiting = 0;
        for (place, copy) in self.copies.iter().enumerate() {
            let (serving, queued) = (count(place, Stage::Serving), count(place, Stage::Waiting));
            if serving != copy.serving as usize || queued != copy.queue.len() {
                let (counted, listed) = (copy.serving, copy.queue.len());
                return Err(format!("copy {place} serves {serving} and {queued} wait, counted {counted} and {listed}"));
            }
            if copy.serving > self.servers || (copy.is_lost && serving + queued > 0) {
                return Err(format!("copy {place} serves {serving} and {queued} wait, more than it can"));
            }
            if queued > 0 && copy.serving < self.servers {
                return Err(format!("{queued} wait at copy {place}, which serves only {serving}"));
            }
            waiting += queued as u64;
        }
        if waiting != self.waiting.level() {
            return Err(format!("{waiting} wait at copies, counted {}", self.waiting.level()));
        }
        let mut left_ns = 0;
        let mut awaited = 0;
        for (pending_ns, timer) in evidence.pending.iter().filter(|(_, timer)| Self::is_own(*timer)) {
            let Some(job) = self.jobs.get(timer.data as u32 as usize) else { continue };
            if job.generation == (timer.data >> 32) as u32 {
                awaited += 1;
                left_ns += if timer.kind == SERVED { u128::from(*pending_ns) } else { 0 };
            }
        }
        let moving = self.jobs.iter().filter(|job| !matches!(job.stage, Stage::Free | Stage::Waiting)).count();
        if awaited != moving {
            return Err(format!("{moving} are on their way or served, but {awaited} will end"));
        }
        Ok(left_ns)
    }
}
