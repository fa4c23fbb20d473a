//! How charts look: sizes in base units, colours, markers and fonts.
//!
//! A picture is 1600 by 900 base units, a slide. Backends draw at a whole multiple of that, because plotters' coordinates
//! are integers even in SVG.

use std::io;
use std::sync::OnceLock;

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, IntoTextStyle, RGBColor, TextStyle, register_font};

pub(super) const WIDTH: u32 = 1600;
pub(super) const HEIGHT: u32 = 900;

/// Distance of everything from the edge of the picture.
pub(super) const MARGIN: f64 = 48.0;

pub(super) const TITLE: f64 = 38.0;
pub(super) const SUBTITLE: f64 = 26.0;
pub(super) const LABEL: f64 = 24.0;
pub(super) const POINT_LABEL: f64 = 19.0;
pub(super) const FOOTER: f64 = 16.0;

pub(super) const LINE: f64 = 3.5;
pub(super) const LINE_EMPHASIS: f64 = 6.0;
pub(super) const HAIRLINE: f64 = 1.0;
pub(super) const MARKER_RADIUS: f64 = 7.5;
pub(super) const BAND_ALPHA: f64 = 0.15;
/// How much of its colour a line across a gap has.
pub(super) const BRIDGE_ALPHA: f64 = 0.5;

pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
pub(super) const INK: RGBColor = RGBColor(34, 34, 34);
pub(super) const INK_SOFT: RGBColor = RGBColor(95, 95, 95);
pub(super) const GRID: RGBColor = RGBColor(226, 226, 226);
/// Of time outside the objectives.
pub(super) const SHADE: RGBColor = RGBColor(213, 94, 0);
pub(super) const AXIS: RGBColor = RGBColor(120, 120, 120);

/// Okabe and Ito's colours, which colour-blind readers can tell apart, without yellow: it cannot be seen on white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(34, 34, 34),
];

/// The shape at each point. There are six, so that with seven colours 42 lines differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    TriangleDown,
    Hexagon,
}

const MARKERS: [Marker; 6] =
    [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond, Marker::TriangleDown, Marker::Hexagon];

pub(super) fn colour(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

/// The colour of a line for letters, which are thinner than lines: darker, so that they can be read on white.
pub(super) fn text_colour(index: usize) -> RGBColor {
    let RGBColor(red, green, blue) = colour(index);
    let darker = |channel: u8| (u16::from(channel) * 2 / 3) as u8;
    RGBColor(darker(red), darker(green), darker(blue))
}

pub(super) fn marker(index: usize) -> Marker {
    MARKERS[index % MARKERS.len()]
}

impl Marker {
    /// The corners around the origin, for a radius of 1. All shapes look about equally large.
    pub(super) fn corners(self) -> Vec<(f64, f64)> {
        let regular = |count: usize, turn: f64, radius: f64| {
            (0..count)
                .map(|index| {
                    let angle = (index as f64 + turn) / count as f64 * std::f64::consts::TAU;
                    (radius * angle.sin(), -radius * angle.cos())
                })
                .collect()
        };
        match self {
            // A polygon of so many corners is round at this size, and every backend fills it alike.
            Marker::Circle => regular(16, 0.0, 1.0),
            Marker::Square => regular(4, 0.5, 1.25),
            Marker::Triangle => regular(3, 0.0, 1.35),
            Marker::Diamond => regular(4, 0.0, 1.3),
            Marker::TriangleDown => regular(3, 0.5, 1.35),
            Marker::Hexagon => regular(6, 0.0, 1.1),
        }
    }
}

/// Makes the fonts known to plotters, once for the whole process.
///
/// They give PNG its letters. SVG text is set in the viewer's own sans-serif, and these are wide, so what is laid out with
/// their widths fits there too.
pub(super) fn register_fonts() -> io::Result<()> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).is_ok()
            && register_font("sans-serif", FontStyle::Bold, dejavu::sans::bold()).is_ok()
    });
    if *registered { Ok(()) } else { Err(unreadable_font()) }
}

/// The embedded font is damaged: the program was built wrongly.
pub(super) fn unreadable_font() -> io::Error {
    io::Error::other("the embedded font cannot be read")
}

/// Where a text stands relative to the point it is drawn at; vertically it is always centred.
#[derive(Clone, Copy, Debug)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// How a text is set: size in base units, and colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lettering {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) colour: RGBColor,
}

impl Lettering {
    pub(super) fn new(size: f64, colour: RGBColor) -> Self {
        Self { size, bold: false, colour }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// plotters' own style at `scale` pixels for each base unit.
    pub(super) fn text_style(self, scale: f64, align: Align) -> TextStyle<'static> {
        let weight = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        FontDesc::new(FontFamily::SansSerif, self.size * scale, weight)
            .with_color(self.colour)
            .into_text_style(&(WIDTH, HEIGHT))
            .pos(Pos::new(horizontal, VPos::Center))
    }
}
