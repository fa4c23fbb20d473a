//! The windows that lie outside the objectives on latency and errors, replication by replication.
//!
//! A window of a replication is told from its own requests, those that end in it. With `n` of them, of which `f` fail and `s` of the
//! others take longer than a limit:
//!
//! ```text
//! quantile q below the limit is missed   if f + s > (1 - q) n     whoever fails has not been answered in time
//! an error ratio below e is missed       if f > e n
//! anything is missed                     if n = 0 while at least one request is in progress on average
//! ```
//!
//! So a window with few requests is judged too, though nobody could tell its p99: of fifty requests none may be slower.

use crate::engine::record::Record;
use crate::experiment::estimate::{Sample, interval};
use crate::experiment::finding::Finding;
use crate::experiment::study::{Interval, Objective};
use crate::statistics::estimate::mean_interval;

/// Shares are not exact in their last digits.
const NOISE: f64 = 1e-9;

/// What the windows of each replication add up to.
pub struct Outside<'o> {
    objectives: &'o [Objective],
    replications: Vec<Course>,
}

/// The windows of one replication so far.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    outside_ns: u64,
    /// When the first window outside began, and the last one ended.
    span_ns: Option<(u64, u64)>,
    lost: u64,
}

impl<'o> Outside<'o> {
    /// Before the first window; nothing where no objective is on latency or errors.
    pub fn of(objectives: &'o [Objective], replications: usize) -> Option<Self> {
        let is_any = objectives.iter().any(Objective::is_of_windows);
        is_any.then(|| Self { objectives, replications: vec![Course::default(); replications] })
    }

    /// Adds the next window, and tells the share of replications in which it is outside.
    pub fn add(&mut self, sample: &Sample<'_>) -> f64 {
        let mut outside = 0;
        for (course, record) in self.replications.iter_mut().zip(sample.records) {
            course.lost += sample.operations_of(record, None).map(|one| one.failed).sum::<u64>();
            let mut objectives = self.objectives.iter().filter(|objective| objective.is_of_windows());
            if objectives.any(|objective| is_missed(objective, sample, record)) {
                outside += 1;
                course.outside_ns += record.end_ns - record.start_ns;
                let since_ns = course.span_ns.map_or(record.start_ns, |(since_ns, _)| since_ns);
                course.span_ns = Some((since_ns, record.end_ns));
            }
        }
        f64::from(outside) / self.replications.len().max(1) as f64
    }

    /// Tells what the windows add up to.
    pub fn tell(&self, finding: &mut Finding) {
        let each = |value: fn(&Course) -> u64| self.replications.iter().map(value);
        let seconds = |value: fn(&Course) -> u64| each(value).map(|ns| ns as f64 / 1e9).collect::<Vec<_>>();
        let outside_s = seconds(|course| course.outside_ns);
        let recovery_s = seconds(|course| course.span_ns.map_or(0, |(since_ns, until_ns)| until_ns - since_ns));
        let lost: Vec<f64> = each(|course| course.lost).map(|lost| lost as f64).collect();
        let point = &mut finding.point;
        point.outside_objectives_s = mean(&outside_s, point.simulated_s);
        point.recovery_s = mean(&recovery_s, point.simulated_s);
        point.lost_requests = mean(&lost, f64::INFINITY);
        finding.replicates.outside_objectives_s = outside_s;
        finding.replicates.recovery_s = recovery_s;
        finding.replicates.lost_requests = lost;
    }
}

/// A mean of what is never negative and has a most.
fn mean(values: &[f64], most: f64) -> Option<Interval> {
    let told = interval(mean_interval(values)?, 1.0);
    Some(Interval { value: told.value, low: told.low.max(0.0), high: told.high.min(most) })
}

/// Whether the requests of one window miss an objective.
fn is_missed(objective: &Objective, sample: &Sample<'_>, record: &Record) -> bool {
    let operation = Some(objective.operation.as_str()).filter(|name| *name != "all");
    let limit_ns = (objective.limit * 1e9).round() as u64;
    let (mut ended, mut failed, mut slow) = (0, 0, 0.0);
    for one in sample.operations_of(record, operation) {
        ended += one.completed + one.failed;
        failed += one.failed;
        slow += one.latency.share_above(limit_ns).unwrap_or(0.0) * one.completed as f64;
    }
    if ended == 0 {
        return is_stuck(sample, record, operation);
    }
    let (missing, allowed) = match (objective.quantity.quantile(), objective.error_limit()) {
        (Some(quantile), _) => (failed as f64 + slow, 1.0 - quantile),
        (None, Some(ratio)) => (failed as f64, ratio),
        (None, None) => return false,
    };
    missing > (allowed + NOISE) * ended as f64
}

/// Whether clients that request the operation had a request in progress on average, and none of all they request ended.
fn is_stuck(sample: &Sample<'_>, record: &Record, operation: Option<&str>) -> bool {
    let compiled = sample.compiled;
    let requests = |index: &usize| {
        let names = &compiled.descriptions[*index].requested;
        operation.is_none_or(|wanted| names.iter().any(|name| compiled.is_named(*index, name, wanted)))
    };
    let (mut ended, mut present_ns) = (0, 0);
    for index in compiled.clients().filter(requests) {
        let counters = &record.nodes[index].counters;
        ended += counters.completed + counters.failed;
        present_ns += counters.in_system_ns;
    }
    ended == 0 && present_ns >= u128::from(record.end_ns - record.start_ns)
}

#[cfg(test)]
mod tests;
