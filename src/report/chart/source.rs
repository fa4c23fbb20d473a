//! Where results that are no study come from, as their charts tell it.

use serde::Serialize;

use crate::experiment::plan::Space;
use crate::experiment::run::result_digest;
use crate::experiment::study::Objective;

/// The experiment that was asked, and the mark of what came out.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub title: String,
    pub label: String,
    pub objectives: Vec<Objective>,
    /// SHA-256 of the results.
    pub digest: String,
    pub(super) footer: String,
}

impl Source {
    /// Of what was found of an experiment. The footer has model, seed, digest and version: what somebody needs who wants to see
    /// the same numbers again.
    pub fn of(space: &Space, found: &impl Serialize) -> Self {
        let digest = result_digest(found);
        let (model, seed, version) = (&space.experiment.model.value, space.settings.seed, env!("CARGO_PKG_VERSION"));
        let quick = if space.quick { " · a quick first look" } else { "" };
        Self {
            name: space.name.clone(),
            title: space.experiment.title.clone(),
            label: space.load_axis.label.clone(),
            objectives: space.objectives.clone(),
            footer: format!("{model} · seed {seed} · result {} · forescale {version}{quick}", &digest[..12]),
            digest,
        }
    }
}
