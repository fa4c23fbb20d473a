//! Which series to choose, draw by draw, and what that depends on.

use crate::experiment::sensitivity::effects::{SIGNIFICANCE, adjusted, share};
use crate::experiment::sensitivity::outcome::Outcome;
use crate::experiment::sensitivity::results::{Assumption, Choice, Deciding, Decision, HalfChoice};
use crate::statistics::rank::kruskal_wallis;

/// Prices that differ by less than the rounding noise of a sum are the same.
const NOISE: f64 = 1e-9;

/// Of the series that meet all objectives in a draw, the cheapest; the first of equally cheap ones. `outcomes` holds, for
/// each series, all draws.
fn chosen(outcomes: &[Vec<Outcome>], draw: usize) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (series, draws) in outcomes.iter().enumerate() {
        let one = &draws[draw];
        let is_cheaper = best.is_none_or(|(_, least)| one.cost_usd_per_hour < least - least.abs() * NOISE);
        if one.is_met == Some(true) && is_cheaper {
            best = Some((series, one.cost_usd_per_hour));
        }
    }
    best.map(|(series, _)| series)
}

/// The decision between several series; `None` without a draw, or with a single series.
pub(super) fn decision(
    names: &[&str],
    assumptions: &[Assumption],
    columns: &[&[f64]],
    outcomes: &[Vec<Outcome>],
) -> Option<Decision> {
    let draws = outcomes.first()?.len();
    if names.len() < 2 {
        return None;
    }
    let choices: Vec<Option<usize>> = (0..draws).map(|draw| chosen(outcomes, draw)).collect();
    let ratio = |wanted: Option<usize>| share(choices.iter().filter(|one| **one == wanted).count(), draws);
    let choice = |(series, name): (usize, &&str)| {
        Some(Choice { variant: (*name).to_owned(), cheapest_ratio: ratio(Some(series))? })
    };
    // None of them is a group of its own, after the last.
    let groups: Vec<usize> = choices.iter().map(|one| one.unwrap_or(names.len())).collect();
    let p_values = adjusted(&columns.iter().map(|column| kruskal_wallis(column, &groups)).collect::<Vec<_>>());
    let half = |column: &[f64], is_lower: bool| {
        let inside = column.iter().zip(&groups).filter(|(share, _)| (**share < 0.5) == is_lower);
        let mut counts = vec![0_usize; names.len() + 1];
        inside.for_each(|(_, group)| counts[*group] += 1);
        let total: usize = counts.iter().sum();
        let (most, count) = counts.iter().enumerate().rev().max_by_key(|(_, count)| **count).unwrap_or((0, &0));
        let variant = names.get(most).map(|name| (*name).to_owned());
        HalfChoice { variant, ratio: *count as f64 / total.max(1) as f64 }
    };
    let mut deciding: Vec<Deciding> = Vec::new();
    for ((assumption, column), p_value) in assumptions.iter().zip(columns).zip(p_values) {
        let Some(p_value) = p_value.filter(|p_value| *p_value < SIGNIFICANCE) else { continue };
        let (lower_half, upper_half) = (half(column, true), half(column, false));
        deciding.push(Deciding { assumption: assumption.clone(), p_value, lower_half, upper_half });
    }
    deciding.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let choices: Option<Vec<Choice>> = names.iter().enumerate().map(choice).collect();
    Some(Decision { choices: choices?, none_ratio: ratio(None)?, deciding })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(is_met: bool, cost_usd_per_hour: f64) -> Outcome {
        Outcome { p99_s: Some(0.1), is_met: Some(is_met), is_unsure: false, cost_usd_per_hour, untold: None }
    }

    #[test]
    fn the_cheapest_that_meets_everything_is_chosen() {
        let of = |verdicts: [bool; 3]| {
            let outcomes: Vec<Vec<Outcome>> =
                verdicts.iter().zip([2.0, 1.0, 1.0]).map(|(is_met, cost)| vec![outcome(*is_met, cost)]).collect();
            chosen(&outcomes, 0)
        };
        assert_eq!(of([true, true, true]), Some(1));
        assert_eq!(of([true, false, true]), Some(2));
        assert_eq!(of([true, false, false]), Some(0));
        assert_eq!(of([false; 3]), None);
    }

    #[test]
    fn what_the_choice_depends_on_is_found_and_what_it_does_not_is_not() {
        let draws = 60;
        let deciding: Vec<f64> = (0..draws).map(|draw| (f64::from(draw) + 0.5) / f64::from(draws)).collect();
        let idle: Vec<f64> = (0..draws).map(|draw| f64::from(draw * 7 % draws) / f64::from(draws)).collect();
        let idle: Vec<f64> = idle.iter().enumerate().map(|(draw, share)| (share + draw as f64 * 1e-6) % 1.0).collect();
        let cheap = deciding.iter().map(|share| outcome(*share < 0.5, 1.0)).collect();
        let dear = deciding.iter().map(|_| outcome(true, 2.0)).collect();
        let assumption = |name: &str| Assumption {
            path: name.to_owned(),
            name: name.to_owned(),
            provenance: crate::model::assumptions::Provenance::Guess,
            is_declared: false,
            is_factor: true,
            low: 0.5,
            middle: 1.0,
            high: 2.0,
        };
        let assumptions = [assumption("deciding"), assumption("idle")];
        let found =
            decision(&["cheap", "dear"], &assumptions, &[&deciding, &idle], &[cheap, dear]).expect("two series");
        assert_eq!(found.deciding.len(), 1, "{found:?}");
        assert_eq!(found.deciding[0].assumption.name, "deciding");
        assert_eq!(found.deciding[0].lower_half, HalfChoice { variant: Some("cheap".to_owned()), ratio: 1.0 });
        assert_eq!(found.deciding[0].upper_half, HalfChoice { variant: Some("dear".to_owned()), ratio: 1.0 });
        assert_eq!(found.none_ratio.value, 0.0);
    }
}
