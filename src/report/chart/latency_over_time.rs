//! p99 latency of every variant against the time since the start of the run, at the heaviest load.

use crate::experiment::metric::Metric;
use crate::experiment::study::{Interval, OperationWindow, Point, Study, Variant, Window};
use crate::report::format::Quantity;
use crate::report::rows::with_unit;

use super::picture::{Axis, Line, Naming, Picture, Refusals, Spot, Start, Uncertainty, footer};
use super::variants::{limits, load_label, of_watched};

/// A quantity of a window.
type Told = fn(&OperationWindow) -> Option<Interval>;

/// What may be drawn, the most wanted first: what lies in the tail needs many requests in each window.
const QUANTITIES: [(Metric, Told); 4] = [
    (Metric::P99, |operation| operation.p99_s),
    (Metric::P95, |operation| operation.p95_s),
    (Metric::P50, |operation| operation.p50_s),
    (Metric::Mean, |operation| operation.mean_s),
];

/// Most labels along the axis of time.
const LABELS_MAX: f64 = 12.0;

/// `None` for studies of the long run, which have no windows. `of_whom` says which variants these are.
pub(super) fn picture(study: &Study, of_whom: &str) -> Option<Picture> {
    let points = || study.variants.iter().flat_map(|variant| &variant.points);
    let told = points().filter(|point| !point.windows.is_empty());
    let load = told.map(|point| point.load).max_by(f64::total_cmp)?;
    let end_s = points().map(|point| point.simulated_s).fold(0.0, f64::max);
    let unit = TimeUnit::of(end_s);
    let (metric, quantity) = quantity(study, load);
    let line = |(style, variant): (usize, &Variant)| Line {
        name: variant.name.clone(),
        style,
        emphasis: false,
        bridged: false,
        marked: false,
        spots: at(variant, load).map_or_else(Vec::new, |point| spots(study, point, &unit, quantity)),
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
        horizontal: Axis {
            title: format!("Time since the start ({})", unit.name),
            quantity: Quantity::Count,
            start: Start::Data,
            include: unit.labels(end_s).into_iter().rev().collect(),
            limits: Vec::new(),
        },
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

fn operation<'w>(study: &Study, window: &'w Window) -> Option<&'w OperationWindow> {
    window.operations.iter().find(|operation| operation.name == study.operation)
}

/// The first quantity that at least half of the windows at this load tell, in most of the variants.
fn quantity(study: &Study, load: f64) -> (Metric, Told) {
    let windows = || study.variants.iter().filter_map(|variant| at(variant, load)).flat_map(|point| &point.windows);
    let with_requests = windows().filter(|window| operation(study, window).is_some_and(|one| one.mean_s.is_some()));
    let all = with_requests.count();
    let told = |told: Told| windows().filter(|window| operation(study, window).and_then(told).is_some()).count();
    QUANTITIES.into_iter().find(|(_, quantity)| 2 * told(*quantity) >= all).unwrap_or(QUANTITIES[3])
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

/// The unit that a time is best read in.
struct TimeUnit {
    name: &'static str,
    seconds: f64,
    /// Distances of labels that people count in.
    steps: &'static [f64],
}

impl TimeUnit {
    fn of(end_s: f64) -> Self {
        const TENS: &[f64] = &[1.0, 2.0, 5.0, 10.0];
        const SIXTIES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0];
        const DOZENS: &[f64] = &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0];
        let (name, seconds, steps) = match end_s {
            end_s if end_s > 10.0 * 86_400.0 => ("days", 86_400.0, TENS),
            end_s if end_s > 3.0 * 3_600.0 => ("hours", 3_600.0, DOZENS),
            end_s if end_s > 180.0 => ("minutes", 60.0, SIXTIES),
            _ => ("seconds", 1.0, SIXTIES),
        };
        Self { name, seconds, steps }
    }

    /// Round times from zero to the end, the end itself where none is round.
    fn labels(&self, end_s: f64) -> Vec<f64> {
        let end = end_s / self.seconds;
        let fits = |step: &&f64| end / **step < LABELS_MAX;
        let step = match self.steps.iter().find(fits) {
            Some(step) if end > 4.0 => *step,
            Some(_) => 10f64.powf((end / 4.0).log10().ceil()),
            None => 10f64.powf((end / LABELS_MAX).log10().ceil()),
        };
        let count = (end / step * (1.0 + 1e-12)).floor() as u32;
        (0..=count).map(|label| f64::from(label) * step).collect()
    }
}
