//! What speaks against the estimates of runs that are otherwise in order.

use crate::engine::record::Record;
use crate::experiment::estimate::Sample;
use crate::experiment::metric::Metric;
use crate::experiment::pipeline::replication::{Replication, Runs};
use crate::experiment::pipeline::{ErrorLimit, LatencyLimit, Settings, no_requests};
use crate::experiment::study::{Interval, Objective, Point, Refusal, Verdict};
use crate::experiment::verdict::CAUTION;
use crate::model::Compiled;
use crate::statistics::drift::{DriftThresholds, test_drift};

/// Share of requests that succeed below which their latencies are beside the point.
const FEW_SUCCEED: f64 = 0.1;

/// In a second.
const NANOSECONDS: f64 = 1e9;

/// What speaks against estimates.
#[derive(Debug)]
pub(super) enum Doubt {
    /// All of them would mislead.
    Refused(Refusal),
    /// The latencies of the operation looked at are not as precise as wanted; the sentence says how precise they are.
    Imprecise(String),
    /// They are as precise as wanted now, but were not on the way here.
    Unconfirmed,
    /// Too few requests were seen to tell on which side of its limit something is.
    Open,
}

impl Doubt {
    /// Whether more of the same would lay it to rest, and nothing else is wrong.
    pub(super) fn is_of_width(&self) -> bool {
        matches!(self, Self::Imprecise(_) | Self::Unconfirmed | Self::Open)
    }

    fn refused(code: &str, reason: String) -> Option<Self> {
        Some(Self::Refused(Refusal { code: code.to_owned(), reason }))
    }
}

/// The relative half widths of p99 at each length that was looked at, the latest last.
pub(super) type Looks = Vec<f64>;

/// Whether the last looks agree that p99 is known as precisely as wanted.
///
/// The width of an interval is an estimate too. Who stops at the first length at which it happens to be narrow enough tells
/// intervals that are too narrow more often than others, and they cover less often than they promise. Widths shrink by the
/// square root of two when the length doubles, so the widths at half and at a quarter of the length made a promise as well.
/// Looks at partly different observations are not all too narrow by chance so easily.
fn is_confirmed(looks: &Looks, settings: &Settings) -> bool {
    let promised = |(age, width): (usize, &f64)| *width <= settings.precision * 2f64.powf(age as f64 / 2.0);
    looks.len() >= settings.looks && looks.iter().rev().take(settings.looks).enumerate().all(promised)
}

/// What still speaks against the estimates, or `None` if they can be told.
pub(super) fn doubt(sample: &Sample<'_>, runs: &Runs, settings: &Settings, looks: &mut Looks) -> Option<Doubt> {
    if sample.answered() == 0 {
        return Some(Doubt::Refused(no_requests()));
    }
    // Where nearly every request fails, the error ratio is the result. A precise p99 of the few that succeed would take
    // many times the usual run, and would tell nothing; but their mean must have settled.
    let few_succeed = (sample.requests() as f64) < FEW_SUCCEED * sample.answered() as f64;
    if few_succeed && sample.requests() == 0 {
        return None;
    }
    let all = sample.latencies(settings.operation.as_deref());
    let pooled_ns = all.pooled().quantile_ns(0.99)?;
    let half_width = all.quantile(0.99).map_or(f64::INFINITY, |one| one.relative_half_width());
    looks.push(half_width);
    let fewest = all.per_replication.iter().map(|one| one.count()).min().unwrap_or(0);
    if !few_succeed && fewest as f64 * 0.01 < settings.exceedances {
        let reason = format!("a replication saw only {fewest} requests, too few for a p99");
        return Doubt::refused("too_few_exceedances", reason);
    }
    let mean_of = |window: usize| -> Vec<f64> {
        let mean_ns = |run: &Replication| sample.mean_latency_ns(&run.windows[window], settings.operation.as_deref());
        runs.iter().map(|run| mean_ns(run).unwrap_or(0.0)).collect()
    };
    if let Some(drift) = test_drift(&mean_of(0), &mean_of(2), DriftThresholds::default())
        && drift.is_drift
    {
        let percent = 100.0 * drift.relative_change;
        let reason = format!("the mean latency still changes by {percent:+.1}% within the run");
        return Doubt::refused("drift", reason);
    }
    if let Some((name, percent)) = filling(sample.compiled, runs) {
        let reason =
            format!("the hit ratio of `{name}` still changes by {percent:+.1}% within the run: the cache fills");
        return Doubt::refused("drift", reason);
    }
    if few_succeed {
        let mean = all.mean()?;
        let half_width = mean.relative_half_width();
        return (half_width > settings.precision).then(|| {
            Doubt::Imprecise(format!(
                "the mean latency of the few requests that succeed is known to ±{:.1}% (wanted: ±{:.0}%)",
                100.0 * half_width,
                100.0 * settings.precision
            ))
        });
    }
    let average: f64 = all.per_replication.iter().filter_map(|one| one.quantile_ns(0.99)).sum::<f64>()
        / all.per_replication.len() as f64;
    let bias = (average - pooled_ns).abs() / pooled_ns.max(1.0);
    if bias > settings.bias || half_width > settings.precision {
        return Some(Doubt::Imprecise(format!(
            "p99 is known to ±{:.1}% (wanted: ±{:.0}%), and differs by {:.1}% between one replication and all",
            100.0 * half_width,
            100.0 * settings.precision,
            100.0 * bias
        )));
    }
    (!is_confirmed(looks, settings)).then_some(Doubt::Unconfirmed)
}

