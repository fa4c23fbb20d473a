//! What an experiment found: plain data, the waist of the hourglass. Producers fill it, reports read it.
//!
//! Field names are the keys of the JSON output: SI base units, unit last.

mod course;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experiment::metric::Metric;
pub use course::{Event, NodeWindow, OperationWindow, Window};

/// The version of the layout of results.
pub const SCHEMA: u32 = 1;

/// A kind of chart, by the name an experiment gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ChartKind {
    /// p99 latency of every variant against load.
    Latency,
    /// p50, p95 and p99 latency against load, one picture for each variant.
    LatencyPercentiles,
    /// Cost per hour of every variant against load.
    Cost,
    /// Cost of a million successful requests of every variant against load.
    CostPerMillion,
    /// p99 latency of every variant against its cost per hour, with the efficient points marked.
    LatencyAgainstCost,
    /// Utilization of the busiest nodes against load, one picture for each variant.
    Utilization,
    /// p99 latency of every variant against the time since the start, at the heaviest load; of terminating studies.
    LatencyOverTime,
    /// Load, replicas, queues, p99 latency and cost against the time since the start, at the heaviest load, one picture for
    /// each variant; of terminating studies.
    Timeline,
    /// Each of the measures that the experiment names, of every variant against load.
    Measures,
}

impl ChartKind {
    /// Every kind, in the order of a report.
    pub const ALL: [ChartKind; 9] = [
        ChartKind::Latency,
        ChartKind::LatencyPercentiles,
        ChartKind::Cost,
        ChartKind::CostPerMillion,
        ChartKind::LatencyAgainstCost,
        ChartKind::Utilization,
        ChartKind::LatencyOverTime,
        ChartKind::Timeline,
        ChartKind::Measures,
    ];

    /// Whether it shows the windows of a study of a given length.
    #[must_use]
    pub fn is_over_time(self) -> bool {
        matches!(self, Self::LatencyOverTime | Self::Timeline)
    }
}

/// An estimate with its 95% confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Half of the width over the absolute value; infinite if only the value is zero, zero if both are.
    #[must_use]
    pub fn relative_half_width(&self) -> f64 {
        let half_width = (self.high - self.low) / 2.0;
        if half_width == 0.0 { 0.0 } else { half_width / self.value.abs() }
    }
}

/// All that one experiment found.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Study {
    /// Version of this layout.
    pub schema: u32,
    /// forescale's version that produced the numbers.
    pub version: String,
    /// File stem of the experiment.
    pub name: String,
    pub title: String,
    /// What the experiment is to answer.
    #[serde(default)]
    pub question: Option<String>,
    /// The model's path as the experiment names it.
    pub model: String,
    pub seed: u64,
    /// Whether it was only a first look, with fewer replications and wider intervals.
    #[serde(default)]
    pub quick: bool,
    /// SHA-256 of the model's text and of the experiment's text.
    pub model_digest: String,
    pub plan_digest: String,
    /// SHA-256 of every number below.
    pub digest: String,
    pub axis: Axis,
    /// What was varied besides; every combination is a series of its own.
    #[serde(default)]
    pub axes: Vec<FurtherAxis>,
    #[serde(default)]
    pub constraints: Vec<Constraint>,
    /// The operation whose latency is looked at: `"all"`, or one of those of the points.
    pub operation: String,
    #[serde(default)]
    pub objectives: Vec<Objective>,
    /// What is drawn of single nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Watched>,
    /// The series: each variant at each combination of the further axes.
    pub variants: Vec<Variant>,
    /// The variant that the others are compared with, each at the same settings.
    pub baseline: String,
    /// What the series make of the baseline, load by load.
    pub comparisons: Vec<Comparison>,
}

/// A measure of a node that is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watched {
    pub node: String,
    /// Its key in a point, for example `hit_ratio`, or that of a field, for example `throughput_per_s`.
    pub measure: String,
}

/// The difference between a variant and the baseline at one load, over replications that share their random numbers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    pub variant: String,
    pub load: f64,
    pub metric: Metric,
    /// Variant less baseline.
    pub difference: Interval,
    /// Of the test that there is no difference, corrected by Holm for all comparisons of this metric.
    pub p_value: f64,
    /// Whether chance is no explanation, at 5% for all comparisons of this metric together.
    pub is_real: bool,
}

/// What was varied along the horizontal axis.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Axis {
    pub path: String,
    pub label: String,
    #[serde(default)]
    pub unit: Option<String>,
    pub values: Vec<f64>,
}

/// What was varied besides the load.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FurtherAxis {
    pub name: String,
    pub path: String,
    pub label: String,
    #[serde(default)]
    pub unit: Option<String>,
    /// As they were written.
    pub values: Vec<String>,
}

/// A comparison of axes that combinations must hold to be run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Constraint {
    pub expression: String,
    /// Combinations of all axes, the load included, that were not run because of it; the first constraint that is broken
    /// counts.
    pub skipped: u64,
    /// Combinations of the further axes of which no load was run because of it. Each of them is in `skipped` with all its
    /// loads, and is one series less of every variant.
    #[serde(default)]
    pub skipped_whole: u64,
}

