//! From the written form to a sampler.

use std::path::Path;

use super::DistributionError;
use super::alias::AliasTable;
use super::check::probabilities;
use super::log_normal::log_normal;
use super::moments::Moments;
use super::parametric::{
    ambiguous_hyper_exponential, balanced_hyper_exponential, bounded_pareto, erlang, gamma, phased_hyper_exponential,
    truncated_normal, weibull,
};
use super::sampler::Sampler;
use super::samples::read_samples;
use super::shape::{Shape, ShapeLaw};
use super::tables::{histogram, percentiles, samples};
use super::written::Distribution;
use crate::units::{Duration, Ratio, unit_ns};

impl Distribution {
    /// The law, ready to be drawn from. Files are looked up relative to `base_directory`.
    ///
    /// # Errors
    /// Impossible parameters, and files that cannot be read, are too large or hold something else than durations.
    pub fn compile(&self, base_directory: &Path) -> Result<Sampler, DistributionError> {
        build(self, Some(base_directory))
    }
}

/// Compiles `written`; without a base directory, files are taken to be fine.
pub(super) fn build(written: &Distribution, base: Option<&Path>) -> Result<Sampler, DistributionError> {
    match written {
        Distribution::Constant(value) => Ok(Sampler::constant_ns(value.ns)),
        Distribution::Exponential(mean) => Ok(exponential(mean.ns as f64)),
        Distribution::Uniform(low, high) => uniform(*low, *high),
        Distribution::TruncatedNormal { mean, standard_deviation, minimum, maximum } => {
            truncated_normal(*mean, *standard_deviation, *minimum, *maximum)
        }
        Distribution::LogNormal { mean, median, p99, cv } => log_normal(*mean, *median, *p99, *cv),
        Distribution::Gamma { mean, cv } => gamma(*mean, *cv),
        Distribution::Erlang { stages, mean } => erlang(*stages, *mean),
        Distribution::Weibull { mean, shape } => weibull(*mean, *shape),
        Distribution::BoundedPareto { minimum, maximum, shape } => bounded_pareto(*minimum, *maximum, *shape),
        Distribution::HyperExponential { mean, cv, phases } => match (mean, cv, phases.as_slice()) {
            (Some(mean), Some(cv), []) => balanced_hyper_exponential(*mean, *cv),
            (None, None, [_, ..]) => phased_hyper_exponential(phases),
            _ => Err(ambiguous_hyper_exponential()),
        },
        Distribution::Percentiles(table) => percentiles(table),
        Distribution::Histogram(cells) => histogram(cells),
        Distribution::Csv { file, column, unit } => {
            let unit_ns = known_unit(unit)?;
            base.map_or(Ok(Sampler::default()), |base| samples(read_samples(base, file, column, unit_ns)?))
        }
        Distribution::Mixture(parts) => mixture(parts, base),
        Distribution::Scaled { by, law } => scaled(known_factor(*by)?, build(law, base)?),
    }
}

pub(super) fn shaped(law: ShapeLaw, moments: Moments) -> Sampler {
    Sampler::shaped(Shape::new(law, moments))
}

/// An exponential law, or zero if its mean is zero.
fn exponential(mean_ns: f64) -> Sampler {
    if mean_ns > 0.0 { Sampler::exponential_ns(mean_ns) } else { Sampler::constant_ns(0) }
}

/// The nanoseconds of a unit such as `"ms"`.
pub(super) fn known_unit(unit: &str) -> Result<u64, DistributionError> {
    unit_ns(unit).ok_or_else(|| {
        DistributionError::new(format!("\"{unit}\" is not a unit of time")).help("write ns, us, ms, s, min, h or d")
    })
}

fn uniform(low: Duration, high: Duration) -> Result<Sampler, DistributionError> {
    if low > high {
        return Err(DistributionError::new(format!("the lower bound {low} is above the upper bound {high}"))
            .help(format!("write `Uniform(\"{high}\", \"{low}\")`")));
    }
    if low == high {
        return Ok(Sampler::constant_ns(low.ns));
    }
    let (low, high) = (low.ns as f64, high.ns as f64);
    Ok(shaped(ShapeLaw::Uniform { low, width: high - low }, Moments::uniform(low, high)))
}

fn mixture(parts: &[(Ratio, Distribution)], base: Option<&Path>) -> Result<Sampler, DistributionError> {
    let weights = probabilities(parts.iter().map(|(weight, _)| *weight))?;
    let samplers = parts.iter().map(|(_, part)| build(part, base)).collect::<Result<Box<[_]>, _>>()?;
    let moments = Moments::mixture(
        weights
            .iter()
            .zip(&samplers)
            .map(|(weight, part)| (*weight, Moments::new(part.mean_ns(), part.squared_coefficient_of_variation()))),
    );
    Ok(shaped(ShapeLaw::Mixture { choice: AliasTable::new(&weights)?, parts: samplers }, moments))
}

/// A factor on a law: finite and above zero.
pub(super) fn known_factor(by: f64) -> Result<f64, DistributionError> {
    if by.is_finite() && by > 0.0 {
        return Ok(by);
    }
    let help = "write for example `by: 1.5`; a law that takes no time is `Constant(\"0s\")`";
    Err(DistributionError::new(format!("a law cannot be scaled by {by}")).help(help))
}

fn scaled(by: f64, law: Sampler) -> Result<Sampler, DistributionError> {
    let mean = law.mean_ns() * by;
    if mean > Duration::LONGEST.ns as f64 {
        let message = format!("scaled by {by}, the law's mean is more than ten years");
        return Err(DistributionError::new(message).help("write a smaller factor: 2 is twice as long"));
    }
    Ok(law.scaled(by))
}
