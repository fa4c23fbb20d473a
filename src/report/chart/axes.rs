//! Which scales suit a picture, and the grid and axes that plotters draws for them.

use plotters::backend::DrawingBackend;
use plotters::chart::ChartBuilder;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::style::Color;

use crate::experiment::study::Interval;

use super::canvas::{Canvas, Drawn, Place};
use super::labels::Region;
use super::picture::{Axis, Line, Picture, Spot, Start};
use super::scale::{Scale, extent};
use super::style::{AXIS, Align, GRID, HAIRLINE, HEIGHT, INK, Lettering, WIDTH};

/// Values whose largest is this many times their smallest, a decade and a half, need a logarithmic axis.
const LOGARITHMIC_FROM: f64 = 31.6;

/// Up to this many measured values of the horizontal axis are labelled themselves; of more, round ones are easier to read.
const MEASURED_LABELS_MAX: usize = 12;

/// Height of the labels of the horizontal axis, and of what is left where they stand elsewhere: the marks at the axis.
const LABEL_HEIGHT: f64 = 52.0;
const TICK: f64 = 6.0;

/// Where the plot itself is, and what its axes say.
pub(super) struct Plot {
    pub(super) frame: Region,
    pub(super) horizontal: Scale,
    pub(super) vertical: Scale,
    /// Size of the letters of its labels.
    pub(super) letters: f64,
    /// Whether the horizontal axis is labelled; of plots one above the other, the lowest has the labels of all.
    pub(super) is_lowest: bool,
}

impl Plot {
    /// The place of a pair of values.
    pub(super) fn place(&self, x: f64, y: f64) -> Place {
        (
            self.frame.left + self.frame.width * self.horizontal.fraction(x),
            self.frame.top + self.frame.height * (1.0 - self.vertical.fraction(y)),
        )
    }
}

/// How far below a plot the middle of the title of its horizontal axis is.
pub(super) fn axis_title_below(letters: f64) -> f64 {
    22.0 + 2.0 * letters
}

/// The horizontal scale of these lines.
pub(super) fn horizontal_scale<'a>(axis: &Axis, lines: impl Iterator<Item = &'a Line>) -> Scale {
    let scale = scale_of(axis, lines, |spot| spot.x, 8);
    match axis.include.len() {
        1..=MEASURED_LABELS_MAX => scale.labelled_at(&axis.include),
        _ => scale,
    }
}

/// The vertical scale of a picture, with about so many labels.
pub(super) fn vertical_scale(picture: &Picture, labels: usize) -> Scale {
    scale_of(&picture.vertical, picture.lines.iter(), |spot| spot.y, labels)
}

/// The scale that suits what the lines hold along one axis.
fn scale_of<'a>(
    axis: &Axis,
    lines: impl Iterator<Item = &'a Line>,
    part: impl Fn(&Spot) -> Interval,
    labels: usize,
) -> Scale {
    let intervals: Vec<_> = lines.flat_map(|line| line.spots.iter().flatten()).map(part).collect();
    let asked = axis.limits.iter().map(|limit| limit.value);
    let values: Vec<f64> =
        intervals.iter().map(|interval| interval.value).chain(asked.chain(axis.include.iter().copied())).collect();
    let ends: Vec<f64> =
        values.iter().copied().chain(intervals.iter().flat_map(|interval| [interval.low, interval.high])).collect();
    let wide = extent(&values).is_some_and(|(low, high)| low > 0.0 && high / low >= LOGARITHMIC_FROM);
    match axis.start {
        Start::Zero if wide => Scale::logarithmic(&near(&ends, &values), axis.quantity, true),
        Start::Zero | Start::ZeroLinear => Scale::linear_from_zero(&ends, axis.quantity, labels),
        Start::Data if wide && is_geometric(&values) => Scale::logarithmic(&ends, axis.quantity, false),
        Start::Data => Scale::linear_padded(&ends, axis.quantity, labels),
    }
}

/// Interval ends without those far below every value: an interval that reaches to almost zero would stretch a logarithmic
/// axis by decades that hold no point.
fn near(ends: &[f64], values: &[f64]) -> Vec<f64> {
    let floor = extent(values).map_or(0.0, |(low, _)| low / 2.0);
    ends.iter().copied().filter(|end| *end >= floor).collect()
}

/// Whether values crowd at the low end, as 1k, 10k, 100k do and 100k, 200k, 300k do not.
fn is_geometric(values: &[f64]) -> bool {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Charts of one study hold a load once or many times, and should have the same axis.
    sorted.dedup();
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return false;
    };
    sorted[sorted.len() / 2] - first < (last - first) * 0.42
}

/// The grid, the axes and their labels, drawn by plotters.
pub(super) fn draw_axes<DB: DrawingBackend>(picture: &Picture, plot: &Plot, canvas: &Canvas<DB>) -> Drawn<DB> {
    let Region { left, top, width, height } = plot.frame;
    let label_height = if plot.is_lowest { LABEL_HEIGHT } else { TICK };
    let area = canvas.root.margin(
        canvas.pixels(top),
        canvas.pixels(f64::from(HEIGHT) - top - height - label_height),
        0,
        canvas.pixels(f64::from(WIDTH) - left - width),
    );
    let mut chart = ChartBuilder::on(&area)
        .x_label_area_size(canvas.pixels(label_height))
        .y_label_area_size(canvas.pixels(left))
        .build_cartesian_2d(plot.horizontal.clone(), plot.vertical.clone())?;
    let hairline = canvas.pixels(HAIRLINE).max(1) as u32;
    // Where nothing is drawn, numbers on an axis would be invented, unless they are loads that somebody asked for.
    let label = |axis: &Axis, scale: &Scale, value: &f64| {
        if picture.is_empty() && axis.include.is_empty() { String::new() } else { scale.format_ext(value) }
    };
    let horizontal_label = |value: &f64| match plot.is_lowest {
        true => label(&picture.horizontal, &plot.horizontal, value),
        false => String::new(),
    };
    let lettering = Lettering::new(plot.letters, INK);
    chart
        .configure_mesh()
        .bold_line_style(GRID.stroke_width(hairline))
        .axis_style(AXIS.stroke_width(hairline))
        .label_style(lettering.text_style(canvas.scale, Align::Left))
        .set_all_tick_mark_size(canvas.pixels(TICK))
        .x_label_formatter(&horizontal_label)
        .y_label_formatter(&|value| label(&picture.vertical, &plot.vertical, value))
        .draw()?;
    if !plot.is_lowest {
        return Ok(());
    }
    let place = (left + width / 2.0, top + height + axis_title_below(plot.letters));
    let title = canvas.shortened(&picture.horizontal.title, lettering, width);
    canvas.text(&title, place, lettering, Align::Centre)
}
