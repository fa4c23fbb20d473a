//! Draws a picture: title above, names at the right, refused points in a strip along the upper edge of the plot.

use plotters::backend::DrawingBackend;
use plotters::chart::ChartBuilder;
use plotters::style::Color;

use super::canvas::{Canvas, Drawn, Place};
use super::labels::{Region, place_near};
use super::names::{self, NameColumn};
use super::picture::{Axis, Line, Picture, Spot, Start, Uncertainty};
use super::scale::{Scale, extent};
use super::style::{
    AXIS, Align, BAND_ALPHA, FOOTER, GRID, HEIGHT, INK, INK_SOFT, LABEL, LINE, LINE_EMPHASIS,
    Lettering, MARGIN, POINT_LABEL, SUBTITLE, TITLE, WIDTH, colour, marker, text_colour,
};

/// Height of one row of refused points.
pub(super) const REFUSAL_ROW: f64 = 32.0;

/// Values whose largest is this many times their smallest, a decade and a half, need a logarithmic axis.
const LOGARITHMIC_FROM: f64 = 31.6;

/// Up to this many measured values of the horizontal axis are labelled themselves; of more, round ones are easier to read.
const MEASURED_LABELS_MAX: usize = 12;

/// Where the plot itself is, and what its axes say.
pub(super) struct Plot {
    pub(super) frame: Region,
    pub(super) horizontal: Scale,
    pub(super) vertical: Scale,
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

/// Draws the whole picture.
pub(super) fn render<DB: DrawingBackend>(picture: &Picture, canvas: &Canvas<DB>) -> Drawn<DB> {
    canvas.root.fill(&super::style::PAPER)?;
    draw_header(picture, canvas)?;

    let horizontal = scale_of(&picture.horizontal, picture.lines.iter(), |spot| spot.x, 8);
    let measured = &picture.horizontal.include;
    let horizontal = match measured.len() {
        1..=MEASURED_LABELS_MAX => horizontal.labelled_at(measured),
        _ => horizontal,
    };
    let vertical = scale_of(&picture.vertical, picture.lines.iter(), |spot| spot.y, 6);
    let tick = Lettering::new(LABEL, INK);
    let widest = vertical
        .labels()
        .iter()
        .map(|label| canvas.text_width(label, tick))
        .fold(40.0, f64::max);
    let column = NameColumn::measure(picture, canvas);
    let left = MARGIN + widest + 20.0;
    let top = 176.0 + REFUSAL_ROW * picture.refusals.len().min(names::REFUSAL_ROWS_MAX) as f64;
    let frame = Region {
        left,
        top,
        width: f64::from(WIDTH) - MARGIN - column.width - left,
        height: f64::from(HEIGHT) - 122.0 - top,
    };
    let plot = Plot {
        frame,
        horizontal,
        vertical,
    };

    draw_axes(picture, &plot, canvas)?;
    names::draw_refusals(picture, &plot, &column, canvas)?;
    for line in &picture.lines {
        draw_uncertainty(line, picture.uncertainty, &plot, canvas)?;
    }
    names::draw_leaders(picture, &plot, &column, canvas)?;
    for line in &picture.lines {
        draw_line(line, &plot, canvas)?;
    }
    names::draw_names(picture, &plot, &column, canvas)?;
    draw_point_labels(picture, &plot, canvas)?;
    if picture.is_empty() {
        let centre = (
            frame.left + frame.width / 2.0,
            frame.top + frame.height / 2.0,
        );
        canvas.text(
            "No point has numbers to draw.",
            centre,
            Lettering::new(SUBTITLE, INK_SOFT),
            Align::Centre,
        )?;
    }
    canvas.root.present()
}

/// The scale that suits what the lines hold along one axis.
fn scale_of<'a>(
    axis: &Axis,
    lines: impl Iterator<Item = &'a Line>,
    part: impl Fn(&Spot) -> crate::experiment::study::Interval,
    labels: usize,
) -> Scale {
    let intervals: Vec<_> = lines
        .flat_map(|line| line.spots.iter().flatten())
        .map(part)
        .collect();
    let values: Vec<f64> = intervals
        .iter()
        .map(|interval| interval.value)
        .chain(axis.include.iter().copied())
        .collect();
    let ends: Vec<f64> = values
        .iter()
        .copied()
        .chain(
            intervals
                .iter()
                .flat_map(|interval| [interval.low, interval.high]),
        )
        .collect();
    let wide =
        extent(&values).is_some_and(|(low, high)| low > 0.0 && high / low >= LOGARITHMIC_FROM);
    match axis.start {
        Start::Zero if wide => Scale::logarithmic(&near(&ends, &values), axis.quantity, true),
        Start::Zero | Start::ZeroLinear => Scale::linear_from_zero(&ends, axis.quantity, labels),
        Start::Data if wide && is_geometric(&values) => {
            Scale::logarithmic(&ends, axis.quantity, false)
        }
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
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return false;
    };
    sorted[sorted.len() / 2] - first < (last - first) * 0.35
}

fn draw_header<DB: DrawingBackend>(picture: &Picture, canvas: &Canvas<DB>) -> Drawn<DB> {
    let width = f64::from(WIDTH) - 2.0 * MARGIN;
    let rows = [
        (
            picture.title.as_str(),
            52.0,
            Lettering::new(TITLE, INK).bold(),
        ),
        (
            picture.subtitle.as_str(),
            100.0,
            Lettering::new(SUBTITLE, INK_SOFT),
        ),
        (
            picture.vertical.title.as_str(),
            146.0,
            Lettering::new(LABEL, INK),
        ),
        (
            picture.footer.as_str(),
            f64::from(HEIGHT) - 20.0,
            Lettering::new(FOOTER, INK_SOFT),
        ),
    ];
    for (text, y, lettering) in rows {
        canvas.text(
            &canvas.shortened(text, lettering, width),
            (MARGIN, y),
            lettering,
            Align::Left,
        )?;
    }
    Ok(())
}

