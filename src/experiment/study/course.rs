//! What happened when, in studies of a given length.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Interval, Measure};

/// One stretch of the time of a study of a given length. A request belongs to the window in which it ends. Estimates have nine
/// digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Since the start of the run.
    pub start_s: f64,
    pub end_s: f64,
    /// Requests that all clients sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_per_s: Option<Interval>,
    /// Of the whole architecture. Left out of all windows if none differs from the whole time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd_per_hour: Option<Interval>,
    /// The share of replications in which the window is outside the objectives on latency and errors; left out if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside_objectives_ratio: Option<f64>,
    /// `"all"` first, then the operation that the study looks at, if it looks at one.
    pub operations: Vec<OperationWindow>,
    /// Nodes that have something to tell of a window.
    pub nodes: Vec<NodeWindow>,
}

/// What the clients saw of one operation in one window. A quantity that cannot be told from so few requests is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationWindow {
    pub name: String,
    /// Successful requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput_per_s: Option<Interval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_ratio: Option<Interval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_s: Option<Interval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_s: Option<Interval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_s: Option<Interval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_s: Option<Interval>,
}

/// What one node did in one window. A quantity that the node does not have is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeWindow {
    pub name: String,
    /// Busy share of the capacity that was there, between 0 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilization: Option<Interval>,
    /// Mean number waiting. Left out of all windows if nobody ever waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_length: Option<Interval>,
    /// Mean number of replicas that are paid for. Left out of all windows if it never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Interval>,
    /// Those of the node's measures that are levels of replicas, memory or queues, such as `ready_replicas`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
}

/// Something that befell a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Since the start of the run.
    pub time_s: f64,
    pub node: String,
    /// In a few words, for example `out of memory`.
    pub what: String,
}
