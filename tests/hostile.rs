//! Models made to cost time, memory or sense: each must end soon, in little memory, and with the truth.

use std::fmt::Write;
use std::path::Path;

use forescale::diagnostic::report::{Style, text};
use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::pipeline::{Horizon, Settings, study};
use forescale::experiment::plan::{ModelFile, load_point};
use forescale::experiment::study::Point;

fn settings() -> Settings {
    Settings { replications: 4, budget: 1_000_000, ..Settings::quick() }
}

/// Studies a model of these nodes and links.
fn studied(nodes: &str, rest: &str, settings: &Settings) -> Point {
    let content = format!("Architecture(name: \"hostile\", nodes: {{ {nodes} }}, {rest})");
    let file = ModelFile { document: Document::new("hostile.ron", content), directory: Path::new("").to_owned() };
    let mut diagnostics = Diagnostics::new();
    let compiled = load_point(&file, &[], true, &mut diagnostics);
    let compiled = compiled.unwrap_or_else(|| panic!("{}", text(&diagnostics, Style::default())));
    study(&compiled, 0.0, settings).expect("no law is broken").point
}

/// Clients of a service with these steps.
fn served(clients: &str, fields: &str, steps: &str) -> String {
    format!(
        "\"clients\": Clients({clients}, mix: {{ \"service.run\": 1 }}),
         \"service\": Service({fields} operations: {{ \"run\": [{steps}] }})"
    )
}

fn code(nodes: &str, rest: &str) -> String {
    let point = studied(nodes, rest, &settings());
    println!("{:?} after {} requests", point.refusal, point.requests);
    point.refusal.map_or_else(|| "numbers".to_owned(), |refusal| refusal.code)
}

const WAIT: &str = "Wait(Constant(\"1ms\"))";
const NOTHING: &str = "Wait(Constant(\"0s\"))";
const WORK: &str = "Compute(Exponential(\"10ms\"))";

#[test]
fn users_who_never_think_of_a_service_that_takes_no_time() {
    for steps in [NOTHING, "Compute(Constant(\"0s\"))", "Fail(\"100%\")"] {
        assert_eq!(code(&served("users: 10", "", steps), ""), "no_progress", "{steps}");
    }
    let terminating = Settings { horizon: Horizon::over(1_000_000_000), ..settings() };
    let point = studied(&served("users: 10", "", NOTHING), "", &terminating);
    let refusal = point.refusal.expect("time stands still");
    assert_eq!(refusal.code, "no_progress");
    assert!(refusal.reason.contains("without time passing"), "{}", refusal.reason);
}

#[test]
fn endless_retries_without_a_pause() {
    let rest = "links: { \"clients -> service\": Link(retry: Retry(max_attempts: 255)) }";
    assert_eq!(code(&served("users: 3", "", "Fail(\"100%\")"), rest), "no_progress");
    // An open workload goes on; that all of it fails is the result.
    let rest = rest.replace("255", "20");
    let point = studied(&served("rate: \"100/s\"", "", "Fail(\"100%\")"), &rest, &settings());
    assert_eq!(point.refusal, None);
}

#[test]
fn overload_is_told_soon() {
    for rate in ["101/s", "200/s", "1000/s", "100000/s"] {
        assert_eq!(code(&served(&format!("rate: \"{rate}\""), "", WORK), ""), "unstable", "{rate}");
    }
    let two = "\"clients\": Clients(rate: \"1000/s\", mix: { \"queue.job\": 1 }),
               \"queue\": Queue(messages: { \"job\": \"service.run\" }),
               \"service\": Service(operations: { \"run\": [Compute(Exponential(\"10ms\"))] })";
    assert_eq!(code(two, ""), "unstable");
    // Work so slow that memory is full long before the first request is done.
    for (rate, step) in [("1000000/s", "Compute(Constant(\"1s\"))"), ("20000/s", "Compute(Constant(\"5s\"))")] {
        assert_eq!(code(&served(&format!("rate: \"{rate}\""), "", step), ""), "unstable", "{rate}");
    }
}

