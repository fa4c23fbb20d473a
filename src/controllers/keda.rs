//! KEDA: replicas that follow events waiting elsewhere, and none while there are no events.
//!
//! # How it works
//!
//! ```text
//! every sync_period, above zero: the HPA that it makes asks each source, and wants ceil(sum / threshold) replicas
//! every polling_interval: the operator asks each source
//!   a metric above its activation_threshold: from none (or idle) to min_replica_count, one at least
//!   none, and none since cooldown_period: down to idle_replica_count, or to min_replica_count if that is 0
//! ```
//!
//! A trigger of the clock is active from its `start` to its `end`, and then asks for `desired_replicas`; otherwise for one, as KEDA's cron
//! scaler does.
//!
//! Source: the behaviour of kedacore/keda `pkg/scaling/executor/scale_scaledobjects.go`, fields as in ScaledObject. What the HPA
//! does is the algorithm of [`crate::controllers::hpa`], with External metrics at an AverageValue. It holds still while there are
//! no replicas.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the service to scale |
//! | `triggers` | | none | `(source, metric, threshold, activation_threshold)`: what is watched, and how much of it is for each replica |
//! | `cron` | | none | `(start: "0 7 * * MON-FRI", end: "0 19 * * MON-FRI", desired_replicas: 10)`: triggers of the clock |
//! | `min_replica_count` | | 0 | the fewest while a trigger is active; with 0, one |
//! | `max_replica_count` | | 100 | the most |
//! | `idle_replica_count` | | none | 0: without an active trigger there are none, though `min_replica_count` is above zero |
//! | `polling_interval` | time | 30 s | between two looks of the operator |
//! | `cooldown_period` | time | 5 min | without an active trigger until the last replicas go |
//! | `initial_cooldown_period` | time | 0 | from the beginning until replicas may go for which no trigger was ever active |
//! | `behavior` | | none | of the HPA: `scale_up` and `scale_down` |
//! | `sync_period` | time | 15 s | between two decisions of the HPA |
//!
//! # When it helps, when it hurts
//!
//! Work that comes now and then costs nothing in between. The first of it waits for the next look and for a replica to start.
//! The length of a queue says how much there is to do but not how fast more comes: with replicas in proportion to it some
//! work always waits.
//!
//! # Law
//!
//! Messages that do not go away settle at ceil(messages / threshold) replicas. From the first message to the first replica pass
//! up to `polling_interval` and its startup; from the last active trigger to none, `cooldown_period` and up to a look.

use std::sync::Arc;

use serde::Deserialize;

use crate::controllers::hpa::WrittenBehavior;
use crate::controllers::hpa::behavior;
use crate::controllers::hpa::metrics::{self, Measurements, PodMetrics, Resource, ValueTarget};
use crate::controllers::hpa::milli;
use crate::controllers::hpa::pods::Grace;
use crate::controllers::hpa::reconcile::{Autoscaler, DEFAULT_TOLERANCE};
use crate::controllers::hpa::settling::settling_ns;
use crate::controllers::hpa::sync::{SYNC_PERIOD_NS, Syncs};
use crate::controllers::parts::bounds;
use crate::controllers::parts::clock::{self, Clock, written_ns};
use crate::controllers::parts::cron::{Cron, MINUTE_NS, WEEK};
use crate::controllers::parts::scraper::Scraper;
use crate::controllers::parts::signal::Signal;
use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::{NodeRecord, Share};
use crate::engine::{Evidence, Node, Timer, Token};
use crate::techniques::parts::signal::{Bound, Bounds, Look};
use crate::techniques::technique::{CompileError, Controller, ControllerSpec, Mistake, Reference, Wiring};
use crate::units::Duration;

const MAX_REPLICA_COUNT: u32 = 100;
const POLLING_INTERVAL_NS: u64 = 30_000_000_000;
const COOLDOWN_PERIOD_NS: u64 = 300_000_000_000;

/// A ScaledObject as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keda {
    pub target: Spanned<String>,
    #[serde(default)]
    pub triggers: Option<Spanned<Vec<Spanned<Trigger>>>>,
    #[serde(default)]
    pub cron: Option<Spanned<Vec<Spanned<CronTrigger>>>>,
    #[serde(default)]
    pub min_replica_count: Option<Spanned<u32>>,
    #[serde(default)]
    pub max_replica_count: Option<Spanned<u32>>,
    #[serde(default)]
    pub idle_replica_count: Option<Spanned<u32>>,
    #[serde(default)]
    pub polling_interval: Option<Spanned<Duration>>,
    #[serde(default)]
    pub cooldown_period: Option<Spanned<Duration>>,
    #[serde(default)]
    pub initial_cooldown_period: Option<Spanned<Duration>>,
    #[serde(default)]
    pub behavior: Option<WrittenBehavior>,
    #[serde(default)]
    pub sync_period: Option<Spanned<Duration>>,
}

