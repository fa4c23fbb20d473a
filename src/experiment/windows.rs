//! Estimates of one stretch of time, each with its interval over replications.

use crate::engine::record::{Counters, Record};
use crate::experiment::estimate::{Sample, cost_usd_per_hour, interval, measures, replicas};
use crate::experiment::study::{Interval, Measure, NodeWindow, OperationWindow, Point, Window};
use crate::statistics::estimate::ratio_interval;

/// What replications say of the stretch of time that their records are of. Quantiles with fewer than `exceedances`
/// expected beyond them in a replication are left out.
pub fn window(sample: &Sample<'_>, watched: Option<&str>, exceedances: f64) -> Window {
    let (start_ns, end_ns) = sample.records.first().map_or((0, 0), |record| (record.start_ns, record.end_ns));
    let all = std::iter::once(operation(sample, "all", None, exceedances));
    let own = watched.map(|name| operation(sample, name, Some(name), exceedances));
    // One division rounds once: 30 s stay 30.
    let seconds = |ns: u64| ns as f64 / 1e9;
    let sent = sample.per_replication(|record| {
        sample.compiled.clients().map(|index| record.nodes[index].counters.arrivals as f64).sum()
    });
    Window {
        start_s: seconds(start_ns),
        end_s: seconds(end_ns),
        offered_per_s: ratio(&sent, &sample.per_replication(Record::seconds)),
        cost_usd_per_hour: cost_usd_per_hour(sample).map(nine_digits),
        outside_objectives_ratio: None,
        operations: all.chain(own).collect(),
        nodes: (0..sample.compiled.descriptions.len()).filter_map(|index| node(sample, index)).collect(),
    }
}

/// Leaves out what says nothing: queues in which nobody waited in the whole time, replicas and costs that are the same in all
/// windows, and the nodes that then have nothing to tell.
pub fn drop_constants(windows: &mut [Window], whole: &Point) {
    let costs: Vec<Option<Interval>> = windows.iter().map(|window| window.cost_usd_per_hour).collect();
    if is_constant(&costs, whole.cost_usd_per_hour) {
        windows.iter_mut().for_each(|window| window.cost_usd_per_hour = None);
    }
    for node in &whole.nodes {
        let is_idle = node.queue_length.is_none_or(|queue| queue.value == 0.0);
        let own = |window: &Window| window.nodes.iter().find(|one| one.name == node.name).and_then(|one| one.replicas);
        // Of the whole, nodes without replicas tell none; a window in which a node has none tells zero.
        let of_whole = node.replicas.unwrap_or(Interval { value: 0.0, low: 0.0, high: 0.0 });
        let is_fixed = is_constant(&windows.iter().map(own).collect::<Vec<_>>(), Some(of_whole));
        for one in windows.iter_mut().flat_map(|window| &mut window.nodes).filter(|one| one.name == node.name) {
            one.queue_length = one.queue_length.filter(|_| !is_idle);
            one.replicas = one.replicas.filter(|_| !is_fixed);
        }
    }
    for window in windows {
        window.nodes.retain(|node| {
            let told = [node.utilization, node.queue_length, node.replicas];
            told.iter().any(Option::is_some) || !node.measures.is_empty()
        });
    }
}

/// Whether what is told of the windows is nothing but what is told of the whole, for certain.
fn is_constant(windows: &[Option<Interval>], whole: Option<Interval>) -> bool {
    /// More than is lost with the digits that windows are not told with.
    const NOISE: f64 = 1e-8;
    windows.iter().flatten().all(|window| {
        let near = |end: f64| whole.is_some_and(|whole| (end - whole.value).abs() <= NOISE * whole.value.abs());
        near(window.low) && near(window.high)
    })
}

