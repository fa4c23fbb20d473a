//! A HorizontalPodAutoscaler as written in a model: fields as in `autoscaling/v2`, options as of the cluster.

use serde::Deserialize;

use crate::controllers::hpa::behavior::{self, Behavior, Change, Policy, Rules, Select};
use crate::controllers::hpa::legacy::Legacy;
use crate::controllers::hpa::limits::Limits;
use crate::controllers::hpa::metrics::{self, ResourceTarget, ValueTarget};
use crate::controllers::hpa::milli;
use crate::controllers::hpa::pods::Grace;
use crate::controllers::hpa::reconcile::{Autoscaler, DEFAULT_TOLERANCE};
use crate::controllers::hpa::settling::settling_ns;
use crate::controllers::hpa::sync::SYNC_PERIOD_NS;
use crate::controllers::parts::bounds;
use crate::controllers::parts::clock::{self, written_ns};
use crate::controllers::parts::signal::Signal;
use crate::diagnostic::span::{Span, Spanned};
use crate::techniques::parts::signal::{Bound, Bounds, Goal, Look, Resource, Usage};
use crate::techniques::technique::{ControllerSpec, Mistake, Reference};
use crate::units::{Bytes, Duration, Ratio};

const HOUR_NS: u64 = 3_600_000_000_000;
/// The longest period of a policy, and the longest stabilization window, that the API server accepts.
const LONGEST_PERIOD_NS: u64 = HOUR_NS / 2;
const LONGEST_WINDOW_NS: u64 = HOUR_NS;

/// The autoscaler and the pipeline that brings it its metrics.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HorizontalPodAutoscaler {
    pub target: Spanned<String>,
    #[serde(default)]
    pub min_replicas: Option<Spanned<u32>>,
    pub max_replicas: Spanned<u32>,
    #[serde(default)]
    pub metrics: Spanned<Vec<Spanned<Metric>>>,
    #[serde(default)]
    pub behavior: Option<WrittenBehavior>,
    #[serde(default)]
    pub tolerance: Option<Spanned<Ratio>>,
    #[serde(default)]
    pub sync_period: Option<Spanned<Duration>>,
    #[serde(default)]
    pub cpu_initialization_period: Option<Spanned<Duration>>,
    #[serde(default)]
    pub initial_readiness_delay: Option<Spanned<Duration>>,
    #[serde(default)]
    pub metric_resolution: Option<Spanned<Duration>>,
    #[serde(default)]
    pub scrape_interval: Option<Spanned<Duration>>,
}

/// What is held at which target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Metric {
    /// What the pods of the target use of a resource.
    Resource { name: Resource, target: TargetOf<ResourceAverage> },
    /// What one container of each pod uses of a resource.
    ContainerResource { name: Resource, container: Spanned<String>, target: TargetOf<ResourceAverage> },
    /// A value of each pod of the target, held at this average.
    Pods { metric: Spanned<Signal>, average_value: Spanned<f64> },
    /// A value of another object of the cluster.
    Object { described_object: Spanned<String>, metric: Spanned<Signal>, target: TargetOf<f64> },
    /// A value from outside the cluster.
    External { source: Spanned<String>, metric: Spanned<Signal>, target: TargetOf<f64> },
}

/// What a metric is compared with.
#[derive(Clone, Debug, Deserialize)]
pub enum TargetOf<A> {
    /// Share of what the pods request.
    Utilization(Spanned<Ratio>),
    /// The value itself.
    Value(Spanned<f64>),
    /// The value for each replica.
    AverageValue(Spanned<A>),
}

/// Cores or bytes of each replica.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ResourceAverage {
    Cores(f64),
    Bytes(Bytes),
}

/// How fast replicas come and go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename = "Behavior", deny_unknown_fields)]
pub struct WrittenBehavior {
    #[serde(default)]
    pub scale_up: Option<Spanned<WrittenRules>>,
    #[serde(default)]
    pub scale_down: Option<Spanned<WrittenRules>>,
}

/// The rules of one direction; what is left out is as it is by default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename = "Rules", deny_unknown_fields)]
pub struct WrittenRules {
    #[serde(default)]
    pub stabilization_window: Option<Spanned<Duration>>,
    #[serde(default)]
    pub select_policy: Option<SelectPolicy>,
    #[serde(default)]
    pub policies: Option<Spanned<Vec<Spanned<WrittenPolicy>>>>,
    #[serde(default)]
    pub tolerance: Option<Spanned<Ratio>>,
}

