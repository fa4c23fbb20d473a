//! Laws given by tables: percentiles and histograms.

/// An inverse distribution function made of straight lines: `cumulative` rises from 0 to 1 while `values` does not fall.
///
/// Drawing by inversion, not by an alias table, keeps small uniforms at small values, which is what makes common random
/// numbers work between two variants of a table. A guide table (Chen & Asau 1974) finds the segment in constant time.
#[derive(Clone, Debug)]
pub(super) struct InverseDistribution {
    knots: Box<[Knot]>,
    /// `guide[i]` is the first segment that ends above probability `i / guide.len()`.
    guide: Box<[u32]>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Knot {
    pub cumulative: f64,
    pub value: f64,
}

impl InverseDistribution {
    /// From knots whose `cumulative` goes from 0 to exactly 1 without falling. Two knots with the same `cumulative` make
    /// a jump; two with the same `value` make an atom.
    pub fn new(knots: Vec<Knot>) -> Self {
        let segments = knots.len().saturating_sub(1).max(1);
        // More slots than segments, so that hardly any draw has to look further than its slot; a power of two, so that
        // multiplying by it does not round.
        let slots = (8 * segments).max(128).next_power_of_two();
        let mut segment = 0;
        let guide = (0..slots)
            .map(|slot| {
                let probability = slot as f64 / slots as f64;
                while segment + 1 < segments && knots[segment + 1].cumulative <= probability {
                    segment += 1;
                }
                segment as u32
            })
            .collect();
        Self {
            knots: knots.into(),
            guide,
        }
    }

    /// The value below which the share `probability` lies, for a probability in `[0, 1)`.
    pub fn value_at(&self, probability: f64) -> f64 {
        let slot = ((probability * self.guide.len() as f64) as usize).min(self.guide.len() - 1);
        let mut segment = self.guide[slot] as usize;
        while segment + 2 < self.knots.len() && self.knots[segment + 1].cumulative <= probability {
            segment += 1;
        }
        let (from, to) = (self.knots[segment], self.knots[segment + 1]);
        let width = to.cumulative - from.cumulative;
        let share = if width > 0.0 {
            (probability - from.cumulative) / width
        } else {
            0.0
        };
        from.value + share * (to.value - from.value)
    }

    /// Probability and bounds of every straight piece: the law is a mixture of uniform laws.
    pub fn pieces(&self) -> impl Iterator<Item = (f64, f64, f64)> + Clone + '_ {
        self.knots.windows(2).map(|pair| {
            (
                pair[1].cumulative - pair[0].cumulative,
                pair[0].value,
                pair[1].value,
            )
        })
    }
}
