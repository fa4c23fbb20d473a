//! A study made of formulas, for the tests of tables and charts.

mod course;

use std::collections::BTreeMap;

use crate::experiment::find::{Choice as FoundChoice, Found, RunnerUp, Studied};
use crate::experiment::metric::Metric;
use crate::experiment::sensitivity::{
    Assumption, Choice, Deciding, Decision, Effect, HalfChoice, Reason, Sensitivity, SeriesSensitivity, Split, Spread,
    Written,
};
use crate::experiment::study::{Axis, Comparison, Interval, Measure, Node, Operation, Point};
use crate::experiment::study::{Refusal, Study, Variant, Verdict};
use crate::model::assumptions::Provenance;
pub(super) use course::{with_scaling, with_windows};

/// An interval of a given relative half width.
pub(super) fn around(value: f64, relative: f64) -> Interval {
    Interval { value, low: value * (1.0 - relative), high: value * (1.0 + relative) }
}

/// Three variants at eight loads: one that saturates, one with a cache, one that scales.
pub(super) fn study() -> Study {
    let loads = [1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0, 50_000.0];
    let variants =
        [("fixed fleet", 0.08, 24_000.0), ("with cache", 0.05, 47_000.0), ("autoscaled", 0.07, f64::INFINITY)];
    Study {
        schema: 1,
        version: "0.1.0".to_owned(),
        name: "peak".to_owned(),
        title: "Which technique carries the sale's peak?".to_owned(),
        question: Some("How many users does each carry below a second, and what does it cost?".to_owned()),
        model: "models/shop.ron".to_owned(),
        seed: 7,
        quick: false,
        model_digest: "6f".repeat(32),
        plan_digest: "a1".repeat(32),
        digest: "c0ffee".repeat(10),
        axis: Axis {
            path: "nodes.users.users".to_owned(),
            label: "Concurrent users".to_owned(),
            unit: None,
            values: loads.to_vec(),
        },
        axes: Vec::new(),
        constraints: Vec::new(),
        operation: "all".to_owned(),
        objectives: Vec::new(),
        variants: variants
            .into_iter()
            .map(|(name, service_s, capacity)| Variant {
                name: name.to_owned(),
                variant: name.to_owned(),
                settings: BTreeMap::new(),
                knee: None,
                points: loads.iter().map(|load| point(*load, service_s, capacity)).collect(),
            })
            .collect(),
        baseline: "fixed fleet".to_owned(),
        measures: Vec::new(),
        comparisons: vec![
            comparison(Metric::P99, 10_000.0, -0.038, 0.004, true),
            comparison(Metric::P99, 20_000.0, 0.001, 0.003, false),
            comparison(Metric::CostPerHour, 10_000.0, 0.29, 0.012, true),
        ],
    }
}

fn comparison(metric: Metric, load: f64, difference: f64, half_width: f64, is_real: bool) -> Comparison {
    let difference = Interval { value: difference, low: difference - half_width, high: difference + half_width };
    let p_value = if is_real { 0.001 } else { 0.7 };
    Comparison { variant: "with cache".to_owned(), load, metric, difference, p_value, is_real }
}

/// A point of a queue with this mean service time that saturates at `capacity`, or scales where that is infinite.
pub(super) fn point(load: f64, service_s: f64, capacity: f64) -> Point {
    let scales = capacity.is_infinite();
    let utilization = if scales { 0.62 + 0.06 * (load / 7_000.0).sin() } else { load / capacity };
    if utilization >= 1.0 {
        return refused(load, "unstable");
    }
    let mean = service_s / (1.0 - utilization);
    let relative = 0.02 + 0.12 * utilization * utilization;
    let cost = if scales { 2.0 + load * 0.0008 } else { 12.0 + capacity * 0.0003 };
    let throughput = load * 0.4;
    let per_million = cost / (throughput * 3600.0) * 1e6;
    Point {
        load,
        refusal: None,
        replications: 20,
        simulated_s: 600.0,
        requests: (throughput * 480.0 * 20.0) as u64,
        operations: vec![
            operation("all", throughput, mean, relative),
            operation("browse", throughput * 0.8, mean * 0.7, relative),
            operation("checkout", throughput * 0.2, mean * 2.2, relative),
        ],
        nodes: vec![
            node("gateway", "LoadBalancer", utilization * 0.22, throughput),
            node("shop", "Service", utilization, throughput),
            node("redis", "Cache", utilization * 0.31, throughput * 0.9),
            node("postgres", "Database", utilization * 0.78, throughput * 0.3),
            Node { utilization: None, ..node("shop-hpa", "Hpa", 0.0, 0.0) },
        ],
        cost_usd_per_hour: Some(around(cost, if scales { 0.03 } else { 0.0 })),
        cost_usd_per_million_requests: Some(around(per_million, 0.02)),
        outside_objectives_s: None,
        recovery_s: None,
        lost_requests: None,
        notes: Vec::new(),
        objectives: Vec::new(),
        windows: Vec::new(),
        events: Vec::new(),
    }
}

