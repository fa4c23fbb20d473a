//! Draws a timeline: panels one above the other, and behind them the stretches that are shaded and the events.

use plotters::backend::DrawingBackend;

use super::axes::{Plot, axis_title_below, horizontal_scale, vertical_scale};
use super::canvas::{Canvas, Drawn};
use super::labels::Region;
use super::names::NameColumn;
use super::render::{draw_header, draw_plot};
use super::scale::Scale;
use super::style::{
    AXIS, Align, HAIRLINE, HEIGHT, INK, INK_SOFT, LABEL, Lettering, MARGIN, PAPER, POINT_LABEL, SHADE, WIDTH,
};
use super::timeline::{Mark, Shade, Timeline};

/// Where panels may begin: below the subtitle.
const TOP: f64 = 126.0;

/// Height of the labels of events.
const EVENTS: f64 = 28.0;

/// Between a panel and the title of the next.
const GAP: f64 = 10.0;

/// How much of its colour a stretch has that is outside in all replications.
const SHADE_ALPHA: f64 = 0.16;

/// Draws the whole timeline.
pub(super) fn render<DB: DrawingBackend>(timeline: &Timeline, canvas: &Canvas<DB>) -> Drawn<DB> {
    canvas.root.fill(&PAPER)?;
    draw_header(&timeline.title, &timeline.subtitle, &timeline.footer, canvas)?;
    let Some(first) = timeline.panels.first() else { return canvas.root.present() };
    let lines = timeline.panels.iter().flat_map(|panel| &panel.lines);
    let horizontal = horizontal_scale(&first.horizontal, lines);
    let rows = Rows::of(timeline);
    let labels = ((rows.plot / (1.8 * rows.letters)).floor() as usize).clamp(2, 6);
    let scales: Vec<Scale> =
        timeline.panels.iter().map(|panel| vertical_scale(panel, labels).with_at_most(labels + 1)).collect();
    // All plots are as wide, so that a moment is at the same place in each.
    let tick = Lettering::new(rows.letters, INK);
    let texts = scales.iter().flat_map(Scale::labels);
    let left = MARGIN + texts.map(|text| canvas.text_width(&text, tick)).fold(40.0, f64::max) + 20.0;
    let columns = timeline.panels.iter().map(|panel| NameColumn::measure(panel, rows.plot, rows.letters, canvas));
    let columns: Vec<NameColumn> = columns.collect();
    let beside = columns.iter().map(|column| column.width).fold(0.0, f64::max);
    let width = f64::from(WIDTH) - MARGIN - beside - left;

    let whole = Region { left, top: rows.top, width, height: rows.bottom - rows.top };
    draw_shades(&timeline.shades, &horizontal, &whole, canvas)?;
    draw_events(&timeline.events, &horizontal, &whole, canvas)?;
    let panels = timeline.panels.iter().zip(scales).zip(columns).enumerate();
    for (index, ((panel, vertical), column)) in panels {
        let frame = Region { left, top: rows.plot_top(index), width, height: rows.plot };
        let (horizontal, is_lowest) = (horizontal.clone(), index + 1 == timeline.panels.len());
        let plot = Plot { frame, horizontal, vertical, letters: rows.letters, is_lowest };
        let title = canvas.shortened(&panel.vertical.title, tick, width);
        canvas.text(&title, (left, frame.top - 0.75 * rows.letters), tick, Align::Left)?;
        draw_plot(panel, &plot, &column.widened_to(beside), canvas)?;
    }
    canvas.root.present()
}

/// How the height is shared out.
struct Rows {
    /// Where the first panel's title begins.
    top: f64,
    /// Where the last panel ends, above the labels of the axis of time.
    bottom: f64,
    letters: f64,
    /// Height of each plot, without its title.
    plot: f64,
    pitch: f64,
}

impl Rows {
    fn of(timeline: &Timeline) -> Self {
        let count = timeline.panels.len().max(1);
        let letters = match count {
            0..=3 => LABEL,
            4 => 21.0,
            5 => 19.0,
            _ => 17.0,
        };
        let top = if timeline.events.is_empty() { TOP } else { TOP + EVENTS };
        let bottom = f64::from(HEIGHT) - 52.0 - axis_title_below(letters);
        let pitch = (bottom + GAP - top) / count as f64;
        Self { top, bottom, letters, plot: pitch - GAP - 1.5 * letters, pitch }
    }

    fn plot_top(&self, index: usize) -> f64 {
        self.top + index as f64 * self.pitch + 1.5 * self.letters
    }
}

fn place(scale: &Scale, whole: &Region, at: f64) -> f64 {
    whole.left + whole.width * scale.fraction(at)
}

/// Neighbours of the same shade are one, so that no seam is seen between them.
fn draw_shades<DB: DrawingBackend>(shades: &[Shade], scale: &Scale, whole: &Region, canvas: &Canvas<DB>) -> Drawn<DB> {
    let (top, bottom) = (whole.top, whole.top + whole.height);
    for some in shades.chunk_by(|one, next| one.to == next.from && one.share == next.share) {
        let (Some(first), Some(last)) = (some.first(), some.last()) else { continue };
        let (from, to) = (place(scale, whole, first.from), place(scale, whole, last.to));
        canvas.fill(&[(from, top), (to, top), (to, bottom), (from, bottom)], SHADE, SHADE_ALPHA * first.share)?;
    }
    Ok(())
}

/// A thin line for each event, and above it what happened, where there is room.
fn draw_events<DB: DrawingBackend>(events: &[Mark], scale: &Scale, whole: &Region, canvas: &Canvas<DB>) -> Drawn<DB> {
    let lettering = Lettering::new(POINT_LABEL, INK_SOFT);
    let right = f64::from(WIDTH) - MARGIN;
    let mut free = whole.left;
    for event in events {
        let x = place(scale, whole, event.at);
        canvas.stroke(&[(x, whole.top - 4.0), (x, whole.top + whole.height)], AXIS, 0.8, HAIRLINE)?;
        let width = canvas.text_width(&event.text, lettering);
        let left = (x - width / 2.0).clamp(free, free.max(right - width));
        // A label that is moved stays above its line.
        let is_near = left <= x && x <= left + width;
        if is_near && left + width <= right {
            canvas.text(&event.text, (left, whole.top - EVENTS / 2.0), lettering, Align::Left)?;
            free = left + width + 16.0;
        }
    }
    Ok(())
}