/// The grid, the axes and their labels, drawn by plotters.
fn draw_axes<DB: DrawingBackend>(picture: &Picture, plot: &Plot, canvas: &Canvas<DB>) -> Drawn<DB> {
    let Region {
        left,
        top,
        width,
        height,
    } = plot.frame;
    let label_height = 52.0;
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
    let hairline = canvas.pixels(1.0).max(1) as u32;
    // Numbers on the vertical axis would be invented where nothing is drawn.
    let blank = picture.is_empty();
    chart
        .configure_mesh()
        .bold_line_style(GRID.stroke_width(hairline))
        .axis_style(AXIS.stroke_width(hairline))
        .label_style(Lettering::new(LABEL, INK).text_style(canvas.scale, Align::Left))
        .set_all_tick_mark_size(canvas.pixels(6.0))
        .y_label_formatter(&|value| {
            if blank {
                String::new()
            } else {
                plotters::coord::ranged1d::ValueFormatter::format_ext(&plot.vertical, value)
            }
        })
        .draw()?;
    let place = (left + width / 2.0, top + height + 70.0);
    canvas.text(
        &picture.horizontal.title,
        place,
        Lettering::new(LABEL, INK),
        Align::Centre,
    )
}

/// Maximal runs of neighbouring points: a gap ends a line.
fn runs(line: &Line) -> impl Iterator<Item = Vec<&Spot>> {
    line.spots
        .split(Option::is_none)
        .map(|run| run.iter().flatten().collect::<Vec<_>>())
        .filter(|run| !run.is_empty())
}

fn draw_uncertainty<DB: DrawingBackend>(
    line: &Line,
    uncertainty: Uncertainty,
    plot: &Plot,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    let ink = colour(line.style);
    for run in runs(line) {
        if uncertainty == Uncertainty::Band && run.len() > 1 {
            let upper = run.iter().map(|spot| plot.place(spot.x.value, spot.y.high));
            let lower = run
                .iter()
                .rev()
                .map(|spot| plot.place(spot.x.value, spot.y.low));
            canvas.fill(&upper.chain(lower).collect::<Vec<_>>(), ink, BAND_ALPHA)?;
            continue;
        }
        // A single point has no band: its interval is a whisker.
        for spot in run {
            let (x, y) = (spot.x, spot.y);
            canvas.stroke(
                &[plot.place(x.value, y.low), plot.place(x.value, y.high)],
                ink,
                0.6,
                LINE / 2.0,
            )?;
            canvas.stroke(
                &[plot.place(x.low, y.value), plot.place(x.high, y.value)],
                ink,
                0.6,
                LINE / 2.0,
            )?;
        }
    }
    Ok(())
}

fn draw_line<DB: DrawingBackend>(line: &Line, plot: &Plot, canvas: &Canvas<DB>) -> Drawn<DB> {
    let width = if line.emphasis { LINE_EMPHASIS } else { LINE };
    for run in runs(line) {
        let places: Vec<Place> = run
            .iter()
            .map(|spot| plot.place(spot.x.value, spot.y.value))
            .collect();
        canvas.stroke(&places, colour(line.style), 1.0, width)?;
        for (spot, place) in run.iter().zip(places) {
            canvas.marker(
                place,
                marker(line.style),
                colour(line.style),
                spot.dominated,
            )?;
        }
    }
    Ok(())
}

/// Texts beside markers, left out where they would cover something.
fn draw_point_labels<DB: DrawingBackend>(
    picture: &Picture,
    plot: &Plot,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    let lettering = |style: usize| Lettering::new(POINT_LABEL, text_colour(style));
    let place = |spot: &Spot| plot.place(spot.x.value, spot.y.value);
    let markers: Vec<Place> = picture
        .lines
        .iter()
        .flat_map(|line| line.spots.iter().flatten())
        .map(place)
        .collect();
    let curve: Vec<Place> = picture
        .lines
        .iter()
        .flat_map(runs)
        .flat_map(|run| {
            run.windows(2)
                .map(|pair| (place(pair[0]), place(pair[1])))
                .collect::<Vec<_>>()
        })
        .flat_map(|(from, to)| {
            (0..=40).map(move |step| {
                let share = f64::from(step) / 40.0;
                (
                    from.0 + (to.0 - from.0) * share,
                    from.1 + (to.1 - from.1) * share,
                )
            })
        })
        .collect();
    // The last point of a line is where the highest load is: its label is the one that must not be crowded out.
    let labelled: Vec<(&str, Place, Lettering)> = picture
        .lines
        .iter()
        .flat_map(|line| {
            line.spots
                .iter()
                .rev()
                .flatten()
                .map(move |spot| (line, spot))
        })
        .filter_map(|(line, spot)| {
            Some((spot.label.as_deref()?, place(spot), lettering(line.style)))
        })
        .collect();
    let wanted: Vec<(Place, f64, f64)> = labelled
        .iter()
        .map(|(text, at, set)| (*at, canvas.text_width(text, *set) + 2.0, POINT_LABEL))
        .collect();
    let places = place_near(&wanted, &markers, &curve, &plot.frame);
    for ((text, _, lettering), region) in labelled.iter().zip(places) {
        if let Some(region) = region {
            let centre = (
                region.left + region.width / 2.0,
                region.top + region.height / 2.0,
            );
            canvas.text(text, centre, *lettering, Align::Centre)?;
        }
    }
    Ok(())
}
