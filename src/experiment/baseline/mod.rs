//! What one version of a model came to at the points of an experiment, kept in a file: a later gate compares with it and
//! needs neither that version of the model nor its studies.
//!
//! | file | what it holds |
//! |---|---|
//! | `read` | a text as a baseline, or what is wrong with it |
//! | `suits` | whether an experiment may be compared with a baseline |

mod read;
mod suits;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::experiment::finding::Finding;
use crate::experiment::pipeline::Horizon;
use crate::experiment::plan::Plan;
use crate::experiment::run::{Findings, digest, result_digest};

/// The version of the layout of baselines.
pub const BASELINE_SCHEMA: u32 = 1;

/// What tells a baseline from other JSON documents.
const DOCUMENT: &str = "baseline of forescale gate";

/// All that a gate needs of the version before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Baseline {
    /// What kind of document this is.
    pub document: String,
    /// Version of this layout.
    pub schema: u32,
    /// forescale's version that produced the numbers, and the fingerprint of its build.
    pub version: String,
    pub build: String,
    /// SHA-256 of everything else.
    pub digest: String,
    /// File stem of the experiment, and the SHA-256 of its text.
    pub name: String,
    pub experiment_digest: String,
    pub settings: Conditions,
    /// Every operation that clients request at one of the points.
    pub requested: BTreeSet<String>,
    /// In the order of the experiment.
    pub points: Vec<KeptPoint>,
}

/// What must be equal for two studies to be comparable, but for the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    pub seed: u64,
    pub quick: bool,
    pub replications: u32,
    /// Half width of the 95% interval of p99 that is aimed at, relative to p99.
    pub precision_ratio: f64,
    pub budget_requests: u64,
    /// `"all"`, or the operation whose latency is looked at.
    pub operation: String,
    /// What the load moves in the model.
    pub load_path: String,
    /// The length of a terminating study; `None` in the long run.
    pub duration_s: Option<f64>,
    /// What is dropped from the start of the long run at least, if that is said.
    pub warm_up_s: Option<f64>,
}

/// One point of the experiment, and what was found there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptPoint {
    pub series: String,
    pub load: f64,
    pub finding: Finding,
}

impl Baseline {
    /// The baseline that a plan and what is known of its points make.
    pub fn of(plan: &Plan, findings: &Findings) -> Self {
        let points = plan.points.iter().zip(findings).filter_map(|(point, finding)| {
            let mut finding = finding.clone()?;
            // A gate looks at what clients see and at costs. Nodes and windows would be most of the file.
            finding.point.nodes.clear();
            finding.point.windows.clear();
            finding.point.events.clear();
            Some(KeptPoint { series: plan.series[point.series].name.clone(), load: point.load, finding })
        });
        let mut baseline = Self {
            document: DOCUMENT.to_owned(),
            schema: BASELINE_SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: env!("FORESCALE_BUILD").to_owned(),
            digest: String::new(),
            name: plan.space.name.clone(),
            experiment_digest: digest(plan.space.text().as_bytes()),
            settings: Conditions::of(plan),
            requested: requested(plan),
            points: points.collect(),
        };
        baseline.digest = serde_json::to_value(&baseline).map(digest_without_itself).unwrap_or_default();
        baseline
    }

    /// What it knows of the points of a plan, in the plan's order.
    pub fn findings(&self, plan: &Plan) -> Findings {
        let kept: BTreeMap<_, _> =
            self.points.iter().map(|point| ((point.series.as_str(), point.load.to_bits()), &point.finding)).collect();
        let names = plan.points.iter().map(|point| (plan.series[point.series].name.as_str(), point.load.to_bits()));
        names.map(|name| kept.get(&name).map(|finding| (*finding).clone())).collect()
    }
}

impl Conditions {
    fn of(plan: &Plan) -> Self {
        let settings = &plan.space.settings;
        let seconds = |ns: u64| ns as f64 / 1e9;
        let (duration_s, warm_up_s) = match settings.horizon {
            Horizon::Terminating { duration_ns, .. } => (Some(seconds(duration_ns)), None),
            Horizon::SteadyState { warm_up_ns } => (None, warm_up_ns.map(seconds)),
        };
        Self {
            seed: settings.seed,
            quick: plan.space.quick,
            replications: settings.replications,
            precision_ratio: settings.precision,
            budget_requests: settings.budget,
            operation: settings.operation.clone().unwrap_or_else(|| "all".to_owned()),
            load_path: plan.space.experiment.load.path.value.clone(),
            duration_s,
            warm_up_s,
        }
    }
}

/// Every operation that clients request at one of the points of a plan.
pub fn requested(plan: &Plan) -> BTreeSet<String> {
    plan.points.iter().flat_map(|point| point.compiled.requested()).map(str::to_owned).collect()
}

/// The digest of a baseline as any forescale reads it, whatever blanks are between its values.
fn digest_without_itself(mut document: serde_json::Value) -> String {
    document["digest"] = String::new().into();
    result_digest(&document)
}
