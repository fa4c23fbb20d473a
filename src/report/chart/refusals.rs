//! Which points were refused: a strip above the plot, with a cross at every load that has no numbers.

use plotters::backend::DrawingBackend;

use super::axes::Plot;
use super::canvas::{Canvas, Drawn};
use super::picture::{Picture, Refusals};
use super::style::{Align, GRID, HAIRLINE, INK, INK_SOFT, Lettering, colour};

/// More rows than this would leave no room for the plot.
const ROWS_MAX: usize = 8;

/// Heights of a row when there are few, and when there are many.
const ROW_MAX: f64 = 32.0;
const ROW_MIN: f64 = 24.0;

/// Between a cross and its text.
const GAP: f64 = 20.0;

/// The height of the strip; zero where nothing was refused.
pub(super) fn strip_height(picture: &Picture) -> f64 {
    row_height(picture) * picture.refusals.len().min(ROWS_MAX) as f64
}

fn row_height(picture: &Picture) -> f64 {
    (4.0 * ROW_MAX / picture.refusals.len().max(1) as f64).clamp(ROW_MIN, ROW_MAX)
}

/// One row for each line that lacks points, with a cross for each and the reason beside them. Texts may reach `beyond` the
/// plot's right edge.
pub(super) fn draw_refusals<DB: DrawingBackend>(
    picture: &Picture,
    plot: &Plot,
    beyond: f64,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    // The last row tells how many were left out, where not all of them have room.
    let shown = match picture.refusals.len() {
        all if all <= ROWS_MAX => all,
        _ => ROWS_MAX - 1,
    };
    let height = row_height(picture);
    let first = plot.frame.top - strip_height(picture);
    let middle = |index: usize| first + height * (index as f64 + 0.5);
    let lettering = Lettering::new(height * 0.68, INK);
    for (index, refusals) in picture.refusals.iter().take(shown).enumerate() {
        draw_row(refusals, middle(index), lettering, plot, beyond, canvas)?;
    }
    let left_out = picture.refusals.len() - shown;
    if left_out > 0 {
        let text = format!("and {left_out} more lines with refused points");
        let lettering = Lettering { colour: INK_SOFT, ..lettering };
        canvas.text(&text, (plot.frame.left, middle(shown)), lettering, Align::Left)?;
    }
    Ok(())
}

fn draw_row<DB: DrawingBackend>(
    refusals: &Refusals,
    y: f64,
    lettering: Lettering,
    plot: &Plot,
    beyond: f64,
    canvas: &Canvas<DB>,
) -> Drawn<DB> {
    let left = plot.frame.left;
    let right = left + plot.frame.width;
    let ink = colour(refusals.style);
    let mut crosses: Vec<f64> = refusals.places.iter().map(|value| plot.place(*value, 0.0).0).collect();
    crosses.sort_unstable_by(f64::total_cmp);
    canvas.stroke(&[(left, y), (right, y)], GRID, 1.0, HAIRLINE)?;
    for x in &crosses {
        canvas.cross((*x, y), ink)?;
    }
    let (Some(&first), Some(&last)) = (crosses.first(), crosses.last()) else {
        canvas.cross((left + 12.0, y), ink)?;
        let text = canvas.shortened(&refusals.text, lettering, plot.frame.width);
        return canvas.text_on_paper(&text, (left + 12.0 + GAP, y), lettering, Align::Left);
    };
    let width = canvas.text_width(&refusals.text, lettering);
    if first - GAP - width >= left {
        return canvas.text_on_paper(&refusals.text, (first - GAP, y), lettering, Align::Right);
    }
    // Behind the last cross, or else in the widest gap between two.
    let mut room = (last + GAP, right + beyond);
    if room.1 - room.0 < width {
        let gaps = crosses.windows(2).map(|pair| (pair[0] + GAP, pair[1] - GAP));
        room = gaps.fold(room, |widest, gap| if gap.1 - gap.0 > widest.1 - widest.0 { gap } else { widest });
    }
    let text = canvas.shortened(&refusals.text, lettering, room.1 - room.0);
    canvas.text_on_paper(&text, (room.0, y), lettering, Align::Left)
}
