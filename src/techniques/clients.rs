//! Clients: who sends requests, how many, and for what.
//!
//! # How it works
//!
//! ```text
//! open:    at each moment of the arrival process: send one request (or a batch); do not wait for replies
//! closed:  each user: think, send, wait for the reply, think ...
//! request: operation by the mix; the request's key fixes all its later draws
//! ```
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `rate` | requests/s | | open workload: mean rate; with `batch`, that of the batches |
//! | `arrivals` | | `Poisson` | open workload: how they are spaced (see [`Arrivals`]) |
//! | `batch` | requests | 1 | open workload: requests sent together |
//! | `users` | users | | closed workload: how many at the start |
//! | `think` | time | 0 | closed workload: pause between reply and next request |
//! | `stages` | | | closed workload: ramps of the number of users, as k6's `stages` |
//! | `mix` | weights | | operations and how often each is chosen, relative to the others |
//! | `priority` | 0 to 7 | 0 | smaller goes first in priority queues |
//! | `zones` | zones | 1 | users are spread evenly over these |
//!
//! # When it helps, when it hurts
//!
//! A closed workload slows down with the system it loads, which hides overload: choose it for people who wait, and an
//! open one for traffic that does not (Schroeder, Wierman & Harchol-Balter, NSDI 2006).
//!
//! # Law
//!
//! Closed: requests in progress + users thinking = users, so `X = N / (R + Z)` (the interactive response time law).

mod node;

pub use node::ClientsNode;

use serde::Deserialize;

use crate::diagnostic::span::{Named, Span, Spanned};
use crate::distribution::Distribution;
use crate::techniques::parts::arrivals::{Arrivals, HIGHEST_RATE_PER_S, Process};
use crate::techniques::parts::executor::PRIORITIES;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::technique::{
    CompileError, Demand, Mistake, Operations, Reference, Role, Spec, Wiring, law_mistakes, mean_s,
};
use crate::units::{Duration, Rate};

/// Clients as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    #[serde(default)]
    pub rate: Option<Spanned<Rate>>,
    #[serde(default)]
    pub arrivals: Option<Spanned<Arrivals>>,
    #[serde(default)]
    pub batch: Option<Spanned<u32>>,
    #[serde(default)]
    pub users: Option<Spanned<u32>>,
    #[serde(default)]
    pub think: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub stages: Vec<UserStage>,
    pub mix: Spanned<Named<f64>>,
    #[serde(default)]
    pub priority: Option<Spanned<u8>>,
    #[serde(default)]
    pub zones: Option<Spanned<u8>>,
}

/// One ramp of the number of users.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserStage {
    pub duration: Duration,
    pub target: u32,
}

impl Clients {
    fn closed(&self) -> bool {
        self.users.is_some()
    }

    /// Names of the operations requested, in the order of their indices.
    pub fn requested(&self) -> impl Iterator<Item = &str> {
        self.mix.keys().map(|name| name.value.as_str())
    }

    /// The arrival process and the requests of each arrival, if the workload is open.
    ///
    /// # Errors
    /// When a file that says what it is cannot be used.
    pub fn process(&self, wiring: &dyn Wiring) -> Result<Option<(Process, u32)>, CompileError> {
        if self.closed() {
            return Ok(None);
        }
        Ok(Some((self.open_process(wiring)?, self.requests_at_once())))
    }

    fn requests_at_once(&self) -> u32 {
        self.batch.as_ref().map_or(1, |batch| batch.value)
    }

    fn open_process(&self, wiring: &dyn Wiring) -> Result<Process, CompileError> {
        let rate = self.rate.as_ref().map(|rate| rate.per_second);
        self.arrivals.clone().unwrap_or_default().compile(rate, wiring)
    }

    fn most_users(&self) -> u32 {
        let start = self.users.as_ref().map_or(0, |users| users.value);
        self.stages.iter().map(|stage| stage.target).fold(start, u32::max)
    }
}

/// The largest closed workload.
const MOST_USERS: u32 = 10_000_000;

impl Spec for Clients {
    fn can_fail(&self) -> bool {
        false
    }

