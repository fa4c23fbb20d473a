//! Many tests at once.

/// p-values corrected for their number by Holm's step-down procedure (Scandinavian Journal of Statistics 1979): whoever
/// rejects those below 5% wrongly rejects any at all with a chance of at most 5%, however the tests depend on each other.
///
/// With the p-values in ascending order, `adjusted_i = max over j <= i of min(1, (m - j) p_j)`, j from 0.
#[must_use]
pub fn holm_adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0f64;
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest.max(((p_values.len() - rank) as f64 * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Holm's paper in the form given by Wright (Biometrics 1992): 0.01, 0.04, 0.03, 0.005 become
    /// 0.03, 0.06, 0.06, 0.02.
    #[test]
    fn four_p_values_are_adjusted_step_by_step() {
        let adjusted = holm_adjusted(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
    }

    #[test]
    fn nothing_exceeds_one_and_one_test_needs_no_correction() {
        assert_eq!(holm_adjusted(&[0.4, 0.9, 0.8]), [1.0, 1.0, 1.0]);
        assert_eq!(holm_adjusted(&[0.04]), [0.04]);
        assert!(holm_adjusted(&[]).is_empty());
    }

    #[test]
    fn the_chance_of_any_false_alarm_is_at_most_five_percent() {
        let mut stream = crate::random::Seed::new(5, 0).stream(crate::random::Purpose::named("holm"));
        let (families, mut alarms) = (4_000, 0);
        for _ in 0..families {
            let p_values: Vec<f64> = (0..10).map(|_| stream.unit()).collect();
            alarms += usize::from(holm_adjusted(&p_values).iter().any(|&adjusted| adjusted < 0.05));
        }
        // 1 - (1 - 0.005)^10 = 0.0489 of 4,000 families, with a standard error of 13.6.
        assert!((140..=250).contains(&alarms), "{alarms}");
    }
}
