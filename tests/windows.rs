//! Studies of a given length are told window by window, and the windows are those of the whole.

use std::path::Path;

use forescale::diagnostic::report::{Style, text};
use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::metric::Metric;
use forescale::experiment::pipeline::{Horizon, Settings, study};
use forescale::experiment::plan::{ModelFile, load_point};
use forescale::experiment::study::{Bound, Interval, Objective, Operation, OperationWindow, Point, Window};
use forescale::model::Compiled;
use rayon::prelude::*;

const SECOND_NS: u64 = 1_000_000_000;

fn compiled(content: String) -> Compiled {
    let file = ModelFile { document: Document::new("windows.ron", content), directory: Path::new("").to_owned() };
    let mut diagnostics = Diagnostics::new();
    let compiled = load_point(&file, &[], true, &mut diagnostics);
    compiled.unwrap_or_else(|| panic!("{}", text(&diagnostics, Style::default())))
}

/// One server with exponential times of 10 ms on average.
fn one_server(arrivals: &str) -> Compiled {
    compiled(format!(
        r#"Architecture(name: "one_server", nodes: {{
            "clients": Clients({arrivals}, mix: {{ "server.request": 1 }}),
            "server": Service(workers: 1, operations: {{ "request": [ Compute(Exponential("10ms")) ] }}),
        }})"#
    ))
}

/// Everything that keeps shares and times of its own: a cache, a database, a queue, links.
fn shop() -> Compiled {
    compiled(
        r#"Architecture(
            name: "shop",
            keys: { "products": Zipf(count: 500, exponent: 0.9) },
            nodes: {
                "users": Clients(users: 40, think: Exponential("400ms"), mix: { "web.browse": 4, "web.order": 1 }),
                "web": Service(replicas: 2, cpu: 1.5, workers: 6, queue: 3, operations: {
                    "browse": [
                        Compute(Exponential("3ms")),
                        Parallel([
                            [ CacheAside(cache: "redis", key: "products", ttl: "5s", miss: [ Call("postgres.read") ]) ],
                            [ Call("postgres.read") ],
                        ]),
                    ],
                    "order": [ Compute(Exponential("7ms")), Call("postgres.write"), Publish("orders.mail"), Fail("2%") ],
                }),
                "redis": Cache(entries: 50),
                "postgres": Database(cores: 2, max_connections: 4, queue: 20, operations: {
                    "read": Read(cpu: Exponential("4ms")), "write": Write(cpu: Exponential("5ms")),
                }),
                "orders": Queue(consumers: 2, messages: { "mail": "mailer.send" }),
                "mailer": Service(workers: 4, operations: { "send": [ Wait(Exponential("30ms")), Fail("5%") ] }),
            },
            links: { "web -> postgres": Link(latency: Exponential("300us"), timeout: "40ms") },
        )"#
        .to_owned(),
    )
}

fn settings(horizon: Horizon) -> Settings {
    Settings { horizon, replications: 10, ..Settings::default() }
}

fn in_windows(duration_ns: u64, window_ns: u64) -> Horizon {
    Horizon::in_windows(duration_ns, window_ns).expect("windows that fit")
}

fn told(compiled: &Compiled, settings: &Settings) -> Point {
    let point = study(compiled, 0.0, settings).expect("the counts obey the laws").point;
    assert_eq!(point.refusal, None);
    point
}

fn all(window: &Window) -> &OperationWindow {
    &window.operations[0]
}

fn all_of(point: &Point) -> &Operation {
    &point.operations[0]
}

fn node(window: &Window, name: &str, quantity: impl Fn(&Window, usize) -> Option<Interval>) -> f64 {
    let index = window.nodes.iter().position(|node| node.name == name).expect("the node is told");
    quantity(window, index).expect("the node has such a quantity").value
}

