//! Pool modes: for how long a server connection belongs to a client.

use super::{POSTGRES, once};
use crate::run::{Run, architecture};

/// Workers that begin a transaction, ask twice with a pause in between, and think; through a pooler of two connections.
fn transactions(mode: &str, pool: &str) -> String {
    let link = if pool.is_empty() { String::new() } else { format!(r#""web -> pooler": Link(pool: Pool({pool}))"#) };
    architecture(
        "",
        &format!(
            r#""clients": Clients(users: 8, think: Exponential("2ms"), mix: {{ "web.page": 1 }}),
               "web": Service(workers: 8, cpu: 8, operations: {{ "page": [
                   Transaction(database: "pooler", steps: [ Call("pooler.read"), Wait(Exponential("3ms")), Call("pooler.write") ]),
               ] }}),
               "pooler": PgBouncer(target: "postgres", pool_mode: {mode}, default_pool_size: 2, min_pool_size: 2),
               {POSTGRES}"#
        ),
        &link,
    )
}

fn used(run: &Run) -> f64 {
    run.share("pooler", "connection_utilization_ratio")
}

fn pages_per_s(run: &Run, seconds: f64) -> f64 {
    run.node("clients").counters.completed as f64 / seconds
}

#[test]
fn a_transaction_keeps_its_server_connection_while_it_is_idle() {
    let run = once(&transactions("Transaction", ""), &[], 20.0);
    assert!(used(&run) > 0.95, "two connections for eight workers are always taken: {}", used(&run));
    // Two connections, each for 1 + 3 + 1 ms at a time.
    let throughput = pages_per_s(&run, 20.0);
    assert!((throughput / 400.0 - 1.0).abs() < 0.05, "{throughput} transactions/s");
    let busy = run.node("postgres").counters.in_system_ns as f64 / 20e9;
    assert!((busy / 0.8 - 1.0).abs() < 0.05, "queries run for 2 of 5 ms on each of 2 connections: {busy}");
}

#[test]
fn idle_client_connections_hold_server_connections_in_session_mode_only() {
    // A pool that keeps two connections of eight: whoever holds a session keeps the server connection when the transaction ends.
    let session = once(&transactions("Session", "max_size: 8, connection_timeout: \"5s\""), &[], 20.0);
    let transaction = once(&transactions("Transaction", "max_size: 8, connection_timeout: \"5s\""), &[], 20.0);
    assert!(pages_per_s(&transaction, 20.0) > 380.0);
    // Of eight client connections two have a server for ever, and the callers that get one of the other six wait in vain.
    let waiting = session.share("pooler", "waiting_clients");
    assert!(waiting > 5.0, "the others wait for ever: {waiting}");
    assert!(pages_per_s(&session, 20.0) < 0.8 * pages_per_s(&transaction, 20.0));
}

#[test]
fn statements_of_their_own_share_a_connection_in_every_mode_but_session() {
    let text = |mode: &str| {
        architecture(
            "",
            &format!(
                r#""clients": Clients(users: 6, think: Exponential("2ms"), mix: {{ "pooler.read": 1 }}),
                   "pooler": PgBouncer(target: "postgres", pool_mode: {mode}, default_pool_size: 3, query_wait_timeout: "1s"), {POSTGRES}"#
            ),
            r#""clients -> pooler": Link(pool: Pool(max_size: 6))"#,
        )
    };
    let [session, transaction, statement] =
        ["Session", "Transaction", "Statement"].map(|mode| once(&text(mode), &[], 10.0));
    assert_eq!(transaction.failed_ratio("clients"), 0.0);
    assert_eq!(statement.failed_ratio("clients"), 0.0);
    assert!(session.failed_ratio("clients") > 0.0, "three sessions never get a server");
    assert!(session.share("pooler", "wait_timeout_ratio") > 0.0);
}

#[test]
fn a_reserve_is_opened_for_who_has_waited() {
    let text = |reserve: &str| {
        architecture(
            "",
            &format!(
                r#""clients": Clients(users: 40, mix: {{ "pooler.slow": 1 }}),
                   "pooler": PgBouncer(target: "postgres", pool_mode: Transaction, default_pool_size: 2, {reserve}),
                   "postgres": Database(cores: 64, operations: {{ "slow": Read(cpu: Constant("100ms")) }}),"#
            ),
            "",
        )
    };
    let without = once(&text(""), &[], 20.0);
    let with = once(&text("reserve_pool_size: 3, reserve_pool_timeout: \"500ms\""), &[], 20.0);
    let later = once(&text("reserve_pool_size: 3, reserve_pool_timeout: \"10s\""), &[], 20.0);
    let limited =
        once(&text("reserve_pool_size: 3, reserve_pool_timeout: \"500ms\", max_db_connections: 3"), &[], 20.0);
    let open = |run: &Run| run.share("pooler", "open_connections");
    assert!((open(&without) - 2.0).abs() < 0.05, "{}", open(&without));
    assert!((open(&with) - 4.95).abs() < 0.1, "{}", open(&with));
    assert!((open(&later) - open(&without)).abs() < 0.05, "nobody waits for ten seconds: {}", open(&later));
    assert!((open(&limited) - 3.0).abs() < 0.1, "{}", open(&limited));
}
