//! Strokes, fills and letters in base units on any plotters backend.

use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::{Color, RGBColor, ShapeStyle};

use crate::report::text::one_line;

use super::style::{Align, HAIRLINE, HEIGHT, INK, LINE, Lettering, MARKER_RADIUS, Marker, PAPER, WIDTH};

/// Whether drawing succeeded.
pub(super) type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A place in base units, right and down from the upper left corner.
pub(super) type Place = (f64, f64);

/// Lengths of a dash and of the gap behind it.
const DASH: f64 = 14.0;
const GAP: f64 = 9.0;

/// A picture's surface. A base unit is a whole number of the backend's pixels.
pub(super) struct Canvas<DB: DrawingBackend> {
    pub(super) root: DrawingArea<DB, Shift>,
    pub(super) scale: f64,
}

impl<DB: DrawingBackend> Canvas<DB> {
    /// A surface over the whole of `root`, whose width must be a multiple of the base width.
    pub(super) fn new(root: DrawingArea<DB, Shift>) -> Self {
        let scale = f64::from(root.dim_in_pixel().0) / f64::from(WIDTH);
        Self { root, scale }
    }

    /// Base units as pixels, held well inside what the backend's arithmetic can carry.
    pub(super) fn pixels(&self, length: f64) -> i32 {
        let limit = f64::from(WIDTH + HEIGHT) * self.scale;
        (length * self.scale).round().clamp(-limit, limit) as i32
    }

    fn pixel_places(&self, places: &[Place]) -> Vec<(i32, i32)> {
        let mut pixels: Vec<(i32, i32)> = places.iter().map(|(x, y)| (self.pixels(*x), self.pixels(*y))).collect();
        pixels.dedup();
        pixels
    }

    pub(super) fn stroke(&self, places: &[Place], colour: RGBColor, alpha: f64, width: f64) -> Drawn<DB> {
        let pixels = self.pixel_places(places);
        if pixels.len() < 2 {
            return Ok(());
        }
        let stroke_width = self.pixels(width).max(1) as u32;
        let style = ShapeStyle { color: colour.mix(alpha), filled: false, stroke_width };
        self.root.draw(&PathElement::new(pixels, style))
    }

    /// A dashed stroke. Dashes bend where the stroke does.
    pub(super) fn dashes(&self, places: &[Place], colour: RGBColor, alpha: f64, width: f64) -> Drawn<DB> {
        let mut dash: Vec<Place> = places.first().copied().into_iter().collect();
        // How far into a dash and the gap behind it.
        let mut phase = 0.0;
        for (from, to) in places.windows(2).map(|pair| (pair[0], pair[1])) {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            let mut walked = 0.0;
            while walked < length {
                let is_dash = phase < DASH;
                let left = if is_dash { DASH - phase } else { DASH + GAP - phase };
                let step = left.min(length - walked);
                walked += step;
                let share = (walked / length).min(1.0);
                let place = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
                match (is_dash, step < left) {
                    (true, _) => dash.push(place),
                    (false, true) => {}
                    (false, false) => dash = vec![place],
                }
                phase += step;
                if step == left && is_dash {
                    phase = DASH;
                    self.stroke(&std::mem::take(&mut dash), colour, alpha, width)?;
                } else if step == left {
                    phase = 0.0;
                }
            }
        }
        self.stroke(&dash, colour, alpha, width)
    }

    pub(super) fn fill(&self, corners: &[Place], colour: RGBColor, alpha: f64) -> Drawn<DB> {
        let pixels = self.pixel_places(corners);
        if pixels.len() < 3 {
            return Ok(());
        }
        self.root.draw(&Polygon::new(pixels, colour.mix(alpha)))
    }

    /// A marker with a thin rim of paper, so that it stands out from lines and other markers. A hollow one is paper inside.
    pub(super) fn marker(&self, (x, y): Place, shape: Marker, colour: RGBColor, hollow: bool) -> Drawn<DB> {
        self.shape((x, y), shape, MARKER_RADIUS + 2.0, PAPER)?;
        self.shape((x, y), shape, MARKER_RADIUS, colour)?;
        if hollow { self.shape((x, y), shape, MARKER_RADIUS - 3.0, PAPER) } else { Ok(()) }
    }

    fn shape(&self, (x, y): Place, shape: Marker, radius: f64, colour: RGBColor) -> Drawn<DB> {
        if shape == Marker::Circle {
            let centre = (self.pixels(x), self.pixels(y));
            return self.root.draw(&Circle::new(centre, self.pixels(radius), colour.filled()));
        }
        let corners: Vec<Place> =
            shape.corners().into_iter().map(|(right, down)| (x + radius * right, y + radius * down)).collect();
        self.fill(&corners, colour, 1.0)
    }

    /// A ring around a marker.
    pub(super) fn ring(&self, (x, y): Place, colour: RGBColor) -> Drawn<DB> {
        let centre = (self.pixels(x), self.pixels(y));
        let stroke_width = self.pixels(LINE * 0.7).max(1) as u32;
        let style = ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width };
        self.root.draw(&Circle::new(centre, self.pixels(MARKER_RADIUS * 2.0), style))
    }

    /// The mark of a refused point.
    pub(super) fn cross(&self, (x, y): Place, colour: RGBColor) -> Drawn<DB> {
        let arm = MARKER_RADIUS * 0.9;
        self.stroke(&[(x - arm, y - arm), (x + arm, y + arm)], colour, 1.0, LINE)?;
        self.stroke(&[(x - arm, y + arm), (x + arm, y - arm)], colour, 1.0, LINE)
    }

    /// A thin line that belongs to a label rather than to the data.
    pub(super) fn leader(&self, places: &[Place]) -> Drawn<DB> {
        self.stroke(places, INK, 0.35, HAIRLINE)
    }

    pub(super) fn text(&self, text: &str, (x, y): Place, lettering: Lettering, align: Align) -> Drawn<DB> {
        let style = lettering.text_style(self.scale, align);
        self.root.draw_text(&one_line(text), &style, (self.pixels(x), self.pixels(y)))
    }

    /// Text on a patch of paper, so that a line behind it does not strike it through.
    pub(super) fn text_on_paper(&self, text: &str, (x, y): Place, lettering: Lettering, align: Align) -> Drawn<DB> {
        let width = self.text_width(text, lettering) + 10.0;
        let left = match align {
            Align::Left => x - 5.0,
            Align::Centre => x - width / 2.0,
            Align::Right => x - width + 5.0,
        };
        let half = lettering.size / 2.0;
        let corners = [(left, y - half), (left + width, y - half), (left + width, y + half), (left, y + half)];
        self.fill(&corners, PAPER, 1.0)?;
        self.text(text, (x, y), lettering, align)
    }

    /// The width of a text in base units.
    pub(super) fn text_width(&self, text: &str, lettering: Lettering) -> f64 {
        let style = lettering.text_style(self.scale, Align::Left);
        let pixels = self.root.estimate_text_size(&one_line(text), &style).map_or(0, |(width, _)| width);
        f64::from(pixels) / self.scale
    }

    /// As much of the text as fits into `width`, with an ellipsis where something was cut off.
    pub(super) fn shortened(&self, text: &str, lettering: Lettering, width: f64) -> String {
        if self.text_width(text, lettering) <= width {
            return text.to_owned();
        }
        let characters: Vec<char> = text.chars().take(400).collect();
        let cut = |length: usize| format!("{}…", characters[..length].iter().collect::<String>().trim_end());
        let fits = |length: &usize| self.text_width(&cut(*length), lettering) <= width;
        cut((0..=characters.len()).rev().find(fits).unwrap_or(0))
    }
}
