//! Execution environments: which one a request gets, and when they are gone.

use crate::engine::context::Context;
use crate::engine::gauge::Gauge;
use crate::engine::visit::Visit;
use crate::engine::{Outcome, Timer};
use crate::techniques::parts::executor::Finish;

/// The timer by which an environment may have been idle for long enough; the data says which one.
pub const EXPIRY: u32 = 65;

/// Where an environment is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Gone,
    Starting,
    Warm,
}

/// One environment.
#[derive(Clone, Copy, Debug)]
struct Environment {
    phase: Phase,
    /// Tells it from earlier ones at its place.
    generation: u32,
    /// Requests that it runs or will run.
    requests: u32,
    /// Since it last had nothing to do.
    idle_since_ns: u64,
    /// Whether a timer will look at it.
    is_watched: bool,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Warm(usize),
    Starting(usize),
    New(usize),
}

/// How many environments may still be started: as many as a quota at once, and one more whenever its share of the time has
/// passed. Kept as the time at which the quota would be whole again, as in the generic cell rate algorithm (ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    period_ns: u64,
    /// Until one more may be started.
    refill_ns: u64,
    whole_ns: u64,
}

impl Quota {
    /// So many environments in each period.
    pub fn new(environments: u32, period_ns: u64) -> Self {
        Self { period_ns, refill_ns: period_ns / u64::from(environments.max(1)), whole_ns: 0 }
    }

    /// Takes one, if there is one left.
    fn take(&mut self, now_ns: u64) -> bool {
        let whole_ns = self.whole_ns.max(now_ns) + self.refill_ns;
        let is_left = whole_ns <= now_ns.saturating_add(self.period_ns);
        if is_left {
            self.whole_ns = whole_ns;
        }
        is_left
    }
}

/// All environments of a function.
#[derive(Clone, Debug)]
pub struct Environments {
    /// By place, the provisioned ones first.
    all: Vec<Environment>,
    concurrency: u32,
    pub provisioned: u32,
    keep_alive_ns: u64,
    quota: Option<Quota>,
    /// Warm ones with room, the one that was full or idle last at the end: provisioned ones, and the others.
    with_room: [Vec<u16>; 2],
    /// Starting ones with room; the last one at the end.
    starting_with_room: Vec<u16>,
    gone: Vec<u16>,
    pub here: Gauge,
    /// Those that start or have something to do.
    pub working: Gauge,
}

