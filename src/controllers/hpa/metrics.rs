//! What an autoscaler is told to hold at which target, and where the measurements come from.
//!
//! Source: the metric sources and targets of `autoscaling/v2`.

use std::collections::BTreeMap;
use std::fmt;

/// A resource that pods request and use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// In milli-cores.
    Cpu,
    /// In milli-bytes.
    Memory,
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        })
    }
}

/// What the usage of a resource is held at, on the average of the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceTarget {
    /// Percent of what the pods request, above zero.
    Utilization { percent: i32 },
    /// Usage per pod in milli-units, above zero.
    AverageValue { milli: i64 },
}

/// What a value that belongs to no single pod is held at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueTarget {
    /// The value itself in milli-units, above zero.
    Value { milli: i64 },
    /// The value divided by the number of replicas, in milli-units, above zero.
    AverageValue { milli: i64 },
}

/// One metric of an autoscaler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Usage of a resource by all containers of a pod together.
    Resource { resource: Resource, target: ResourceTarget },
    /// Usage of a resource by one container, given by its place in [`crate::controllers::hpa::pods::Pod::containers`].
    ContainerResource { resource: Resource, container: usize, target: ResourceTarget },
    /// A value that each pod reports, held at an average in milli-units, above zero.
    Pods { name: String, average_value_milli: i64 },
    /// A value of one object, such as the requests per second of an ingress.
    Object { name: String, target: ValueTarget },
    /// The sum of values from outside the cluster, such as the lengths of queues.
    External { name: String, target: ValueTarget },
}

/// The metrics of an autoscaler for which none is written, as the API server fills them in.
pub const DEFAULT_METRICS: &[Metric] =
    &[Metric::Resource { resource: Resource::Cpu, target: ResourceTarget::Utilization { percent: 80 } }];

/// What one pod reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodMetric {
    /// In milli-units.
    pub value_milli: i64,
    /// The end of the window that the value was taken over.
    pub timestamp_ns: u64,
    /// How long the value was taken over.
    pub window_ns: u64,
}

/// What pods report, by [`crate::controllers::hpa::pods::Pod::identifier`]; pods may be missing.
pub type PodMetrics = BTreeMap<u64, PodMetric>;

/// The metrics server of the cluster, and the adapters for other metrics.
pub trait Measurements {
    /// Usage of a resource in milli-units by each pod, all its containers together or only the one at this place.
    ///
    /// # Errors
    /// The reason why there are no measurements now. An empty answer is an error too, which the autoscaler says itself.
    fn resource_usage(&self, resource: Resource, container: Option<usize>) -> Result<PodMetrics, String>;

    /// A value in milli-units of each pod.
    ///
    /// # Errors
    /// As for [`Self::resource_usage`].
    fn pod_values(&self, name: &str) -> Result<PodMetrics, String>;

    /// A value in milli-units of an object.
    ///
    /// # Errors
    /// The reason why there is no measurement now.
    fn object_value(&self, name: &str) -> Result<i64, String>;

    /// Values in milli-units from outside the cluster, which are added up.
    ///
    /// # Errors
    /// As for [`Self::resource_usage`].
    fn external_values(&self, name: &str) -> Result<Vec<i64>, String>;
}

/// Why a metric proposes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricError {
    /// There are no measurements: of what, and why.
    Unavailable { wanted: String, cause: String },
    /// There are no pods to calculate with.
    NoPods,
    /// Measurements came, but none of a pod that counts.
    OnlyFromUnreadyPods,
    /// Measurements came, but none of a pod that exists and requests the resource.
    OnlyFromUnknownPods,
    /// A container requests nothing, so there is no utilisation.
    MissingRequest { resource: Resource, container: usize, pod: u64 },
    /// A pod has no container at this place.
    NoSuchContainer { container: usize, pod: u64 },
    /// A target is zero or below, which the API server would not have accepted.
    TargetNotPositive,
}

impl fmt::Display for MetricError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { wanted, cause } => write!(formatter, "unable to get {wanted}: {cause}"),
            Self::NoPods => formatter.write_str("no pods to calculate a number of replicas from"),
            Self::OnlyFromUnreadyPods => formatter.write_str("no metrics of pods that are ready"),
            Self::OnlyFromUnknownPods => formatter.write_str("no metrics returned matched known pods"),
            Self::MissingRequest { resource, container, pod } => {
                write!(formatter, "container {container} of pod {pod} requests no {resource}")
            }
            Self::NoSuchContainer { container, pod } => write!(formatter, "pod {pod} has no container {container}"),
            Self::TargetNotPositive => formatter.write_str("a target must be above zero"),
        }
    }
}

impl std::error::Error for MetricError {}
