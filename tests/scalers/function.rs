//! Functions: cold starts, limits, what is paid for; and the laws of Erlang.

use crate::course::{Course, assert_moves, course};
use crate::run::{Run, prepare, run};

/// Requests to one function.
fn model(clients: &str, fields: &str, steps: &str) -> String {
    format!(
        "Architecture(name: \"test\", nodes: {{
            \"c\": Clients({clients}, mix: {{ \"f.run\": 1 }}),
            \"f\": Function({fields} operations: {{ \"run\": [{steps}] }}),
         }})"
    )
}

fn ran(clients: &str, fields: &str, steps: &str, seconds: f64) -> Run {
    run(&prepare(&model(clients, fields, steps), &[]), seconds)
}

/// Erlang's loss formula for an offered load and so many servers.
fn erlang_loss(load: f64, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |loss, server| load * loss / (f64::from(server) + load * loss))
}

#[test]
fn without_limit_the_requests_in_progress_are_rate_times_duration() {
    let laws = ["Exponential(\"500ms\")", "Constant(\"500ms\")", "LogNormal(mean: \"500ms\", p99: \"3s\")"];
    for law in laws {
        let run = ran("rate: \"40/s\"", "", &format!("Wait({law})"), 20_000.0);
        let concurrent = run.share("f", "concurrent_executions");
        assert!((concurrent - 20.0).abs() < 0.3, "{law}: {concurrent}");
        assert_eq!(run.share("f", "throttled_ratio"), 0.0);
        assert!((run.latency_s("c") - 0.5).abs() < 0.005, "{law}: nobody waits");
    }
}

#[test]
fn with_a_limit_requests_are_lost_as_erlang_says() {
    for law in [
        "Exponential(\"1s\")",
        "Constant(\"1s\")",
        "Mixture([(0.9, Exponential(\"200ms\")), (0.1, Constant(\"8.2s\"))])",
    ] {
        for (rate, limit) in [(8, 10), (5, 5)] {
            let fields = format!("concurrency_limit: {limit}, ");
            let run = ran(&format!("rate: \"{rate}/s\""), &fields, &format!("Wait({law})"), 40_000.0);
            let (found, expected) = (run.share("f", "throttled_ratio"), erlang_loss(f64::from(rate), limit));
            assert!((found - expected).abs() < 0.006, "{law}, {rate} on {limit}: {found}, not {expected}");
            // All that fails was throttled; some requests are still in progress.
            assert!((found - run.failed_ratio("f")).abs() < 1e-4, "{law}, {rate} on {limit}");
        }
    }
}

#[test]
fn a_cold_start_is_met_when_no_environment_is_idle() {
    // One request every minute: with a keep-alive of half a minute each is the first, of two minutes only the very first.
    let cold = |keep_alive: &str| {
        let fields = format!("cold_start: Constant(\"2s\"), keep_alive: \"{keep_alive}\", ");
        ran("rate: \"1/min\", arrivals: Constant", &fields, "Wait(Constant(\"1s\"))", 6_060.0)
    };
    let each = cold("30s");
    assert_eq!(each.share("f", "cold_start_ratio"), 1.0);
    assert!((each.latency_s("c") - 3.0).abs() < 0.01);
    assert!((each.wait_s("f") - 2.0).abs() < 0.01, "the cold start is a wait");
    let first = cold("2m");
    assert!(first.share("f", "cold_start_ratio") < 0.011);
    assert!((first.latency_s("c") - 1.02).abs() < 0.02);
    // An environment that has been idle for the whole keep-alive is gone: 33 of 60 s, and all of the time.
    assert!((each.share("f", "environments") - 33.0 / 60.0).abs() < 0.02, "{}", each.share("f", "environments"));
    assert!(first.share("f", "environments") > 0.95);
}

#[test]
fn environments_are_started_as_fast_as_the_quota_refills() {
    // A hundred at once, of which ten may start; then one more each second, since all are busy for an hour.
    let fields = "scaling_rate: (environments: 10, every: \"10s\"), ";
    let burst = ran("rate: \"1/h\", batch: 100, arrivals: Constant", fields, "Wait(Constant(\"1h\"))", 3_700.0);
    assert!((burst.share("f", "throttled_ratio") - 0.9).abs() < 1e-9, "{}", burst.share("f", "throttled_ratio"));
    let crowd = ran("rate: \"50/s\"", fields, "Wait(Constant(\"1h\"))", 300.0);
    // Ten at once and one in every second after: the mean of 10 + t over five minutes.
    let mean = crowd.share("f", "environments");
    assert!((mean - 160.0).abs() < 1.0, "{mean}");
    // Unused quota is not kept: after a quiet hour it is ten again, not 3,600.
    let later = ran("rate: \"1/h\", batch: 40, arrivals: Constant", fields, "Wait(Constant(\"1s\"))", 7_300.0);
    assert!((later.share("f", "throttled_ratio") - 0.75).abs() < 1e-9, "{}", later.share("f", "throttled_ratio"));
    // One that is idle costs no quota.
    let reused = ran("rate: \"2/s\", arrivals: Constant", fields, "Wait(Constant(\"100ms\"))", 100.0);
    assert_eq!(reused.share("f", "throttled_ratio"), 0.0);
}

#[test]
fn the_environment_that_was_used_last_is_taken_first() {
    // A batch of ten now and then, and one by one in between: the ten are kept only if the requests go round all of them.
    let text = "Architecture(name: \"test\", nodes: {
        \"many\": Clients(rate: \"1/h\", batch: 10, arrivals: Constant, mix: { \"f.run\": 1 }),
        \"few\": Clients(rate: \"1/s\", arrivals: Constant, mix: { \"f.run\": 1 }),
        \"f\": Function(keep_alive: \"1m\", operations: { \"run\": [Wait(Constant(\"0.1s\"))] }) })";
    let run = run(&prepare(text, &[]), 36_000.0);
    let environments = run.share("f", "environments");
    assert!((1.0..1.3).contains(&environments), "{environments}");
}

