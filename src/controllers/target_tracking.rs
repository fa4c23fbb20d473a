//! Target tracking: as many instances as hold a metric at its target, as EC2 Auto Scaling finds them.
//!
//! # How it works
//!
//! ```text
//! every minute: the metric of the instances that have warmed up, seen metric_delay later
//!   3 of 3 above the target:          ceil(load / target) instances, load = metric x instances it is the average of
//!   15 of 15 below 90% of the target: the same with the highest load of the 15, unless a scale-out is in progress
//! ```
//!
//! Source: the user guide of EC2 Auto Scaling (target tracking, default instance warm-up) for the alarms and what instances
//! count. How many instances a step is, AWS does not publish: proportional is what the guide says of steps out, and the
//! highest load of the quarter of an hour is our reading of its caution in steps in.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the service to scale |
//! | `min_capacity` | | | the fewest instances |
//! | `max_capacity` | | | the most |
//! | `metric` | | | `CpuUtilization`, or `RequestCountPerTarget` in a minute |
//! | `target_value` | | | what it is held at: `"60%"`, or a number of requests |
//! | `instance_warmup` | time | 5 min | from being ready until an instance counts |
//! | `disable_scale_in` | | false | whether instances only come |
//! | `metric_delay` | time | 1 min | until the value of a minute can be seen |
//!
//! # When it helps, when it hurts
//!
//! No thresholds to choose, and it does not go back and forth. It is slow: four minutes and more to a step out, a quarter of an
//! hour to a step in; a CPU that is fully used asks for no more than `1 / target` times the instances.
//!
//! # Law
//!
//! Under constant load the instances settle at ceil(load / target), however many there were, or up to a ninth above.

use serde::Deserialize;

use crate::controllers::parts::alarm::{Alarm, Comparison};
use crate::controllers::parts::clock::written_ns;
use crate::controllers::parts::datapoints::{Datapoint, Datapoints, METRIC_DELAY_NS, Metric};
use crate::controllers::parts::group::{self, Group, INSTANCE_WARMUP_NS};
use crate::controllers::parts::level::Level;
use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::{Evidence, Node, Timer, Token};
use crate::techniques::parts::signal::{Bound, Bounds};
use crate::techniques::technique::{CompileError, Controller, ControllerSpec, Mistake, Reference, Wiring};
use crate::units::Duration;

const PERIOD_NS: u64 = 60_000_000_000;
const SCALE_OUT_PERIODS: u32 = 3;
const SCALE_IN_PERIODS: u32 = 15;
/// Of the target, below which there are too many instances.
const SCALE_IN_SHARE: f64 = 0.9;

/// A policy as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetTracking {
    pub target: Spanned<String>,
    pub min_capacity: Spanned<u32>,
    pub max_capacity: Spanned<u32>,
    pub metric: Spanned<Metric>,
    pub target_value: Spanned<Level>,
    #[serde(default)]
    pub instance_warmup: Option<Spanned<Duration>>,
    #[serde(default)]
    pub disable_scale_in: bool,
    #[serde(default)]
    pub metric_delay: Option<Spanned<Duration>>,
}

impl ControllerSpec for TargetTracking {
    fn kind(&self) -> &'static str {
        "TargetTracking"
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.metric.reference().into_iter().collect()
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        vec![&self.target]
    }

    fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            fewest: Bound { field: "min_capacity", replicas: self.min_capacity.value },
            most: Bound { field: "max_capacity", replicas: self.max_capacity.value },
        })
    }

    fn settling_s(&self) -> f64 {
        let warmup_ns = written_ns(&self.instance_warmup, INSTANCE_WARMUP_NS);
        // It may overshoot, and come back once.
        2.0 * (warmup_ns as f64 + f64::from(SCALE_IN_PERIODS) * PERIOD_NS as f64) * 1e-9
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = group::mistakes(&self.min_capacity, &self.max_capacity, true);
        if matches!(self.metric.value, Metric::Custom { .. }) {
            let message = "a metric is tracked that falls when instances are added";
            let help = "write CpuUtilization or RequestCountPerTarget, or scale by StepScaling or Keda";
            found.push(Mistake::new(self.metric.span, message, help));
        } else if let Some(mistake) = self.metric.mistake(&self.target_value) {
            found.push(mistake);
        } else if self.target_value.value() <= 0.0 {
            found.push(Mistake::new(self.target_value.span, "a target lies above zero", "write for example \"60%\""));
        } else if matches!(self.target_value.value, Level::Share(share) if share > 1.0) {
            let message = "instances cannot use more than their cores";
            found.push(Mistake::new(self.target_value.span, message, "write at most \"100%\""));
        }
        found
    }
}

