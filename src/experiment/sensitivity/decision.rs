//! Which series to choose, draw by draw, and what that depends on.

use crate::experiment::sensitivity::effects::{SIGNIFICANCE, adjusted, share};
use crate::experiment::sensitivity::outcome::Outcome;
use crate::experiment::sensitivity::results::{Assumption, Choice, Deciding, Decision, HalfChoice};
use crate::statistics::ancova::rank_covariance_p_values;
use crate::statistics::rank::kruskal_wallis;

/// Prices that differ by less than the rounding noise of a sum are the same.
const NOISE: f64 = 1e-9;

/// What is chosen in one draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pick {
    /// The cheapest series that meets all objectives; the first of equally cheap ones.
    Series(usize),
    /// No series meets all objectives.
    Nothing,
    /// A series without a verdict may be cheaper than all that meet the objectives.
    Untold,
}

/// What is chosen in a draw. `outcomes` holds, for each series, all draws.
fn picked(outcomes: &[Vec<Outcome>], draw: usize) -> Pick {
    let mut best: Option<(usize, f64)> = None;
    for (series, draws) in outcomes.iter().enumerate() {
        let one = &draws[draw];
        let is_cheaper = best.is_none_or(|(_, least)| one.cost_usd_per_hour < least - least.abs() * NOISE);
        if one.is_met == Some(true) && is_cheaper {
            best = Some((series, one.cost_usd_per_hour));
        }
    }
    // Without a number the cost is infinite, and not known to be more.
    let is_dearer = |one: &Outcome| {
        one.cost_usd_per_hour.is_finite() && best.is_some_and(|(_, least)| one.cost_usd_per_hour > least)
    };
    if outcomes.iter().map(|draws| &draws[draw]).any(|one| one.is_met.is_none() && !is_dearer(one)) {
        return Pick::Untold;
    }
    best.map_or(Pick::Nothing, |(series, _)| Pick::Series(series))
}

/// The decision between several series; `None` with a single series, or where no draw tells which to choose.
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
    let picks: Vec<Pick> = (0..draws).map(|draw| picked(outcomes, draw)).collect();
    // None of them is a group of its own, after the last.
    let group = |pick: &Pick| match pick {
        Pick::Series(series) => Some(*series),
        Pick::Nothing => Some(names.len()),
        Pick::Untold => None,
    };
    let groups: Vec<usize> = picks.iter().filter_map(group).collect();
    let told = |column: &&[f64]| -> Vec<f64> {
        column.iter().zip(&picks).filter(|(_, pick)| **pick != Pick::Untold).map(|(share, _)| *share).collect()
    };
    let columns: Vec<Vec<f64>> = columns.iter().map(told).collect();
    let ratio = |wanted: usize| share(groups.iter().filter(|group| **group == wanted).count(), groups.len());
    let choice =
        |(series, name): (usize, &&str)| Some(Choice { variant: (*name).to_owned(), cheapest_ratio: ratio(series)? });
    let p_values = adjusted(&tested(&columns, &groups));
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
    for ((assumption, column), p_value) in assumptions.iter().zip(&columns).zip(p_values) {
        let Some(p_value) = p_value.filter(|p_value| *p_value < SIGNIFICANCE) else { continue };
        let (lower_half, upper_half) = (half(column, true), half(column, false));
        deciding.push(Deciding { assumption: assumption.clone(), p_value, lower_half, upper_half });
    }
    deciding.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let choices: Option<Vec<Choice>> = names.iter().enumerate().map(choice).collect();
    let untold_draws = (draws - groups.len()) as u32;
    Some(Decision { choices: choices?, none_ratio: ratio(names.len())?, untold_draws, deciding })
}

