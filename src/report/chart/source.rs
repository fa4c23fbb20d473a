//! Where results that are no study come from, as their charts tell it.

use serde::Serialize;

use crate::experiment::find::Found;
use crate::experiment::plan::{Plan, Space};
use crate::experiment::run::result_digest;
use crate::experiment::sensitivity::Sensitivity;
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
    pub fn of_plan(plan: &Plan, found: &Sensitivity) -> Self {
        let source = Self {
            name: plan.name.clone(),
            title: plan.experiment.title.clone(),
            label: plan.load_axis.label.clone(),
            objectives: plan.objectives.clone(),
            digest: String::new(),
            footer: String::new(),
        };
        source.with(found, &plan.experiment.model.value, plan.settings.seed, plan.quick)
    }

    pub fn of_space(space: &Space, found: &Found) -> Self {
        let source = Self {
            name: space.name.clone(),
            title: space.experiment.title.clone(),
            label: space.load_axis.label.clone(),
            objectives: space.objectives.clone(),
            digest: String::new(),
            footer: String::new(),
        };
        source.with(found, &space.experiment.model.value, space.settings.seed, space.quick)
    }

    /// Model, seed, digest and version: what somebody needs who wants to see the same numbers again.
    fn with(self, found: &impl Serialize, model: &str, seed: u64, is_quick: bool) -> Self {
        let digest = result_digest(found);
        let quick = if is_quick { " · a quick first look" } else { "" };
        let version = env!("CARGO_PKG_VERSION");
        let footer = format!("{model} · seed {seed} · result {} · forescale {version}{quick}", &digest[..12]);
        Self { digest, footer, ..self }
    }
}