/// What is watched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    pub source: Spanned<String>,
    pub metric: Spanned<Signal>,
    /// For each replica.
    pub threshold: Spanned<f64>,
    /// Above it there is something to do.
    #[serde(default)]
    pub activation_threshold: Option<Spanned<f64>>,
}

/// Replicas for a part of the week.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CronTrigger {
    pub start: Spanned<String>,
    pub end: Spanned<String>,
    pub desired_replicas: Spanned<u32>,
}

impl Keda {
    fn triggers(&self) -> &[Spanned<Trigger>] {
        self.triggers.as_ref().map_or(&[], |triggers| &triggers.value)
    }

    fn cron(&self) -> &[Spanned<CronTrigger>] {
        self.cron.as_ref().map_or(&[], |triggers| &triggers.value)
    }

    fn minimum(&self) -> u32 {
        self.min_replica_count.as_ref().map_or(0, |count| count.value)
    }

    fn maximum(&self) -> u32 {
        self.max_replica_count.as_ref().map_or(MAX_REPLICA_COUNT, |count| count.value)
    }

    fn cooldown_ns(&self) -> u64 {
        written_ns(&self.cooldown_period, COOLDOWN_PERIOD_NS)
    }

    /// The HPA that does the work while there are replicas. A metric is named by its trigger's place.
    fn autoscaler(&self) -> Autoscaler {
        // A trigger of the clock tells replicas, so there is one of them for each.
        let thresholds = self.triggers().iter().map(|trigger| trigger.threshold.value);
        let thresholds = thresholds.chain(self.cron().iter().map(|_| 1.0));
        let metric = |(place, threshold): (usize, f64)| metrics::Metric::External {
            name: place.to_string(),
            target: ValueTarget::AverageValue { milli: milli(threshold) },
        };
        Autoscaler {
            metrics: thresholds.enumerate().map(metric).collect(),
            bounds: behavior::Bounds { minimum: self.minimum().max(1), maximum: self.maximum() },
            limits: WrittenBehavior::limits(self.behavior.as_ref()),
            tolerance: DEFAULT_TOLERANCE,
            grace: Grace::default(),
        }
    }
}

impl ControllerSpec for Keda {
    fn kind(&self) -> &'static str {
        "Keda"
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.triggers().iter().map(|trigger| Reference::Any(&trigger.source)).collect()
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        vec![&self.target]
    }

    fn bounds(&self) -> Option<Bounds> {
        let fewest = match &self.idle_replica_count {
            Some(idle) => Bound { field: "idle_replica_count", replicas: idle.value },
            None => Bound { field: "min_replica_count", replicas: self.minimum() },
        };
        Some(Bounds { fewest, most: Bound { field: "max_replica_count", replicas: self.maximum() } })
    }

    fn looks(&self) -> Vec<Look<'_>> {
        // What the clock brings needs no request.
        let looks = self.triggers().iter().filter(|_| self.cron.is_none()).map(|trigger| Look {
            node: &trigger.source,
            signal: trigger.metric.value,
            span: trigger.metric.span,
            wakes: true,
        });
        looks.collect()
    }

    fn settling_s(&self) -> f64 {
        let autoscaler = self.autoscaler();
        let sync_ns = written_ns(&self.sync_period, SYNC_PERIOD_NS);
        let of_autoscaler_ns = settling_ns(&autoscaler.limits, autoscaler.bounds, sync_ns);
        self.cooldown_ns().saturating_add(of_autoscaler_ns) as f64 * 1e-9
    }

    fn cycle_s(&self) -> f64 {
        if self.cron().is_empty() { 0.0 } else { f64::from(WEEK) * MINUTE_NS as f64 * 1e-9 }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.triggers().is_empty() && self.cron().is_empty() {
            let help = "add triggers: [ (source: \"jobs\", metric: QueueLength, threshold: 5) ]";
            let written = self.triggers.as_ref().map(|triggers| triggers.span);
            let span = written.or(self.cron.as_ref().map(|cron| cron.span)).unwrap_or(self.target.span);
            found.push(Mistake::new(span, "without triggers nothing ever comes back", help));
        }
        found.extend(self.cron().iter().flat_map(|trigger| trigger.mistakes()));
        for Trigger { threshold, activation_threshold, .. } in self.triggers().iter().map(|trigger| &trigger.value) {
            // The HPA computes in thousandths, so less than half of one is nothing to it.
            if !(0.001..=1e12).contains(&threshold.value) {
                let message = "a threshold, which is for each replica, lies above zero";
                found.push(Mistake::new(threshold.span, message, "write for example 5"));
            }
            let activation = activation_threshold.as_ref();
            if let Some(activation) = activation.filter(|activation| !(0.0..=1e12).contains(&activation.value)) {
                let message = "an activation threshold is zero or above";
                found.push(Mistake::new(activation.span, message, "leave it out, or write for example 10"));
            }
        }
        found.extend(bounds::mistakes(
            ("min_replica_count", self.min_replica_count.as_ref(), 0),
            ("max_replica_count", self.max_replica_count.as_ref(), MAX_REPLICA_COUNT),
        ));
        if let Some(idle) = &self.idle_replica_count {
            if idle.value > 0 {
                let message = "the HPA raises any idle replicas but none to min_replica_count at once";
                found.push(Mistake::new(idle.span, message, "write 0, or leave it out"));
            } else if self.minimum() == 0 {
                let message = "idle_replica_count is below min_replica_count, or says nothing";
                found.push(Mistake::new(idle.span, message, "write min_replica_count: 1 or more, or leave it out"));
            }
        }
        found.extend(self.behavior.iter().flat_map(WrittenBehavior::mistakes));
        found.extend([&self.polling_interval, &self.sync_period].into_iter().flatten().filter_map(clock::mistake));
        found
    }
}

