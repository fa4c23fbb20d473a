//! Curves get their points where they bend.
//!
//! ```text
//! every series: its listed loads are studied
//!               while it may have further loads, and a straight line between two of its points may mislead:
//!                   study the load in the middle of the worst stretch (statistics/refinement.rs)
//! ```
//!
//! A line misleads if it may be off by more than the half width that the experiment asks of p99. Where a series looks next
//! follows from its own points alone, and its points from model, plan and seed; so neither threads nor a stop on the way nor
//! other series change what is looked at.

use rayon::prelude::*;

use crate::experiment::finding::Finding;
use crate::experiment::pipeline::memory_bytes;
use crate::experiment::plan::{Plan, PlannedPoint};
use crate::experiment::run::{Findings, at_once};
use crate::experiment::verdict::told;
use crate::statistics::refinement::{Wanted, next_load};

/// Loads that constraints forbid and that a series may come upon.
const MOST_FORBIDDEN: usize = 100;

/// A further point, and what is known of it.
type Further = (PlannedPoint, Option<Finding>);

/// Adds to the plan, and to what is known of its points, the further loads of those of its series that are `wanted` and of
/// which every point is known. `take` finds out about a point, or nothing: then its series goes no further.
///
/// # Errors
/// The first error of `take`.
pub fn refine<E: Send>(
    plan: &mut Plan,
    findings: &mut Findings,
    wanted: &(dyn Fn(usize) -> bool + Sync),
    take: &(dyn Fn(&PlannedPoint) -> Result<Option<Finding>, E> + Sync),
) -> Result<(), E> {
    if plan.refinements == 0 {
        return Ok(());
    }
    let largest = plan.points.iter().map(|point| memory_bytes(&point.compiled, &point.settings)).max().unwrap_or(0);
    let series: Vec<usize> = (0..plan.series.len()).filter(|series| wanted(*series)).collect();
    let mut further: Vec<Further> = Vec::new();
    for some in series.chunks(at_once(largest)) {
        let found: Result<Vec<Vec<Further>>, E> =
            some.par_iter().map(|series| of_series(plan, findings, *series, take)).collect();
        further.extend(found?.into_iter().flatten());
    }
    let known = std::mem::take(&mut plan.points).into_iter().zip(std::mem::take(findings));
    let mut all: Vec<Further> = known.chain(further).collect();
    all.sort_by(|(one, _), (other, _)| one.series.cmp(&other.series).then(one.load.total_cmp(&other.load)));
    (plan.points, *findings) = all.into_iter().unzip();
    Ok(())
}

/// The further points of one series that the plan does not have yet.
fn of_series<E>(
    plan: &Plan,
    findings: &Findings,
    series: usize,
    take: &(dyn Fn(&PlannedPoint) -> Result<Option<Finding>, E> + Sync),
) -> Result<Vec<Further>, E> {
    let operation = plan.space.settings.operation.as_deref().unwrap_or("all");
    let wanted = Wanted { is_whole: plan.space.load_axis.is_whole, tolerance: plan.space.settings.precision };
    let told = |finding: &Finding| told(&finding.point, operation);
    let of_it = plan.points.iter().zip(findings).filter(|(point, _)| point.series == series);
    let (listed, known): (Vec<_>, Vec<_>) = of_it.partition(|(point, _)| plan.loads.contains(&point.load));
    let mut curve = Vec::new();
    for (point, finding) in listed {
        let Some(finding) = finding else { return Ok(Vec::new()) };
        curve.push((point.load, told(finding)));
    }
    let mut further = Vec::new();
    let mut missing = plan.refinements;
    // Loads that a constraint forbids cost nothing, but there must be an end to them.
    let mut forbidden = MOST_FORBIDDEN;
    // What is known already is come upon in the same order again, so that the loads do not hang on where a batch stopped.
    while let Some(load) = next_load(&curve, wanted).filter(|_| missing > 0 && forbidden > 0) {
        let at = curve.partition_point(|(other, _)| *other < load);
        if let Some((_, finding)) = known.iter().find(|(point, _)| point.load == load) {
            let Some(finding) = finding else { break };
            curve.insert(at, (load, told(finding)));
        } else if let Some(point) = plan.between(series, load) {
            let finding = take(&point)?;
            further.push((point, finding.clone()));
            let Some(finding) = finding else { break };
            curve.insert(at, (load, told(&finding)));
        } else {
            forbidden -= 1;
            curve.insert(at, (load, None));
            continue;
        }
        missing -= 1;
    }
    Ok(further)
}
