//! Sums that never run over.

/// A sum of whole numbers modulo 2^128, in two words. The type `u128` asks for twice the alignment of a word, which would
/// leave gaps in what a node keeps of its visits, and more gaps mean more cache lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    low: u64,
    high: u64,
}

impl Total {
    /// The sum.
    #[inline(always)]
    #[must_use]
    pub fn get(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    #[inline(always)]
    fn set(&mut self, sum: u128) {
        (self.low, self.high) = (sum as u64, (sum >> 64) as u64);
    }

    /// Adds a number.
    #[inline(always)]
    pub fn add(&mut self, number: u128) {
        self.set(self.get().wrapping_add(number));
    }

    /// Takes a number off.
    #[inline(always)]
    pub fn subtract(&mut self, number: u128) {
        self.set(self.get().wrapping_sub(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_carries_and_wraps_around() {
        let mut total = Total::default();
        total.add(u128::from(u64::MAX));
        total.add(1);
        assert_eq!(total.get(), 1 << 64);
        total.subtract(2);
        assert_eq!(total.get(), u128::from(u64::MAX) - 1);
        total.subtract(u128::from(u64::MAX));
        assert_eq!(total.get(), u128::MAX);
        assert_eq!(size_of::<Total>(), 16);
        assert_eq!(align_of::<Total>(), 8);
    }
}
