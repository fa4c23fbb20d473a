//! Holds the hand-written reference loops of the benchmark against queueing theory: a fast loop that simulates something
//! else would be no limit at all.

#[path = "../benches/reference/mod.rs"]
mod reference;

use forescale::random::{Purpose, Seed};
use reference::heap::Calendar;
use reference::{nodes, w1, w2, w3, w4};

fn assert_near(found: f64, expected: f64, tolerance: f64) {
    let error = found / expected - 1.0;
    assert!(error.abs() <= tolerance, "found {found}, expected {expected}: off by {:.2}%", error * 100.0);
}

/// The mean wait in M/M/c by Erlang's C formula, itself by the recursion of his B formula.
fn erlang_wait(servers: usize, offered: f64, service_s: f64) -> f64 {
    let blocked = (1..=servers).fold(1.0, |blocked, n| offered * blocked / (n as f64 + offered * blocked));
    let delayed = blocked / (1.0 - offered / servers as f64 * (1.0 - blocked));
    delayed * service_s / (servers as f64 - offered)
}

#[test]
fn the_calendar_orders_by_time_and_then_by_scheduling() {
    let mut stream = Seed::new(1, 0).stream(Purpose::named("calendar"));
    let mut calendar = Calendar::with_capacity(0);
    let mut expected = Vec::new();
    for payload in 0..1000 {
        let time = stream.below(100);
        calendar.push(time, payload);
        expected.push((time, payload));
    }
    expected.sort_unstable();
    assert_eq!(calendar.first(), expected.remove(0));
    calendar.replace_first(50, 1000);
    expected.push((50, 1000));
    expected.sort_unstable();
    for entry in expected {
        assert_eq!(calendar.first(), entry);
        calendar.remove_first();
    }
}

#[test]
fn many_stations_meet_theory() {
    // Ten at 80% load are what one is; a hundred at 8% hardly make anybody wait.
    let busy = nodes::run(10, 2_000_000, 1);
    assert_near(busy.mean_latency_s, 0.005, 0.03);
    assert_near(busy.busy_fraction, 0.8, 0.01);
    let idle = nodes::run(100, 500_000, 1);
    assert_near(idle.mean_latency_s, 0.001 / 0.92, 0.01);
    assert_near(idle.busy_fraction, 0.08, 0.01);
}

#[test]
fn one_server_meets_theory() {
    let outcome = w1::run(4_000_000, 1);
    assert_eq!(outcome.requests, 4_000_000);
    // The time in M/M/1 is exponential with mean 1 ms / (1 - 0.8). Its autocorrelation makes the standard error of the
    // mean here about 0.4%.
    assert_near(outcome.mean_latency_s, 0.005, 0.02);
    assert_near(outcome.p50_latency_s, 0.005 * 2f64.ln(), 0.02);
    assert_near(outcome.p99_latency_s, 0.005 * 100f64.ln(), 0.03);
    assert_near(outcome.busy_fraction, 0.8, 0.01);
}

#[test]
fn sixteen_servers_meet_theory() {
    let outcome = w2::run(4_000_000, 1);
    assert_near(outcome.mean_latency_s, 0.010 + erlang_wait(16, 0.9 * 16.0, 0.010), 0.02);
    assert_near(outcome.busy_fraction, 0.9, 0.01);
}

#[test]
fn the_three_tiers_meet_theory() {
    let outcome = w3::run(2_000_000, 1);
    // Round robin makes each replica an E8/M/1. The time in it is exponential with mean 5 ms / (1 - root), where the
    // root is the fixed point of the transform of the interarrival time (Kleinrock 1975, section 6.4).
    let mut root: f64 = 0.5;
    for _ in 0..1000 {
        root = (1.0 + (1.0 - root) / (8.0 * 0.7)).powi(-8);
    }
    let compute_s = 0.005 / (1.0 - root);
    // What reaches the database is almost a Poisson stream, and at utilisation 0.336 it hardly queues.
    let offered = 0.3 * (8.0 * 0.7 / 5.0) * 4.0;
    let query_s = 0.004 + erlang_wait(4, offered, 0.004);
    assert_near(outcome.mean_latency_s, compute_s + 0.7 * 0.001 + 0.3 * query_s, 0.01);
    assert_near(outcome.busy_fraction, 0.7, 0.01);
}

#[test]
fn the_closed_loop_meets_theory() {
    // At utilisation 0.5 nobody waits for one of 100 servers, and a cycle lasts 10.01 s.
    let outcome = w4::run(1_000_000, 1);
    assert_near(outcome.mean_latency_s, 0.010, 0.01);
    assert_near(outcome.p99_latency_s, 0.010 * 100f64.ln(), 0.02);
    assert_near(outcome.busy_fraction, 50_000.0 * 0.010 / 10.010 / 100.0, 0.01);
    let fewer = w4::run_with_users(10_000, 500_000, 1);
    assert_near(fewer.busy_fraction, 0.4995, 0.02);
}
