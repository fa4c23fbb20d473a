//! From records of replications to estimates with intervals.

use crate::engine::record::{Counters, NodeRecord, OperationRecord, Record, Share};
use crate::experiment::finding::{Finding, Replicates};
use crate::experiment::rare::{Failures, failures};
use crate::experiment::study::{Interval, Measure, Node, Operation, Point, Refusal};
use crate::model::Compiled;
use crate::statistics::estimate::{Estimate, ratio_interval, sectioning_interval};
use crate::statistics::histogram::LatencyHistogram;

const NANOSECOND: f64 = 1e-9;
const HOUR_S: f64 = 3600.0;

/// The records of one point, one per replication.
pub struct Sample<'a> {
    pub compiled: &'a Compiled,
    pub records: &'a [Record],
}

/// One kind of latency, replication by replication.
pub struct Latencies {
    pub per_replication: Vec<LatencyHistogram>,
}

impl Latencies {
    /// All replications as one.
    pub fn pooled(&self) -> LatencyHistogram {
        let mut pooled = LatencyHistogram::default();
        for one in &self.per_replication {
            pooled.merge(one);
        }
        pooled
    }

    /// A quantile of the pooled latencies with its interval by sectioning, in nanoseconds.
    pub fn quantile(&self, quantile: f64) -> Option<Estimate> {
        let pooled = self.pooled();
        let pooled_ns = pooled.quantile_ns(quantile)?;
        let each: Vec<f64> = self.per_replication.iter().filter_map(|one| one.quantile_ns(quantile)).collect();
        if each.len() < self.per_replication.len() {
            return None;
        }
        // What lies in one cell cannot be told apart, however little the replications differ: a law may have an atom there.
        let (first_ns, last_ns) = pooled.resolution_ns(pooled_ns)?;
        let told = sectioning_interval(pooled_ns, &each)?;
        Some(Estimate {
            low: told.low.min(first_ns.min(pooled_ns)),
            high: told.high.max(last_ns.max(pooled_ns)),
            ..told
        })
    }

    /// As [`Latencies::quantile`] in seconds, if every replication is expected to see enough beyond it.
    pub fn told_quantile(&self, quantile: f64, exceedances: f64) -> Option<Interval> {
        let fewest = self.per_replication.iter().map(|one| one.count()).min()?;
        let enough = fewest as f64 * (1.0 - quantile) >= exceedances;
        enough.then(|| self.quantile(quantile).map(|estimate| interval(estimate, NANOSECOND))).flatten()
    }

    /// The mean with its interval.
    pub fn mean(&self) -> Option<Interval> {
        let sums: Vec<f64> = self.per_replication.iter().map(|one| one.sum_ns() as f64).collect();
        let counts: Vec<f64> = self.per_replication.iter().map(|one| one.count() as f64).collect();
        ratio_interval(&sums, &counts).map(|estimate| interval(estimate, NANOSECOND))
    }
}

impl Sample<'_> {
    /// Requests answered with success, over all replications.
    pub fn requests(&self) -> u64 {
        self.clients().map(|(_, node)| node.counters.completed).sum()
    }

    /// Requests answered, with success or failure.
    pub fn answered(&self) -> u64 {
        self.clients().map(|(_, node)| node.counters.completed + node.counters.failed).sum()
    }

    /// Requests sent.
    pub fn sent(&self) -> u64 {
        self.clients().map(|(_, node)| node.counters.arrivals).sum()
    }

    /// Latencies that clients saw: of one operation, or of all.
    pub fn latencies(&self, operation: Option<&str>) -> Latencies {
        let merged = |record: &Record| {
            let mut merged = LatencyHistogram::default();
            self.operations_of(record, operation).for_each(|one| merged.merge(&one.latency));
            merged
        };
        Latencies { per_replication: self.records.iter().map(merged).collect() }
    }

    /// The mean latency of successful requests in one record: of one operation, or of all.
    pub fn mean_latency_ns(&self, record: &Record, operation: Option<&str>) -> Option<f64> {
        let (mut sum, mut count) = (0, 0);
        for operation in self.operations_of(record, operation) {
            sum += operation.latency.sum_ns();
            count += operation.latency.count();
        }
        (count > 0).then(|| sum as f64 / count as f64)
    }

    /// The share of requests that failed: of one operation, or of all.
    pub fn failures(&self, operation: Option<&str>) -> Option<Failures> {
        let sum = |count: fn(&OperationRecord) -> u64| {
            self.per_replication(|record| self.operations_of(record, operation).map(|one| count(one) as f64).sum())
        };
        let (completed, failed) = (sum(|one| one.completed), sum(|one| one.failed));
        let ended: Vec<f64> = completed.iter().zip(&failed).map(|(completed, failed)| completed + failed).collect();
        error_ratio(self, &failed, &ended, &self.latencies(operation))
    }

    fn clients<'s>(&'s self) -> impl Iterator<Item = (usize, &'s NodeRecord)> {
        // A replication that was stopped before its first window has no nodes to tell of.
        let of =
            |record: &'s Record| self.compiled.clients().filter_map(|index| Some((index, record.nodes.get(index)?)));
        self.records.iter().flat_map(of)
    }

    pub fn operations_of<'r>(
        &'r self,
        record: &'r Record,
        operation: Option<&'r str>,
    ) -> impl Iterator<Item = &'r OperationRecord> {
        self.compiled.clients().filter(|index| *index < record.nodes.len()).flat_map(move |index| {
            let names = &self.compiled.descriptions[index].requested;
            let is_wanted =
                move |name: &str| operation.is_none_or(|wanted| self.compiled.is_named(index, name, wanted));
            record.nodes[index]
                .operations
                .iter()
                .zip(names)
                .filter_map(move |(record, name)| is_wanted(name).then_some(record))
        })
    }

    /// One value for each replication.
    pub fn per_replication(&self, value: impl Fn(&Record) -> f64) -> Vec<f64> {
        self.records.iter().map(value).collect()
    }
}

