//! What objectives ask: a dashed line across the plot, with its text.

use plotters::backend::DrawingBackend;

use super::axes::Plot;
use super::canvas::{Canvas, Drawn, Place};
use super::picture::Picture;
use super::style::{Align, INK, INK_SOFT, LINE, Lettering, POINT_LABEL};

/// The limits of both axes. They lie under the data.
pub(super) fn draw_limits<DB: DrawingBackend>(picture: &Picture, plot: &Plot, canvas: &Canvas<DB>) -> Drawn<DB> {
    let frame = &plot.frame;
    let (right, bottom) = (frame.left + frame.width, frame.top + frame.height);
    let lettering = Lettering::new(POINT_LABEL, INK_SOFT);
    for limit in &picture.vertical.limits {
        let y = frame.top + frame.height * (1.0 - plot.vertical.fraction(limit.value));
        draw_dashes((frame.left, y), (right, y), canvas)?;
        // Above the line, where there is room.
        let beside = if y - POINT_LABEL > frame.top { y - POINT_LABEL * 0.75 } else { y + POINT_LABEL * 0.75 };
        let text = canvas.shortened(&limit.text, lettering, frame.width - 16.0);
        canvas.text(&text, (frame.left + 8.0, beside), lettering, Align::Left)?;
    }
    for limit in &picture.horizontal.limits {
        let x = frame.left + frame.width * plot.horizontal.fraction(limit.value);
        draw_dashes((x, frame.top), (x, bottom), canvas)?;
        let is_left = x < frame.left + frame.width / 2.0;
        let (room, place, align) = match is_left {
            true => (right - x, x + 8.0, Align::Left),
            false => (x - frame.left, x - 8.0, Align::Right),
        };
        let text = canvas.shortened(&limit.text, lettering, room - 16.0);
        canvas.text(&text, (place, frame.top + POINT_LABEL), lettering, align)?;
    }
    Ok(())
}

pub(super) fn draw_dashes<DB: DrawingBackend>(from: Place, to: Place, canvas: &Canvas<DB>) -> Drawn<DB> {
    canvas.dashes(&[from, to], INK, 0.7, LINE * 0.6)
}
