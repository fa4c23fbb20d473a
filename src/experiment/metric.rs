//! The quantities that configurations are compared and judged by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experiment::finding::{Finding, OperationReplicates};
use crate::experiment::study::{Interval, Operation, Point};

/// A quantity that every point has one of, for an operation or for the architecture as a whole. Its name is its key in a
/// point, unit last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Metric {
    #[serde(rename = "throughput_per_s")]
    Throughput,
    #[serde(rename = "error_ratio")]
    ErrorRatio,
    /// What the error ratio leaves of one.
    #[serde(rename = "availability_ratio")]
    Availability,
    #[serde(rename = "mean_s")]
    Mean,
    #[serde(rename = "p50_s")]
    P50,
    #[serde(rename = "p95_s")]
    P95,
    #[serde(rename = "p99_s")]
    P99,
    #[serde(rename = "p999_s")]
    P999,
    #[serde(rename = "cost_usd_per_hour")]
    CostPerHour,
    #[serde(rename = "cost_usd_per_million_requests")]
    CostPerMillion,
    /// The length of the windows in which an objective on latency or errors was missed.
    #[serde(rename = "outside_objectives_s")]
    OutsideObjectives,
    /// From the beginning of the first of these windows to the end of the last one.
    #[serde(rename = "recovery_s")]
    Recovery,
    /// Requests that failed.
    #[serde(rename = "lost_requests")]
    LostRequests,
}

impl Metric {
    /// Every metric that configurations are compared by, in the order of a report. Availability says the same as errors.
    pub const ALL: [Metric; 12] = [
        Metric::Throughput,
        Metric::ErrorRatio,
        Metric::Mean,
        Metric::P50,
        Metric::P95,
        Metric::P99,
        Metric::P999,
        Metric::CostPerHour,
        Metric::CostPerMillion,
        Metric::OutsideObjectives,
        Metric::Recovery,
        Metric::LostRequests,
    ];

    /// Its key in a point.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput_per_s",
            Self::ErrorRatio => "error_ratio",
            Self::Availability => "availability_ratio",
            Self::Mean => "mean_s",
            Self::P50 => "p50_s",
            Self::P95 => "p95_s",
            Self::P99 => "p99_s",
            Self::P999 => "p999_s",
            Self::CostPerHour => "cost_usd_per_hour",
            Self::CostPerMillion => "cost_usd_per_million_requests",
            Self::OutsideObjectives => "outside_objectives_s",
            Self::Recovery => "recovery_s",
            Self::LostRequests => "lost_requests",
        }
    }

    /// Whether it is a time that requests take.
    pub fn is_latency(self) -> bool {
        matches!(self, Self::Mean | Self::P50 | Self::P95 | Self::P99 | Self::P999)
    }

    /// Whether it follows from the windows of a study of a given length.
    pub fn is_over_time(self) -> bool {
        matches!(self, Self::OutsideObjectives | Self::Recovery | Self::LostRequests)
    }

    /// Whether it is of the architecture as a whole and of no operation.
    pub fn is_of_all(self) -> bool {
        matches!(self, Self::CostPerHour | Self::CostPerMillion) || self.is_over_time()
    }

    /// Which quantile of the latency it is, if it is one.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            Self::P999 => Some(0.999),
            _ => None,
        }
    }

    /// As a sentence calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::ErrorRatio => "errors",
            Self::Availability => "availability",
            Self::Mean => "mean",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::CostPerHour => "cost per hour",
            Self::CostPerMillion => "cost per million",
            Self::OutsideObjectives => "time outside the objectives",
            Self::Recovery => "recovery",
            Self::LostRequests => "lost requests",
        }
    }

    /// What a point tells of it, for the operation with this name (`"all"` for all together).
    pub fn told(self, point: &Point, operation: &str) -> Option<Interval> {
        let of = |told: fn(&Operation) -> Option<Interval>| {
            point.operations.iter().find(|one| one.name == operation).and_then(told)
        };
        match self {
            Self::Throughput => of(|one| one.throughput_per_s),
            Self::ErrorRatio => of(|one| one.error_ratio),
            Self::Availability => of(|one| one.error_ratio).map(complement),
            Self::Mean => of(|one| one.mean_s),
            Self::P50 => of(|one| one.p50_s),
            Self::P95 => of(|one| one.p95_s),
            Self::P99 => of(|one| one.p99_s),
            Self::P999 => of(|one| one.p999_s),
            Self::CostPerHour => point.cost_usd_per_hour,
            Self::CostPerMillion => point.cost_usd_per_million_requests,
            Self::OutsideObjectives => point.outside_objectives_s,
            Self::Recovery => point.recovery_s,
            Self::LostRequests => point.lost_requests,
        }
    }

    /// Its value in each replication, in their order; `None` if one of them has no such value.
    pub fn replicates<'f>(self, finding: &'f Finding, operation: &str) -> Option<&'f [f64]> {
        let replicates = &finding.replicates;
        let of = |values: fn(&OperationReplicates) -> &Vec<f64>| {
            let index = finding.point.operations.iter().position(|one| one.name == operation)?;
            replicates.operations.get(index).map(values)
        };
        let values = match self {
            Self::Throughput => of(|one| &one.throughput_per_s),
            Self::ErrorRatio => of(|one| &one.error_ratio),
            Self::Availability => None,
            Self::Mean => of(|one| &one.mean_s),
            Self::P50 => of(|one| &one.p50_s),
            Self::P95 => of(|one| &one.p95_s),
            Self::P99 => of(|one| &one.p99_s),
            Self::P999 => of(|one| &one.p999_s),
            Self::CostPerHour => Some(&replicates.cost_usd_per_hour),
            Self::CostPerMillion => Some(&replicates.cost_usd_per_million_requests),
            Self::OutsideObjectives => Some(&replicates.outside_objectives_s),
            Self::Recovery => Some(&replicates.recovery_s),
            Self::LostRequests => Some(&replicates.lost_requests),
        };
        values.map(Vec::as_slice).filter(|values| !values.is_empty())
    }
}

fn complement(share: Interval) -> Interval {
    Interval { value: 1.0 - share.value, low: 1.0 - share.high, high: 1.0 - share.low }
}
