//! What the study of one configuration found: the estimates to be told, and the replications they come from.

use serde::{Deserialize, Serialize};

use crate::engine::record::{OperationRecord, Record};
use crate::experiment::estimate::{Sample, costs_usd};
use crate::experiment::study::Point;
use crate::statistics::histogram::LatencyHistogram;

/// One configuration, studied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// What is told of it.
    pub point: Point,
    /// What it is compared with others by. Empty for a point that was refused.
    pub replicates: Replicates,
}

/// One value for each replication, in their order, of everything that configurations are compared by. Replication r of
/// two configurations has the same arrivals and demands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replicates {
    /// Those of the point's operations, in its order.
    pub operations: Vec<OperationReplicates>,
    pub cost_usd_per_hour: Vec<f64>,
    pub cost_usd_per_million_requests: Vec<f64>,
    /// Of studies of a given length with objectives on latency or errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside_objectives_s: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_s: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_requests: Vec<f64>,
}

/// What the clients saw of one operation, replication by replication. A list is empty if a replication has no such value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationReplicates {
    pub throughput_per_s: Vec<f64>,
    pub error_ratio: Vec<f64>,
    pub mean_s: Vec<f64>,
    pub p50_s: Vec<f64>,
    pub p95_s: Vec<f64>,
    pub p99_s: Vec<f64>,
    pub p999_s: Vec<f64>,
}

impl Replicates {
    /// Those of the operations with these names, where `None` means all together.
    pub fn of(sample: &Sample<'_>, operations: &[Option<&str>]) -> Self {
        let costs = costs_usd(sample);
        let hours = sample.per_replication(|record| record.seconds() / 3600.0);
        let millions = sample.per_replication(|record| {
            let completed = |index: usize| record.nodes[index].counters.completed as f64;
            sample.compiled.clients().map(completed).sum::<f64>() * 1e-6
        });
        Self {
            operations: operations.iter().map(|name| OperationReplicates::of(sample, *name)).collect(),
            cost_usd_per_hour: ratios(&costs, &hours),
            cost_usd_per_million_requests: ratios(&costs, &millions),
            ..Self::default()
        }
    }
}

impl OperationReplicates {
    fn of(sample: &Sample<'_>, operation: Option<&str>) -> Self {
        let sum = |count: &dyn Fn(&OperationRecord) -> u64| {
            sample.per_replication(|record| sample.operations_of(record, operation).map(|one| count(one) as f64).sum())
        };
        let (completed, failed) = (sum(&|one| one.completed), sum(&|one| one.failed));
        let ended: Vec<f64> = completed.iter().zip(&failed).map(|(completed, failed)| completed + failed).collect();
        let latencies = sample.latencies(operation).per_replication;
        let of = |value: &dyn Fn(&LatencyHistogram) -> Option<f64>| -> Vec<f64> {
            let seconds: Option<Vec<f64>> = latencies.iter().map(|one| Some(value(one)? * 1e-9)).collect();
            seconds.unwrap_or_default()
        };
        let quantile = |quantile: f64| of(&|one| one.quantile_ns(quantile));
        Self {
            throughput_per_s: ratios(&completed, &sample.per_replication(Record::seconds)),
            error_ratio: ratios(&failed, &ended),
            mean_s: of(&LatencyHistogram::mean_ns),
            p50_s: quantile(0.5),
            p95_s: quantile(0.95),
            p99_s: quantile(0.99),
            p999_s: quantile(0.999),
        }
    }
}

/// Quotients replication by replication; none at all where one has no value.
fn ratios(numerators: &[f64], denominators: &[f64]) -> Vec<f64> {
    let ratios: Vec<f64> = numerators.iter().zip(denominators).map(|(over, under)| over / under).collect();
    if ratios.iter().all(|ratio| ratio.is_finite()) { ratios } else { Vec::new() }
}
