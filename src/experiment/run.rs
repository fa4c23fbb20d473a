//! Runs a whole plan, or a part of it, and puts the results together.

use std::collections::BTreeMap;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::experiment::compare::{Pair, compare};
use crate::experiment::finding::Finding;
use crate::experiment::pipeline::{Violation, memory_bytes, study};
use crate::experiment::plan::{Plan, PlannedPoint, Series};
use crate::experiment::store::{Fault, Key, Store};
use crate::experiment::study::{Axis, Comparison, SCHEMA, Study, Variant};
use crate::experiment::verdict::judge;

/// Why a run did not come to its end.
#[derive(Clone, Debug)]
pub enum Interruption {
    /// A run broke a law that every run must obey: a fault of forescale.
    Violation(Violation),
    /// What was found cannot be kept.
    Store(Fault),
}

/// What is known of the points of a plan, in its order.
pub type Findings = Vec<Option<Finding>>;

/// What the store has of the `wanted` points of a plan.
///
/// # Errors
/// When the store cannot be read.
pub fn stored(plan: &Plan, wanted: &dyn Fn(usize) -> bool, store: &Store) -> Result<Findings, Fault> {
    let one = |(index, point)| if wanted(index) { store.get(&Key::of(point)) } else { Ok(None) };
    plan.points.iter().enumerate().map(one).collect()
}

/// Studies those of the `wanted` points of a plan that are not known yet, and keeps each in the store as soon as it is
/// finished. `done` is called as points end, in any order.
///
/// With `fresh`, what the store has is not asked for; it must be the same all the same.
///
/// # Errors
/// When a run broke a law that every run must obey, or the store cannot be written.
pub fn complete(
    plan: &Plan,
    findings: &mut Findings,
    wanted: &(dyn Fn(usize) -> bool + Sync),
    store: &Store,
    fresh: bool,
    done: &(dyn Fn() + Sync),
) -> Result<(), Interruption> {
    let missing: Vec<usize> =
        (0..plan.points.len()).filter(|index| wanted(*index) && findings[*index].is_none()).collect();
    let one = |index: &usize| {
        let point = &plan.points[*index];
        // Another process may have finished it meanwhile.
        let finding = take_or_study(point, store, fresh)?;
        done();
        Ok((*index, finding))
    };
    let memory = |point: &PlannedPoint| memory_bytes(&point.compiled, &point.settings);
    for some in missing.chunks(at_once(plan.points.iter().map(memory).max().unwrap_or(0))) {
        let found: Result<Vec<(usize, Finding)>, Interruption> = some.par_iter().map(one).collect();
        for (index, finding) in found? {
            findings[index] = Some(finding);
        }
    }
    Ok(())
}

/// What the store has of a point, or what a study of it finds, which the store then has too.
///
/// # Errors
/// As [`complete`].
pub fn take_or_study(point: &PlannedPoint, store: &Store, fresh: bool) -> Result<Finding, Interruption> {
    let key = Key::of(point);
    let kept = if fresh { None } else { store.get(&key).map_err(Interruption::Store)? };
    if let Some(finding) = kept {
        return Ok(finding);
    }
    let finding = study(&point.compiled, point.load, &point.settings).map_err(Interruption::Violation)?;
    store.put(&key, &finding).map_err(Interruption::Store)?;
    Ok(finding)
}

/// The study of a plan, if every point of it is known.
pub fn conclude(plan: &Plan, findings: Findings) -> Option<Study> {
    let findings: Vec<Finding> = findings.into_iter().collect::<Option<_>>()?;
    let comparisons = comparisons(plan, &findings);
    let mut variants: Vec<Variant> = plan.series.iter().map(empty).collect();
    for (planned, finding) in plan.points.iter().zip(findings) {
        variants[planned.series].points.push(finding.point);
    }
    let axis = &plan.space.experiment.load;
    let mut study = Study {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: plan.space.name.clone(),
        title: plan.space.experiment.title.clone(),
        question: plan.space.experiment.question.clone(),
        model: plan.space.experiment.model.value.clone(),
        seed: plan.points.first().map_or(0, |point| point.settings.seed),
        quick: plan.space.quick,
        model_digest: digest(plan.space.file.document.text().as_bytes()),
        plan_digest: digest(plan.space.text().as_bytes()),
        digest: String::new(),
        axis: Axis {
            path: axis.path.value.clone(),
            label: axis.label.clone().unwrap_or_else(|| axis.path.value.clone()),
            unit: axis.unit.clone(),
            values: plan.loads.clone(),
        },
        axes: plan.axes.clone(),
        constraints: plan.constraints.clone(),
        objectives: plan.space.objectives.clone(),
        measures: plan.space.experiment.measures.iter().map(|watched| watched.as_told()).collect(),
        operation: plan.space.experiment.operation.as_ref().map_or_else(|| "all".to_owned(), |one| one.value.clone()),
        variants,
        baseline: plan.baseline.clone(),
        comparisons,
    };
    judge(&mut study);
    study.digest = result_digest(&study);
    Some(study)
}

/// A series before its points are there.
fn empty(series: &Series) -> Variant {
    Variant {
        name: series.name.clone(),
        variant: series.variant.clone(),
        settings: series.settings.clone(),
        knee: None,
        points: Vec::new(),
    }
}

/// Every series beside the baseline at the same settings, load by load.
fn comparisons(plan: &Plan, findings: &[Finding]) -> Vec<Comparison> {
    let planned = || plan.points.iter().zip(findings);
    let is_baseline = |series: &Series| series.variant == plan.baseline;
    let key = |point: &PlannedPoint| (&plan.series[point.series].settings, point.load.to_bits());
    let baselines = planned().filter(|(point, _)| is_baseline(&plan.series[point.series]));
    let baselines: BTreeMap<_, &Finding> = baselines.map(|(point, finding)| (key(point), finding)).collect();
    let pair = |(point, finding): (&PlannedPoint, _)| {
        let series = &plan.series[point.series];
        let baseline = baselines.get(&key(point)).filter(|_| !is_baseline(series))?;
        Some(Pair { variant: &series.name, baseline, finding })
    };
    let pairs: Vec<Pair<'_>> = planned().filter_map(pair).collect();
    compare(&pairs, plan.space.experiment.operation.as_ref().map_or("all", |one| one.value.as_str()))
}

/// Points that may be studied at the same time, so that all of them fit into the memory if the largest takes so much.
pub fn at_once(largest_bytes: u64) -> usize {
    const MOST_BYTES: u64 = 2 << 30;
    (MOST_BYTES / largest_bytes.max(1)).clamp(1, 1 << 20) as usize
}

/// SHA-256 as hexadecimal text.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of everything in a study but the digest itself.
pub fn result_digest<T: serde::Serialize>(results: &T) -> String {
    digest(serde_json::to_string(results).unwrap_or_default().as_bytes())
}