/// A point without numbers.
pub(super) fn refused(load: f64, code: &str) -> Point {
    Point {
        load,
        refusal: Some(Refusal { code: code.to_owned(), reason: "the queue grows without bound".to_owned() }),
        replications: 20,
        simulated_s: 600.0,
        requests: 0,
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
    }
}

fn operation(name: &str, throughput: f64, mean: f64, relative: f64) -> Operation {
    Operation {
        name: name.to_owned(),
        throughput_per_s: Some(around(throughput, 0.01)),
        error_ratio: Some(around(0.0012, 0.3)),
        mean_s: Some(around(mean, relative)),
        p50_s: Some(around(mean * 0.69, relative)),
        p95_s: Some(around(mean * 3.0, relative)),
        p99_s: Some(around(mean * 4.6, relative)),
        p999_s: None,
        note: None,
    }
}

fn node(name: &str, kind: &str, utilization: f64, throughput: f64) -> Node {
    Node {
        name: name.to_owned(),
        kind: kind.to_owned(),
        utilization: Some(around(utilization, 0.03)),
        throughput_per_s: Some(around(throughput, 0.01)),
        error_ratio: None,
        queue_length: Some(around(utilization * 5.0, 0.1)),
        wait_mean_s: Some(around(utilization * 0.02, 0.1)),
        wait_p99_s: None,
        latency_mean_s: Some(around(0.04, 0.02)),
        latency_p99_s: Some(around(0.16, 0.04)),
        cost_usd_per_hour: Some(around(3.0, 0.0)),
        replicas: None,
        replica_hours: None,
        measures: vec![Measure { name: "hit_ratio".to_owned(), estimate: around(0.83, 0.01) }],
    }
}

