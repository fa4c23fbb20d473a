//! An experiment as written.

use indexmap::IndexMap;
use serde::Deserialize;

use crate::diagnostic::span::{ListOr, Named, Spanned, Verbatim};
use crate::experiment::study::{ChartKind, Watched};
use crate::price::HourlyPrice;
use crate::units::{Duration, Rate, Ratio};

/// An experiment file.
///
/// ```ron
/// Experiment(
///     title: "How far does the shop scale?",
///     model: "../models/shop.ron",
///     load: Axis(path: "nodes.users.users", label: "users", values: [100, 1_000, 10_000]),
///     axes: { "pods": Axis(path: "nodes.web.replicas", values: [2, 4, 8]) },
///     constraints: ["load / pods <= 5_000"],
///     variants: {
///         "as is": {},
///         "cache": { "nodes.redis": Cache(entries: 10_000) },
///         "bigger database": { "nodes.postgres.cores": 16 },
///         "cache + bigger database": {},
///     },
///     objectives: [ Latency(quantile: P99, below: "300ms"), Cost(below: "$12/h") ],
/// )
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    pub title: String,
    #[serde(default)]
    pub question: Option<String>,
    /// Seen from the experiment file.
    pub model: Spanned<String>,
    pub load: Axis,
    /// Further axes, by the name that constraints and series use; every combination runs.
    #[serde(default)]
    pub axes: Named<Axis>,
    /// Comparisons of axes' names; combinations that break one are not run.
    #[serde(default)]
    pub constraints: Vec<Spanned<String>>,
    /// The operation, as clients request it, whose latency is drawn and must be precise; all together if left out.
    #[serde(default)]
    pub operation: Option<Spanned<String>>,
    /// Edits of the model by path; the variant with no edits is the model as it is. A name that is a sum of other names is
    /// their edits, one after the other, and then its own.
    #[serde(default)]
    pub variants: Named<IndexMap<Spanned<String>, Verbatim>>,
    /// The variants that run; all if left out. The others are building blocks.
    #[serde(default)]
    pub run: Option<Spanned<Vec<Spanned<String>>>>,
    /// What the others are compared with; the first that runs if left out.
    #[serde(default)]
    pub baseline: Option<Spanned<String>>,
    #[serde(default)]
    pub objectives: Vec<Spanned<Objective>>,
    /// Loads that a series gets at most beside those that are listed, where its curve bends; none if left out.
    #[serde(default)]
    pub refine: Option<Spanned<u32>>,
    #[serde(default)]
    pub horizon: Option<Horizon>,
    #[serde(default)]
    pub replications: Option<Spanned<u32>>,
    /// Half width of the 95% interval of p99 that is aimed at, relative to p99.
    #[serde(default)]
    pub precision: Option<Spanned<Ratio>>,
    /// Requests per point, over all replications, after which an imprecise point is given up.
    #[serde(default)]
    pub budget: Option<Spanned<u64>>,
    #[serde(default)]
    pub seed: Option<u64>,
    #[serde(default)]
    pub charts: Option<Vec<Spanned<ChartKind>>>,
    /// Measures of nodes that are drawn against the load.
    #[serde(default)]
    pub measures: Vec<WatchedMeasure>,
}

/// A measure of a node, as results name both.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchedMeasure {
    pub node: Spanned<String>,
    pub measure: Spanned<String>,
}

impl WatchedMeasure {
    /// As results tell it.
    pub fn as_told(&self) -> Watched {
        Watched { node: self.node.value.clone(), measure: self.measure.value.clone() }
    }
}

impl Experiment {
    /// The kinds of charts to draw: those that are named, or all.
    pub fn kinds(&self) -> Vec<ChartKind> {
        match &self.charts {
            Some(charts) => charts.iter().map(|chart| chart.value).collect(),
            None => ChartKind::ALL.to_vec(),
        }
    }
}

/// What is varied: a path, and others that move with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    pub path: Spanned<String>,
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default)]
    pub unit: Option<String>,
    pub values: Spanned<Values>,
    /// Further paths, each with as many values.
    #[serde(default)]
    pub with: IndexMap<Spanned<String>, Spanned<Values>>,
}

/// The values of an axis.
pub type Values = ListOr<Verbatim, Steps>;

/// Values that are not listed one by one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Steps {
    /// Equal differences.
    Linear { from: Verbatim, to: Verbatim, count: Spanned<u32> },
    /// Equal ratios.
    Logarithmic { from: Verbatim, to: Verbatim, count: Spanned<u32> },
}

/// What a design must meet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Objective {
    /// A quantile of the latency of requests that succeed.
    Latency {
        #[serde(default)]
        operation: Option<Spanned<String>>,
        #[serde(default)]
        quantile: Option<Verbatim>,
        below: Spanned<Duration>,
    },
    /// The share of requests that fail.
    ErrorRatio {
        #[serde(default)]
        operation: Option<Spanned<String>>,
        below: Spanned<Ratio>,
    },
    /// The share of requests that succeed.
    Availability {
        #[serde(default)]
        operation: Option<Spanned<String>>,
        above: Spanned<Ratio>,
    },
    /// Requests that succeed per time.
    Throughput {
        #[serde(default)]
        operation: Option<Spanned<String>>,
        above: Spanned<Rate>,
    },
    /// What everything costs per time.
    Cost { below: Spanned<HourlyPrice> },
    /// What a million requests that succeed cost.
    CostPerMillion { below: Verbatim },
    /// The length of the windows in which an objective on latency or errors is missed; of studies of a given length.
    OutsideObjectives { below: Spanned<Duration> },
    /// From the beginning of the first of these windows to the end of the last one.
    Recovery { below: Spanned<Duration> },
}

/// Which time is looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Horizon {
    /// The long run. `warm_up` is dropped from the start, or more if a time to live or the like needs longer.
    SteadyState {
        #[serde(default)]
        warm_up: Option<Duration>,
    },
    /// From time zero for this long, nothing dropped; told for the whole and window by window.
    Terminating {
        duration: Spanned<Duration>,
        /// The length of a window; a twenty-fourth of the duration if left out.
        #[serde(default)]
        window: Option<Spanned<Duration>>,
    },
}
