//! From the written form to a sampler.

use std::path::Path;

use rand_distr::{Gamma, LogNormal, Weibull};
use statrs::function::gamma::ln_gamma;

use super::DistributionError;
use super::alias::AliasTable;
use super::check::probabilities;
use super::empirical::{InverseDistribution, Knot};
use super::moments::Moments;
use super::sampler::Sampler;
use super::samples::read_samples;
use super::shape::{Shape, ShapeLaw};
use super::written::{Distribution, HistogramCell, Percentile};
use crate::units::{Duration, Ratio, unit_ns};

/// The 0.99 quantile of the standard normal law.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// The largest coefficient of variation accepted: beyond it no run is long enough to see the mean.
const LARGEST_CV: f64 = 100.0;

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
pub(super) fn build(
    written: &Distribution,
    base: Option<&Path>,
) -> Result<Sampler, DistributionError> {
    match written {
        Distribution::Constant(value) => Ok(Sampler::constant_ns(value.ns)),
        Distribution::Exponential(mean) => Ok(exponential(mean.ns as f64)),
        Distribution::Uniform(low, high) => uniform(*low, *high),
        Distribution::TruncatedNormal { mean, standard_deviation, minimum, maximum } => {
            truncated_normal(*mean, *standard_deviation, *minimum, *maximum)
        }
        Distribution::LogNormal { mean, median, p99, cv } => log_normal(*mean, *median, *p99, *cv),
        Distribution::Gamma { mean, cv } => gamma(*mean, *cv),
        Distribution::Erlang { stages: 0, .. } => Err(DistributionError::new("an Erlang law needs at least one stage")),
        Distribution::Erlang { stages, mean } => gamma_shape(mean.ns as f64, f64::from(*stages)),
        Distribution::Weibull { mean, shape } => weibull(*mean, *shape),
        Distribution::BoundedPareto { minimum, maximum, shape } => bounded_pareto(*minimum, *maximum, *shape),
        Distribution::HyperExponential { mean, cv, phases } => match (mean, cv, phases.as_slice()) {
            (Some(mean), Some(cv), []) => balanced_hyper_exponential(*mean, *cv),
            (None, None, [_, ..]) => phased_hyper_exponential(phases),
            _ => Err(DistributionError::new("a hyper-exponential law needs either mean and cv, or phases")
                .help("write `HyperExponential(mean: \"5ms\", cv: 2)` or `HyperExponential(phases: [(0.9, \"1ms\"), (0.1, \"20ms\")])`")),
        },
        Distribution::Percentiles(table) => percentiles(table),
        Distribution::Histogram(cells) => histogram(cells),
        Distribution::Csv { file, column, unit } => {
            let unit_ns = known_unit(unit)?;
            base.map_or(Ok(Sampler::default()), |base| samples(read_samples(base, file, column, unit_ns)?))
        }
        Distribution::Mixture(parts) => mixture(parts, base),
    }
}

fn shaped(law: ShapeLaw, moments: Moments) -> Sampler {
    Sampler::shaped(Shape::new(law, moments))
}

/// An exponential law, or zero if its mean is zero.
fn exponential(mean_ns: f64) -> Sampler {
    if mean_ns > 0.0 {
        Sampler::exponential_ns(mean_ns)
    } else {
        Sampler::constant_ns(0)
    }
}

/// The nanoseconds of a unit such as `"ms"`.
pub(super) fn known_unit(unit: &str) -> Result<u64, DistributionError> {
    unit_ns(unit).ok_or_else(|| {
        DistributionError::new(format!("\"{unit}\" is not a unit of time"))
            .help("write ns, us, ms, s, min, h or d")
    })
}

fn uniform(low: Duration, high: Duration) -> Result<Sampler, DistributionError> {
    if low > high {
        return Err(DistributionError::new(format!(
            "the lower bound {low} is above the upper bound {high}"
        ))
        .help(format!("write `Uniform(\"{high}\", \"{low}\")`")));
    }
    if low == high {
        return Ok(Sampler::constant_ns(low.ns));
    }
    let (low, high) = (low.ns as f64, high.ns as f64);
    Ok(shaped(
        ShapeLaw::Uniform {
            low,
            width: high - low,
        },
        Moments::uniform(low, high),
    ))
}

