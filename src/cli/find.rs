//! `forescale find EXPERIMENT...`

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::{
    Common, Drawn, Failure, Kept, Verdict, interruption, open_store, print, print_experiments, progress, same_name,
    search_document, settle, show, unwritable, write_document, wrong_option,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::find::{Effort, find, usual_studies};
use crate::experiment::plan::{self, Space};
use crate::experiment::store::Store;
use crate::report::chart::{Source, draw_found};
use crate::report::table;

#[derive(Debug, Args)]
pub(super) struct Find {
    /// Experiment files with objectives; the search is over their variants and further axes
    #[arg(required = true)]
    experiments: Vec<PathBuf>,
    /// The load that is to be carried, such as 20_000 or 300/s [default: the heaviest of `load`]
    #[arg(long, value_name = "LOAD")]
    load: Option<String>,
    /// Looks before the last rounds at most [default: one configuration in eight, between 64 and 400]
    ///
    /// Steps beside the best that was found come on top, at most as many again.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(4..=100_000))]
    studies: Option<u32>,
    #[command(flatten)]
    drawn: Drawn,
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    common: Common,
}

impl Find {
    pub(super) fn run(&self) -> Verdict {
        let mut diagnostics = Diagnostics::new();
        let common = &self.common;
        let mut searches: Vec<(Space, f64)> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for path in &self.experiments {
            let Some(space) = plan::load_space(path, common.quick, common.seed, &mut diagnostics) else { continue };
            check(&space, path, &mut diagnostics);
            if names.contains(&space.name) {
                diagnostics.push(same_name(&space.name, path));
            }
            names.push(space.name.clone());
            searches.extend(self.load(&space, &mut diagnostics).map(|load| (space, load)));
        }
        settle(&diagnostics, common.json)?;
        let store = open_store(&self.kept.store, common.json)?;
        let mut documents = Vec::new();
        for (space, load) in &searches {
            documents.push(self.search(space, *load, &store)?);
        }
        if common.json {
            print_experiments(&documents);
        }
        Ok(())
    }

    /// The load to be carried.
    fn load(&self, space: &Space, diagnostics: &mut Diagnostics) -> Option<f64> {
        let Some(text) = &self.load else { return space.loads().last().copied() };
        let load = space.read_load(text);
        if load.is_none() {
            let message = "this is no load like those that the experiment lists";
            let help = "write it as the experiment does, for example --load 20_000 or --load 300/s";
            diagnostics.extend(wrong_option("--load", text, message, help));
        }
        load
    }

    /// Searches one experiment, writes its results and its chart, and tells them.
    fn search(&self, space: &Space, load: f64, store: &Store) -> Result<serde_json::Value, Failure> {
        let common = &self.common;
        let most_studies = self.studies.map_or_else(|| usual_studies(space), |studies| studies as usize);
        let effort = Effort { most_studies, fresh: self.kept.fresh };
        let sign = progress::sign_of_life();
        sign.set_message(space.name.clone());
        let found = common.on_threads(|| find(space, load, store, effort))?;
        let found = found.map_err(|found| interruption(found, common.json))?;
        sign.finish_and_clear();
        if found.looked_at == 0 {
            let place = Place::whole(space.name.clone(), "");
            let title = "no combination holds all constraints and makes a model at this load";
            let help = "loosen a constraint, give an axis other values, or ask for another load";
            show(&Diagnostic::error("nothing-to-run", place, title).help(help).into(), common.json);
            return Err(Failure::Input);
        }
        let source = Source::of(space, &found);
        let document = search_document(space, "found", &found);
        write_document(&document, &self.drawn.out, &format!("{}-find.json", space.name))?;
        let formats = self.drawn.formats();
        draw_found(&source, &found, &self.drawn.out, formats).map_err(|error| unwritable(&self.drawn.out, &error))?;
        if !common.json {
            print(&table::found(&space.experiment.title, &space.load_axis.label, &space.objectives, &found));
            if space.quick {
                print("A quick first look: leave --quick out before deciding.\n");
            }
            eprintln!("{}: a chart in {}, digest {}", space.name, self.drawn.out.display(), &source.digest[..16]);
        }
        Ok(document)
    }
}

/// Reports what keeps an experiment from having a cheapest configuration.
fn check(space: &Space, path: &Path, diagnostics: &mut Diagnostics) {
    let mut wrong = |code, title: &str, help: &str| {
        let place = Place::whole(path.display().to_string(), "");
        diagnostics.push(Diagnostic::error(code, place, title).help(help));
    };
    if space.objectives.is_empty() {
        let title = "without an objective, the cheapest configuration is the one with the least of everything";
        wrong("no-objectives", title, "add for example objectives: [ Latency(quantile: P99, below: \"300ms\") ]");
    }
    if space.size() < 2.0 {
        let title = "there is only one configuration, and nothing to choose";
        wrong("nothing-to-choose", title, "add variants, or axes with the values that may be chosen");
    }
}
