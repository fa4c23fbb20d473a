//! Databases whose servers share a volume: what a commit waits for, who reads pages, how far replicas are behind.

use crate::run::{Run, prepare, run};

/// Half of the statements are transfers. A server has room for a fifth of the pages, or for all.
fn model(memory: &str, database: &str, replicas: &str, faults: &str) -> String {
    format!(
        r#"Architecture(name: "test", keys: {{ "account": Uniform(count: 5_000) }}, nodes: {{
            "users": Clients(rate: "400/s", mix: {{ "database.transfer": 1, "database.lookup": 1 }}),
            "database": Database(cores: 4, max_connections: 500, memory: "{memory}", {database}
                tables: {{ "accounts": Table(rows: 5_000, row_size: "8KiB", key: "account") }},
                read_replicas: ReadReplicas(count: 2, latency: Constant("1ms"), apply: Constant("1ms"), {replicas}),
                operations: {{
                    "transfer": Write(table: "accounts", cpu: Constant("0.1ms")),
                    "lookup": PointRead(table: "accounts", cpu: Constant("0.1ms")),
                }}),
            "volume": QuorumStorage(key: "account", read: Constant("3ms"), write: Exponential("2ms")),
        }}, controllers: {{ {faults} }})"#
    )
}

fn shared(memory: &str, replicas: &str, faults: &str) -> Run {
    run(&prepare(&model(memory, "storage: \"volume\",", replicas, faults), &[]), 30.0)
}

#[test]
fn a_commit_takes_as_long_as_the_volume_and_a_page_in_memory_takes_nothing() {
    let run = shared("1GiB", "", "");
    // The fourth of six, and a tenth of a millisecond of a core.
    let expected = 0.0001 + 0.002 * (1.0 / 6.0 + 1.0 / 5.0 + 1.0 / 4.0 + 1.0 / 3.0);
    assert!((run.latency_s("users") / expected - 1.0).abs() < 0.05, "{}", run.latency_s("users"));
    let counters = run.node("volume").counters;
    let writes = run.node("users").operations[0].completed;
    assert!(counters.arrivals.abs_diff(writes) < 5, "{} at the volume, {writes} transfers", counters.arrivals);
}

#[test]
fn what_is_not_in_memory_is_read_from_the_volume() {
    let run = shared("8MiB", "", "");
    let missed = 1.0 - run.share("database", "buffer_hit_ratio");
    assert!((missed - 0.8).abs() < 0.02, "a fifth of the pages is in memory: {missed}");
    let touched = (run.node("users").operations[0].completed + run.node("users").operations[1].completed) as f64;
    let reads = run.node("volume").counters.arrivals as f64 - run.node("users").operations[0].completed as f64;
    assert!((reads / (missed * touched) - 1.0).abs() < 0.01, "{reads} reads of {touched}");
    let lookups = run.node("users").operations[1].latency.mean_ns().expect("lookups") * 1e-9;
    assert!((lookups / (0.0001 + missed * 0.003) - 1.0).abs() < 0.05, "{lookups}");
}

#[test]
fn replicas_on_the_volume_apply_only_what_they_have_in_memory_and_those_with_disks_read_it_first() {
    let lag = |run: &Run| run.share("database", "replication_lag_mean_s");
    let on_volume = lag(&shared("8MiB", "", ""));
    let on_disks = |replicas: &str| lag(&run(&prepare(&model("8MiB", "", replicas, ""), &[]), 30.0));
    // A fifth of the records take a millisecond of the one process that applies them, on disks all of them.
    assert!((0.001..0.0015).contains(&on_volume), "{on_volume}");
    let replayed = on_disks("");
    assert!((0.002..0.003).contains(&replayed), "{replayed}");
    // With 4 ms to read a page, of which four fifths are not there, 200 records a second are nearly all that one process replays.
    let read_first = on_disks("apply_io: Constant(\"3.5ms\")");
    assert!(read_first > 4.0 * replayed, "{read_first}");
}

#[test]
fn a_lost_writer_takes_nothing_with_it_that_the_volume_has() {
    let failover = "failover: Failover(detection: Constant(\"2s\"))";
    let lost = r#""lost": Fault(target: "database", at: "10s", what: Lose(replicas: [0]))"#;
    // Records are long on their way to the replicas.
    let slow = |storage: &str| {
        let text = model("1GiB", storage, failover, lost)
            .replace("latency: Constant(\"1ms\")", "latency: Constant(\"200ms\")");
        run(&prepare(&text, &[]), 30.0).share("database", "lost_commits_per_hour") / 120.0
    };
    let (on_volume, on_disks) = (slow("storage: \"volume\","), slow(""));
    assert_eq!(on_volume, 0.0);
    // 200 transfers a second for 200 ms.
    assert!((25.0..60.0).contains(&on_disks), "{on_disks}");
}
