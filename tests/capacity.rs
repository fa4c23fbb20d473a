//! Capacities that are found are those that queueing theory knows.

use std::path::Path;

use forescale::diagnostic::Diagnostics;
use forescale::experiment::capacity::{Capacity, Prober, capacity};
use forescale::experiment::pipeline::{Settings, study};
use forescale::experiment::plan;
use forescale::experiment::store::{Missing, Store};
use forescale::experiment::study::Verdict;
use forescale::experiment::verdict::{CAUTION, judged};

const SERVICE_RATE_PER_S: f64 = 1_000.0;

/// The probability that a request of M/M/c waits (Erlang C).
fn waiting_probability(servers: u32, load: f64) -> f64 {
    let blocked = (1..=servers).fold(1.0, |blocked, k| load * blocked / (f64::from(k) + load * blocked));
    let utilization = load / f64::from(servers);
    blocked / (1.0 - utilization + utilization * blocked)
}

/// The probability that the time in system of M/M/c exceeds `t`: service, and with the probability above a wait that is
/// exponential with rate c mu - lambda.
fn exceeds(servers: u32, arrivals_per_s: f64, t: f64) -> f64 {
    let waits = waiting_probability(servers, arrivals_per_s / SERVICE_RATE_PER_S);
    let (mu, theta) = (SERVICE_RATE_PER_S, f64::from(servers) * SERVICE_RATE_PER_S - arrivals_per_s);
    (1.0 - waits) * (-mu * t).exp() + waits * (mu * (-theta * t).exp() - theta * (-mu * t).exp()) / (mu - theta)
}

/// The arrival rate at which the 99th percentile of M/M/c is this limit.
fn truth(servers: u32, limit_s: f64) -> f64 {
    let (mut low, mut high) = (1.0, f64::from(servers) * SERVICE_RATE_PER_S);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if exceeds(servers, middle, limit_s) > 0.01 { high = middle } else { low = middle }
    }
    low
}

/// Searches the capacity of an experiment on a model.
fn searched(directory: &Path, model: &str, experiment: &str, quick: bool) -> Capacity {
    std::fs::write(directory.join("model.ron"), model).expect("a directory to write to");
    let path = directory.join("capacity.ron");
    std::fs::write(&path, experiment).expect("a directory to write to");
    let mut diagnostics = Diagnostics::new();
    let plan = plan::load(&path, quick, Some(1), &mut diagnostics).expect("an experiment without mistakes");
    let store = Store::open(&directory.join("store.sqlite"), Missing::Make).expect("a store");
    capacity(&Prober::new(&plan, &store, false), 0, 0.02).unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// Searches the capacity of M/M/c.
fn found(directory: &Path, servers: u32, limit_ms: f64) -> Capacity {
    let model = format!(
        r#"Architecture(name: "m_m_c", nodes: {{
            "clients": Clients(rate: "100/s", mix: {{ "server.request": 1 }}),
            "server": Service(cpu: {servers}, workers: {servers}, price: "$0.10/h",
                              operations: {{ "request": [ Compute(Exponential("1ms")) ] }}),
        }})"#
    );
    let experiment = format!(
        r#"Experiment(title: "capacity", model: "model.ron",
            load: Axis(path: "nodes.clients.rate", label: "requests per second", values: ["100/s", "{servers}000/s"]),
            objectives: [ Latency(quantile: P99, below: "{limit_ms}ms") ],
        )"#
    );
    searched(directory, &model, &experiment, false)
}

/// A verdict takes less than a number: far from its limit, a p99 need not be known precisely.
#[test]
fn who_asks_for_a_verdict_gets_it_sooner() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = r#"Architecture(name: "m_m_1", nodes: {
        "clients": Clients(rate: "900/s", mix: { "server.request": 1 }),
        "server": Service(cpu: 1, workers: 1, operations: { "request": [ Compute(Exponential("1ms")) ] }),
    })"#;
    std::fs::write(directory.path().join("model.ron"), text).expect("a directory to write to");
    let requests = |limit_ms: u32, decides: bool| {
        let experiment = format!(
            r#"Experiment(title: "t", model: "model.ron", load: Axis(path: "nodes.clients.rate", values: ["900/s"]),
                objectives: [ Latency(quantile: P99, below: "{limit_ms}ms") ])"#
        );
        let path = directory.path().join("verdict.ron");
        std::fs::write(&path, experiment).expect("a directory to write to");
        let plan = plan::load(&path, false, Some(1), &mut Diagnostics::new()).expect("an experiment without mistakes");
        let decides = if decides { plan.space.objectives.clone() } else { Vec::new() };
        let settings = Settings { decides, ..plan.space.settings.clone() };
        let point = study(&plan.points[0].compiled, 900.0, &settings).expect("no law is broken").point;
        (point.requests, judged(&plan.space.objectives, &point, CAUTION).0)
    };
    // The truth is 46 ms.
    for (limit_ms, verdict) in [(15, Verdict::Missed), (150, Verdict::Met)] {
        let ((sooner, early), (later, late)) = (requests(limit_ms, true), requests(limit_ms, false));
        assert_eq!((early, late), (verdict, verdict), "{limit_ms} ms");
        assert!(3 * sooner < later, "{limit_ms} ms: {sooner} of {later} requests");
    }
    let (sooner, later) = (requests(46, true).0, requests(46, false).0);
    assert_eq!(sooner, later, "at the limit there is nothing to end early for");
}