impl CronTrigger {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        for schedule in [&self.start, &self.end] {
            if let Err(message) = Cron::parse(schedule) {
                let help = "write minute, hour, * * and days of the week, for example \"0 7 * * MON-FRI\"";
                found.push(Mistake::new(schedule.span, message, help));
            }
        }
        if self.start.value == self.end.value {
            let message = "a part of the week that ends as it starts has no length";
            found.push(Mistake::new(self.end.span, message, "write when it is over"));
        }
        if self.desired_replicas.value == 0 {
            let message = "a trigger of the clock asks for one replica at other times, so for one at least";
            found.push(Mistake::new(self.desired_replicas.span, message, "write for example desired_replicas: 10"));
        }
        found
    }
}

/// Timer kinds, and what a sample of the target was asked for.
const SYNC: u32 = 0;
const POLL: u32 = 1;
/// A sample of a trigger's source, for the one or the other.
const SOURCE: u64 = 2;

/// A ScaledObject at work.
#[derive(Clone, Debug)]
pub struct KedaNode {
    syncs: Syncs,
    /// Of the HPA and of the operator, which ask the sources each for itself.
    clocks: [Clock; 2],
    sources: [Sources; 2],
    activation_thresholds: Vec<f64>,
    minimum: u32,
    idle: Option<u32>,
    cooldown_ns: u64,
    initial_cooldown_ns: u64,
    last_active_ns: Option<u64>,
    polls: u64,
    active_polls: u64,
}

/// What was last seen of each trigger's source, and what the clock says.
#[derive(Clone, Debug)]
struct Sources {
    seen: Vec<(Scraper, Signal)>,
    windows: Vec<Window>,
    /// Of the week, when it was last looked at.
    minute: u32,
}

/// A part of the week, and its replicas.
#[derive(Clone, Debug)]
struct Window {
    /// In each minute of the week.
    is_open: Arc<[bool]>,
    replicas: f64,
}

impl Window {
    /// Open while it started later than it ended.
    fn new(start: Cron, end: Cron, replicas: u32) -> Self {
        let is_open = (0..WEEK).map(|minute| start.minutes_since(minute) < end.minutes_since(minute)).collect();
        Self { is_open, replicas: f64::from(replicas) }
    }

    fn is_open(&self, minute: u32) -> bool {
        self.is_open.get(minute as usize).is_some_and(|is_open| *is_open)
    }
}

/// Compiles the written form.
pub(super) fn compile(spec: &Keda, wiring: &mut dyn Wiring) -> Result<KedaNode, CompileError> {
    let timer = |kind| Timer { kind, data: 0 };
    let clocks = [
        Clock::new(written_ns(&spec.sync_period, SYNC_PERIOD_NS), wiring.purpose("sync"), timer(SYNC)),
        Clock::new(written_ns(&spec.polling_interval, POLLING_INTERVAL_NS), wiring.purpose("poll"), timer(POLL)),
    ];
    let source = |trigger: &Spanned<Trigger>| (Scraper::new(wiring.node(&trigger.source)), trigger.metric.value);
    let cron =
        |schedule: &Spanned<String>| Cron::parse(schedule).map_err(|message| CompileError::at(schedule.span, message));
    let window = |trigger: &Spanned<CronTrigger>| -> Result<Window, CompileError> {
        Ok(Window::new(cron(&trigger.start)?, cron(&trigger.end)?, trigger.desired_replicas.value))
    };
    let windows = spec.cron().iter().map(window).collect::<Result<Vec<_>, _>>()?;
    let sources = Sources { seen: spec.triggers().iter().map(source).collect(), windows, minute: 0 };
    let activation =
        |trigger: &Spanned<Trigger>| trigger.activation_threshold.as_ref().map_or(0.0, |above| above.value);
    let activation_thresholds = spec.triggers().iter().map(activation).collect();
    Ok(KedaNode {
        syncs: Syncs::new(wiring.node(&spec.target), spec.autoscaler()),
        clocks,
        sources: [sources.clone(), sources],
        activation_thresholds,
        minimum: spec.minimum(),
        idle: spec.idle_replica_count.as_ref().map(|count| count.value),
        cooldown_ns: spec.cooldown_ns(),
        initial_cooldown_ns: written_ns(&spec.initial_cooldown_period, 0),
        last_active_ns: None,
        polls: 0,
        active_polls: 0,
    })
}