/// A point's estimates. Quantiles with fewer than `exceedances` expected in a replication are left out; with a refusal,
/// only what a refused point may tell is filled in.
pub fn describe(
    sample: &Sample<'_>,
    load: f64,
    simulated_ns: u64,
    exceedances: f64,
    refusal: Option<Refusal>,
) -> Finding {
    let mut point = Point {
        load,
        refusal,
        replications: sample.records.len() as u32,
        // One division rounds once, as at the borders of windows.
        simulated_s: simulated_ns as f64 / 1e9,
        requests: sample.requests(),
        operations: Vec::new(),
        nodes: Vec::new(),
        cost_usd_per_hour: None,
        cost_usd_per_million_requests: None,
        outside_objectives_s: None,
        recovery_s: None,
        lost_requests: None,
        notes: Vec::new(),
        objectives: Vec::new(),
        windows: Vec::new(),
        events: Vec::new(),
    };
    if point.refusal.is_some() || sample.records.iter().any(|record| record.end_ns == record.start_ns) {
        return Finding { point, replicates: Replicates::default() };
    }
    point.operations.push(operation(sample, "all", None, exceedances));
    let names = sample.compiled.request_names();
    point.operations.extend(names.iter().map(|name| operation(sample, name, Some(name), exceedances)));
    point.nodes = (0..sample.compiled.descriptions.len()).map(|index| node(sample, index, exceedances)).collect();
    let costs = costs_usd(sample);
    let successes = sample.per_replication(|record| {
        sample.compiled.clients().map(|index| record.nodes[index].counters.completed as f64).sum::<f64>() * 1e-6
    });
    point.cost_usd_per_hour = cost_usd_per_hour(sample);
    point.cost_usd_per_million_requests = ratio_interval(&costs, &successes).map(|estimate| interval(estimate, 1.0));
    let names: Vec<Option<&str>> = std::iter::once(None).chain(names.iter().map(|name| Some(name.as_str()))).collect();
    Finding { point, replicates: Replicates::of(sample, &names) }
}

fn operation(sample: &Sample<'_>, label: &str, name: Option<&str>, exceedances: f64) -> Operation {
    let latencies = sample.latencies(name);
    let completed =
        sample.per_replication(|record| sample.operations_of(record, name).map(|one| one.completed as f64).sum());
    let seconds = sample.per_replication(Record::seconds);
    Operation {
        name: label.to_owned(),
        throughput_per_s: ratio_interval(&completed, &seconds).map(|estimate| interval(estimate, 1.0)),
        error_ratio: sample.failures(name).map(|told| told.ratio),
        mean_s: latencies.mean(),
        p50_s: latencies.told_quantile(0.5, exceedances),
        p95_s: latencies.told_quantile(0.95, exceedances),
        p99_s: latencies.told_quantile(0.99, exceedances),
        p999_s: latencies.told_quantile(0.999, exceedances),
        note: too_few(&latencies, exceedances),
    }
}

