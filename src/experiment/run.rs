//! Runs a whole plan and puts the results together.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::experiment::compare::{Pair, compare};
use crate::experiment::finding::Finding;
use crate::experiment::pipeline::{Violation, memory_bytes, study};
use crate::experiment::plan::{Plan, PlannedPoint};
use crate::experiment::study::{Axis, Comparison, Point, SCHEMA, Study, Variant};

/// Runs every point of a plan; `done` is called as points end, in any order.
///
/// # Errors
/// When a run broke a law that every run must obey: a fault of forescale.
pub fn run(plan: &Plan, done: &(dyn Fn(&Point) + Sync)) -> Result<Study, Violation> {
    let one = |point: &PlannedPoint| {
        let finding = study(&point.compiled, point.load, &point.settings)?;
        done(&finding.point);
        Ok(finding)
    };
    let mut findings: Vec<Result<Finding, Violation>> = Vec::new();
    for some in plan.points.chunks(at_once(plan)) {
        findings.par_extend(some.par_iter().map(one));
    }
    let findings: Vec<Finding> = findings.into_iter().collect::<Result<_, _>>()?;
    let comparisons = comparisons(plan, &findings);
    let mut variants: Vec<Variant> =
        plan.variants.iter().map(|name| Variant { name: name.clone(), points: Vec::new() }).collect();
    for (planned, finding) in plan.points.iter().zip(findings) {
        variants[planned.variant].points.push(finding.point);
    }
    let axis = &plan.experiment.load;
    let mut study = Study {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: plan.name.clone(),
        title: plan.experiment.title.clone(),
        question: plan.experiment.question.clone(),
        model: plan.experiment.model.value.clone(),
        seed: plan.points.first().map_or(0, |point| point.settings.seed),
        quick: plan.quick,
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
        baseline: plan.variants.first().cloned().unwrap_or_default(),
        comparisons,
    };
    study.digest = result_digest(&study);
    Ok(study)
}

/// Every other variant beside the first, load by load.
fn comparisons(plan: &Plan, findings: &[Finding]) -> Vec<Comparison> {
    let planned = || plan.points.iter().zip(findings);
    let baseline = |load: f64| planned().find(|(point, _)| point.variant == 0 && point.load == load);
    let pair = |(point, finding): (&PlannedPoint, _)| {
        let (_, baseline) = baseline(point.load).filter(|_| point.variant != 0)?;
        Some(Pair { variant: &plan.variants[point.variant], baseline, finding })
    };
    let pairs: Vec<Pair<'_>> = planned().filter_map(pair).collect();
    compare(&pairs, plan.experiment.operation.as_ref().map_or("all", |one| one.value.as_str()))
}

/// Points that may be studied at the same time, so that all of them fit into the memory.
fn at_once(plan: &Plan) -> usize {
    const MOST_BYTES: u64 = 2 << 30;
    let largest =
        plan.points.iter().map(|point| memory_bytes(&point.compiled, point.settings.replications)).max().unwrap_or(0);
    (MOST_BYTES / largest.max(1)).clamp(1, 1 << 20) as usize
}

/// SHA-256 as hexadecimal text.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of everything in a study but the digest itself.
pub fn result_digest<T: serde::Serialize>(results: &T) -> String {
    digest(serde_json::to_string(results).unwrap_or_default().as_bytes())
}
