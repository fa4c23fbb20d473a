//! One sync of the autoscaler: several metrics, one number of replicas, and what is said about it.
//!
//! Source: kubernetes/kubernetes `pkg/controller/podautoscaler/horizontal.go`.

use crate::controllers::hpa::behavior::Bounds;
use crate::controllers::hpa::calculator::{Calculator, PodTarget, Proposal, Tolerances};
use crate::controllers::hpa::conditions::{Conditions, Reason};
use crate::controllers::hpa::limits::{Limits, State};
use crate::controllers::hpa::metrics::{DEFAULT_METRICS, Measurements, Metric, MetricError, PodMetrics};
use crate::controllers::hpa::pods::{Grace, Pod};
use crate::controllers::hpa::stabilization::{Recommendation, Recommendations};

/// By how much a ratio may differ from one without a change, unless told otherwise.
pub const DEFAULT_TOLERANCE: f64 = 0.1;

/// An autoscaler as written, with the options of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Autoscaler {
    /// What is held at which target; if empty, CPU at 80 % of the requests.
    pub metrics: Vec<Metric>,
    /// The fewest and the most replicas.
    pub bounds: Bounds,
    /// How fast replicas may come and go.
    pub limits: Limits,
    /// By how much a ratio may differ from one, where the limits say nothing about it.
    pub tolerance: f64,
    /// How long the CPU usage of starting pods is doubted.
    pub grace: Grace,
}

/// What is seen of the target of an autoscaler.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// How many replicas it is to have.
    pub specified_replicas: u32,
    /// How many replicas it has.
    pub status_replicas: u32,
    /// Every pod of the target, also those that end.
    pub pods: &'a [Pod<'a>],
}

/// What came of one sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many replicas the target is to have from now on.
    pub desired_replicas: u32,
    /// The metric that decided, by its place, if metrics decided.
    pub winner: Option<usize>,
    /// What each metric proposed; empty if none was asked.
    pub proposals: Vec<Result<Proposal, MetricError>>,
    /// What the autoscaler says about itself.
    pub conditions: Conditions,
}

impl Autoscaler {
    /// One sync. The caller gives the target as many replicas as the outcome says.
    pub fn reconcile(
        &self,
        state: &mut State,
        target: Target,
        measurements: &dyn Measurements,
        now_ns: u64,
    ) -> Outcome {
        let current = target.specified_replicas;
        state.conditions.set_able(Reason::SucceededGetScale);
        state.recommendations.get_or_insert_with(|| {
            Recommendations::new(vec![Recommendation { replicas: current, timestamp_ns: now_ns }])
        });
        let (mut winner, mut proposals) = (None, Vec::new());
        let desired_replicas = if current == 0 && self.bounds.minimum != 0 {
            state.conditions.set_active(false, Reason::ScalingDisabled);
            current
        } else if current > self.bounds.maximum {
            self.bounds.maximum
        } else if current < self.bounds.minimum {
            self.bounds.minimum
        } else {
            proposals = self.proposals(target, measurements, now_ns);
            let (largest, active) = self.decide(current, &proposals);
            state.conditions.set_active(largest.is_some(), active);
            winner = largest.map(|(place, _)| place);
            largest.map_or(current, |(_, desired)| self.limits.apply(state, current, desired, self.bounds, now_ns))
        };
        if desired_replicas != current {
            state.conditions.set_able(Reason::SucceededRescale);
            self.limits.record(&mut state.changes, current, desired_replicas, now_ns);
        }
        Outcome { desired_replicas, winner, proposals, conditions: state.conditions }
    }

    fn metrics(&self) -> &[Metric] {
        if self.metrics.is_empty() { DEFAULT_METRICS } else { &self.metrics }
    }

    /// By which share a ratio may differ from one without a change.
    pub fn tolerances(&self) -> Tolerances {
        let (up, down) = match &self.limits {
            Limits::Behavior(behavior) => (behavior.up.tolerance, behavior.down.tolerance),
            Limits::Legacy(_) => (None, None),
        };
        Tolerances { up: up.unwrap_or(self.tolerance), down: down.unwrap_or(self.tolerance) }
    }