fn operation(sample: &Sample<'_>, label: &str, name: Option<&str>, exceedances: f64) -> OperationWindow {
    let latencies = sample.latencies(name);
    let completed =
        sample.per_replication(|record| sample.operations_of(record, name).map(|one| one.completed as f64).sum());
    let quantile = |quantile: f64| latencies.told_quantile(quantile, exceedances).map(nine_digits);
    OperationWindow {
        name: label.to_owned(),
        throughput_per_s: ratio(&completed, &sample.per_replication(Record::seconds)),
        error_ratio: sample.failures(name).map(|told| nine_digits(told.ratio)),
        mean_s: latencies.mean().map(nine_digits),
        p50_s: quantile(0.5),
        p95_s: quantile(0.95),
        p99_s: quantile(0.99),
    }
}

/// A station; clients have neither servers nor a queue.
fn node(sample: &Sample<'_>, index: usize) -> Option<NodeWindow> {
    let description = &sample.compiled.descriptions[index];
    if !description.requested.is_empty() {
        return None;
    }
    let (all, always) = (sample.compiled.parts(index), sample.compiled.standing_parts(index));
    let sum = |parts: &[usize], value: fn(&Counters) -> u128| {
        sample.per_replication(|record| {
            parts.iter().map(|part| value(&record.nodes[*part].counters)).sum::<u128>() as f64
        })
    };
    let times_ns = sample.per_replication(|record| (record.end_ns - record.start_ns) as f64);
    let utilization = ratio(&sum(&all, |counters| counters.busy_ns), &sum(&always, |counters| counters.capacity_ns));
    Some(NodeWindow {
        name: description.name.clone(),
        utilization: utilization.map(|share| Interval { low: share.low.max(0.0), high: share.high.min(1.0), ..share }),
        queue_length: ratio(&sum(&all, |counters| counters.waiting_ns), &times_ns),
        replicas: replicas(sample, index).map(nine_digits),
        measures: measures(sample, index, is_level)
            .into_iter()
            .map(|measure| Measure { estimate: nine_digits(measure.estimate), ..measure })
            .collect(),
    })
}

/// Whether a measure is the level of something that scales or fills, whose course explains that of latency.
fn is_level(measure: &str) -> bool {
    let of_connections = ["open_connections", "waiting_clients"].contains(&measure);
    measure.ends_with("_replicas") || measure.starts_with("memory_") || measure.starts_with("queue_") || of_connections
}

/// More digits than any estimate deserves; windows are many, and so are their digits. Nothing that windows tell is ever below zero.
fn nine_digits(Interval { value, low, high }: Interval) -> Interval {
    let rounded = |number: f64| format!("{number:.8e}").parse().unwrap_or(number);
    Interval { value: rounded(value), low: rounded(low.max(0.0)), high: rounded(high) }
}

