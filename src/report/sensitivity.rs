//! The tables and sentences of `forescale sensitivity`.

use crate::experiment::sensitivity::{
    Assumption, Decision, Effect, HalfChoice, Sensitivity, SeriesSensitivity, Split, Spread,
};
use crate::experiment::study::{Interval, Verdict};

use super::format::{ABSENT, Quantity};
use super::rows::Rows;
use super::text::one_line;

/// Assumptions that a table shows of each series.
const MOST_ROWS: usize = 8;

/// One row for each series: the verdict as written, and over the draws.
pub(super) fn series(sensitivity: &Sensitivity) -> Rows {
    let header = [
        "Variant",
        "As written",
        "p99 as written",
        "Meets all",
        "p99, 5% of draws",
        "50%",
        "95%",
        "Unsure",
        "Unstable",
        "Untold",
    ];
    let row = |one: &SeriesSensitivity| {
        let verdict = match (one.written.verdict, &one.written.refusal) {
            (_, Some(code)) => code.replace('_', " "),
            (Verdict::Met, None) => "met".to_owned(),
            (Verdict::Missed, None) => "missed".to_owned(),
            (Verdict::Unsure, None) => "unsure".to_owned(),
        };
        let quantile = |of: fn(&Spread) -> Option<f64>| match &one.p99_s {
            None => ABSENT.to_owned(),
            Some(spread) => latency(of(spread)),
        };
        vec![
            one_line(&one.variant),
            verdict,
            Quantity::Seconds.optional(one.written.p99_s),
            one.met_ratio.map_or_else(|| ABSENT.to_owned(), range),
            quantile(|spread| spread.p05),
            quantile(|spread| spread.p50),
            quantile(|spread| spread.p95),
            count(one.unsure_draws),
            count(one.unstable_draws),
            count(one.untold_draws),
        ]
    };
    Rows::new(&header, 2, sensitivity.series.iter().map(row).collect())
}

/// What moves p99 of a series most, and for sure.
pub(super) fn effects(one: &SeriesSensitivity) -> Rows {
    let header = ["What is assumed", "", "From", "To", "p99, low third", "High third", "Partial rank correlation"];
    let row = |effect: &Effect| {
        let assumption = &effect.assumption;
        let third = |p99_s| if effect.shows_its_direction() { latency(p99_s) } else { ABSENT.to_owned() };
        vec![
            one_line(&assumption.name),
            source(assumption),
            end(assumption, assumption.low),
            end(assumption, assumption.high),
            third(effect.low_third_p99_s),
            third(effect.high_third_p99_s),
            effect.partial_correlation.map_or_else(|| ABSENT.to_owned(), |one| format!("{one:+.2}")),
        ]
    };
    let real = one.assumptions.iter().filter(|effect| effect.is_real);
    Rows::new(&header, 2, real.take(MOST_ROWS).map(row).collect())
}

/// What decides the verdict, in sentences; and what is left out of the tables.
pub(super) fn remarks(sensitivity: &Sensitivity) -> Vec<String> {
    let mut remarks = Vec::new();
    for one in &sensitivity.series {
        let name = one_line(&one.variant);
        let deciding =
            one.assumptions.iter().filter_map(|effect| Some((effect, effect.verdict.filter(|v| v.decides)?)));
        let mut deciding: Vec<(&Effect, Split)> = deciding.collect();
        deciding.sort_by(|a, b| a.1.p_value.total_cmp(&b.1.p_value));
        let is_divided = one.assumptions.iter().any(|effect| effect.verdict.is_some());
        match one.met_ratio {
            Some(share) if !is_divided && share.value == 1.0 => {
                remarks.push(format!(
                    "{name}: met in every draw that has a verdict; no assumption alone is seen to change that."
                ));
            }
            Some(share) if !is_divided && share.value == 0.0 => {
                remarks.push(format!(
                    "{name}: met in no draw that has a verdict; no assumption alone is seen to change that."
                ));
            }
            None => remarks.push(format!("{name}: no draw has a verdict.")),
            _ if deciding.is_empty() => remarks.push(format!("{name}: no single assumption decides for sure.")),
            _ => {}
        }
        for (effect, split) in deciding {
            remarks.push(format!("{name}: {}.", sentence(&effect.assumption, split)));
        }
        for reason in &one.untold_reasons {
            remarks.push(format!(
                "{name}: {} draws have no verdict ({}).",
                reason.draws,
                reason.code.replace('_', " ")
            ));
        }
    }
    for path in &sensitivity.moved_paths {
        remarks.push(format!("Not varied, because the experiment moves it: {}.", one_line(path)));
    }
    remarks
}

/// Which series to choose, in sentences.
pub(super) fn decision(decision: &Decision) -> Vec<String> {
    let mut lines = Vec::new();
    let chosen = decision.choices.iter().filter(|choice| choice.cheapest_ratio.value > 0.0);
    for choice in chosen {
        lines.push(format!("{} in {} of draws", one_line(&choice.variant), range(choice.cheapest_ratio)));
    }
    if decision.none_ratio.value > 0.0 {
        lines.push(format!("none meets all objectives in {} of draws", range(decision.none_ratio)));
    }
    if decision.untold_draws > 0 {
        let draws = if decision.untold_draws == 1 { "draw is" } else { "draws are" };
        lines.push(format!(
            "{} {draws} left out: one without a verdict may be the cheapest there",
            decision.untold_draws
        ));
    }
    for one in &decision.deciding {
        let at = end(&one.assumption, one.assumption.middle);
        let half = |half: &HalfChoice| {
            let name = half.variant.as_deref().map_or_else(|| "none".to_owned(), one_line);
            format!("{name} ({})", percent(half.ratio))
        };
        lines.push(format!(
            "{} ({}) decides: below {at} mostly {}, above mostly {}",
            one_line(&one.assumption.name),
            source(&one.assumption),
            half(&one.lower_half),
            half(&one.upper_half)
        ));
    }
    lines
}

fn sentence(assumption: &Assumption, split: Split) -> String {
    let Split { lower_half_met_ratio, upper_half_met_ratio, .. } = split;
    format!(
        "met in {} of draws where {} ({}) is below {}, in {} where it is above",
        percent(lower_half_met_ratio.value),
        one_line(&assumption.name),
        source(assumption),
        end(assumption, assumption.middle),
        percent(upper_half_met_ratio.value)
    )
}

/// `guess`, or `guess?` where the model does not say so.
fn source(assumption: &Assumption) -> String {
    let name = assumption.provenance.name();
    if assumption.is_declared { name.to_owned() } else { format!("{name}, not declared") }
}

/// An end of a range: `0.5x`, or a value in its SI unit.
pub(crate) fn end(assumption: &Assumption, value: f64) -> String {
    if assumption.is_factor { format!("{}x", tidy(value)) } else { tidy(value) }
}

/// Three significant digits.
fn tidy(value: f64) -> String {
    let text = format!("{value:.2e}").parse::<f64>().unwrap_or(value);
    format!("{text}")
}

fn latency(value: Option<f64>) -> String {
    value.map_or_else(|| "unstable".to_owned(), |value| Quantity::Seconds.value(value))
}

fn count(draws: u32) -> String {
    if draws == 0 { ABSENT.to_owned() } else { draws.to_string() }
}

fn percent(share: f64) -> String {
    format!("{:.0}%", 100.0 * share)
}

/// `62% (52% to 71%)`.
fn range(share: Interval) -> String {
    format!("{} ({} to {})", percent(share.value), percent(share.low), percent(share.high))
}