fn truncated_normal(
    mean: Duration,
    deviation: Duration,
    minimum: Duration,
    maximum: Option<Duration>,
) -> Result<Sampler, DistributionError> {
    if let Some(maximum) = maximum.filter(|maximum| *maximum <= minimum) {
        return Err(DistributionError::new(format!(
            "the maximum {maximum} is not above the minimum {minimum}"
        )));
    }
    let (low, high) = (
        minimum.ns as f64,
        maximum.map_or(f64::INFINITY, |maximum| maximum.ns as f64),
    );
    let centre = mean.ns as f64;
    if deviation.ns == 0 {
        return if (low..=high).contains(&centre) {
            Ok(Sampler::constant_ns(mean.ns))
        } else {
            Err(DistributionError::new(format!(
                "the mean {mean} lies outside the bounds"
            )))
        };
    }
    let deviation_ns = deviation.ns as f64;
    let (moments, mass) = Moments::truncated_normal(centre, deviation_ns, low, high);
    // Also refuses a mass that is not a number. Less than this and the law is hardly a normal one any more.
    if !(mass >= 0.01) {
        return Err(DistributionError::new(format!(
            "a normal law with mean {mean} and standard deviation {deviation} has less than 1% of its mass inside the bounds"
        ))
        .help("widen the bounds, or use another law such as Uniform"));
    }
    Ok(shaped(
        ShapeLaw::TruncatedNormal {
            mean: centre,
            deviation: deviation_ns,
            low,
            high,
        },
        moments,
    ))
}

fn log_normal(
    mean: Option<Duration>,
    median: Option<Duration>,
    p99: Option<Duration>,
    cv: Option<f64>,
) -> Result<Sampler, DistributionError> {
    if let Some(zero) = mean.or(median).filter(|centre| centre.ns == 0) {
        return Err(DistributionError::new(format!(
            "a log-normal law is always positive; {zero} is not"
        ))
        .help("write `Constant(\"0s\")` for no time at all"));
    }
    let (mu, sigma) = match (mean, median, p99, cv) {
        (Some(mean), None, None, Some(cv)) => {
            let variance = sigma_squared(cv)?;
            ((mean.ns as f64).ln() - 0.5 * variance, variance.sqrt())
        }
        (None, Some(median), None, Some(cv)) => {
            ((median.ns as f64).ln(), sigma_squared(cv)?.sqrt())
        }
        (Some(mean), None, Some(p99), None) => {
            let sigma = sigma_from_mean_and_p99(mean, p99)?;
            ((mean.ns as f64).ln() - 0.5 * sigma * sigma, sigma)
        }
        (None, Some(median), Some(p99), None) => {
            if p99 < median {
                return Err(DistributionError::new(format!(
                    "the p99 {p99} is below the median {median}"
                )));
            }
            (
                (median.ns as f64).ln(),
                (p99.ns as f64 / median.ns as f64).ln() / NORMAL_P99,
            )
        }
        _ => {
            return Err(DistributionError::new(
                "a log-normal law needs exactly two of its parameters",
            )
            .help(
                "write mean or median, with cv or p99: `LogNormal(mean: \"12ms\", p99: \"60ms\")`",
            ));
        }
    };
    let moments = Moments::new((mu + 0.5 * sigma * sigma).exp(), (sigma * sigma).exp_m1());
    if moments.squared_coefficient_of_variation > LARGEST_CV * LARGEST_CV * (1.0 + 1e-9) {
        return Err(too_variable());
    }
    let law =
        LogNormal::new(mu, sigma).map_err(|error| DistributionError::new(error.to_string()))?;
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
        return Err(
            DistributionError::new(format!("the p99 {p99} is below the mean {mean}"))
                .help("the p99 of a log-normal law lies above its mean"),
        );
    }
    let discriminant = NORMAL_P99 * NORMAL_P99 - 2.0 * (p99.ns as f64 / mean.ns as f64).ln();
    if discriminant < 0.0 {
        let largest = Duration {
            ns: (mean.ns as f64 * (0.5 * NORMAL_P99 * NORMAL_P99).exp()) as u64,
        };
        let digits = 10u64.pow(largest.ns.checked_ilog10().unwrap_or(0).saturating_sub(2));
        let shown = Duration {
            ns: largest.ns / digits * digits,
        };
        return Err(DistributionError::new(format!(
            "no log-normal law with mean {mean} has a p99 of {p99}: the largest possible is {shown}"
        ))
        .help("write the median instead of the mean, or use a mixture"));
    }
    Ok(NORMAL_P99 - discriminant.sqrt())
}

