//! What a chart shows, as plain data: chosen by one file per chart, drawn by `render` on any backend.

use crate::experiment::study::{Interval, Study};
use crate::report::format::Quantity;

use super::scale::drawable;

/// One chart, before it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) horizontal: Axis,
    pub(super) vertical: Axis,
    pub(super) lines: Vec<Line>,
    /// What has no numbers, one row for each line that lacks some.
    pub(super) refusals: Vec<Refusals>,
    pub(super) naming: Naming,
    pub(super) uncertainty: Uncertainty,
    /// Where the numbers come from, in small print.
    pub(super) footer: String,
}

/// What an axis measures.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) title: String,
    pub(super) quantity: Quantity,
    pub(super) start: Start,
    /// Values that the axis includes though no line may reach them.
    pub(super) include: Vec<f64>,
    /// What is asked of the values.
    pub(super) limits: Vec<Limit>,
}

/// A value that an objective asks to stay below or above, drawn across the plot.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) value: f64,
    pub(super) text: String,
}

/// Where a linear axis starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At zero and always linear, as for a share.
    ZeroLinear,
    /// At zero, unless the values span so much that a logarithmic axis is needed.
    Zero,
    /// Near the smallest value, or logarithmic where the values are spaced that way.
    Data,
}

/// How a reader learns which line is which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// A name at the right, as high as the line ends.
    AtLineEnds,
    /// A list at the right, for lines that do not end at the right.
    List,
}

/// How intervals are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uncertainty {
    /// A band along the line: the horizontal axis is exact.
    Band,
    /// Whiskers at each point, in both directions.
    Whiskers,
}

/// One line with its band and markers.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// Index into the palette and the markers, so that a variant looks the same in every chart.
    pub(super) style: usize,
    /// Drawn thicker than the others.
    pub(super) emphasis: bool,
    /// Whether each spot has a marker; so many spots of a course of time would hide the line.
    pub(super) marked: bool,
    /// `None` is a gap.
    pub(super) spots: Vec<Option<Spot>>,
    /// Whether a thin line leads across gaps: what lies there could not be told, and the curve does not end there.
    pub(super) bridged: bool,
    pub(super) trace: Trace,
}

/// How a line leads from spot to spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    Straight,
    /// Level over the width of each spot, as what is set and holds until it is set anew.
    Steps,
    /// Straight and dashed, as what is not there yet.
    Dashed,
}

/// A point of a line, with the interval in each direction.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) x: Interval,
    pub(super) y: Interval,
    /// Text beside the marker.
    pub(super) label: Option<String>,
    /// Drawn hollow, for a reason that the subtitle tells: another point is better, or requests fail there.
    pub(super) hollow: bool,
    /// Drawn within a ring: the line bends there.
    pub(super) ringed: bool,
}

/// The points of one line that were refused.
#[derive(Clone, Debug)]
pub(super) struct Refusals {
    /// What is refused and why, for example `fixed fleet: unstable`.
    pub(super) text: String,
    pub(super) style: usize,
    /// Where on the horizontal axis; empty where the horizontal axis is itself a quantity that was refused.
    pub(super) places: Vec<f64>,
}

impl Line {
    /// A line of no emphasis, with markers and with gaps.
    pub(super) fn of(name: &str, style: usize, spots: Vec<Option<Spot>>) -> Self {
        let name = name.to_owned();
        Self { name, style, emphasis: false, marked: true, spots, bridged: false, trace: Trace::Straight }
    }
}

impl Spot {
    /// A point at an exact `x`, or `None` where the estimate is absent or cannot be drawn.
    pub(super) fn at(x: f64, y: Option<Interval>) -> Option<Self> {
        Self::between(Some(Interval { value: x, low: x, high: x }), y)
    }

    /// A point that is uncertain in both directions.
    pub(super) fn between(x: Option<Interval>, y: Option<Interval>) -> Option<Self> {
        Some(Self { x: tidy(x?)?, y: tidy(y?)?, label: None, hollow: false, ringed: false })
    }
}

/// An interval that can be drawn: its ends are in order, and an end that is not a number is the value itself.
fn tidy(interval: Interval) -> Option<Interval> {
    let Interval { value, low, high } = interval;
    if !drawable(value) {
        return None;
    }
    let low = if drawable(low) { low.min(value) } else { value };
    let high = if drawable(high) { high.max(value) } else { value };
    Some(Interval { value, low, high })
}

impl Picture {
    /// Whether there is anything but refusals to show.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.spots.iter().all(Option::is_none))
    }
}

/// Model, seed, digest and version: what somebody needs who wants to see the same numbers again.
pub(super) fn footer(study: &Study) -> String {
    let digest: String = study.digest.chars().take(12).collect();
    let quick = if study.quick { " · a quick first look" } else { "" };
    format!("{} · seed {} · result {digest} · forescale {}{quick}", study.model, study.seed, study.version)
}
