//! Several exponential servers with one queue: M/M/c, M/M/c/K, square-root staffing, a pool against shards.

use crate::study::{Study, latency, model, units, wait};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for (row, servers, rate, millions) in [
        ("mmc_2_1.0", 2, 1.0, 3.0),
        ("mmc_2_1.6", 2, 1.6, 8.0),
        ("mmc_4_3.2", 4, 3.2, 6.0),
        ("mmc_10_8.0", 10, 8.0, 8.0),
    ] {
        checks.extend(unbounded(row, servers, rate, millions));
    }
    for (row, servers, places, rate, millions) in [
        ("mmcK_1_10_0.8", 1, 10, 0.8, 4.0),
        ("mmcK_1_10_1.0", 1, 10, 1.0, 3.0),
        ("mmcK_4_20_3.2", 4, 20, 3.2, 26.0),
        ("mmcK_4_20_4.4", 4, 20, 4.4, 4.0),
    ] {
        checks.extend(bounded(row, servers, places, rate, millions));
    }
    checks.extend(staffed("halfinwhitt_0.5", 105, 8.0));
    checks.extend(staffed("halfinwhitt_2.0", 120, 45.0));
    checks.extend(pooled());
    checks
}

/// The edits for this many servers and this rate.
fn edited(name: &str, servers: u32, rate: f64, queue: Option<u32>) -> forescale::model::Compiled {
    let rate = format!("\"{}/s\"", rate * 1000.0);
    let servers = servers.to_string();
    let queue = queue.map(|queue| queue.to_string());
    let mut edits =
        vec![("nodes.clients.rate", rate.as_str()), ("nodes.server.cpu", &servers), ("nodes.server.workers", &servers)];
    edits.extend(queue.as_deref().map(|queue| ("nodes.server.queue", queue)));
    model(name, &edits)
}

fn unbounded(row: &str, servers: u32, rate: f64, millions: f64) -> Vec<Check> {
    let study = Study::run(row, &edited("m_m_c", servers, rate, None), units(millions, rate));
    let mut sheet = Sheet::new(row);
    sheet.exact("rho", study.utilization("server"));
    sheet.exact("ErlangC", study.above_zero("server", wait));
    sheet.exact("Wq", study.mean("server", wait));
    sheet.exact("W", study.mean("clients", latency));
    sheet.exact("Lq", study.waiting("server"));
    sheet.exact("L", study.present("server"));
    for (name, quantile) in [("T_p50", 0.5), ("T_p95", 0.95), ("T_p99", 0.99)] {
        sheet.exact(name, study.quantile("clients", latency, quantile));
    }
    sheet.exact("Wq_p99", study.quantile("server", wait, 0.99));
    let blocked = Study::run(&format!("{row} B"), &edited("m_m_c_k", servers, rate, Some(0)), units(2.0, rate));
    sheet.exact("ErlangB", blocked.failure_ratio("server"));
    sheet.checks
}

fn bounded(row: &str, servers: u32, places: u32, rate: f64, millions: f64) -> Vec<Check> {
    let study = Study::run(row, &edited("m_m_c_k", servers, rate, Some(places - servers)), units(millions, rate));
    let mut sheet = Sheet::new(row);
    sheet.exact("P_block", study.failure_ratio("server"));
    sheet.exact("throughput", study.throughput("server"));
    sheet.exact("L", study.present("server"));
    sheet.exact("Lq", study.waiting("server"));
    sheet.exact("W_accepted", study.mean("clients", latency));
    sheet.exact("Wq_accepted", study.mean("server", wait));
    sheet.exact("T_p99_accepted", study.quantile("clients", latency, 0.99));
    if servers == 1 {
        sheet.exact("T_p50_accepted", study.quantile("clients", latency, 0.5));
    }
    sheet.checks
}

fn staffed(row: &str, servers: u32, millions: f64) -> Vec<Check> {
    let study = Study::run(row, &edited("m_m_c", servers, 100.0, None), units(millions, 100.0));
    let mut sheet = Sheet::new(row);
    sheet.exact("P_wait_exact_ErlangC", study.above_zero("server", wait));
    sheet.checks
}

fn pooled() -> Vec<Check> {
    let study = Study::run("pool_vs_shard", &edited("m_m_c", 8, 4.0, None), units(3.0, 4.0));
    let mut sheet = Sheet::new("pool_vs_shard");
    sheet.exact("W", study.mean("clients", latency));
    sheet.exact("T_p99", study.quantile("clients", latency, 0.99));
    sheet.checks
}
