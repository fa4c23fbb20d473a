//! How many replicas one metric asks for.
//!
//! `replicas = ceil(pods * measured / target)`, unless the ratio is within a tolerance of one. What is not known of pods
//! is assumed such that it damps the change: they use all they request when replicas would go, nothing when more would
//! come. If that turns the change round, there is none.
//!
//! Source: kubernetes/kubernetes `pkg/controller/podautoscaler/replica_calculator.go`. Utilisation and averages are
//! integers and truncated before they are compared with the target; only the ratio is a floating-point number.

use std::collections::BTreeMap;

use crate::controllers::hpa::MOST_REPLICAS;
use crate::controllers::hpa::metrics::{MetricError, PodMetrics, Resource, ResourceTarget, ValueTarget};
use crate::controllers::hpa::pods::{Grace, Groups, Pod};

/// By how much a ratio may differ from one without a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerances {
    /// Above one.
    pub up: f64,
    /// Below one.
    pub down: f64,
}

impl Tolerances {
    fn allow(self, ratio: f64) -> bool {
        (1.0 - self.down..=1.0 + self.up).contains(&ratio)
    }
}

/// What was measured, as the status of the autoscaler shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Percent of the requests, truncated, if that is the target.
    pub utilization_percent: Option<i32>,
    /// The average of the pods that counted or the value of the object, in milli-units.
    pub value_milli: i64,
}

/// What one metric asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// How many replicas, whatever the bounds.
    pub replicas: u32,
    /// What that rests on, before anything was assumed of pods without metrics.
    pub measured: Measured,
}

/// What a metric that each pod reports is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodTarget {
    /// Percent of what the pods request, of all their containers or of the one at a place.
    Utilization { resource: Resource, container: Option<usize>, percent: i32 },
    /// Usage of a resource per pod, in milli-units.
    AverageUsage { resource: Resource, milli: i64 },
    /// A value that is no resource per pod, in milli-units.
    AverageValue { milli: i64 },
}

impl PodTarget {
    /// The target of a resource, of all containers or of the one at a place.
    #[must_use]
    pub fn of_resource(resource: Resource, container: Option<usize>, target: ResourceTarget) -> Self {
        match target {
            ResourceTarget::Utilization { percent } => Self::Utilization { resource, container, percent },
            ResourceTarget::AverageValue { milli } => Self::AverageUsage { resource, milli },
        }
    }

    fn resource(self) -> Option<Resource> {
        match self {
            Self::Utilization { resource, .. } | Self::AverageUsage { resource, .. } => Some(resource),
            Self::AverageValue { .. } => None,
        }
    }
}

/// Calculates proposals at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Calculator<'a> {
    /// Which ratios are close enough to one.
    pub tolerances: Tolerances,
    /// How long the CPU usage of starting pods is doubted.
    pub grace: Grace,
    /// Every pod of the set, also those that end.
    pub pods: &'a [Pod<'a>],
    /// The current time.
    pub now_ns: u64,
}

/// A target of pods with what is needed to compare usage with it.
enum Basis {
    Utilization { percent: i32, requests: BTreeMap<u64, i64> },
    AverageValue { milli: i64 },
}

impl Basis {
    /// The ratio of usage to target.
    fn ratio(&self, values: &BTreeMap<u64, i64>) -> Result<(f64, Measured), MetricError> {
        match self {
            Self::Utilization { percent, requests } => {
                let (mut used, mut requested, mut count) = (0, 0, 0);
                for (pod, value) in values {
                    // Metrics may outlive their pods.
                    let Some(request) = requests.get(pod) else { continue };
                    used += i128::from(*value);
                    requested += i128::from(*request);
                    count += 1;
                }
                if requested == 0 {
                    return Err(MetricError::OnlyFromUnknownPods);
                }
                let utilization = (used * 100 / requested).clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i32;
                let measured =
                    Measured { utilization_percent: Some(utilization), value_milli: narrowed(used / count.max(1)) };
                Ok((f64::from(utilization) / f64::from(*percent), measured))
            }
            Self::AverageValue { milli } => {
                let total: i128 = values.values().map(|value| i128::from(*value)).sum();
                let average = narrowed(total / (values.len() as i128).max(1));
                let measured = Measured { utilization_percent: None, value_milli: average };
                Ok((average as f64 / *milli as f64, measured))
            }
        }
    }

    /// What a pod without a metric is taken to use when replicas would go.
    fn assumed_milli(&self, pod: u64) -> i64 {
        match self {
            Self::Utilization { percent, requests } => {
                // Targets above 100 % would otherwise let missing pods ask for fewer replicas.
                let request = i128::from(requests.get(&pod).copied().unwrap_or(0));
                narrowed(request * i128::from((*percent).max(100)) / 100)
            }
            Self::AverageValue { milli } => *milli,
        }
    }
}