/// Kleinrock 1975, section 3.2: a stable M/M/1 that starts empty fills up to its long-run mean, 1 / (mu - lambda). Here the
/// relaxation time, 1 / (sqrt(mu) - sqrt(lambda))^2, is 0.9 s.
#[test]
fn a_queue_that_starts_empty_fills_up_to_the_long_run() {
    const MEAN_S: f64 = 1.0 / (100.0 - 80.0);
    let settings = Settings { replications: 300, ..settings(in_windows(12 * SECOND_NS, SECOND_NS / 2)) };
    let point = told(&one_server("rate: \"80/s\""), &settings);
    assert_eq!(point.windows.len(), 24);
    let means: Vec<Interval> = point.windows.iter().map(|window| all(window).mean_s.expect("requests")).collect();
    assert!(means[0].high < 0.75 * MEAN_S, "{:?}", means[0]);
    assert!(means[1].value > means[0].high && means[1].high < MEAN_S, "{:?}", means[1]);
    let late = means[12..].iter().map(|mean| mean.value).sum::<f64>() / 12.0;
    assert!((late / MEAN_S - 1.0).abs() < 0.05, "{late} after twelve relaxation times, {MEAN_S} in the long run");
    let queue = |window: &Window| node(window, "server", |window, node| window.nodes[node].queue_length);
    let busy = |window: &Window| node(window, "server", |window, node| window.nodes[node].utilization);
    // 0.8^2 / (1 - 0.8) wait in the long run.
    assert!(queue(&point.windows[0]) < 0.6 * 3.2);
    let late = point.windows[12..].iter().map(queue).sum::<f64>() / 12.0;
    assert!((late / 3.2 - 1.0).abs() < 0.08, "{late} wait");
    let late = point.windows[12..].iter().map(busy).sum::<f64>() / 12.0;
    assert!((late / 0.8 - 1.0).abs() < 0.01, "{late} busy");
}

/// A ramp from 20/s to 60/s, a plateau, and a fall to nothing: requests end in the windows in which they are sent, because
/// service takes no time beside a window.
#[test]
fn throughput_follows_the_stages_of_the_load() {
    let stages = r#"arrivals: Stages(start_rate: "20/s", stages: [
        (duration: "20s", target: "60/s"), (duration: "10s", target: "60/s"), (duration: "10s", target: "0/s"),
    ])"#;
    let settings = Settings { replications: 200, ..settings(in_windows(40 * SECOND_NS, 5 * SECOND_NS)) };
    let point = told(&one_server(stages), &settings);
    let expected = [25.0, 35.0, 45.0, 55.0, 60.0, 60.0, 45.0, 15.0];
    assert_eq!(point.windows.len(), expected.len());
    for (window, expected) in point.windows.iter().zip(expected) {
        let found = all(window).throughput_per_s.expect("a throughput");
        let error = (found.high - found.low) / 4.0;
        assert!(
            (found.value - expected).abs() < 4.0 * error + 0.1,
            "{found:?} from {} s, not {expected}",
            window.start_s
        );
    }
}

#[test]
fn windows_add_up_to_the_whole() {
    // The last window is shorter.
    let horizon = in_windows(20 * SECOND_NS, 3 * SECOND_NS);
    let point = told(&shop(), &settings(horizon));
    assert_eq!(point.windows.len(), 7);
    assert_eq!((point.windows[6].start_s, point.windows[6].end_s), (18.0, 20.0));
    let starts: Vec<f64> = point.windows.iter().map(|window| window.start_s).collect();
    assert_eq!(starts, [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0], "borders are exact");
    for pair in point.windows.windows(2) {
        assert_eq!(pair[0].end_s, pair[1].start_s);
    }
    let count = |window: &Window, per_s: f64| per_s * (window.end_s - window.start_s) * 10.0;
    let completed: f64 =
        point.windows.iter().map(|window| count(window, all(window).throughput_per_s.expect("requests").value)).sum();
    assert_eq!(completed.round() as u64, point.requests);
}

/// Where the load ends before the study does, everything that was sent has ended.
#[test]
fn what_is_offered_adds_up_to_what_was_sent() {
    let stages = r#"arrivals: Stages(start_rate: "60/s", stages: [ (duration: "20s", target: "60/s"), (duration: "0s", target: "0/s") ])"#;
    let point = told(&one_server(stages), &settings(in_windows(30 * SECOND_NS, 4 * SECOND_NS)));
    let sent = |window: &Window| window.offered_per_s.expect("clients").value * (window.end_s - window.start_s) * 10.0;
    let total: f64 = point.windows.iter().map(sent).sum();
    assert_eq!(total.round() as u64, point.requests);
    assert!(sent(&point.windows[0]) > 2_000.0 && sent(&point.windows[6]) == 0.0);
}

fn objective(quantity: Metric, limit: f64) -> Objective {
    let (name, operation) = (String::new(), "all".to_owned());
    Objective { name, quantity, operation, bound: Bound::Below, limit }
}

