//! Closed forms: a pool of `c` connections is an M/M/c queue, a bound on clients makes it an M/M/c/K, clients that think make it
//! a closed network, and a bound on the wait a queue with impatient customers.

use super::{POSTGRES, agrees, estimate};
use crate::run::{Run, architecture};

fn pooled(rate: u32, pool: &str) -> String {
    architecture(
        "",
        &format!(r#""clients": Clients(rate: "{rate}/s", mix: {{ "postgres.read": 1 }}), {POSTGRES}"#),
        &format!(r#""clients -> postgres": Link(pool: Pool({pool}))"#),
    )
}

fn bounced(clients: &str, pooler: &str) -> String {
    architecture(
        "",
        &format!(
            r#""clients": Clients({clients}, mix: {{ "pooler.read": 1 }}),
               "pooler": PgBouncer(target: "postgres", {pooler}), {POSTGRES}"#
        ),
        "",
    )
}

/// Probabilities of the numbers in an M/M/c/K queue with load `a` (in servers).
fn birth_and_death(a: f64, servers: usize, places: usize) -> Vec<f64> {
    let mut terms = vec![1.0];
    for number in 1..=places {
        terms.push(terms[number - 1] * a / number.min(servers) as f64);
    }
    let total: f64 = terms.iter().sum();
    terms.iter().map(|term| term / total).collect()
}

/// The mean wait of an M/M/c queue in mean service times (Erlang C).
fn erlang_c_wait(a: f64, servers: usize) -> f64 {
    let numbers = birth_and_death(a, servers, servers);
    let blocked = numbers[servers];
    let load = a / servers as f64;
    let waits = blocked / (1.0 - load * (1.0 - blocked));
    waits / (servers as f64 - a)
}

fn failed(run: &Run) -> f64 {
    run.failed_ratio("clients")
}

#[test]
fn a_pool_is_a_queue_with_as_many_servers() {
    let text = pooled(3_200, "max_size: 4");
    let truth = erlang_c_wait(3.2, 4) * 1e-3;
    agrees("wait for a connection of 4", estimate(&text, &[], 20.0, |run| run.wait_s("clients -> postgres")), truth);
    let measure = |run: &Run| run.share("clients -> postgres", "avg_wait_s");
    agrees("the same as told", estimate(&text, &[], 20.0, measure), truth);
    let used = |run: &Run| run.share("clients -> postgres", "connection_utilization_ratio");
    agrees("connections in use", estimate(&text, &[], 20.0, used), 0.8);
}

#[test]
fn a_pooler_is_a_queue_with_as_many_servers() {
    for mode in ["Session", "Transaction", "Statement"] {
        let pooler = format!("pool_mode: {mode}, default_pool_size: 4, min_pool_size: 4, max_client_conn: 60000");
        let text = bounced("rate: \"3200/s\"", &pooler);
        let truth = erlang_c_wait(3.2, 4) * 1e-3;
        agrees(mode, estimate(&text, &[], 20.0, |run| run.wait_s("pooler")), truth);
    }
}

#[test]
fn a_bound_on_clients_loses_as_erlang_says() {
    let pooler = "pool_mode: Transaction, default_pool_size: 4, min_pool_size: 4, max_client_conn: 20";
    let text = bounced("rate: \"4400/s\"", pooler);
    let truth = birth_and_death(4.4, 4, 20)[20];
    agrees("refused clients", estimate(&text, &[], 20.0, failed), truth);
    let told = |run: &Run| run.share("pooler", "refused_client_ratio");
    agrees("refused clients as told", estimate(&text, &[], 20.0, told), truth);
}

/// Each of `n` clients opens a session, asks once, ends it and thinks: the machine repairman with `c` repairmen.
#[test]
fn sessions_of_clients_that_think_are_a_closed_network() {
    let text = bounced("users: 12, think: Exponential(\"4ms\")", "default_pool_size: 2, min_pool_size: 2");
    let (users, servers, think) = (12usize, 2usize, 4.0);
    let mut terms = vec![1.0];
    for present in 1..=users {
        let arriving = (users - present + 1) as f64 / think;
        terms.push(terms[present - 1] * arriving / present.min(servers) as f64);
    }
    let total: f64 = terms.iter().sum();
    let throughput: f64 = terms.iter().enumerate().map(|(n, term)| n.min(servers) as f64 * term / total).sum();
    let response = users as f64 / throughput - think;
    agrees("response of sessions", estimate(&text, &[], 30.0, |run| run.latency_s("clients")), response * 1e-3);
}

/// In an M/M/1 queue in which nobody waits longer than `T`, the share that gives up is `r (1 - r) x / (1 - r^2 x)` with
/// `x = exp(-(m - l) T)` and `r = l / m`: beyond `T` the virtual wait only decays, since who would meet it leaves (Barrer 1957).
fn gives_up(load: f64, patience: f64) -> f64 {
    let decay = (-(1.0 - load) * patience).exp();
    load * (1.0 - load) * decay / (1.0 - load * load * decay)
}

#[test]
fn the_query_wait_timeout_bounds_the_wait_as_impatience_does() {
    let pooler = "pool_mode: Transaction, default_pool_size: 1, min_pool_size: 1, max_client_conn: 60000, query_wait_timeout: \"3ms\"";
    let text = bounced("rate: \"900/s\"", pooler);
    agrees("waits given up", estimate(&text, &[], 40.0, failed), gives_up(0.9, 3.0));
    let told = |run: &Run| run.share("pooler", "wait_timeout_ratio");
    agrees("waits given up as told", estimate(&text, &[], 40.0, told), gives_up(0.9, 3.0));
}

#[test]
fn the_connection_timeout_bounds_the_wait_as_impatience_does() {
    let text = pooled(1_200, "max_size: 1, connection_timeout: \"5ms\"");
    agrees("waits given up", estimate(&text, &[], 40.0, failed), gives_up(1.2, 5.0));
}