/// One variant in which the database decides, and one that always meets its objectives.
pub(super) fn sensitivity() -> Sensitivity {
    let assumption = |name: &str, provenance: Provenance, is_declared: bool| Assumption {
        path: format!("nodes.{name}"),
        name: name.to_owned(),
        provenance,
        is_declared,
        is_factor: true,
        low: 1.0 / provenance.factor(),
        middle: 1.0,
        high: provenance.factor(),
    };
    let effect = |assumption: Assumption, correlation: f64, low: Option<f64>, high: Option<f64>| Effect {
        assumption,
        correlation: Some(correlation),
        partial_correlation: Some(correlation),
        p_value: Some(1.0 - correlation.abs()),
        is_real: correlation.abs() > 0.2,
        low_third_p99_s: low,
        high_third_p99_s: high,
        verdict: None,
    };
    let cpu = assumption("postgres.read.cpu", Provenance::Guess, false);
    let split = Split {
        lower_half_met_ratio: around(0.95, 0.05),
        upper_half_met_ratio: around(0.2, 0.5),
        p_value: 1e-9,
        decides: true,
    };
    let entries = Assumption {
        is_factor: false,
        low: 500.0,
        middle: 1_000.0,
        high: 2_000.0,
        ..assumption("redis.entries", Provenance::Vendor, true)
    };
    let effects = vec![
        Effect { verdict: Some(split), ..effect(cpu.clone(), 0.97, Some(0.12), None) },
        effect(entries, -0.4, Some(0.31), Some(0.25)),
        effect(assumption("web.page.0", Provenance::Measured, true), 0.3, Some(0.26), Some(0.29)),
        effect(assumption("users.think", Provenance::Measured, true), 0.01, Some(0.27), Some(0.27)),
    ];
    let written = Written { verdict: Verdict::Met, p99_s: Some(around(0.27, 0.03)), refusal: None };
    let series = SeriesSensitivity {
        variant: "as is".to_owned(),
        written: written.clone(),
        met_ratio: Some(Interval { value: 0.6, low: 0.5, high: 0.69 }),
        unsure_draws: 7,
        unstable_draws: 12,
        untold_draws: 2,
        untold_reasons: vec![Reason { code: "budget_spent".to_owned(), draws: 2 }],
        p99_s: Some(Spread { p05: Some(0.09), p50: Some(0.28), p95: None }),
        assumptions: effects,
    };
    let safe = SeriesSensitivity {
        variant: "cache".to_owned(),
        met_ratio: Some(Interval { value: 1.0, low: 0.96, high: 1.0 }),
        unsure_draws: 0,
        unstable_draws: 0,
        untold_draws: 0,
        untold_reasons: Vec::new(),
        p99_s: Some(Spread { p05: Some(0.05), p50: Some(0.06), p95: Some(0.08) }),
        assumptions: Vec::new(),
        written,
    };
    let choice = |variant: &str, ratio: f64| Choice { variant: variant.to_owned(), cheapest_ratio: around(ratio, 0.1) };
    let half = |variant: &str, ratio: f64| HalfChoice { variant: Some(variant.to_owned()), ratio };
    let deciding =
        Deciding { assumption: cpu, p_value: 1e-9, lower_half: half("as is", 0.95), upper_half: half("cache", 0.8) };
    Sensitivity {
        load: 10_000.0,
        draws: 100,
        precision: 0.1,
        replications: 4,
        operation: "web.page".to_owned(),
        moved_paths: vec!["nodes.users.users".to_owned()],
        series: vec![series, safe],
        decision: Some(Decision {
            choices: vec![choice("as is", 0.6), choice("cache", 0.4)],
            none_ratio: Interval { value: 0.0, low: 0.0, high: 0.04 },
            untold_draws: 2,
            deciding: vec![deciding],
        }),
    }
}

/// A search over machines and pods: four on the front, two beside it, and one that is unstable.
pub(super) fn found() -> Found {
    let choice = |name: &str, verdict: Verdict, cost: f64, p99_s: f64| FoundChoice {
        name: name.to_owned(),
        variant: "machines".to_owned(),
        settings: BTreeMap::from([("pods".to_owned(), "4".to_owned())]),
        verdict,
        point: Point {
            cost_usd_per_hour: Some(around(cost, 0.01)),
            operations: vec![Operation { p99_s: Some(around(p99_s, 0.04)), ..operation("all", 100.0, 0.01, 0.02) }],
            ..point(10_000.0, 0.05, 24_000.0)
        },
    };
    let front = vec![
        choice("small, pods 3", Verdict::Missed, 2.0, 0.5),
        choice("small, pods 4", Verdict::Met, 3.0, 0.2),
        choice("large, pods 3", Verdict::Met, 4.0, 0.12),
        choice("large, pods 9", Verdict::Met, 9.0, 0.09),
    ];
    let beside = [choice("small, pods 5", Verdict::Unsure, 3.6, 0.3), choice("large, pods 4", Verdict::Met, 5.0, 0.15)];
    let told = |one: &FoundChoice| Studied {
        name: one.name.clone(),
        variant: one.variant.clone(),
        settings: one.settings.clone(),
        verdict: one.verdict,
        refusal: None,
        cost_usd_per_hour: one.point.cost_usd_per_hour,
        p99_s: one.point.operations[0].p99_s,
        objectives: Vec::new(),
    };
    let mut studied: Vec<Studied> = front.iter().chain(&beside).map(told).collect();
    let refusal = Some("unstable".to_owned());
    studied.push(Studied { name: "small, pods 2".to_owned(), refusal, ..studied[0].clone() });
    Found {
        load: 10_000.0,
        configurations: 784.0,
        looked_at: 90,
        studies: 120,
        requests: 5_000_000,
        seed: 7,
        operation: "all".to_owned(),
        winner: Some(front[1].clone()),
        runner_up: Some(RunnerUp {
            choice: front[2].clone(),
            p99_difference_s: Some(around(-0.08, 0.05)),
            cost_difference_usd_per_hour: Some(around(1.0, 0.0)),
        }),
        unsure: Vec::new(),
        undecided: 0,
        nearest: None,
        front,
        studied,
    }
}
