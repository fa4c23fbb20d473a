//! Windows whose requests are written down by hand.

use std::path::Path;

use super::*;
use crate::diagnostic::{Diagnostics, Document};
use crate::engine::record::{NodeRecord, OperationRecord};
use crate::experiment::estimate::describe;
use crate::experiment::metric::Metric;
use crate::experiment::plan::{ModelFile, load_point};
use crate::experiment::study::Bound;
use crate::model::Compiled;

const SECOND_NS: u64 = 1_000_000_000;
const WINDOW_NS: u64 = 10 * SECOND_NS;

/// Clients of two operations, `web.browse` and `web.order`.
fn shop() -> Compiled {
    let text = r#"Architecture(name: "shop", nodes: {
        "users": Clients(rate: "1/s", mix: { "web.browse": 1, "web.order": 1 }),
        "web": Service(operations: { "browse": [ Wait(Constant("1ms")) ], "order": [ Wait(Constant("1ms")) ] }),
    })"#;
    let file = ModelFile { document: Document::new("shop.ron", text.to_owned()), directory: Path::new("").to_owned() };
    load_point(&file, &[], true, &mut Diagnostics::new()).expect("a model without mistakes")
}

/// The requests of one operation that end in a window: so many take 10 ms, so many take 2 s, so many fail.
type Ended = (u64, u64, u64);

/// One window of one replication. Requests in progress are counted over the whole window.
fn record(window: u64, browse: Ended, order: Ended, in_progress: f64) -> Record {
    let operation = |(fast, slow, failed): Ended| {
        let mut told = OperationRecord { completed: fast + slow, failed, ..OperationRecord::default() };
        (0..fast).for_each(|_| told.latency.record(SECOND_NS / 100));
        (0..slow).for_each(|_| told.latency.record(2 * SECOND_NS));
        told
    };
    let mut clients = NodeRecord { operations: vec![operation(browse), operation(order)], ..NodeRecord::default() };
    clients.counters.completed = browse.0 + browse.1 + order.0 + order.1;
    clients.counters.failed = browse.2 + order.2;
    clients.counters.in_system_ns = (in_progress * WINDOW_NS as f64) as u128;
    let (start_ns, end_ns) = (window * WINDOW_NS, (window + 1) * WINDOW_NS);
    Record { start_ns, end_ns, nodes: vec![clients, NodeRecord::default()], ..Record::default() }
}

fn objective(quantity: Metric, operation: &str, limit: f64) -> Objective {
    let (name, operation) = (String::new(), operation.to_owned());
    Objective { name, quantity, operation, bound: Bound::Below, limit }
}

/// What is told of replications, each a list of windows.
fn told(objectives: &[Objective], replications: &[Vec<Record>]) -> (Vec<f64>, Finding) {
    let compiled = shop();
    let mut outside = Outside::of(objectives, replications.len()).expect("objectives that windows can miss");
    let shares = (0..replications[0].len()).map(|window| {
        let records: Vec<Record> = replications.iter().map(|windows| windows[window].clone()).collect();
        outside.add(&Sample { compiled: &compiled, records: &records })
    });
    let shares = shares.collect();
    let duration_ns = replications[0].len() as u64 * WINDOW_NS;
    let mut finding = describe(&Sample { compiled: &compiled, records: &[] }, 0.0, duration_ns, 1.0, None);
    outside.tell(&mut finding);
    (shares, finding)
}

/// Whether a window of ten seconds is outside.
fn is_outside(objective: Objective, record: Record) -> bool {
    told(&[objective], &[vec![record]]).0 == [1.0]
}

const NONE: Ended = (0, 0, 0);

#[test]
fn a_quantile_is_missed_if_more_than_its_share_is_slower() {
    let p99 = || objective(Metric::P99, "all", 1.0);
    let of_browse = |ended: Ended| record(0, ended, NONE, 0.0);
    assert!(!is_outside(p99(), of_browse((99, 1, 0))), "one in a hundred may be slower");
    assert!(is_outside(p99(), of_browse((98, 2, 0))));
    assert!(is_outside(p99(), of_browse((98, 1, 1))), "whoever fails was not answered in time");
    assert!(!is_outside(objective(Metric::P95, "all", 1.0), of_browse((98, 1, 1))));
    assert!(!is_outside(objective(Metric::P99, "all", 2.0), of_browse((0, 100, 0))), "the limit itself is good enough");
    // Too few for a p99: all of them must be in time.
    assert!(!is_outside(p99(), of_browse((3, 0, 0))));
    assert!(is_outside(p99(), of_browse((49, 1, 0))));
}

