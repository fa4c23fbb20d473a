//! Runs a whole plan and puts the results together.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::experiment::pipeline::{Violation, study};
use crate::experiment::plan::Plan;
use crate::experiment::study::{Axis, Point, SCHEMA, Study, Variant};

/// Runs every point of a plan; `done` is called as points end, in any order.
///
/// # Errors
/// When a run broke a law that every run must obey: a fault of forescale.
pub fn run(plan: &Plan, done: &(dyn Fn(&Point) + Sync)) -> Result<Study, Violation> {
    let points: Vec<Result<Point, Violation>> = plan
        .points
        .par_iter()
        .map(|point| {
            let result = study(&point.compiled, point.load, &point.settings)?;
            done(&result);
            Ok(result)
        })
        .collect();
    let mut variants: Vec<Variant> =
        plan.variants.iter().map(|name| Variant { name: name.clone(), points: Vec::new() }).collect();
    for (planned, point) in plan.points.iter().zip(points) {
        variants[planned.variant].points.push(point?);
    }
    let axis = &plan.experiment.load;
    let mut study = Study {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: plan.name.clone(),
        title: plan.experiment.title.clone(),
        model: plan.experiment.model.value.clone(),
        seed: plan.points.first().map_or(0, |point| point.settings.seed),
        model_digest: digest(plan.model_text.as_bytes()),
        plan_digest: digest(plan.experiment_text.as_bytes()),
        digest: String::new(),
        axis: Axis {
            path: axis.path.value.clone(),
            label: axis.label.clone().unwrap_or_else(|| axis.path.value.clone()),
            values: plan.loads.clone(),
        },
        operation: plan.experiment.operation.as_ref().map_or_else(|| "all".to_owned(), |one| one.value.clone()),
        variants,
    };
    study.digest = result_digest(&study);
    Ok(study)
}

/// SHA-256 as hexadecimal text.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of everything in a study but the digest itself.
pub fn result_digest<T: serde::Serialize>(results: &T) -> String {
    digest(serde_json::to_string(results).unwrap_or_default().as_bytes())
}
