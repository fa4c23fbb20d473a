//! PNG files with a palette: a third of the size of full colour, and charts have few colours.

use std::collections::BTreeMap;
use std::io;

use png::{BitDepth, ColorType, Compression, Encoder, FilterType};

/// Colours that are kept. The rest are shades along the edges of lines and letters, and take the nearest one.
const COLOURS: usize = 64;

type Colour = [u8; 3];

/// Encodes pixels of three bytes each.
pub(super) fn encode(pixels: &[u8], width: u32, height: u32) -> io::Result<Vec<u8>> {
    let (colours, indices) = reduce(pixels);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(colours.concat());
    encoder.set_compression(Compression::Best);
    encoder.set_filter(FilterType::NoFilter);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(&indices).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(file)
}

/// The most frequent colours, and for each pixel the index of its colour or of the nearest one.
fn reduce(pixels: &[u8]) -> (Vec<Colour>, Vec<u8>) {
    let (pixels, _) = pixels.as_chunks::<3>();
    let mut counts: BTreeMap<Colour, usize> = BTreeMap::new();
    // Neighbouring pixels are mostly equal: counting runs spares nearly all of the look-ups.
    for run in pixels.chunk_by(|a, b| a == b) {
        *counts.entry(run[0]).or_default() += run.len();
    }
    let mut colours: Vec<(Colour, usize)> = counts.iter().map(|(colour, count)| (*colour, *count)).collect();
    colours.sort_by_key(|(colour, count)| (std::cmp::Reverse(*count), *colour));
    let kept: Vec<Colour> = colours.into_iter().take(COLOURS).map(|(colour, _)| colour).collect();
    let nearest: BTreeMap<Colour, u8> = counts.into_keys().map(|colour| (colour, nearest(colour, &kept))).collect();
    let mut indices = Vec::with_capacity(pixels.len());
    for run in pixels.chunk_by(|a, b| a == b) {
        let index = nearest.get(&run[0]).copied().unwrap_or(0);
        indices.extend(std::iter::repeat_n(index, run.len()));
    }
    (kept, indices)
}

fn nearest(colour: Colour, kept: &[Colour]) -> u8 {
    let distance =
        |other: &Colour| -> i32 { colour.iter().zip(other).map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2)).sum() };
    let best = kept.iter().enumerate().min_by_key(|(_, other)| distance(other));
    best.map_or(0, |(index, _)| index as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_colours_are_exact_and_rare_ones_are_near() {
        let mut pixels = Vec::new();
        for shade in 0..=255u8 {
            for _ in 0..=(255 - shade) {
                pixels.extend([shade, 0, 0]);
            }
        }
        let (colours, indices) = reduce(&pixels);
        assert_eq!(colours.len(), COLOURS);
        assert_eq!(colours[usize::from(indices[0])], [0, 0, 0]);
        assert_eq!(colours[usize::from(indices[indices.len() - 1])], [63, 0, 0]);
    }
}