/// Timer kinds, and what a sample was asked for.
const PERIOD: u32 = 0;
const PUBLICATION: u32 = 1;

/// A policy at work.
#[derive(Clone, Debug)]
pub struct TargetTrackingNode {
    group: Group,
    datapoints: Datapoints,
    target_value: f64,
    high: Alarm,
    low: Alarm,
    disable_scale_in: bool,
    evaluations: u64,
    highs: u64,
    lows: u64,
}

/// Compiles the written form.
pub(super) fn compile(spec: &TargetTracking, wiring: &mut dyn Wiring) -> Result<TargetTrackingNode, CompileError> {
    let target = wiring.node(&spec.target);
    let target_value = spec.target_value.value();
    let delay_ns = written_ns(&spec.metric_delay, METRIC_DELAY_NS);
    let timers = [PERIOD, PUBLICATION].map(|kind| Timer { kind, data: 0 });
    let alarm = |comparison, threshold, periods| Alarm::new(comparison, threshold, periods, periods);
    Ok(TargetTrackingNode {
        group: Group {
            target,
            minimum: spec.min_capacity.value,
            maximum: spec.max_capacity.value,
            warmup_ns: written_ns(&spec.instance_warmup, INSTANCE_WARMUP_NS),
        },
        datapoints: Datapoints::new(&spec.metric, target, PERIOD_NS, delay_ns, timers, wiring),
        target_value,
        high: alarm(Comparison::GreaterThanThreshold, target_value, SCALE_OUT_PERIODS),
        low: alarm(Comparison::LessThanThreshold, target_value * SCALE_IN_SHARE, SCALE_IN_PERIODS),
        disable_scale_in: spec.disable_scale_in,
        evaluations: 0,
        highs: 0,
        lows: 0,
    })
}

impl TargetTrackingNode {
    /// Instances that would bring a load to the target.
    fn capacity(&self, load: f64) -> u32 {
        // Averages of sums do not come back to the last digit: a hair above a whole number is that number.
        (load / self.target_value - 1e-9).ceil() as u32
    }

    fn evaluate(&mut self, context: &mut Context, sample: &NodeSample) {
        let Some(datapoint) = self.datapoints.publish() else { return };
        self.high.push(datapoint);
        self.low.push(datapoint);
        let (is_high, is_low) = (self.high.is_on(), self.low.is_on());
        self.evaluations += 1;
        self.highs += u64::from(is_high);
        self.lows += u64::from(is_low);
        let load = |one: &Datapoint| one.value * f64::from(one.instances);
        let is_held = self.disable_scale_in || self.group.is_growing(context.now_ns(), sample);
        let capacity = if is_high {
            self.capacity(load(&datapoint)).max(sample.desired)
        } else if is_low && !is_held {
            self.capacity(self.low.recent().map(load).fold(0.0, f64::max)).min(sample.desired)
        } else {
            sample.desired
        };
        self.group.scale(context, sample, capacity);
    }
}

impl Node for TargetTrackingNode {
    fn start(&mut self, context: &mut Context) {
        self.datapoints.start(context);
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let node = if timer.kind == PERIOD { self.datapoints.end(context) } else { self.group.target };
        context.ask(node, Token(u64::from(timer.kind)));
    }

    fn sampled(&mut self, context: &mut Context, token: Token, sample: &NodeSample) {
        if token.0 == u64::from(PERIOD) {
            self.datapoints.keep(context, sample, &self.group);
        } else {
            self.evaluate(context, sample);
        }
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, record: &mut NodeRecord) {
        for (name, count) in [("scale_out_alarm_ratio", self.highs), ("scale_in_alarm_ratio", self.lows)] {
            record.shares.push(Share { name, numerator: count.into(), denominator: self.evaluations.into() });
        }
    }
}

impl Controller for TargetTrackingNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
