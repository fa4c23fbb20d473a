//! Utilization of the busiest nodes of one variant against load: what binds first, and what binds next.

use crate::experiment::study::{Interval, Point, Study, Variant};
use crate::report::format::Quantity;

use super::picture::{Axis, Line, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{line_against_load, load_axis, reasons, refusals_of};

/// More lines than this cannot be told apart, and the idle nodes are not what anybody asks about.
const NODES_MAX: usize = 12;

/// The picture of the variant with this index.
pub(super) fn picture(study: &Study, index: usize) -> Picture {
    let variant = &study.variants[index];
    let nodes = busiest_first(variant);
    let shown = nodes.len().min(NODES_MAX);
    let of_all =
        if nodes.len() > shown { format!("the {shown} busiest of {} nodes", nodes.len()) } else { "every node".into() };
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
        },
        lines: lines.collect(),
        refusals: refusals_of(variant, NODES_MAX + 1, reasons(variant)).into_iter().collect(),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    }
}

fn utilization(point: &Point, name: &str) -> Option<Interval> {
    point.nodes.iter().find(|node| node.name == name)?.utilization
}

/// The names of all nodes that have a utilization, by their highest one; equals in the order of the model.
fn busiest_first(variant: &Variant) -> Vec<String> {
    let mut peaks: Vec<(String, f64)> = Vec::new();
    for node in variant.points.iter().filter(|point| point.refusal.is_none()).flat_map(|point| &point.nodes) {
        let Some(estimate) = node.utilization.filter(|estimate| estimate.value.is_finite()) else {
            continue;
        };
        match peaks.iter_mut().find(|(name, _)| *name == node.name) {
            Some((_, peak)) => *peak = peak.max(estimate.value),
            None => peaks.push((node.name.clone(), estimate.value)),
        }
    }
    peaks.sort_by(|a, b| b.1.total_cmp(&a.1));
    peaks.into_iter().map(|(name, _)| name).collect()
}
