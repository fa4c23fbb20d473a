//! What people write who know a field from elsewhere, and how it is written here.

use std::borrow::Cow;

use crate::diagnostic::diagnostic::Diagnostic;
use crate::diagnostic::explain::{Context, describe, head, text_of};
use crate::diagnostic::source::Place;
use crate::units::Rate;

/// Fields that hold a number of replicas or a share of them.
const AMOUNTS: [&str; 2] = ["max_surge", "max_unavailable"];

/// Fields of nodes that hold seconds rather than milliseconds, as all times of controllers do.
const SECONDS: [&str; 3] = ["readiness_period", "termination_grace_period", "keep_alive"];

/// Where a controller's target is a node, its level stands in one of these.
const LEVELS: [&str; 3] = ["Resource", "Object", "External"];

/// A value that says what is meant, but not in the way that is wanted here.
pub fn habit(
    context: &Context<'_>,
    entry: Option<usize>,
    error: &ron::Error,
    found: &str,
    place: &Place,
) -> Option<Diagnostic> {
    use ron::Error;
    let wrong = |expected: &str| {
        Diagnostic::error("wrong-type", place.clone(), format!("expected {expected}, found {}", describe(found)))
    };
    let plain = if found.starts_with('"') { text_of(found).trim() } else { found };
    let (key, head) = (key(context, entry?), head(context, entry?));
    match error {
        Error::ExpectedIdentifier | Error::InvalidIdentifier(_) | Error::SuggestRawIdentifier(_) => {
            if AMOUNTS.contains(&key) {
                let written = amount(plain)?;
                let diagnostic = wrong("a number of replicas or a share of them").help(format!("write `{written}`"));
                return Some(diagnostic.suggest(place.clone(), written));
            }
            if key != "target" || !LEVELS.contains(&head) {
                return None;
            }
            let (written, help) = level(head, plain)?;
            Some(wrong("what the metric is held at").help(help).suggest(place.clone(), written))
        }
        Error::ExpectedFloat => {
            let per_second = plain.parse::<Rate>().ok().filter(|_| found.starts_with('"'))?.per_second;
            let diagnostic = wrong("a plain number").label("expected a number");
            let help = format!("write {per_second}, without unit and quotes: rates are per second here");
            Some(diagnostic.help(help).suggest(place.clone(), per_second.to_string()))
        }
        _ => None,
    }
}

/// A message about a number without its unit, in the unit that is usual for the field.
pub fn in_usual_unit<'a>(context: &Context<'_>, entry: Option<usize>, message: &'a str) -> Cow<'a, str> {
    let mut around = entry;
    let mut is_long = entry.is_some_and(|entry| SECONDS.contains(&key(context, entry)));
    while let Some(entry) = around.filter(|_| !is_long) {
        is_long = key(context, entry) == "controllers";
        around = context.outline.parent(entry);
    }
    match is_long && message.starts_with("a duration needs a unit") {
        true => Cow::Owned(message.replacen("ms\" instead", "s\" instead", 1)),
        false => Cow::Borrowed(message),
    }
}

fn key<'a>(context: &Context<'a>, entry: usize) -> &'a str {
    let key = context.outline.entries[entry].key;
    key.and_then(|key| context.document.text().get(key.start..key.end)).unwrap_or_default()
}

/// Replicas, or a share of them.
fn amount(plain: &str) -> Option<String> {
    match plain.strip_suffix('%') {
        Some(number) => number.trim().parse::<f64>().ok().map(|_| format!("Share(\"{plain}\")")),
        None => plain.parse::<u32>().ok().map(|count| format!("Replicas({count})")),
    }
}

/// The level of a metric, and what to say about it.
fn level(metric: &str, plain: &str) -> Option<(String, String)> {
    let percent = plain.strip_suffix('%').unwrap_or(plain).trim();
    let number: f64 = percent.parse().ok()?;
    if metric == "Resource" {
        // As `averageUtilization` of Kubernetes has it.
        let share = if number <= 1.0 && !plain.ends_with('%') { plain.to_owned() } else { format!("\"{percent}%\"") };
        let written = format!("Utilization({share})");
        return Some((
            written.clone(),
            format!("write `{written}` of what is requested, or `AverageValue(Cores(0.5))`"),
        ));
    }
    let written = format!("AverageValue({percent})");
    Some((written.clone(), format!("write `{written}` for each replica, or `Value({percent})` for all together")))
}