/// The p-value of each column beside all others, or by itself where there are too few draws to tell them apart.
fn tested(columns: &[Vec<f64>], groups: &[usize]) -> Vec<Option<f64>> {
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    match rank_covariance_p_values(&slices, groups) {
        Some(p_values) => p_values.into_iter().map(Some).collect(),
        None => slices.iter().map(|column| kruskal_wallis(column, groups)).collect(),
    }
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
            picked(&outcomes, 0)
        };
        assert_eq!(of([true, true, true]), Pick::Series(1));
        assert_eq!(of([true, false, true]), Pick::Series(2));
        assert_eq!(of([true, false, false]), Pick::Series(0));
        assert_eq!(of([false; 3]), Pick::Nothing);
    }

    fn untold(cost_usd_per_hour: f64) -> Outcome {
        let untold = Some("drift".to_owned());
        Outcome { p99_s: None, is_met: None, is_unsure: false, cost_usd_per_hour, untold }
    }

    #[test]
    fn what_has_no_verdict_is_not_taken_for_a_miss() {
        let of = |first: Outcome, second: Outcome| picked(&[vec![first], vec![second]], 0);
        assert_eq!(of(untold(f64::INFINITY), outcome(true, 2.0)), Pick::Untold);
        assert_eq!(of(untold(1.0), outcome(true, 2.0)), Pick::Untold);
        assert_eq!(of(untold(f64::INFINITY), outcome(false, 2.0)), Pick::Untold);
        assert_eq!(of(untold(3.0), outcome(true, 2.0)), Pick::Series(1), "it would not be chosen anyway");
    }

    #[test]
    fn draws_without_a_verdict_are_counted_and_in_no_share() {
        let column: Vec<f64> = (0..40).map(|draw| (f64::from(draw) + 0.5) / 40.0).collect();
        let cheap = |draw: usize| if draw < 10 { untold(f64::INFINITY) } else { outcome(draw < 20, 1.0) };
        let cheap: Vec<Outcome> = (0..40).map(cheap).collect();
        let dear = vec![outcome(true, 2.0); 40];
        let found = decision(&["cheap", "dear"], &[assumption("only")], &[&column], &[cheap.clone(), dear.clone()]);
        let found = found.expect("two series");
        assert_eq!(found.untold_draws, 10);
        let ratios: Vec<f64> = found.choices.iter().map(|choice| choice.cheapest_ratio.value).collect();
        assert_eq!(ratios, [10.0 / 30.0, 20.0 / 30.0]);
        assert_eq!(found.deciding[0].lower_half, HalfChoice { variant: Some("cheap".to_owned()), ratio: 1.0 });
        let never = vec![untold(f64::INFINITY); 40];
        assert!(decision(&["cheap", "dear"], &[assumption("only")], &[&column], &[never, dear]).is_none());
    }

    /// What goes with the cause by chance decides nothing.
    #[test]
    fn a_bystander_does_not_decide() {
        let cause: Vec<f64> = (0..60).map(|draw| (f64::from(draw) + 0.5) / 60.0).collect();
        let bystander: Vec<f64> =
            cause.iter().enumerate().map(|(draw, share)| 0.5 * share + 0.5 * cause[draw * 7 % 60]).collect();
        let cheap: Vec<Outcome> = cause.iter().map(|share| outcome(*share < 0.5, 1.0)).collect();
        let dear = vec![outcome(true, 2.0); 60];
        let assumptions = [assumption("cause"), assumption("bystander")];
        let columns: [&[f64]; 2] = [&cause, &bystander];
        let found = decision(&["cheap", "dear"], &assumptions, &columns, &[cheap, dear]).expect("two series");
        let names: Vec<&str> = found.deciding.iter().map(|one| one.assumption.name.as_str()).collect();
        assert_eq!(names, ["cause"]);
        let groups: Vec<usize> = cause.iter().map(|share| usize::from(*share >= 0.5)).collect();
        assert!(kruskal_wallis(&bystander, &groups).is_some_and(|p_value| p_value < 0.01), "by itself it seems to");
    }

    fn assumption(name: &str) -> Assumption {
        Assumption {
            path: name.to_owned(),
            name: name.to_owned(),
            provenance: crate::model::assumptions::Provenance::Guess,
            is_declared: false,
            is_factor: true,
            low: 0.5,
            middle: 1.0,
            high: 2.0,
        }
    }

    #[test]
    fn what_the_choice_depends_on_is_found_and_what_it_does_not_is_not() {
        let draws = 60;
        let deciding: Vec<f64> = (0..draws).map(|draw| (f64::from(draw) + 0.5) / f64::from(draws)).collect();
        let idle: Vec<f64> = (0..draws).map(|draw| f64::from(draw * 7 % draws) / f64::from(draws)).collect();
        let idle: Vec<f64> = idle.iter().enumerate().map(|(draw, share)| (share + draw as f64 * 1e-6) % 1.0).collect();
        let cheap = deciding.iter().map(|share| outcome(*share < 0.5, 1.0)).collect();
        let dear = deciding.iter().map(|_| outcome(true, 2.0)).collect();
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
