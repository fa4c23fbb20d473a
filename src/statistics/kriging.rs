//! What is to be expected where nobody has looked: Gaussian process regression, also called kriging (Rasmussen & Williams,
//! *Gaussian Processes for Machine Learning*, 2006, algorithm 2.1), over dimensions in which points are near or far (a number)
//! or just the same or not (a name).
//!
//! ```text
//! k(a, b) = (1 + s + s^2/3) exp(-s),  s = sqrt(5) |(a - b) / lengths|          Matern, nu = 5/2
//! mean(x) = m + k(x)' (K + n I)^-1 (y - m),  variance(x) = v (1 - k(x)' (K + n I)^-1 k(x))
//! ```
//!
//! Lengths and the noise `n` are those of a coarse grid, coordinate by coordinate, under which the observations are most
//! likely; `m` is their mean, and `v` is set by the likelihood too.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use statrs::distribution::{ContinuousCDF, StudentsT};

const LENGTHS: [f64; 6] = [0.15, 0.3, 0.6, 1.2, 2.5, 5.0];
const NOISES: [f64; 3] = [1e-4, 1e-2, 1e-1];
/// Of Student's t law.
const DEGREES: f64 = 4.0;

/// How alike two values of a dimension are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As far apart as the numbers, which lie between 0 and 1.
    Number,
    /// The same, or as far apart as can be.
    Name,
}

/// Lengths over which values change, dimension by dimension, and the share of noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    lengths: Vec<f64>,
    noise: f64,
}

impl Scales {
    /// A length for each dimension, and the share of noise.
    pub fn new(lengths: Vec<f64>, noise: f64) -> Self {
        Self { lengths, noise }
    }
}

/// A fitted process.
#[derive(Clone, Debug)]
pub struct Kriging {
    kinds: Vec<Kind>,
    points: Vec<Vec<f64>>,
    pub scales: Scales,
    mean: f64,
    variance: f64,
    factor: Cholesky<f64, Dyn>,
    weights: DVector<f64>,
}

/// What is expected at a point, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    pub mean: f64,
    pub standard_deviation: f64,
}

impl Prediction {
    /// The probability that the value is above zero, under Student's t law with few degrees of freedom: surfaces with
    /// cliffs surprise more often than a normal law with fitted scales admits (Shah, Wilson & Ghahramani, AISTATS 2014).
    pub fn probability_positive(&self) -> f64 {
        let Self { mean, standard_deviation } = *self;
        match StudentsT::new(mean, standard_deviation, DEGREES) {
            Ok(law) if standard_deviation > 0.0 => law.sf(0.0),
            _ => f64::from(u8::from(mean > 0.0)),
        }
    }
}

impl Kriging {
    /// Fits a process to the values at some points, each with as many coordinates as there are kinds. With `scales`, those are
    /// kept, which is much faster than looking for the likeliest. `None` without points or with numbers that are not finite.
    pub fn fit(kinds: &[Kind], points: &[Vec<f64>], values: &[f64], scales: Option<&Scales>) -> Option<Self> {
        if let Some(scales) = scales {
            return Self::with(kinds, points, values, scales).map(|(process, _)| process);
        }
        let start = Scales::new(vec![0.6; kinds.len()], NOISES[1]);
        let (mut best, mut likelihood) = Self::with(kinds, points, values, &start)?;
        let mut consider = |scales: Scales, best: &mut Self| {
            if let Some((other, found)) = Self::with(kinds, points, values, &scales)
                && found > likelihood
            {
                (*best, likelihood) = (other, found);
            }
        };
        for _ in 0..2 {
            for dimension in 0..kinds.len() {
                for length in LENGTHS {
                    let mut scales = best.scales.clone();
                    scales.lengths[dimension] = length;
                    consider(scales, &mut best);
                }
            }
            for noise in NOISES {
                let scales = Scales { noise, ..best.scales.clone() };
                consider(scales, &mut best);
            }
        }
        Some(best)
    }

    /// The process with these scales, and the logarithm of its likelihood but for a constant.
    fn with(kinds: &[Kind], points: &[Vec<f64>], values: &[f64], scales: &Scales) -> Option<(Self, f64)> {
        let count = points.len();
        if count == 0 || count != values.len() || !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let covariance = DMatrix::from_fn(count, count, |row, column| {
            let noise = if row == column { scales.noise } else { 0.0 };
            alike(kinds, &points[row], &points[column], scales) + noise
        });
        let factor = Cholesky::new(covariance)?;
        let deviations = DVector::from_iterator(count, values.iter().map(|value| value - mean));
        let weights = factor.solve(&deviations);
        // Values that are all the same leave nothing to tell.
        let variance = (deviations.dot(&weights) / count as f64).max(1e-12);
        let logarithms: f64 = factor.l_dirty().diagonal().iter().map(|entry| entry.ln()).sum();
        let likelihood = -0.5 * count as f64 * variance.ln() - logarithms;
        let process = Self {
            kinds: kinds.to_vec(),
            points: points.to_vec(),
            scales: scales.clone(),
            mean,
            variance,
            factor,
            weights,
        };
        likelihood.is_finite().then_some((process, likelihood))
    }

