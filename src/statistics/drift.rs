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
        Self {
            significance: 0.01,
            relative_change: 0.05,
        }
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
    let relative_change = if level == 0.0 {
        0.0
    } else {
        change.value / level.abs()
    };
    let is_drift =
        p_value < thresholds.significance && relative_change.abs() > thresholds.relative_change;
    Some(Drift {
        change,
        relative_change,
        p_value,
        is_drift,
    })
}
