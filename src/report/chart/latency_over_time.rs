//! p99 latency of every variant against the time since the start of the run, at the heaviest load.

use crate::experiment::study::{Point, Study, Variant, Window};
use crate::report::format::Quantity;
use crate::report::rows::with_unit;

use super::course::{TimeUnit, Told, operation, quantity};
use super::picture::{Axis, Line, Naming, Picture, Refusals, Spot, Start, Uncertainty, footer};
use super::variants::{limits, load_label, of_watched};

/// `None` for studies of the long run, which have no windows. `of_whom` says which variants these are.
pub(super) fn picture(study: &Study, of_whom: &str) -> Option<Picture> {
    let points = || study.variants.iter().flat_map(|variant| &variant.points);
    let told = points().filter(|point| !point.windows.is_empty());
    let load = told.map(|point| point.load).max_by(f64::total_cmp)?;
    let end_s = points().map(|point| point.simulated_s).fold(0.0, f64::max);
    let unit = TimeUnit::of(end_s);
    let heaviest = study.variants.iter().filter_map(|variant| at(variant, load));
    let (metric, quantity) = quantity(study, heaviest.flat_map(|point| &point.windows));
    let line = |(style, variant): (usize, &Variant)| {
        let spots = at(variant, load).map_or_else(Vec::new, |point| spots(study, point, &unit, quantity));
        Line { marked: false, ..Line::of(&variant.name, style, spots) }
    };
    let place = with_unit(&study.axis.label, study.axis.unit.as_deref());
    Some(Picture {
        title: study.title.clone(),
        subtitle: format!(
            "{} latency{}{of_whom} over time at {} {place}, with 95% confidence bands",
            metric.title(),
            of_watched(study),
            load_label(load)
        ),
        horizontal: unit.axis(end_s),
        vertical: Axis {
            title: format!("{} latency of the requests that end in a window", metric.title()),
            quantity: Quantity::Seconds,
            start: Start::Zero,
            include: Vec::new(),
            limits: limits(study, &[metric]),
        },
        lines: study.variants.iter().enumerate().map(line).collect(),
        refusals: study.variants.iter().enumerate().filter_map(|(style, one)| refusal(style, one, load)).collect(),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    })
}

fn at(variant: &Variant, load: f64) -> Option<&Point> {
    variant.points.iter().find(|point| point.load == load)
}

/// One spot in the middle of each window.
fn spots(study: &Study, point: &Point, unit: &TimeUnit, quantity: Told) -> Vec<Option<Spot>> {
    let spot = |window: &Window| {
        let middle_s = (window.start_s + window.end_s) / 2.0;
        Spot::at(middle_s / unit.seconds, quantity(operation(study, window)?))
    };
    point.windows.iter().map(spot).collect()
}

fn refusal(style: usize, variant: &Variant, load: f64) -> Option<Refusals> {
    let code = at(variant, load)?.refusal.as_ref()?.code.replace('_', " ");
    Some(Refusals { text: format!("{}: {code}", variant.name), style, places: Vec::new() })
}
