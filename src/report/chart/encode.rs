//! Pictures as bytes: SVG documents and PNG files.

use std::io;

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::drawing::IntoDrawingArea;

use super::bitmap::Bitmap;
use super::canvas::{Canvas, Drawn};
use super::palette;
use super::panels;
use super::picture::Picture;
use super::render::render;
use super::style::{HEIGHT, WIDTH, register_fonts, unreadable_font};
use super::timeline::Timeline;

/// Units of the SVG's coordinates for each base unit. plotters rounds them to integers: a quarter is finer than anybody sees.
const SVG_SCALE: u32 = 4;

/// Pixels of the PNG for each base unit.
const PNG_SCALE: u32 = 2;

/// What can be drawn on any backend.
pub(super) trait Drawing {
    /// One line that says what is to be seen.
    fn description(&self) -> String;

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn<DB>;
}

impl Drawing for Picture {
    fn description(&self) -> String {
        format!("{}. {}", self.title, self.subtitle)
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn<DB> {
        render(self, canvas)
    }
}

impl Drawing for Timeline {
    fn description(&self) -> String {
        format!("{}. {}", self.title, self.subtitle)
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn<DB> {
        panels::render(self, canvas)
    }
}

pub(super) fn svg(picture: &impl Drawing) -> io::Result<String> {
    let mut document = String::new();
    draw(picture, SVGBackend::with_string(&mut document, (WIDTH * SVG_SCALE, HEIGHT * SVG_SCALE)))?;
    // plotters writes a size in its own units and attributes that are the default anyway. Text cannot be hit by these
    // replacements, because quotes in text are escaped.
    let fine = format!("width=\"{}\" height=\"{}\" viewBox", WIDTH * SVG_SCALE, HEIGHT * SVG_SCALE);
    let base = format!(
        "width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" stroke-linejoin=\"round\" stroke-linecap=\"round\" viewBox"
    );
    Ok(document
        .replacen(&fine, &base, 1)
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(" stroke-width=\"1\"/>", "/>"))
}

pub(super) fn png(picture: &impl Drawing) -> io::Result<Vec<u8>> {
    let (width, height) = (WIDTH * PNG_SCALE, HEIGHT * PNG_SCALE);
    let mut pixels = vec![0; (width * height * 3) as usize];
    let bitmap = Bitmap::new(&mut pixels, (width, height)).ok_or_else(unreadable_font)?;
    draw(picture, bitmap)?;
    palette::encode(&pixels, width, height)
}

fn draw<DB: DrawingBackend>(picture: &impl Drawing, backend: DB) -> io::Result<()> {
    register_fonts()?;
    let canvas = Canvas::new(backend.into_drawing_area());
    picture.draw(&canvas).map_err(|error| io::Error::other(error.to_string()))
}
