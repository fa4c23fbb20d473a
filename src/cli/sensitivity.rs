//! `forescale sensitivity EXPERIMENT...`

use std::path::PathBuf;

use clap::Args;

use crate::cli::series::wanted;
use crate::cli::{
    Common, Drawn, Failure, Kept, Verdict, interruption, open_store, print, print_experiments, progress, same_name,
    search_document, settle, show, unwritable, write_document, wrong_option,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::plan::{self, Plan};
use crate::experiment::sensitivity::{self, DRAWS, MOST_STUDIES, Question};
use crate::experiment::store::Store;
use crate::report::chart::{Source, draw_tornadoes};
use crate::report::table;

/// Draws where nobody says how many, and for a first look.
const DRAWS_USUAL: u32 = 100;
const DRAWS_QUICK: u32 = 40;

#[derive(Debug, Args)]
pub(super) struct Sensitivity {
    /// Experiment files; their models may state what is measured and what is a guess, under `assumptions`
    #[arg(required = true)]
    experiments: Vec<PathBuf>,
    /// Only the series of this variant, such as "cache", or the one with this name, such as "cache, pods 10" (may be repeated)
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,
    /// The load to look at [default: the one in the model, or else the middle one of the experiment]
    #[arg(long, value_name = "LOAD")]
    load: Option<String>,
    /// Points of the Latin hypercube, 10 to 10,000 [default: 100, with --quick 40]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(10..=10_000))]
    draws: Option<u32>,
    #[command(flatten)]
    drawn: Drawn,
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    common: Common,
}

impl Sensitivity {
    pub(super) fn run(&self) -> Verdict {
        let mut diagnostics = Diagnostics::new();
        let common = &self.common;
        let mut plans: Vec<Plan> = Vec::new();
        for path in &self.experiments {
            let Some(plan) = plan::load(path, common.quick, common.seed, &mut diagnostics) else { continue };
            if plans.iter().any(|known| known.space.name == plan.space.name) {
                diagnostics.push(same_name(&plan.space.name, path));
            }
            plans.push(plan);
        }
        let asked: Vec<Option<Question<'_>>> = plans.iter().map(|plan| self.question(plan, &mut diagnostics)).collect();
        settle(&diagnostics, common.json)?;
        let store = open_store(&self.kept.store, common.json)?;
        let mut documents = Vec::new();
        for (plan, question) in plans.iter().zip(asked.iter().flatten()) {
            documents.push(self.study(plan, question, &store)?);
        }
        if common.json {
            print_experiments(&documents);
        }
        Ok(())
    }

    fn draws(&self) -> u32 {
        let usual = if self.common.quick { DRAWS_QUICK } else { DRAWS_USUAL };
        self.draws.unwrap_or(usual).clamp(*DRAWS.start(), *DRAWS.end())
    }

    /// What is asked of an experiment; what keeps it from being answered is reported.
    fn question<'p>(&self, plan: &'p Plan, diagnostics: &mut Diagnostics) -> Option<Question<'p>> {
        let before = diagnostics.errors();
        let place = Place::whole(&plan.space.name, "");
        let load = match &self.load {
            Some(text) => self.load(text, plan, diagnostics),
            None => Some(sensitivity::usual_load(plan)),
        };
        let series = wanted(plan, &self.variant, diagnostics);
        if series.len().saturating_mul(self.draws() as usize) > MOST_STUDIES {
            let title = format!("{} draws of each of {} series are more than 100,000", self.draws(), series.len());
            let help = "name the series that matter with --variant, or ask for fewer --draws";
            diagnostics.push(Diagnostic::error("too-many-points", place.clone(), title).help(help));
        }
        if plan.space.objectives.is_empty() {
            let title = "without objectives, the only verdict is whether the load is held";
            let help = "add for example objectives: [ Latency(quantile: P99, below: \"300ms\") ]";
            diagnostics.push(Diagnostic::warning("no-objectives", place.clone(), title).help(help));
        }
        if diagnostics.errors() > before {
            return None;
        }
        let question = Question::new(plan, load?, &series, diagnostics)?;
        if question.assumptions() == 0 {
            let title = "the model assumes nothing: it has no law of times, and states no assumptions";
            let help = "state what is uncertain, such as `assumptions: { \"nodes.postgres.contention\": Guess }`";
            diagnostics.push(Diagnostic::error("no-assumptions", place, title).help(help));
            return None;
        }
        Some(question)
    }

    fn load(&self, text: &str, plan: &Plan, diagnostics: &mut Diagnostics) -> Option<f64> {
        let axis = &plan.space.load_axis;
        let Some(load) = axis.read(text) else {
            let message = format!("`{text}` is no load such as those of {}", plan.space.name);
            let example = plan.space.experiment.load.path.value.as_str();
            let help = format!("write it as `{example}` is written, above zero: 5_000, or 400/s for a rate");
            diagnostics.extend(wrong_option("--load", text, &message, &help));
            return None;
        };
        if axis.edits(load).is_none() {
            let message = "the load moves other paths with it, which have values at the listed loads only";
            let listed: Vec<String> = plan.loads.iter().take(12).map(f64::to_string).collect();
            diagnostics.extend(wrong_option("--load", text, message, &format!("name one of {}", listed.join(", "))));
            return None;
        }
        Some(load)
    }

    /// Studies one experiment, writes its results and charts, and tells them.
    fn study(&self, plan: &Plan, question: &Question<'_>, store: &Store) -> Result<serde_json::Value, Failure> {
        let common = &self.common;
        let bar = progress::bar(question.points(self.draws()), 0);
        let done = || bar.inc(1);
        let found = common.on_threads(|| question.answer(self.draws(), store, self.kept.fresh, &done))?;
        bar.finish_and_clear();
        let found = found.map_err(|failure| match failure {
            sensitivity::Failure::Interrupted(found) => interruption(found, common.json),
            sensitivity::Failure::Diagnosed(found) => {
                show(&found, common.json);
                Failure::Input
            }
        })?;
        let source = Source::of(&plan.space, &found);
        let document = search_document(&plan.space, "sensitivity", &found);
        let failed = |error: std::io::Error| unwritable(&self.drawn.out, &error);
        write_document(&document, &self.drawn.out, &format!("{}-sensitivity.json", plan.space.name))?;
        let formats = self.drawn.formats();
        let files = draw_tornadoes(&source, &found, &self.drawn.out, formats).map_err(failed)?;
        if !common.json {
            print(&table::sensitivity(
                &plan.space.experiment.title,
                &plan.space.load_axis.label,
                &plan.space.objectives,
                &found,
            ));
            let charts = files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "svg")).count();
            eprintln!(
                "{}: {charts} charts in {}, digest {}",
                plan.space.name,
                self.drawn.out.display(),
                &source.digest[..16]
            );
        }
        Ok(document)
    }
}
