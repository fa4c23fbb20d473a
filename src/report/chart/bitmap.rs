//! plotters' bitmap backend with better letters.
//!
//! plotters sets each letter on a whole pixel without its side bearing, and half a line too high where a text is centred.
//! Here letters stand at fractions of a pixel, and as high as SVG puts them, so that both formats show the same picture.

use ab_glyph::{Font, FontRef, Glyph, PxScale, point};
use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};

/// plotters divides a font's size by this where it writes SVG.
const SIZE_PER_EM: f64 = 1.24;

/// Heights of DejaVu Sans above its baseline, in em.
const X_HEIGHT: f32 = 0.547;
const CAPITAL_HEIGHT: f32 = 0.729;

/// A bitmap in memory.
pub(super) struct Bitmap<'a> {
    pixels: BitMapBackend<'a>,
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl<'a> Bitmap<'a> {
    /// A bitmap over a buffer of three bytes for each pixel, or `None` if a font cannot be read.
    pub(super) fn new(buffer: &'a mut [u8], size: (u32, u32)) -> Option<Self> {
        Some(Self {
            regular: FontRef::try_from_slice(dejavu::sans::regular()).ok()?,
            bold: FontRef::try_from_slice(dejavu::sans::bold()).ok()?,
            pixels: BitMapBackend::with_buffer(buffer, size),
        })
    }
}

/// The letters of a text that starts at the origin of its baseline, and the text's width. `em` is in pixels.
fn set(text: &str, font: &FontRef<'static>, em: f32) -> (Vec<Glyph>, f32) {
    let units = font.units_per_em().unwrap_or(2048.0);
    let scale = PxScale::from(em * font.height_unscaled() / units);
    let pixels = |unscaled: f32| unscaled * em / units;
    let mut right = 0.0;
    let mut previous = None;
    let mut glyphs = Vec::new();
    for character in text.chars() {
        let id = font.glyph_id(character);
        if let Some(previous) = previous {
            right += pixels(font.kern_unscaled(previous, id));
        }
        glyphs.push(id.with_scale_and_position(scale, point(right, 0.0)));
        right += pixels(font.h_advance_unscaled(id));
        previous = Some(id);
    }
    (glyphs, right)
}

impl<'a> DrawingBackend for Bitmap<'a> {
    type ErrorType = <BitMapBackend<'a> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.pixels.get_size()
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Self::ErrorType>> {
        self.pixels.ensure_prepared()
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Self::ErrorType>> {
        self.pixels.present()
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Result<(), DrawingErrorKind<Self::ErrorType>> {
        self.pixels.draw_pixel(at, color)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Self::ErrorType>> {
        self.pixels.draw_line(from, to, style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        lower_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<Self::ErrorType>> {
        self.pixels.draw_rect(upper_left, lower_right, style, fill)
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Result<(), DrawingErrorKind<Self::ErrorType>> {
        let em = (style.size() / SIZE_PER_EM) as f32;
        let font = if matches!(style.style(), FontStyle::Bold) { self.bold.clone() } else { self.regular.clone() };
        let (glyphs, width) = set(text, &font, em);
        let left = x as f32
            - match style.anchor().h_pos {
                HPos::Left => 0.0,
                HPos::Center => width / 2.0,
                HPos::Right => width,
            };
        let baseline = y as f32
            + match style.anchor().v_pos {
                VPos::Top => CAPITAL_HEIGHT * em,
                VPos::Center => X_HEIGHT / 2.0 * em,
                VPos::Bottom => -X_HEIGHT / 2.0 * em,
            };
        let color = style.color();
        for mut glyph in glyphs {
            glyph.position.x += left;
            glyph.position.y = baseline;
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let corner = outline.px_bounds().min;
            let mut drawn = Ok(());
            outline.draw(|right, down, coverage| {
                let at = (corner.x as i32 + right as i32, corner.y as i32 + down as i32);
                let alpha = color.alpha * f64::from(coverage.clamp(0.0, 1.0));
                if drawn.is_ok() && alpha > 0.0 {
                    drawn = self.pixels.draw_pixel(at, BackendColor { alpha, ..color });
                }
            });
            drawn?;
        }
        Ok(())
    }
}
