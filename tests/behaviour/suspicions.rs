//! Places where a simulator easily gets a plausible but wrong number.

use crate::run::{Run, architecture, prepare, run};

fn variance_of_total(model: &str) -> f64 {
    let run = run(&prepare(model, &[]), 400.0);
    let latency = &run.node("clients").operations[0].latency;
    // For a sum of two exponential times of 1 ms each, the 90th percentile is 3.89 ms if they are independent and
    // 4.61 ms if they are one and the same.
    latency.quantile_ns(0.9).expect("requests") * 1e-6
}

#[test]
fn calls_of_one_operation_by_different_ways_draw_apart() {
    let model = architecture(
        "",
        r#""clients": Clients(rate: "200/s", mix: { "front.request": 1 }),
           "front": Service(operations: { "request": [ Call("left.go"), Call("right.go") ] }),
           "left": Service(operations: { "go": [ Call("store.read") ] }),
           "right": Service(operations: { "go": [ Call("store.read") ] }),
           "store": Service(operations: { "read": [ Wait(Exponential("1ms")) ] }),"#,
        "",
    );
    let found = variance_of_total(&model);
    assert!((found / 3.890 - 1.0).abs() < 0.02, "{found}");
}

#[test]
fn calls_of_one_operation_one_after_the_other_draw_apart() {
    let model = architecture(
        "",
        r#""clients": Clients(rate: "200/s", mix: { "front.request": 1 }),
           "front": Service(operations: { "request": [ Repeat(times: 2, steps: [ Call("store.read") ]) ] }),
           "store": Service(operations: { "read": [ Wait(Exponential("1ms")) ] }),"#,
        "",
    );
    let found = variance_of_total(&model);
    assert!((found / 3.890 - 1.0).abs() < 0.02, "{found}");
}

#[test]
fn two_balancers_in_front_of_one_service_draw_apart() {
    let model = architecture(
        "",
        r#""clients": Clients(rate: "200/s", mix: { "front.request": 1 }),
           "front": Service(operations: { "request": [ Call("one.read"), Call("two.read") ] }),
           "one": LoadBalancer(target: "store"),
           "two": LoadBalancer(target: "store"),
           "store": Service(operations: { "read": [ Wait(Exponential("1ms")) ] }),"#,
        "",
    );
    let found = variance_of_total(&model);
    assert!((found / 3.890 - 1.0).abs() < 0.02, "{found}");
}

#[test]
fn a_circle_of_calls_ends_as_its_probability_says() {
    let model = architecture(
        "",
        r#""clients": Clients(rate: "200/s", mix: { "walk.step": 1 }),
           "walk": Service(operations: { "step": [ Wait(Constant("1us")),
               Choose([(0.5, [ Call("walk.step") ]), (0.5, [])]) ] }),"#,
        "",
    );
    let run = run(&prepare(&model, &[]), 100.0);
    let visits = run.arrivals("walk") / run.arrivals("clients");
    // A geometric number with mean 2 and variance 2, over 20,000 requests: the standard error is 0.01.
    assert!((visits - 2.0).abs() < 0.04, "{visits}");
}

fn cached(times: u32) -> Run {
    let model = architecture(
        "\"thing\": Uniform(count: 1)",
        &format!(
            r#""clients": Clients(rate: "200/s", mix: {{ "front.request": 1 }}),
               "front": Service(operations: {{ "request": [ Repeat(times: {times}, steps: [
                   CacheAside(cache: "cache", key: "thing", miss: []) ]) ] }}),
               "cache": Cache(entries: 10, latency: Exponential("1ms")),"#
        ),
        "",
    );
    run(&prepare(&model, &[]), 400.0)
}

#[test]
fn cache_commands_of_one_request_draw_apart() {
    let found = cached(2).latency_quantile_s("clients", 0.9) * 1e3;
    assert!((found / 3.890 - 1.0).abs() < 0.02, "{found}");
}

#[test]
fn a_reply_inside_parallel_branches_is_refused() {
    use forescale::diagnostic::{Diagnostics, Document};
    use forescale::model::{Model, read};
    let model = architecture(
        "",
        r#""clients": Clients(rate: "200/s", mix: { "front.request": 1 }),
           "front": Service(operations: { "request": [ Parallel([ [ Reply, Wait(Constant("1ms")) ] ]) ] }),"#,
        "",
    );
    let mut diagnostics = Diagnostics::new();
    let found: Option<Model> = read(&Document::new("test.ron", model), &mut diagnostics);
    assert!(found.is_none(), "a branch has no caller to reply to");
}

#[test]
fn fractions_of_a_core_are_refused_where_computations_run_to_completion() {
    use forescale::diagnostic::{Diagnostics, Document};
    use forescale::model::{Model, read};
    let model = architecture(
        "",
        r#""clients": Clients(rate: "200/s", mix: { "front.request": 1 }),
           "front": Service(cpu: 0.5, scheduling: RunToCompletion, operations: {
               "request": [ Compute(Constant("1ms")) ] }),"#,
        "",
    );
    let mut diagnostics = Diagnostics::new();
    let found: Option<Model> = read(&Document::new("test.ron", model), &mut diagnostics);
    assert!(found.is_none(), "half an event loop does not exist");
}

