//! `forescale run EXPERIMENT...`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::shard::Shard;
use crate::cli::{Common, Drawn, Failure, Verdict, fault, interruption, print, print_json, progress, settle};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::plan::{self, Plan, PlannedPoint};
use crate::experiment::refine::refine;
use crate::experiment::run::{self, Findings, Interruption, take_or_study};
use crate::experiment::store::{Fault, Key, Missing, Store};
use crate::experiment::study::{SCHEMA, Study};
use crate::report::chart::draw;
use crate::report::json::document;
use crate::report::table;

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Experiment files
    #[arg(required = true)]
    experiments: Vec<PathBuf>,
    #[command(flatten)]
    drawn: Drawn,
    /// The file that keeps every finished point; what it has is not studied again [default: forescale.sqlite in --out]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Study every point anew, whatever the store has
    #[arg(long)]
    fresh: bool,
    /// Study one of so many parts of the points into a store of its own, for `forescale merge`; draws nothing
    ///
    /// K/N, such as 2/10 for the second of ten parts. `auto` takes both from the array job of Slurm, Kubernetes or AWS Batch.
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Study nothing: fail if the store lacks a point
    #[arg(long, conflicts_with_all = ["fresh", "shard"])]
    require_complete: bool,
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
        let shard = self.shard(&mut diagnostics);
        settle(&diagnostics, common.json)?;
        let mut plans: Vec<Plan> = plans.into_iter().flatten().collect();
        std::fs::create_dir_all(&self.drawn.out).map_err(|error| self.failed(&error))?;
        let store = Store::open(&self.store_path(&plans, shard), Missing::Make);
        let batch = store.and_then(|store| Batch::new(&mut plans, shard, store, self.fresh));
        let mut batch = batch.map_err(|found| fault(found, common.json))?;
        batch.tell();
        match shard {
            Some(_) => self.study_part(&mut plans, &mut batch),
            None => self.study_all(&mut plans, &mut batch),
        }
    }

    /// Studies everything, and tells it experiment by experiment.
    fn study_all(&self, plans: &mut [Plan], batch: &mut Batch) -> Verdict {
        if self.require_complete && batch.taken < batch.points {
            let missing = batch.points - batch.taken;
            let store = batch.store.path().display();
            // Which further loads there are is known only after those before them.
            let lacks = if batch.points < batch.most_points { "lacks at least" } else { "lacks" };
            return Err(Failure::Work(format!("the store {store} {lacks} {missing} of {} points", batch.points)));
        }
        let common = &self.common;
        let bar = progress::bar(batch.most_points, batch.taken);
        let mut studies = Vec::new();
        for (index, plan) in plans.iter_mut().enumerate() {
            let findings = common.on_threads(|| batch.complete(index, plan, &|| bar.inc(1)))?;
            let findings = findings.map_err(|found| interruption(found, common.json))?;
            let Some(study) = run::conclude(plan, findings) else { continue };
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

    /// Studies the points of one part.
    fn study_part(&self, plans: &mut [Plan], batch: &mut Batch) -> Verdict {
        let common = &self.common;
        let bar = progress::bar(batch.most_points, batch.taken);
        for (index, plan) in plans.iter_mut().enumerate() {
            let findings = common.on_threads(|| batch.complete(index, plan, &|| bar.inc(1)))?;
            findings.map_err(|found| interruption(found, common.json))?;
        }
        bar.finish_and_clear();
        let store = batch.store.path().display().to_string();
        if common.json {
            print_json(&json!({ "schema": SCHEMA, "store": store, "points": batch.points, "taken": batch.taken }));
        } else if batch.points == 0 {
            print(
                "this part has no points: there are more parts than points, or than series where loads are added (refine)\n",
            );
        } else {
            print(&format!("all {} points of this part are in {store}\n", batch.points));
        }
        Ok(())
    }

    fn shard(&self, diagnostics: &mut Diagnostics) -> Option<Shard> {
        let shard = Shard::of(self.shard.as_deref()?, &|variable| std::env::var(variable).ok());
        shard.map_err(|found| diagnostics.extend(found)).ok()
    }

    fn store_path(&self, plans: &[Plan], shard: Option<Shard>) -> PathBuf {
        let name = match plans {
            [only] => only.space.name.as_str(),
            _ => "forescale",
        };
        let file = || shard.map_or_else(|| "forescale.sqlite".to_owned(), |shard| shard.file_name(name));
        self.store.clone().unwrap_or_else(|| self.drawn.out.join(file()))
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::Work(format!("cannot write to {}: {error}", self.drawn.out.display()))
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
        let failed = |error: std::io::Error| self.failed(&error);
        let text = document(study).unwrap_or_default();
        std::fs::write(self.drawn.out.join(format!("{}.json", study.name)), text).map_err(failed)?;
        let files =
            draw(study, &self.drawn.out, &plan.space.experiment.kinds(), self.drawn.formats()).map_err(failed)?;
        if !self.common.json {
            let charts = files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "svg")).count();
            eprintln!(
                "{}: {charts} charts in {}, digest {}",
                study.name,
                self.drawn.out.display(),
                &study.digest[..16]
            );
        }
        Ok(())
    }
}

