//! What charts of several variants have in common: one line per variant, against load.

use crate::experiment::metric::Metric;
use crate::experiment::study::{Interval, Operation, Point, Study, Variant};
use crate::report::format::Quantity;
pub(super) use crate::report::rows::{of_watched, watched, with_unit};

use super::picture::{Axis, Limit, Line, Refusals, Spot, Start};
use super::scale::drawable;

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
    let points = by_load(variant);
    let is_unstable = |point: &&Point| point.refusal.as_ref().is_some_and(|refusal| refusal.code == "unstable");
    let first_unstable = points.iter().position(is_unstable);
    let spots: Vec<Option<Spot>> = points.into_iter().map(spot).collect();
    let bridged = first_unstable.is_none_or(|first| spots.iter().skip(first).all(Option::is_none));
    Line { bridged, ..Line::of(name, style, spots) }
}

/// One line for each variant.
pub(super) fn lines_against_load(study: &Study, quantity: impl Fn(&Point) -> Option<Interval>) -> Vec<Line> {
    let lines = study.variants.iter().enumerate();
    lines.map(|(index, variant)| line_against_load(&variant.name, index, variant, &quantity)).collect()
}

/// Share of requests from which on a point is marked as failing: latencies are those of the requests that succeeded.
const FAILING_FROM: f64 = 0.01;

fn fails(study: &Study, point: &Point, from: f64) -> bool {
    let ratio = watched(study, point).and_then(|operation| operation.error_ratio);
    point.refusal.is_none() && ratio.is_some_and(|ratio| ratio.value >= from)
}

/// A line of latencies of the operation that the study looks at, hollow where requests fail.
pub(super) fn latency_line(
    study: &Study,
    name: &str,
    style: usize,
    variant: &Variant,
    quantile: impl Fn(&Operation) -> Option<Interval>,
) -> Line {
    let mut line = line_against_load(name, style, variant, |point| quantile(watched(study, point)?));
    for (spot, point) in line.spots.iter_mut().zip(by_load(variant)) {
        spot.iter_mut().for_each(|spot| spot.hollow = fails(study, point, FAILING_FROM));
    }
    line
}

/// A line of p99 latencies, with a ring where it bends.
pub(super) fn p99_line(study: &Study, name: &str, style: usize, variant: &Variant) -> Line {
    let mut line = latency_line(study, name, style, variant, |operation| operation.p99_s);
    for spot in line.spots.iter_mut().flatten() {
        spot.ringed = variant.knee.is_some_and(|knee| knee.load == spot.x.value);
    }
    line
}

/// What a subtitle says of hollow and ringed points, if there are any.
pub(super) fn marks_note(lines: &[Line]) -> String {
    let any = |is_marked: fn(&Spot) -> bool| lines.iter().any(|line| line.spots.iter().flatten().any(is_marked));
    let hollow = if any(|spot| spot.hollow) { "; hollow: 1% or more fail" } else { "" };
    let is_bridged =
        |line: &Line| line.bridged && line.spots.split(Option::is_none).filter(|run| !run.is_empty()).count() > 1;
    let bridged = if lines.iter().any(is_bridged) { "; thin: not told" } else { "" };
    let ringed = if any(|spot| spot.ringed) { "; ring: knee" } else { "" };
    format!("{hollow}{ringed}{bridged}")
}

/// The limits of the objectives that are about one of these quantities, as the study looks at it.
pub(super) fn limits(study: &Study, quantities: &[Metric]) -> Vec<Limit> {
    let is_cost = |quantity| matches!(quantity, Metric::CostPerHour | Metric::CostPerMillion);
    let objectives = study.objectives.iter().filter(|objective| {
        let is_drawn = is_cost(objective.quantity) || objective.operation == study.operation;
        is_drawn && quantities.contains(&objective.quantity) && drawable(objective.limit)
    });
    objectives.map(|objective| Limit { value: objective.limit, text: objective.name.clone() }).collect()
}

/// The horizontal axis of everything that is drawn against load. It spans all loads, refused ones included.
pub(super) fn load_axis(study: &Study) -> Axis {
    let descending = |mut loads: Vec<f64>| {
        loads.sort_by(|one, other| other.total_cmp(one));
        loads
    };
    // Readers look up the end of a curve, what was asked for, and the knees.
    let knees = study.variants.iter().filter_map(|variant| Some(variant.knee?.load)).collect();
    let further = study.variants.iter().flat_map(|variant| variant.points.iter().map(|point| point.load)).collect();
    let mut include = descending(study.axis.values.clone());
    for load in [descending(knees), descending(further)].concat() {
        if !include.contains(&load) {
            include.push(load);
        }
    }
    Axis {
        title: with_unit(&study.axis.label, study.axis.unit.as_deref()),
        quantity: Quantity::Count,
        start: Start::Data,
        include,
        limits: Vec::new(),
    }
}

/// Why a point has no latency, in a few words. Where nearly all requests fail, those of the few that succeed tell nothing.
fn lack(study: &Study, point: &Point) -> Option<String> {
    let told = watched(study, point).is_some_and(|operation| operation.p99_s.is_some());
    let failing = || (!told && fails(study, point, 0.9)).then(|| "over 90% fail".to_owned());
    point.refusal.as_ref().map(|refusal| refusal.code.replace('_', " ")).or_else(failing)
}

/// The loads at which one variant lacks numbers, and why, each reason once and in the order of the loads.
fn lacks_of(study: &Study, variant: &Variant) -> (Vec<f64>, String) {
    let (mut loads, mut reasons) = (Vec::new(), Vec::new());
    for point in by_load(variant) {
        let Some(reason) = lack(study, point) else { continue };
        loads.push(point.load);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    (loads, reasons.join(", "))
}

/// The points of one variant that lack numbers, marked at their loads.
pub(super) fn refusals_of(study: &Study, variant: &Variant, style: usize) -> Option<Refusals> {
    let (places, text) = lacks_of(study, variant);
    if places.is_empty() { None } else { Some(Refusals { text, style, places }) }
}

/// The points of every variant that lack numbers, marked at their loads.
pub(super) fn refusals(study: &Study) -> Vec<Refusals> {
    let variants = study.variants.iter().enumerate();
    let named = |(style, variant): (usize, &Variant)| {
        let refusals = refusals_of(study, variant, style)?;
        Some(Refusals { text: format!("{}: {}", variant.name, refusals.text), ..refusals })
    };
    variants.filter_map(named).collect()
}

/// The points of every variant that lack numbers where the horizontal axis is not the load: the loads stand in the text.
pub(super) fn refusals_in_words(study: &Study) -> Vec<Refusals> {
    let variants = study.variants.iter().enumerate();
    variants
        .filter_map(|(style, variant)| {
            let (loads, reasons) = lacks_of(study, variant);
            let labels: Vec<String> = loads.into_iter().map(load_label).collect();
            let text = format!("{}: {reasons} at {}", variant.name, labels.join(", "));
            if labels.is_empty() { None } else { Some(Refusals { text, style, places: Vec::new() }) }
        })
        .collect()
}

/// A load beside a point.
pub(super) fn load_label(load: f64) -> String {
    Quantity::Count.tick(load, load)
}
