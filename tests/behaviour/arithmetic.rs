//! Small models whose answer follows by hand: combinations of features that each work alone.

use forescale::experiment::pipeline::{Horizon, Settings, study};

use crate::run::{Run, architecture, prepare, run};

fn ran(nodes: &str, links: &str, seconds: f64) -> Run {
    run(&prepare(&architecture("", nodes, links), &[]), seconds)
}

fn assert_near(found: f64, wanted: f64, tolerance: f64, what: &str) {
    assert!((found - wanted).abs() <= tolerance, "{what}: {found}, not {wanted} within {tolerance}");
}

/// Four branches of 10 ms on one core take 40 ms of it, with one worker as with many, so that requests in turn make an
/// M/D/1 queue: at 20/s and a load of 0.8 the mean is `40 + 0.8 * 40 / (2 * 0.2)` = 120 ms.
#[test]
fn parallel_branches_share_the_cores_of_their_worker() {
    let branch = "[Compute(Constant(\"10ms\"))]";
    let nodes = format!(
        "\"c\": Clients(rate: \"20/s\", mix: {{ \"s.r\": 1 }}),
         \"s\": Service(cpu: 1, workers: 1, operations: {{ \"r\": [Parallel([{branch}, {branch}, {branch}, {branch}])] }})"
    );
    for scheduling in ["", "scheduling: RunToCompletion, "] {
        let text = nodes.replace("cpu: 1,", &format!("cpu: 1, {scheduling}"));
        let run = ran(&text, "", 4_000.0);
        assert_near(run.latency_s("c"), 0.120, 0.008, "mean latency");
        let counters = &run.node("s").counters;
        assert_near(counters.busy_ns as f64 / counters.capacity_ns as f64, 0.8, 0.02, "utilization");
    }
    // Waiting branches are no waiting requests, however many there are.
    ran(&nodes.replace("cpu: 1, workers: 1,", "scheduling: RunToCompletion,"), "", 100.0);
}

/// Two attempts at each of two links in a row are four independent ones.
#[test]
fn retries_at_two_places_draw_apart() {
    let nodes = "\"c\": Clients(rate: \"1000/s\", mix: { \"lb.r\": 1 }), \"lb\": LoadBalancer(target: \"s\"),
                 \"s\": Service(operations: { \"r\": [Wait(Exponential(\"1ms\")), Fail(\"50%\")] })";
    let links = "\"c -> lb\": Link(retry: Retry(max_attempts: 2)), \"lb -> s\": Link(retry: Retry(max_attempts: 2))";
    assert_near(ran(nodes, links, 100.0).failed_ratio("c"), 0.0625, 0.004, "error ratio");
    let queue = "\"c\": Clients(rate: \"1000/s\", mix: { \"q.m\": 1 }),
                 \"q\": Queue(consumers: 50, max_deliveries: 2, messages: { \"m\": \"s.r\" }),
                 \"s\": Service(operations: { \"r\": [Wait(Exponential(\"1ms\")), Fail(\"50%\")] })";
    let run = ran(queue, "\"q -> s\": Link(retry: Retry(max_attempts: 2))", 100.0);
    assert_near(run.share("q", "dead_letter_ratio"), 0.0625, 0.004, "dead letters");
}

/// Half of the requests go to the other zone, there and back.
#[test]
fn zones_of_an_open_workload_do_not_go_in_step_with_turns() {
    let nodes = "\"c\": Clients(rate: \"1000/s\", zones: 2, mix: { \"web.r\": 1 }),
                 \"web\": Service(replicas: 2, zones: 2, operations: { \"r\": [Wait(Exponential(\"1ms\"))] })";
    let links = "\"c -> web\": Link(policy: RoundRobin, cross_zone_latency: Constant(\"10ms\"))";
    assert_near(ran(nodes, links, 100.0).latency_s("c"), 0.011, 0.0003, "mean latency");
}

