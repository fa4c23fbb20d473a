//! Latin hypercube sampling (McKay, Beckman & Conover, Technometrics 1979): every dimension is cut into as many equal
//! strata as there are samples, and each stratum is hit once.

use crate::random::{Purpose, Seed};

/// `samples` points of the unit cube with so many `dimensions`, each coordinate in `[0, 1)`.
pub fn latin_hypercube(samples: usize, dimensions: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut points = vec![Vec::with_capacity(dimensions); samples];
    for dimension in 0..dimensions as u64 {
        let column = stratified(samples, seed, Purpose::named("latin hypercube").child(dimension));
        for (point, coordinate) in points.iter_mut().zip(column) {
            point.push(coordinate);
        }
    }
    points
}

/// One dimension of such a sample, known by its name: the others do not change when one is added or left out.
pub fn latin_column(samples: usize, name: &str, seed: u64) -> Vec<f64> {
    stratified(samples, seed, Purpose::named(&format!("latin hypercube/{name}")))
}

/// One coordinate in each stratum, in random order.
fn stratified(samples: usize, seed: u64, purpose: Purpose) -> Vec<f64> {
    let mut stream = Seed::new(seed, 0).stream(purpose);
    let mut strata: Vec<usize> = (0..samples).collect();
    // Fisher and Yates.
    for last in (1..samples).rev() {
        strata.swap(last, stream.below(last as u64 + 1) as usize);
    }
    // Rounding may carry the last stratum to the end of the interval.
    let coordinate = |stratum: usize| ((stratum as f64 + stream.unit()) / samples as f64).min(1.0 - f64::EPSILON);
    strata.into_iter().map(coordinate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stratum_of_every_dimension_is_hit_once() {
        let points = latin_hypercube(50, 7, 3);
        for dimension in 0..7 {
            let mut strata: Vec<usize> = points.iter().map(|point| (point[dimension] * 50.0) as usize).collect();
            strata.sort_unstable();
            assert_eq!(strata, (0..50).collect::<Vec<_>>());
        }
        assert_ne!(points, latin_hypercube(50, 7, 4), "another seed, other points");
        assert_eq!(points, latin_hypercube(50, 7, 3));
    }

    #[test]
    fn dimensions_do_not_move_together() {
        let points = latin_hypercube(2_000, 2, 1);
        let product: f64 = points.iter().map(|point| (point[0] - 0.5) * (point[1] - 0.5)).sum();
        let correlation = product / 2_000.0 * 12.0;
        assert!(correlation.abs() < 4.0 / 2_000f64.sqrt(), "{correlation}");
    }

    #[test]
    fn columns_are_stratified_and_known_by_their_names() {
        let column = latin_column(50, "web.cpu", 3);
        let mut strata: Vec<usize> = column.iter().map(|coordinate| (coordinate * 50.0) as usize).collect();
        strata.sort_unstable();
        assert_eq!(strata, (0..50).collect::<Vec<_>>());
        assert_eq!(column, latin_column(50, "web.cpu", 3));
        assert_ne!(column, latin_column(50, "web.io", 3));
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert!(latin_hypercube(0, 3, 1).is_empty());
        assert_eq!(latin_hypercube(2, 0, 1), vec![Vec::<f64>::new(); 2]);
    }
}
