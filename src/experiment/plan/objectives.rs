//! Objectives with their limits in SI units.

use crate::diagnostic::names;
use crate::diagnostic::span::{Span, Spanned, Verbatim};
use crate::diagnostic::{Diagnostic, Diagnostics, Document, Place};
use crate::experiment::metric::Metric;
use crate::experiment::pipeline::{ErrorLimit, LatencyLimit};
use crate::experiment::study::{Bound, Objective};
use crate::experiment::written;
use crate::experiment::written::Experiment;
use crate::price::RequestPrice;

const MILLION: f64 = 1e6;

/// The objectives, as far as they make sense.
pub(super) fn objectives(
    experiment: &Experiment,
    document: &Document,
    diagnostics: &mut Diagnostics,
) -> Vec<Objective> {
    let maker = Maker { watched: experiment.operation.as_ref().map(|one| one.value.as_str()), document };
    let mut objectives: Vec<Objective> = Vec::new();
    for written in &experiment.objectives {
        let Some(objective) = maker.objective(written, diagnostics) else { continue };
        if objectives.iter().any(|known| known.name == objective.name) {
            let place = document.place(written.span);
            let diagnostic = Diagnostic::error("duplicate-name", place, "this objective is there already");
            diagnostics.push(diagnostic.help("write each objective once"));
        }
        objectives.push(objective);
    }
    check_windows(experiment, &objectives, document, diagnostics);
    objectives
}

/// Reports objectives on windows where there are none, or nothing that they could miss.
fn check_windows(
    experiment: &Experiment,
    objectives: &[Objective],
    document: &Document,
    diagnostics: &mut Diagnostics,
) {
    let is_of_given_length = matches!(experiment.horizon, Some(written::Horizon::Terminating { .. }));
    let (message, help) = if !is_of_given_length {
        let help = "write horizon: Terminating(duration: \"1h\"), or leave this objective out";
        ("a study of the long run has no windows that could lie outside the objectives", help)
    } else if !objectives.iter().any(Objective::is_of_windows) {
        let help = "add an objective that windows can miss, for example Latency(below: \"300ms\")";
        ("no objective on latency or errors says which windows lie outside", help)
    } else {
        return;
    };
    for written in &experiment.objectives {
        use written::Objective::{OutsideObjectives, Recovery};
        if matches!(written.value, OutsideObjectives { .. } | Recovery { .. }) {
            diagnostics.push(Diagnostic::error("invalid-value", document.place(written.span), message).help(help));
        }
    }
}

/// The error ratios that the objectives ask to be told from. That nothing ever fails is shown by no study, however long.
pub(super) fn error_limits(objectives: &[Objective]) -> Vec<ErrorLimit> {
    let limit = |objective: &Objective| {
        let ratio = objective.error_limit().filter(|ratio| *ratio > 0.0)?;
        let operation = (objective.operation != "all").then(|| objective.operation.clone());
        Some(ErrorLimit { operation, ratio })
    };
    objectives.iter().filter_map(limit).collect()
}

/// The latencies that the objectives ask to be told from, but for the one that every study aims at.
pub(super) fn latency_limits(objectives: &[Objective], watched: Option<&str>) -> Vec<LatencyLimit> {
    let limit = |objective: &Objective| {
        let quantile = objective.quantity.quantile()?;
        let operation = (objective.operation != "all").then(|| objective.operation.clone());
        let is_aimed_at = operation.as_deref() == watched && objective.quantity == Metric::P99;
        (!is_aimed_at).then_some(LatencyLimit { operation, quantile, limit_s: objective.limit })
    };
    objectives.iter().filter_map(limit).collect()
}

/// Reports operations that no client requests. Where a baseline stands in for the experiment's model, it is the baseline that
/// lacks them.
pub(super) fn check_operations(
    experiment: &Experiment,
    requested: &[&str],
    document: &Document,
    baseline: Option<&Document>,
    diagnostics: &mut Diagnostics,
) {
    let of_objectives = experiment.objectives.iter().filter_map(|objective| objective.operation());
    for operation in experiment.operation.iter().chain(of_objectives) {
        if !requested.contains(&operation.value.as_str()) {
            let (place, requested_ones) = (document.place(operation.span), requested.join(", "));
            if let Some(baseline) = baseline {
                let name = baseline.name();
                let message = format!("no client of the baseline model {name} requests `{}`", operation.value);
                let help = format!(
                    "compare with a version of the model that has it, or name an operation that both have: the baseline has {}",
                    requested_ones
                );
                let diagnostic = Diagnostic::error("unknown-operation", Place::whole(name, ""), message);
                diagnostics.push(diagnostic.also(place, "the experiment looks at it").help(help));
                continue;
            }
            let message = format!("no client requests `{}`", operation.value);
            let meant = names::closest(operation, requested.iter().copied());
            let meant = meant.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
            let help = format!("{meant}name one of {requested_ones}, or leave it out to look at all");
            diagnostics.push(Diagnostic::error("unknown-operation", place, message).help(help));
        }
    }
}