/// Which policy counts of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SelectPolicy {
    Max,
    Min,
    Disabled,
}

/// So many at most within a period.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum WrittenPolicy {
    Pods { value: u32, period: Duration },
    Percent { value: u32, period: Duration },
}

impl HorizontalPodAutoscaler {
    fn minimum(&self) -> u32 {
        self.min_replicas.as_ref().map_or(1, |replicas| replicas.value)
    }

    /// The algorithm with these parameters. A metric is named by its place in the list; `container` tells the place of a
    /// container of the target.
    pub fn autoscaler(&self, container: &dyn Fn(&str) -> usize) -> Autoscaler {
        let grace = Grace::default();
        Autoscaler {
            metrics: self.metrics.iter().enumerate().map(|(place, metric)| metric.compiled(place, container)).collect(),
            bounds: behavior::Bounds { minimum: self.minimum(), maximum: self.max_replicas.value },
            limits: WrittenBehavior::limits(self.behavior.as_ref()),
            tolerance: self.tolerance.as_ref().map_or(DEFAULT_TOLERANCE, |tolerance| tolerance.value.value),
            grace: Grace {
                cpu_initialization_period_ns: written_ns(
                    &self.cpu_initialization_period,
                    grace.cpu_initialization_period_ns,
                ),
                initial_readiness_delay_ns: written_ns(&self.initial_readiness_delay, grace.initial_readiness_delay_ns),
            },
        }
    }
}

fn rules(written: Option<&Spanned<WrittenRules>>, default: Rules) -> Rules {
    let Some(written) = written else { return default };
    let compiled = |policy: &Spanned<WrittenPolicy>| match policy.value {
        WrittenPolicy::Pods { value, period } => Policy { change: Change::Pods(value), period_ns: period.ns },
        WrittenPolicy::Percent { value, period } => Policy { change: Change::Percent(value), period_ns: period.ns },
    };
    Rules {
        stabilization_ns: written.stabilization_window.as_ref().map_or(default.stabilization_ns, |window| window.ns),
        select: match written.select_policy {
            None | Some(SelectPolicy::Max) => Select::Max,
            Some(SelectPolicy::Min) => Select::Min,
            Some(SelectPolicy::Disabled) => Select::Disabled,
        },
        policies: match &written.policies {
            Some(policies) => policies.iter().map(compiled).collect(),
            None => default.policies,
        },
        tolerance: written.tolerance.as_ref().map(|tolerance| tolerance.value.value),
    }
}

impl Resource {
    fn compiled(self) -> metrics::Resource {
        match self {
            Self::Cpu => metrics::Resource::Cpu,
            Self::Memory => metrics::Resource::Memory,
        }
    }
}

impl TargetOf<ResourceAverage> {
    fn compiled(&self) -> ResourceTarget {
        match self {
            Self::Utilization(ratio) => {
                ResourceTarget::Utilization { percent: (ratio.value.value * 100.0).round() as i32 }
            }
            Self::Value(value) => ResourceTarget::AverageValue { milli: milli(value.value) },
            Self::AverageValue(average) => ResourceTarget::AverageValue {
                milli: match average.value {
                    ResourceAverage::Cores(cores) => milli(cores),
                    ResourceAverage::Bytes(bytes) => milli(bytes.bytes as f64),
                },
            },
        }
    }
}

impl Metric {
    /// The quantity of a node that it is; `target` is whose pods are meant.
    fn look<'a>(&'a self, target: &'a Spanned<String>) -> Option<Look<'a>> {
        let (node, metric, wakes) = match self {
            Self::Resource { .. } | Self::ContainerResource { .. } => return None,
            Self::Pods { metric, .. } => (target, metric, false),
            Self::Object { described_object: source, metric, .. } | Self::External { source, metric, .. } => {
                (source, metric, true)
            }
        };
        Some(Look { node, signal: metric.value, span: metric.span, wakes })
    }

