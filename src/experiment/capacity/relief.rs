//! What binds: of the things that nodes have so much of, the one of which twice as much helps most.

use std::cmp::Ordering::Equal;

use crate::experiment::capacity::{Binding, Failure, Prober};
use crate::experiment::compare::difference;
use crate::experiment::metric::Metric;
use crate::experiment::study::{Node, Point, Verdict};
use crate::model::{Edit, Resource};
use crate::statistics::holm::holm_adjusted;

/// Nodes less busy than this have enough of everything.
const IDLE: f64 = 0.02;

/// Things that are tried at most.
const MOST_TRIALS: usize = 8;

/// What an improvement must be beyond chance by.
const SIGNIFICANCE: f64 = 0.05;

/// Doubles one thing after the other at a load that is `missed`, and returns what helps most, if anything helps for sure:
/// what meets the objectives, or else what lowers p99 most. `met` tells how busy the nodes are just below.
///
/// Not at the load that is met: there much makes a request faster, which is not what keeps the next one from being served.
pub(super) fn binding(
    prober: &Prober<'_>,
    series: usize,
    missed: f64,
    met: &Point,
    edits: &[Edit],
) -> Result<Option<Binding>, Failure> {
    let base = prober.sketch(series, missed, edits)?;
    let resources = prober.resources(series, missed, edits).into_iter();
    let mut busy: Vec<(f64, Resource)> = resources.map(|one| (busiest(met, &one.node), one)).collect();
    busy.retain(|(share, _)| *share >= IDLE);
    busy.sort_by(|a, b| b.0.total_cmp(&a.0));
    busy.truncate(MOST_TRIALS);
    let mut trials = Vec::new();
    for (_, resource) in busy {
        let (path, doubled_value) = (resource.path(), 2.0 * resource.value);
        let edits: Vec<Edit> = edits.iter().cloned().chain([prober.edit(&path, doubled_value)]).collect();
        let found = match prober.sketch(series, missed, &edits) {
            // Not everything can be had twice: an event loop has one core.
            Err(Failure::Diagnosed(_)) => continue,
            found => found?,
        };
        let difference = difference(&base, &found, prober.operation(), Metric::P99);
        let Resource { node, field, value } = resource;
        let p99_difference_s = difference.map(|(difference, _)| difference);
        let binding = Binding { node, field: field.to_owned(), path, value, doubled_value, p99_difference_s };
        let p99_s = Metric::P99.told(&found.point, prober.operation()).map_or(f64::INFINITY, |p99| p99.value);
        let rank = match prober.judge(&found.point) {
            (Verdict::Met, _) => Rank::Meets,
            (Verdict::Unsure, _) => Rank::MayMeet,
            // Faster is of no use where the objective is about something else.
            (Verdict::Missed, limited) if limited.is_none_or(|one| one.quantity.is_latency()) => Rank::MayBeFaster,
            (Verdict::Missed, _) => continue,
        };
        trials.push(Trial { binding, p_value: difference.map(|(_, p_value)| p_value), rank, p99_s });
    }
    let adjusted = holm_adjusted(&trials.iter().filter_map(|trial| trial.p_value).collect::<Vec<_>>());
    let mut adjusted = adjusted.into_iter();
    trials.retain(|trial| {
        let is_real = trial.p_value.is_some() && adjusted.next().is_some_and(|adjusted| adjusted < SIGNIFICANCE);
        match trial.binding.p99_difference_s {
            _ if trial.rank == Rank::Meets => true,
            Some(difference) => is_real && difference.value < 0.0,
            // There was no latency to tell, and now there is.
            None => trial.p99_s.is_finite(),
        }
    });
    let best = trials.into_iter().min_by(|a, b| (a.rank, a.p99_s).partial_cmp(&(b.rank, b.p99_s)).unwrap_or(Equal));
    Ok(best.map(|trial| trial.binding))
}

/// Twice as much of one thing, tried.
struct Trial {
    binding: Binding,
    /// Of the test that it makes no difference, where there was a latency before.
    p_value: Option<f64>,
    rank: Rank,
    p99_s: f64,
}

/// What twice as much does, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Meets,
    MayMeet,
    MayBeFaster,
}

/// The largest share of anything of a node that is in use.
fn busiest(point: &Point, node: &str) -> f64 {
    let of = |node: &Node| {
        let places = node.measures.iter().filter(|measure| measure.name.ends_with("_utilization_ratio"));
        let shares = places.map(|measure| measure.estimate.value).chain(node.utilization.map(|share| share.value));
        shares.fold(0.0, f64::max)
    };
    point.nodes.iter().filter(|one| one.name == node).map(of).fold(0.0, f64::max)
}
