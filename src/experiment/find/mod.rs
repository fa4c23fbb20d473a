//! The cheapest configuration of a space that meets the objectives.
//!
//! ```text
//! screen   a Latin hypercube of configurations, each at a glance
//! search   look where the expected saving is largest: at a new configuration, or more closely at one that is unsure
//! halve    the cheapest that meet or may have, at fresh replications, finer and finer; half of them leave each round
//! front    what cannot be had both faster and cheaper, at the experiment's precision
//! ```
//!
//! Prices of what stands there are known before anything runs, so a configuration that would cost more than one that meets the
//! objectives for sure never does. Of many noisy estimates the best is chosen partly for its luck; that is why the last
//! rounds, and all numbers that are told, come from replications that the search has not seen.

mod desk;
mod expectation;
mod finals;
mod margin;
mod neighbours;
mod place;
mod search;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::experiment::find::desk::Desk;
use crate::experiment::find::search::Search;
use crate::experiment::plan::Space;
use crate::experiment::run::Interruption;
use crate::experiment::store::Store;
use crate::experiment::study::{Interval, Judgement, Point, Verdict};

/// One index for each dimension of a space.
type Configuration = Vec<usize>;

/// What a search found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Found {
    pub load: f64,
    /// Combinations of all variants and all values of the further axes, constraints not considered.
    pub configurations: f64,
    /// Configurations that were looked at.
    pub looked_at: u64,
    /// Studies of one configuration each, at whatever precision.
    pub studies: u64,
    /// Requests completed in all of them.
    pub requests: u64,
    /// Of the replications that the choices below were studied with.
    pub seed: u64,
    /// The operation whose p99 is looked at, or `"all"`.
    pub operation: String,
    /// The cheapest that meets all objectives, if any does.
    pub winner: Option<Choice>,
    /// The next best.
    pub runner_up: Option<RunnerUp>,
    /// Cheaper than the winner, but whether they meet the objectives could not be told.
    pub unsure: Vec<Choice>,
    /// How many others may meet the objectives for less, and were looked at only coarsely.
    pub undecided: u64,
    /// What comes nearest to the objectives where nothing meets them.
    pub nearest: Option<Choice>,
    /// Of what was studied to the precision asked for: configurations than which no other is both faster and cheaper, the
    /// cheapest first. Those that fail more than one request in a hundred are left out.
    pub front: Vec<Choice>,
    /// Everything that was studied to the precision asked for, the cheapest first.
    pub studied: Vec<Studied>,
}

/// A configuration among all that were studied, in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Studied {
    /// As the series of a run would be called.
    pub name: String,
    pub variant: String,
    /// The value of each further axis, as it was written.
    pub settings: BTreeMap<String, String>,
    /// As that of a [`Choice`].
    pub verdict: Verdict,
    /// The code of the refusal, if its numbers would mislead.
    pub refusal: Option<String>,
    pub cost_usd_per_hour: Option<Interval>,
    pub p99_s: Option<Interval>,
    /// In the order of the experiment's objectives.
    pub objectives: Vec<Judgement>,
}

/// A configuration, studied at fresh replications.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Choice {
    /// As the series of a run would be called.
    pub name: String,
    pub variant: String,
    /// The value of each further axis, as it was written.
    pub settings: BTreeMap<String, String>,
    /// Over all objectives together, with intervals half as wide again as those of the point's own judgements.
    pub verdict: Verdict,
    pub point: Point,
}

/// The next best configuration, and what it is against the winner under the same arrivals and demands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunnerUp {
    pub choice: Choice,
    /// Runner-up less winner.
    pub p99_difference_s: Option<Interval>,
    pub cost_difference_usd_per_hour: Option<Interval>,
}

/// What a search may do.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Studies before the last rounds, but for steps beside the best.
    pub most_studies: usize,
    /// Study everything anew, whatever the store has.
    pub fresh: bool,
}

/// Searches a space at one load. Every study is kept in the store.
///
/// # Errors
/// When a run broke a law that every run must obey, or the store cannot be used.
pub fn find(space: &Space, load: f64, store: &Store, effort: Effort) -> Result<Found, Interruption> {
    let desk = Desk::new(space, load, store, effort.fresh);
    let mut search = Search::new(desk, effort.most_studies);
    search.screen()?;
    search.improve()?;
    finals::finals(search)
}

/// Studies before the last rounds that are worth it in a space of this size: all of the smallest, and then one in eight.
pub fn usual_studies(space: &Space) -> usize {
    const MOST: usize = 400;
    const LEAST: usize = 64;
    ((space.size() / 8.0) as usize).clamp(LEAST, MOST)
}
