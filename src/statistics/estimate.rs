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
        Self { value, low: value - half_width, high: value + half_width, half_width }
    }

    /// Half width over the absolute value; infinite if only the value is zero, zero if both are.
    #[must_use]
    pub fn relative_half_width(&self) -> f64 {
        if self.half_width == 0.0 { 0.0 } else { self.half_width / self.value.abs() }
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
    let residuals: Vec<f64> = numerators.iter().zip(denominators).map(|(y, x)| y - ratio * x).collect();
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
    let (mean, _) = mean_and_standard_error(&differences)?;
    sectioning_p_value(mean, &differences)
}

/// The p-value of the two-sided test that what `pooled` estimates is zero, with the standard error of
/// [`sectioning_interval`]: it is below 5% where that interval leaves zero out.
#[must_use]
pub fn sectioning_p_value(pooled: f64, per_replication: &[f64]) -> Option<f64> {
    let standard_error = standard_error_around(pooled, per_replication)?;
    if pooled == 0.0 {
        return Some(1.0);
    }
    student_t_two_sided_p_value(pooled / standard_error, per_replication.len() as f64 - 1.0)
}

fn differences(first: &[f64], second: &[f64]) -> Option<Vec<f64>> {
    (first.len() == second.len()).then(|| second.iter().zip(first).map(|(after, before)| after - before).collect())
}

/// The mean and its standard error; `None` below two samples or if the result is not finite.
fn mean_and_standard_error(samples: &[f64]) -> Option<(f64, f64)> {
    let first = *samples.first()?;
    // The mean of deviations from one sample, so that samples that all agree give exactly that value.
    let mean = first + samples.iter().map(|sample| sample - first).sum::<f64>() / samples.len() as f64;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed};
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn t_quantiles_match_the_tables() {
        for (probability, degrees, table) in [
            (0.975, 1.0, 12.706),
            (0.975, 4.0, 2.7764),
            (0.975, 9.0, 2.2622),
            (0.975, 19.0, 2.0930),
            (0.95, 19.0, 1.7291),
            (0.995, 29.0, 2.7564),
            (0.975, 1000.0, 1.9623),
            (0.025, 19.0, -2.0930),
        ] {
            let found = student_t_quantile(probability, degrees).expect("a quantile");
            assert!((found / table - 1.0).abs() < 5e-5, "t({probability}, {degrees}) is {found}, not {table}");
            let p_value = student_t_two_sided_p_value(found, degrees).expect("a p-value");
            assert!((p_value - 2.0 * probability.min(1.0 - probability)).abs() < 1e-9);
        }
        for (probability, degrees) in
            [(0.0, 5.0), (1.0, 5.0), (f64::NAN, 5.0), (0.5, 0.0), (0.5, f64::NAN), (0.5, f64::INFINITY)]
        {
            assert_eq!(student_t_quantile(probability, degrees), None);
        }
    }

    #[test]
    fn a_known_interval_comes_out() {
        // Law 2015, example 4.26: ten observations, 90% interval 1.34 +- 0.24; here at 95%.
        let samples = [1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09];
        let found = mean_interval(&samples).expect("an interval");
        assert!((found.value - 1.343).abs() < 1e-12);
        assert!((found.half_width / 2.2622 * 1.8331 - 0.24).abs() < 0.005);
        assert!(found.contains(1.343) && !found.contains(2.0));
        let around_the_mean = sectioning_interval(found.value, &samples).expect("an interval");
        assert!((around_the_mean.half_width - found.half_width).abs() < 1e-12);
        let around_another = sectioning_interval(1.6, &samples).expect("an interval");
        assert!(around_another.half_width > found.half_width);
    }

    #[test]
    fn degenerate_samples_have_no_interval_or_none_wide() {
        assert_eq!(mean_interval(&[]), None);
        assert_eq!(mean_interval(&[1.0]), None);
        assert_eq!(mean_interval(&[1.0, f64::NAN]), None);
        assert_eq!(mean_interval(&[1.0, f64::INFINITY]), None);
        assert_eq!(mean_interval(&[0.1; 7]), Some(Estimate::around(0.1, 0.0)));
        assert_eq!(sectioning_interval(f64::NAN, &[1.0, 2.0]), None);
        assert_eq!(ratio_interval(&[1.0, 2.0], &[0.0, 0.0]), None);
        assert_eq!(ratio_interval(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(paired_difference_interval(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(paired_p_value(&[1.0, 2.0], &[1.0, 2.0]), Some(1.0));
        assert_eq!(paired_p_value(&[1.0, 2.0], &[2.0, 3.0]), Some(0.0));
        assert_eq!(mean_interval(&[0.0, 0.0]).map(|zero| zero.relative_half_width()), Some(0.0));
    }

    #[test]
    fn pairing_removes_what_the_pairs_share() {
        let (first, second) = ([10.0, 20.0, 30.0, 40.0], [11.0, 21.2, 30.9, 41.0]);
        let paired = paired_difference_interval(&first, &second).expect("an interval");
        assert!((paired.value - 1.025).abs() < 1e-12);
        assert!(paired.half_width < 0.25);
        assert!(paired_p_value(&first, &second).expect("a p-value") < 0.01);
    }

    /// How many of 400 repetitions with 20 replications cover the truth.
    fn covered(mut repeat: impl FnMut(&mut dyn FnMut() -> f64) -> bool) -> usize {
        let mut stream = Seed::new(17, 0).stream(Purpose::named("coverage"));
        let mut normal = || StandardNormal.sample(&mut stream);
        (0..400).filter(|_| repeat(&mut normal)).count()
    }

    /// Binomial(400, 0.95) has mean 380 and standard deviation 4.36.
    fn assert_nominal(covered: usize) {
        assert!((380.0 - 3.5 * 4.36..=380.0 + 3.5 * 4.36).contains(&(covered as f64)), "{covered} of 400 cover");
    }

    #[test]
    fn intervals_cover_the_truth_95_times_in_100() {
        assert_nominal(covered(|normal| {
            let samples: Vec<f64> = (0..20).map(|_| 5.0 + normal()).collect();
            mean_interval(&samples).is_some_and(|interval| interval.contains(5.0))
        }));
        assert_nominal(covered(|normal| {
            let pairs: Vec<(f64, f64)> = (0..20)
                .map(|_| {
                    let x = 100.0 + 5.0 * normal();
                    (3.0 * x + 10.0 * normal(), x)
                })
                .collect();
            let (numerators, denominators): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            ratio_interval(&numerators, &denominators).is_some_and(|interval| interval.contains(3.0))
        }));
    }

    #[test]
    fn sectioning_covers_a_quantile_95_times_in_100() {
        // Each replication has 2000 independent normal values; the truth is the normal law's 0.9 quantile.
        let quantile = |values: &mut Vec<f64>| {
            values.sort_unstable_by(f64::total_cmp);
            values[(0.9 * values.len() as f64) as usize]
        };
        assert_nominal(covered(|normal| {
            let mut pooled = Vec::new();
            let per_replication: Vec<f64> = (0..20)
                .map(|_| {
                    let mut values: Vec<f64> = (0..2000).map(|_| normal()).collect();
                    pooled.extend_from_slice(&values);
                    quantile(&mut values)
                })
                .collect();
            let pooled_quantile = quantile(&mut pooled);
            sectioning_interval(pooled_quantile, &per_replication)
                .is_some_and(|interval| interval.contains(1.281_551_565_544_6))
        }));
    }
}
