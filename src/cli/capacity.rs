//! `forescale capacity EXPERIMENT...`

use std::path::PathBuf;

use clap::Args;

use crate::cli::series::wanted;
use crate::cli::{
    Common, Failure, Kept, Verdict, interruption, open_store, print, print_experiments, progress, search_document,
    settle, share, show,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::capacity::{self, Prober};
use crate::experiment::plan::{self, Plan};
use crate::experiment::store::Store;
use crate::report::table;

#[derive(Debug, Args)]
pub(super) struct Capacity {
    /// Experiment files with objectives; loads are searched from the first to the last of `load` and beyond
    #[arg(required = true)]
    experiments: Vec<PathBuf>,
    /// Only the series of this variant, such as "cache", or the one with this name, such as "cache, pods 10" (may be repeated)
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,
    /// The width of the interval of loads that is narrow enough
    #[arg(long, default_value = "2%")]
    tolerance: String,
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    common: Common,
}

impl Capacity {
    pub(super) fn run(&self) -> Verdict {
        let mut diagnostics = Diagnostics::new();
        let common = &self.common;
        let tolerance = share("--tolerance", &self.tolerance, &mut diagnostics);
        let load = |path: &PathBuf| {
            let plan = plan::load(path, common.quick, common.seed, &mut diagnostics)?;
            check(&plan, path, &mut diagnostics);
            let series = wanted(&plan, &self.variant, &mut diagnostics);
            Some((plan, series))
        };
        let plans: Vec<Option<(Plan, Vec<usize>)>> = self.experiments.iter().map(load).collect();
        settle(&diagnostics, common.json)?;
        let store = open_store(&self.kept.store, common.json)?;
        let mut documents = Vec::new();
        for (plan, series) in plans.iter().flatten() {
            documents.push(self.search(plan, series, &store, tolerance)?);
        }
        if common.json {
            print_experiments(&documents);
        }
        Ok(())
    }

    /// Searches series of an experiment, and tells what was found.
    fn search(
        &self,
        plan: &Plan,
        series: &[usize],
        store: &Store,
        tolerance: f64,
    ) -> Result<serde_json::Value, Failure> {
        let common = &self.common;
        let prober = Prober::new(plan, store, self.kept.fresh);
        let sign = progress::sign_of_life();
        let mut capacities = Vec::new();
        for index in series {
            sign.set_message(plan.series[*index].name.clone());
            let found = common.on_threads(|| capacity::capacity(&prober, *index, tolerance))?;
            capacities.push(found.map_err(|failure| match failure {
                capacity::Failure::Interrupted(found) => interruption(found, common.json),
                capacity::Failure::Diagnosed(found) => {
                    show(&found, common.json);
                    Failure::Input
                }
            })?);
        }
        sign.finish_and_clear();
        if !common.json {
            let objectives: Vec<_> =
                plan.space.objectives.iter().filter(|objective| capacity::limits_load(objective)).cloned().collect();
            print(&table::capacities(
                &plan.space.experiment.title,
                &plan.space.load_axis.label,
                &objectives,
                &capacities,
            ));
        }
        Ok(search_document(&plan.space, "capacities", &capacities))
    }
}

/// Reports what keeps an experiment from having a capacity.
fn check(plan: &Plan, path: &std::path::Path, diagnostics: &mut Diagnostics) {
    let place = Place::whole(path.display().to_string(), "");
    for objective in plan.space.objectives.iter().filter(|objective| !capacity::limits_load(objective)) {
        let title = format!("`{}` is easier to meet with more load, and is left out of the search", objective.name);
        diagnostics
            .push(Diagnostic::warning("no-limit", place.clone(), title).help("keep it for `run`, which judges it"));
    }
    if !plan.space.objectives.iter().any(capacity::limits_load) {
        let title = "without an objective that gets harder with load, every load is good enough";
        let help = "add for example objectives: [ Latency(quantile: P99, below: \"300ms\") ]";
        diagnostics.push(Diagnostic::error("no-objectives", place.clone(), title).help(help));
    }
    if plan.space.load_axis.moves_others {
        let title = "the load moves other paths with it, which have no values between those that are listed";
        let help = "leave `with` out of `load`, and put what belongs to one load into a variant";
        diagnostics.push(Diagnostic::error("lockstep-load", place, title).help(help));
    }
}
