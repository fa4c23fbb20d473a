//! Synthetic studies of a given length.

use crate::experiment::metric::Metric;
use crate::experiment::study::{
    Bound, Event, Interval, Measure, NodeWindow, Objective, OperationWindow, Point, Study, Window,
};

use super::{around, study};

/// The same over ten minutes, in four windows: latency rises, and the last window has too few requests for a p99.
pub(in crate::report) fn with_windows() -> Study {
    let mut study = study();
    for point in study.variants.iter_mut().flat_map(|variant| &mut variant.points) {
        let Some(mean) = point.operations.first().and_then(|operation| operation.mean_s) else { continue };
        let window = |index: u32| {
            let mean = mean.value * (0.5 + 0.2 * f64::from(index));
            Window {
                start_s: 150.0 * f64::from(index),
                end_s: 150.0 * f64::from(index + 1),
                offered_per_s: Some(around(104.0, 0.02)),
                cost_usd_per_hour: None,
                outside_objectives_ratio: None,
                operations: vec![OperationWindow {
                    name: "all".to_owned(),
                    throughput_per_s: Some(around(100.0, 0.02)),
                    error_ratio: Some(around(0.0, 0.0)),
                    mean_s: Some(around(mean, 0.1)),
                    p50_s: Some(around(mean * 0.69, 0.1)),
                    p95_s: Some(around(mean * 3.0, 0.1)),
                    p99_s: (index < 3).then(|| around(mean * 4.6, 0.1)),
                }],
                nodes: vec![NodeWindow {
                    name: "shop".to_owned(),
                    utilization: Some(around(0.5, 0.05)),
                    queue_length: Some(around(1.0, 0.2)),
                    replicas: None,
                    measures: Vec::new(),
                }],
            }
        };
        point.windows = (0..4).map(window).collect();
    }
    study
}

/// A surge over an hour, in windows of a minute, that a service and its workers scale after: pods start late, one runs out of
/// memory, and p99 is above its objective meanwhile.
pub(in crate::report) fn with_scaling() -> Study {
    let mut study = study();
    study.objectives = vec![Objective {
        name: "p99 below 500ms".to_owned(),
        quantity: Metric::P99,
        operation: "all".to_owned(),
        bound: Bound::Below,
        limit: 0.5,
    }];
    for point in study.variants.iter_mut().flat_map(|variant| &mut variant.points) {
        if point.refusal.is_none() {
            scale(point);
        }
    }
    study
}

fn scale(point: &mut Point) {
    const MINUTES: u32 = 60;
    point.simulated_s = 60.0 * f64::from(MINUTES);
    point.windows = (0..MINUTES).map(minute).collect();
    point.outside_objectives_s = Some(around(420.0, 0.2));
    point.recovery_s = Some(around(480.0, 0.2));
    point.lost_requests = Some(around(1_700.0, 0.1));
    let event = |time_s: f64, node: &str, what: &str| Event { time_s, node: node.to_owned(), what: what.to_owned() };
    point.events = vec![
        event(1_260.0, "shop", "out of memory"),
        event(1_275.0, "shop", "out of memory"),
        event(1_900.0, "mailer", "spot interruption"),
        event(2_700.0, "shop", "rollout begins"),
        event(3_590.0, "shop", "rollout ends"),
    ];
}

fn minute(minute: u32) -> Window {
    let time = f64::from(minute);
    // Nine times the load within ten minutes, and replicas that follow six minutes later.
    let surge = |from: f64| 1.0 / (1.0 + (-(time - from) / 1.5).exp());
    let (offered, wanted, ready) =
        (400.0 + 3_200.0 * surge(20.0), (4.0 + 32.0 * surge(21.0)).ceil(), 4.0 + 32.0 * surge(25.0));
    let served = offered.min(110.0 * ready);
    let late = offered - served;
    let p99 = 0.12 + late / 400.0;
    let measure = |name: &str, value: f64| Measure { name: name.to_owned(), estimate: around(value, 0.06) };
    let scaled = |name: &str, share: f64| NodeWindow {
        name: name.to_owned(),
        utilization: Some(around(0.6, 0.05)),
        queue_length: Some(around(0.2 + late * share, 0.2)),
        replicas: Some(around(wanted.max(ready) * share, 0.05)),
        measures: vec![
            measure("desired_replicas", (wanted * share).ceil()),
            measure("starting_replicas", ((wanted - ready) * share).max(0.0)),
            measure("ready_replicas", ready * share),
        ],
    };
    let exactly = |value: f64| Interval { value, low: value, high: value };
    Window {
        start_s: 60.0 * time,
        end_s: 60.0 * (time + 1.0),
        offered_per_s: Some(around(offered, 0.02)),
        cost_usd_per_hour: Some(around(0.4 + 0.1 * wanted.max(ready), 0.04)),
        outside_objectives_ratio: (p99 > 0.4).then(|| (p99 / 1.5).min(1.0)),
        operations: vec![OperationWindow {
            name: "all".to_owned(),
            throughput_per_s: Some(around(served, 0.02)),
            error_ratio: Some(exactly(0.0)),
            mean_s: Some(around(p99 / 4.0, 0.1)),
            p50_s: Some(around(p99 / 6.0, 0.1)),
            p95_s: Some(around(p99 * 0.6, 0.1)),
            p99_s: Some(around(p99, 0.15)),
        }],
        nodes: vec![scaled("shop", 1.0), scaled("mailer", 0.4)],
    }
}
