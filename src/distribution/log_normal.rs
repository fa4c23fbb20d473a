//! Log-normal laws by the figures that are usually known.

use rand_distr::LogNormal;

use super::DistributionError;
use super::compile::shaped;
use super::moments::Moments;
use super::parametric::{LARGEST_CV, accept_cv, too_variable};
use super::sampler::Sampler;
use super::shape::ShapeLaw;
use crate::units::Duration;

/// The 0.99 quantile of the standard normal law.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

pub(super) fn log_normal(
    mean: Option<Duration>,
    median: Option<Duration>,
    p99: Option<Duration>,
    cv: Option<f64>,
) -> Result<Sampler, DistributionError> {
    if let Some(zero) = mean.or(median).filter(|centre| centre.ns == 0) {
        return Err(DistributionError::new(format!("a log-normal law is always positive; {zero} is not"))
            .help("write `Constant(\"0s\")` for no time at all"));
    }
    let (mu, sigma) = match (mean, median, p99, cv) {
        (Some(mean), None, None, Some(cv)) => {
            let variance = sigma_squared(cv)?;
            ((mean.ns as f64).ln() - 0.5 * variance, variance.sqrt())
        }
        (None, Some(median), None, Some(cv)) => ((median.ns as f64).ln(), sigma_squared(cv)?.sqrt()),
        (Some(mean), None, Some(p99), None) => {
            let sigma = sigma_from_mean_and_p99(mean, p99)?;
            ((mean.ns as f64).ln() - 0.5 * sigma * sigma, sigma)
        }
        (None, Some(median), Some(p99), None) => {
            if p99 < median {
                return Err(DistributionError::new(format!("the p99 {p99} is below the median {median}")));
            }
            ((median.ns as f64).ln(), (p99.ns as f64 / median.ns as f64).ln() / NORMAL_P99)
        }
        _ => {
            return Err(DistributionError::new("a log-normal law needs exactly two of its parameters")
                .help("write mean or median, with cv or p99: `LogNormal(mean: \"12ms\", p99: \"60ms\")`"));
        }
    };
    let moments = Moments::new((mu + 0.5 * sigma * sigma).exp(), (sigma * sigma).exp_m1());
    if moments.squared_coefficient_of_variation > LARGEST_CV * LARGEST_CV * (1.0 + 1e-9) {
        return Err(too_variable());
    }
    let law = LogNormal::new(mu, sigma).map_err(|error| DistributionError::new(error.to_string()))?;
    Ok(shaped(ShapeLaw::LogNormal(law), moments))
}

/// The variance of the logarithm: ln(1 + cv^2).
fn sigma_squared(cv: f64) -> Result<f64, DistributionError> {
    accept_cv(cv).map(|cv| (cv * cv).ln_1p())
}

/// The p99 of a log-normal law is mean exp(z sigma - sigma^2 / 2): a parabola in sigma, with two roots, of which the
/// smaller is the less extreme law, or with none.
fn sigma_from_mean_and_p99(mean: Duration, p99: Duration) -> Result<f64, DistributionError> {
    if p99 < mean {
        return Err(DistributionError::new(format!("the p99 {p99} is below the mean {mean}"))
            .help("the p99 of a log-normal law lies above its mean"));
    }
    let discriminant = NORMAL_P99 * NORMAL_P99 - 2.0 * (p99.ns as f64 / mean.ns as f64).ln();
    if discriminant < 0.0 {
        let largest = Duration { ns: (mean.ns as f64 * (0.5 * NORMAL_P99 * NORMAL_P99).exp()) as u64 };
        let digits = 10u64.pow(largest.ns.checked_ilog10().unwrap_or(0).saturating_sub(2));
        let shown = Duration { ns: largest.ns / digits * digits };
        return Err(DistributionError::new(format!(
            "no log-normal law with mean {mean} has a p99 of {p99}: the largest possible is {shown}"
        ))
        .help("write the median instead of the mean, or use a mixture"));
    }
    Ok(NORMAL_P99 - discriminant.sqrt())
}