/// The points of all experiments that are wanted, and those that are there.
struct Batch {
    store: Store,
    fresh: bool,
    shard: Option<Shard>,
    /// By plan, and the number of parts of all plans before it.
    findings: Vec<(usize, Findings)>,
    /// Those that are known to be wanted, and those that may come to be.
    points: usize,
    most_points: usize,
    taken: usize,
}

impl Batch {
    fn new(plans: &mut [Plan], shard: Option<Shard>, store: Store, fresh: bool) -> Result<Self, Fault> {
        let mut batch = Self { store, fresh, shard, findings: Vec::new(), points: 0, most_points: 0, taken: 0 };
        let mut before = 0;
        for plan in plans {
            let mut findings = vec![None; plan.points.len()];
            if !fresh {
                findings = run::stored(plan, &batch.wanted(before, plan), &batch.store)?;
                let take = |point: &PlannedPoint| batch.store.get(&Key::of(point));
                refine(plan, &mut findings, &batch.wanted_series(before), &take)?;
            }
            batch.taken += findings.iter().flatten().count();
            batch.points += batch.wanted_points(before, plan);
            batch.most_points += batch.most_points(before, plan);
            batch.findings.push((before, findings));
            before += plan.parts();
        }
        Ok(batch)
    }

    /// The points of a plan that are wanted, as far as they are known.
    fn wanted_points(&self, before: usize, plan: &Plan) -> usize {
        let wanted = self.wanted(before, plan);
        (0..plan.points.len()).filter(|index| wanted(*index)).count()
    }

    /// Those that may come to be wanted, if every curve bends.
    fn most_points(&self, before: usize, plan: &Plan) -> usize {
        if plan.refinements == 0 {
            return self.wanted_points(before, plan);
        }
        let wanted = self.wanted_series(before);
        let of_series = |series: usize| plan.listed(series) + plan.refinements;
        (0..plan.series.len()).filter(|series| wanted(*series)).map(of_series).sum()
    }

    /// Whether a point of the plan before which there are so many parts belongs to the part that is wanted.
    fn wanted<'p>(&self, before: usize, plan: &'p Plan) -> impl Fn(usize) -> bool + Sync + use<'p> {
        let shard = self.shard;
        move |index| shard.is_none_or(|shard| shard.has(before + plan.part(index)))
    }

    /// Whether a series that gets further loads belongs to the part that is wanted.
    fn wanted_series(&self, before: usize) -> impl Fn(usize) -> bool + Sync + use<> {
        let shard = self.shard;
        move |series| shard.is_none_or(|shard| shard.has(before + series))
    }

    fn tell(&self) {
        if self.taken > 0 {
            let store = self.store.path().display();
            let is_known = self.taken == self.points || self.points == self.most_points;
            let points = if is_known { self.points.to_string() } else { format!("at most {}", self.most_points) };
            eprintln!("{} of {points} points are taken from {store}", self.taken);
        }
    }

    /// Studies what is wanted of a plan and not there, and the loads where its curves turn out to bend.
    fn complete(&mut self, index: usize, plan: &mut Plan, done: &(dyn Fn() + Sync)) -> Result<Findings, Interruption> {
        let Some((before, findings)) = self.findings.get_mut(index) else { return Ok(Vec::new()) };
        let (before, mut findings) = (*before, std::mem::take(findings));
        let known = self.wanted_points(before, plan);
        run::complete(plan, &mut findings, &self.wanted(before, plan), &self.store, self.fresh, done)?;
        let take = |point: &PlannedPoint| {
            let finding = take_or_study(point, &self.store, self.fresh)?;
            done();
            Ok(Some(finding))
        };
        refine(plan, &mut findings, &self.wanted_series(before), &take)?;
        self.points += self.wanted_points(before, plan) - known;
        Ok(findings)
    }
}
