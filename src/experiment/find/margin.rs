//! By how much a point meets its objectives, as one number that a search can learn.

use crate::experiment::metric::Metric;
use crate::experiment::study::{Bound, Objective, Point};

/// The logarithm of a factor of two: whoever misses a limit by more surely does, even if the number itself is doubted.
pub(super) const CLEAR: f64 = 0.7;

/// The margin of what is unstable without a number.
const UNTOLD: f64 = -10.0;

/// The logarithm of the smallest factor between a limit and what was found: above zero where all objectives are met, and
/// infinite where nothing fails. What is unstable misses by a factor of two at least, and by more the more it is overloaded,
/// as far as a short look tells. Objectives of which it tells no number are left to a longer one; `None` where that is true of
/// all.
pub(super) fn margin(objectives: &[Objective], point: &Point) -> Option<f64> {
    let told = objectives.iter().filter_map(|one| of(one, point)).min_by(f64::total_cmp);
    let is_unstable = point.refusal.as_ref().is_some_and(|refusal| refusal.code == "unstable");
    if is_unstable { Some(told.map_or(UNTOLD, |told| told.min(-CLEAR))) } else { told }
}

fn of(objective: &Objective, point: &Point) -> Option<f64> {
    let value = objective.quantity.told(point, &objective.operation)?.value;
    let limit = objective.limit;
    // Of an availability, what counts is what it lacks.
    let (value, limit, bound) = match objective.quantity {
        Metric::Availability => (1.0 - value, 1.0 - limit, Bound::Below),
        _ => (value, limit, objective.bound),
    };
    let factor = match bound {
        Bound::Below => limit / value,
        Bound::Above => value / limit,
    };
    // No errors where none are allowed.
    let factor = if factor.is_nan() { 1.0 } else { factor };
    Some(factor.ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::study::{Interval, Operation};

    /// A point whose clients saw a p99 of 0.4 s, 300 requests a second and one failure in a thousand.
    fn point() -> Point {
        let sure = |value| Some(Interval { value, low: value, high: value });
        let operation = Operation {
            name: "all".to_owned(),
            throughput_per_s: sure(300.0),
            error_ratio: sure(0.001),
            mean_s: None,
            p50_s: None,
            p95_s: None,
            p99_s: sure(0.4),
            p999_s: None,
            note: None,
        };
        Point {
            load: 1.0,
            refusal: None,
            replications: 4,
            simulated_s: 1.0,
            requests: 1,
            operations: vec![operation],
            nodes: Vec::new(),
            cost_usd_per_hour: None,
            cost_usd_per_million_requests: None,
            outside_objectives_s: None,
            recovery_s: None,
            lost_requests: None,
            notes: Vec::new(),
            objectives: Vec::new(),
            windows: Vec::new(),
            events: Vec::new(),
        }
    }

    fn of_one(quantity: Metric, bound: Bound, limit: f64) -> Option<f64> {
        margin(&[objective(quantity, bound, limit)], &point())
    }

    fn objective(quantity: Metric, bound: Bound, limit: f64) -> Objective {
        Objective { name: String::new(), quantity, operation: "all".to_owned(), bound, limit }
    }

    #[test]
    fn every_kind_of_objective_has_a_margin() {
        let near = |found: Option<f64>, factor: f64| (found.expect("a margin") - factor.ln()).abs() < 1e-9;
        assert!(near(of_one(Metric::P99, Bound::Below, 0.8), 2.0));
        assert!(near(of_one(Metric::P99, Bound::Below, 0.2), 0.5));
        assert!(near(of_one(Metric::Throughput, Bound::Above, 200.0), 1.5));
        assert!(near(of_one(Metric::ErrorRatio, Bound::Below, 0.002), 2.0));
        assert!(near(of_one(Metric::Availability, Bound::Above, 0.998), 2.0));
        assert_eq!(of_one(Metric::P999, Bound::Below, 1.0), None, "nothing is told of it");
    }

    #[test]
    fn the_worst_objective_decides() {
        let both = [objective(Metric::P99, Bound::Below, 0.8), objective(Metric::ErrorRatio, Bound::Below, 0.0005)];
        assert!((margin(&both, &point()).expect("a margin") + 2f64.ln()).abs() < 1e-9);
    }
}