impl Environments {
    /// The provisioned ones stand there from the beginning.
    pub fn new(provisioned: u32, concurrency: u32, keep_alive_ns: u64, quota: Option<Quota>) -> Self {
        let idle = Environment { phase: Phase::Warm, generation: 0, requests: 0, idle_since_ns: 0, is_watched: false };
        Self {
            all: vec![idle; provisioned as usize],
            concurrency,
            provisioned,
            keep_alive_ns,
            quota,
            // The first one is taken first.
            with_room: [(0..provisioned as u16).rev().collect(), Vec::new()],
            starting_with_room: Vec::new(),
            gone: Vec::new(),
            here: Gauge::at(u64::from(provisioned)),
            working: Gauge::default(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.here.level()
    }

    /// An environment for one more request; `None` if all are full, and there are `most` or no more may be started now.
    pub fn choose(&mut self, now_ns: u64, most: u32) -> Option<Choice> {
        for list in &mut self.with_room {
            let Some(&place) = list.last() else { continue };
            let environment = &mut self.all[usize::from(place)];
            if environment.requests == 0 {
                self.working.add(now_ns, 1);
            }
            environment.requests += 1;
            if environment.requests >= self.concurrency {
                list.pop();
            }
            return Some(Choice::Warm(usize::from(place)));
        }
        if let Some(&place) = self.starting_with_room.last() {
            let environment = &mut self.all[usize::from(place)];
            environment.requests += 1;
            if environment.requests >= self.concurrency {
                self.starting_with_room.pop();
            }
            return Some(Choice::Starting(usize::from(place)));
        }
        let has_place = !self.gone.is_empty() || self.all.len() < most as usize;
        if !has_place || self.quota.as_mut().is_some_and(|quota| !quota.take(now_ns)) {
            return None;
        }
        self.create(now_ns, most).map(Choice::New)
    }

    fn create(&mut self, now_ns: u64, most: u32) -> Option<usize> {
        let place = match self.gone.pop() {
            Some(place) => usize::from(place),
            None if self.all.len() < most as usize => {
                self.all.push(Environment {
                    phase: Phase::Gone,
                    generation: 0,
                    requests: 0,
                    idle_since_ns: 0,
                    is_watched: false,
                });
                self.all.len() - 1
            }
            None => return None,
        };
        let environment = &mut self.all[place];
        let generation = environment.generation.wrapping_add(1);
        *environment =
            Environment { phase: Phase::Starting, generation, requests: 1, idle_since_ns: now_ns, is_watched: false };
        if self.concurrency > 1 {
            self.starting_with_room.push(place as u16);
        }
        self.here.add(now_ns, 1);
        self.working.add(now_ns, 1);
        Some(place)
    }

    /// Names an environment, for a timer.
    pub fn word(&self, place: usize) -> u64 {
        u64::from(self.all[place].generation) << 16 | place as u64
    }

    /// The place of the environment with this name, if it is still there.
    fn find(&self, word: u64) -> Option<usize> {
        let place = usize::from(word as u16);
        let environment = self.all.get(place)?;
        let is_here = environment.phase != Phase::Gone && u64::from(environment.generation) == word >> 16;
        is_here.then_some(place)
    }

    /// An environment has started. Returns its place.
    pub fn become_warm(&mut self, word: u64) -> Option<usize> {
        let place = self.find(word)?;
        self.all[place].phase = Phase::Warm;
        if let Some(position) = self.starting_with_room.iter().position(|starting| usize::from(*starting) == place) {
            self.starting_with_room.remove(position);
            self.with_room[1].push(place as u16);
        }
        Some(place)
    }

    /// Ends an environment that has been idle for long enough. Returns when to look again if it has not.
    pub fn expire(&mut self, now_ns: u64, word: u64) -> Option<u64> {
        let place = self.find(word)?;
        let environment = &mut self.all[place];
        if environment.requests > 0 {
            // It is watched again when it falls idle.
            environment.is_watched = false;
            return None;
        }
        let end_ns = environment.idle_since_ns.saturating_add(self.keep_alive_ns);
        if end_ns > now_ns {
            return Some(end_ns);
        }
        environment.phase = Phase::Gone;
        // Idle for longest, it lies near the beginning.
        if let Some(position) = self.with_room[1].iter().position(|idle| usize::from(*idle) == place) {
            self.with_room[1].remove(position);
        }
        self.gone.push(place as u16);
        self.here.subtract(now_ns, 1);
        None
    }

    /// Checks that every request is in an environment, and no environment has too many.
    pub fn audit(&self, in_system: u64) -> Result<(), String> {
        let requests: u64 = self.all.iter().map(|environment| u64::from(environment.requests)).sum();
        if requests != in_system {
            return Err(format!("{requests} requests in environments, {in_system} present"));
        }
        if self.all.iter().any(|environment| environment.requests > self.concurrency) {
            return Err("an environment has more requests than it may".to_owned());
        }
        let here = self.all.iter().filter(|environment| environment.phase != Phase::Gone).count() as u64;
        if here != self.here.level() {
            return Err(format!("{} environments counted, {here} are there", self.here.level()));
        }
        let working = self.all.iter().filter(|environment| environment.requests > 0).count() as u64;
        if working != self.working.level() {
            return Err(format!("{} environments counted as working, {working} are", self.working.level()));
        }
        Ok(())
    }
}

impl Finish for Environments {
    const HIDES_REPLICAS: bool = true;

    fn finish(&mut self, _context: &mut Context, _slot: u32) -> Outcome {
        Outcome::Done
    }

    fn left(&mut self, context: &mut Context, _visit: &Visit, place: usize, _ready: &mut Vec<u32>) {
        let environment = &mut self.all[place];
        // While it takes up what waited for it, it is in no list of starting ones, and comes into that of the warm ones here.
        if environment.requests == self.concurrency {
            let kind = usize::from(place >= self.provisioned as usize);
            self.with_room[kind].push(place as u16);
        }
        environment.requests -= 1;
        if environment.requests > 0 {
            return;
        }
        let now_ns = context.now_ns();
        environment.idle_since_ns = now_ns;
        self.working.subtract(now_ns, 1);
        if place >= self.provisioned as usize && !environment.is_watched {
            environment.is_watched = true;
            let data = self.word(place);
            context.after(self.keep_alive_ns, Timer { kind: EXPIRY, data });
        }
    }
}
