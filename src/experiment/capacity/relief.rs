//! What binds: of the things that nodes have so much of, the one of which twice as much helps most.

use crate::experiment::capacity::{Binding, Failure, Prober};
use crate::experiment::compare::difference;
use crate::experiment::finding::Finding;
use crate::experiment::metric::Metric;
use crate::experiment::study::{Node, Point};
use crate::model::{Edit, Resource};
use crate::statistics::holm::holm_adjusted;

/// Nodes less busy than this have enough of everything.
const IDLE: f64 = 0.3;

/// Things that are tried at most.
const MOST_TRIALS: usize = 8;

/// What an improvement must be beyond chance by.
const SIGNIFICANCE: f64 = 0.05;

/// Doubles one thing after the other at the load of `finding`, and returns what lowers p99 most, if anything does for sure.
pub(super) fn binding(
    prober: &Prober<'_>,
    series: usize,
    finding: &Finding,
    edits: &[Edit],
) -> Result<Option<Binding>, Failure> {
    let load = finding.point.load;
    let precision = prober.precisions()[0];
    let base = prober.probe(series, load, precision, edits)?;
    let mut resources: Vec<(f64, Resource)> = Vec::new();
    for resource in prober.resources(series, load, edits) {
        let share = busiest(&finding.point, &resource.node);
        if share >= IDLE {
            resources.push((share, resource));
        }
    }
    resources.sort_by(|a, b| b.0.total_cmp(&a.0));
    resources.truncate(MOST_TRIALS);
    let mut trials = Vec::new();
    for (_, resource) in resources {
        let path = resource.path();
        let doubled_value = 2.0 * resource.value;
        let edits: Vec<Edit> = edits.iter().cloned().chain([prober.edit(&path, doubled_value)]).collect();
        let found = match prober.probe(series, load, precision, &edits) {
            // Not everything can be had twice: an event loop has one core.
            Err(Failure::Diagnosed(_)) => continue,
            found => found?,
        };
        if let Some((p99_difference_s, p_value)) = difference(&base, &found, prober.operation(), Metric::P99) {
            let (node, field, value) = (resource.node, resource.field.to_owned(), resource.value);
            trials.push((Binding { node, field, path, value, doubled_value, p99_difference_s }, p_value));
        }
    }
    let adjusted = holm_adjusted(&trials.iter().map(|(_, p_value)| *p_value).collect::<Vec<_>>());
    let real = trials.into_iter().zip(adjusted).filter(|(_, adjusted)| *adjusted < SIGNIFICANCE);
    let helpful = real.map(|((binding, _), _)| binding).filter(|binding| binding.p99_difference_s.value < 0.0);
    Ok(helpful.min_by(|a, b| a.p99_difference_s.value.total_cmp(&b.p99_difference_s.value)))
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