/// Ten connections, each held for some 38 ms, and no room to wait: errors begin long before any core is busy.
#[test]
fn what_turns_requests_away_binds_an_objective_on_errors() {
    let directory = tempfile::tempdir().expect("a directory");
    let model = r#"Architecture(name: "shop", nodes: {
        "clients": Clients(rate: "100/s", mix: { "web.page": 1 }),
        "web": Service(replicas: 2, cpu: 2, operations: { "page": [ Compute(Exponential("8ms")), Call("database.read") ] }),
        "database": Database(cores: 4, max_connections: 10, operations: {
            "read": Read(cpu: Exponential("8ms"), io: Exponential("30ms")),
        }),
    })"#;
    let experiment = r#"Experiment(title: "errors", model: "model.ron",
        load: Axis(path: "nodes.clients.rate", label: "requests per second", values: ["20/s", "300/s"]),
        objectives: [ ErrorRatio(below: "2%"), Throughput(above: "30/s") ],
    )"#;
    let found = searched(directory.path(), model, experiment, true);
    let binding = found.carried.binding.as_ref().expect("something binds");
    assert_eq!((binding.node.as_str(), binding.field.as_str()), ("database", "max_connections"), "{binding:?}");
    let (met, relieved) = (found.carried.met_load, found.relieved.as_ref().and_then(|relieved| relieved.met_load));
    assert!(met.zip(relieved).is_some_and(|(met, relieved)| relieved > 2.0 * met), "{met:?} {relieved:?}");
}

#[test]
fn the_capacity_of_m_m_c_is_that_of_theory() {
    for (servers, limit_ms) in [(1, 20.0), (4, 8.0), (10, 6.0)] {
        let directory = tempfile::tempdir().expect("a directory");
        let found = found(directory.path(), servers, limit_ms);
        let truth = truth(servers, limit_ms * 1e-3);
        let (met, missed) = (found.carried.met_load.expect("a load"), found.carried.missed_load.expect("a load"));
        assert!(met <= truth && truth <= missed, "M/M/{servers}: {truth} is not between {met} and {missed}");
        assert!(missed / met < 1.12, "M/M/{servers}: from {met} to {missed} is wide");
        assert_eq!(found.carried.limited_by.as_deref().map(|name| name.contains("p99")), Some(true));
        let headroom = found.headroom_ratio.expect("the model has a rate");
        assert!(headroom.low <= truth / 100.0 - 1.0 && truth / 100.0 - 1.0 <= headroom.high, "{headroom:?}");
        // Cores and workers both bind here; a twofold replica has both.
        let binding = found.carried.binding.as_ref().expect("something binds");
        assert_eq!((binding.node.as_str(), binding.field.as_str()), ("server", "replicas"), "{binding:?}");
        let relieved = found.relieved.as_ref().and_then(|relieved| relieved.met_load).expect("a load");
        assert!(relieved > 1.5 * met, "twice the servers carry {relieved}, one set {met}");
    }
}

#[test]
fn a_second_search_studies_nothing_again_and_says_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = |found: &Capacity| serde_json::to_string(found).expect("JSON");
    let first = text(&found(directory.path(), 1, 20.0));
    let before = std::fs::metadata(directory.path().join("store.sqlite")).expect("a store").len();
    assert_eq!(text(&found(directory.path(), 1, 20.0)), first);
    assert_eq!(std::fs::metadata(directory.path().join("store.sqlite")).expect("a store").len(), before);
}

/// One core at a few percent misses a strict limit: hardly busy, and still what more of would help.
#[test]
fn what_is_hardly_busy_may_bind() {
    let directory = tempfile::tempdir().expect("a directory");
    let model = r#"Architecture(name: "strict", nodes: {
        "clients": Clients(rate: "100/s", mix: { "server.request": 1 }),
        "server": Service(workers: 1, operations: { "request": [ Compute(Exponential("1ms")) ] }),
    })"#;
    let experiment = r#"Experiment(title: "strict", model: "model.ron",
        load: Axis(path: "nodes.clients.rate", label: "requests per second", values: ["20/s", "300/s"]),
        objectives: [ Latency(quantile: P99, below: "5ms") ],
    )"#;
    let found = searched(directory.path(), model, experiment, true);
    let binding = found.carried.binding.as_ref().expect("something binds");
    assert_eq!((binding.node.as_str(), binding.field.as_str()), ("server", "replicas"), "{binding:?}");
}
