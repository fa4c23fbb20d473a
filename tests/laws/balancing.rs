//! Many queues and a balancer: join the shortest queue, power of two choices, random, shards by key.

use crate::study::{Measured, Study, latency, model, replicate, units, wait};
use crate::verdict::{Check, Sheet};

const JOIN_SHORTEST: &str = "join_shortest_queue";
const POWER_OF_TWO: &str = "power_of_two_choices";

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(shortest_queue("jsq2_0.5", 1.0, 4.0));
    checks.extend(shortest_queue("jsq2_0.8", 1.6, 12.0));
    for (row, load, units) in
        [("supermarket_0.5", 0.5, 120.0), ("supermarket_0.7", 0.7, 120.0), ("supermarket_0.9", 0.9, 250.0)]
    {
        checks.extend(choices(row, load, units));
    }
    checks.extend(random_of_ten());
    checks.extend(even_shards());
    checks.extend(skewed_shards());
    checks
}

fn balanced(row: &str, base: &str, policy: &str, servers: u32, rate: f64, window: (f64, f64)) -> Study {
    let edits = [
        ("nodes.clients.rate", format!("\"{}/s\"", rate * 1000.0)),
        ("nodes.balancer.policy", policy.to_owned()),
        ("nodes.server.replicas", servers.to_string()),
    ];
    let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (*path, value.as_str())).collect();
    let name = format!("{row} {policy} {servers}");
    Study::run_windows(&name, &model(base, &edits), crate::study::REPLICATIONS, |_| window)
}

fn after_warm_up(units: f64) -> (f64, f64) {
    (crate::study::WARM_UP * units, units)
}

fn shortest_queue(row: &str, rate: f64, millions: f64) -> Vec<Check> {
    let window = after_warm_up(units(millions, rate));
    let study = balanced(row, JOIN_SHORTEST, "LeastOutstanding", 2, rate, window);
    let mut sheet = Sheet::new(row);
    sheet.exact("W", study.mean("clients", latency));
    sheet.exact("T_p50", study.quantile("clients", latency, 0.5));
    sheet.exact("T_p99", study.quantile("clients", latency, 0.99));
    let waits = study.above_zero("server", wait);
    sheet.exact("P_idle_server_found", Measured { value: 1.0 - waits.value, ..waits });
    sheet.exact("ref_random_split_W", balanced(row, JOIN_SHORTEST, "Random", 2, rate, window).mean("clients", latency));
    let rate_text = format!("\"{}/s\"", rate * 1000.0);
    let edits = [("nodes.clients.rate", rate_text.as_str()), ("nodes.server.cpu", "2"), ("nodes.server.workers", "2")];
    let pooled = Study::run(&format!("{row} pooled"), &model("m_m_c", &edits), units(millions, rate));
    sheet.exact("ref_MM2_W", pooled.mean("clients", latency));
    sheet.checks
}

/// With two choices the formula is the limit of infinitely many servers, of which a thousand are close to 0.2% away.
/// With one choice each server is an M/M/1 of its own, however many there are.
fn choices(row: &str, load: f64, units_of_time: f64) -> Vec<Check> {
    let mut sheet = Sheet::new(row);
    let two =
        balanced(row, POWER_OF_TWO, "PowerOfChoices(2)", 1000, load * 1000.0, (0.4 * units_of_time, units_of_time));
    sheet.band("W_d2", two.mean("clients", latency), 0.02);
    sheet.band("T_p50_d2", two.quantile("clients", latency, 0.5), 0.02);
    sheet.band("T_p99_d2", two.quantile("clients", latency, 0.99), 0.02);
    let millions = if load > 0.8 { 24.0 } else { 6.0 };
    let one =
        balanced(row, POWER_OF_TWO, "PowerOfChoices(1)", 4, load * 4.0, after_warm_up(units(millions, load * 4.0)));
    sheet.exact("W_d1", one.mean("clients", latency));
    sheet.exact("T_p99_d1", one.quantile("clients", latency, 0.99));
    sheet.checks
}

/// Redundancy with one copy is a random choice.
fn random_of_ten() -> Vec<Check> {
    let row = "redundancy_10_1_0.7";
    let study = balanced(row, JOIN_SHORTEST, "Random", 10, 7.0, after_warm_up(units(8.0, 7.0)));
    let mut sheet = Sheet::new(row);
    sheet.exact("W", study.mean("clients", latency));
    sheet.checks
}

fn even_shards() -> Vec<Check> {
    let study = Study::run("shard_0.0", &model("shards", &[]), units(6.0, 4.0));
    let mut sheet = Sheet::new("shard_0.0");
    sheet.exact("W", study.mean("clients", latency));
    sheet.exact("T_p99", study.quantile("clients", latency, 0.99));
    sheet.exact("max_util", study.utilization("shard1"));
    sheet.direction("stable", grows("shard_0.0 growth", "0.0") < 0.1);
    sheet.checks
}

/// The work that the busiest shard is offered is more than it can do.
fn skewed_shards() -> Vec<Check> {
    let compiled = model("shards", &[("keys.shard", "Zipf(count: 8, exponent: 1.0)")]);
    let study = Study::run("shard_1.0", &compiled, 5e3);
    let mut sheet = Sheet::new("shard_1.0");
    sheet.exact("max_util", study.per_time("shard1", |node| node.counters.arrivals as f64));
    sheet.direction("stable", grows("shard_1.0 growth", "1.0") < 0.1);
    sheet.checks
}

/// Requests by which the number present grows in a unit of time, late in a run.
fn grows(name: &str, exponent: &str) -> f64 {
    let compiled = model("shards", &[("keys.shard", &format!("Zipf(count: 8, exponent: {exponent})"))]);
    let growth = replicate(&compiled, name, 20, |_, simulation| {
        simulation.run_until(1_000_000_000).expect("the run ends");
        let before = f64::from(simulation.in_flight());
        simulation.run_until(2_000_000_000).expect("the run ends");
        (f64::from(simulation.in_flight()) - before) / 1000.0
    });
    growth.iter().sum::<f64>() / growth.len() as f64
}