/// Why quantiles are left out, where too few requests lie beyond them.
fn too_few(latencies: &Latencies, exceedances: f64) -> Option<String> {
    let fewest = latencies.per_replication.iter().map(LatencyHistogram::count).min()?;
    let needed = |quantile: f64| (exceedances / (1.0 - quantile)).round();
    (fewest > 0 && (fewest as f64) < needed(0.99)).then(|| {
        format!(
            "a p99 needs {:.0} successful requests in each replication, a p95 {:.0}; there were {fewest}",
            needed(0.99),
            needed(0.95)
        )
    })
}

/// The share of requests that failed; certainly none where nothing in the model can fail.
fn error_ratio(sample: &Sample<'_>, failed: &[f64], ended: &[f64], latencies: &Latencies) -> Option<Failures> {
    let told = failures(failed, ended, latencies)?;
    // Replicas that come and go may take requests with them, whatever their service says.
    if sample.compiled.can_fail() || failed.iter().any(|failed| *failed > 0.0) {
        return Some(told);
    }
    Some(Failures { ratio: Interval { value: 0.0, low: 0.0, high: 0.0 }, ..told })
}

fn node(sample: &Sample<'_>, index: usize, exceedances: f64) -> Node {
    let description = &sample.compiled.descriptions[index];
    let of = |value: &dyn Fn(&NodeRecord) -> f64| sample.per_replication(|record| value(&record.nodes[index]));
    let count = |value: &dyn Fn(&Counters) -> f64| of(&|node| value(&node.counters));
    // Who only stands for its shards has what they have together.
    let (all, always) = (sample.compiled.parts(index), sample.compiled.standing_parts(index));
    let sum = |parts: &[usize], value: &dyn Fn(&Counters) -> f64| {
        sample.per_replication(|record| parts.iter().map(|part| value(&record.nodes[*part].counters)).sum())
    };
    let ratio = |numerator: &[f64], denominator: &[f64]| {
        ratio_interval(numerator, denominator).map(|estimate| interval(estimate, 1.0))
    };
    let latencies = |histogram: &dyn Fn(&NodeRecord) -> LatencyHistogram| Latencies {
        per_replication: sample.records.iter().map(|record| histogram(&record.nodes[index])).collect(),
    };
    let seconds = sample.per_replication(Record::seconds);
    let completed = count(&|counters| counters.completed as f64);
    let failed = count(&|counters| counters.failed as f64);
    let ended: Vec<f64> = completed.iter().zip(&failed).map(|(completed, failed)| completed + failed).collect();
    let clients = !description.requested.is_empty();
    let wait = latencies(&|node| node.wait.clone());
    let latency = latencies(&|node| node.latency.clone());
    let costs =
        sample.per_replication(|record| all.iter().map(|part| cost_usd(sample.compiled, *part, record)).sum::<f64>());
    let hours: Vec<f64> = seconds.iter().map(|seconds| seconds / HOUR_S).collect();
    let station = !clients && !description.is_controller;
    Node {
        name: description.name.clone(),
        kind: description.kind.to_owned(),
        utilization: ratio(
            &sum(&all, &|counters| counters.busy_ns as f64),
            &sum(&always, &|counters| counters.capacity_ns as f64),
        )
        .map(|share| Interval { low: share.low.max(0.0), high: share.high.min(1.0), ..share }),
        throughput_per_s: ratio(&completed, &seconds).filter(|_| !description.is_controller),
        error_ratio: error_ratio(sample, &failed, &ended, &latency).map(|told| told.ratio),
        queue_length: station
            .then(|| ratio(&sum(&all, &|counters| counters.waiting_ns as f64 * NANOSECOND), &seconds))
            .flatten(),
        wait_mean_s: wait.mean(),
        wait_p99_s: wait.told_quantile(0.99, exceedances),
        latency_mean_s: latency.mean(),
        latency_p99_s: latency.told_quantile(0.99, exceedances),
        cost_usd_per_hour: ratio(&costs, &hours).filter(|cost| cost.value > 0.0),
        replicas: replicas(sample, index).filter(|replicas| replicas.value > 0.0),
        replica_hours: None,
        measures: measures(sample, index, |_| true).into_iter().chain(of_shards(sample, &description.shards)).collect(),
    }
}

