//! The lowest point of a function of few parameters within bounds, found without derivatives.
//!
//! Compass search (Kolda, Lewis and Torczon, SIAM Review 45, 2003): try a step up and down along each parameter, keep what
//! is lower, and halve the steps when nothing is. It is deterministic, and its cost is known beforehand.

/// A parameter's range, and the first step along it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Lowest value.
    pub lowest: f64,
    /// Highest value.
    pub highest: f64,
    /// First step.
    pub step: f64,
}

/// The parameters with the lowest cost that are found from `start` within this many halvings of the steps and calls of `cost`.
#[must_use]
pub fn lowest<const N: usize>(
    start: [f64; N],
    ranges: &[Range; N],
    halvings: u32,
    calls: u32,
    mut cost: impl FnMut(&[f64; N]) -> f64,
) -> [f64; N] {
    let mut best = start;
    let mut least = cost(&best);
    let (mut scale, mut made) = (1.0, 1);
    for _ in 0..=halvings {
        loop {
            let mut improved = false;
            for (index, range) in ranges.iter().enumerate() {
                for direction in [1.0, -1.0] {
                    if made >= calls {
                        return best;
                    }
                    let mut other = best;
                    // Comparisons instead of clamp, which fails on bounds in the wrong order.
                    other[index] = (best[index] + direction * scale * range.step).min(range.highest).max(range.lowest);
                    if other[index] == best[index] {
                        continue;
                    }
                    made += 1;
                    let found = cost(&other);
                    if found < least {
                        (best, least, improved) = (other, found, true);
                        break;
                    }
                }
            }
            if !improved {
                break;
            }
        }
        scale /= 2.0;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range { lowest: -1.0, highest: 1.0, step: 0.25 };

    #[test]
    fn the_bottom_of_a_bowl_is_found() {
        let bowl = |at: &[f64; 2]| (at[0] - 0.3).powi(2) + 3.0 * (at[1] + 0.7).powi(2) + at[0] * at[1];
        let found = lowest([0.0, 0.0], &[RANGE; 2], 20, 1_000, bowl);
        // Where both derivatives vanish: 2 (a - 0.3) + b = 0 and 6 (b + 0.7) + a = 0.
        assert!((found[0] - 7.8 / 11.0).abs() < 1e-4 && (found[1] + 9.0 / 11.0).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn bounds_and_calls_are_kept() {
        assert_eq!(lowest([0.0], &[RANGE], 20, 1_000, |at| -at[0]), [1.0]);
        let mut calls = 0;
        let _ = lowest([0.0; 3], &[RANGE; 3], 50, 17, |at| {
            calls += 1;
            at.iter().sum()
        });
        assert_eq!(calls, 17);
        assert_eq!(lowest([0.5], &[RANGE], 3, 100, |_| f64::NAN), [0.5]);
    }
}
