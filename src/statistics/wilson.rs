//! A share of trials, and how surely it is known.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::statistics::estimate::CONFIDENCE;

/// A share and the ends of its 95% interval, between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The share of `successes` in so many `trials`, with Wilson's score interval (J. American Statistical Association 1927):
///
/// ```text
/// (p + z^2/2n ± z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n)
/// ```
///
/// It covers well for few trials and for shares near 0 and 1 too (Brown, Cai & DasGupta, Statistical Science 2001). `None`
/// without trials, or with more successes than trials.
#[must_use]
pub fn wilson(successes: usize, trials: usize) -> Option<Proportion> {
    if trials == 0 || successes > trials {
        return None;
    }
    let z = Normal::standard().inverse_cdf(0.5 + CONFIDENCE / 2.0);
    let (n, value) = (trials as f64, successes as f64 / trials as f64);
    let centre = value + z * z / (2.0 * n);
    let half = z * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + z * z / n;
    // At the ends the formula is exact on paper, and off by a rounding in arithmetic.
    let low = if successes == 0 { 0.0 } else { (centre - half) / whole };
    let high = if successes == trials { 1.0 } else { (centre + half) / whole };
    Some(Proportion { value, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe, Statistics in Medicine 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20 and 1 of 29.
    #[test]
    fn published_intervals_come_out() {
        for (successes, trials, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = wilson(successes, trials).expect("there are trials");
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
        }
        assert_eq!(wilson(20, 20).map(|one| one.high), Some(1.0));
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(2, 1), None);
    }
}
