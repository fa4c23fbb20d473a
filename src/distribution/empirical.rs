//! Laws given by tables: percentiles and histograms.

/// An inverse distribution function made of straight lines.
///
/// Drawing by inversion, not by an alias table, keeps small uniforms at small values, which is what makes common random
/// numbers work between two variants of a table. A guide table (Chen & Asau 1974) finds the segment in constant time.
#[derive(Clone, Debug)]
pub(super) struct InverseDistribution {
    segments: Box<[Segment]>,
    /// `guide[i]` is the first segment that ends above probability `i / guide.len()`; the length is a power of two.
    guide: Box<[u32]>,
    /// Takes a word to its slot in the guide: the leading bits.
    guide_shift: u32,
}

/// A point of the distribution function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knot {
    pub cumulative: f64,
    pub value: f64,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Probabilities between which the segment lies.
    start: f64,
    end: f64,
    /// The line `value + slope * (probability - start)`.
    value: f64,
    slope: f64,
}

impl InverseDistribution {
    /// From at least two knots whose `cumulative` goes from 0 to exactly 1 and which do not fall. Two knots with the same
    /// `cumulative` make a jump; two with the same `value` make an atom.
    pub fn new(knots: &[Knot]) -> Self {
        let segments: Box<[Segment]> = pieces(knots)
            .filter(|(from, to)| to.cumulative > from.cumulative)
            .map(|(from, to)| {
                let slope = (to.value - from.value) / (to.cumulative - from.cumulative);
                Segment { start: from.cumulative, end: to.cumulative, value: from.value, slope }
            })
            .collect();
        // More slots than segments, so that hardly any draw has to look further than its slot.
        let slots = (8 * segments.len()).max(128).next_power_of_two();
        let mut segment = 0;
        let guide = (0..slots)
            .map(|slot| {
                let probability = slot as f64 / slots as f64;
                while segment + 1 < segments.len() && segments[segment].end <= probability {
                    segment += 1;
                }
                segment as u32
            })
            .collect();
        Self { segments, guide, guide_shift: 64 - slots.ilog2() }
    }

    /// The value below which the share `word / 2^64` lies.
    pub fn value_at(&self, word: u64) -> f64 {
        let probability = (word >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
        let mut segment = self.guide[(word >> self.guide_shift) as usize] as usize;
        while segment + 1 < self.segments.len() && self.segments[segment].end <= probability {
            segment += 1;
        }
        let Segment { start, value, slope, .. } = self.segments[segment];
        value + slope * (probability - start)
    }
}

/// Neighbouring knots: the law is a mixture of uniform laws between their values.
pub(super) fn pieces(knots: &[Knot]) -> impl Iterator<Item = (Knot, Knot)> + Clone + '_ {
    knots.windows(2).map(|pair| (pair[0], pair[1]))
}
