//! Utilization of cores, workers and connections of one variant against load: what binds first, and what binds next.

use crate::experiment::study::{Interval, Point, Study, Variant};
use crate::report::format::Quantity;
use crate::report::rows::utilizations;

use super::picture::{Axis, Line, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{line_against_load, load_axis, refusals_of};

/// More lines than this cannot be told apart, and the idle nodes are not what anybody asks about.
const NODES_MAX: usize = 12;

/// The picture of the variant with this index.
pub(super) fn picture(study: &Study, index: usize) -> Picture {
    let variant = &study.variants[index];
    let nodes = busiest_first(variant);
    let shown = nodes.len().min(NODES_MAX);
    let of_all = if nodes.len() > shown {
        format!("the {shown} busiest of {}", nodes.len())
    } else {
        "cores, workers and connections".into()
    };
    let lines = nodes.iter().take(shown).enumerate().map(|(rank, name)| Line {
        emphasis: rank == 0 && shown > 1,
        ..line_against_load(name, rank, variant, |point| utilization(point, name))
    });
    Picture {
        title: study.title.clone(),
        subtitle: format!("{}: utilization of {of_all}, the busiest in bold, with 95% confidence bands", variant.name),
        horizontal: load_axis(study),
        vertical: Axis {
            title: "Utilization, busy share of capacity".to_owned(),
            quantity: Quantity::Ratio,
            start: Start::ZeroLinear,
            include: vec![0.0, 1.0],
            limits: Vec::new(),
        },
        lines: lines.collect(),
        refusals: refusals_of(study, variant, NODES_MAX + 1).into_iter().collect(),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    }
}

/// The names of all that can be exhausted, by their highest utilization; equals in the order of the model.
fn busiest_first(variant: &Variant) -> Vec<String> {
    let mut peaks: Vec<(String, f64)> = Vec::new();
    let points = variant.points.iter().filter(|point| point.refusal.is_none());
    for (name, estimate) in points.flat_map(utilizations).filter(|(_, estimate)| estimate.value.is_finite()) {
        match peaks.iter_mut().find(|(known, _)| *known == name) {
            Some((_, peak)) => *peak = peak.max(estimate.value),
            None => peaks.push((name, estimate.value)),
        }
    }
    // Workers and connections are held also while they wait for somebody else: of equals, cores are what binds.
    let is_cores = |name: &str| {
        variant
            .points
            .iter()
            .any(|point| point.nodes.iter().any(|node| node.utilization.is_some() && node.name == name))
    };
    let rank = |(name, peak): &(String, f64)| ((peak * 100.0).round(), is_cores(name));
    peaks.sort_by(|a, b| {
        let (one, other) = (rank(b), rank(a));
        one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))
    });
    peaks.into_iter().map(|(name, _)| name).collect()
}

fn utilization(point: &Point, name: &str) -> Option<Interval> {
    let found = utilizations(point).find(|(known, _)| known == name);
    // An interval may reach beyond what is possible; the axis should not.
    found.map(|(_, estimate)| Interval { high: estimate.high.min(estimate.value.max(1.0)), ..estimate })
}
