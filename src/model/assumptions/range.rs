//! How far an assumption is varied.

/// The values that an assumption may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Multiples of what is written, every ratio alike: a value is as likely between 0.5 and 1 as between 1 and 2.
    Factor { low: f64, high: f64 },
    /// Values in SI base units, all alike.
    Between { low: f64, high: f64 },
}

impl Range {
    /// The value below which so much of the range lies, between 0 and 1.
    pub fn at(self, share: f64) -> f64 {
        match self {
            Self::Factor { low, high } => low * (high / low).powf(share),
            Self::Between { low, high } => low + (high - low) * share,
        }
    }

    /// Whether it consists of factors.
    pub fn is_factor(self) -> bool {
        matches!(self, Self::Factor { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_alike_or_values_are() {
        let (factor, between) = (Range::Factor { low: 0.5, high: 2.0 }, Range::Between { low: 10.0, high: 20.0 });
        for (share, multiple, value) in [(0.0, 0.5, 10.0), (0.5, 1.0, 15.0), (1.0, 2.0, 20.0)] {
            assert!((factor.at(share) - multiple).abs() < 1e-12);
            assert!((between.at(share) - value).abs() < 1e-12);
        }
    }
}