#[test]
fn provisioned_environments_are_there_from_the_beginning_and_stay() {
    let clients = "rate: \"1/min\", arrivals: Constant";
    let fields =
        "cold_start: Constant(\"2s\"), keep_alive: \"1s\", provisioned_concurrency: 3, provisioned_price: \"$1/h\", ";
    let run = ran(clients, fields, "Wait(Constant(\"1s\"))", 7_200.0);
    assert_eq!(run.share("f", "cold_start_ratio"), 0.0);
    assert_eq!(run.share("f", "environments"), 3.0);
    let usd = run.node("f").counters.charged_ns as f64 * 1e-6 / 3.6e12;
    assert!((usd - 6.0).abs() < 1e-6, "three for two hours: {usd}");
    // A fourth at once is on demand.
    let batch = ran("rate: \"1/min\", batch: 4, arrivals: Constant", fields, "Wait(Constant(\"1s\"))", 7_200.0);
    assert_eq!(batch.share("f", "cold_start_ratio"), 0.25);
}

#[test]
fn durations_are_paid_for_with_their_cold_starts() {
    let fields =
        "cold_start: Constant(\"2s\"), keep_alive: \"1s\", duration_price: \"$1/s\", request_price: \"$1/request\", ";
    let run = ran("rate: \"1/min\", arrivals: Constant", fields, "Wait(Constant(\"1s\"))", 6_000.0);
    let counters = &run.node("f").counters;
    let usd = counters.charged_ns as f64 * 1e-6 / 3.6e12;
    assert!((usd - 300.0).abs() < 4.0, "100 requests of 3 s: {usd}");
    assert_eq!(counters.billed, counters.completed, "each request once");
    let none = ran(
        "rate: \"60/min\"",
        "concurrency_limit: 1, request_price: \"$1/request\", ",
        "Wait(Constant(\"9s\"))",
        600.0,
    );
    let counters = &none.node("f").counters;
    assert_eq!(counters.billed, counters.completed, "nothing for what is throttled");
}

#[test]
fn several_requests_share_an_environment_and_its_cores() {
    let clients = "rate: \"1/min\", batch: 6, arrivals: Constant";
    let fields = |concurrency: u32| {
        format!(
            "cold_start: Constant(\"2s\"), keep_alive: \"1s\", duration_price: \"$1/s\", concurrency: {concurrency}, "
        )
    };
    let run = |concurrency: u32| ran(clients, &fields(concurrency), "Compute(Constant(\"1s\"))", 6_000.0);
    let working = |run: &Run| run.share("f", "working_environments") * 60.0;
    let (alone, together) = (run(1), run(3));
    assert!((working(&alone) - 6.0 * 3.0).abs() < 0.5, "six environments for 3 s: {}", working(&alone));
    assert!(
        (working(&together) - 2.0 * 5.0).abs() < 0.5,
        "two for 2 s and three times a second: {}",
        working(&together)
    );
    assert!((alone.latency_s("c") - 3.0).abs() < 0.01);
    assert!((together.latency_s("c") - 5.0).abs() < 0.01);
    assert_eq!(together.share("f", "cold_start_ratio"), 1.0, "those who wait for the same environment, too");
}

#[test]
fn callers_see_one_replica() {
    let text = "Architecture(name: \"test\", nodes: {
        \"c\": Clients(rate: \"50/s\", mix: { \"lb.run\": 1 }), \"lb\": LoadBalancer(target: \"f\", policy: LeastOutstanding),
        \"f\": Function(cold_start: Exponential(\"100ms\"), keep_alive: \"5s\", concurrency_limit: 12,
                      operations: { \"run\": [Compute(Exponential(\"50ms\")), Reply, Call(\"d.get\"), Fail(\"5%\")] }),
        \"d\": Service(operations: { \"get\": [Wait(Exponential(\"50ms\")), Fail(\"5%\")] }) },
        links: { \"c -> lb\": Link(timeout: \"120ms\", retry: Retry(max_attempts: 2)) })";
    let run = run(&prepare(text, &[]), 2_000.0);
    assert!(run.share("f", "throttled_ratio") > 0.0 && run.node("c").counters.completed > 90_000);
}

#[test]
fn every_knob_moves_something() {
    let text = model("rate: \"5/s\"", "cold_start: Exponential(\"300ms\"), ", "Compute(Exponential(\"200ms\"))");
    let moves = |field: &str, low: &str, high: &str, measure: fn(&Course) -> f64| {
        let path = format!("nodes.f.{field}");
        assert_moves(&text, (&path, low), (&path, high), 1.1, measure);
    };
    let in_system = |course: &Course| course.in_system_s("f");
    moves("cpu", "2", "0.5", in_system);
    moves("cold_start", "Constant(\"1ms\")", "Constant(\"100s\")", in_system);
    moves("concurrency_limit", "1", "50", in_system);
    moves("concurrency", "1", "50", in_system);
    moves("keep_alive", "\"1s\"", "\"10m\"", |course| course.mean("f", "environments"));
    moves("provisioned_concurrency", "0", "20", |course| course.mean("f", "environments"));
}

#[test]
fn two_runs_are_the_same() {
    let text = model(
        "rate: \"50/s\"",
        "cold_start: Exponential(\"300ms\"), concurrency: 3, ",
        "Compute(Exponential(\"200ms\"))",
    );
    let [one, other] = [0; 2].map(|_| course(&text, &[], 60).fingerprint);
    assert_eq!(one, other);
}
