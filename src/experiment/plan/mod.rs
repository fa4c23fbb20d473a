//! An experiment file to points that are ready to run.
//!
//! | file | what it holds |
//! |---|---|
//! | `model_file` | the model, and a point as the model with some edits |
//! | `settings` | how points are studied |
//! | `axes`, `steps` | values along axes, as edits |
//! | `load_axis` | loads that nobody listed |
//! | `constraints`, `evaluate`, `grid` | combinations of axes, and which of them run |
//! | `variants`, `paths` | named edits and sums of them |
//! | `objectives` | what a design must meet |
//! | `space` | all of it, understood, before any point is made |
//! | `moments` | whether what controllers do by the clock comes before the end |
//! | `windows` | whether the windows of all points can be kept |
//! | `points` | every point compiled, series by series |
//! | `refined` | further loads of a series, where its curve bends |

mod axes;
mod constraints;
mod evaluate;
mod grid;
mod load_axis;
mod model_file;
mod moments;
mod objectives;
mod paths;
mod points;
mod refined;
mod settings;
mod space;
mod steps;
mod variants;
mod windows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use grid::MOST_POINTS;
pub use load_axis::LoadAxis;
pub use model_file::{ModelFile, load_document, load_point, model_of, read_file};
pub use moments::check_moments;
pub(crate) use paths::covers;
pub use space::{Dimension, Space};

use crate::diagnostic::Diagnostics;
use crate::experiment::pipeline::Settings;
use crate::experiment::plan::axes::Axis;
use crate::experiment::plan::grid::grid;
use crate::experiment::plan::points::points;
use crate::experiment::study;
use crate::model::{Compiled, Edit};

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
    /// The index of its variant, and of its value on each further axis.
    pub configuration: Vec<usize>,
}

/// An experiment ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the experiment says.
    pub space: Space,
    /// The loads that are listed.
    pub loads: Vec<f64>,
    /// Further loads that a series may get.
    pub refinements: usize,
    /// The further axes, as results tell them.
    pub axes: Vec<study::FurtherAxis>,
    /// As results tell them.
    pub constraints: Vec<study::Constraint>,
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

/// Reads an experiment that may span too many configurations to make all of them; every value is looked at once.
pub fn load_space(path: &Path, quick: bool, seed: Option<u64>, diagnostics: &mut Diagnostics) -> Option<Space> {
    let space = Space::load(path, None, quick, seed, diagnostics)?;
    space.check_constraints(diagnostics);
    space.check_values(diagnostics);
    (!diagnostics.has_errors()).then_some(space)
}

/// What a look at an experiment found, if it has no mistake.
#[derive(Debug)]
pub struct Checked {
    /// The model that it varies.
    pub model: PathBuf,
    /// All of it; `None` where there are too many points to run them all.
    pub plan: Option<Plan>,
}

/// Looks at all of an experiment and runs nothing: at every point, or at every value once where there are too many points to
/// run them all.
pub fn check(path: &Path, diagnostics: &mut Diagnostics) -> Option<Checked> {
    let space = Space::load(path, None, false, None, diagnostics)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let model = directory.join(&space.experiment.model.value);
    if space.size() * space.loads().len() as f64 > MOST_POINTS as f64 {
        space.check_constraints(diagnostics);
        space.check_values(diagnostics);
        return Some(Checked { model, plan: None });
    }
    Some(Checked { model, plan: Some(plan(space, diagnostics)?) })
}

/// As [`load`], with another model in the place of the one that the experiment names.
pub fn load_with(
    path: &Path,
    model: Option<ModelFile>,
    quick: bool,
    seed: Option<u64>,
    diagnostics: &mut Diagnostics,
) -> Option<Plan> {
    plan(Space::load(path, model, quick, seed, diagnostics)?, diagnostics)
}

/// Every point of a space.
fn plan(space: Space, diagnostics: &mut Diagnostics) -> Option<Plan> {
    let Some(grid) = grid(&space, diagnostics) else {
        space.check_variants(diagnostics);
        return None;
    };
    let (series, points) = points(&space, &grid, diagnostics);
    let refinements = space.refinements(diagnostics);
    windows::check(&space.experiment, &points, series.len() * refinements, &space.document, diagnostics);
    if let Some(point) = points.first() {
        space.check_operations(&point.compiled, diagnostics);
    }
    space.check_measures(points.iter().map(|point| &point.compiled), diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    Some(Plan {
        loads: space.loads(),
        axes: space.axes.iter().map(Axis::described).collect(),
        baseline: space.variants.get(space.baseline).map(|variant| variant.name.clone()).unwrap_or_default(),
        constraints: grid.constraints,
        refinements,
        series,
        points,
        space,
    })
}
