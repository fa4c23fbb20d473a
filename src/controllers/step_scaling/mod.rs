//! Step scaling: instances that are added and removed in steps, by how far a metric lies beyond an alarm's threshold.
//!
//! # How it works
//!
//! ```text
//! every period of an alarm: the value of the metric, seen metric_delay later
//! alarm: the step in whose bounds (value - threshold) lies adjusts the capacity; again with each period that it lasts
//!   out: from the instances that have warmed up, so that those on their way are not asked for twice
//!   in:  from all, and not while a scale-out is in progress; the policy that leaves the most decides
//! with cooldown: out again only beyond what the last step asked for, in again only afterwards
//! ```
//!
//! Source: the user guides of EC2 Auto Scaling (step adjustments, instance warm-up) and, for `cooldown`, of Application Auto
//! Scaling, which scales ECS services.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the service to scale |
//! | `min_capacity` | | | the fewest instances |
//! | `max_capacity` | | | the most |
//! | `policies` | | | `(alarm, adjustment_type, steps, min_adjustment_magnitude)`, out and in |
//! | `instance_warmup` | time | 5 min | from being ready until an instance counts |
//! | `cooldown` | time | none | instead of it: after each change |
//! | `metric_delay` | time | 1 min | until the value of a period can be seen |
//!
//! # When it helps, when it hurts
//!
//! Large steps answer a surge at once, and any metric will do, such as the length of a queue. Thresholds and steps fit one
//! load; between two alarms that are too close it goes back and forth.
//!
//! # Law
//!
//! While an alarm lasts, the capacity does not go beyond one step from the instances that have warmed up.

mod adjustment;

pub use adjustment::{AdjustmentType, Step};

use serde::Deserialize;

use crate::controllers::parts::alarm::{Alarm, Comparison};
use crate::controllers::parts::clock::{self, written_ns};
use crate::controllers::parts::datapoints::{Datapoints, METRIC_DELAY_NS, Metric};
use crate::controllers::parts::group::{self, Group, INSTANCE_WARMUP_NS};
use crate::controllers::parts::level::Level;
use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::control::{NodeSample, Phase};
use crate::engine::record::{NodeRecord, Share};
use crate::engine::{Evidence, Node, Timer, Token};
use crate::techniques::parts::signal::{Bound, Bounds, Look};
use crate::techniques::technique::{CompileError, Controller, ControllerSpec, Mistake, Reference, Wiring};
use crate::units::Duration;

const PERIOD_NS: u64 = 60_000_000_000;
/// What an alarm may look back over.
const LONGEST_EVALUATION_NS: u64 = 86_400_000_000_000;

/// Policies as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepScaling {
    pub target: Spanned<String>,
    pub min_capacity: Spanned<u32>,
    pub max_capacity: Spanned<u32>,
    pub policies: Spanned<Vec<Policy>>,
    #[serde(default)]
    pub instance_warmup: Option<Spanned<Duration>>,
    #[serde(default)]
    pub cooldown: Option<Spanned<Duration>>,
    #[serde(default)]
    pub metric_delay: Option<Spanned<Duration>>,
}

/// What one alarm does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub alarm: WrittenAlarm,
    pub adjustment_type: AdjustmentType,
    pub steps: Spanned<Vec<Step>>,
    #[serde(default)]
    pub min_adjustment_magnitude: Option<Spanned<u32>>,
}

/// An alarm as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename = "Alarm", deny_unknown_fields)]
pub struct WrittenAlarm {
    pub metric: Metric,
    pub threshold: Spanned<Level>,
    pub comparison: Comparison,
    #[serde(default)]
    pub period: Option<Spanned<Duration>>,
    #[serde(default)]
    pub evaluation_periods: Option<Spanned<u32>>,
    /// All of them, if left out.
    #[serde(default)]
    pub datapoints_to_alarm: Option<Spanned<u32>>,
}

impl WrittenAlarm {
    fn period_ns(&self) -> u64 {
        written_ns(&self.period, PERIOD_NS)
    }

    fn periods(&self) -> u32 {
        self.evaluation_periods.as_ref().map_or(1, |periods| periods.value)
    }

    fn datapoints(&self) -> u32 {
        self.datapoints_to_alarm.as_ref().map_or(self.periods(), |datapoints| datapoints.value)
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found: Vec<Mistake> = self.metric.mistake(&self.threshold).into_iter().collect();
        found.extend(self.period.iter().filter_map(clock::mistake));
        let looks_back_ns = u64::from(self.periods()).saturating_mul(self.period_ns());
        if let Some(periods) = &self.evaluation_periods
            && (periods.value == 0 || looks_back_ns > LONGEST_EVALUATION_NS)
        {
            let message = "an alarm looks at one period or more, and back over a day at most";
            found.push(Mistake::new(periods.span, message, "write for example evaluation_periods: 3"));
        }
        let datapoints = self.datapoints_to_alarm.as_ref();
        if let Some(datapoints) = datapoints.filter(|datapoints| !(1..=self.periods()).contains(&datapoints.value)) {
            let message = format!("{} of {} periods never breach", datapoints.value, self.periods());
            let message =
                if datapoints.value == 0 { "an alarm without a breach says nothing".to_owned() } else { message };
            found.push(Mistake::new(datapoints.span, message, "write between 1 and evaluation_periods"));
        }
        found
    }
}

