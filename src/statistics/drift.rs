//! Is a measured window still warming up?

use super::estimate::{Estimate, paired_difference_interval, paired_p_value};

/// When a difference between the first and the last part of a window counts as drift. Both must be exceeded: with many
/// replications the smallest difference becomes significant, and with few a large one may be chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftThresholds {
    /// Significance level of the two-sided paired t test, for example 0.01.
    pub significance: f64,
    /// Smallest change that matters, relative to the mean of both parts, for example 0.05.
    pub relative_change: f64,
}

impl Default for DriftThresholds {
    fn default() -> Self {
        Self { significance: 0.01, relative_change: 0.05 }
    }
}

/// What the test found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Last part minus first part, in the unit of the samples, with its 95% interval.
    pub change: Estimate,
    /// The change relative to the mean of both parts; zero if that mean is zero.
    pub relative_change: f64,
    /// Probability of a change at least this large if there is no drift.
    pub p_value: f64,
    /// Whether the change is both significant and material.
    pub is_drift: bool,
}

/// Tests for leftover drift by a paired t test over replications: `first[r]` and `last[r]` are the means of the first
/// and of the last part of replication r's window.
///
/// `None` if there is nothing to decide on: lengths that differ, fewer than two replications, or values that are not
/// finite.
#[must_use]
pub fn test_drift(first: &[f64], last: &[f64], thresholds: DriftThresholds) -> Option<Drift> {
    let change = paired_difference_interval(first, last)?;
    let p_value = paired_p_value(first, last)?;
    let level = first.iter().chain(last).sum::<f64>() / (2 * first.len()) as f64;
    let relative_change = if level == 0.0 { 0.0 } else { change.value / level.abs() };
    let is_drift = p_value < thresholds.significance && relative_change.abs() > thresholds.relative_change;
    Some(Drift { change, relative_change, p_value, is_drift })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed};

    /// Twenty pairs of means around 10 whose second one is larger by `change`, with noise of the given size.
    fn pairs(change: f64, noise: f64, replication: u64) -> (Vec<f64>, Vec<f64>) {
        let mut stream = Seed::new(4, replication).stream(Purpose::named("drift"));
        let mut noisy = |centre: f64| centre + noise * (stream.unit() + stream.unit() - 1.0);
        (0..20).map(|_| (noisy(10.0), noisy(10.0 + change))).unzip()
    }

    fn is_drift(change: f64, noise: f64) -> bool {
        let (first, last) = pairs(change, noise, 0);
        test_drift(&first, &last, DriftThresholds::default()).expect("a verdict").is_drift
    }

    #[test]
    fn drift_must_be_both_significant_and_material() {
        assert!(is_drift(2.0, 1.0));
        assert!(is_drift(-2.0, 1.0));
        assert!(!is_drift(0.1, 0.01), "significant but immaterial");
        assert!(!is_drift(1.0, 40.0), "material but insignificant");
        assert!(!is_drift(0.0, 1.0));
    }

    #[test]
    fn without_drift_the_test_rejects_as_often_as_its_level_says() {
        let thresholds = DriftThresholds { significance: 0.05, relative_change: 0.0 };
        let rejected = (0..2_000)
            .filter(|replication| {
                let (first, last) = pairs(0.0, 1.0, *replication);
                test_drift(&first, &last, thresholds).expect("a verdict").is_drift
            })
            .count() as f64;
        // Binomial(2000, 0.05): mean 100, standard deviation 9.7.
        assert!((rejected - 100.0).abs() < 4.0 * 9.7, "{rejected} of 2000");
    }

    #[test]
    fn nothing_to_decide_on_gives_no_verdict() {
        let thresholds = DriftThresholds::default();
        assert_eq!(test_drift(&[1.0], &[1.0], thresholds), None);
        assert_eq!(test_drift(&[1.0, 2.0], &[1.0], thresholds), None);
        assert_eq!(test_drift(&[1.0, f64::NAN], &[1.0, 2.0], thresholds), None);
        let zero = test_drift(&[0.0, 0.0], &[0.0, 0.0], thresholds).expect("a verdict");
        assert!(!zero.is_drift && zero.relative_change == 0.0);
    }
}