fn accept_cv(cv: f64) -> Result<f64, DistributionError> {
    if !(cv >= 0.0) {
        return Err(
            DistributionError::new(format!("{cv} cannot be a coefficient of variation"))
                .help("it is 0 or more"),
        );
    }
    if cv > LARGEST_CV {
        Err(too_variable())
    } else {
        Ok(cv)
    }
}

fn too_variable() -> DistributionError {
    DistributionError::new(format!(
        "the coefficient of variation is above {LARGEST_CV}"
    ))
    .help("no simulation is long enough to estimate the mean of such a law")
}

fn gamma(mean: Duration, cv: f64) -> Result<Sampler, DistributionError> {
    if accept_cv(cv)? < 1e-6 {
        return Ok(Sampler::constant_ns(mean.ns));
    }
    gamma_shape(mean.ns as f64, 1.0 / (cv * cv))
}

fn gamma_shape(mean_ns: f64, shape: f64) -> Result<Sampler, DistributionError> {
    if mean_ns == 0.0 {
        return Ok(Sampler::constant_ns(0));
    }
    let law = Gamma::new(shape, mean_ns / shape)
        .map_err(|error| DistributionError::new(error.to_string()))?;
    Ok(shaped(
        ShapeLaw::Gamma(law),
        Moments::new(mean_ns, 1.0 / shape),
    ))
}

fn weibull(mean: Duration, shape: f64) -> Result<Sampler, DistributionError> {
    if !(0.1..=1_000.0).contains(&shape) {
        return Err(DistributionError::new(format!(
            "the shape {shape} of a Weibull law is outside 0.1 to 1000"
        )));
    }
    if mean.ns == 0 {
        return Ok(Sampler::constant_ns(0));
    }
    let mean_ns = mean.ns as f64;
    let scale = mean_ns / ln_gamma(1.0 + 1.0 / shape).exp();
    let law =
        Weibull::new(scale, shape).map_err(|error| DistributionError::new(error.to_string()))?;
    Ok(shaped(
        ShapeLaw::Weibull(law),
        Moments::weibull(mean_ns, shape),
    ))
}

fn bounded_pareto(
    minimum: Duration,
    maximum: Duration,
    shape: f64,
) -> Result<Sampler, DistributionError> {
    if minimum.ns == 0 {
        return Err(DistributionError::new(
            "the minimum of a Pareto law is above zero",
        ));
    }
    if maximum <= minimum {
        return Err(DistributionError::new(format!(
            "the maximum {maximum} is not above the minimum {minimum}"
        )));
    }
    if !(0.01..=100.0).contains(&shape) {
        return Err(DistributionError::new(format!(
            "the shape {shape} of a Pareto law is outside 0.01 to 100"
        )));
    }
    let (low, high) = (minimum.ns as f64, maximum.ns as f64);
    let tail = -(-shape * (high / low).ln()).exp_m1();
    let law = ShapeLaw::BoundedPareto {
        low,
        high,
        tail,
        exponent: -1.0 / shape,
    };
    Ok(shaped(law, Moments::bounded_pareto(low, high, shape)))
}

/// Two phases that carry half of the mean each (Morse 1958; the usual fit to a mean and a cv).
fn balanced_hyper_exponential(mean: Duration, cv: f64) -> Result<Sampler, DistributionError> {
    if accept_cv(cv)? < 1.0 {
        return Err(DistributionError::new(format!(
            "the cv {cv} of a hyper-exponential law is below 1"
        ))
        .help("use Gamma or Erlang for less variable durations"));
    }
    let squared = cv * cv;
    let first = 0.5 * (1.0 + ((squared - 1.0) / (squared + 1.0)).sqrt());
    let mean_ns = mean.ns as f64;
    hyper_exponential(
        &[first, 1.0 - first],
        &[0.5 * mean_ns / first, 0.5 * mean_ns / (1.0 - first)],
    )
}

fn phased_hyper_exponential(phases: &[(Ratio, Duration)]) -> Result<Sampler, DistributionError> {
    let weights = probabilities(phases.iter().map(|(probability, _)| *probability))?;
    let means: Vec<f64> = phases.iter().map(|(_, mean)| mean.ns as f64).collect();
    hyper_exponential(&weights, &means)
}

fn hyper_exponential(weights: &[f64], means: &[f64]) -> Result<Sampler, DistributionError> {
    let parts = weights
        .iter()
        .zip(means)
        .map(|(weight, mean)| (*weight, Moments::new(*mean, 1.0)));
    let moments = Moments::mixture(parts);
    let law = ShapeLaw::HyperExponential {
        choice: AliasTable::new(weights)?,
        means: means.into(),
    };
    Ok(shaped(law, moments))
}

