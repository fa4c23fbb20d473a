//! How far a verdict hangs on what a model assumes, and on which of its assumptions.
//!
//! Second-order Monte Carlo (Helton & Davis, Reliability Engineering & System Safety 2003): the assumptions are drawn from
//! a Latin hypercube, and each draw is a simulation study of its own. All draws share the seed of the simulation, so that
//! what differs between them is the assumptions.
//!
//! ```text
//! assumptions of all series (declared, and every law of times) ─▶ one column of the hypercube each, by its path
//! series x draws ─▶ the model with these values ─▶ take it or study it, coarsely ─▶ p99, verdict, cost
//! ranks of each column with p99, with the verdict, with the cheapest series that meets all objectives ─▶ what decides
//! ```
//!
//! The interval of a single simulation says how well the model was computed; the spread over the draws says how well the
//! world is known.

mod decision;
mod effects;
mod outcome;
mod results;
mod space;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::diagnostic::Diagnostics;
use crate::experiment::metric::Metric;
use crate::experiment::pipeline::{Settings, memory_bytes};
use crate::experiment::plan::{Plan, PlannedPoint};
use crate::experiment::run::{Interruption, at_once, take_or_study};
use crate::experiment::sensitivity::decision::decision;
use crate::experiment::sensitivity::effects::{effects, reasons, share, spread};
use crate::experiment::sensitivity::outcome::{Outcome, all_met};
use crate::experiment::sensitivity::space::{Space, union};
use crate::experiment::store::Store;
use crate::model::Compiled;
use crate::statistics::latin_hypercube::latin_column;

pub use results::{
    Assumption, Choice, Deciding, Decision, Effect, HalfChoice, Reason, Sensitivity, SeriesSensitivity, Split, Spread,
    Written,
};

/// Draws that can be asked for: fewer tell nothing, and more than this nobody waits for.
pub const DRAWS: std::ops::RangeInclusive<u32> = 10..=10_000;

/// Studies of all draws of all series together.
pub const MOST_STUDIES: usize = 100_000;

/// Half widths of a draw's p99: twice what the experiment asks for, and this at least and at most. A draw's own error is
/// small beside what the assumptions do, and its verdict is one of many.
const COARSE: std::ops::RangeInclusive<f64> = 0.10..=0.30;

/// Replications of a draw at most, since each has to settle first; and requests after which a draw is given up.
const REPLICATIONS: u32 = 4;
const BUDGET: u64 = 10_000_000;

/// Why a study did not come to its end.
#[derive(Clone, Debug)]
pub enum Failure {
    /// A draw could not be studied or kept.
    Interrupted(Interruption),
    /// The values of a draw make no model together.
    Diagnosed(Diagnostics),
}

/// Some series of a plan at one load, and what is varied of each.
#[derive(Debug)]
pub struct Question<'a> {
    plan: &'a Plan,
    load: f64,
    spaces: Vec<Space>,
}

impl<'a> Question<'a> {
    /// The `series` of a plan at a load. What is wrong with it is reported.
    pub fn new(plan: &'a Plan, load: f64, series: &[usize], diagnostics: &mut Diagnostics) -> Option<Self> {
        let edits = plan.space.load_axis.edits(load)?;
        let before = diagnostics.errors();
        let space = |series: &usize| Space::of(plan, *series, &edits, diagnostics);
        let spaces: Option<Vec<Space>> = series.iter().map(space).collect();
        spaces.filter(|_| diagnostics.errors() == before).map(|spaces| Self { plan, load, spaces })
    }

    /// How many assumptions there are in all series together.
    pub fn assumptions(&self) -> usize {
        union(&self.spaces).len()
    }

    /// Points that an answer takes: draws, and each series as it is written.
    pub fn points(&self, draws: u32) -> usize {
        self.spaces.len() * (draws as usize + 1)
    }

