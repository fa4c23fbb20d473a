//! How fast a point is, and for what price.

use crate::experiment::metric::Metric;
use crate::experiment::study::Point;

/// Who turns away more requests than this is not faster than others.
const MOST_ERRORS: f64 = 0.01;

/// p99 of an operation, if it is told.
pub(super) fn p99_s(point: &Point, operation: &str) -> Option<f64> {
    Metric::P99.told(point, operation).map(|p99| p99.value)
}

/// Cost per hour and p99 of a point that answers, if they are told.
pub(super) fn place(point: &Point, operation: &str) -> Option<(f64, f64)> {
    let errors = Metric::ErrorRatio.told(point, operation).map_or(0.0, |errors| errors.value);
    if point.refusal.is_some() || errors > MOST_ERRORS {
        return None;
    }
    Some((point.cost_usd_per_hour?.value, p99_s(point, operation)?))
}
