//! How the points of an experiment are studied.

use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::pipeline::{Horizon, Settings};
use crate::experiment::written;
use crate::experiment::written::Experiment;

/// What an experiment asks of the pipeline. `quick` and `seed` are those of the command line.
pub(super) fn settings(
    experiment: &Experiment,
    document: &Document,
    quick: bool,
    seed: Option<u64>,
    diagnostics: &mut Diagnostics,
) -> Settings {
    let mut settings = if quick { Settings::quick() } else { Settings::default() };
    settings.seed = seed.or(experiment.seed).unwrap_or(settings.seed);
    settings.operation = experiment.operation.as_ref().map(|operation| operation.value.clone());
    let mut wrong = |span, message: &str, help: &str| {
        diagnostics.push(Diagnostic::error("invalid-value", document.place(span), message).help(help));
    };
    if let Some(replications) = &experiment.replications {
        if (2..=10_000).contains(&replications.value) {
            settings.replications = if quick { replications.value.min(8) } else { replications.value };
        } else {
            let message = "an interval needs between 2 and 10,000 replications";
            wrong(replications.span, message, "write 20, or leave it out");
        }
    }
    if let Some(precision) = &experiment.precision {
        if precision.value.value > 0.0 && precision.value.value < 1.0 {
            let aimed = precision.value.value;
            settings.precision = if quick { aimed.max(settings.precision) } else { aimed };
        } else {
            wrong(precision.span, "a precision lies between 0% and 100%", "write \"5%\"");
        }
    }
    if let Some(budget) = &experiment.budget {
        if (1..=100_000_000_000).contains(&budget.value) {
            settings.budget = if quick { budget.value.min(settings.budget) } else { budget.value };
        } else {
            wrong(budget.span, "a budget lies between 1 and 1e11 requests", "write 50_000_000");
        }
    }
    let is_steady = !matches!(experiment.horizon, Some(written::Horizon::Terminating { .. }));
    for chart in experiment.charts.iter().flatten().filter(|chart| is_steady && chart.is_over_time()) {
        let help = "write horizon: Terminating(duration: \"1h\"), or leave this chart out";
        wrong(chart.span, "a study of the long run has no course over time", help);
    }
    match &experiment.horizon {
        Some(written::Horizon::SteadyState { warm_up: Some(warm_up) }) => {
            settings.horizon = Horizon::SteadyState { warm_up_ns: Some(warm_up.ns) };
        }
        Some(written::Horizon::Terminating { duration, .. }) if duration.ns == 0 => {
            wrong(duration.span, "a study of no time finds nothing", "write for example \"1h\"");
        }
        Some(written::Horizon::Terminating { duration, window: None }) => {
            settings.horizon = Horizon::over(duration.ns);
        }
        Some(written::Horizon::Terminating { duration, window: Some(window) }) => {
            match Horizon::in_windows(duration.ns, window.ns) {
                Ok(horizon) => settings.horizon = horizon,
                Err(unfit) => wrong(window.span, unfit.message(), unfit.help()),
            }
        }
        Some(written::Horizon::SteadyState { warm_up: None }) | None => {}
    }
    settings
}
