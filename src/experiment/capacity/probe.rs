//! Points that no plan holds: a series of an experiment at any load, with further edits, at any precision.

use crate::diagnostic::{Diagnostics, Place};
use crate::experiment::finding::Finding;
use crate::experiment::metric::Metric;
use crate::experiment::pipeline::Settings;
use crate::experiment::plan::{Plan, PlannedPoint, load_point, model_of};
use crate::experiment::run::{Interruption, take_or_study};
use crate::experiment::store::Store;
use crate::experiment::study::{Objective, Point, Verdict};
use crate::experiment::verdict::{CAUTION, judged};
use crate::model::{Edit, Resource, resources};

/// Why a search did not come to its end.
#[derive(Clone, Debug)]
pub enum Failure {
    /// A point could not be studied or kept.
    Interrupted(Interruption),
    /// The model cannot be run at a load that the search came to.
    Diagnosed(Diagnostics),
}

/// Studies points of a plan's series, or takes them from the store.
pub struct Prober<'a> {
    pub plan: &'a Plan,
    pub store: &'a Store,
    pub fresh: bool,
    /// For whoever asks whether a load is carried, and for whoever compares.
    judging: Settings,
    comparing: Settings,
}

impl<'a> Prober<'a> {
    pub fn new(plan: &'a Plan, store: &'a Store, fresh: bool) -> Self {
        let wanted = &plan.space.settings;
        let aimed = |factor: f64| Settings {
            precision: factor * wanted.precision,
            bias: factor * wanted.bias,
            ..wanted.clone()
        };
        // A load is looked at until it can be judged, if need be to twice the precision that the experiment asks for.
        let decides = plan.space.objectives.iter().filter(|objective| limits_load(objective)).cloned().collect();
        let judging = Settings { decides, ..aimed(0.5) };
        Self { plan, store, fresh, judging, comparing: aimed(2.0) }
    }

    /// The operation whose latency is looked at, or `"all"`.
    pub(super) fn operation(&self) -> &str {
        self.plan.space.settings.operation.as_deref().unwrap_or("all")
    }

    /// Whether loads are whole numbers.
    pub(super) fn is_whole(&self) -> bool {
        self.plan.space.load_axis.is_whole
    }

    /// The heaviest load that the experiment lists.
    pub(super) fn heaviest(&self) -> f64 {
        self.plan.loads.last().copied().unwrap_or(f64::INFINITY)
    }

    /// The load that the model has as it is written.
    pub(super) fn written_load(&self) -> Option<f64> {
        self.plan.space.load_axis.written
    }

    /// An edit that the search makes.
    pub(super) fn edit(&self, path: &str, value: f64) -> Edit {
        let origin = Place::whole("the search", path);
        Edit { path: path.to_owned(), value: format!("{value}"), path_origin: origin.clone(), value_origin: origin }
    }

    /// Studies a series at a load until it can be judged.
    pub(super) fn look(&self, series: usize, load: f64, edits: &[Edit]) -> Result<Finding, Failure> {
        self.study(series, load, edits, &self.judging)
    }

    /// Studies a series at a load as coarsely as is good enough to be compared with others.
    pub(super) fn sketch(&self, series: usize, load: f64, edits: &[Edit]) -> Result<Finding, Failure> {
        self.study(series, load, edits, &self.comparing)
    }

    fn study(&self, series: usize, load: f64, edits: &[Edit], settings: &Settings) -> Result<Finding, Failure> {
        let mut diagnostics = Diagnostics::new();
        let edits = self.edits(series, load, edits);
        let Some(compiled) = load_point(&self.plan.space.file, &edits, false, &mut diagnostics) else {
            return Err(Failure::Diagnosed(diagnostics));
        };
        let point = PlannedPoint { series, load, compiled, settings: settings.clone() };
        take_or_study(&point, self.store, self.fresh).map_err(Failure::Interrupted)
    }

    /// What the nodes of a series have so much of.
    pub(super) fn resources(&self, series: usize, load: f64, edits: &[Edit]) -> Vec<Resource> {
        let model = model_of(&self.plan.space.file, &self.edits(series, load, edits));
        model.map_or_else(Vec::new, |model| resources(&model))
    }

    fn edits(&self, series: usize, load: f64, further: &[Edit]) -> Vec<Edit> {
        let mut edits = self.plan.series[series].edits.clone();
        edits.push(self.plan.space.load_axis.edit(load));
        edits.extend_from_slice(further);
        edits
    }

    /// The verdict over all objectives, and the objective that is missed; none if it is stability that is missed.
    ///
    /// What gets easier with load, a throughput or the cost of a request, limits no load and is left out.
    pub(super) fn judge(&self, point: &Point) -> (Verdict, Option<&Objective>) {
        judged(self.plan.space.objectives.iter().filter(|objective| limits_load(objective)), point, CAUTION)
    }
}

/// Whether an objective gets harder to meet with more load.
pub fn limits_load(objective: &Objective) -> bool {
    !matches!(objective.quantity, Metric::Throughput | Metric::CostPerMillion)
}
