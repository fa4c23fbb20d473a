//! Pools of a caller's replicas, and the database that counts them.

use super::once;
use crate::run::{Run, architecture};

/// Two services of one database: one with pools, one without.
fn shared(replicas: u32, pool: &str) -> String {
    architecture(
        "",
        &format!(
            r#""clients": Clients(rate: "100/s", mix: {{ "web.page": 1 }}),
               "others": Clients(rate: "100/s", mix: {{ "report.page": 1 }}),
               "web": Service(replicas: {replicas}, operations: {{ "page": [ Call("postgres.read") ] }}),
               "report": Service(operations: {{ "page": [ Call("postgres.read") ] }}),
               "postgres": Database(cores: 8, max_connections: 20, operations: {{ "read": Read(cpu: Exponential("1ms")) }}),"#
        ),
        &format!(r#""web -> postgres": Link(latency: Constant("0.1ms"), pool: Pool({pool}))"#),
    )
}

#[test]
fn idle_connections_count_against_the_limit() {
    let open = |run: &Run| run.share("postgres", "open_connections");
    let few = once(&shared(3, "max_size: 5"), &[], 20.0);
    assert!((open(&few) - 15.0).abs() < 0.01, "{}", open(&few));
    assert_eq!(few.failed_ratio("others"), 0.0);
    let all = once(&shared(4, "max_size: 5"), &[], 20.0);
    assert!((open(&all) - 20.0).abs() < 0.01, "{}", open(&all));
    assert!(all.failed_ratio("others") > 0.99, "nothing is left for who has no pool");
    assert_eq!(all.failed_ratio("clients"), 0.0);
    assert!(all.share("postgres", "connection_utilization_ratio") > 0.99);
}

#[test]
fn what_the_database_refuses_is_tried_again_and_callers_wait_for_what_there_is() {
    // Six replicas would keep thirty connections, and twenty are there: the last two replicas have none.
    let run = once(&shared(6, "max_size: 5, connection_timeout: \"2s\""), &[], 20.0);
    assert!((run.share("web -> postgres", "open_connections") - 20.0).abs() < 0.05);
    assert!(run.share("web -> postgres", "refused_connection_ratio") > 0.3);
    assert!(run.share("postgres", "refused_connection_ratio") > 0.3);
    let failed = run.failed_ratio("clients");
    assert!((0.25..0.36).contains(&failed), "a third of the requests wait in vain: {failed}");
}

#[test]
fn a_connection_is_opened_once_with_a_pool_and_each_time_without() {
    let text = |pool: &str| {
        architecture(
            "",
            r#""clients": Clients(rate: "100/s", mix: { "postgres.read": 1 }),
               "postgres": Database(cores: 4, connect: Constant("4ms"), operations: { "read": Read(cpu: Constant("1ms")) }),"#,
            &format!(r#""clients -> postgres": Link({pool})"#),
        )
    };
    let busy = |run: &Run| run.node("postgres").counters.busy_ns as f64 / 20e9;
    let without = busy(&once(&text(""), &[], 20.0));
    let with = busy(&once(&text("pool: Pool(max_size: 20)"), &[], 20.0));
    assert!((without / 0.5 - 1.0).abs() < 0.05, "5 ms for each query: {without}");
    assert!((with / 0.1 - 1.0).abs() < 0.05, "1 ms for each query: {with}");
}

#[test]
fn short_lives_cost_the_database_cores() {
    let text = |pool: &str| {
        architecture(
            "",
            r#""clients": Clients(rate: "50/s", mix: { "postgres.read": 1 }),
               "postgres": Database(cores: 4, connect: Constant("10ms"), operations: { "read": Read(cpu: Constant("1ms")) }),"#,
            &format!(r#""clients -> postgres": Link(pool: Pool({pool}))"#),
        )
    };
    let busy = |pool: &str| once(&text(pool), &[], 60.0).node("postgres").counters.busy_ns as f64 / 60e9;
    let long = busy("max_size: 10");
    // Ten connections, each for about two seconds.
    let short = busy("max_size: 10, max_lifetime: \"2s\"");
    assert!((short - long - 0.05).abs() < 0.01, "{short} against {long}");
}

#[test]
fn idle_connections_beyond_the_least_go_when_nobody_wants_them() {
    let text = architecture(
        "",
        r#""clients": Clients(rate: "200/s", arrivals: Spike(factor: 40, start: "2s", duration: "1s"), mix: { "postgres.read": 1 }),
           "postgres": Database(cores: 8, operations: { "read": Read(cpu: Exponential("1ms")) }),"#,
        r#""clients -> postgres": Link(pool: Pool(max_size: 30, min_idle: 1, idle_timeout: "2s"))"#,
    );
    let early = once(&text, &[], 4.0).share("clients -> postgres", "open_connections") * 4.0;
    let late = once(&text, &[], 30.0).share("clients -> postgres", "open_connections") * 30.0;
    let after = (late - early) / 26.0;
    assert!(early / 4.0 > 8.0 && after < 6.0, "{} at first, {after} afterwards", early / 4.0);
}

#[test]
fn each_replica_has_a_pool_of_its_own() {
    // The first replica is slow to give connections back; the other one's requests find theirs all the same.
    let run = once(&shared(2, "max_size: 1"), &[("nodes.clients.rate", "1200/s")], 10.0);
    let used = run.share("web -> postgres", "connection_utilization_ratio");
    assert!((used - 0.72).abs() < 0.05, "600/s for 1.2 ms on each of two: {used}");
    assert!((run.share("postgres", "open_connections") - 2.0).abs() < 0.01);
}