#[test]
fn a_queue_delays_messages_as_a_queue_of_several_servers_does() {
    let model = architecture(
        "",
        r#""clients": Clients(rate: "1600/s", mix: { "queue.job": 1 }),
           "queue": Queue(messages: { "job": "worker.job" }, consumers: 2),
           "worker": Service(operations: { "job": [ Wait(Exponential("1ms")) ] }),
           "callers": Clients(rate: "1600/s", mix: { "pool.job": 1 }),
           "pool": Service(workers: 2, operations: { "job": [ Wait(Exponential("1ms")) ] }),"#,
        "",
    );
    let run = run(&prepare(&model, &[]), 1000.0);
    // M/M/2 at 80%: 1.7778 ms. The standard error is near 0.5%.
    for node in ["queue", "pool"] {
        let found = run.wait_s(node) * 1e3;
        assert!((found / 1.7778 - 1.0).abs() < 0.025, "{node}: {found}");
    }
    assert!(run.latency_s("clients") == 0.0, "publishers do not wait");
}

#[test]
fn a_bursty_process_keeps_its_mean_rate() {
    let states = "Mmpp(states: [(factor: 0.5, mean_duration: \"300ms\"), (factor: 3, mean_duration: \"100ms\")])";
    let model = architecture(
        "",
        r#""clients": Clients(rate: "400/s", mix: { "server.request": 1 }),
           "server": Service(operations: { "request": [] }),"#,
        "",
    );
    let run = run(&prepare(&model, &[("nodes.clients.arrivals", states)]), 2000.0);
    // 0.75 x 0.5 + 0.25 x 3 = 1.125 times 400 a second; the standard error is near 0.5%.
    let rate = run.arrivals("clients") / 2000.0;
    assert!((rate / 450.0 - 1.0).abs() < 0.02, "{rate}");
}

#[test]
fn a_ramp_sends_the_area_under_its_rate() {
    let model = architecture(
        "",
        r#""clients": Clients(arrivals: Stages(start_rate: "0/s", stages: [
               (duration: "10s", target: "1000/s"), (duration: "0s", target: "500/s"), (duration: "10s", target: "500/s"),
               (duration: "10s", target: "0/s") ]), mix: { "server.request": 1 }),
           "server": Service(operations: { "request": [] }),"#,
        "",
    );
    let run = run(&prepare(&model, &[]), 100.0);
    let wanted: f64 = 5000.0 + 5000.0 + 2500.0;
    assert!((run.arrivals("clients") - wanted).abs() < 4.0 * wanted.sqrt(), "{}", run.arrivals("clients"));
}

#[test]
fn a_daily_rhythm_peaks_when_it_says() {
    let model = architecture(
        "",
        r#""clients": Clients(rate: "1000/s", arrivals: Diurnal(amplitude: "100%", period: "40s", peak_at: "10s"),
                              mix: { "server.request": 1 }),
           "server": Service(operations: { "request": [] }),"#,
        "",
    );
    // From zero to half a period around the peak: 20 s of the mean rate and the area under half a sine.
    let run = run(&prepare(&model, &[]), 20.0);
    let wanted = 20_000.0 + 1000.0 * 40.0 / std::f64::consts::PI;
    assert!((run.arrivals("clients") - wanted).abs() < 4.0 * wanted.sqrt(), "{}", run.arrivals("clients"));
}

#[test]
fn a_trace_is_replayed_to_the_count_and_scaled_in_the_mean() {
    let model = architecture(
        "",
        r#""clients": Clients(arrivals: Trace(file: "tests/data/trace.csv"), mix: { "server.request": 1 }),
           "server": Service(operations: { "request": [] }),"#,
        "",
    );
    let compiled = prepare(&model, &[]);
    for seconds in 1..=10 {
        assert_eq!(run(&compiled, f64::from(seconds)).arrivals("clients"), 10.0 * f64::from(seconds));
    }
    let scaled = prepare(&model, &[("nodes.clients.rate", "\"1000/s\"")]);
    assert_eq!(run(&scaled, 20.0).arrivals("clients"), 10_000.0);
}

#[test]
fn users_come_and_go_as_their_stages_say() {
    let model = architecture(
        "",
        r#""users": Clients(users: 10, think: Constant("0s"), stages: [
               (duration: "10s", target: 50), (duration: "10s", target: 50), (duration: "10s", target: 0) ],
               mix: { "server.request": 1 }),
           "server": Service(operations: { "request": [ Wait(Constant("10ms")) ] }),"#,
        "",
    );
    let run = run(&prepare(&model, &[]), 60.0);
    // Users times seconds, over 10 ms a request: 300 + 500 + 250.
    let wanted = 1050.0 / 0.010;
    assert!((run.arrivals("users") / wanted - 1.0).abs() < 0.01, "{}", run.arrivals("users"));
}

#[test]
fn work_that_was_given_up_is_still_done() {
    let model = architecture(
        "",
        r#""clients": Clients(rate: "100/s", mix: { "server.request": 1 }),
           "server": Service(operations: { "request": [ Compute(Constant("5ms")) ] }),"#,
        "\"clients -> server\": Link(timeout: \"2ms\", retry: (max_attempts: 2))",
    );
    let run = run(&prepare(&model, &[]), 50.0);
    assert_eq!(run.failed_ratio("clients"), 1.0);
    let busy = run.node("server").counters.busy_ns as f64 / 50e9;
    assert!((busy - 1.0).abs() < 0.05, "two attempts of 5 ms, 100 times a second: {busy}");
    assert!(run.arrivals("server") > 1.99 * run.arrivals("clients"));
}