    /// The resource at the level that it is to have.
    fn goal(&self, tolerance: f64) -> Option<Goal> {
        let Self::Resource { name, target } = self else { return None };
        let (span, level) = match target {
            TargetOf::Utilization(ratio) => (ratio.span, Usage::Share(ratio.value.value)),
            TargetOf::AverageValue(average) => match average.value {
                ResourceAverage::Cores(cores) => (average.span, Usage::Cores(cores)),
                ResourceAverage::Bytes(bytes) => (average.span, Usage::Bytes(bytes.bytes)),
            },
            TargetOf::Value(_) => return None,
        };
        Some(Goal { resource: *name, span, level, tolerance })
    }

    fn compiled(&self, place: usize, container_of: &dyn Fn(&str) -> usize) -> metrics::Metric {
        let name = place.to_string();
        let value = |target: &TargetOf<f64>| match target {
            TargetOf::Utilization(ratio) => ValueTarget::Value { milli: milli(ratio.value.value) },
            TargetOf::Value(value) => ValueTarget::Value { milli: milli(value.value) },
            TargetOf::AverageValue(value) => ValueTarget::AverageValue { milli: milli(value.value) },
        };
        match self {
            Self::Resource { name, target } => {
                metrics::Metric::Resource { resource: name.compiled(), target: target.compiled() }
            }
            Self::ContainerResource { name, container, target } => metrics::Metric::ContainerResource {
                resource: name.compiled(),
                container: container_of(container),
                target: target.compiled(),
            },
            Self::Pods { average_value, .. } => {
                metrics::Metric::Pods { name, average_value_milli: milli(average_value.value) }
            }
            Self::Object { target, .. } => metrics::Metric::Object { name, target: value(target) },
            Self::External { target, .. } => metrics::Metric::External { name, target: value(target) },
        }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let above_zero = |found: &mut Vec<Mistake>, value: f64, span: Span| {
            if !(value.is_finite() && (0.001..1e15).contains(&value)) {
                found.push(Mistake::new(span, "a target lies above zero", "write for example 10"));
            }
        };
        match self {
            Self::Resource { name, target } | Self::ContainerResource { name, target, .. } => match target {
                TargetOf::Utilization(ratio) => {
                    let percent = ratio.value.value * 100.0;
                    if !(percent.round() >= 1.0 && (percent - percent.round()).abs() < 1e-6 && percent < 1e6) {
                        let message = "a target utilization is a whole number of percent above zero";
                        found.push(Mistake::new(ratio.span, message, "write for example Utilization(\"70%\")"));
                    }
                }
                TargetOf::Value(value) => {
                    let help = "write Utilization(\"70%\"), or AverageValue(Cores(0.5))";
                    found.push(Mistake::new(value.span, "a resource has no value of its own", help));
                }
                TargetOf::AverageValue(average) => match (name, &average.value) {
                    (Resource::Cpu, ResourceAverage::Cores(cores)) => above_zero(&mut found, *cores, average.span),
                    (Resource::Memory, ResourceAverage::Bytes(bytes)) => {
                        above_zero(&mut found, bytes.bytes as f64, average.span)
                    }
                    (Resource::Cpu, ResourceAverage::Bytes(_)) => {
                        let help = "write AverageValue(Cores(0.5))";
                        found.push(Mistake::new(average.span, "cpu is not measured in bytes", help));
                    }
                    (Resource::Memory, ResourceAverage::Cores(_)) => {
                        let help = "write AverageValue(Bytes(\"500MiB\"))";
                        found.push(Mistake::new(average.span, "memory is not measured in cores", help));
                    }
                },
            },
            Self::Pods { average_value, .. } => above_zero(&mut found, average_value.value, average_value.span),
            Self::Object { target, .. } | Self::External { target, .. } => match target {
                TargetOf::Value(value) | TargetOf::AverageValue(value) => {
                    above_zero(&mut found, value.value, value.span)
                }
                TargetOf::Utilization(ratio) => {
                    let help = "write Value(100) or AverageValue(10)";
                    found.push(Mistake::new(
                        ratio.span,
                        "only resources are requested, and so have a utilization",
                        help,
                    ));
                }
            },
        }
        found
    }
}

