//! Exact means and variances.

use statrs::function::erf::erfc;
use statrs::function::gamma::ln_gamma;

/// The first two moments of a law, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moments {
    pub mean: f64,
    /// Variance over squared mean, or zero if the mean is zero.
    pub squared_coefficient_of_variation: f64,
}

impl Moments {
    pub fn new(mean: f64, squared_coefficient_of_variation: f64) -> Self {
        Self { mean, squared_coefficient_of_variation }
    }

    /// From a mean and a variance.
    pub fn from_variance(mean: f64, variance: f64) -> Self {
        Self::new(mean, if mean > 0.0 { (variance / (mean * mean)).max(0.0) } else { 0.0 })
    }

    fn variance(self) -> f64 {
        self.squared_coefficient_of_variation * self.mean * self.mean
    }

    /// Of a mixture of `(probability, moments)`: the variance within the parts plus the variance between them, which
    /// does not cancel as the difference of second moments does.
    pub fn mixture(parts: impl Iterator<Item = (f64, Self)> + Clone) -> Self {
        let mean: f64 = parts.clone().map(|(probability, part)| probability * part.mean).sum();
        let variance = parts.map(|(probability, part)| probability * (part.variance() + (part.mean - mean).powi(2)));
        Self::from_variance(mean, variance.sum())
    }

    /// Of a uniform law between two bounds.
    pub fn uniform(low: f64, high: f64) -> Self {
        Self::from_variance(0.5 * (low + high), (high - low).powi(2) / 12.0)
    }

    /// Of a Weibull law with this mean: E X^k = scale^k Gamma(1 + k / shape).
    pub fn weibull(mean: f64, shape: f64) -> Self {
        let ratio = ln_gamma(1.0 + 2.0 / shape) - 2.0 * ln_gamma(1.0 + 1.0 / shape);
        Self::new(mean, ratio.exp_m1())
    }

    /// Of the power law with density proportional to `x^(-shape - 1)` on `[low, high]`.
    ///
    /// E X^k = shape low^k g(k) / g0 with g(k) = (r^(k - shape) - 1) / (k - shape), r = high / low and
    /// g0 = 1 - r^-shape; g has the limit ln r where k = shape.
    pub fn bounded_pareto(low: f64, high: f64, shape: f64) -> Self {
        let log_ratio = (high / low).ln();
        let raw = |power: f64| {
            let exponent = power - shape;
            let growth = if exponent.abs() < 1e-12 { log_ratio } else { (exponent * log_ratio).exp_m1() / exponent };
            shape * growth / -(-shape * log_ratio).exp_m1()
        };
        // In units of `low`; centred second moment by subtraction, which the checks on bounds keep well conditioned.
        let (first, second) = (raw(1.0), raw(2.0));
        Self::new(low * first, (second / (first * first) - 1.0).max(0.0))
    }

    /// Of a normal law cut off outside `[low, high]`, and the share of the normal law's mass between them
    /// (Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, section 13.10.1).
    pub fn truncated_normal(mean: f64, deviation: f64, low: f64, high: f64) -> (Self, f64) {
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let times = |z: f64| if z.is_finite() { z * density(z) } else { 0.0 };
        let upper_tail = |z: f64| 0.5 * erfc(z / std::f64::consts::SQRT_2);
        let (a, b) = ((low - mean) / deviation, (high - mean) / deviation);
        // Differences of tails are taken on the side where the tails are small.
        let mass = if a > 0.0 { upper_tail(a) - upper_tail(b) } else { upper_tail(-b) - upper_tail(-a) };
        let shift = (density(a) - density(b)) / mass;
        let variance = deviation * deviation * (1.0 + (times(a) - times(b)) / mass - shift * shift);
        (Self::from_variance(mean + deviation * shift, variance), mass)
    }
}
