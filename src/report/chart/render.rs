//! Draws a picture: title above, names at the right, refused points in a strip along the upper edge of the plot.

use plotters::backend::DrawingBackend;

use super::axes::{Plot, draw_axes, horizontal_scale, vertical_scale};
use super::canvas::{Canvas, Drawn, Place};
use super::labels::{Region, place_near};
use super::limits;
use super::names::{self, NameColumn};
use super::picture::{Line, Picture, Spot, Trace, Uncertainty};
use super::refusals;
use super::style::{
    Align, BAND_ALPHA, BRIDGE_ALPHA, FOOTER, HEIGHT, INK, INK_SOFT, LABEL, LINE, LINE_EMPHASIS, Lettering, MARGIN,
    POINT_LABEL, SUBTITLE, TITLE, WIDTH, colour, marker, text_colour,
};

/// Titles may be as wide as the picture.
const HEADER_WIDTH: f64 = WIDTH as f64 - 2.0 * MARGIN;

/// Draws the whole picture.
pub(super) fn render<DB: DrawingBackend>(picture: &Picture, canvas: &Canvas<DB>) -> Drawn<DB> {
    canvas.root.fill(&super::style::PAPER)?;
    draw_header(&picture.title, &picture.subtitle, &picture.footer, canvas)?;
    let title = canvas.shortened(&picture.vertical.title, Lettering::new(LABEL, INK), HEADER_WIDTH);
    canvas.text(&title, (MARGIN, 146.0), Lettering::new(LABEL, INK), Align::Left)?;

    let horizontal = horizontal_scale(&picture.horizontal, picture.lines.iter());
    let vertical = vertical_scale(picture, 6);
    let tick = Lettering::new(LABEL, INK);
    let widest = vertical.labels().iter().map(|label| canvas.text_width(label, tick)).fold(40.0, f64::max);
    let column = NameColumn::measure(picture, 560.0, LABEL, canvas);
    let left = MARGIN + widest + 20.0;
    let top = 180.0 + refusals::strip_height(picture);
    let frame = Region {
        left,
        top,
        width: f64::from(WIDTH) - MARGIN - column.width - left,
        height: f64::from(HEIGHT) - 122.0 - top,
    };
    draw_plot(picture, &Plot { frame, horizontal, vertical, letters: LABEL, is_lowest: true }, &column, canvas)?;
    if picture.is_empty() {
        let centre = (frame.left + frame.width / 2.0, frame.top + frame.height / 2.0);
        let lettering = Lettering::new(SUBTITLE, INK_SOFT);
        canvas.text_on_paper("No point has numbers to draw.", centre, lettering, Align::Centre)?;
    }
    canvas.root.present()
}

/// All that lies within the frame of a plot, its axes, and the names at its right.
pub(super) fn draw_plot<DB: DrawingBackend>(
    picture: &Picture,
    plot: &Plot,
    column: &NameColumn,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    draw_axes(picture, plot, canvas)?;
    refusals::draw_refusals(picture, plot, column.width, canvas)?;
    limits::draw_limits(picture, plot, canvas)?;
    for line in &picture.lines {
        draw_uncertainty(line, picture.uncertainty, plot, canvas)?;
    }
    names::draw_leaders(picture, plot, column, canvas)?;
    for line in &picture.lines {
        draw_line(line, plot, canvas)?;
    }
    names::draw_names(picture, plot, column, canvas)?;
    draw_point_labels(picture, plot, canvas)
}

/// Title, subtitle, and where the numbers come from.
pub(super) fn draw_header<DB: DrawingBackend>(
    title: &str,
    subtitle: &str,
    footer: &str,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    let rows = [
        (title, 52.0, Lettering::new(TITLE, INK).bold()),
        (subtitle, 100.0, Lettering::new(SUBTITLE, INK_SOFT)),
        (footer, f64::from(HEIGHT) - 20.0, Lettering::new(FOOTER, INK_SOFT)),
    ];
    for (text, y, lettering) in rows {
        canvas.text(&canvas.shortened(text, lettering, HEADER_WIDTH), (MARGIN, y), lettering, Align::Left)?;
    }
    Ok(())
}

/// Maximal runs of neighbouring points: a gap ends a line.
fn runs(line: &Line) -> impl Iterator<Item = Vec<&Spot>> {
    line.spots.split(Option::is_none).map(|run| run.iter().flatten().collect::<Vec<_>>()).filter(|run| !run.is_empty())
}

/// The spots on both sides of each gap that a line leads across.
fn bridges(line: &Line) -> Vec<(&Spot, &Spot)> {
    let ends: Vec<(&Spot, &Spot)> = runs(line).filter_map(|run| Some((*run.first()?, *run.last()?))).collect();
    let across = ends.windows(2).map(|pair| (pair[0].1, pair[1].0));
    if line.bridged { across.collect() } else { Vec::new() }
}