    fn kind(&self) -> &'static str {
        "Clients"
    }

    fn role(&self) -> Role {
        Role::Client
    }

    fn operations(&self) -> Operations<'_> {
        Operations::None
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.mix.keys().map(Reference::Operation).collect()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mix = self.mix.span;
        if self.mix.is_empty() {
            found.push(Mistake::new(mix, "the mix is empty", "name an operation: { \"service.operation\": 1 }"));
        } else if !self.mix.values().all(|weight| weight.is_finite() && weight.value >= 0.0)
            || !(1e-300..=1e300).contains(&self.mix.values().map(|weight| weight.value).sum::<f64>())
        {
            found.push(Mistake::new(
                mix,
                "weights are finite numbers from 0 up, and one is above 0",
                "write for example 8",
            ));
        }
        if self.mix.len() > usize::from(u8::MAX) + 1 {
            found.push(Mistake::new(mix, "a mix has at most 256 operations", "split it over several Clients"));
        }
        let open = self.rate.is_some() || self.arrivals.is_some() || self.batch.is_some();
        match (&self.users, open) {
            (Some(users), true) => {
                let help = "keep users and think (closed), or rate and arrivals (open), and put the other workload into Clients of its own";
                found.push(Mistake::new(users.span, "a workload is either closed or open, not both", help));
            }
            (None, false) => {
                found.push(Mistake::new(
                    mix,
                    "nobody sends these requests",
                    "add rate: \"500/s\" (open) or users: 100 and think (closed)",
                ));
            }
            (Some(users), false) if self.most_users() > MOST_USERS => {
                found.push(Mistake::new(users.span, "there are more than 10,000,000 users", "use an open workload"));
            }
            _ => {}
        }
        if let Some(think) = &self.think {
            found.extend(law_mistakes(think));
            if !self.closed() {
                found.push(Mistake::new(think.span, "only users think", "add users: 100, or leave think out"));
            }
        }
        if let (Some(_), false) = (self.stages.first(), self.closed()) {
            let help = "add users: 100, or use arrivals: Stages(...) for an open workload";
            found.push(Mistake::new(mix, "stages ramp the number of users, but there are none", help));
        }
        if open {
            let arrivals = self.arrivals.clone().unwrap_or_default();
            let span = self.arrivals.as_ref().map_or(mix, |arrivals| arrivals.span);
            found.extend(arrivals.mistakes(self.rate.as_ref(), span));
        }
        if let Some(rate) =
            self.rate.as_ref().filter(|rate| rate.per_second <= 0.0 || rate.per_second > HIGHEST_RATE_PER_S)
        {
            found.push(Mistake::new(
                rate.span,
                "the rate must lie above 0 and not above 1e9/s",
                "write for example \"500/s\"",
            ));
        }
        if let Some(batch) = self.batch.as_ref().filter(|batch| !(1..=100_000).contains(&batch.value)) {
            found.push(Mistake::new(batch.span, "a batch has between 1 and 100,000 requests", "write for example 4"));
        }
        if let Some(priority) = self.priority.as_ref().filter(|priority| usize::from(priority.value) >= PRIORITIES) {
            found.push(Mistake::new(priority.span, "priorities go from 0 (first) to 7", "write for example 1"));
        }
        if let Some(zones) = self.zones.as_ref().filter(|zones| zones.value == 0) {
            found.push(Mistake::new(zones.span, "users are in at least one zone", "write 1 or more"));
        }
        found
    }

    fn demand(&self, _operation: &str) -> Demand {
        Demand::default()
    }

    fn tells(&self, signal: Signal) -> Tells {
        if signal == Signal::QueueLength { Tells::Never } else { Tells::Always }
    }

    fn is_foreseeable(&self) -> bool {
        let arrivals = self.arrivals.as_ref();
        !self.closed() && arrivals.is_none_or(|arrivals| arrivals.is_foreseeable())
    }

    fn population(&self) -> u32 {
        self.most_users()
    }

    fn settling_s(&self) -> f64 {
        let think_s = self.think.as_ref().map_or(0.0, |law| mean_s(law));
        let bursts_s = self.arrivals.as_ref().map_or(0.0, |arrivals| arrivals.settling_s());
        think_s.max(bursts_s)
    }

    fn cycle_s(&self) -> f64 {
        self.arrivals.as_ref().map_or(0.0, |arrivals| arrivals.cycle_s())
    }

    fn moments(&self) -> Vec<(u64, &'static str, Span)> {
        let written = self.arrivals.as_ref();
        let spike = written.and_then(|arrivals| Some((arrivals.spike_start_ns()?, "surges", arrivals.span)));
        spike.into_iter().collect()
    }

    fn is_transient(&self) -> bool {
        !self.stages.is_empty() || self.arrivals.as_ref().is_some_and(|arrivals| arrivals.is_transient())
    }

    fn offered(&self) -> Vec<(String, f64)> {
        if self.closed() {
            return Vec::new();
        }
        let rate = self.rate.as_ref().map(|rate| rate.per_second);
        let arrivals = self.arrivals.clone().unwrap_or_default();
        let Some(mean) = arrivals.mean_rate_per_s(rate) else { return Vec::new() };
        let total: f64 = self.mix.values().map(|weight| weight.value).sum();
        let batch = self.batch.as_ref().map_or(1.0, |batch| f64::from(batch.value));
        self.mix.iter().map(|(name, weight)| (name.value.clone(), mean * batch * weight.value / total)).collect()
    }
}