fn ratio(numerators: &[f64], denominators: &[f64]) -> Option<Interval> {
    ratio_interval(numerators, denominators).map(|estimate| nine_digits(interval(estimate, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnostics, Document};
    use crate::engine::record::{NodeRecord, Share};
    use crate::experiment::estimate::describe;
    use crate::experiment::plan::{ModelFile, load_point};
    use crate::model::Compiled;

    const SECOND_NS: u64 = 1_000_000_000;

    fn compiled() -> Compiled {
        let text = r#"Architecture(name: "scaled", nodes: {
            "users": Clients(rate: "1/s", mix: { "web.page": 1 }),
            "web": Service(price: "$3.6/h", operations: { "page": [ Wait(Constant("1ms")) ] }),
            "idle": Service(operations: { "page": [ Wait(Constant("1ms")) ] }),
        })"#;
        let document = Document::new("scaled.ron", text.to_owned());
        let file = ModelFile { document, directory: std::path::PathBuf::new() };
        load_point(&file, &[], true, &mut Diagnostics::new()).expect("a model without mistakes")
    }

    /// A window of ten seconds of one replication with so many replicas that are paid for, all of them ready.
    fn record(window: u64, replicas: u128) -> Record {
        let mut record = Record { start_ns: window * 10 * SECOND_NS, ..Record::default() };
        record.end_ns = record.start_ns + 10 * SECOND_NS;
        let time_ns = u128::from(10 * SECOND_NS);
        let mut web = NodeRecord::default();
        web.counters.replica_ns = replicas * time_ns;
        let share = |name, numerator| Share { name, numerator, denominator: time_ns };
        web.shares = vec![share("ready_replicas", replicas * time_ns), share("hit_ratio", time_ns / 2)];
        let mut idle = NodeRecord::default();
        idle.counters.replica_ns = 2 * time_ns;
        record.nodes = vec![NodeRecord::default(), web, idle];
        record.nodes[0].counters.arrivals = 30;
        record
    }

    /// Two replications in two windows each, of which the second one has so many replicas.
    fn told(later: u128) -> (Vec<Window>, Point) {
        let compiled = compiled();
        let pair = |window, replicas| vec![record(window, replicas), record(window, replicas)];
        let (first, second) = (pair(0, 2), pair(1, later));
        let of = |records: &[Record]| window(&Sample { compiled: &compiled, records }, None, 1.0);
        let mut windows = vec![of(&first), of(&second)];
        let mut whole = first;
        whole.iter_mut().zip(&second).for_each(|(one, next)| one.merge(next));
        let point = describe(&Sample { compiled: &compiled, records: &whole }, 1.0, 20 * SECOND_NS, 1.0, None).point;
        drop_constants(&mut windows, &point);
        (windows, point)
    }

    #[test]
    fn replicas_and_costs_are_told_where_they_change() {
        let (windows, point) = told(6);
        let of_web = |window: &Window| window.nodes[0].replicas.map(|replicas| replicas.value);
        assert_eq!(windows.iter().map(of_web).collect::<Vec<_>>(), [Some(2.0), Some(6.0)]);
        let cost = |window: &Window| window.cost_usd_per_hour.map(|cost| cost.value);
        assert_eq!(windows.iter().map(cost).collect::<Vec<_>>(), [Some(7.2), Some(21.6)]);
        assert_eq!(windows[1].offered_per_s.map(|offered| offered.value), Some(3.0));
        let names: Vec<&str> = windows[1].nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["web"], "the replicas of the other never change");
        let replicas: Vec<_> = point.nodes.iter().map(|node| node.replicas.map(|replicas| replicas.value)).collect();
        assert_eq!(replicas, [None, Some(4.0), Some(2.0)], "the mean over the time");
    }

    #[test]
    fn windows_without_replicas_tell_none_of_them() {
        let (windows, _) = told(0);
        let of_web = |window: &Window| window.nodes[0].replicas.map(|replicas| replicas.value);
        assert_eq!(windows.iter().map(of_web).collect::<Vec<_>>(), [Some(2.0), Some(0.0)]);
    }

    #[test]
    fn what_never_changes_is_left_out_of_windows() {
        let (windows, point) = told(2);
        assert!(windows.iter().all(|window| window.cost_usd_per_hour.is_none() && window.nodes[0].replicas.is_none()));
        assert_eq!(point.cost_usd_per_hour.map(|cost| cost.value), Some(7.2));
    }

    #[test]
    fn windows_tell_levels_and_no_other_measures() {
        let (windows, point) = told(6);
        let names = |measures: &[Measure]| measures.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&windows[0].nodes[0].measures), ["ready_replicas"]);
        assert_eq!(windows[1].nodes[0].measures[0].estimate.value, 6.0);
        assert_eq!(names(&point.nodes[1].measures), ["ready_replicas", "hit_ratio"]);
        assert!(["memory_ratio", "queue_length", "starting_replicas", "open_connections"].into_iter().all(is_level));
        assert!(!["write_ratio", "worker_utilization_ratio", "attempts_per_call"].into_iter().any(is_level));
    }

    #[test]
    fn estimates_have_nine_digits() {
        let told = nine_digits(Interval { value: 1.0 / 3.0, low: -0.0, high: 123_456_789_123.0 });
        assert_eq!(told, Interval { value: 0.333_333_333, low: 0.0, high: 123_456_789_000.0 });
        let exact = nine_digits(Interval { value: 0.1, low: f64::NEG_INFINITY, high: f64::INFINITY });
        // Nothing that windows tell can be below zero.
        assert_eq!(exact, Interval { value: 0.1, low: 0.0, high: f64::INFINITY });
    }
}
