//! Members that agree through a leader: what a lost leader and a lost majority cost, and what each request waits for.

use crate::run::{Run, prepare, run, run_replication};

fn model(group: &str, faults: &str) -> String {
    format!(
        r#"Architecture(name: "test", nodes: {{
            "writes": Clients(rate: "100/s", mix: {{ "vault.write": 1 }}),
            "reads": Clients(rate: "100/s", mix: {{ "vault.read": 1 }}),
            "vault": RaftGroup(read: Exponential("1ms"), append: Exponential("2ms"), {group}),
        }}, controllers: {{ {faults} }})"#
    )
}

fn disturbed(group: &str, faults: &str, seconds: f64) -> Run {
    run(&prepare(&model(group, faults), &[]), seconds)
}

fn happenings(run: &Run) -> Vec<&'static str> {
    run.node("vault").happenings.iter().map(|one| one.what).collect()
}

#[test]
fn a_write_takes_as_long_as_the_fastest_majority() {
    for (members, mean) in [(1, 1.0), (3, 1.0 / 3.0 + 1.0 / 2.0), (5, 1.0 / 5.0 + 1.0 / 4.0 + 1.0 / 3.0)] {
        let run = disturbed(&format!("members: {members}, zones: 1"), "", 400.0);
        let measured = run.latency_s("writes");
        assert!((measured / (0.002 * mean) - 1.0).abs() < 0.03, "{members}: {measured}");
    }
}

#[test]
fn a_confirmed_read_takes_a_round_to_a_majority_more_than_one_within_the_lease() {
    let latency = |more: &str| disturbed(&format!("latency: Constant(\"3ms\"), {more}"), "", 100.0).latency_s("reads");
    let (lease, confirmed) = (latency(""), latency("reads: ReadIndex"));
    assert!((lease - 0.001).abs() < 5e-5, "{lease}");
    assert!((confirmed - 0.007).abs() < 5e-5, "{confirmed}");
}

/// The first of two followers stands after the smaller of two timeouts, less what has passed since the last heartbeat.
#[test]
fn without_its_leader_a_group_is_still_for_an_election() {
    let lost = r#""lost": Fault(target: "vault", at: "10s", what: Lose(replicas: [0]))"#;
    let compiled = prepare(&model("heartbeat: \"10ms\", latency: Constant(\"1ms\"), without_leader: Fail", lost), &[]);
    let mut still = Vec::new();
    for replication in 0..300 {
        let run = run_replication(&compiled, 20.0, replication);
        assert_eq!(happenings(&run), ["leader lost", "leader elected"]);
        still.push(20.0 * (1.0 - run.share("vault", "leader_available_ratio")));
        // What is asked meanwhile fails, and nothing else.
        let failed = run.node("writes").counters.failed as f64;
        assert!(failed < 100.0 * still[still.len() - 1] + 30.0);
    }
    // Timeouts are even between 150 and 300 ms, so the smaller is 200 ms on the average; a round takes 2 ms. Ten seconds are
    // a thousand heartbeats exactly. Where both stand at almost the same time the votes are split, and it takes longer.
    let mean = still.iter().sum::<f64>() / still.len() as f64;
    assert!((0.198..0.216).contains(&mean), "{mean}");
    assert!(still.iter().all(|seconds| (0.15..1.5).contains(seconds)));
}

#[test]
fn requests_that_wait_for_a_leader_are_answered_by_the_next() {
    let lost = r#""lost": Fault(target: "vault", at: "10s", duration: "5s", what: Lose(replicas: [0]))"#;
    let run = disturbed("", lost, 30.0);
    assert_eq!(run.node("writes").counters.failed + run.node("reads").counters.failed, 0);
    let longest = run.latency_quantile_s("writes", 1.0);
    assert!((0.1..0.6).contains(&longest), "{longest}");
}

#[test]
fn a_lost_majority_stops_everything_until_it_is_back() {
    let lost = r#""lost": Fault(target: "vault", at: "10s", duration: "5s", what: Lose(replicas: [1, 2]))"#;
    let run = disturbed("", lost, 30.0);
    assert_eq!(happenings(&run), ["leader steps down", "leader elected"]);
    let still = 30.0 * (1.0 - run.share("vault", "leader_available_ratio"));
    // From a timeout after the loss until an election after the end of it.
    assert!((4.6..5.5).contains(&still), "{still}");
    assert!(run.latency_quantile_s("writes", 1.0) > 4.9);
    assert_eq!(run.node("writes").counters.failed, 0);
    // A single lost follower is not missed.
    let run = disturbed("", &lost.replace("[1, 2]", "[2]"), 30.0);
    assert!(happenings(&run).is_empty() && run.latency_quantile_s("writes", 1.0) < 0.05);
}

#[test]
fn timeouts_that_are_all_alike_split_votes_for_ever() {
    let lost = r#""lost": Fault(target: "vault", at: "10s", what: Lose(replicas: [0]))"#;
    let group = "members: 3, latency: Constant(\"5ms\"), election_timeout: Constant(\"200ms\")";
    assert_eq!(happenings(&disturbed(group, lost, 60.0)), ["leader lost"]);
}
