//! Whether one thing goes with another, by ranks: whatever the shape of the dependence, if only it rises or falls.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::statistics::estimate::student_t_two_sided_p_value;

/// A rank correlation, and the p-value of the two-sided test that there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankCorrelation {
    /// Between -1 and 1.
    pub value: f64,
    pub p_value: f64,
}

/// The ranks of values, from 1; equal values share the mean of theirs. Infinity ranks above every number.
#[must_use]
pub fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tie in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (tie.len() + 1) as f64 / 2.0;
        tie.iter().for_each(|index| ranks[*index] = rank);
        before += tie.len();
    }
    ranks
}

/// Spearman's rank correlation (American Journal of Psychology 1904): Pearson's correlation of the midranks, tested by
/// `t = r sqrt((n - 2) / (1 - r^2))` with `n - 2` degrees of freedom (Kendall & Stuart 2, 31.19).
///
/// With outcomes of two kinds, 0 and 1, it is the test of Mann and Whitney. `None` for fewer than four pairs, or where one
/// of the two does not vary.
#[must_use]
pub fn spearman(one: &[f64], other: &[f64]) -> Option<RankCorrelation> {
    let pairs = one.len();
    if pairs < 4 || other.len() != pairs {
        return None;
    }
    let (one, other) = (midranks(one), midranks(other));
    let mean = (pairs + 1) as f64 / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum() };
    let spread = (product(&one, &one) * product(&other, &other)).sqrt();
    if spread == 0.0 {
        return None;
    }
    let value = (product(&one, &other) / spread).clamp(-1.0, 1.0);
    let degrees = (pairs - 2) as f64;
    let statistic = value * (degrees / (1.0 - value * value)).sqrt();
    Some(RankCorrelation { value, p_value: student_t_two_sided_p_value(statistic, degrees)? })
}

/// The p-value of the test of Kruskal and Wallis (J. American Statistical Association 1952) that values do not depend on
/// the group that they belong to: by ranks, corrected for ties, against the chi-squared law.
///
/// `groups` holds the group of each value. `None` for fewer than two groups, or where the values do not vary.
#[must_use]
pub fn kruskal_wallis(values: &[f64], groups: &[usize]) -> Option<f64> {
    let count = values.len();
    if count < 4 || groups.len() != count {
        return None;
    }
    let ranks = midranks(values);
    let mean = (count + 1) as f64 / 2.0;
    let mut sums: std::collections::BTreeMap<usize, (f64, f64)> = std::collections::BTreeMap::new();
    for (rank, group) in ranks.iter().zip(groups) {
        let (sum, size) = sums.entry(*group).or_default();
        *sum += rank - mean;
        *size += 1.0;
    }
    let within: f64 = ranks.iter().map(|rank| (rank - mean).powi(2)).sum();
    if sums.len() < 2 || within == 0.0 {
        return None;
    }
    let between: f64 = sums.values().map(|(sum, size)| sum * sum / size).sum();
    let statistic = (count - 1) as f64 * between / within;
    let law = ChiSquared::new((sums.len() - 1) as f64).ok()?;
    Some(law.sf(statistic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed};

    #[test]
    fn ties_share_their_ranks() {
        assert_eq!(midranks(&[3.0, 1.0, f64::INFINITY, 3.0, f64::INFINITY]), [2.5, 1.0, 4.5, 2.5, 4.5]);
    }

    /// Ten pairs of intelligence and hours of television, by hand: the squared differences of ranks add up to 194, so
    /// r = 1 - 6 * 194 / (10 * 99) = -29/165, t = -0.5050 and p = 0.6272.
    #[test]
    fn a_correlation_worked_out_by_hand() {
        let one = [106.0, 100.0, 86.0, 101.0, 99.0, 103.0, 97.0, 113.0, 112.0, 110.0];
        let other = [7.0, 27.0, 2.0, 50.0, 28.0, 29.0, 20.0, 12.0, 6.0, 17.0];
        let found = spearman(&one, &other).expect("both vary");
        assert!((found.value + 29.0 / 165.0).abs() < 1e-12, "{found:?}");
        assert!((found.p_value - 0.6272).abs() < 1e-4, "{found:?}");
        let rising: Vec<f64> = one.iter().map(|value| value.exp()).collect();
        assert_eq!(spearman(&one, &rising), Some(RankCorrelation { value: 1.0, p_value: 0.0 }));
        assert_eq!(spearman(&one, &[1.0; 10]), None);
        assert_eq!(spearman(&one[..3], &other[..3]), None);
    }

    /// Groups {1, 2, 3}, {4, 5, 6}, {7, 8, 9}: rank sums 6, 15 and 24, so H = 12/90 * 837/3 - 30 = 7.2 and
    /// p = exp(-3.6).
    #[test]
    fn three_groups_worked_out_by_hand() {
        let values: Vec<f64> = (1..=9).map(f64::from).collect();
        let p_value = kruskal_wallis(&values, &[0, 0, 0, 1, 1, 1, 2, 2, 2]).expect("three groups");
        assert!((p_value - (-3.6f64).exp()).abs() < 1e-9, "{p_value}");
        assert_eq!(kruskal_wallis(&values, &[1; 9]), None);
    }

    #[test]
    fn what_is_independent_is_called_dependent_once_in_twenty() {
        let mut stream = Seed::new(3, 0).stream(Purpose::named("rank"));
        let (rounds, mut alarms) = (2_000, [0; 3]);
        for _ in 0..rounds {
            let one: Vec<f64> = (0..40).map(|_| stream.unit()).collect();
            let other: Vec<f64> = (0..40).map(|_| stream.unit()).collect();
            let verdicts: Vec<f64> = other.iter().map(|value| f64::from(u8::from(*value < 0.3))).collect();
            let groups: Vec<usize> = other.iter().map(|value| (value * 3.0) as usize).collect();
            let p_values = [
                spearman(&one, &other).map_or(1.0, |one| one.p_value),
                spearman(&one, &verdicts).map_or(1.0, |one| one.p_value),
                kruskal_wallis(&one, &groups).unwrap_or(1.0),
            ];
            for (count, p_value) in alarms.iter_mut().zip(p_values) {
                *count += usize::from(p_value < 0.05);
            }
        }
        // 100 expected, with a standard error of 10; the chi-squared law is a little cautious.
        assert!(alarms.iter().all(|count| (60..=140).contains(count)), "{alarms:?}");
    }
}