    fn proposals(
        &self,
        target: Target,
        measurements: &dyn Measurements,
        now_ns: u64,
    ) -> Vec<Result<Proposal, MetricError>> {
        let calculator = Calculator { tolerances: self.tolerances(), grace: self.grace, pods: target.pods, now_ns };
        let metrics = self.metrics().iter();
        metrics.map(|metric| propose(metric, &calculator, target, measurements)).collect()
    }

    /// The largest proposal with its place, or nothing if a metric that failed might have asked for more; and why.
    fn decide(&self, current: u32, proposals: &[Result<Proposal, MetricError>]) -> (Option<(usize, u32)>, Reason) {
        let mut largest: Option<(usize, u32)> = None;
        let mut failure = None;
        for (place, (metric, proposal)) in self.metrics().iter().zip(proposals).enumerate() {
            match proposal {
                // Of equal proposals the first wins, but none at all wins over nothing.
                Ok(proposal) if largest.is_none_or(|(_, most)| most == 0 || proposal.replicas > most) => {
                    largest = Some((place, proposal.replicas));
                }
                Ok(_) => {}
                Err(_) => failure = failure.or(Some(reason_of_failure(metric))),
            }
        }
        match failure {
            Some(reason) if largest.is_none_or(|(_, most)| most < current) => (None, reason),
            _ => (largest, Reason::ValidMetricFound),
        }
    }
}

/// What one metric asks for.
fn propose(
    metric: &Metric,
    calculator: &Calculator,
    target: Target,
    measurements: &dyn Measurements,
) -> Result<Proposal, MetricError> {
    let Target { specified_replicas: current, status_replicas: status, .. } = target;
    match metric {
        Metric::Resource { resource, target } => {
            let usage = pod_metrics(format!("metrics for resource {resource}"), "resource", || {
                measurements.resource_usage(*resource, None)
            })?;
            calculator.of_pods(current, PodTarget::of_resource(*resource, None, *target), &usage)
        }
        Metric::ContainerResource { resource, container, target } => {
            let wanted = format!("metrics for resource {resource} of container {container}");
            let usage = pod_metrics(wanted, "resource", || measurements.resource_usage(*resource, Some(*container)))?;
            calculator.of_pods(current, PodTarget::of_resource(*resource, Some(*container), *target), &usage)
        }
        Metric::Pods { name, average_value_milli } => {
            let values = pod_metrics(format!("metric {name}"), "custom", || measurements.pod_values(name))?;
            calculator.of_pods(current, PodTarget::AverageValue { milli: *average_value_milli }, &values)
        }
        Metric::Object { name, target } => {
            let unavailable = |cause| MetricError::Unavailable { wanted: format!("metric {name}"), cause };
            let value = measurements.object_value(name).map_err(unavailable)?;
            calculator.of_value(current, status, *target, value)
        }
        Metric::External { name, target } => {
            let unavailable = |cause| MetricError::Unavailable { wanted: format!("external metric {name}"), cause };
            let values = measurements.external_values(name).map_err(unavailable)?;
            if values.is_empty() {
                return Err(unavailable(nothing_from("external")));
            }
            calculator.of_value(current, status, *target, values.into_iter().fold(0, i64::saturating_add))
        }
    }
}

/// Metrics of pods, none of which is an error.
fn pod_metrics(
    wanted: String,
    interface: &str,
    get: impl FnOnce() -> Result<PodMetrics, String>,
) -> Result<PodMetrics, MetricError> {
    match get() {
        Ok(metrics) if !metrics.is_empty() => Ok(metrics),
        Ok(_) => Err(MetricError::Unavailable { wanted, cause: nothing_from(interface) }),
        Err(cause) => Err(MetricError::Unavailable { wanted, cause }),
    }
}

fn nothing_from(interface: &str) -> String {
    format!("no metrics returned from {interface} metrics API")
}

fn reason_of_failure(metric: &Metric) -> Reason {
    match metric {
        Metric::Resource { .. } => Reason::FailedGetResourceMetric,
        Metric::ContainerResource { .. } => Reason::FailedGetContainerResourceMetric,
        Metric::Pods { .. } => Reason::FailedGetPodsMetric,
        Metric::Object { .. } => Reason::FailedGetObjectMetric,
        Metric::External { .. } => Reason::FailedGetExternalMetric,
    }
}