impl Sources {
    fn value(&self, place: usize) -> Option<f64> {
        match self.seen.get(place) {
            Some((scraper, signal)) => signal.of_node(scraper),
            None => {
                let window = self.windows.get(place - self.seen.len())?;
                Some(if window.is_open(self.minute) { window.replicas } else { 1.0 })
            }
        }
    }

    fn has_open_window(&self) -> bool {
        self.windows.iter().any(|window| window.is_open(self.minute))
    }
}

impl Measurements for Sources {
    fn resource_usage(&self, _resource: Resource, _container: Option<usize>) -> Result<PodMetrics, String> {
        Err("a trigger has a source".to_owned())
    }

    fn pod_values(&self, _name: &str) -> Result<PodMetrics, String> {
        Err("a trigger has a source".to_owned())
    }

    fn object_value(&self, name: &str) -> Result<i64, String> {
        let place = name.parse().map_err(|_| "unknown")?;
        self.value(place).map(milli).ok_or_else(|| "nothing was seen yet".to_owned())
    }

    fn external_values(&self, name: &str) -> Result<Vec<i64>, String> {
        self.object_value(name).map(|value| vec![value])
    }
}

impl KedaNode {
    /// The operator looks at the sources: it brings the first replicas, and ends the last.
    fn poll(&mut self, context: &mut Context, replicas: u32) {
        let now_ns = context.now_ns();
        let mut thresholds = self.activation_thresholds.iter().enumerate();
        let sources = &self.sources[POLL as usize];
        let is_active =
            thresholds.any(|(place, above)| sources.value(place) > Some(*above)) || sources.has_open_window();
        self.polls += 1;
        self.active_polls += u64::from(is_active);
        let wanted = if is_active {
            self.last_active_ns = Some(now_ns);
            let is_idle = replicas == 0 || (self.idle.is_some() && replicas < self.minimum);
            if is_idle { self.minimum.max(1) } else { replicas }
        } else if self.idle.map_or(replicas > 0 && self.minimum == 0, |idle| replicas > idle) {
            // What was never active cools down from the beginning on.
            let is_over = match self.last_active_ns {
                Some(last_ns) => last_ns.saturating_add(self.cooldown_ns) < now_ns,
                None => self.initial_cooldown_ns <= now_ns,
            };
            if is_over { self.idle.unwrap_or(self.minimum) } else { replicas }
        } else if self.idle.is_none() {
            replicas.max(self.minimum)
        } else {
            replicas
        };
        if wanted != replicas {
            context.command(self.syncs.target, Command::Scale { replicas: wanted });
        }
    }
}

impl Node for KedaNode {
    fn start(&mut self, context: &mut Context) {
        self.clocks.iter().for_each(|clock| clock.start(context));
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let (clock, sources) = (&self.clocks[timer.kind as usize], &mut self.sources[timer.kind as usize]);
        sources.minute = (context.now_ns() / MINUTE_NS % u64::from(WEEK)) as u32;
        // Answers come in the order of the questions: the target last, when all sources have been seen.
        for (place, (scraper, _)) in (0..).zip(&sources.seen) {
            context.ask(scraper.node, Token(SOURCE + 2 * place + u64::from(timer.kind)));
        }
        context.ask(self.syncs.target, Token(u64::from(timer.kind)));
        clock.wait(context);
    }

    fn sampled(&mut self, context: &mut Context, token: Token, sample: &NodeSample) {
        let who = (token.0 % 2) as usize;
        match token.0.checked_sub(SOURCE) {
            Some(source) => {
                if let Some((scraper, _)) = self.sources[who].seen.get_mut((source / 2) as usize) {
                    scraper.keep(context.now_ns(), sample);
                }
            }
            None if who == POLL as usize => self.poll(context, sample.desired),
            None => self.syncs.sync(context, sample, &self.sources[SYNC as usize]),
        }
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, record: &mut NodeRecord) {
        self.syncs.observe(record);
        record.shares.push(Share {
            name: "active_ratio",
            numerator: self.active_polls.into(),
            denominator: self.polls.into(),
        });
    }
}

impl Controller for KedaNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
