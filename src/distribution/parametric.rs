//! Laws with a formula, by their mean and shape.

use rand_distr::{Gamma, Weibull};
use statrs::function::gamma::ln_gamma;

use super::DistributionError;
use super::alias::AliasTable;
use super::check::probabilities;
use super::compile::shaped;
use super::moments::Moments;
use super::sampler::Sampler;
use super::shape::ShapeLaw;
use crate::units::{Duration, Ratio};

/// The largest coefficient of variation accepted: beyond it no run is long enough to see the mean.
pub(super) const LARGEST_CV: f64 = 100.0;

pub(super) fn truncated_normal(
    mean: Duration,
    deviation: Duration,
    minimum: Duration,
    maximum: Option<Duration>,
) -> Result<Sampler, DistributionError> {
    if let Some(maximum) = maximum.filter(|maximum| *maximum <= minimum) {
        return Err(DistributionError::new(format!("the maximum {maximum} is not above the minimum {minimum}")));
    }
    let (low, high) = (minimum.ns as f64, maximum.map_or(f64::INFINITY, |maximum| maximum.ns as f64));
    let centre = mean.ns as f64;
    if deviation.ns == 0 {
        return if (low..=high).contains(&centre) {
            Ok(Sampler::constant_ns(mean.ns))
        } else {
            Err(DistributionError::new(format!("the mean {mean} lies outside the bounds")))
        };
    }
    let deviation_ns = deviation.ns as f64;
    let (moments, mass) = Moments::truncated_normal(centre, deviation_ns, low, high);
    // With less than this the law is hardly a normal one any more, and rejection would be slow.
    if mass.is_nan() || mass < 0.01 {
        return Err(DistributionError::new(format!(
            "a normal law with mean {mean} and standard deviation {deviation} has less than 1% of its mass inside the bounds"
        ))
        .help("widen the bounds, or use another law such as Uniform"));
    }
    Ok(shaped(ShapeLaw::TruncatedNormal { mean: centre, deviation: deviation_ns, low, high }, moments))
}

pub(super) fn gamma(mean: Duration, cv: f64) -> Result<Sampler, DistributionError> {
    if accept_cv(cv)? < 1e-6 {
        return Ok(Sampler::constant_ns(mean.ns));
    }
    gamma_shape(mean.ns as f64, 1.0 / (cv * cv))
}

pub(super) fn erlang(stages: u32, mean: Duration) -> Result<Sampler, DistributionError> {
    if stages == 0 {
        return Err(DistributionError::new("an Erlang law needs at least one stage").help("write stages: 1 or more"));
    }
    gamma_shape(mean.ns as f64, f64::from(stages))
}

fn gamma_shape(mean_ns: f64, shape: f64) -> Result<Sampler, DistributionError> {
    if mean_ns == 0.0 {
        return Ok(Sampler::constant_ns(0));
    }
    let law = Gamma::new(shape, mean_ns / shape).map_err(|error| DistributionError::new(error.to_string()))?;
    Ok(shaped(ShapeLaw::Gamma(law), Moments::new(mean_ns, 1.0 / shape)))
}

pub(super) fn weibull(mean: Duration, shape: f64) -> Result<Sampler, DistributionError> {
    if !(0.1..=1_000.0).contains(&shape) {
        return Err(DistributionError::new(format!("the shape {shape} of a Weibull law is outside 0.1 to 1000")));
    }
    if mean.ns == 0 {
        return Ok(Sampler::constant_ns(0));
    }
    let mean_ns = mean.ns as f64;
    let scale = mean_ns / ln_gamma(1.0 + 1.0 / shape).exp();
    let law = Weibull::new(scale, shape).map_err(|error| DistributionError::new(error.to_string()))?;
    Ok(shaped(ShapeLaw::Weibull(law), Moments::weibull(mean_ns, shape)))
}

pub(super) fn bounded_pareto(minimum: Duration, maximum: Duration, shape: f64) -> Result<Sampler, DistributionError> {
    if minimum.ns == 0 {
        return Err(DistributionError::new("the minimum of a Pareto law is above zero"));
    }
    if maximum <= minimum {
        return Err(DistributionError::new(format!("the maximum {maximum} is not above the minimum {minimum}")));
    }
    if !(0.01..=100.0).contains(&shape) {
        return Err(DistributionError::new(format!("the shape {shape} of a Pareto law is outside 0.01 to 100")));
    }
    let (low, high) = (minimum.ns as f64, maximum.ns as f64);
    let tail = -(-shape * (high / low).ln()).exp_m1();
    let law = ShapeLaw::BoundedPareto { low, high, tail, exponent: -1.0 / shape };
    Ok(shaped(law, Moments::bounded_pareto(low, high, shape)))
}

/// Two phases that carry half of the mean each (Morse 1958; the usual fit to a mean and a cv).
pub(super) fn balanced_hyper_exponential(mean: Duration, cv: f64) -> Result<Sampler, DistributionError> {
    if accept_cv(cv)? < 1.0 {
        return Err(DistributionError::new(format!("the cv {cv} of a hyper-exponential law is below 1"))
            .help("use Gamma or Erlang for less variable durations"));
    }
    let squared = cv * cv;
    let first = 0.5 * (1.0 + ((squared - 1.0) / (squared + 1.0)).sqrt());
    let mean_ns = mean.ns as f64;
    hyper_exponential(&[first, 1.0 - first], &[0.5 * mean_ns / first, 0.5 * mean_ns / (1.0 - first)])
}

pub(super) fn phased_hyper_exponential(phases: &[(Ratio, Duration)]) -> Result<Sampler, DistributionError> {
    let weights = probabilities(phases.iter().map(|(probability, _)| *probability))?;
    let means: Vec<f64> = phases.iter().map(|(_, mean)| mean.ns as f64).collect();
    hyper_exponential(&weights, &means)
}

fn hyper_exponential(weights: &[f64], means: &[f64]) -> Result<Sampler, DistributionError> {
    let parts = weights.iter().zip(means).map(|(weight, mean)| (*weight, Moments::new(*mean, 1.0)));
    let moments = Moments::mixture(parts);
    let law = ShapeLaw::HyperExponential { choice: AliasTable::new(weights)?, means: means.into() };
    Ok(shaped(law, moments))
}

pub(super) fn accept_cv(cv: f64) -> Result<f64, DistributionError> {
    if cv.is_nan() || cv < 0.0 {
        return Err(
            DistributionError::new(format!("{cv} cannot be a coefficient of variation")).help("it is 0 or more")
        );
    }
    if cv > LARGEST_CV { Err(too_variable()) } else { Ok(cv) }
}

pub(super) fn too_variable() -> DistributionError {
    DistributionError::new(format!("the coefficient of variation is above {LARGEST_CV}"))
        .help("no simulation is long enough to estimate the mean of such a law")
}

pub(super) fn ambiguous_hyper_exponential() -> DistributionError {
    DistributionError::new("a hyper-exponential law needs either mean and cv, or phases").help(
        "write `HyperExponential(mean: \"5ms\", cv: 2)` \
         or `HyperExponential(phases: [(0.9, \"1ms\"), (0.1, \"20ms\")])`",
    )
}
