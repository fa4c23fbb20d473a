//! Whether an experiment may be compared with a baseline, and what to know when it is.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Diagnostics, Document, Place, Span};
use crate::experiment::baseline::{Baseline, Conditions};
use crate::experiment::plan::Plan;
use crate::experiment::run::digest;

/// A setting that is not the same.
struct Difference {
    /// The key in the file.
    key: &'static str,
    then: String,
    now: String,
    /// What makes it the same.
    remedy: String,
}

impl Baseline {
    /// Reports what keeps a plan from being compared with this baseline, which was read from `document`, and what to know of
    /// the comparison.
    pub fn check(&self, plan: &Plan, document: &Document, diagnostics: &mut Diagnostics) {
        let whole = || Place::whole(document.name(), "");
        for Difference { key, then, now, remedy } in differences(&self.settings, &Conditions::of(plan)) {
            let title = format!("the baseline was saved with {then}, this gate has {now}");
            let help = format!("{remedy}, or save the baseline anew with the model as it was");
            diagnostics.push(Diagnostic::error("different-settings", place(document, key), title).help(help));
        }
        self.check_points(plan, document, diagnostics);
        if self.build != env!("FORESCALE_BUILD") {
            let (version, own) = (&self.version, env!("CARGO_PKG_VERSION"));
            let title = match version == own {
                true => format!("the baseline was saved by another build of forescale {version}"),
                false => format!("the baseline was saved by forescale {version}, and this is {own}"),
            };
            let help = "differences may come from forescale itself, and may be less precise: save the baseline anew to be sure";
            diagnostics.push(Diagnostic::warning("other-build", whole(), title).help(help));
        }
        if self.name != plan.space.name || self.experiment_digest != digest(plan.space.text().as_bytes()) {
            let title = match self.name == plan.space.name {
                true => format!("the experiment `{}` has changed since the baseline was saved", self.name),
                false => {
                    format!(
                        "the baseline was saved from the experiment `{}`, and this is `{}`",
                        self.name, plan.space.name
                    )
                }
            };
            let help =
                "points of the same name are compared; differences may come from what the experiment changes in them";
            diagnostics.push(Diagnostic::warning("different-experiment", whole(), title).help(help));
        }
    }

    /// Reports points that only one side has.
    fn check_points(&self, plan: &Plan, document: &Document, diagnostics: &mut Diagnostics) {
        let named = |(series, load): &(&str, f64)| format!("`{series}` at {load}");
        let kept: Vec<_> = self.points.iter().map(|point| (point.series.as_str(), point.load)).collect();
        let planned: Vec<_> =
            plan.points.iter().map(|point| (plan.series[point.series].name.as_str(), point.load)).collect();
        let without = |these: &[(&str, f64)], others: &[(&str, f64)]| -> Vec<String> {
            let others: BTreeSet<_> = others.iter().map(|(series, load)| (*series, load.to_bits())).collect();
            these.iter().filter(|(series, load)| !others.contains(&(*series, load.to_bits()))).map(named).collect()
        };
        let (new, gone) = (without(&planned, &kept), without(&kept, &planned));
        let place = || place(document, "points");
        if new.len() == planned.len() {
            let title = format!("the baseline has none of the points of this experiment, such as {}", listed(&new));
            let help = format!("it has {}: name the baseline of this experiment, or save one", listed(&gone));
            diagnostics.push(Diagnostic::error("no-common-points", place(), title).help(help));
            return;
        }
        let mut doubt = |title: String, help: &str| {
            diagnostics.push(Diagnostic::warning("different-points", place(), title).help(help));
        };
        if !new.is_empty() {
            let title = format!("the baseline lacks {}", listed(&new));
            doubt(title, "this is not compared: save the baseline anew with the model as it was");
        }
        if !gone.is_empty() {
            let title = format!("the experiment lacks {}, which the baseline has", listed(&gone));
            doubt(title, "this is not compared: bring it back, or save the baseline anew");
        }
    }
}

/// What is not the same, each setting with both of its values.
fn differences(then: &Conditions, now: &Conditions) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut compare = |key, told: &dyn Fn(&Conditions) -> String, remedy: String| {
        let (then, now) = (told(then), told(now));
        if then != now {
            differences.push(Difference { key, then, now, remedy });
        }
    };
    compare("seed", &|one| format!("the seed {}", one.seed), format!("write --seed {}", then.seed));
    let quick = |one: &Conditions| if one.quick { "--quick" } else { "no --quick" }.to_owned();
    compare("quick", &quick, if then.quick { "add --quick" } else { "leave --quick out" }.to_owned());
    let in_experiment = |field: &str, value: String| format!("write {field}: {value} in the experiment");
    // A quick look has others of these by itself.
    if then.quick == now.quick {
        let replications = |one: &Conditions| format!("{} replications", one.replications);
        compare("replications", &replications, in_experiment("replications", then.replications.to_string()));
        let percent = |one: &Conditions| format!("{}%", (one.precision_ratio * 1e8).round() / 1e6);
        let precision = |one: &Conditions| format!("a precision of {}", percent(one));
        compare("precision_ratio", &precision, in_experiment("precision", format!("\"{}\"", percent(then))));
        let budget = |one: &Conditions| format!("a budget of {} requests", one.budget_requests);
        compare("budget_requests", &budget, in_experiment("budget", then.budget_requests.to_string()));
    }
    let operation = |one: &Conditions| match one.operation.as_str() {
        "all" => "all operations together".to_owned(),
        one => format!("the operation `{one}`"),
    };
    let remedy = match then.operation.as_str() {
        "all" => "leave `operation` out of the experiment".to_owned(),
        one => in_experiment("operation", format!("\"{one}\"")),
    };
    compare("operation", &operation, remedy);
    let load = |one: &Conditions| format!("loads of `{}`", one.load_path);
    compare("load_path", &load, format!("vary `{}` again", then.load_path));
    let horizon = |one: &Conditions| match (one.duration_s, one.warm_up_s) {
        (Some(duration_s), _) => format!("studies of {duration_s} s from the start"),
        (None, Some(warm_up_s)) => format!("the long run after a warm-up of {warm_up_s} s"),
        (None, None) => "the long run".to_owned(),
    };
    let remedy = match (then.duration_s, then.warm_up_s) {
        (Some(duration_s), _) => in_experiment("horizon", format!("Terminating(duration: \"{duration_s}s\")")),
        (None, Some(warm_up_s)) => in_experiment("horizon", format!("SteadyState(warm_up: \"{warm_up_s}s\")")),
        (None, None) => "leave `horizon` out of the experiment".to_owned(),
    };
    compare("duration_s", &horizon, remedy);
    differences
}

/// Where a key stands in the file.
fn place(document: &Document, key: &str) -> Place {
    let text = document.text();
    let settings = text.find("\"settings\"").unwrap_or(0);
    let key = format!("\"{key}\"");
    let start = text[settings..].find(&key).map_or(settings, |at| settings + at);
    document.place(Span { start, end: start + key.len() })
}

/// The first of some names, and how many more there are.
fn listed(names: &[String]) -> String {
    const MOST: usize = 5;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