    /// Studies every draw of every series, or takes it from the store. `done` is called as points end, in any order.
    ///
    /// # Errors
    /// When a draw makes no model, a run broke a law that every run must obey, or the store cannot be written.
    pub fn answer(
        &self,
        draws: u32,
        store: &Store,
        fresh: bool,
        done: &(dyn Fn() + Sync),
    ) -> Result<Sensitivity, Failure> {
        let Self { plan, load, spaces } = self;
        let operation = plan.space.settings.operation.as_deref().unwrap_or("all");
        let assumptions = union(spaces);
        let column = |one: &Assumption| latin_column(draws as usize, &one.path, plan.space.settings.seed);
        let columns: Vec<Vec<f64>> = assumptions.iter().map(column).collect();
        let index: BTreeMap<&str, usize> =
            assumptions.iter().enumerate().map(|(index, one)| (one.path.as_str(), index)).collect();
        let of_series = |space: &Space| -> Vec<usize> { space.varied.iter().map(|one| index[one.path()]).collect() };
        let settings = coarse(&plan.space.settings);
        let study = |space: &Space, compiled: Compiled, settings: &Settings| {
            let point = PlannedPoint { series: space.series, load: *load, compiled, settings: settings.clone() };
            let found = take_or_study(&point, store, fresh).map_err(Failure::Interrupted);
            done();
            found
        };
        let drawn = |space: &Space, draw: usize| {
            let shares: Vec<f64> = of_series(space).into_iter().map(|column| columns[column][draw]).collect();
            let compiled = space.draw(&shares).map_err(Failure::Diagnosed)?;
            Ok(Outcome::of(&study(space, compiled, &settings)?, &plan.space.objectives, operation))
        };
        let (mut series, mut outcomes) = (Vec::new(), Vec::new());
        for space in spaces {
            let point = study(space, space.written.clone(), &plan.space.settings)?.point;
            let written = Written {
                verdict: all_met(&point, &plan.space.objectives, 1.0),
                p99_s: Metric::P99.told(&point, operation),
                refusal: point.refusal.map(|refusal| refusal.code),
            };
            let mut found = Vec::new();
            let together = at_once(memory_bytes(&space.written, &settings));
            for some in (0..draws as usize).collect::<Vec<_>>().chunks(together) {
                let more: Result<Vec<Outcome>, Failure> = some.par_iter().map(|draw| drawn(space, *draw)).collect();
                found.extend(more?);
            }
            let own: Vec<&[f64]> = of_series(space).into_iter().map(|column| columns[column].as_slice()).collect();
            let described: Vec<Assumption> = space.varied.iter().map(|one| one.described()).collect();
            let name = plan.series[space.series].name.clone();
            series.push(told(name, written, &described, &own, &found));
            outcomes.push(found);
        }
        let names: Vec<&str> = series.iter().map(|one| one.variant.as_str()).collect();
        let all: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let decision = decision(&names, &assumptions, &all, &outcomes);
        Ok(Sensitivity {
            load: *load,
            draws,
            precision: settings.precision,
            replications: settings.replications,
            operation: operation.to_owned(),
            moved_paths: moved_paths(spaces),
            series,
            decision,
        })
    }
}

/// The load that is looked at if none is asked for: the one that the model has as it is written, because it is what its
/// author builds for, or else the middle one of the experiment.
pub fn usual_load(plan: &Plan) -> f64 {
    let middle = plan.loads.get(plan.loads.len().saturating_sub(1) / 2).copied().unwrap_or(1.0);
    plan.space
        .load_axis
        .written
        .filter(|load| *load > 0.0 && plan.space.load_axis.edits(*load).is_some())
        .unwrap_or(middle)
}

/// Reports assumptions whose ranges have ends that make no model, as a study would, but looks only at the first series of each
/// variant and at what the others do not share with it.
pub fn check_ranges(plan: &Plan, diagnostics: &mut Diagnostics) {
    let Some(edits) = plan.space.load_axis.edits(usual_load(plan)) else { return };
    let (mut variants, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (index, series) in plan.series.iter().enumerate() {
        if variants.insert(series.variant.as_str())
            && !diagnostics.is_full()
            && let Some(space) = Space::read(plan, index, &edits, &mut Diagnostics::new())
        {
            space.check_ends(&mut seen, diagnostics);
        }
    }
}

/// How draws are studied.
fn coarse(wanted: &Settings) -> Settings {
    let precision = (2.0 * wanted.precision).clamp(*COARSE.start(), *COARSE.end()).max(wanted.precision);
    Settings {
        precision,
        bias: wanted.bias * precision / wanted.precision,
        replications: wanted.replications.min(REPLICATIONS),
        budget: wanted.budget.min(BUDGET),
        ..wanted.clone()
    }
}

/// What the draws say about one series.
fn told(
    variant: String,
    written: Written,
    assumptions: &[Assumption],
    columns: &[&[f64]],
    outcomes: &[Outcome],
) -> SeriesSensitivity {
    let count = |is_counted: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|one| is_counted(one)).count();
    let (met, untold) = (count(&|one| one.is_met == Some(true)), count(&|one| one.is_met.is_none()));
    SeriesSensitivity {
        variant,
        written,
        met_ratio: share(met, outcomes.len() - untold),
        unsure_draws: count(&|one| one.is_unsure) as u32,
        unstable_draws: count(&Outcome::is_unstable) as u32,
        untold_draws: untold as u32,
        untold_reasons: reasons(outcomes),
        p99_s: spread(outcomes),
        assumptions: effects(assumptions, columns, outcomes),
    }
}

/// Everything that any series assumes of what the experiment moves, once.
fn moved_paths(spaces: &[Space]) -> Vec<String> {
    let mut paths: Vec<String> = spaces.iter().flat_map(|space| space.moved_paths.iter().cloned()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}
