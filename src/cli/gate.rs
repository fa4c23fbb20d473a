//! `forescale gate EXPERIMENT --baseline MODEL`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::{
    Common, DEFAULT_STORE, Failure, Verdict, fault, interruption, open_store, print, print_json, progress, settle,
    share,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::compare::Pair;
use crate::experiment::gate::{Check, Margins, Outcome, gate};
use crate::experiment::plan::{self, Plan};
use crate::experiment::run::{Findings, complete, result_digest, stored};
use crate::experiment::store::Store;
use crate::experiment::study::SCHEMA;
use crate::report::gate as report;

#[derive(Debug, Args)]
pub(super) struct Gate {
    /// The experiment whose points are compared; its model is the changed version
    experiment: PathBuf,
    /// The model as it was
    #[arg(long, value_name = "MODEL")]
    baseline: PathBuf,
    /// How much worse p99 may become, relative to before
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    latency_margin: String,
    /// How much more of the requests may fail
    #[arg(long, value_name = "SHARE", default_value = "0.1%")]
    error_margin: String,
    /// How much more it may cost, relative to before
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    cost_margin: String,
    /// Write the checks as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the checks as Markdown too, for a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// The file that keeps every point that was studied
    #[arg(long, value_name = "FILE", default_value = DEFAULT_STORE)]
    store: PathBuf,
    #[command(flatten)]
    common: Common,
}

impl Gate {
    pub(super) fn run(&self) -> Verdict {
        let mut diagnostics = Diagnostics::new();
        let common = &self.common;
        let margins = Margins {
            latency_ratio: share("--latency-margin", &self.latency_margin, &mut diagnostics),
            cost_ratio: share("--cost-margin", &self.cost_margin, &mut diagnostics),
            error_ratio: share("--error-margin", &self.error_margin, &mut diagnostics),
        };
        let after = plan::load(&self.experiment, common.quick, common.seed, &mut diagnostics);
        let before =
            plan::load_with(&self.experiment, Some(&self.baseline), common.quick, common.seed, &mut diagnostics);
        if let (Some(before), Some(after)) = (&before, &after) {
            self.check_workloads(before, after, &mut diagnostics);
        }
        settle(&diagnostics, common.json)?;
        let (Some(before), Some(after)) = (before, after) else { return Err(Failure::Input) };
        // Who cannot have the files that were asked for hears it before anything is studied.
        for path in self.junit.iter().chain(&self.markdown) {
            std::fs::File::create(path).map_err(|error| cannot_write(path, &error))?;
        }
        let store = open_store(&self.store, common.json)?;
        let bar = progress::bar(before.points.len() + after.points.len(), 0);
        let study = |plan: &Plan| self.study(plan, &store, &|| bar.inc(1));
        let (found_before, found_after) = (study(&before)?, study(&after)?);
        bar.finish_and_clear();
        let points = after.points.iter().zip(found_before.iter().zip(&found_after));
        let pairs: Vec<Pair<'_>> = points
            .filter_map(|(point, (before, finding))| {
                let variant = after.series[point.series].name.as_str();
                Some(Pair { variant, baseline: before.as_ref()?, finding: finding.as_ref()? })
            })
            .collect();
        let operation = after.settings.operation.as_deref().unwrap_or("all");
        self.tell(&after, &gate(&pairs, operation, margins), margins)
    }

    /// Dropping the slow requests makes a system faster, but is no improvement.
    fn check_workloads(&self, before: &Plan, after: &Plan, diagnostics: &mut Diagnostics) {
        let requested = |plan: &Plan| -> BTreeSet<String> {
            plan.points.iter().flat_map(|point| point.compiled.requested()).map(str::to_owned).collect()
        };
        let (before, after) = (requested(before), requested(after));
        let changed: Vec<&str> = before.symmetric_difference(&after).map(String::as_str).collect();
        if !changed.is_empty() {
            let title = format!("only one of the two models has clients that request {}", changed.join(", "));
            let help = "the two are compared all the same, but under other demands";
            let place = Place::whole(self.baseline.display().to_string(), "");
            diagnostics.push(Diagnostic::warning("different-workload", place, title).help(help));
        }
    }

    fn study(&self, plan: &Plan, store: &Store, done: &(dyn Fn() + Sync)) -> Result<Findings, Failure> {
        let common = &self.common;
        let everything = |_| true;
        let mut findings = stored(plan, &everything, store).map_err(|found| fault(found, common.json))?;
        let completed = common.on_threads(|| complete(plan, &mut findings, &everything, store, false, done))?;
        completed.map_err(|found| interruption(found, common.json))?;
        Ok(findings)
    }

    /// Shows the checks, writes the files that were asked for, and fails if one of them failed.
    fn tell(&self, plan: &Plan, checks: &[Check], margins: Margins) -> Verdict {
        let failed = checks.iter().filter(|check| check.outcome == Outcome::Failed).count();
        let files =
            [(&self.junit, report::junit(&plan.name, checks)), (&self.markdown, report::markdown(&plan.name, checks))];
        for (path, text) in files {
            if let Some(path) = path {
                std::fs::write(path, text).map_err(|error| cannot_write(path, &error))?;
            }
        }
        if self.common.json {
            let mut document = json!({
                "schema": SCHEMA,
                "digest": "",
                "name": plan.name,
                "seed": plan.settings.seed,
                "margins": margins,
                "passed": failed == 0,
                "checks": checks,
            });
            document["digest"] = json!(result_digest(&document));
            print_json(&document);
        } else {
            print(&report::text(checks));
        }
        if failed == 0 {
            return Ok(());
        }
        Err(Failure::Work(format!(
            "{failed} of {} checks failed: worse for sure and by more than the margin, or not to be told any more",
            checks.len()
        )))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Work(format!("cannot write {}: {error}", path.display()))
}