#[test]
fn errors_are_missed_if_too_many_fail() {
    let of = |failed: u64| record(0, (1_000 - failed, 0, failed), NONE, 0.0);
    assert!(!is_outside(objective(Metric::ErrorRatio, "all", 0.01), of(10)));
    assert!(is_outside(objective(Metric::ErrorRatio, "all", 0.01), of(11)));
    let available = || Objective { bound: Bound::Above, ..objective(Metric::Availability, "all", 0.999) };
    assert!(!is_outside(available(), of(1)));
    assert!(is_outside(available(), of(2)));
    assert!(
        !is_outside(objective(Metric::ErrorRatio, "all", 0.01), record(0, (0, 100, 0), NONE, 0.0)),
        "slow is no error"
    );
}

#[test]
fn an_objective_looks_at_its_own_operation() {
    let slow_orders = || record(0, (1_000, 0, 0), (0, 9, 0), 0.0);
    assert!(is_outside(objective(Metric::P99, "web.order", 1.0), slow_orders()));
    assert!(!is_outside(objective(Metric::P99, "web.browse", 1.0), slow_orders()));
    assert!(!is_outside(objective(Metric::P99, "all", 1.0), slow_orders()));
}

#[test]
fn a_window_in_which_nothing_ends_is_outside_if_somebody_waits_all_along() {
    for objective in [objective(Metric::P99, "all", 1.0), objective(Metric::ErrorRatio, "web.order", 0.01)] {
        let is_outside = |record| is_outside(objective.clone(), record);
        assert!(is_outside(record(0, NONE, NONE, 1.0)));
        assert!(is_outside(record(0, NONE, NONE, 7.5)));
        assert!(!is_outside(record(0, NONE, NONE, 0.0)), "nobody asks for anything");
        assert!(!is_outside(record(0, NONE, NONE, 0.2)), "somebody has only just asked");
    }
    // The same clients are answered other requests.
    assert!(!is_outside(objective(Metric::P99, "web.order", 1.0), record(0, (9, 0, 0), NONE, 3.0)));
}

#[test]
fn windows_outside_add_up_and_recovery_spans_them() {
    let good = |window: u64| record(window, (100, 0, 0), NONE, 0.0);
    let bad = |window: u64| record(window, (90, 7, 3), NONE, 0.0);
    let first = vec![good(0), bad(1), good(2), bad(3), good(4)];
    let second = vec![good(0), bad(1), good(2), good(3), good(4)];
    let third = (0..5).map(good).collect();
    let (shares, finding) = told(&[objective(Metric::P99, "all", 1.0)], &[first, second, third]);
    assert_eq!(shares, [0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0, 0.0]);
    let Finding { point, replicates } = finding;
    assert_eq!(replicates.outside_objectives_s, [20.0, 10.0, 0.0]);
    assert_eq!(replicates.recovery_s, [30.0, 10.0, 0.0]);
    assert_eq!(replicates.lost_requests, [6.0, 3.0, 0.0]);
    let outside = point.outside_objectives_s.expect("three replications");
    assert_eq!(outside.value, 10.0);
    assert!(outside.low == 0.0 && outside.high > 20.0 && outside.high <= 50.0, "{outside:?}");
    assert_eq!(shares.iter().sum::<f64>() * 10.0, outside.value, "windows add up to the whole");
    assert!((point.recovery_s.expect("three replications").value - 40.0 / 3.0).abs() < 1e-9);
    assert_eq!(point.lost_requests.map(|told| told.value), Some(3.0));
}

#[test]
fn any_missed_objective_puts_a_window_outside() {
    let windows = |window| vec![record(window, (100, 0, 0), NONE, 0.0), record(window + 1, (980, 0, 20), NONE, 0.0)];
    let objectives = [objective(Metric::P95, "all", 1.0), objective(Metric::ErrorRatio, "all", 0.01)];
    assert_eq!(told(&objectives, &[windows(0), windows(0)]).0, [0.0, 1.0]);
    assert!(Outside::of(&[objective(Metric::CostPerHour, "all", 1.0)], 2).is_none(), "windows cannot miss a cost");
}
