//! `forescale run EXPERIMENT...`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::{Common, Failure, Verdict, print, print_json, progress, settle, violation};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::plan::{self, Plan};
use crate::experiment::run;
use crate::experiment::study::{ChartKind, SCHEMA, Study};
use crate::report::chart::{Formats, draw};
use crate::report::table;

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Experiment files
    #[arg(required = true)]
    experiments: Vec<PathBuf>,
    /// Where charts and results go
    #[arg(long, default_value = "plots")]
    out: PathBuf,
    /// Draw each chart as PNG too, 3200 by 1800 pixels, to paste where SVG is not understood
    #[arg(long)]
    png: bool,
    #[command(flatten)]
    common: Common,
}

impl Run {
    pub(super) fn run(&self) -> Verdict {
        let mut diagnostics = Diagnostics::new();
        let common = &self.common;
        let load = |path: &PathBuf| plan::load(path, common.quick, common.seed, &mut diagnostics);
        let plans: Vec<Option<Plan>> = self.experiments.iter().map(load).collect();
        self.check_names(&mut diagnostics);
        settle(&diagnostics, common.json)?;
        let plans: Vec<Plan> = plans.into_iter().flatten().collect();
        let bar = progress::bar(plans.iter().map(|plan| plan.points.len()).sum());
        let mut studies = Vec::new();
        for plan in &plans {
            let study = common.on_threads(|| run::run(plan, &|_| bar.inc(1)))?;
            let study = study.map_err(|broken| violation(&broken))?;
            self.save(plan, &study)?;
            if !common.json {
                bar.suspend(|| print(&table::study(&study)));
            }
            studies.push(study);
        }
        bar.finish_and_clear();
        if common.json {
            let digests: String = studies.iter().map(|study| study.digest.as_str()).collect();
            let digest = match studies.as_slice() {
                [only] => only.digest.clone(),
                _ => run::digest(digests.as_bytes()),
            };
            print_json(&json!({ "schema": SCHEMA, "digest": digest, "studies": studies }));
        }
        Ok(())
    }

    /// Results are named after the experiment's file: two of one name would overwrite each other.
    fn check_names(&self, diagnostics: &mut Diagnostics) {
        let mut seen: Vec<(String, &PathBuf)> = Vec::new();
        for path in &self.experiments {
            let name = plan::name(path);
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
                let (first, second) = (first.display().to_string(), path.display().to_string());
                let title = format!("{first} and {second} would both write {name}.json and its charts");
                let diagnostic = Diagnostic::error("duplicate-name", Place::whole(second, ""), title)
                    .help("rename one of them, or run them one by one, each with its own --out");
                diagnostics.push(diagnostic);
            } else {
                seen.push((name, path));
            }
        }
    }

    /// Writes the results and draws the charts.
    fn save(&self, plan: &Plan, study: &Study) -> Verdict {
        let failed = |error: std::io::Error| Failure::Work(format!("cannot write to {}: {error}", self.out.display()));
        std::fs::create_dir_all(&self.out).map_err(failed)?;
        let text = serde_json::to_string_pretty(study).unwrap_or_default() + "\n";
        std::fs::write(self.out.join(format!("{}.json", study.name)), text).map_err(failed)?;
        let kinds = plan.experiment.charts.clone().unwrap_or_else(|| ChartKind::ALL.to_vec());
        let files = draw(study, &self.out, &kinds, Formats { svg: true, png: self.png }).map_err(failed)?;
        if !self.common.json {
            let charts = files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "svg")).count();
            eprintln!("{}: {charts} charts in {}, digest {}", study.name, self.out.display(), &study.digest[..16]);
        }
        Ok(())
    }
}