/// A service of one zone stands in the first, wherever its callers are.
#[test]
fn one_replica_stands_in_the_first_zone_as_more_replicas_do() {
    for replicas in [1, 2] {
        let nodes = format!(
            "\"c\": Clients(rate: \"1000/s\", zones: 2, mix: {{ \"web.r\": 1 }}),
             \"web\": Service(replicas: {replicas}, operations: {{ \"r\": [Call(\"db.q\")] }}),
             \"db\": Service(replicas: 2, zones: 2, workers: 1, operations: {{ \"q\": [Wait(Exponential(\"0.8ms\"))] }})"
        );
        let links = "\"web -> db\": Link(policy: ZoneAware, cross_zone_latency: Constant(\"10ms\"))";
        // All go to one replica: M/M/1 at 0.8 takes 0.8 / 0.2 = 4 ms.
        assert_near(ran(&nodes, links, 400.0).latency_s("c"), 0.004, 0.0004, "mean latency");
    }
}

#[test]
fn latencies_of_hours_and_days_are_told_apart() {
    let nodes = "\"c\": Clients(rate: \"1/s\", mix: { \"s.r\": 1 }), \"s\": Service(operations: {
                 \"r\": [Wait(Mixture([(0.9, Constant(\"5h\")), (0.1, Constant(\"20h\"))]))] })";
    let run = ran(nodes, "", 2e6);
    assert_near(run.latency_quantile_s("c", 0.5), 18_000.0, 100.0, "p50");
    assert_near(run.latency_quantile_s("c", 0.99), 72_000.0, 300.0, "p99");
}

/// What is turned away at the door is not paid for, what a queue takes is, and so is an answer that comes too late.
#[test]
fn prices_are_paid_for_what_was_used() {
    let slow = "\"s\": Service(operations: { \"r\": [Wait(Exponential(\"100ms\"))] })";
    let queue = format!(
        "\"c\": Clients(rate: \"1000/s\", mix: {{ \"q.m\": 1 }}),
         \"q\": Queue(consumers: 1, messages: {{ \"m\": \"s.r\" }}, request_price: \"$1/1M\"), {slow}"
    );
    let run = ran(&queue, "", 60.0);
    assert_near(run.node("q").counters.billed as f64, 60_000.0, 1_500.0, "messages published");
    let full = ran(&queue.replace("consumers: 1,", "consumers: 1, capacity: 10,"), "", 60.0);
    assert_near(full.node("q").counters.billed as f64, 610.0, 150.0, "messages published to a full queue");
    let database =
        "\"c\": Clients(rate: \"1000/s\", mix: { \"d.r\": 1 }), \"d\": Database(cores: 1, max_connections: 1,
                    io_price: \"$1/1M\", operations: { \"r\": Read(cpu: Exponential(\"10ms\")) })";
    let run = ran(database, "", 100.0);
    assert_near(run.node("d").counters.billed as f64, 9_091.0, 400.0, "queries");
    let nodes = "\"c\": Clients(rate: \"100/s\", mix: { \"s.r\": 1 }),
                 \"s\": Service(operations: { \"r\": [Wait(Exponential(\"10ms\"))] })";
    let run = ran(nodes, "\"c -> s\": Link(timeout: \"6.931472ms\", response_size: \"1MB\")", 100.0);
    assert_near(run.node("c -> s").counters.bytes as f64, 1e10, 4e8, "bytes");
}