/// What a design must meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Objective {
    /// As a reader says it, for example `p99 of web.browse below 300ms`.
    pub name: String,
    pub quantity: Metric,
    /// `"all"`, or one of the points' operations; of no meaning for costs.
    pub operation: String,
    pub bound: Bound,
    /// In the unit of the quantity.
    pub limit: f64,
}

/// On which side of the limit an objective is met. The limit itself is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    Below,
    Above,
}

/// What one point says about one objective.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    pub verdict: Verdict,
    /// What was found of the objective's quantity, if anything.
    pub estimate: Option<Interval>,
}

/// Whether an objective is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Met,
    Missed,
    /// The interval holds the limit, or there is no number.
    Unsure,
}

/// One variant at one combination of the further axes: what a line in a chart shows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Variant {
    /// Unlike any other, for example `cache, pods 10`.
    pub name: String,
    /// The variant as the experiment names it.
    #[serde(default)]
    pub variant: String,
    /// The value of each further axis, as it was written.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Where p99 begins to grow faster than the load, if it does.
    #[serde(default)]
    pub knee: Option<Knee>,
    /// In ascending order of load: one point per value of the axis, but for those that break a constraint, and further ones
    /// where the curve bends, if the experiment asks for them.
    pub points: Vec<Point>,
}

/// Where latency begins to grow faster than the load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Knee {
    /// The load of the points at which load over latency is largest.
    pub load: f64,
    /// The loads between which the knee is.
    pub low_load: f64,
    pub high_load: f64,
}

/// One configuration at one load.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    pub load: f64,
    /// Why there are no numbers, or `None` if there are.
    pub refusal: Option<Refusal>,
    pub replications: u32,
    /// Simulated time of each replication, warm-up included.
    pub simulated_s: f64,
    /// Requests completed over all replications, warm-up excluded.
    pub requests: u64,
    /// `"all"` first, then every operation that clients request, by name; and where several nodes start requests, those of
    /// each, `gold`, and of its operations, `gold: web.page`.
    pub operations: Vec<Operation>,
    pub nodes: Vec<Node>,
    pub cost_usd_per_hour: Option<Interval>,
    /// Cost of a million requests that succeeded.
    pub cost_usd_per_million_requests: Option<Interval>,
    /// The length of the windows in which an objective on latency or errors was missed, taken together; of studies of a given
    /// length with such an objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside_objectives_s: Option<Interval>,
    /// From the beginning of the first of these windows to the end of the last one; zero where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_s: Option<Interval>,
    /// Requests that failed; of the same studies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_requests: Option<Interval>,
    /// What a reader should know of the estimates, such as requests that were left out.
    pub notes: Vec<String>,
    /// One for each of the study's objectives, in their order.
    #[serde(default)]
    pub objectives: Vec<Judgement>,
    /// What happened when, in the order of time; of studies of a given length only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// What befell single nodes in the first replication, in the order of time; of studies of a given length only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// Why a point has no numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// `unstable`, `drift`, `too_few_exceedances`, `time_varying`, `budget_spent`, `no_requests`, `no_progress`
    /// or `too_large`.
    pub code: String,
    pub reason: String,
}

/// What the clients saw of one operation. A quantity that was refused is `None`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    pub name: String,
    /// Successful requests.
    pub throughput_per_s: Option<Interval>,
    pub error_ratio: Option<Interval>,
    pub mean_s: Option<Interval>,
    pub p50_s: Option<Interval>,
    pub p95_s: Option<Interval>,
    pub p99_s: Option<Interval>,
    #[serde(default)]
    pub p999_s: Option<Interval>,
    /// Why quantiles are left out.
    #[serde(default)]
    pub note: Option<String>,
}

/// What one node did. A quantity that the node does not have is `None`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    pub name: String,
    /// The technique, for example `Service`.
    pub kind: String,
    /// Busy share of the capacity that was there, between 0 and 1.
    pub utilization: Option<Interval>,
    pub throughput_per_s: Option<Interval>,
    pub error_ratio: Option<Interval>,
    /// Mean number waiting, and time spent waiting before service.
    pub queue_length: Option<Interval>,
    pub wait_mean_s: Option<Interval>,
    pub wait_p99_s: Option<Interval>,
    /// Time from arrival to reply.
    pub latency_mean_s: Option<Interval>,
    pub latency_p99_s: Option<Interval>,
    pub cost_usd_per_hour: Option<Interval>,
    /// Mean number of replicas that are paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Interval>,
    /// Replicas times hours, over the whole time; of studies of a given length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_hours: Option<Interval>,
    /// What only this technique has, for example `hit_ratio` of a cache. The unit is the last word of the key.
    pub measures: Vec<Measure>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measure {
    pub name: String,
    pub estimate: Interval,
}
