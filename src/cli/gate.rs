//! `forescale gate EXPERIMENT --baseline MODEL`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::{Common, Failure, Verdict, fault, interruption, print, print_json, progress, settle, wrong_option};
use crate::diagnostic::Diagnostics;
use crate::experiment::compare::Pair;
use crate::experiment::gate::{Check, Margins, Outcome, gate};
use crate::experiment::plan::{self, Plan};
use crate::experiment::run::{Findings, complete, result_digest, stored};
use crate::experiment::store::{Missing, Store};
use crate::experiment::study::SCHEMA;
use crate::report::gate as report;
use crate::units::Ratio;

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
    #[arg(long, value_name = "FILE", default_value = "plots/forescale.sqlite")]
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
        settle(&diagnostics, common.json)?;
        let (Some(before), Some(after)) = (before, after) else { return Err(Failure::Input) };
        if let Some(directory) = self.store.parent() {
            std::fs::create_dir_all(directory).map_err(|error| cannot_write(directory, &error))?;
        }
        let store = Store::open(&self.store, Missing::Make).map_err(|found| fault(found, common.json))?;
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

/// A margin from the command line.
fn share(option: &str, text: &str, diagnostics: &mut Diagnostics) -> f64 {
    let help = "write for example 5%";
    match text.parse::<Ratio>() {
        Ok(ratio) if ratio.value >= 0.0 && ratio.value.is_finite() => return ratio.value,
        Ok(_) => diagnostics.extend(wrong_option(option, text, "a margin is not negative", help)),
        Err(error) => diagnostics.extend(wrong_option(option, text, &error.to_string(), help)),
    }
    0.0
}