/// Users who are one too many leave from their thoughts, too.
#[test]
fn users_leave_without_one_more_request() {
    let nodes = "\"c\": Clients(users: 1000, think: Constant(\"60s\"), mix: { \"s.r\": 1 },
                 stages: [(duration: \"10s\", target: 1000), (duration: \"0s\", target: 0)]),
                 \"s\": Service(operations: { \"r\": [Wait(Constant(\"1ms\"))] })";
    assert_near(ran(nodes, "", 100.0).arrivals("c"), 0.0, 0.0, "requests");
}

/// Prices by the hour do not hang on chance, and the others only on how much came.
#[test]
fn an_hour_costs_what_the_prices_say() {
    let nodes = "\"c\": Clients(rate: \"100/s\", arrivals: Constant, mix: { \"s.r\": 1 }),
                 \"s\": Service(replicas: 3, price: \"$0.10/h\", operations: { \"r\": [Call(\"d.r\")] }),
                 \"d\": Database(cores: 4, price: \"$0.24/h\", io_price: \"$2/1M\",
                                operations: { \"r\": Read(cpu: Exponential(\"1ms\")) })";
    let links = "\"s -> d\": Link(response_size: \"1MB\", transfer_price: \"$0.01/GB\")";
    let settings = Settings { horizon: Horizon::over(100_000_000_000), ..Settings::quick() };
    let point =
        study(&prepare(&architecture("", nodes, links), &[]), 0.0, &settings).expect("the counts obey the laws").point;
    let cost = |name: &str| {
        let node = point.nodes.iter().find(|node| node.name == name).expect("a node");
        node.cost_usd_per_hour.expect("a price").value
    };
    assert_near(cost("s"), 0.30, 1e-9, "three replicas");
    // 100 requests a second are 360,000 an hour, one more or less in 100 s.
    assert_near(cost("d"), 0.24 + 0.36 * 2.0, 0.72 * 2e-4, "the database and its requests");
    assert_near(cost("s -> d"), 360.0 * 0.01, 3.6 * 2e-4, "360 GB");
    let total = point.cost_usd_per_hour.expect("a price").value;
    assert_near(total, cost("s") + cost("d") + cost("s -> d"), 1e-9, "all together");
    let per_million = point.cost_usd_per_million_requests.expect("a price").value;
    assert_near(per_million, total / 0.36, total * 1e-3, "a million requests");
}

/// A caller that balances and tries again does not ask the same busy replica each time.
#[test]
fn attempts_of_a_link_that_balances_choose_afresh() {
    let failed = |attempts: u32, policy: &str| {
        let nodes = "\"c\": Clients(rate: \"300/s\", mix: { \"s.r\": 1 }),
                     \"s\": Service(replicas: 10, workers: 1, queue: 0, operations: { \"r\": [Wait(Exponential(\"10ms\"))] })";
        let link = format!("\"c -> s\": Link(policy: {policy}, retry: Retry(max_attempts: {attempts}))");
        ran(nodes, &link, 200.0).failed_ratio("c")
    };
    for policy in ["Random", "PowerOfChoices(2)"] {
        let (once, thrice) = (failed(1, policy), failed(3, policy));
        assert!(thrice < 0.4 * once, "{policy}: {once} of single attempts fail, {thrice} of three");
    }
}

/// One request at a time, so that nothing is left to chance.
#[test]
fn a_wire_takes_size_over_bandwidth_each_way() {
    let nodes = "\"c\": Clients(rate: \"1/s\", arrivals: Constant, mix: { \"s.r\": 1 }),
                 \"s\": Service(operations: { \"r\": [Wait(Constant(\"1ms\"))] })";
    let link = "\"c -> s\": Link(bandwidth: \"1MB/s\", request_size: \"20kB\", response_size: \"5kB\", latency: Constant(\"2ms\"))";
    let run = ran(nodes, link, 100.0);
    assert_near(run.latency_s("c"), 0.020 + 0.005 + 2.0 * 0.002 + 0.001, 1e-9, "one way, the other way, and the work");
}

/// Of two that come together the second waits for the first.
#[test]
fn waits_and_latencies_of_a_station_are_exact() {
    let nodes = "\"c\": Clients(rate: \"10/s\", arrivals: Constant, batch: 2, mix: { \"s.r\": 1 }),
                 \"s\": Service(workers: 1, operations: { \"r\": [Compute(Constant(\"10ms\"))] })";
    let run = ran(nodes, "", 100.0);
    let station = run.node("s");
    assert_eq!((station.wait.min_ns(), station.wait.max_ns()), (Some(0), Some(10_000_000)));
    assert_eq!((station.latency.min_ns(), station.latency.max_ns()), (Some(10_000_000), Some(20_000_000)));
    assert_near(run.wait_s("s"), 0.005, 1e-6, "half of them wait for 10 ms");
}