/// Where a line or an edge of its band leads.
fn course(run: &[&Spot], trace: Trace, plot: &Plot, y: fn(&Spot) -> f64) -> Vec<Place> {
    let places = |spot: &&Spot| match trace {
        Trace::Steps => vec![plot.place(spot.x.low, y(spot)), plot.place(spot.x.high, y(spot))],
        Trace::Straight | Trace::Dashed => vec![plot.place(spot.x.value, y(spot))],
    };
    run.iter().flat_map(places).collect()
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
            let upper = course(&run, line.trace, plot, |spot| spot.y.high);
            let lower = course(&run, line.trace, plot, |spot| spot.y.low);
            canvas.fill(&upper.into_iter().chain(lower.into_iter().rev()).collect::<Vec<_>>(), ink, BAND_ALPHA)?;
            continue;
        }
        // A single point has no band: its interval is a whisker.
        for spot in run {
            let (x, y) = (spot.x, spot.y);
            canvas.stroke(&[plot.place(x.value, y.low), plot.place(x.value, y.high)], ink, 0.6, LINE / 2.0)?;
            canvas.stroke(&[plot.place(x.low, y.value), plot.place(x.high, y.value)], ink, 0.6, LINE / 2.0)?;
        }
    }
    Ok(())
}

fn draw_line<DB: DrawingBackend>(line: &Line, plot: &Plot, canvas: &Canvas<DB>) -> Drawn<DB> {
    let width = if line.emphasis { LINE_EMPHASIS } else { LINE };
    for (from, to) in bridges(line) {
        let places = [from, to].map(|spot| plot.place(spot.x.value, spot.y.value));
        canvas.stroke(&places, colour(line.style), BRIDGE_ALPHA, LINE / 2.0)?;
    }
    for run in runs(line) {
        let places = course(&run, line.trace, plot, |spot| spot.y.value);
        match line.trace {
            Trace::Dashed => canvas.dashes(&places, colour(line.style), 1.0, width)?,
            Trace::Straight | Trace::Steps => canvas.stroke(&places, colour(line.style), 1.0, width)?,
        }
        // A spot between two gaps is a marker or nothing.
        for spot in run.iter().filter(|_| line.marked || run.len() == 1) {
            let place = plot.place(spot.x.value, spot.y.value);
            canvas.marker(place, marker(line.style), colour(line.style), spot.hollow)?;
            if spot.ringed {
                canvas.ring(place, colour(line.style))?;
            }
        }
    }
    Ok(())
}

/// The straight pieces of a line and its whiskers.
fn strokes(line: &Line, plot: &Plot) -> Vec<(Place, Place)> {
    let place = |spot: &Spot| plot.place(spot.x.value, spot.y.value);
    let pieces =
        runs(line).flat_map(|run| run.windows(2).map(|pair| (place(pair[0]), place(pair[1]))).collect::<Vec<_>>());
    let whiskers = line.spots.iter().flatten().flat_map(|spot| {
        let (x, y) = (spot.x, spot.y);
        [
            (plot.place(x.value, y.low), plot.place(x.value, y.high)),
            (plot.place(x.low, y.value), plot.place(x.high, y.value)),
        ]
    });
    pieces.chain(whiskers).collect()
}

/// Places along a stroke, both ends included, close enough that no label fits between two of them.
fn samples((from, to): (Place, Place)) -> impl Iterator<Item = Place> {
    const SPACING: f64 = 6.0;
    let steps = ((to.0 - from.0).hypot(to.1 - from.1) / SPACING).ceil().max(1.0) as u32;
    (0..=steps).map(move |step| {
        let share = f64::from(step) / f64::from(steps);
        (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
    })
}

/// Texts beside markers, left out where they would cover something.
fn draw_point_labels<DB: DrawingBackend>(picture: &Picture, plot: &Plot, canvas: &Canvas<DB>) -> Drawn<DB> {
    let lettering = |style: usize| Lettering::new(POINT_LABEL, text_colour(style));
    let place = |spot: &Spot| plot.place(spot.x.value, spot.y.value);
    let markers: Vec<Place> = picture.lines.iter().flat_map(|line| line.spots.iter().flatten()).map(place).collect();
    let curve: Vec<Place> = picture.lines.iter().flat_map(|line| strokes(line, plot)).flat_map(samples).collect();
    // The last point of a line is where the highest load is: its label is the one that must not be crowded out.
    // Of lines it is that of the one on top.
    let labelled: Vec<(&str, Place, Lettering)> = picture
        .lines
        .iter()
        .rev()
        .flat_map(|line| line.spots.iter().rev().flatten().map(move |spot| (line, spot)))
        .filter_map(|(line, spot)| Some((spot.label.as_deref()?, place(spot), lettering(line.style))))
        .collect();
    let wanted: Vec<(Place, f64, f64)> =
        labelled.iter().map(|(text, at, set)| (*at, canvas.text_width(text, *set) + 2.0, POINT_LABEL)).collect();
    let places = place_near(&wanted, &markers, &curve, &plot.frame);
    for ((text, _, lettering), region) in labelled.iter().zip(places) {
        if let Some(region) = region {
            let centre = (region.left + region.width / 2.0, region.top + region.height / 2.0);
            canvas.text(text, centre, *lettering, Align::Centre)?;
        }
    }
    Ok(())
}