/// How busy the busiest of these shards is, and the shares that all of them have together.
fn of_shards(sample: &Sample<'_>, shards: &[usize]) -> Vec<Measure> {
    let Some(first) = shards.first().copied() else { return Vec::new() };
    let of = |place: usize, part: fn(&Share) -> u128| {
        let part_of = move |record: &Record, shard: &usize| part(&record.nodes[*shard].shares[place]) as f64;
        sample.per_replication(|record| shards.iter().map(|shard| part_of(record, shard)).sum())
    };
    let shares = sample.records.first().map_or(&[][..], |record| &record.nodes[first].shares);
    let together = |(place, share): (usize, &Share)| {
        let told = ratio_interval(&of(place, |share| share.numerator), &of(place, |share| share.denominator))?;
        Some(Measure { name: share.name.to_owned(), estimate: interval(told, 1.0) })
    };
    // A number of replicas adds up, a share does not.
    let shares = shares.iter().enumerate().filter(|(_, share)| share.name.ends_with("_ratio"));
    hottest(sample, shards).into_iter().chain(shares.filter_map(together)).collect()
}

/// How busy the busiest of these shards is.
fn hottest(sample: &Sample<'_>, shards: &[usize]) -> Option<Measure> {
    let busy_ns = |shard: usize| sample.per_replication(|record| record.nodes[shard].counters.busy_ns as f64);
    let most = |shard: &usize| busy_ns(*shard).iter().sum::<f64>();
    let shard = shards.iter().copied().reduce(|best, next| if most(&next) > most(&best) { next } else { best })?;
    let capacity_ns = sample.per_replication(|record| record.nodes[shard].counters.capacity_ns as f64);
    let told = ratio_interval(&busy_ns(shard), &capacity_ns)?;
    Some(Measure { name: "hottest_shard_utilization_ratio".to_owned(), estimate: interval(told, 1.0) })
}

/// Mean number of replicas that a node is paid for, all its shards together.
pub fn replicas(sample: &Sample<'_>, index: usize) -> Option<Interval> {
    let parts = sample.compiled.standing_parts(index);
    let replicas_ns =
        sample.per_replication(|record| parts.iter().map(|part| record.nodes[*part].counters.replica_ns as f64).sum());
    let times_ns = sample.per_replication(|record| (record.end_ns - record.start_ns) as f64);
    ratio_interval(&replicas_ns, &times_ns).map(|estimate| interval(estimate, 1.0))
}

/// What only this technique has, of the wanted names.
pub fn measures(sample: &Sample<'_>, index: usize, is_wanted: fn(&str) -> bool) -> Vec<Measure> {
    let shares = sample.records.first().map_or(&[][..], |record| &record.nodes[index].shares);
    let of = |place: usize, part: fn(&Share) -> u128| {
        sample.per_replication(|record| part(&record.nodes[index].shares[place]) as f64)
    };
    let measure = |(place, share): (usize, &Share)| {
        let told = ratio_interval(&of(place, |share| share.numerator), &of(place, |share| share.denominator))?;
        Some(Measure { name: share.name.to_owned(), estimate: interval(told, 1.0) })
    };
    shares.iter().enumerate().filter(|(_, share)| is_wanted(share.name)).filter_map(measure).collect()
}

/// What everything cost, replication by replication.
pub fn costs_usd(sample: &Sample<'_>) -> Vec<f64> {
    sample.per_replication(|record| {
        (0..record.nodes.len()).map(|index| cost_usd(sample.compiled, index, record)).sum::<f64>()
    })
}

/// What everything costs per time.
pub fn cost_usd_per_hour(sample: &Sample<'_>) -> Option<Interval> {
    let hours = sample.per_replication(|record| record.seconds() / HOUR_S);
    ratio_interval(&costs_usd(sample), &hours).map(|estimate| interval(estimate, 1.0))
}

/// What a node cost over a record's window: replicas by the hour, requests, and bytes, as they were used.
fn cost_usd(compiled: &Compiled, index: usize, record: &Record) -> f64 {
    let prices = &compiled.descriptions[index].prices;
    let counters = &record.nodes[index].counters;
    let replica_hours = counters.replica_ns as f64 * NANOSECOND / HOUR_S;
    let requests = counters.billed as f64;
    let charges = counters.charged_ns as f64 * 1e-6 * NANOSECOND / HOUR_S;
    prices.usd_per_replica_hour * replica_hours
        + charges
        + prices.usd_per_request * requests
        + prices.usd_per_byte * counters.bytes as f64
}

pub fn interval(estimate: Estimate, unit: f64) -> Interval {
    Interval { value: estimate.value * unit, low: estimate.low * unit, high: estimate.high * unit }
}
