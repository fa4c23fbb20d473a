//! Estimates with 95% confidence intervals over independent replications.
//!
//! Every function returns `None` where there is no honest interval: fewer than two replications, a number that is not
//! finite, or a division by zero. Replications that all agree give an interval of width zero.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Two-sided confidence of every interval here.
pub const CONFIDENCE: f64 = 0.95;

/// A value and its 95% confidence interval, all in the unit of the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub half_width: f64,
}

impl Estimate {
    /// The interval `value` ± `half_width`.
    #[must_use]
    pub fn around(value: f64, half_width: f64) -> Self {
        Self {
            value,
            low: value - half_width,
            high: value + half_width,
            half_width,
        }
    }

    /// Half width over the absolute value; infinite if only the value is zero, zero if both are.
    #[must_use]
    pub fn relative_half_width(&self) -> f64 {
        if self.half_width == 0.0 {
            0.0
        } else {
            self.half_width / self.value.abs()
        }
    }

    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The `probability` quantile of Student's t law with `degrees` degrees of freedom; `None` if `probability` is not
/// strictly between 0 and 1 or `degrees` is not positive and finite.
#[must_use]
pub fn student_t_quantile(probability: f64, degrees: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    standard_t(degrees).map(|law| law.inverse_cdf(probability))
}

/// The probability that |T| is at least |`statistic`| under Student's t law: the p-value of a two-sided test. `None` if
/// `statistic` is not a number or `degrees` is not positive and finite.
#[must_use]
pub fn student_t_two_sided_p_value(statistic: f64, degrees: f64) -> Option<f64> {
    let law = standard_t(degrees)?;
    match statistic.abs() {
        magnitude if magnitude.is_nan() => None,
        magnitude if magnitude.is_infinite() => Some(0.0),
        // The lower tail keeps its digits where 1 - cdf would lose them.
        magnitude => Some((2.0 * law.cdf(-magnitude)).min(1.0)),
    }
}

fn standard_t(degrees: f64) -> Option<StudentsT> {
    if !(degrees > 0.0 && degrees.is_finite()) {
        return None;
    }
    StudentsT::new(0.0, 1.0, degrees).ok()
}

/// The mean of independent samples with Student's interval (Law 2015, section 4.5).
#[must_use]
pub fn mean_interval(samples: &[f64]) -> Option<Estimate> {
    let (mean, standard_error) = mean_and_standard_error(samples)?;
    interval(mean, standard_error, samples.len())
}

/// The interval around a quantile of all replications' pooled samples, from the quantiles of the single replications
/// (sectioning: Asmussen & Glynn 2007, section III.5). With R replications
///
/// ```text
/// half width = t(0.975, R - 1) sqrt(sum (q_r - q_pool)^2 / (R - 1)) / sqrt(R)
/// ```
///
/// Deviations are taken from the pooled quantile, not from the average, whose bias is R times larger.
#[must_use]
pub fn sectioning_interval(pooled_quantile: f64, per_replication: &[f64]) -> Option<Estimate> {
    let standard_error = standard_error_around(pooled_quantile, per_replication)?;
    interval(pooled_quantile, standard_error, per_replication.len())
}

/// The ratio of two means, for example total cost over total requests, when each replication gives a numerator and a
/// denominator (delta method: Law 2015, section 9.5.3; Cochran 1977, section 6.4). With r the ratio of the means,
///
/// ```text
/// half width = t(0.975, R - 1) sqrt(sum (y_i - r x_i)^2 / (R - 1)) / (|mean x| sqrt(R))
/// ```
///
/// `None` also if the two lengths differ or the mean denominator is zero.
#[must_use]
pub fn ratio_interval(numerators: &[f64], denominators: &[f64]) -> Option<Estimate> {
    if numerators.len() != denominators.len() {
        return None;
    }
    let (numerator, _) = mean_and_standard_error(numerators)?;
    let (denominator, _) = mean_and_standard_error(denominators)?;
    if denominator == 0.0 {
        return None;
    }
    let ratio = numerator / denominator;
    let residuals: Vec<f64> = numerators
        .iter()
        .zip(denominators)
        .map(|(y, x)| y - ratio * x)
        .collect();
    let standard_error = standard_error_around(0.0, &residuals)? / denominator.abs();
    interval(ratio, standard_error, numerators.len())
}

/// The mean of `second - first` over replications that share their random numbers (paired t). `None` also if the two
/// lengths differ.
#[must_use]
pub fn paired_difference_interval(first: &[f64], second: &[f64]) -> Option<Estimate> {
    mean_interval(&differences(first, second)?)
}

/// The p-value of the two-sided paired t test that `first` and `second` have the same mean, to be corrected by the
/// caller when it makes many comparisons. 1 if all pairs agree, 0 if all differ by the same amount.
#[must_use]
pub fn paired_p_value(first: &[f64], second: &[f64]) -> Option<f64> {
    let differences = differences(first, second)?;
    let (mean, standard_error) = mean_and_standard_error(&differences)?;
    if mean == 0.0 {
        return Some(1.0);
    }
    student_t_two_sided_p_value(mean / standard_error, differences.len() as f64 - 1.0)
}

fn differences(first: &[f64], second: &[f64]) -> Option<Vec<f64>> {
    (first.len() == second.len()).then(|| {
        second
            .iter()
            .zip(first)
            .map(|(after, before)| after - before)
            .collect()
    })
}

/// The mean and its standard error; `None` below two samples or if the result is not finite.
fn mean_and_standard_error(samples: &[f64]) -> Option<(f64, f64)> {
    let first = *samples.first()?;
    // The mean of deviations from one sample, so that samples that all agree give exactly that value.
    let mean =
        first + samples.iter().map(|sample| sample - first).sum::<f64>() / samples.len() as f64;
    Some((mean, standard_error_around(mean, samples)?))
}

fn standard_error_around(centre: f64, samples: &[f64]) -> Option<f64> {
    if samples.len() < 2 {
        return None;
    }
    let count = samples.len() as f64;
    let squares: f64 = samples.iter().map(|sample| (sample - centre).powi(2)).sum();
    let standard_error = (squares / (count - 1.0) / count).sqrt();
    standard_error.is_finite().then_some(standard_error)
}

fn interval(value: f64, standard_error: f64, replications: usize) -> Option<Estimate> {
    let t = student_t_quantile(0.5 + 0.5 * CONFIDENCE, replications as f64 - 1.0)?;
    Some(Estimate::around(value, t * standard_error))
}
