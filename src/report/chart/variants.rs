//! What charts of several variants have in common: one line per variant, against load.

use std::collections::BTreeSet;

use crate::experiment::study::{Interval, Point, Study, Variant};
use crate::report::format::Quantity;
pub(super) use crate::report::rows::overall;

use super::picture::{Axis, Line, Refusals, Spot, Start};

/// The points of a variant by increasing load, which is the order in which a line is drawn.
pub(super) fn by_load(variant: &Variant) -> Vec<&Point> {
    let mut points: Vec<&Point> = variant.points.iter().collect();
    points.sort_by(|a, b| a.load.total_cmp(&b.load));
    points
}

/// A line of one quantity against load. A refused point is a gap, whatever else may be known about it.
pub(super) fn line_against_load(
    name: &str,
    style: usize,
    variant: &Variant,
    quantity: impl Fn(&Point) -> Option<Interval>,
) -> Line {
    let spot = |point: &Point| match point.refusal {
        Some(_) => None,
        None => Spot::at(point.load, quantity(point)),
    };
    let spots = by_load(variant).into_iter().map(spot).collect();
    Line { name: name.to_owned(), style, emphasis: false, spots }
}

/// One line for each variant.
pub(super) fn lines_against_load(study: &Study, quantity: impl Fn(&Point) -> Option<Interval>) -> Vec<Line> {
    let lines = study.variants.iter().enumerate();
    lines.map(|(index, variant)| line_against_load(&variant.name, index, variant, &quantity)).collect()
}

/// The horizontal axis of everything that is drawn against load. It spans all loads, refused ones included.
pub(super) fn load_axis(study: &Study) -> Axis {
    let loads = study.variants.iter().flat_map(|variant| variant.points.iter().map(|point| point.load));
    let include: BTreeSet<u64> = loads.chain(study.axis.values.iter().copied()).map(f64::to_bits).collect();
    Axis {
        title: study.axis.label.clone(),
        quantity: Quantity::Count,
        start: Start::Data,
        include: include.into_iter().map(f64::from_bits).collect(),
    }
}

/// Why points of one variant were refused, each reason once, in the order of the loads.
pub(super) fn reasons(variant: &Variant) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for refusal in by_load(variant).into_iter().filter_map(|point| point.refusal.as_ref()) {
        let reason = refusal.code.replace('_', " ");
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons.join(", ")
}

/// The loads of one variant that were refused.
fn refused_loads(variant: &Variant) -> Vec<f64> {
    let refused = by_load(variant).into_iter().filter(|point| point.refusal.is_some());
    refused.map(|point| point.load).collect()
}

/// The refused points of one variant, marked at their loads.
pub(super) fn refusals_of(variant: &Variant, style: usize, text: String) -> Option<Refusals> {
    let places = refused_loads(variant);
    if places.is_empty() { None } else { Some(Refusals { text, style, places }) }
}

/// The refused points of every variant that has some, marked at their loads.
pub(super) fn refusals(study: &Study) -> Vec<Refusals> {
    let variants = study.variants.iter().enumerate();
    let text = |variant: &Variant| format!("{}: {}", variant.name, reasons(variant));
    variants.filter_map(|(index, variant)| refusals_of(variant, index, text(variant))).collect()
}

/// The refused points of every variant where the horizontal axis is not the load: the loads stand in the text.
pub(super) fn refusals_in_words(study: &Study) -> Vec<Refusals> {
    let variants = study.variants.iter().enumerate();
    variants
        .filter_map(|(style, variant)| {
            let loads: Vec<String> = refused_loads(variant).into_iter().map(load_label).collect();
            let text = format!("{}: {} at {}", variant.name, reasons(variant), loads.join(", "));
            if loads.is_empty() { None } else { Some(Refusals { text, style, places: Vec::new() }) }
        })
        .collect()
}

/// A load beside a point.
pub(super) fn load_label(load: f64) -> String {
    Quantity::Count.tick(load, load)
}
