//! Which of many numbers a choice between several groups goes with, when all of them vary at once.

use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use crate::statistics::partial::{enough, inverse, product, standardised};

/// For each column, the p-value of the test that its values do not depend on the group that they belong to, after what the
/// ranks of all other columns explain has been taken out: analysis of covariance of ranks (Conover & Iman, Biometrics 1982).
/// A column that only happens to go with the one that makes the groups is then not taken for it, as it is by the test of
/// Kruskal and Wallis.
///
/// The residual sum of squares of column j, given the others, is 1 / P_jj, with P the inverse of the correlations of the
/// columns' ranks; given the groups too it is 1 / Q_jj, with Q that of the columns and of k - 1 groups as numbers 0 and 1. So
/// `F = (Q_jj / P_jj - 1) d / (k - 1)` with `k - 1` and `d = n - columns - k + 1` degrees of freedom. With two groups it is
/// the square of the test of a partial rank correlation.
///
/// `None` where there are too few samples for so many columns and groups, only one group, or something that the rest
/// explains wholly.
#[must_use]
pub fn rank_covariance_p_values(columns: &[&[f64]], groups: &[usize]) -> Option<Vec<f64>> {
    let mut names = groups.to_vec();
    names.sort_unstable();
    names.dedup();
    // The first group is what is left where a sample is in none of the others.
    let indicators: Vec<Vec<f64>> = names
        .iter()
        .skip(1)
        .map(|name| groups.iter().map(|group| f64::from(u8::from(group == name))).collect())
        .collect();
    let degrees = groups.len().checked_sub(columns.len() + indicators.len())?;
    if indicators.is_empty()
        || !enough(degrees, columns.len() + indicators.len())
        || columns.iter().any(|column| column.len() != groups.len())
    {
        return None;
    }
    let ranks = columns.iter().copied().chain(indicators.iter().map(Vec::as_slice)).map(standardised);
    let ranks: Vec<Vec<f64>> = ranks.collect::<Option<_>>()?;
    let correlations = |ranks: &[Vec<f64>]| -> Vec<Vec<f64>> {
        ranks.iter().map(|one| ranks.iter().map(|other| product(one, other)).collect()).collect()
    };
    let given_others = inverse(correlations(&ranks[..columns.len()]))?;
    let given_groups = inverse(correlations(&ranks))?;
    let law = FisherSnedecor::new(indicators.len() as f64, degrees as f64).ok()?;
    let p_value = |column: usize| {
        let explained = (given_groups[column][column] / given_others[column][column] - 1.0).max(0.0);
        law.sf(explained * degrees as f64 / indicators.len() as f64)
    };
    Some((0..columns.len()).map(p_value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed};
    use crate::statistics::latin_hypercube::latin_hypercube;
    use crate::statistics::partial::partial_rank_correlations;
    use crate::statistics::rank::kruskal_wallis;

    fn columns(points: &[Vec<f64>]) -> Vec<Vec<f64>> {
        (0..points[0].len()).map(|index| points.iter().map(|point| point[index]).collect()).collect()
    }

    fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
        columns.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn with_two_groups_it_is_the_test_of_partial_correlations() {
        let columns = columns(&latin_hypercube(40, 3, 4));
        let groups: Vec<usize> =
            columns[0].iter().zip(&columns[1]).map(|(one, other)| usize::from(one + 0.5 * other > 0.8)).collect();
        let found = rank_covariance_p_values(&slices(&columns), &groups).expect("enough samples");
        let verdicts: Vec<f64> = groups.iter().map(|group| *group as f64).collect();
        let expected = partial_rank_correlations(&slices(&columns), &verdicts).expect("enough samples");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected.p_value).abs() < 1e-9, "{found} {expected:?}");
        }
    }

    /// One number alone makes the groups; another goes with it, and nothing follows from it.
    #[test]
    fn a_bystander_is_not_named_and_the_cause_is() {
        let mut stream = Seed::new(5, 0).stream(Purpose::named("bystander"));
        let (rounds, mut by_groups, mut adjusted) = (400, 0, 0);
        for round in 0..rounds {
            let mut columns = columns(&latin_hypercube(60, 3, round));
            columns[1] = columns[0].iter().map(|cause| cause + 0.8 * stream.unit()).collect();
            let groups: Vec<usize> = columns[0].iter().map(|cause| (cause * 3.0) as usize).collect();
            let found = rank_covariance_p_values(&slices(&columns), &groups).expect("enough samples");
            assert!(found[0] < 1e-6, "the cause: {found:?}");
            by_groups += u64::from(kruskal_wallis(&columns[1], &groups).is_some_and(|p_value| p_value < 0.05));
            adjusted += u64::from(found[1] < 0.05);
        }
        assert_eq!(by_groups, rounds, "by itself, the bystander looks like a cause each time");
        // 20 expected, with a standard error of 4.4.
        assert!(adjusted <= 40, "{adjusted}");
    }

    #[test]
    fn what_is_independent_is_called_dependent_once_in_twenty() {
        let (rounds, mut alarms) = (1_000, 0);
        for round in 0..rounds {
            let columns = columns(&latin_hypercube(60, 5, round));
            let groups: Vec<usize> = columns[0].iter().map(|cause| (cause * cause * 4.0) as usize).collect();
            let found = rank_covariance_p_values(&slices(&columns), &groups).expect("enough samples");
            alarms += usize::from(found[4] < 0.05);
        }
        // 50 expected, with a standard error of 7.
        assert!((25..=80).contains(&alarms), "{alarms}");
    }

    #[test]
    fn what_cannot_be_tested_has_none() {
        let columns = columns(&latin_hypercube(30, 2, 1));
        let groups: Vec<usize> = columns[0].iter().map(|cause| usize::from(*cause > 0.5)).collect();
        let one = columns[0].as_slice();
        assert_eq!(rank_covariance_p_values(&[one, one], &groups), None, "twice the same");
        assert_eq!(rank_covariance_p_values(&slices(&columns), &[1; 30]), None, "one group");
        assert_eq!(rank_covariance_p_values(&vec![one; 25], &groups), None, "too few samples");
        assert_eq!(rank_covariance_p_values(&[&one[..10]], &groups), None, "columns of another length");
    }
}
