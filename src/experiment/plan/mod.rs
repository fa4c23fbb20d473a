//! An experiment file to points that are ready to run.
//!
//! | file | what it holds |
//! |---|---|
//! | `model_file` | the model, and a point as the model with some edits |
//! | `settings` | how points are studied |
//! | `axes`, `steps`, `number` | values along axes, as edits |
//! | `load_axis` | loads that nobody listed |
//! | `constraints`, `grid` | combinations of axes, and which of them run |
//! | `variants`, `paths` | named edits and sums of them |
//! | `objectives` | what a design must meet |
//! | `points` | all of it as compiled points, series by series |

mod axes;
mod constraints;
mod grid;
mod load_axis;
mod model_file;
mod number;
mod objectives;
mod paths;
mod points;
mod settings;
mod steps;
mod variants;

use std::collections::BTreeMap;
use std::path::Path;

pub use grid::MOST_POINTS;
pub use load_axis::LoadAxis;
pub use model_file::{ModelFile, load_point, model_of, read_file};

use crate::diagnostic::parse::parse_partly;
use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::pipeline::Settings;
use crate::experiment::plan::axes::Axis;
use crate::experiment::plan::grid::grid;
use crate::experiment::plan::model_file::load_sharing;
use crate::experiment::plan::points::Common;
use crate::experiment::plan::variants::{Variants, variants};
use crate::experiment::study;
use crate::experiment::written::Experiment;
use crate::files;
use crate::model::{Compiled, Edit, KeyTables};

/// One configuration at one load, ready to run.
#[derive(Clone, Debug)]
pub struct PlannedPoint {
    /// Index into the plan's series.
    pub series: usize,
    pub load: f64,
    pub compiled: Compiled,
    pub settings: Settings,
}

/// One variant at one combination of the further axes: what a line in a chart shows.
#[derive(Clone, Debug)]
pub struct Series {
    /// Unlike any other, for example `cache, pods 10`.
    pub name: String,
    pub variant: String,
    /// The value of each further axis, as it was written.
    pub settings: BTreeMap<String, String>,
    /// What makes the model this series, but for the load.
    pub edits: Vec<Edit>,
}

/// An experiment ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    /// Whether it is only a first look.
    pub quick: bool,
    pub experiment: Experiment,
    pub experiment_text: String,
    pub file: ModelFile,
    /// How points are studied.
    pub settings: Settings,
    pub loads: Vec<f64>,
    pub load_axis: LoadAxis,
    /// The further axes.
    pub axes: Vec<study::FurtherAxis>,
    pub constraints: Vec<study::Constraint>,
    pub objectives: Vec<study::Objective>,
    /// The variant that others are compared with.
    pub baseline: String,
    pub series: Vec<Series>,
    /// Series by series, in order of load.
    pub points: Vec<PlannedPoint>,
}

/// What the results of an experiment are named: the stem of its file.
pub fn name(path: &Path) -> String {
    path.file_stem().map_or_else(|| "experiment".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// Reads an experiment and everything it names. Warnings go to `diagnostics` too.
pub fn load(path: &Path, quick: bool, seed: Option<u64>, diagnostics: &mut Diagnostics) -> Option<Plan> {
    load_with(path, None, quick, seed, diagnostics)
}

/// As [`load`], with another model in the place of the one that the experiment names.
pub fn load_with(
    path: &Path,
    model: Option<&Path>,
    quick: bool,
    seed: Option<u64>,
    diagnostics: &mut Diagnostics,
) -> Option<Plan> {
    let document = match read_file(path) {
        Ok(document) => document,
        Err(found) => {
            diagnostics.extend(found);
            return None;
        }
    };
    // What is wrong is left out, so that the rest can be looked at too.
    let experiment: Experiment = parse_partly(&document, diagnostics).value?;
    let file = match model {
        Some(model) => read_file(model)
            .map(|document| ModelFile::new(document, model))
            .map_err(|found| diagnostics.extend(found))
            .ok()?,
        None => open_model(path, &experiment, &document, diagnostics)?,
    };
    let settings = settings::settings(&experiment, &document, quick, seed, diagnostics);
    let objectives = objectives::objectives(&experiment, &document, diagnostics);
    let load = axes::load(&experiment.load, &document, diagnostics);
    let further = axes::further(&experiment.axes, &experiment.load, &document, diagnostics);
    let Variants { list, baseline } = variants(&experiment, &document, diagnostics);
    let axes = load.zip(further);
    let grid =
        axes.as_ref().and_then(|(load, further)| grid(&experiment, load, further, list.len(), &document, diagnostics));
    let (Some((load, further)), Some(grid)) = (axes, grid) else {
        // Without axes there are no points, but what is wrong with the variants can be told already.
        let mut tables = KeyTables::default();
        for variant in &list {
            load_sharing(&file, &variant.edits, false, &mut tables, diagnostics);
        }
        return None;
    };
    let has_variants = !experiment.variants.is_empty();
    let common = Common { file: &file, load: &load, further: &further, settings: &settings, has_variants };
    let (series, points) = common.points(&list, &grid, diagnostics);
    if let Some(point) = points.first() {
        let requested: Vec<&str> = point.compiled.requested().collect();
        objectives::check_operations(&experiment, &requested, &document, diagnostics);
    }
    if diagnostics.has_errors() {
        return None;
    }
    Some(Plan {
        name: name(path),
        quick,
        experiment_text: document.text().to_owned(),
        experiment,
        load_axis: LoadAxis::of(&load, &file.document)?,
        file,
        settings,
        loads: load.values.iter().map(|value| value.number).collect(),
        axes: further.iter().map(Axis::described).collect(),
        constraints: grid.constraints,
        objectives,
        baseline: list.get(baseline).map(|variant| variant.name.clone()).unwrap_or_default(),
        series,
        points,
    })
}

fn open_model(
    path: &Path,
    experiment: &Experiment,
    document: &Document,
    diagnostics: &mut Diagnostics,
) -> Option<ModelFile> {
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    let model_path = directory.join(&experiment.model.value);
    match files::open(&model_path).and_then(std::io::read_to_string) {
        Ok(text) => Some(ModelFile::new(Document::new(model_path.display().to_string(), text), &model_path)),
        Err(error) => {
            let place = document.place(experiment.model.span);
            let message = format!("cannot read the model {}: {error}", model_path.display());
            let help = "write the path as seen from the experiment file, such as \"../models/shop.ron\"";
            diagnostics.push(Diagnostic::error("unreadable-file", place, message).help(help));
            None
        }
    }
}
