//! p99 latency against cost: one line per variant, one point per load.
//!
//! Points are compared at the same load only, since a lower load is cheaper and faster for everybody. A point is
//! dominated, and drawn hollow, when another variant at the same load is clearly better in one respect and not clearly
//! worse in the other; "clearly" means that the 95% intervals do not overlap.

use crate::experiment::metric::Metric;
use crate::experiment::study::{Interval, Study};
use crate::report::format::Quantity;

use super::latency;
use super::picture::{Axis, Line, Naming, Picture, Spot, Start, Uncertainty, footer};
use super::variants::{by_load, limits, load_label, of_watched, refusals_in_words, watched};

/// `of_whom` says which variants these are.
pub(super) fn picture(study: &Study, of_whom: &str) -> Picture {
    let marked = if study.variants.len() > 1 { "; hollow where another variant is better at that load" } else { "" };
    Picture {
        title: study.title.clone(),
        subtitle: format!(
            "p99 latency{}{of_whom} against cost, points labelled with their load{marked}",
            of_watched(study)
        ),
        horizontal: Axis {
            title: "Cost, USD per hour".to_owned(),
            quantity: Quantity::Dollars,
            start: Start::Data,
            include: Vec::new(),
            limits: limits(study, &[Metric::CostPerHour]),
        },
        vertical: latency::axis(study),
        lines: mark_dominated(lines(study)),
        refusals: refusals_in_words(study),
        naming: Naming::List,
        uncertainty: Uncertainty::Whiskers,
        footer: footer(study),
    }
}

/// One line for each variant, each spot with the load it belongs to.
fn lines(study: &Study) -> Vec<(Line, Vec<f64>)> {
    let variants = study.variants.iter().enumerate();
    variants
        .map(|(style, variant)| {
            let points = by_load(variant);
            let spots = points.iter().map(|point| {
                let latency = watched(study, point).and_then(|operation| operation.p99_s);
                let spot = match point.refusal {
                    Some(_) => None,
                    None => Spot::between(point.cost_usd_per_hour, latency),
                };
                spot.map(|spot| Spot { label: Some(load_label(point.load)), ..spot })
            });
            let line = Line::of(&variant.name, style, spots.collect());
            (line, points.iter().map(|point| point.load).collect())
        })
        .collect()
}

fn mark_dominated(lines: Vec<(Line, Vec<f64>)>) -> Vec<Line> {
    let rivals = lines.clone();
    let mark = |(mut line, loads): (Line, Vec<f64>)| {
        for (spot, load) in line.spots.iter_mut().zip(&loads) {
            let Some(spot) = spot else { continue };
            spot.hollow = rivals.iter().any(|(rival, rival_loads)| {
                let mut pairs = rival.spots.iter().zip(rival_loads);
                pairs.any(|(other, at)| at == load && other.as_ref().is_some_and(|other| dominates(other, spot)))
            });
        }
        line
    };
    lines.into_iter().map(mark).collect()
}

fn dominates(one: &Spot, other: &Spot) -> bool {
    let clearly_below = |a: Interval, b: Interval| a.high < b.low;
    let worse = clearly_below(other.x, one.x) || clearly_below(other.y, one.y);
    let better = clearly_below(one.x, other.x) || clearly_below(one.y, other.y);
    better && !worse
}
