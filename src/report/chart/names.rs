//! Which line is which, and which points were refused: the texts around a plot.

use plotters::backend::DrawingBackend;

use super::axes::Plot;
use super::canvas::{Canvas, Drawn, Place};
use super::labels::spread;
use super::picture::{Line, Naming, Picture, Refusals};
use super::render::REFUSAL_ROW;
use super::style::{Align, GRID, HAIRLINE, INK, INK_SOFT, LABEL, Lettering, POINT_LABEL, SUBTITLE, colour, marker};

/// More rows of refused points than this would leave no room for the plot.
pub(super) const REFUSAL_ROWS_MAX: usize = 8;

/// From the plot's right edge to a name's marker, and from there to the name.
const TO_MARKER: f64 = 30.0;
const TO_NAME: f64 = 18.0;

/// Wider names are shortened.
const NAME_WIDTH_MAX: f64 = 330.0;

/// The column of names at the right of the plot.
pub(super) struct NameColumn {
    /// All of it, from the plot's right edge to the margin.
    pub(super) width: f64,
    lettering: Lettering,
    row: f64,
}

impl NameColumn {
    /// As wide as the names need, and with letters small enough that all of them fit.
    pub(super) fn measure<DB: DrawingBackend>(picture: &Picture, canvas: &Canvas<DB>) -> Self {
        let comfortable = LABEL * 1.3;
        let row = (560.0 / picture.lines.len().max(1) as f64).min(comfortable);
        let lettering = Lettering::new((row / 1.3).max(6.0), INK);
        let names = picture.lines.iter().map(|line| canvas.text_width(&line.name, lettering));
        let widest = names.fold(0.0, f64::max).min(NAME_WIDTH_MAX);
        Self { width: if widest > 0.0 { TO_MARKER + TO_NAME + widest } else { TO_MARKER }, lettering, row }
    }

    /// The line, the height at which it ends and the height of its name, for every line that has a name to show.
    fn heights<'a>(&self, picture: &'a Picture, plot: &Plot) -> Vec<(&'a Line, Place, f64)> {
        let ends = picture.lines.iter().filter_map(|line| {
            let last = line.spots.iter().rev().flatten().next()?;
            Some((line, plot.place(last.x.value, last.y.value)))
        });
        let ends: Vec<(&Line, Place)> = ends.collect();
        let wanted: Vec<f64> = match picture.naming {
            Naming::AtLineEnds => ends.iter().map(|(_, end)| end.1).collect(),
            Naming::List => (0..ends.len()).map(|index| plot.frame.top + self.row * (index as f64 + 0.5)).collect(),
        };
        let heights = spread(&wanted, self.row, plot.frame.top, plot.frame.top + plot.frame.height);
        ends.into_iter().zip(heights).map(|((line, end), height)| (line, end, height)).collect()
    }
}

/// Thin lines from where each line ends to its name. They lie under the data.
pub(super) fn draw_leaders<DB: DrawingBackend>(
    picture: &Picture,
    plot: &Plot,
    column: &NameColumn,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    if picture.naming == Naming::List {
        return Ok(());
    }
    let right = plot.frame.left + plot.frame.width;
    for (_, end, height) in column.heights(picture, plot) {
        let bend = end.0.max(right - 24.0);
        canvas.leader(&[end, (bend, end.1), (right + TO_MARKER - 14.0, height), (right + TO_MARKER, height)])?;
    }
    Ok(())
}

/// The names, each with the marker of its line.
pub(super) fn draw_names<DB: DrawingBackend>(
    picture: &Picture,
    plot: &Plot,
    column: &NameColumn,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    let right = plot.frame.left + plot.frame.width;
    for (line, _, height) in column.heights(picture, plot) {
        canvas.marker((right + TO_MARKER, height), marker(line.style), colour(line.style), false)?;
        let lettering = if line.emphasis { column.lettering.bold() } else { column.lettering };
        let name = canvas.shortened(&line.name, lettering, column.width - TO_MARKER - TO_NAME);
        canvas.text(&name, (right + TO_MARKER + TO_NAME, height), lettering, Align::Left)?;
    }
    Ok(())
}

/// A strip above the plot with a cross at every load that was refused, one row for each line, and the reason beside it.
pub(super) fn draw_refusals<DB: DrawingBackend>(
    picture: &Picture,
    plot: &Plot,
    column: &NameColumn,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    // The last row tells how many were left out, where not all of them have room.
    let shown = match picture.refusals.len() {
        all if all <= REFUSAL_ROWS_MAX => all,
        _ => REFUSAL_ROWS_MAX - 1,
    };
    let first = plot.frame.top - REFUSAL_ROW * picture.refusals.len().min(REFUSAL_ROWS_MAX) as f64;
    let row = |index: usize| first + REFUSAL_ROW * (index as f64 + 0.5);
    for (index, refusals) in picture.refusals.iter().take(shown).enumerate() {
        draw_refusal_row(refusals, row(index), plot, column, canvas)?;
    }
    let left_out = picture.refusals.len() - shown;
    if left_out > 0 {
        let text = format!("and {left_out} more lines with refused points");
        canvas.text(&text, (plot.frame.left, row(shown)), Lettering::new(POINT_LABEL, INK_SOFT), Align::Left)?;
    }
    Ok(())
}

fn draw_refusal_row<DB: DrawingBackend>(
    refusals: &Refusals,
    y: f64,
    plot: &Plot,
    column: &NameColumn,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    let lettering = Lettering::new(SUBTITLE * 0.8, INK);
    let right = plot.frame.left + plot.frame.width;
    let ink = colour(refusals.style);
    let crosses: Vec<f64> = refusals.places.iter().map(|value| plot.place(*value, 0.0).0).collect();
    canvas.stroke(&[(plot.frame.left, y), (right, y)], GRID, 1.0, HAIRLINE)?;
    for x in &crosses {
        canvas.cross((*x, y), ink)?;
    }
    let needed = canvas.text_width(&refusals.text, lettering);
    let (Some(first), Some(last)) =
        (crosses.iter().copied().reduce(f64::min), crosses.iter().copied().reduce(f64::max))
    else {
        canvas.cross((plot.frame.left + 12.0, y), ink)?;
        let text = canvas.shortened(&refusals.text, lettering, plot.frame.width);
        return write_over(canvas, &text, (plot.frame.left + 32.0, y), lettering, Align::Left);
    };
    let gap = 20.0;
    if first - gap - needed >= plot.frame.left {
        return write_over(canvas, &refusals.text, (first - gap, y), lettering, Align::Right);
    }
    let text = canvas.shortened(&refusals.text, lettering, right + column.width - last - gap);
    write_over(canvas, &text, (last + gap, y), lettering, Align::Left)
}

/// Writes on a patch of paper, so that the row's line does not strike the text through.
fn write_over<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    text: &str,
    (x, y): Place,
    lettering: Lettering,
    align: Align,
) -> Drawn<DB> {
    let width = canvas.text_width(text, lettering) + 10.0;
    let left = match align {
        Align::Left => x - 5.0,
        Align::Centre => x - width / 2.0,
        Align::Right => x - width + 5.0,
    };
    let half = lettering.size / 2.0;
    let corners = [(left, y - half), (left + width, y - half), (left + width, y + half), (left, y + half)];
    canvas.fill(&corners, super::style::PAPER, 1.0)?;
    canvas.text(text, (x, y), lettering, align)
}
