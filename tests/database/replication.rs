//! Read replicas, against what is known of them exactly.

use crate::run::{Run, architecture, prepare, run};

/// One replica that answers nothing but follows, and commits that come as a Poisson process.
fn followed(replicas: &str) -> String {
    architecture(
        r#""thing": Uniform(count: 1)"#,
        &format!(
            r#""clients": Clients(rate: "200/s", mix: {{ "database.write": 1 }}),
               "readers": Clients(rate: "100/s", mix: {{ "database.read": 1 }}),
               "database": Database(cores: 1, max_connections: 1000, read_replicas: ReadReplicas({replicas}), operations: {{
                   "write": Write(cpu: Constant("0ns"), key: "thing"),
                   "read": Read(cpu: Constant("0ns"), key: "thing"),
               }}),"#
        ),
        "",
    )
}

fn measured(replicas: &str, seconds: f64) -> Run {
    run(&prepare(&followed(replicas), &[]), seconds)
}

#[track_caller]
fn about(found: f64, expected: f64, share: f64) {
    assert!((found - expected).abs() <= share * expected, "{found} instead of {expected}");
}

#[test]
fn the_lag_of_one_worker_is_the_time_in_an_m_m_1_queue() {
    // 200 records a second, 2 ms each: 1 / (500 - 200) s, and the way.
    let run = measured("count: 1, apply: Exponential(\"2ms\"), latency: Constant(\"1ms\")", 3000.0);
    about(run.share("database", "replication_lag_mean_s"), 1.0 / 300.0 + 0.001, 0.02);
    about(run.share("database", "unapplied_records"), 200.0 * (1.0 / 300.0 + 0.001), 0.02);
}

#[test]
fn more_replicas_do_not_change_the_lag() {
    let lag = |count| {
        let replicas = format!("count: {count}, apply: Exponential(\"2ms\")");
        measured(&replicas, 1000.0).share("database", "replication_lag_mean_s")
    };
    about(lag(4), lag(1), 0.03);
}

#[test]
fn a_read_is_stale_if_a_write_of_its_key_is_on_its_way() {
    // One key, written 200 times a second, and 5 ms until a replica sees it.
    let run = measured("count: 1, latency: Constant(\"5ms\")", 500.0);
    about(run.share("database", "stale_read_ratio"), 1.0 - (-200.0_f64 * 0.005).exp(), 0.01);
}

#[test]
fn a_commit_waits_for_the_first_or_the_last_acknowledgement() {
    // There and back, both exponential with mean 2 ms: an Erlang law of two stages. First and last of three by integration.
    let survival = |t: f64| (-t / 0.002).exp() * (1.0 + t / 0.002);
    let integral =
        |of: &dyn Fn(f64) -> f64| (0..400_000).map(|step| of((f64::from(step) + 0.5) * 1e-7) * 1e-7).sum::<f64>();
    let first = integral(&|t| survival(t).powi(3));
    let last = integral(&|t| 1.0 - (1.0 - survival(t)).powi(3));
    let latency = |replication: &str| {
        let replicas = format!("count: 3, replication: {replication}, latency: Exponential(\"2ms\")");
        // Few commits, since records do not overtake each other.
        let text = followed(&replicas).replace("200/s", "2/s").replace("100/s", "1/s");
        run(&prepare(&text, &[]), 20_000.0).latency_s("clients")
    };
    about(latency("SemiSynchronous"), first, 0.02);
    about(latency("Synchronous"), last, 0.02);
    about(latency("Asynchronous") + 1.0, 1.0, 1e-6);
}

#[test]
fn who_waits_until_all_have_applied_it_reads_nothing_stale() {
    let replicas = "count: 3, replication: Synchronous, acknowledge: Applied, latency: Exponential(\"2ms\"), apply: Exponential(\"1ms\")";
    let run = measured(replicas, 50.0);
    assert!(run.share("database", "stale_read_ratio") == 0.0);
}

#[test]
fn one_s_own_writes_are_always_read() {
    // Whoever reads the only thing wrote it.
    let replicas = "count: 2, latency: Constant(\"3ms\"), consistency: ReadYourWrites, session: \"thing\"";
    let run = measured(replicas, 50.0);
    assert!(run.share("database", "stale_read_ratio") == 0.0);
    assert!(run.share("database", "writer_fallback_ratio") > 0.3);
}

#[test]
fn staleness_is_bounded_as_asked() {
    // Nothing takes longer than 3 ms, so a bound of 4 ms sends nobody to the writer, and one of 1 ms many.
    let fallbacks = |bound: &str| {
        let replicas = format!("count: 2, latency: Constant(\"3ms\"), consistency: BoundedStaleness(\"{bound}\")");
        measured(&replicas, 20.0).share("database", "writer_fallback_ratio")
    };
    assert!(fallbacks("4ms") == 0.0);
    about(fallbacks("1ms"), 1.0 - (-200.0_f64 * 0.002).exp(), 0.05);
}

#[test]
fn replicas_that_are_too_slow_fall_behind_without_end() {
    let run = measured("count: 1, apply: Constant(\"6ms\")", 60.0);
    // 200 a second come, 166.7 are applied: a sixth of the time is behind at its end, half of that on average.
    about(run.share("database", "unapplied_records"), (200.0 - 1.0 / 0.006) * 30.0, 0.1);
}

