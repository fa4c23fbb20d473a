//! `forescale gate EXPERIMENT --baseline MODEL`, or with a baseline that `--save-baseline` has kept.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::json;

use crate::cli::{
    Common, DEFAULT_STORE, Failure, Verdict, fault, interruption, open_store, print, print_json, progress, settle,
    share, wrong_option,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Document, Place};
use crate::experiment::baseline::{Baseline, requested};
use crate::experiment::compare::Pair;
use crate::experiment::gate::{Check, Margins, Outcome, gate};
use crate::experiment::plan::{self, ModelFile, Plan, read_file};
use crate::experiment::run::{Findings, complete, result_digest, stored};
use crate::experiment::store::Store;
use crate::experiment::study::SCHEMA;
use crate::files;
use crate::report::{gate as report, json as written};

/// What says how to compare means nothing where nothing is compared.
const SENSELESS: [&str; 5] = ["latency_margin", "error_margin", "cost_margin", "junit", "markdown"];

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("before").required(true).args(["baseline", "save_baseline"]))]
pub(super) struct Gate {
    /// The experiment whose points are compared; its model is the changed version
    experiment: PathBuf,
    /// The version before: the model as it was, or what --save-baseline has written
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Compare nothing: write what a later gate needs of this version to a file
    #[arg(long, value_name = "FILE", conflicts_with_all = SENSELESS)]
    save_baseline: Option<PathBuf>,
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

/// The version before the change.
enum Before {
    Model(Box<Plan>),
    Kept(Box<Baseline>),
}

impl Gate {
    pub(super) fn run(&self) -> Verdict {
        match (&self.save_baseline, &self.baseline) {
            (Some(file), _) => self.save(file),
            (None, Some(before)) => self.compare(before),
            (None, None) => Err(Failure::Work("neither --baseline nor --save-baseline is given".to_owned())),
        }
    }

    fn compare(&self, baseline: &Path) -> Verdict {
        let mut diagnostics = Diagnostics::new();
        let margins = Margins {
            latency_ratio: share("--latency-margin", &self.latency_margin, &mut diagnostics),
            cost_ratio: share("--cost-margin", &self.cost_margin, &mut diagnostics),
            error_ratio: share("--error-margin", &self.error_margin, &mut diagnostics),
        };
        let after = self.plan(None, &mut diagnostics);
        let before = self.before(baseline, after.as_ref(), &mut diagnostics);
        self.check_reports(baseline, &mut diagnostics);
        settle(&diagnostics, self.common.json)?;
        let (Some(before), Some(after)) = (before, after) else { return Err(Failure::Input) };
        // Who cannot have the files that were asked for hears it before anything is studied.
        for path in self.junit.iter().chain(&self.markdown) {
            files::check_replaceable(path).map_err(|error| cannot_write(path, &error))?;
        }
        let store = open_store(&self.store, self.common.json)?;
        let bar = progress::bar(after.points.len(), 0);
        let done = || bar.inc(1);
        let found_before = match before {
            Before::Kept(baseline) => baseline.findings(&after),
            Before::Model(before) => {
                bar.inc_length(before.points.len() as u64);
                self.study(&before, &|_| true, &store, &done)?
            }
        };
        let found_after =
            self.study(&after, &|index| found_before.get(index).is_some_and(Option::is_some), &store, &done)?;
        bar.finish_and_clear();
        let points = after.points.iter().zip(found_before.iter().zip(&found_after));
        let pairs: Vec<Pair<'_>> = points
            .filter_map(|(point, (before, finding))| {
                let variant = after.series[point.series].name.as_str();
                Some(Pair { variant, baseline: before.as_ref()?, finding: finding.as_ref()? })
            })
            .collect();
        let operation = after.space.settings.operation.as_deref().unwrap_or("all");
        self.tell(&after, &gate(&pairs, operation, margins), margins)
    }

    /// Studies this version, and keeps what a later gate needs of it.
    fn save(&self, path: &Path) -> Verdict {
        let mut diagnostics = Diagnostics::new();
        let plan = self.plan(None, &mut diagnostics);
        check_overwrites(path, &mut diagnostics);
        settle(&diagnostics, self.common.json)?;
        let Some(plan) = plan else { return Err(Failure::Input) };
        files::check_replaceable(path).map_err(|error| cannot_write(path, &error))?;
        let store = open_store(&self.store, self.common.json)?;
        let bar = progress::bar(plan.points.len(), 0);
        let findings = self.study(&plan, &|_| true, &store, &|| bar.inc(1))?;
        bar.finish_and_clear();
        let baseline = Baseline::of(&plan, &findings);
        let text = written::in_lines(&baseline, "points").unwrap_or_default();
        // Better now than when the version that it is of is gone.
        let shown = path.display().to_string();
        if text.len() as u64 > files::LARGEST_BYTES || Baseline::read(&Document::new(shown.as_str(), &*text)).is_err() {
            let (size, most) = (text.len() >> 20, files::LARGEST_BYTES >> 20);
            return Err(Failure::Work(format!(
                "{shown} was not written, because no gate could read it: it would have {size} MiB of at most {most}, or a number \
                 that JSON does not have"
            )));
        }
        files::replace(path, &text).map_err(|error| cannot_write(path, &error))?;
        let (name, points, seed) = (&plan.space.name, baseline.points.len(), plan.space.settings.seed);
        if self.common.json {
            let digest = &baseline.digest;
            print_json(&json!({
                "schema": SCHEMA, "digest": digest, "name": name, "seed": seed, "baseline": shown, "points": points,
            }));
        } else {
            let refused = findings.iter().flatten().filter(|finding| finding.point.refusal.is_some()).count();
            let without = if refused == 0 { String::new() } else { format!(", {refused} of them without numbers") };
            print(&format!("{shown}: the baseline of {name}, points: {points}{without}\n"));
        }
        Ok(())
    }