    /// How many values it was fitted to.
    pub fn observations(&self) -> usize {
        self.points.len()
    }

    /// What is expected at a point.
    pub fn predict(&self, point: &[f64]) -> Prediction {
        let alike = self.points.iter().map(|known| alike(&self.kinds, known, point, &self.scales));
        let alike = DVector::from_iterator(self.points.len(), alike);
        let explained = alike.dot(&self.factor.solve(&alike));
        Prediction {
            mean: self.mean + alike.dot(&self.weights),
            standard_deviation: (self.variance * (1.0 - explained).max(0.0)).sqrt(),
        }
    }
}

/// The correlation of two points.
fn alike(kinds: &[Kind], one: &[f64], other: &[f64], scales: &Scales) -> f64 {
    let mut square = 0.0;
    for (((kind, one), other), length) in kinds.iter().zip(one).zip(other).zip(&scales.lengths) {
        let apart = match kind {
            Kind::Number => one - other,
            Kind::Name => f64::from(u8::from(one != other)),
        };
        square += (apart / length).powi(2);
    }
    let s = (5.0 * square).sqrt();
    (1.0 + s + s * s / 3.0) * (-s).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::latin_hypercube::latin_hypercube;

    /// A plane with a step between names: what is to be learnt.
    fn truth(point: &[f64]) -> f64 {
        3.0 * point[0] - 2.0 * point[1] + if point[2] == 1.0 { 1.0 } else { 0.0 } + (4.0 * point[0] * point[1]).sin()
    }

    fn sample(count: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut points = latin_hypercube(count, 3, seed);
        points.iter_mut().for_each(|point| point[2] = f64::from(u8::from(point[2] > 0.5)));
        points
    }

    const KINDS: [Kind; 3] = [Kind::Number, Kind::Number, Kind::Name];

    #[test]
    fn it_learns_a_surface_and_knows_how_well() {
        let points = sample(60, 1);
        let values: Vec<f64> = points.iter().map(|point| truth(point)).collect();
        let process = Kriging::fit(&KINDS, &points, &values, None).expect("a process");
        let unseen = sample(200, 2);
        let errors: Vec<f64> = unseen.iter().map(|point| process.predict(point).mean - truth(point)).collect();
        let root_mean_square = (errors.iter().map(|error| error * error).sum::<f64>() / 200.0).sqrt();
        assert!(root_mean_square < 0.1, "{root_mean_square}, where values spread by about 1");
        let surprises = unseen
            .iter()
            .zip(&errors)
            .filter(|(point, error)| error.abs() > 3.0 * process.predict(point).standard_deviation + 0.02);
        assert!(surprises.count() < 20, "hardly any error is beyond three standard deviations");
        let far = process.predict(&[9.0, 9.0, 0.0]);
        let near = process.predict(&points[0]);
        assert!(near.standard_deviation < 0.2 * far.standard_deviation, "{near:?} {far:?}");
        assert!((near.mean - values[0]).abs() < 0.1);
    }

    #[test]
    fn a_dimension_of_no_effect_gets_a_long_length() {
        let points = latin_hypercube(40, 2, 5);
        let values: Vec<f64> = points.iter().map(|point| (6.0 * point[0]).sin()).collect();
        let process = Kriging::fit(&[Kind::Number; 2], &points, &values, None).expect("a process");
        assert!(process.scales.lengths[1] > 4.0 * process.scales.lengths[0], "{:?}", process.scales);
    }

    #[test]
    fn likelihoods_of_signs_are_those_of_students_law() {
        let probability = |mean, standard_deviation| Prediction { mean, standard_deviation }.probability_positive();
        assert!((probability(0.0, 1.0) - 0.5).abs() < 1e-12);
        assert!((probability(2.776_445, 1.0) - 0.975).abs() < 1e-6);
        assert!((probability(-2.776_445, 1.0) - 0.025).abs() < 1e-6);
        assert_eq!((probability(1.0, 0.0), probability(-1.0, 0.0)), (1.0, 0.0));
    }

    #[test]
    fn what_cannot_be_fitted_is_none() {
        assert!(Kriging::fit(&[Kind::Number], &[], &[], None).is_none());
        assert!(Kriging::fit(&[Kind::Number], &[vec![0.5]], &[f64::NAN], None).is_none());
        let all_the_same = Kriging::fit(&[Kind::Number], &[vec![0.1], vec![0.9]], &[2.0, 2.0], None);
        let told = all_the_same.expect("a process").predict(&[0.5]);
        assert!((told.mean - 2.0).abs() < 1e-9 && told.standard_deviation < 1e-5);
    }
}