/// Who overflows, and by how much, whichever number of nodes the requests pass on their way.
#[test]
fn an_overload_is_told_where_it_is_and_counted_once() {
    let chain = "\"clients\": Clients(rate: \"400/s\", mix: { \"a.run\": 1 }),
                 \"a\": Service(cpu: 8, operations: { \"run\": [Call(\"b.run\")] }),
                 \"b\": Service(cpu: 8, operations: { \"run\": [Call(\"db.read\")] }),
                 \"db\": Database(cores: 2, max_connections: 2, queue: 10_000_000, operations: {
                     \"read\": Read(cpu: Constant(\"6ms\")) })";
    let refusal = studied(chain, "", &settings()).refusal.expect("two cores do 333/s");
    assert_eq!(refusal.code, "unstable");
    assert!(refusal.reason.starts_with("at `db` "), "{}", refusal.reason);
    let percent: f64 =
        refusal.reason.rsplit("; ").next().and_then(|end| end.split('%').next()?.parse().ok()).expect("a share");
    assert!((percent - 100.0 / 6.0).abs() < 1.0, "{}", refusal.reason);
}

/// What looks settled because the answers that count come from elsewhere: each is doubted until it is so, or refused.
#[test]
fn what_has_not_settled_is_not_told() {
    // 0.35% of the requests hold a worker for a minute: they need 210 of 120.
    let slow = "Wait(Exponential(\"1ms\")), Choose([(0.0035, [Wait(Constant(\"60s\"))]), (0.9965, [])])";
    let hidden = served("rate: \"1000/s\"", "workers: 120,", slow);
    // Three messages a second for a consumer that does one.
    let messages = "\"clients\": Clients(rate: \"1000/s\", mix: { \"service.run\": 1 }),
        \"service\": Service(cpu: 8, operations: { \"run\": [Compute(Exponential(\"1ms\")),
            Choose([(0.003, [Publish(\"queue.m\")]), (0.997, [])])] }),
        \"queue\": Queue(consumers: 1, messages: { \"m\": \"worker.m\" }),
        \"worker\": Service(operations: { \"m\": [Wait(Exponential(\"1s\"))] })";
    let all = Settings { budget: 20_000_000, ..settings() };
    for nodes in [hidden.as_str(), messages] {
        let refusal = studied(nodes, "", &all).refusal.expect("the backlog grows");
        assert_eq!(refusal.code, "unstable", "{}", refusal.reason);
    }
    // A cache that takes a million keys one by one.
    let nodes = served(
        "rate: \"1000/s\"",
        "",
        "CacheAside(cache: \"cache\", key: \"key\", miss: [Wait(Exponential(\"20ms\"))])",
    ) + ", \"cache\": Cache(entries: 1_000_000, command_time: Constant(\"50us\"))";
    assert_eq!(code(&nodes, "keys: { \"key\": Uniform(count: 1_000_000) }"), "drift");
    // Where few succeed, their mean must have settled all the same; that most fail can be told.
    let few = served("rate: \"100/s\"", "workers: 1,", "Compute(Exponential(\"9.9ms\")), Fail(\"92%\")");
    let point = studied(&few, "", &settings());
    if point.refusal.is_none() {
        let all = &point.operations[0];
        assert_eq!((all.mean_s, all.p50_s, all.p99_s), (None, None, None));
        assert!(all.error_ratio.is_some_and(|ratio| (ratio.value - 0.92).abs() < 0.01));
    }
}

/// A part of a day is not the day's mean.
#[test]
fn whole_cycles_are_looked_at() {
    let nodes = served(
        "rate: \"100/s\", arrivals: Diurnal(amplitude: \"100%\", period: \"45s\", peak_at: \"0s\")",
        "",
        "Compute(Exponential(\"1ms\"))",
    );
    let point = studied(&nodes, "", &Settings { budget: 10_000_000, ..settings() });
    let rate = point.operations[0].throughput_per_s.expect("a rate");
    assert!(rate.low <= 100.0 && 100.0 <= rate.high, "{rate:?}");
}

/// Users wait for their answers: however long the queue in which they stand, it ends.
#[test]
fn a_closed_workload_is_never_unstable() {
    for users in [100, 5_000, 100_000] {
        let nodes = served(&format!("users: {users}, think: Exponential(\"10s\")"), "workers: 4, cpu: 4,", WORK);
        assert_ne!(code(&nodes, ""), "unstable", "{users}");
    }
}

#[test]
fn a_service_slower_than_the_first_run_is_not_called_unstable() {
    // 100,000 requests are in progress on average, and none ever waits.
    let nodes = served("rate: \"10000/s\"", "", "Wait(Exponential(\"10s\"))");
    let point = studied(&nodes, "", &Settings { budget: 20_000_000, ..settings() });
    let refusal = point.refusal.map(|refusal| refusal.code);
    assert_ne!(refusal.as_deref(), Some("unstable"));
}

#[test]
fn fan_outs_stop_at_the_limit_of_memory() {
    let branches = format!("Parallel([{}])", vec![format!("[{WAIT}]"); 9_000].join(", "));
    let at_once = served("rate: \"10/s\", batch: 100_000", "", &branches);
    // One burst or too much for ever: memory is full either way.
    assert!(["too_large", "unstable"].contains(&code(&at_once, "").as_str()));
    let overloaded = branches.replace(WAIT, WORK);
    assert_eq!(code(&served("rate: \"1000/s\"", "", &overloaded), ""), "unstable");
    let inner = format!("[Parallel([{}])]", vec!["[Call(\"leaf.run\")]".to_owned(); 100].join(", "));
    let nested = format!("Parallel([{}])", vec![inner; 100].join(", "));
    let nodes =
        served("rate: \"1/s\"", "", &nested) + &format!(", \"leaf\": Service(operations: {{ \"run\": [{WAIT}] }})");
    assert_ne!(code(&nodes, ""), "unstable");
}

#[test]
fn what_would_not_fit_into_memory_is_refused_before_it_starts() {
    assert_eq!(code(&served("users: 10_000_000, think: Exponential(\"10s\")", "", WAIT), ""), "too_large");
    let replicas = served("rate: \"10/s\"", "replicas: 60_000, workers: 60_000,", WAIT);
    assert_ne!(code(&replicas, ""), "too_large");
    let cached = "CacheAside(cache: \"cache\", key: \"key\", miss: [])";
    let nodes =
        served("rate: \"10/s\"", "", cached) + ", \"cache\": Cache(entries: 50_000_000, latency: Constant(\"1ms\"))";
    assert_eq!(code(&nodes, "keys: { \"key\": Uniform(count: 18_000_000_000_000_000_000) }"), "too_large");
    // As large a cache for few keys holds few entries.
    assert_eq!(code(&nodes, "keys: { \"key\": Uniform(count: 1000) }"), "numbers");
}

#[test]
fn ten_thousand_services_in_a_row() {
    let mut nodes = "\"clients\": Clients(rate: \"10/s\", mix: { \"n0.run\": 1 })".to_owned();
    for number in 0..10_000 {
        let next = if number < 9_999 { format!(", Call(\"n{}.run\")", number + 1) } else { String::new() };
        let steps = format!("Compute(Constant(\"1us\")){next}");
        write!(nodes, ", \"n{number}\": Service(operations: {{ \"run\": [{steps}] }})").expect("text grows");
    }
    assert_eq!(code(&nodes, ""), "too_large");
}

#[test]
fn arrivals_at_the_edges() {
    let arrivals = |arrivals: &str| code(&served(&format!("rate: \"10/s\", arrivals: {arrivals}"), "", WAIT), "");
    assert_eq!(arrivals("Spike(factor: 0, start: \"1s\", duration: \"1h\")"), "time_varying");
    assert_eq!(arrivals("Diurnal(amplitude: 1, period: \"1ns\")"), "numbers");
    // A year's rhythm is not seen within the budget, and that is said.
    assert_eq!(arrivals("Diurnal(amplitude: 1, period: \"365d\")"), "budget_spent");
    assert_eq!(
        arrivals("Mmpp(states: [(factor: 1, mean_duration: \"1s\"), (factor: 0, mean_duration: \"3650d\")])"),
        "no_requests"
    );
    // Ramps and pauses of ten years, of which the first hour is asked for.
    let first_hour = Settings { horizon: Horizon::over(3_600_000_000_000), ..settings() };
    let ramp = |stages: &str| {
        let arrivals = format!("arrivals: Stages(start_rate: \"0/s\", stages: [{stages}])");
        studied(&served(&arrivals, "", WAIT), "", &first_hour).refusal.map(|refusal| refusal.code)
    };
    // In the first hour the rate reaches 11,400/s: 20 million requests, more than the budget.
    assert_eq!(ramp("(duration: \"3650d\", target: \"1e9/s\")").as_deref(), Some("budget_spent"));
    assert_eq!(ramp("(duration: \"3650d\", target: \"100/s\")"), None);
    let pause = "(duration: \"3650d\", target: \"0/s\"), (duration: \"1s\", target: \"10/s\")";
    assert_eq!(ramp(pause).as_deref(), Some("no_requests"));
    assert_eq!(code(&served("rate: \"1e-300/s\"", "", WAIT), ""), "no_requests");
    assert_ne!(code(&served("rate: \"1e9/s\", arrivals: Constant", "", WORK), ""), "numbers");
}

#[test]
fn huge_numbers_do_not_overflow() {
    let wire = "links: { \"clients -> service\": Link(bandwidth: \"0.001bit/s\", request_size: \"7EiB\", retry: Retry(max_attempts: 255, backoff: \"1000d\", multiplier: 1e300), timeout: \"3652d\") }";
    assert_ne!(code(&served("rate: \"100/s\"", "", WAIT), wire), "numbers");
    assert_ne!(code(&served("users: 5, think: Constant(\"3652d\")", "", "Wait(Constant(\"3652d\"))"), ""), "unstable");
    assert_ne!(
        code(&served("rate: \"1e9/s\"", "cpu: 100_000, replicas: 60_000, workers: 60_000,", WORK), ""),
        "unstable"
    );
}

#[test]
fn a_ramp_that_takes_no_time() {
    let ramp = "users: 0, stages: [(duration: \"0s\", target: 100_000), (duration: \"0s\", target: 0)]";
    let minute = Settings { horizon: Horizon::over(60_000_000_000), ..settings() };
    let refusal = studied(&served(ramp, "", WAIT), "", &minute).refusal.expect("nobody comes");
    assert_eq!(refusal.code, "no_requests");
}

#[test]
fn work_after_the_reply_is_noticed_as_overload() {
    // Users get their reply at once, so they send without end while the work piles up behind it.
    assert_ne!(code(&served("users: 10", "", &format!("Reply, {WORK}")), ""), "numbers");
}

#[test]
fn messages_that_go_round_a_thousand_times() {
    let nodes = "\"clients\": Clients(rate: \"1/s\", mix: { \"queue.job\": 1 }),
                 \"queue\": Queue(messages: { \"job\": \"service.run\" }, consumers: 4_000_000_000, max_deliveries: 255),
                 \"service\": Service(operations: { \"run\": [Wait(Exponential(\"1ms\")), Choose([(0.999, [Publish(\"queue.job\")]), (0.001, [])])] })";
    assert_ne!(code(nodes, ""), "unstable");
}
