//! Which line is which: the names at the right of a plot.

use plotters::backend::DrawingBackend;

use super::axes::Plot;
use super::canvas::{Canvas, Drawn, Place};
use super::labels::spread;
use super::picture::{Line, Naming, Picture};
use super::style::{Align, INK, Lettering, colour, marker};

/// From the plot's right edge to a name's marker, and from there to the name.
const TO_MARKER: f64 = 30.0;
const TO_NAME: f64 = 18.0;

/// Wider names are shortened.
const NAME_WIDTH_MAX: f64 = 400.0;

/// Letters of wide names become smaller before any is cut off, but not smaller than this.
const LETTERS_MIN: f64 = 17.0;

/// The column of names at the right of the plot.
pub(super) struct NameColumn {
    /// All of it, from the plot's right edge to the margin.
    pub(super) width: f64,
    lettering: Lettering,
    row: f64,
}

impl NameColumn {
    /// As wide as the names need, and with letters that are at most so large and small enough that all names fit into the height.
    pub(super) fn measure<DB: DrawingBackend>(
        picture: &Picture,
        height: f64,
        letters: f64,
        canvas: &Canvas<DB>,
    ) -> Self {
        let comfortable = letters * 1.3;
        let row = (height / picture.lines.len().max(1) as f64).min(comfortable);
        let widest =
            |lettering| picture.lines.iter().map(|line| canvas.text_width(&line.name, lettering)).fold(0.0, f64::max);
        let lettering = Lettering::new((row / 1.3).max(6.0), INK);
        let fitting = lettering.size * (NAME_WIDTH_MAX / widest(lettering).max(1.0)).min(1.0);
        let lettering = Lettering { size: fitting.max(LETTERS_MIN.min(lettering.size)), ..lettering };
        let widest = widest(lettering).min(NAME_WIDTH_MAX);
        Self { width: if widest > 0.0 { TO_MARKER + TO_NAME + widest } else { TO_MARKER }, lettering, row }
    }

    /// The same names in a column of this width.
    pub(super) fn widened_to(self, width: f64) -> Self {
        Self { width, ..self }
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