#[test]
fn analytics_disturb_nobody_on_a_replica_of_their_own() {
    let model = |endpoints: &str, analytics: &str, interactive: &str| {
        architecture(
            "",
            &format!(
                r#""users": Clients(rate: "300/s", mix: {{ "database.read": 1 }}),
                   "analysts": Clients(rate: "3/s", mix: {{ "database.report": 1 }}),
                   "database": Database(cores: 1, max_connections: 500,
                       read_replicas: ReadReplicas(count: 2, endpoints: {endpoints}), operations: {{
                       "read": Read(cpu: Exponential("1ms"), endpoint: {interactive}),
                       "report": Read(cpu: Exponential("200ms"), endpoint: {analytics}),
                   }}),"#
            ),
            "",
        )
    };
    let latency = |text: String| run(&prepare(&text, &[]), 300.0).latency_s("users");
    let together = latency(model("{}", "Reader", "Reader"));
    let apart = latency(model(r#"{ "analytics": [2], "users": [1] }"#, "Custom(\"analytics\")", "Custom(\"users\")"));
    // Alone on its replica an interactive read meets an M/M/1 queue.
    about(apart, 1.0 / 700.0, 0.03);
    assert!(together > 1.1 * apart, "{together} against {apart}");
}

#[test]
fn replicas_answer_when_they_have_caught_up() {
    let text = followed("count: 0, apply: Exponential(\"2ms\"), startup: Constant(\"4s\")").replace(
        "links: {",
        r#"controllers: { "clock": Scheduled(target: "database", period: "1h", actions: [(at: "2s", replicas: 1), (at: "59m", replicas: 0)]) },
           links: {"#,
    );
    let share = |seconds| run(&prepare(&text, &[]), seconds).share("database", "replica_read_ratio");
    // Asked for after 2 s, restored after 6 s; 800 records have come meanwhile, and it gains 300 a second on the writer.
    assert!(share(7.0) == 0.0 && share(12.0) > 0.0);
    let run = run(&prepare(&text, &[]), 3000.0);
    about(run.share("database", "replica_read_ratio"), 1.0, 0.02);
}

#[test]
fn a_database_without_replicas_answers_as_it_would_without_the_field() {
    let with = measured("count: 0", 20.0);
    let without = followed("count: 0").replace("read_replicas: ReadReplicas(count: 0), ", "");
    let without = run(&prepare(&without, &[]), 20.0);
    assert_eq!(with.latency_s("clients"), without.latency_s("clients"));
    assert_eq!(with.share("database", "replica_read_ratio"), 0.0);
}

/// As [`followed`], with a fault of the writer.
fn faulty(replicas: &str, fault: &str) -> String {
    followed(replicas).replace("links: {", &format!("controllers: {{ \"fault\": Fault({fault}) }}, links: {{"))
}

#[test]
fn the_tail_that_nobody_had_received_is_lost() {
    // What was committed within the last 50 ms was still on its way: ten commits on average.
    let text = faulty(
        "count: 2, latency: Constant(\"50ms\"), failover: Failover(detection: Constant(\"1s\"))",
        "target: \"database\", at: \"5s\", what: Lose(replicas: [0])",
    );
    let compiled = prepare(&text, &[]);
    let lost = |replication| {
        crate::run::run_replication(&compiled, 3.6 * 4.0, replication).share("database", "lost_commits_per_hour")
            * 0.004
    };
    about((0..200).map(lost).sum::<f64>() / 200.0, 10.0, 0.07);
}

#[test]
fn nothing_is_lost_that_a_replica_has_acknowledged() {
    let text = faulty(
        "count: 2, replication: SemiSynchronous, latency: Exponential(\"20ms\"), failover: Failover(detection: Constant(\"1s\"))",
        "target: \"database\", at: \"5s\", what: Lose(replicas: [0])",
    );
    let compiled = prepare(&text, &[]);
    for replication in 0..20 {
        let run = crate::run::run_replication(&compiled, 10.0, replication);
        assert_eq!(run.share("database", "lost_commits_per_hour"), 0.0);
    }
}

#[test]
fn writes_fail_until_a_replica_is_the_writer() {
    let failover = "failover: Failover(detection: Constant(\"3s\"), promotion: Constant(\"2s\"))";
    let text = faulty(
        &format!("count: 2, latency: Constant(\"1ms\"), {failover}"),
        "target: \"database\", at: \"10s\", duration: \"20s\", what: Lose(replicas: [0])",
    );
    let run = run(&prepare(&text, &[]), 50.0);
    about(run.share("database", "writer_available_ratio"), 0.9, 1e-3);
    about(run.failed_ratio("clients"), 0.1, 0.05);
    assert_eq!(run.failed_ratio("readers"), 0.0, "replicas answer meanwhile");
    let told: Vec<&str> = run.node("database").happenings.iter().map(|one| one.what).collect();
    assert_eq!(told, ["writer lost", "replica promoted"]);
}

#[test]
fn a_writer_that_nobody_replaces_comes_back_with_all_it_had() {
    let text = faulty(
        "count: 2, latency: Constant(\"50ms\")",
        "target: \"database\", at: \"10s\", duration: \"5s\", what: Lose(replicas: [0])",
    );
    let run = run(&prepare(&text, &[]), 50.0);
    about(run.share("database", "writer_available_ratio"), 0.9, 1e-6);
    assert_eq!(run.share("database", "lost_commits_per_hour"), 0.0);
}

#[test]
fn a_slow_replica_lags() {
    let text = faulty(
        "count: 2, apply: Exponential(\"1ms\")",
        "target: \"database\", at: \"0s\", what: Slow(replicas: [2], factor: 3)",
    );
    let run = run(&prepare(&text, &[]), 500.0);
    // 1 / (1000 - 200) and 1 / (333 - 200).
    about(run.share("database", "replication_lag_mean_s"), (1.0 / 800.0 + 1.0 / (1000.0 / 3.0 - 200.0)) / 2.0, 0.05);
}