/// Whether what is seen suffices to judge objectives on latencies and errors, with caution: one is missed, or all are met.
pub(super) fn is_decided(sample: &Sample<'_>, objectives: &[Objective], exceedances: f64) -> bool {
    let verdict = |objective: &Objective| {
        let operation = Some(objective.operation.as_str()).filter(|name| *name != "all");
        let told = match (objective.quantity.quantile(), objective.quantity) {
            (Some(quantile), _) => sample.latencies(operation).told_quantile(quantile, exceedances),
            (None, Metric::ErrorRatio) => sample.failures(operation).map(|told| told.ratio),
            (None, Metric::Availability) => sample.failures(operation).map(|told| complement(told.ratio)),
            _ => return None,
        };
        Some(told.map_or(Verdict::Unsure, |told| objective.verdict(told, CAUTION)))
    };
    let verdicts: Vec<Verdict> = objectives.iter().filter_map(verdict).collect();
    let met = verdicts.iter().filter(|verdict| **verdict == Verdict::Met).count();
    verdicts.contains(&Verdict::Missed) || (met > 0 && met == verdicts.len())
}

fn complement(Interval { value, low, high }: Interval) -> Interval {
    Interval { value: 1.0 - value, low: 1.0 - high, high: 1.0 - low }
}

/// Whether something that has a limit cannot be told from it because too few requests were seen.
pub(super) fn is_open(sample: &Sample<'_>, settings: &Settings) -> bool {
    settings.error_limits.iter().any(|limit| is_error_open(sample, settings, limit))
        || settings.latency_limits.iter().any(|limit| is_latency_open(sample, settings, limit))
}

/// Of an error ratio that is known from as many independent failures as a quantile needs exceedances, and is as near to its
/// limit, more requests would tell little more.
fn is_error_open(sample: &Sample<'_>, settings: &Settings, limit: &ErrorLimit) -> bool {
    let told = sample.failures(limit.operation.as_deref());
    told.is_some_and(|told| {
        told.effective < settings.exceedances && told.ratio.low <= limit.ratio && limit.ratio < told.ratio.high
    })
}

/// A quantile of an operation that few ask for is not told at all until enough have asked. One that is known as precisely as
/// wanted is settled, on whichever side of its limit.
fn is_latency_open(sample: &Sample<'_>, settings: &Settings, limit: &LatencyLimit) -> bool {
    let latencies = sample.latencies(limit.operation.as_deref());
    let fewest = latencies.per_replication.iter().map(|one| one.count()).min().unwrap_or(0);
    if fewest == 0 {
        return false;
    }
    if fewest as f64 * (1.0 - limit.quantile) < settings.exceedances {
        return true;
    }
    latencies.quantile(limit.quantile).is_some_and(|told| {
        told.relative_half_width() > settings.precision && told.contains(limit.limit_s * NANOSECONDS)
    })
}

