//! What each assumption does to one series: to its p99, and to whether it meets the objectives.

use crate::experiment::sensitivity::outcome::Outcome;
use crate::experiment::sensitivity::results::{Assumption, Effect, Reason, Split, Spread};
use crate::experiment::study::Interval;
use crate::statistics::holm::holm_adjusted;
use crate::statistics::partial::partial_rank_correlations;
use crate::statistics::rank::{RankCorrelation, spearman};
use crate::statistics::wilson::wilson;

/// Chance of calling any assumption real or deciding that is not.
pub(super) const SIGNIFICANCE: f64 = 0.05;

/// A share of draws with its interval.
pub(super) fn share(successes: usize, trials: usize) -> Option<Interval> {
    wilson(successes, trials).map(|one| Interval { value: one.value, low: one.low, high: one.high })
}

/// Every assumption's effect, the largest partial correlation with p99 first. `columns` holds, for each assumption, the share of
/// its range in each draw.
pub(super) fn effects(assumptions: &[Assumption], columns: &[&[f64]], outcomes: &[Outcome]) -> Vec<Effect> {
    let latencies: Vec<Option<f64>> = outcomes.iter().map(|one| one.p99_s).collect();
    let correlations: Vec<Option<RankCorrelation>> =
        columns.iter().map(|column| with(&[*column], &latencies, one_by_one)[0]).collect();
    let partial = with(columns, &latencies, together);
    let p_values = adjusted(&partial.iter().map(|one| one.map(|one| one.p_value)).collect::<Vec<_>>());
    let splits = splits(columns, outcomes);
    let effect = |index: usize| {
        let third = |is_inside: &dyn Fn(f64) -> bool| {
            let told = columns[index].iter().zip(outcomes).filter(|(share, _)| is_inside(**share));
            quantile(told.filter_map(|(_, one)| one.p99_s).collect(), 0.5)
        };
        Effect {
            assumption: assumptions[index].clone(),
            correlation: correlations[index].map(|one| one.value),
            partial_correlation: partial[index].map(|one| one.value),
            p_value: p_values[index],
            is_real: p_values[index].is_some_and(|p_value| p_value < SIGNIFICANCE),
            low_third_p99_s: third(&|share| share < 1.0 / 3.0),
            high_third_p99_s: third(&|share| share >= 2.0 / 3.0),
            verdict: splits[index],
        }
    };
    let mut effects: Vec<Effect> = (0..assumptions.len()).map(effect).collect();
    let size = |one: &Effect| one.partial_correlation.map_or(-1.0, f64::abs);
    effects.sort_by(|a, b| size(b).total_cmp(&size(a)));
    effects
}

/// What relates columns to an outcome.
type Relation = fn(&[&[f64]], &[f64]) -> Vec<Option<RankCorrelation>>;

/// Relates columns to those outcomes that there are.
fn with(columns: &[&[f64]], outcomes: &[Option<f64>], relation: Relation) -> Vec<Option<RankCorrelation>> {
    let told: Vec<f64> = outcomes.iter().flatten().copied().collect();
    let only_told = |column: &&[f64]| -> Vec<f64> {
        column.iter().zip(outcomes).filter(|(_, one)| one.is_some()).map(|(share, _)| *share).collect()
    };
    let columns: Vec<Vec<f64>> = columns.iter().map(only_told).collect();
    relation(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>(), &told)
}

fn one_by_one(columns: &[&[f64]], outcome: &[f64]) -> Vec<Option<RankCorrelation>> {
    columns.iter().map(|column| spearman(column, outcome)).collect()
}

/// What each column does beside all others, or by itself where there are too few draws to tell them apart or nothing is
/// left to explain.
fn together(columns: &[&[f64]], outcome: &[f64]) -> Vec<Option<RankCorrelation>> {
    match partial_rank_correlations(columns, outcome) {
        Some(found) => found.into_iter().map(Some).collect(),
        None => one_by_one(columns, outcome),
    }
}

/// What each assumption does to the verdict; `None` throughout if all draws agree.
fn splits(columns: &[&[f64]], outcomes: &[Outcome]) -> Vec<Option<Split>> {
    let verdicts: Vec<Option<f64>> =
        outcomes.iter().map(|one| one.is_met.map(|is_met| f64::from(u8::from(is_met)))).collect();
    let tested = with(columns, &verdicts, together);
    let p_values = adjusted(&tested.iter().map(|one| one.map(|one| one.p_value)).collect::<Vec<_>>());
    let half = |column: &[f64], is_lower: bool| {
        let inside = column.iter().zip(outcomes).filter(|(share, _)| (**share < 0.5) == is_lower);
        let verdicts: Vec<bool> = inside.filter_map(|(_, one)| one.is_met).collect();
        share(verdicts.iter().filter(|is_met| **is_met).count(), verdicts.len())
    };
    let split = |(column, p_value): (&&[f64], Option<f64>)| {
        let p_value = p_value?;
        Some(Split {
            lower_half_met_ratio: half(column, true)?,
            upper_half_met_ratio: half(column, false)?,
            p_value,
            decides: p_value < SIGNIFICANCE,
        })
    };
    columns.iter().zip(p_values).map(split).collect()
}

/// The p-values that there are, corrected by Holm as one family.
pub(super) fn adjusted(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut corrected = holm_adjusted(&p_values.iter().flatten().copied().collect::<Vec<_>>()).into_iter();
    p_values.iter().map(|one| one.and_then(|_| corrected.next())).collect()
}

/// The spread of p99 over the draws; `None` if no draw tells it.
pub(super) fn spread(outcomes: &[Outcome]) -> Option<Spread> {
    let told: Vec<f64> = outcomes.iter().filter_map(|one| one.p99_s).collect();
    let of = |share: f64| quantile(told.clone(), share);
    (!told.is_empty()).then(|| Spread { p05: of(0.05), p50: of(0.5), p95: of(0.95) })
}

/// A quantile by linear interpolation between order statistics (type 7 of Hyndman & Fan, American Statistician 1996); `None`
/// without values, or where it is infinite.
fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let place = share * values.len().checked_sub(1)? as f64;
    let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
    let value = if low == high { low } else { low + (high - low) * place.fract() };
    value.is_finite().then_some(value)
}

/// How many draws have no verdict for each reason, in alphabetical order.
pub(super) fn reasons(outcomes: &[Outcome]) -> Vec<Reason> {
    let mut codes: Vec<&str> = outcomes.iter().filter_map(|one| one.untold.as_deref()).collect();
    codes.sort_unstable();
    let reason = |same: &[&str]| Reason { code: same[0].to_owned(), draws: same.len() as u32 };
    codes.chunk_by(|a, b| a == b).map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_and_stop_at_what_is_unstable() {
        let values = vec![4.0, 1.0, 3.0, 2.0, 5.0];
        assert_eq!(quantile(values.clone(), 0.5), Some(3.0));
        assert_eq!(quantile(values, 0.05), Some(1.2));
        assert_eq!(quantile(vec![1.0, f64::INFINITY, f64::INFINITY], 0.5), None);
        assert_eq!(quantile(vec![1.0, 2.0, f64::INFINITY], 0.5), Some(2.0));
        assert_eq!(quantile(Vec::new(), 0.5), None);
    }

    #[test]
    fn a_family_holds_only_the_tests_that_there_are() {
        assert_eq!(adjusted(&[Some(0.02), None, Some(0.5)]), [Some(0.04), None, Some(0.5)]);
    }
}