impl written::Objective {
    fn operation(&self) -> Option<&Spanned<String>> {
        match self {
            Self::Latency { operation, .. }
            | Self::ErrorRatio { operation, .. }
            | Self::Availability { operation, .. }
            | Self::Throughput { operation, .. } => operation.as_ref(),
            Self::Cost { .. }
            | Self::CostPerMillion { .. }
            | Self::OutsideObjectives { .. }
            | Self::Recovery { .. } => None,
        }
    }
}

struct Maker<'a> {
    /// The operation that the experiment looks at.
    watched: Option<&'a str>,
    document: &'a Document,
}

impl Maker<'_> {
    fn objective(&self, written: &Spanned<written::Objective>, diagnostics: &mut Diagnostics) -> Option<Objective> {
        use written::Objective::{Availability, Cost, CostPerMillion, ErrorRatio, Latency};
        use written::Objective::{OutsideObjectives, Recovery, Throughput};
        let mut wrong = |span: Span, message: &str, help: &str| {
            let place = self.document.place(span);
            diagnostics.push(Diagnostic::error("invalid-value", place, message).help(help));
        };
        let (quantity, bound, limit, span) = match &written.value {
            Latency { quantile, below, .. } => {
                let Some(quantity) = quantile_of(quantile.as_ref()) else {
                    let span = quantile.as_ref().map_or(written.span, |quantile| quantile.span);
                    wrong(span, "this quantile is not estimated", "write P50, P95, P99 or P999");
                    return None;
                };
                (quantity, Bound::Below, below.as_s(), below.span)
            }
            ErrorRatio { below, .. } => (Metric::ErrorRatio, Bound::Below, below.value.value, below.span),
            Availability { above, .. } => (Metric::Availability, Bound::Above, above.value.value, above.span),
            Throughput { above, .. } => (Metric::Throughput, Bound::Above, above.per_second, above.span),
            OutsideObjectives { below } => (Metric::OutsideObjectives, Bound::Below, below.as_s(), below.span),
            Recovery { below } => (Metric::Recovery, Bound::Below, below.as_s(), below.span),
            Cost { below } => (Metric::CostPerHour, Bound::Below, below.usd_per_hour, below.span),
            CostPerMillion { below } => match per_million(below) {
                Some(limit) => (Metric::CostPerMillion, Bound::Below, limit, below.span),
                None => {
                    wrong(
                        below.span,
                        "a cost of a million requests is an amount of dollars",
                        "write for example \"$5\"",
                    );
                    return None;
                }
            },
        };
        let is_share = matches!(quantity, Metric::ErrorRatio | Metric::Availability);
        let is_possible = limit > 0.0 && !(is_share && limit > 1.0);
        if !is_possible {
            let help = if is_share { "write a share above 0% and up to 100%" } else { "write a limit above zero" };
            wrong(span, "every point or none would meet this", help);
            return None;
        }
        let operation = match quantity {
            _ if quantity.is_of_all() => None,
            _ => written.operation().map(|one| one.value.as_str()).or(self.watched).map(str::to_owned),
        };
        let as_written = self.document.text().get(span.start..span.end).unwrap_or_default().trim_matches('"');
        let of = operation.as_ref().map(|operation| format!(" of {operation}")).unwrap_or_default();
        let name = format!("{}{of} {} {as_written}", quantity.title(), bound.name());
        Some(Objective { name, quantity, operation: operation.unwrap_or_else(|| "all".to_owned()), bound, limit })
    }
}

/// `P99`, `0.99`, `"99%"`; the 99th percentile if left out.
fn quantile_of(written: Option<&Verbatim>) -> Option<Metric> {
    let Some(written) = written else { return Some(Metric::P99) };
    match written.text.trim_matches('"').trim().to_lowercase().as_str() {
        "p50" | "0.5" | "0.50" | "50%" => Some(Metric::P50),
        "p95" | "0.95" | "95%" => Some(Metric::P95),
        "p99" | "0.99" | "99%" => Some(Metric::P99),
        "p999" | "p99.9" | "0.999" | "99.9%" => Some(Metric::P999),
        _ => None,
    }
}

/// `"$5"`, or as prices of requests are written, `"$5/1M"`.
fn per_million(written: &Verbatim) -> Option<f64> {
    let plain = ron::from_str::<String>(&written.text).ok()?;
    let price = plain.parse::<RequestPrice>().or_else(|_| format!("{plain}/1M").parse()).ok()?;
    Some(price.usd_per_request * MILLION)
}