impl Policy {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = self.alarm.mistakes();
        found.extend(adjustment::mistakes(
            &self.steps,
            self.adjustment_type,
            matches!(self.alarm.threshold.value, Level::Share(_)),
        ));
        let is_percent = self.adjustment_type == AdjustmentType::PercentChangeInCapacity;
        if let Some(magnitude) = self.min_adjustment_magnitude.as_ref().filter(|_| !is_percent) {
            let message = "min_adjustment_magnitude belongs to a change in percent";
            found.push(Mistake::new(magnitude.span, message, "leave it out, or write PercentChangeInCapacity"));
        }
        found
    }
}

impl ControllerSpec for StepScaling {
    fn kind(&self) -> &'static str {
        "StepScaling"
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.policies.iter().filter_map(|policy| policy.alarm.metric.reference()).collect()
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

    fn looks(&self) -> Vec<Look<'_>> {
        self.policies.iter().filter_map(|policy| policy.alarm.metric.look()).collect()
    }

    fn settling_s(&self) -> f64 {
        let looks_back = |policy: &Policy| f64::from(policy.alarm.periods()) * policy.alarm.period_ns() as f64;
        let pause_ns = written_ns(&self.cooldown, written_ns(&self.instance_warmup, INSTANCE_WARMUP_NS));
        let once_ns = pause_ns as f64 + self.policies.iter().map(looks_back).fold(0.0, f64::max);
        // From one bound to the other in the largest steps, and back.
        let range = self.max_capacity.value.saturating_sub(self.min_capacity.value);
        let steps = |policy: &Policy| {
            let is_count = policy.adjustment_type == AdjustmentType::ChangeInCapacity;
            let largest = policy.steps.iter().map(|step| step.adjustment.unsigned_abs()).max().unwrap_or(1);
            if is_count { range.div_ceil(largest.max(1)) } else { 2 }
        };
        once_ns * f64::from(self.policies.iter().map(steps).fold(0, u32::saturating_add).max(1)) * 1e-9
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let is_measured = |policy: &Policy| policy.alarm.metric.reference().is_none();
        let mut found = group::mistakes(&self.min_capacity, &self.max_capacity, self.policies.iter().all(is_measured));
        if self.policies.is_empty() {
            found.push(Mistake::new(self.policies.span, "without policies nothing changes", "add one out and one in"));
        }
        found.extend(self.policies.iter().flat_map(Policy::mistakes));
        if let (Some(_), Some(cooldown)) = (&self.instance_warmup, &self.cooldown) {
            let message = "a change is followed either by a warm-up of its instances or by a cooldown";
            found.push(Mistake::new(cooldown.span, message, "leave instance_warmup or cooldown out"));
        }
        found
    }
}

/// A policy at work.
#[derive(Clone, Debug)]
struct Steps {
    datapoints: Datapoints,
    alarm: Alarm,
    is_upward: bool,
    adjustment_type: AdjustmentType,
    steps: Vec<Step>,
    min_adjustment_magnitude: u32,
    evaluations: u64,
    alarms: u64,
}

/// The last change of each direction, while changes are followed by a cooldown.
#[derive(Clone, Copy, Debug)]
struct Cooldown {
    period_ns: u64,
    /// When, and the capacity before.
    last_out: Option<(u64, u32)>,
    last_in_ns: Option<u64>,
}

/// All policies of a group at work.
#[derive(Clone, Debug)]
pub struct StepScalingNode {
    group: Group,
    policies: Vec<Steps>,
    cooldown: Option<Cooldown>,
}

/// Timer kinds, and what a sample was asked for; the data is the place of the policy.
const PERIOD: u32 = 0;
const PUBLICATION: u32 = 1;

/// Compiles the written form.
pub(super) fn compile(spec: &StepScaling, wiring: &mut dyn Wiring) -> Result<StepScalingNode, CompileError> {
    let target = wiring.node(&spec.target);
    let delay_ns = written_ns(&spec.metric_delay, METRIC_DELAY_NS);
    let mut policies = Vec::new();
    for (place, Policy { alarm, adjustment_type, steps, min_adjustment_magnitude }) in (0..).zip(spec.policies.iter()) {
        let timers = [PERIOD, PUBLICATION].map(|kind| Timer { kind, data: place });
        policies.push(Steps {
            datapoints: Datapoints::new(&alarm.metric, target, alarm.period_ns(), delay_ns, timers, wiring),
            alarm: Alarm::new(alarm.comparison, alarm.threshold.value(), alarm.datapoints(), alarm.periods()),
            is_upward: alarm.comparison.is_upward(),
            adjustment_type: *adjustment_type,
            steps: steps.value.clone(),
            min_adjustment_magnitude: min_adjustment_magnitude.as_ref().map_or(0, |magnitude| magnitude.value),
            evaluations: 0,
            alarms: 0,
        });
    }
    let cooldown =
        spec.cooldown.as_ref().map(|cooldown| Cooldown { period_ns: cooldown.ns, last_out: None, last_in_ns: None });
    // What follows a change is the cooldown, if there is one.
    let warmup_ns = if cooldown.is_some() { 0 } else { written_ns(&spec.instance_warmup, INSTANCE_WARMUP_NS) };
    let group = Group { target, minimum: spec.min_capacity.value, maximum: spec.max_capacity.value, warmup_ns };
    Ok(StepScalingNode { group, policies, cooldown })
}