/// Takes back the latencies that are not as precise as wanted, and says so. What is left has been looked at like that of
/// any other point.
pub(super) fn withhold(point: &mut Point, settings: &Settings, reason: &str) {
    let watched = settings.operation.as_deref().unwrap_or("all");
    let doubted = point.operations.iter().find(|operation| operation.name == watched).and_then(|one| one.p99_s);
    for operation in &mut point.operations {
        // A single operation tells the same as all together.
        let is_watched = operation.p99_s == doubted;
        let withhold = |quantity: &mut Option<Interval>, always: bool| {
            *quantity = quantity.filter(|one| !always && one.relative_half_width() <= settings.precision);
        };
        withhold(&mut operation.mean_s, false);
        withhold(&mut operation.p50_s, false);
        withhold(&mut operation.p95_s, false);
        withhold(&mut operation.p99_s, is_watched);
        withhold(&mut operation.p999_s, is_watched);
    }
    point
        .notes
        .push(format!("latencies are left out because the budget of {} requests is spent: {reason}", settings.budget));
}

/// A queue in front of servers that are busier than this takes many times longer to settle than its clients notice.
const NEARLY_SATURATED: f64 = 0.95;

/// A queue there whose interval is so many times wider than what is aimed at for p99 has not settled.
const TOO_WIDE: f64 = 3.0;

/// Takes back what is told of waiting at stations whose queues have not settled, and says so. Clients need not feel it, where
/// a queue stands behind their replies. `changes` are those of [`unsettled`].
pub(super) fn withhold_unsettled(point: &mut Point, settings: &Settings, changes: &[(usize, f64)]) {
    for (index, node) in point.nodes.iter_mut().enumerate() {
        let percent = changes.iter().find(|(changing, _)| *changing == index).map(|(_, percent)| percent);
        let busy = node.utilization.filter(|busy| busy.high >= NEARLY_SATURATED);
        let is_wide = |queue: Interval| queue.relative_half_width() > TOO_WIDE * settings.precision;
        let reason = match (percent, busy) {
            (Some(percent), _) => format!("its queue still changes by {percent:+.0}% within the run"),
            (None, Some(busy)) if node.queue_length.is_some_and(is_wide) => {
                format!("it is {:.1}% busy, and its queue takes far longer than the run to settle", 100.0 * busy.value)
            }
            _ => continue,
        };
        node.queue_length = None;
        (node.wait_mean_s, node.wait_p99_s) = (None, None);
        (node.latency_mean_s, node.latency_p99_s) = (None, None);
        point.notes.push(format!("waits at `{}` are left out: {reason}", node.name));
    }
}

/// Stations whose number of waiting visits changes from the first to the last window, and by how many percent. There are
/// many stations at many points, so chance must be small.
pub(super) fn unsettled(runs: &Runs) -> Vec<(usize, f64)> {
    let thresholds = DriftThresholds { significance: 0.001, relative_change: 0.1 };
    let waiting = |window: usize, node: usize| -> Option<Vec<f64>> {
        let mean = |run: &Replication| {
            let record = &run.windows[window];
            Some(record.nodes.get(node)?.counters.waiting_ns as f64 / (record.end_ns - record.start_ns).max(1) as f64)
        };
        runs.iter().map(mean).collect()
    };
    let nodes = runs.first().map_or(0, |run| run.windows[0].nodes.len());
    let change = |node: usize| {
        let drift = test_drift(&waiting(0, node)?, &waiting(2, node)?, thresholds)?;
        drift.is_drift.then_some((node, 100.0 * drift.relative_change))
    };
    (0..nodes).filter_map(change).collect()
}

/// A cache whose hit ratio is not what it will be, and by how many percent it changed from the first to the last window.
fn filling<'a>(compiled: &'a Compiled, runs: &Runs) -> Option<(&'a str, f64)> {
    let ratio = |record: &Record, node: usize| {
        let share = record.nodes.get(node)?.shares.iter().find(|share| share.name == "hit_ratio")?;
        (share.denominator > 0).then(|| share.numerator as f64 / share.denominator as f64)
    };
    compiled.descriptions.iter().enumerate().find_map(|(node, description)| {
        let of =
            |window: usize| -> Option<Vec<f64>> { runs.iter().map(|run| ratio(&run.windows[window], node)).collect() };
        let drift = test_drift(&of(0)?, &of(2)?, DriftThresholds::default())?;
        drift.is_drift.then_some((description.name.as_str(), 100.0 * drift.relative_change))
    })
}
