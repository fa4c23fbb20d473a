//! Whether a change to a model may be merged: it must not make anything worse for sure and by more than a margin.
//!
//! Both versions are studied at every point of an experiment, under the same arrivals and demands. A check fails if the
//! difference is real (Holm's procedure over all points, metric by metric) and its value is beyond the margin; so noise
//! alone fails a metric in at most one of twenty runs, and a small change that is known precisely does not.

use schemars::JsonSchema;
use serde::Serialize;

use crate::experiment::compare::{Pair, compare};
use crate::experiment::metric::Metric;
use crate::experiment::study::{Comparison, Interval};

/// What a change may cost.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Margins {
    /// Relative to p99 before.
    pub latency_ratio: f64,
    /// Relative to the cost before.
    pub cost_ratio: f64,
    /// Added to the share of requests that fail.
    pub error_ratio: f64,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No worse, or by less than the margin, or perhaps by chance.
    Passed,
    /// Better for sure, and by more than the margin.
    Improved,
    /// Worse for sure, and by more than the margin.
    Failed,
}

/// One metric of one point, before and after.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Check {
    pub variant: String,
    pub load: f64,
    /// What was compared; `None` if a version has no numbers at this point.
    pub metric: Option<Metric>,
    pub before: Option<Interval>,
    pub after: Option<Interval>,
    /// After less before.
    pub difference: Option<Interval>,
    /// Corrected by Holm.
    pub p_value: Option<f64>,
    /// The difference that is allowed, in the unit of the metric.
    pub margin: Option<f64>,
    pub outcome: Outcome,
    /// A sentence for points without numbers.
    pub note: Option<String>,
}

/// Judges every pair of versions.
pub fn gate(pairs: &[Pair<'_>], operation: &str, margins: Margins) -> Vec<Check> {
    let comparisons = compare(pairs, operation);
    pairs.iter().flat_map(|pair| checks(pair, &comparisons, operation, margins)).collect()
}

fn checks(pair: &Pair<'_>, comparisons: &[Comparison], operation: &str, margins: Margins) -> Vec<Check> {
    let (before, after) = (&pair.baseline.point, &pair.finding.point);
    let without_numbers = |outcome: Outcome, note: String| Check {
        variant: pair.variant.to_owned(),
        load: after.load,
        metric: None,
        before: None,
        after: None,
        difference: None,
        p_value: None,
        margin: None,
        outcome,
        note: Some(note),
    };
    match (&before.refusal, &after.refusal) {
        (None, Some(refusal)) => {
            return vec![without_numbers(Outcome::Failed, format!("{}: {}", refusal.code, refusal.reason))];
        }
        (Some(refusal), None) => {
            return vec![without_numbers(Outcome::Improved, format!("was {}: {}", refusal.code, refusal.reason))];
        }
        (Some(_), Some(refusal)) => {
            let note = format!("before and after {}: {}", refusal.code, refusal.reason);
            return vec![without_numbers(Outcome::Passed, note)];
        }
        (None, None) => {}
    }
    let check = |metric: Metric, margin: fn(f64, Margins) -> f64| {
        let (before, after) = (metric.told(before, operation), metric.told(after, operation));
        let is_it = |one: &&Comparison| {
            one.metric == metric && one.variant == pair.variant && one.load == pair.finding.point.load
        };
        let Some(comparison) = comparisons.iter().find(is_it) else {
            // A number that is not precise enough to be told any more is a change for the worse: queues near saturation
            // are like that. Where it was not told before, nothing can be said.
            let (outcome, fate) = match (before, after) {
                (Some(_), None) => (Outcome::Failed, "can no longer be told"),
                (None, Some(_)) => (Outcome::Passed, "could not be told before"),
                _ => (Outcome::Passed, "cannot be compared"),
            };
            let notes = pair.finding.point.notes.iter().chain(&pair.baseline.point.notes);
            let notes: Vec<&str> = notes.map(String::as_str).collect();
            let note = format!("{} {fate}. {}", metric.title(), notes.join(". "));
            let check = without_numbers(outcome, note.trim().to_owned());
            return Some(Check { metric: Some(metric), before, after, ..check });
        };
        let margin = margin(before?.value, margins);
        let difference = comparison.difference;
        let outcome = match difference.value {
            _ if !comparison.is_real => Outcome::Passed,
            more if more > margin => Outcome::Failed,
            less if -less > margin => Outcome::Improved,
            _ => Outcome::Passed,
        };
        Some(Check {
            variant: pair.variant.to_owned(),
            load: comparison.load,
            metric: Some(metric),
            before,
            after,
            difference: Some(difference),
            p_value: Some(comparison.p_value),
            margin: Some(margin),
            outcome,
            note: None,
        })
    };
    let latency = check(Metric::P99, |before, margins| before * margins.latency_ratio);
    let errors = check(Metric::ErrorRatio, |_, margins| margins.error_ratio);
    let cost = check(Metric::CostPerHour, |before, margins| before * margins.cost_ratio);
    [latency, errors, cost].into_iter().flatten().collect()
}