/// A server that is overloaded for ten seconds and works that off afterwards.
#[test]
fn an_overload_is_outside_the_objectives_until_it_is_worked_off() {
    let stages = r#"arrivals: Stages(start_rate: "20/s", stages: [
        (duration: "10s", target: "20/s"), (duration: "0s", target: "200/s"), (duration: "10s", target: "200/s"),
        (duration: "0s", target: "20/s"), (duration: "20s", target: "20/s"),
    ])"#;
    let of = |objectives: Vec<Objective>| {
        let settings = Settings { objectives, ..settings(in_windows(40 * SECOND_NS, SECOND_NS)) };
        let finding = study(&one_server(stages), 0.0, &settings).expect("the counts obey the laws");
        (finding.point, finding.replicates)
    };
    let (point, replicates) = of(vec![objective(Metric::P95, 0.5)]);
    let shares: Vec<f64> = point.windows.iter().map(|window| window.outside_objectives_ratio.unwrap_or(0.0)).collect();
    assert_eq!(shares[..10], [0.0; 10], "before");
    assert_eq!(shares[12..30], [1.0; 18], "1,000 requests too many take ten seconds and more");
    assert_eq!(shares[35..], [0.0; 5], "afterwards");
    let (outside, recovery) = (point.outside_objectives_s.expect("told"), point.recovery_s.expect("told"));
    assert!((outside.value - shares.iter().sum::<f64>()).abs() < 1e-9);
    assert!((18.0..26.0).contains(&outside.value) && outside == recovery, "{outside:?} {recovery:?}");
    assert_eq!(replicates.outside_objectives_s.len(), 10);
    assert_eq!(point.lost_requests.map(|lost| lost.value), Some(0.0));
    let (bare, without) = of(vec![objective(Metric::CostPerHour, 1.0)]);
    assert_eq!((bare.outside_objectives_s, bare.recovery_s, bare.lost_requests), (None, None, None));
    assert!(without.recovery_s.is_empty() && !serde_json::to_string(&bare).expect("plain data").contains("outside"));
}

#[test]
fn requests_that_fail_are_lost() {
    let settings =
        Settings { objectives: vec![objective(Metric::ErrorRatio, 0.5)], ..settings(Horizon::over(20 * SECOND_NS)) };
    let point = told(&shop(), &settings);
    let failed = all_of(&point).error_ratio.expect("requests").value;
    let lost = point.lost_requests.expect("told").value * 10.0;
    let ended = lost + point.requests as f64;
    assert!(lost > 10.0 && (lost / ended - failed).abs() < 1e-6, "{lost} of {ended}, {failed}");
}

/// What is told of the whole time does not depend on the windows, to the last bit.
#[test]
fn the_whole_is_the_same_however_it_is_cut() {
    let compiled = shop();
    let bytes = |window_ns: u64| {
        let settings = settings(in_windows(20 * SECOND_NS, window_ns));
        let mut finding = study(&compiled, 0.0, &settings).expect("the counts obey the laws");
        assert_eq!(finding.point.windows.len() as u64, (20 * SECOND_NS).div_ceil(window_ns));
        finding.point.windows.clear();
        serde_json::to_string(&finding).expect("plain data")
    };
    let uncut = bytes(20 * SECOND_NS);
    for window_ns in [20_000_001, 333_333_333, 7 * SECOND_NS] {
        assert!(bytes(window_ns) == uncut, "windows of {window_ns} ns change the whole");
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let compiled = shop();
    let bytes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let objectives = vec![objective(Metric::P95, 0.02), objective(Metric::ErrorRatio, 0.01)];
        let settings = Settings { objectives, ..settings(Horizon::over(20 * SECOND_NS)) };
        let finding = pool.install(|| study(&compiled, 0.0, &settings));
        serde_json::to_string(&finding.expect("the counts obey the laws")).expect("plain data")
    };
    let one = bytes(1);
    assert!(one.contains("\"windows\"") && one.contains("\"outside_objectives_ratio\""));
    assert!(one == bytes(2));
}

#[test]
fn the_long_run_has_no_windows() {
    let point = told(&one_server("rate: \"50/s\""), &Settings::quick());
    assert!(!serde_json::to_string(&point).expect("plain data").contains("windows"));
}