impl Steps {
    /// The capacity that this policy wants in place of another, while its alarm is on and a step fits.
    fn capacity(&self, base: u32) -> Option<u32> {
        let value = self.alarm.recent().next_back().filter(|_| self.alarm.is_on())?.value;
        let beyond = value - self.alarm.threshold;
        let step = self.steps.iter().find(|step| step.contains(beyond, self.is_upward))?;
        Some(self.adjustment_type.apply(base, step.adjustment, self.min_adjustment_magnitude))
    }
}

impl Cooldown {
    fn is_over(&self, now_ns: u64, since_ns: Option<u64>) -> bool {
        since_ns.is_none_or(|since_ns| since_ns.saturating_add(self.period_ns) <= now_ns)
    }
}

impl StepScalingNode {
    /// What a step out starts from, what a step in starts from, and whether there may be one.
    fn bases(&self, now_ns: u64, sample: &NodeSample) -> (u32, u32, bool) {
        match &self.cooldown {
            None => {
                let ending = sample.replicas.iter().filter(|replica| replica.phase == Phase::Draining).count() as u32;
                let warm = self.group.warm(now_ns, sample).min(sample.desired);
                (warm, sample.desired.saturating_add(ending), !self.group.is_growing(now_ns, sample))
            }
            Some(cooldown) => {
                let is_out_over = cooldown.is_over(now_ns, cooldown.last_out.map(|(time_ns, _)| time_ns));
                let before = cooldown.last_out.filter(|_| !is_out_over).map_or(sample.desired, |(_, before)| before);
                (before, sample.desired, is_out_over && cooldown.is_over(now_ns, cooldown.last_in_ns))
            }
        }
    }

    fn evaluate(&mut self, context: &mut Context, place: usize, sample: &NodeSample) {
        let now_ns = context.now_ns();
        let Some(policy) = self.policies.get_mut(place) else { return };
        let Some(datapoint) = policy.datapoints.publish() else { return };
        policy.alarm.push(datapoint);
        policy.evaluations += 1;
        policy.alarms += u64::from(policy.alarm.is_on());
        let (base_out, base_in, may_go_in) = self.bases(now_ns, sample);
        let policy = &self.policies[place];
        let desired = sample.desired;
        let out = policy.capacity(base_out).filter(|capacity| *capacity > desired);
        // Of several policies the one counts that leaves the most.
        let others = self.policies.iter().filter_map(|policy| policy.capacity(base_in)).max();
        let fewer = policy.capacity(base_in).filter(|_| may_go_in).and(others).filter(|capacity| *capacity < desired);
        let capacity = out.or(fewer).unwrap_or(desired);
        if self.group.scale(context, sample, capacity)
            && let Some(cooldown) = &mut self.cooldown
        {
            if capacity > desired {
                cooldown.last_out = Some((now_ns, base_out));
            } else {
                cooldown.last_in_ns = Some(now_ns);
            }
        }
    }
}

impl Node for StepScalingNode {
    fn start(&mut self, context: &mut Context) {
        self.policies.iter().for_each(|policy| policy.datapoints.start(context));
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let Some(policy) = self.policies.get(timer.data as usize) else { return };
        let node = if timer.kind == PERIOD { policy.datapoints.end(context) } else { self.group.target };
        context.ask(node, Token(timer.data << 1 | u64::from(timer.kind)));
    }

    fn sampled(&mut self, context: &mut Context, token: Token, sample: &NodeSample) {
        let place = (token.0 >> 1) as usize;
        if token.0 & 1 == u64::from(PUBLICATION) {
            return self.evaluate(context, place, sample);
        }
        if let Some(policy) = self.policies.get_mut(place) {
            policy.datapoints.keep(context, sample, &self.group);
        }
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, record: &mut NodeRecord) {
        let sum = |count: fn(&Steps) -> u64| self.policies.iter().map(count).sum::<u64>().into();
        record.shares.push(Share {
            name: "alarm_ratio",
            numerator: sum(|policy| policy.alarms),
            denominator: sum(|policy| policy.evaluations),
        });
    }
}

impl Controller for StepScalingNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