impl Calculator<'_> {
    /// The proposal of a metric that each pod reports.
    ///
    /// # Errors
    /// When no metric of a pod that counts is there, or a request that a utilisation needs.
    pub fn of_pods(
        &self,
        current_replicas: u32,
        target: PodTarget,
        metrics: &PodMetrics,
    ) -> Result<Proposal, MetricError> {
        if self.pods.is_empty() {
            return Err(MetricError::NoPods);
        }
        let groups = Groups::new(self.pods, metrics, target.resource(), self.grace, self.now_ns);
        let mut values: BTreeMap<u64, i64> = metrics.iter().map(|(pod, metric)| (*pod, metric.value_milli)).collect();
        for pod in groups.ignored.iter().chain(&groups.unready) {
            values.remove(pod);
        }
        if values.is_empty() {
            return Err(MetricError::OnlyFromUnreadyPods);
        }
        let basis = self.basis(target)?;
        let (ratio, measured) = basis.ratio(&values)?;
        let unchanged = Proposal { replicas: current_replicas, measured };
        let is_rising_with_unready = !groups.unready.is_empty() && ratio > 1.0;
        if !is_rising_with_unready && groups.missing.is_empty() {
            let replicas = rounded_up(ratio * groups.ready_count as f64);
            return Ok(if self.tolerances.allow(ratio) { unchanged } else { Proposal { replicas, measured } });
        }
        if ratio < 1.0 {
            values.extend(groups.missing.iter().map(|pod| (*pod, basis.assumed_milli(*pod))));
        } else if ratio > 1.0 {
            values.extend(groups.missing.iter().chain(&groups.unready).map(|pod| (*pod, 0)));
        }
        let (damped, _) = basis.ratio(&values)?;
        let is_turned = (ratio < 1.0 && damped > 1.0) || (ratio > 1.0 && damped < 1.0);
        if self.tolerances.allow(damped) || is_turned {
            return Ok(unchanged);
        }
        let replicas = rounded_up(damped * values.len() as f64);
        // There may be more or fewer metrics than replicas, which can turn the change round as well.
        let is_turned = (damped < 1.0 && replicas > current_replicas) || (damped > 1.0 && replicas < current_replicas);
        Ok(if is_turned { unchanged } else { Proposal { replicas, measured } })
    }

    /// The proposal of a value that belongs to no single pod.
    ///
    /// The value itself is in proportion to the pods that serve, a value per pod to the replicas in the status. From
    /// zero replicas any value above zero leads to at least one.
    ///
    /// # Errors
    /// When there are no pods though there are replicas.
    pub fn of_value(
        &self,
        current_replicas: u32,
        status_replicas: u32,
        target: ValueTarget,
        value_milli: i64,
    ) -> Result<Proposal, MetricError> {
        match target {
            ValueTarget::Value { milli } => {
                let ratio = value_milli as f64 / positive(milli)? as f64;
                let measured = Measured { utilization_percent: None, value_milli };
                if current_replicas == 0 {
                    return Ok(Proposal { replicas: rounded_up(ratio), measured });
                }
                if self.tolerances.allow(ratio) {
                    return Ok(Proposal { replicas: current_replicas, measured });
                }
                if self.pods.is_empty() {
                    return Err(MetricError::NoPods);
                }
                let serving = self.pods.iter().filter(|pod| pod.is_serving()).count();
                Ok(Proposal { replicas: rounded_up(ratio * serving as f64), measured })
            }
            ValueTarget::AverageValue { milli } => {
                let wanted = value_milli as f64 / positive(milli)? as f64;
                let ratio = value_milli as f64 / (milli as f64 * f64::from(status_replicas));
                let replicas = if self.tolerances.allow(ratio) { status_replicas } else { rounded_up(wanted) };
                // Without replicas there is nothing to divide by; `as` makes of that the largest value or zero.
                let average_milli = (value_milli as f64 / f64::from(status_replicas)).ceil() as i64;
                let measured = Measured { utilization_percent: None, value_milli: average_milli };
                Ok(Proposal { replicas, measured })
            }
        }
    }

    fn basis(&self, target: PodTarget) -> Result<Basis, MetricError> {
        match target {
            PodTarget::AverageUsage { milli, .. } | PodTarget::AverageValue { milli } => {
                Ok(Basis::AverageValue { milli: positive(milli)? })
            }
            PodTarget::Utilization { resource, container, percent } => {
                positive(i64::from(percent))?;
                // The controller asks for the requests of pods that end as well.
                let requests =
                    self.pods.iter().map(|pod| Ok((pod.identifier, pod.request_milli(resource, container)?)));
                Ok(Basis::Utilization { percent, requests: requests.collect::<Result<_, MetricError>>()? })
            }
        }
    }
}

fn positive(target: i64) -> Result<i64, MetricError> {
    if target > 0 { Ok(target) } else { Err(MetricError::TargetNotPositive) }
}

fn narrowed(wide: i128) -> i64 {
    wide.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Whole replicas, none if it is not a number.
fn rounded_up(replicas: f64) -> u32 {
    (replicas.ceil() as u32).min(MOST_REPLICAS)
}
