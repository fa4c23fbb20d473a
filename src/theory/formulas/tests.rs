//! Formulas against the collection of closed forms.

use super::closed::{Class, highest_throughput, mean_value_analysis};
use super::queue::{Bounded, MultiServer, allen_cunneen, erlang_b, erlang_c, pollaczek_khinchine};
use super::renewal::{GeneralArrivals, transform};
use super::sharing::stretch;

/// The rows of one family with the parameters and values that a test asks for.
fn rows(family: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string("tests/data/theory/closed_forms.json").expect("the collection is there");
    let whole: serde_json::Value = serde_json::from_str(&text).expect("the collection is JSON");
    let rows = whole["rows"].as_array().expect("a list of rows");
    let found: Vec<_> = rows
        .iter()
        .filter(|row| row["id"].as_str().is_some_and(|id| id.starts_with(family) && !id.ends_with("_1ms")))
        .cloned()
        .collect();
    assert!(!found.is_empty(), "no row begins with {family}");
    found
}

fn parameter(row: &serde_json::Value, name: &str) -> f64 {
    row["params"][name].as_f64().unwrap_or_else(|| panic!("{} has no parameter {name}", row["id"]))
}

fn assert_row(row: &serde_json::Value, name: &str, found: f64) {
    let value =
        if let Some((table, name)) = name.split_once('.') { &row["values"][table][name] } else { &row["values"][name] };
    let value = value.as_f64().unwrap_or_else(|| panic!("{} has no value {name}", row["id"]));
    assert!((found - value).abs() <= 1e-8 * value.abs().max(1e-3), "{} {name}: {found}, not {value}", row["id"]);
}

#[test]
fn one_and_many_exponential_servers() {
    for row in rows("mm1_0").iter().chain(&rows("mmc_")) {
        let servers = row["params"]["c"].as_u64().unwrap_or(1) as u32;
        let queue = MultiServer { servers, rate: parameter(row, "lam"), service: 1.0 };
        assert_row(row, "Wq", queue.wait_mean());
        assert_row(row, "W", queue.latency_mean());
        assert_row(row, "T_p50", queue.latency_quantile(0.5));
        assert_row(row, "T_p99", queue.latency_quantile(0.99));
        assert_row(row, "Wq_p99", queue.wait_quantile(0.99));
        if servers > 1 {
            assert_row(row, "ErlangB", erlang_b(servers, queue.rate));
            assert_row(row, "ErlangC", erlang_c(servers, queue.rate));
        }
        // The mean does not know whether cores are shared or taken in turn.
        assert_row(row, "W", stretch(queue.rate, f64::from(servers)));
    }
}

#[test]
fn bounded_queues() {
    for row in rows("mmcK_") {
        let (servers, places) = (parameter(&row, "c") as u32, parameter(&row, "K") as u32);
        let queue = Bounded::new(servers, places, parameter(&row, "lam"), 1.0);
        assert_row(&row, "P_block", queue.rejected());
        assert_row(&row, "throughput", queue.throughput());
        assert_row(&row, "Wq_accepted", queue.wait_mean());
        assert_row(&row, "W_accepted", queue.latency_mean());
    }
    // With room for nearly all, a bounded queue waits as an unbounded one does.
    let (bounded, unbounded) = (Bounded::new(2, 400, 1.6, 1.0), MultiServer { servers: 2, rate: 1.6, service: 1.0 });
    assert!((bounded.wait_quantile(0.99) - unbounded.wait_quantile(0.99)).abs() < 1e-6);
    assert!((bounded.rejected() - erlang_b(2, 1.6)).abs() > 0.1);
    assert!((Bounded::new(2, 2, 1.6, 1.0).rejected() - erlang_b(2, 1.6)).abs() < 1e-12);
}

#[test]
fn general_service() {
    for row in rows("mg1_") {
        let variation = row["values"]["SCV"].as_f64().expect("a squared coefficient of variation");
        assert_row(&row, "Wq", pollaczek_khinchine(parameter(&row, "lam"), 1.0, variation));
    }
    for row in rows("mg1ps_") {
        assert_row(&row, "W", stretch(parameter(&row, "lam"), 1.0));
    }
    for row in rows("ggc_") {
        let servers = parameter(&row, "c") as u32;
        let queue = MultiServer { servers, rate: parameter(&row, "lam"), service: 1.0 };
        let found = allen_cunneen(queue, parameter(&row, "ca2"), parameter(&row, "cs2"));
        assert_row(&row, "Allen_Cunneen_Wq", found);
    }
}

#[test]
fn general_arrivals() {
    for row in rows("gim1_") {
        let gap_s = 1.0 / parameter(&row, "lam");
        let law = match row["params"]["arrivals"].as_str() {
            Some("D") => format!("Constant(\"{gap_s}s\")"),
            Some("E2") => format!("Erlang(stages: 2, mean: \"{gap_s}s\")"),
            _ => format!("HyperExponential(mean: \"{gap_s}s\", cv: 2)"),
        };
        let law = ron::from_str(&law).unwrap_or_else(|error| panic!("{law}: {error}"));
        let queue = GeneralArrivals::new(|at| transform(&law, at).expect("a known transform"), 1.0);
        assert_row(&row, "sigma", queue.sigma);
        assert_row(&row, "W", queue.latency_mean());
        assert_row(&row, "Wq", queue.wait_mean());
        assert_row(&row, "T_p99", queue.latency_quantile(0.99));
    }
}

#[test]
fn fractions_of_cores() {
    // Half a core is a whole one of half the speed.
    assert!((stretch(0.25, 0.5) - 2.0 / (1.0 - 0.5)).abs() < 1e-12);
    assert!((stretch(1e-9, 1.5) - 1.0).abs() < 1e-6);
    let (less, more) = (stretch(1.2, 2.0), stretch(1.2, 1.5));
    assert!(less < more && more < stretch(1.2, 1.3));
    assert!((stretch(900.0, 1000.0) - 1.0).abs() < 1e-3);
}

#[test]
fn closed_networks() {
    for row in rows("mva_closed") {
        for users in [1, 10, 50, 100, 200, 400] {
            let class = Class { users, delay: 1.0, demands: vec![0.005, 0.004, 0.003] };
            let found = mean_value_analysis(std::slice::from_ref(&class)).expect("few populations");
            let [throughput] = found.throughputs[..] else { panic!("one class") };
            assert_row(&row, &format!("N={users}.X"), throughput);
            assert_row(&row, &format!("N={users}.R"), f64::from(users) / throughput - 1.0);
            assert_row(&row, &format!("N={users}.Qmax"), found.present[0]);
            assert!(throughput <= highest_throughput(&class, &[1.0; 3]) * (1.0 + 1e-12));
        }
    }
    for row in rows("mva_2class") {
        let classes = [
            Class { users: 20, delay: 1.0, demands: vec![0.01, 0.02] },
            Class { users: 10, delay: 0.5, demands: vec![0.03, 0.005] },
        ];
        let found = mean_value_analysis(&classes).expect("few populations");
        assert_row(&row, "X1", found.throughputs[0]);
        assert_row(&row, "X2", found.throughputs[1]);
    }
}