/// Two servers for a third of each hour and one for the rest of it: the long run is the mean of whole hours.
#[test]
fn the_long_run_of_a_schedule_is_that_of_whole_periods() {
    let scheduled = |controller: &str| {
        compiled(format!(
            r#"Architecture(name: "scheduled", nodes: {{
                "clients": Clients(rate: "1/s", mix: {{ "server.request": 1 }}),
                "server": Service(price: "$3/h", operations: {{ "request": [ Wait(Constant("10ms")) ] }}),
            }}, controllers: {{ "clock": {controller} }})"#
        ))
    };
    let clock =
        r#"Scheduled(target: "server", period: "1h", actions: [(at: "10m", replicas: 2), (at: "30m", replicas: 1)])"#;
    let point = told(&scheduled(clock), &Settings { replications: 4, ..Settings::quick() });
    let cost = point.cost_usd_per_hour.expect("there is a price");
    assert!((cost.value - 4.0).abs() < 0.01, "{cost:?}");

    let update = scheduled(r#"RollingUpdate(target: "server", at: ["10m"])"#);
    let refusal = study(&update, 0.0, &Settings::quick()).expect("the counts obey the laws").point.refusal;
    let refusal = refusal.expect("an update is over once");
    assert_eq!(refusal.code, "time_varying");
    assert!(refusal.reason.contains("`clock` acts once"), "{}", refusal.reason);
}

/// 4 cores at 50% are eight replicas, however many there are at first.
#[test]
fn the_long_run_of_an_autoscaler_forgets_where_it_began() {
    let cost = |replicas: u32, rate: u32| {
        let scaled = compiled(format!(
            r#"Architecture(name: "scaled", nodes: {{
                "clients": Clients(rate: "{rate}/s", mix: {{ "server.request": 1 }}),
                "server": Service(replicas: {replicas}, price: "$1/h", startup: Constant("30s"),
                    operations: {{ "request": [ Compute(Exponential("10ms")) ] }}),
            }}, controllers: {{
                "autoscaler": HorizontalPodAutoscaler(target: "server", min_replicas: 2, max_replicas: 30,
                    metrics: [ Resource(name: Cpu, target: Utilization("50%")) ]),
            }})"#
        ));
        let point = told(&scaled, &Settings { replications: 4, ..Settings::quick() });
        point.cost_usd_per_hour.expect("there is a price").value
    };
    for replicas in [4, 20] {
        let found = cost(replicas, 400);
        assert!((7.2..=8.9).contains(&found), "{found} replicas, from {replicas}");
    }
    // Four replicas do 400 of these a second; it takes a while until there are enough, and longer until all is worked off.
    let found = cost(4, 1_000);
    assert!((18.0..=22.5).contains(&found), "{found} replicas");
}

/// A quantile is told where a hundred requests or more lie beyond it over all replications.
#[test]
fn quantiles_of_few_requests_are_left_out() {
    // 10 replications of 50 requests in a window: 250 beyond p50, 25 beyond p95, 5 beyond p99.
    let point = told(&one_server("rate: \"50/s\""), &settings(in_windows(4 * SECOND_NS, SECOND_NS)));
    let last = all(point.windows.last().expect("four windows"));
    assert!(last.p50_s.is_some() && last.mean_s.is_some());
    assert_eq!((last.p95_s, last.p99_s), (None, None));
}

/// Poisson arrivals that are answered at once are a Poisson stream: 20 in a window, whose mean the interval should hold in
/// 95 of 100 studies.
#[test]
fn bands_cover_the_truth_95_times_in_100() {
    const SEEDS: u64 = 200;
    /// As in `tests/coverage.rs`.
    const HONEST: std::ops::RangeInclusive<usize> = 179..=198;
    let compiled = compiled(
        r#"Architecture(name: "stream", nodes: {
            "clients": Clients(rate: "20/s", mix: { "server.request": 1 }),
            "server": Service(operations: { "request": [ Wait(Constant("1us")) ] }),
        })"#
        .to_owned(),
    );
    let tell = |seed: u64| -> Vec<Interval> {
        let settings = Settings { seed, ..settings(in_windows(5 * SECOND_NS, SECOND_NS)) };
        let point = told(&compiled, &settings);
        point.windows.iter().map(|window| all(window).throughput_per_s.expect("requests")).collect()
    };
    let told: Vec<Vec<Interval>> = (0..SEEDS).into_par_iter().map(tell).collect();
    for window in 0..5 {
        let covering = |width: f64| {
            let covers = |one: &Interval| (one.value - 20.0).abs() <= width * (one.high - one.value);
            told.iter().filter(|windows| covers(&windows[window])).count()
        };
        let (honest, liar) = (covering(1.0), covering(0.5));
        assert!(HONEST.contains(&honest), "{honest} of {SEEDS} cover the rate in window {window}");
        assert!(!HONEST.contains(&liar), "nobody notices who tells half the width: {liar} of {SEEDS}");
    }
}
