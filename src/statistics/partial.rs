//! Which of many things goes with an outcome, when all of them vary at once.

use crate::statistics::estimate::student_t_two_sided_p_value;
use crate::statistics::rank::{RankCorrelation, midranks};

/// A variable of which the others explain all but this share tells nothing of its own.
const SINGULAR: f64 = 1e-9;

/// Degrees of freedom that must be left for each column, and at least.
const LEFT_FOR_EACH: usize = 3;
const FEWEST_LEFT: usize = 8;

/// The partial rank correlation of each column with the outcome: Spearman's, after what the ranks of all other columns explain
/// has been taken out of both (Iman & Conover, Technometrics 1979). What one strong input does to the outcome is then no noise
/// in the test of a weak one.
///
/// With P the inverse of the correlations of all ranks, `r_j = -P_jy / sqrt(P_jj P_yy)`, and
/// `t = r sqrt(d / (1 - r^2))` with `d = n - 1 - columns` degrees of freedom.
///
/// `None` where there are too few samples for so many columns, something does not vary, or some columns explain another or
/// the outcome wholly.
#[must_use]
pub fn partial_rank_correlations(columns: &[&[f64]], outcome: &[f64]) -> Option<Vec<RankCorrelation>> {
    let degrees = outcome.len().checked_sub(columns.len() + 1)?;
    if !enough(degrees, columns.len()) || columns.iter().any(|column| column.len() != outcome.len()) {
        return None;
    }
    let ranks: Option<Vec<Vec<f64>>> = columns.iter().copied().chain([outcome]).map(standardised).collect();
    let ranks = ranks?;
    let correlations = ranks.iter().map(|one| ranks.iter().map(|other| product(one, other)).collect()).collect();
    let inverse = inverse(correlations)?;
    let last = columns.len();
    let degrees = degrees as f64;
    (0..last)
        .map(|column| {
            let scale = (inverse[column][column] * inverse[last][last]).sqrt();
            let value = (-inverse[column][last] / scale).clamp(-1.0, 1.0);
            let statistic = value * (degrees / (1.0 - value * value)).sqrt();
            Some(RankCorrelation { value, p_value: student_t_two_sided_p_value(statistic, degrees)? })
        })
        .collect()
}

/// Whether so many degrees of freedom are enough to take so many columns out. If not, what is spent on that is more than it is
/// worth.
pub(super) fn enough(degrees: usize, columns: usize) -> bool {
    degrees >= (LEFT_FOR_EACH * columns).max(FEWEST_LEFT)
}

pub(super) fn product(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Midranks around zero, of length one; `None` if they are all the same.
pub(super) fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    let mean = (values.len() + 1) as f64 / 2.0;
    let centred: Vec<f64> = midranks(values).into_iter().map(|rank| rank - mean).collect();
    let length = centred.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
    (length > 0.0).then(|| centred.into_iter().map(|rank| rank / length).collect())
}

/// The inverse of a symmetric positive definite matrix with ones on its diagonal, by Gauss and Jordan without pivoting,
/// which such matrices do not need; `None` if it is singular.
pub(super) fn inverse(mut matrix: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let size = matrix.len();
    let mut inverse: Vec<Vec<f64>> =
        (0..size).map(|row| (0..size).map(|column| f64::from(u8::from(row == column))).collect()).collect();
    for pivot in 0..size {
        // What the variables before leave of this one's variance.
        let left = matrix[pivot][pivot];
        if left.is_nan() || left < SINGULAR {
            return None;
        }
        for rows in [&mut matrix, &mut inverse] {
            rows[pivot].iter_mut().for_each(|entry| *entry /= left);
        }
        let (pivots, inverses) = (matrix[pivot].clone(), inverse[pivot].clone());
        for row in (0..size).filter(|row| *row != pivot) {
            let factor = matrix[row][pivot];
            matrix[row].iter_mut().zip(&pivots).for_each(|(entry, from)| *entry -= factor * from);
            inverse[row].iter_mut().zip(&inverses).for_each(|(entry, from)| *entry -= factor * from);
        }
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed};
    use crate::statistics::latin_hypercube::latin_hypercube;
    use crate::statistics::rank::spearman;

    fn column(points: &[Vec<f64>], index: usize) -> Vec<f64> {
        points.iter().map(|point| point[index]).collect()
    }

    /// Of three variables, r_12.3 = (r_12 - r_13 r_23) / sqrt((1 - r_13^2) (1 - r_23^2)).
    #[test]
    fn two_columns_follow_the_formula_for_three_variables() {
        let points = latin_hypercube(40, 3, 1);
        let (one, other) = (column(&points, 0), column(&points, 1));
        let outcome: Vec<f64> = points.iter().map(|point| point[0] + 2.0 * point[1] + point[2]).collect();
        let of = |a: &[f64], b: &[f64]| spearman(a, b).expect("both vary").value;
        let (with_one, with_other, between) = (of(&one, &outcome), of(&other, &outcome), of(&one, &other));
        let expected =
            (with_one - with_other * between) / ((1.0 - with_other.powi(2)) * (1.0 - between.powi(2))).sqrt();
        let found = partial_rank_correlations(&[&one, &other], &outcome).expect("enough samples");
        assert!((found[0].value - expected).abs() < 1e-9, "{found:?} {expected}");
        assert!(found[0].p_value < spearman(&one, &outcome).expect("both vary").p_value);
    }

    #[test]
    fn what_cannot_be_told_apart_has_none() {
        let points = latin_hypercube(30, 2, 1);
        let (one, other) = (column(&points, 0), column(&points, 1));
        assert_eq!(partial_rank_correlations(&[&one, &one], &other), None, "twice the same");
        assert_eq!(partial_rank_correlations(&[&one], &one), None, "explained wholly");
        assert_eq!(partial_rank_correlations(&[&one, &[1.0; 30]], &other), None, "no variation");
        assert_eq!(partial_rank_correlations(&vec![one.as_slice(); 25], &other), None, "too few samples");
    }

    #[test]
    fn what_is_independent_is_called_dependent_once_in_twenty() {
        let (rounds, mut alarms) = (1_000, 0);
        let mut stream = Seed::new(9, 0).stream(Purpose::named("partial"));
        for round in 0..rounds {
            let points = latin_hypercube(40, 6, round);
            let columns: Vec<Vec<f64>> = (0..6).map(|index| column(&points, index)).collect();
            let outcome: Vec<f64> =
                points.iter().map(|point| (3.0 * point[0] + point[1]).exp() + stream.unit()).collect();
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let found = partial_rank_correlations(&columns, &outcome).expect("enough samples");
            assert!(found[0].p_value < 1e-6, "{found:?}");
            alarms += usize::from(found[5].p_value < 0.05);
        }
        // 50 expected, with a standard error of 7.
        assert!((25..=80).contains(&alarms), "{alarms}");
    }
}