impl ControllerSpec for HorizontalPodAutoscaler {
    fn kind(&self) -> &'static str {
        "HorizontalPodAutoscaler"
    }

    fn references(&self) -> Vec<Reference<'_>> {
        let named = self.metrics.iter().filter_map(|metric| match &metric.value {
            Metric::Object { described_object: source, .. } | Metric::External { source, .. } => Some(source),
            Metric::Resource { .. } | Metric::ContainerResource { .. } | Metric::Pods { .. } => None,
        });
        named.map(Reference::Any).collect()
    }

    fn containers(&self) -> Vec<&Spanned<String>> {
        let named = self.metrics.iter().filter_map(|metric| match &metric.value {
            Metric::ContainerResource { container, .. } => Some(container),
            _ => None,
        });
        named.collect()
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        vec![&self.target]
    }

    fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            fewest: Bound { field: "min_replicas", replicas: self.minimum() },
            most: Bound { field: "max_replicas", replicas: self.max_replicas.value },
        })
    }

    fn settling_s(&self) -> f64 {
        let autoscaler = self.autoscaler(&|_| 0);
        let sync_ns = written_ns(&self.sync_period, SYNC_PERIOD_NS);
        settling_ns(&autoscaler.limits, autoscaler.bounds, sync_ns) as f64 * 1e-9
    }

    fn looks(&self) -> Vec<Look<'_>> {
        self.metrics.iter().filter_map(|metric| metric.look(&self.target)).collect()
    }

    fn goals(&self) -> Vec<Goal> {
        let tolerance = self.autoscaler(&|_| 0).tolerances().up;
        let of_metrics = self.metrics.iter().filter_map(|metric| metric.goal(tolerance));
        // Without metrics it is CPU at 80%, which stands nowhere.
        let usual = Goal { resource: Resource::Cpu, span: Span::default(), level: Usage::Share(0.8), tolerance };
        of_metrics.chain(Some(usual).filter(|_| self.metrics.is_empty())).collect()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        found.extend(bounds::mistakes(
            ("min_replicas", self.min_replicas.as_ref(), 1),
            ("max_replicas", Some(&self.max_replicas), 0),
        ));
        for metric in self.metrics.iter() {
            found.extend(metric.mistakes());
        }
        let from_outside =
            |metric: &Spanned<Metric>| matches!(metric.value, Metric::Object { .. } | Metric::External { .. });
        if let Some(replicas) = self.min_replicas.as_ref().filter(|replicas| replicas.value == 0)
            && !self.metrics.iter().any(from_outside)
        {
            let message = "without pods nothing could be measured that brings them back";
            found.push(Mistake::new(replicas.span, message, "write 1 or more, or add an Object or External metric"));
        }
        found.extend(self.behavior.iter().flat_map(WrittenBehavior::mistakes));
        let periods = [&self.sync_period, &self.metric_resolution, &self.scrape_interval];
        found.extend(periods.into_iter().flatten().filter_map(clock::mistake));
        found
    }
}

impl WrittenBehavior {
    /// What limits the changes, if this is written or nothing is.
    pub fn limits(written: Option<&Self>) -> Limits {
        let Some(Self { scale_up, scale_down }) = written else { return Limits::Legacy(Legacy::default()) };
        Limits::Behavior(Behavior {
            up: rules(scale_up.as_ref(), Rules::default_up()),
            down: rules(scale_down.as_ref(), Rules::default_down()),
        })
    }

    /// Mistakes in the rules of both directions.
    pub fn mistakes(&self) -> Vec<Mistake> {
        self.scale_up.iter().chain(&self.scale_down).flat_map(|rules| rules.mistakes()).collect()
    }
}

impl WrittenRules {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if let Some(window) = self.stabilization_window.as_ref().filter(|window| window.ns > LONGEST_WINDOW_NS) {
            let message = "a stabilization window is at most an hour";
            found.push(Mistake::new(window.span, message, "write for example \"5m\""));
        }
        if let Some(policies) = self.policies.as_ref().filter(|policies| policies.is_empty()) {
            let message = "without a policy nothing may change";
            found.push(Mistake::new(policies.span, message, "write select_policy: Disabled, or leave policies out"));
        }
        for policy in self.policies.iter().flat_map(|policies| policies.iter()) {
            let (WrittenPolicy::Pods { value, period } | WrittenPolicy::Percent { value, period }) = &policy.value;
            if *value == 0 {
                found.push(Mistake::new(policy.span, "a policy allows a change above zero", "write for example 4"));
            }
            if !(1_000_000_000..=LONGEST_PERIOD_NS).contains(&period.ns) {
                let message = "the period of a policy lies between a second and half an hour";
                found.push(Mistake::new(policy.span, message, "write for example period: \"60s\""));
            }
        }
        found
    }
}
