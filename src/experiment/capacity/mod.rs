//! The highest load that a configuration carries within its objectives, and what holds it there.
//!
//! ```text
//! bisection over loads; each is studied for as long as its verdict is unsure, up to twice the precision asked for
//! at the lowest load that is missed: double what the busiest nodes have, one thing at a time, and see what helps most
//!     -> that is what binds; with twice of it, search again -> the next capacity, and what binds then
//! ```
//!
//! Verdicts are those of intervals that are half as wide again as told, because a search asks many times and must not be
//! misled by one answer in twenty.

pub mod bisection;
mod probe;
mod relief;

use schemars::JsonSchema;
use serde::Serialize;

pub use probe::{Failure, Prober, limits_load};

use crate::experiment::capacity::bisection::{Bracket, Range, search};
use crate::experiment::capacity::relief::binding;
use crate::experiment::finding::Finding;
use crate::experiment::metric::Metric;
use crate::experiment::study::{Interval, Verdict};

/// What a search for the capacity of one series found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Capacity {
    /// The series: a variant at one combination of the further axes.
    pub variant: String,
    #[serde(flatten)]
    pub carried: Carried,
    /// The load that the model has as it is written, where the path of the load holds a number.
    pub written_load: Option<f64>,
    /// Capacity over the written load, less one: between what is met and what is missed.
    pub headroom_ratio: Option<Interval>,
    /// With twice of what binds.
    pub relieved: Option<Carried>,
    /// Every load that was judged, in that order.
    pub judged: Vec<Judged>,
}

/// The loads between which the capacity lies, and what holds it there.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Carried {
    /// The highest load that meets all objectives; `None` if not even the lightest does.
    pub met_load: Option<f64>,
    /// The lowest load that does not; `None` if even the heaviest meets them.
    pub missed_load: Option<f64>,
    /// The objective that is missed there.
    pub limited_by: Option<String>,
    /// What everything costs at the highest load that is met.
    pub cost_usd_per_hour: Option<Interval>,
    /// What there is too little of.
    pub binding: Option<Binding>,
}

/// A thing of which a node has so much, and what twice as much would do at the lowest load that is missed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Binding {
    pub node: String,
    /// For example `replicas`.
    pub field: String,
    /// Both as a path into the model.
    pub path: String,
    pub value: f64,
    pub doubled_value: f64,
    /// Change of the p99 latency, under the same arrivals and demands; `None` where there was none before.
    pub p99_difference_s: Option<Interval>,
}

/// One load and what was found of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Judged {
    pub load: f64,
    pub verdict: Verdict,
    /// As far as it took to judge.
    pub p99_s: Option<Interval>,
    /// Whether what binds had been doubled.
    pub is_relieved: bool,
}

/// Searches the capacity of one series of a plan.
///
/// # Errors
/// When a load cannot be compiled or studied.
pub fn capacity(prober: &Prober<'_>, series: usize, tolerance: f64) -> Result<Capacity, Failure> {
    let mut judged = Vec::new();
    let loads = &prober.plan.loads;
    let (from, to) = (loads.first().copied().unwrap_or(1.0), loads.last().copied().unwrap_or(1.0));
    let range = Range { from, to, is_whole: prober.is_whole(), tolerance };
    let carried = carried(prober, series, range, None, &mut judged)?;
    let relieved = match (&carried.binding, carried.met_load) {
        (Some(binding), Some(met)) => {
            let range = Range { from: met, to: 2.0 * met, ..range };
            Some(self::carried(prober, series, range, Some(binding), &mut judged)?)
        }
        _ => None,
    };
    let written_load = prober.written_load();
    let headroom = |written: f64| {
        let share = |load: f64| load / written - 1.0;
        let (low, high) = (share(carried.met_load?), share(carried.missed_load?));
        Some(Interval { value: (low + high) / 2.0, low, high })
    };
    let headroom_ratio = written_load.filter(|load| *load > 0.0).and_then(headroom);
    let variant = prober.plan.series[series].name.clone();
    Ok(Capacity { variant, carried, written_load, headroom_ratio, relieved, judged })
}

/// Searches where the objectives stop being met, with twice of what `relief` names.
fn carried(
    prober: &Prober<'_>,
    series: usize,
    range: Range,
    relief: Option<&Binding>,
    judged: &mut Vec<Judged>,
) -> Result<Carried, Failure> {
    let edits = relief.map(|binding| prober.edit(&binding.path, binding.doubled_value)).into_iter().collect::<Vec<_>>();
    let mut missed_objective = None;
    let mut last_met: Option<Finding> = None;
    let judge = |load: f64| {
        let is_relieved = relief.is_some();
        let finding = match prober.look(series, load, &edits) {
            // Far beyond what was asked for, a model may not be one any more.
            Err(Failure::Diagnosed(_)) if load > prober.heaviest() => {
                judged.push(Judged { load, verdict: Verdict::Unsure, p99_s: None, is_relieved });
                return Ok(Verdict::Unsure);
            }
            found => found?,
        };
        let (verdict, objective) = prober.judge(&finding.point);
        let p99_s = Metric::P99.told(&finding.point, prober.operation());
        judged.push(Judged { load, verdict, p99_s, is_relieved });
        match verdict {
            Verdict::Met => last_met = Some(finding),
            Verdict::Missed => {
                missed_objective = Some(objective.map_or_else(|| "unstable".to_owned(), |one| one.name.clone()));
            }
            Verdict::Unsure => {}
        }
        Ok::<Verdict, Failure>(verdict)
    };
    let Bracket { met, missed } = search(range, judge)?;
    // The last load that was met is the highest: the search only goes up from one that is met.
    let at_met = last_met.filter(|finding| Some(finding.point.load) == met);
    let binding = match (&at_met, missed) {
        (Some(finding), Some(missed)) => binding(prober, series, missed, &finding.point, &edits)?,
        _ => None,
    };
    Ok(Carried {
        met_load: met,
        missed_load: missed,
        limited_by: missed.and(missed_objective),
        cost_usd_per_hour: at_met.and_then(|finding| finding.point.cost_usd_per_hour),
        binding,
    })
}
