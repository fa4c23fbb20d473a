//! The tables of `forescale find`.

use crate::experiment::find::{Choice, Found};
use crate::experiment::metric::Metric;
use crate::experiment::study::{Interval, Objective, Verdict};
use crate::price::HOURS_PER_MONTH;

use super::format::{ABSENT, Quantity};
use super::rows::{Rows, quantity};
use super::table::render;
use super::text::one_line;

/// What a search found, as text.
pub(super) fn text(label: &str, objectives: &[Objective], found: &Found) -> String {
    let operation = found.operation.as_str();
    let names: Vec<&str> = objectives.iter().map(|objective| objective.name.as_str()).collect();
    let mut text = format!(
        "{} {} combinations, constraints not considered, at {} {} with {}; looked at {}, with {} requests:\n",
        if found.winner.is_some() { "The cheapest of" } else { "None found of" },
        Quantity::Count.tick(found.configurations, found.configurations),
        Quantity::Count.tick(found.load, found.load),
        one_line(label),
        one_line(&names.join(" and ")),
        found.looked_at,
        Quantity::Count.tick(found.requests as f64, found.requests as f64),
    );
    let mut choices: Vec<(&str, &Choice)> = Vec::new();
    choices.extend(found.winner.iter().map(|one| ("cheapest", one)));
    choices.extend(found.runner_up.iter().map(|one| ("runner-up", &one.choice)));
    choices.extend(found.nearest.iter().map(|one| ("nearest", one)));
    choices.extend(found.unsure.iter().map(|one| ("unsure", one)));
    text.push_str(&render(rows(operation, objectives, &choices)));
    for (_, choice) in &choices {
        if let Some(refusal) = &choice.point.refusal {
            text.push_str(&format!("{}: {}: {}\n", one_line(&choice.name), refusal.code, one_line(&refusal.reason)));
        }
    }
    if found.undecided > 0 {
        let count = found.undecided;
        text.push_str(&format!(
            "{count} more may meet them for less, and were looked at only coarsely: --studies looks longer.\n"
        ));
    }
    if found.winner.is_none() {
        text.push_str("Nothing that was looked at meets the objectives for sure.\n");
    }
    if let Some(sentence) =
        found.runner_up.as_ref().and_then(|second| beside(second.cost_difference_usd_per_hour, second.p99_difference_s))
    {
        text.push_str(&sentence);
    }
    if !found.front.is_empty() {
        text.push_str(
            "\nOf what was studied to the precision asked for, nothing is both faster and cheaper than one of these:\n",
        );
        let front: Vec<(&str, &Choice)> = found.front.iter().map(|one| (met(one.verdict), one)).collect();
        text.push_str(&render(rows(operation, objectives, &front)));
    }
    text
}

fn met(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Missed => "missed",
        Verdict::Unsure => "unsure",
    }
}

/// What the runner-up is against the winner.
fn beside(cost_usd_per_hour: Option<Interval>, p99_s: Option<Interval>) -> Option<String> {
    let Interval { value, low, high } = cost_usd_per_hour?;
    let monthly = Interval { value: value * HOURS_PER_MONTH, low: low * HOURS_PER_MONTH, high: high * HOURS_PER_MONTH };
    let cost = Quantity::Dollars.difference(monthly);
    let p99 = p99_s.map(|p99| format!(", p99 {}", Quantity::Seconds.difference(p99))).unwrap_or_default();
    Some(format!("The runner-up against the cheapest, with the same arrivals and demands: {cost} a month{p99}.\n"))
}

fn rows(operation: &str, objectives: &[Objective], choices: &[(&str, &Choice)]) -> Rows {
    // What an objective is about and no other column tells.
    let others: Vec<&Objective> = objectives.iter().filter(|one| !is_told(one, operation)).collect();
    let mut header = vec!["", "Configuration", "Cost per hour", "p50", "p99", "Errors"];
    header.extend(others.iter().map(|one| one.name.as_str()));
    let row = |(role, choice): &(&str, &Choice)| {
        let told = |metric: Metric| quantity(metric).optional(metric.told(&choice.point, operation));
        let mut row = vec![(*role).to_owned(), one_line(&choice.name)];
        row.extend([Metric::CostPerHour, Metric::P50, Metric::P99, Metric::ErrorRatio].map(told));
        let other = |one: &&Objective| one.quantity.told(&choice.point, &one.operation);
        row.extend(
            others.iter().map(|one| other(one).map_or(ABSENT.to_owned(), |it| quantity(one.quantity).interval(it))),
        );
        row
    };
    Rows::new(&header, 2, choices.iter().map(row).collect())
}

fn is_told(objective: &Objective, operation: &str) -> bool {
    match objective.quantity {
        Metric::CostPerHour => true,
        Metric::P50 | Metric::P99 | Metric::ErrorRatio => objective.operation == operation,
        _ => false,
    }
}