    fn plan(&self, model: Option<ModelFile>, diagnostics: &mut Diagnostics) -> Option<Plan> {
        plan::load_with(&self.experiment, model, self.common.quick, self.common.seed, diagnostics)
    }

    /// The version before, if it can be compared with the one after.
    fn before(&self, path: &Path, after: Option<&Plan>, diagnostics: &mut Diagnostics) -> Option<Before> {
        let document = read_file(path).map_err(|found| diagnostics.extend(found)).ok()?;
        let (before, requested_before) = if Baseline::is_meant(&document) {
            let baseline = Baseline::read(&document).map_err(|found| diagnostics.extend(found)).ok()?;
            baseline.check(after?, &document, diagnostics);
            let requested = baseline.requested.clone();
            (Before::Kept(Box::new(baseline)), requested)
        } else {
            let plan = self.plan(Some(ModelFile::new(document, path)), diagnostics)?;
            let requested = requested(&plan);
            (Before::Model(Box::new(plan)), requested)
        };
        // Dropping the slow requests makes a system faster, but is no improvement.
        let requested_after = requested(after?);
        let changed: Vec<&str> = requested_before.symmetric_difference(&requested_after).map(String::as_str).collect();
        if !changed.is_empty() {
            let title = format!("only one of the two models has clients that request {}", changed.join(", "));
            let help = "the two are compared all the same, but under other demands";
            let place = Place::whole(path.display().to_string(), "");
            diagnostics.push(Diagnostic::warning("different-workload", place, title).help(help));
        }
        Some(before)
    }

    /// A report that would take the place of what is compared, or of the other report, is a slip of the hand.
    fn check_reports(&self, baseline: &Path, diagnostics: &mut Diagnostics) {
        let place_of = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut taken = vec![place_of(&self.experiment), place_of(baseline), place_of(&self.store)];
        for (option, path) in [("--junit", &self.junit), ("--markdown", &self.markdown)] {
            let Some(path) = path else { continue };
            if taken.contains(&place_of(path)) {
                let message = "this file is read, or written for something else";
                let shown = path.display().to_string();
                diagnostics.extend(wrong_option(option, &shown, message, "name another file for this report"));
            }
            taken.push(place_of(path));
        }
    }

    fn study(
        &self,
        plan: &Plan,
        wanted: &(dyn Fn(usize) -> bool + Sync),
        store: &Store,
        done: &(dyn Fn() + Sync),
    ) -> Result<Findings, Failure> {
        let common = &self.common;
        let mut findings = stored(plan, wanted, store).map_err(|found| fault(found, common.json))?;
        let completed = common.on_threads(|| complete(plan, &mut findings, wanted, store, false, done))?;
        completed.map_err(|found| interruption(found, common.json))?;
        Ok(findings)
    }

    /// Shows the checks, writes the files that were asked for, and fails if one of them failed.
    fn tell(&self, plan: &Plan, checks: &[Check], margins: Margins) -> Verdict {
        let failed = checks.iter().filter(|check| check.outcome == Outcome::Failed).count();
        let files = [
            (&self.junit, report::junit(&plan.space.name, checks)),
            (&self.markdown, report::markdown(&plan.space.name, checks)),
        ];
        for (path, text) in files {
            if let Some(path) = path {
                files::replace(path, &text).map_err(|error| cannot_write(path, &error))?;
            }
        }
        if self.common.json {
            let mut document = json!({
                "schema": SCHEMA,
                "digest": "",
                "name": plan.space.name,
                "seed": plan.space.settings.seed,
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

/// Whoever names a model here by a slip of the hand keeps it: only a baseline is written over.
fn check_overwrites(path: &Path, diagnostics: &mut Diagnostics) {
    let is_other = |text: String| !text.trim().is_empty() && !Baseline::is_marked(&text);
    if path.is_file() && files::read_text(path).map_or(true, is_other) {
        let shown = path.display().to_string();
        let title = format!("{shown} is there already and is no baseline; it is left as it is");
        let help = "name another file, or remove this one";
        diagnostics.push(Diagnostic::error("no-baseline", Place::whole(shown, ""), title).help(help));
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Work(format!("cannot write {}: {error}", path.display()))
}
