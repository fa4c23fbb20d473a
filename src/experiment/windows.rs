//! Estimates of one stretch of time, each with its interval over replications.

use crate::engine::record::{Counters, Record};
use crate::experiment::estimate::{Sample, interval};
use crate::experiment::study::{Interval, Node, NodeWindow, OperationWindow, Window};
use crate::statistics::estimate::ratio_interval;

/// What replications say of the stretch of time that their records are of. Quantiles with fewer than `exceedances`
/// expected beyond them in a replication are left out.
pub fn window(sample: &Sample<'_>, watched: Option<&str>, exceedances: f64) -> Window {
    let (start_ns, end_ns) = sample.records.first().map_or((0, 0), |record| (record.start_ns, record.end_ns));
    let all = std::iter::once(operation(sample, "all", None, exceedances));
    let own = watched.map(|name| operation(sample, name, Some(name), exceedances));
    // One division rounds once: 30 s stay 30.
    let seconds = |ns: u64| ns as f64 / 1e9;
    Window {
        start_s: seconds(start_ns),
        end_s: seconds(end_ns),
        operations: all.chain(own).collect(),
        nodes: (0..sample.compiled.descriptions.len()).filter_map(|index| node(sample, index)).collect(),
    }
}

/// Leaves out the queues in which nobody waited in the whole time, and the nodes that then have nothing to tell.
pub fn drop_idle_queues(windows: &mut [Window], whole: &[Node]) {
    let is_idle = |name: &str| {
        let queue = whole.iter().find(|node| node.name == name).and_then(|node| node.queue_length);
        queue.is_none_or(|queue| queue.value == 0.0)
    };
    for window in windows {
        for node in &mut window.nodes {
            node.queue_length = node.queue_length.filter(|_| !is_idle(&node.name));
        }
        window.nodes.retain(|node| node.utilization.is_some() || node.queue_length.is_some());
    }
}

fn operation(sample: &Sample<'_>, label: &str, name: Option<&str>, exceedances: f64) -> OperationWindow {
    let latencies = sample.latencies(name);
    let completed =
        sample.per_replication(|record| sample.operations_of(record, name).map(|one| one.completed as f64).sum());
    OperationWindow {
        name: label.to_owned(),
        throughput_per_s: ratio(&completed, &sample.per_replication(Record::seconds)),
        error_ratio: sample.failures(name).map(|told| told.ratio),
        mean_s: latencies.mean(),
        p50_s: latencies.told_quantile(0.5, exceedances),
        p95_s: latencies.told_quantile(0.95, exceedances),
        p99_s: latencies.told_quantile(0.99, exceedances),
    }
}

/// A station; clients have neither servers nor a queue.
fn node(sample: &Sample<'_>, index: usize) -> Option<NodeWindow> {
    let description = &sample.compiled.descriptions[index];
    if !description.requested.is_empty() {
        return None;
    }
    let of =
        |value: fn(&Counters) -> u128| sample.per_replication(|record| value(&record.nodes[index].counters) as f64);
    let times_ns = sample.per_replication(|record| (record.end_ns - record.start_ns) as f64);
    let utilization = ratio(&of(|counters| counters.busy_ns), &of(|counters| counters.capacity_ns));
    Some(NodeWindow {
        name: description.name.clone(),
        utilization: utilization.map(|share| Interval { low: share.low.max(0.0), high: share.high.min(1.0), ..share }),
        queue_length: ratio(&of(|counters| counters.waiting_ns), &times_ns),
    })
}

fn ratio(numerators: &[f64], denominators: &[f64]) -> Option<Interval> {
    ratio_interval(numerators, denominators).map(|estimate| interval(estimate, 1.0))
}