fn percentiles(table: &[Percentile]) -> Result<Sampler, DistributionError> {
    let mut knots = Vec::with_capacity(table.len() + 1);
    if table.first().is_some_and(|first| first.percent > 0.0) {
        knots.push(Knot {
            cumulative: 0.0,
            value: 0.0,
        });
    }
    for (index, entry) in table.iter().enumerate() {
        let Percentile { percent, value } = entry;
        if !(0.0..=100.0).contains(percent) {
            return Err(DistributionError::new(format!(
                "the percentile {percent} is outside 0 to 100"
            )));
        }
        if let Some(before) = index.checked_sub(1).map(|index| table[index]) {
            if *percent <= before.percent || *value < before.value {
                return Err(DistributionError::new(format!(
                    "the percentiles do not increase: {percent}: \"{value}\" follows {}: \"{}\"",
                    before.percent, before.value
                )));
            }
        }
        knots.push(Knot {
            cumulative: percent / 100.0,
            value: value.ns as f64,
        });
    }
    if table.last().is_none_or(|last| last.percent < 100.0) {
        return Err(DistributionError::new("the percentile 100, the longest duration possible, is missing")
            .help("add it, for example `100: \"80ms\"`: the tail beyond the last percentile decides the mean"));
    }
    if knots.len() < 2 {
        return Err(DistributionError::new(
            "a percentile table needs more than one entry",
        ));
    }
    Ok(inverse(knots))
}

fn histogram(cells: &[HistogramCell]) -> Result<Sampler, DistributionError> {
    let total: f64 = cells.iter().map(|cell| cell.2).sum();
    if !(total > 0.0 && total.is_finite()) || cells.iter().any(|cell| !(cell.2 >= 0.0)) {
        return Err(DistributionError::new(
            "the counts of a histogram are 0 or more, and not all are 0",
        ));
    }
    let mut knots = Vec::with_capacity(2 * cells.len());
    let (mut cumulative, mut end) = (0.0, Duration::default());
    for HistogramCell(from, to, count) in cells {
        if from > to || *from < end {
            return Err(DistributionError::new(format!(
                "the cell from {from} to {to} is out of order"
            ))
            .help("write the cells in ascending order, without overlap"));
        }
        end = *to;
        knots.push(Knot {
            cumulative: cumulative / total,
            value: from.ns as f64,
        });
        cumulative += count;
        knots.push(Knot {
            cumulative: (cumulative / total).min(1.0),
            value: to.ns as f64,
        });
    }
    Ok(inverse(knots))
}

fn inverse(mut knots: Vec<Knot>) -> Sampler {
    if let Some(last) = knots.last_mut() {
        last.cumulative = 1.0;
    }
    let inverse = InverseDistribution::new(knots);
    let parts = inverse
        .pieces()
        .map(|(probability, low, high)| (probability, Moments::uniform(low, high)));
    let moments = Moments::mixture(parts);
    shaped(ShapeLaw::Inverse(inverse), moments)
}

fn samples(values_ns: Vec<u64>) -> Result<Sampler, DistributionError> {
    if values_ns.is_empty() {
        return Err(DistributionError::new("the file holds no values"));
    }
    let probability = 1.0 / values_ns.len() as f64;
    let moments = Moments::mixture(
        values_ns
            .iter()
            .map(|ns| (probability, Moments::new(*ns as f64, 0.0))),
    );
    Ok(shaped(ShapeLaw::Samples(values_ns.into()), moments))
}

fn mixture(
    parts: &[(Ratio, Distribution)],
    base: Option<&Path>,
) -> Result<Sampler, DistributionError> {
    let weights = probabilities(parts.iter().map(|(weight, _)| *weight))?;
    let samplers = parts
        .iter()
        .map(|(_, part)| build(part, base))
        .collect::<Result<Box<[_]>, _>>()?;
    let moments = Moments::mixture(weights.iter().zip(&samplers).map(|(weight, part)| {
        (
            *weight,
            Moments::new(part.mean_ns(), part.squared_coefficient_of_variation()),
        )
    }));
    Ok(shaped(
        ShapeLaw::Mixture {
            choice: AliasTable::new(&weights)?,
            parts: samplers,
        },
        moments,
    ))
}
