//! Requests that split: fork-join, split-merge, fan-out, and waiting for all of several answers.

use crate::study::{Study, latency, model, units};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(fork_join("forkjoin_0.5", 500));
    checks.extend(fork_join("forkjoin_0.8", 800));
    checks.extend(split_merge("splitmerge_2", 2, 0.5, 8.0));
    checks.extend(split_merge("splitmerge_10", 10, 0.2, 1.0));
    for (row, leaves, millions) in [("fanout_1", 1, 4.0), ("fanout_100", 100, 0.1), ("fanout_1000", 1000, 0.02)] {
        checks.extend(fan_out(row, leaves, millions));
    }
    checks.extend(all_of_three());
    checks
}

/// A parallel step with this many equal branches.
fn branches(count: usize, branch: &str) -> String {
    format!("[ Parallel([ {} ]) ]", vec![format!("[ {branch} ]"); count].join(", "))
}

fn fork_join(row: &str, rate: u32) -> Vec<Check> {
    let mut sheet = Sheet::new(row);
    for width in [2, 4, 8, 16, 32] {
        let edits = [
            ("nodes.clients.rate", format!("\"{rate}/s\"")),
            ("nodes.coordinator.operations.request", branches(width, "Call(\"workers.task\")")),
            ("nodes.workers.replicas", width.to_string()),
        ];
        let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (*path, value.as_str())).collect();
        let millions = if width == 2 { 6.0 } else { 4.0 / width as f64 };
        let units = units(millions, f64::from(rate) / 1000.0);
        let study = Study::run(&format!("{row} {width}"), &model("fork_join", &edits), units);
        let found = study.mean("clients", latency);
        if width == 2 {
            sheet.exact("R2_exact", found);
        } else {
            sheet.band(&format!("R{width}_NelsonTantawi"), found, 0.05);
        }
        if width == 32 {
            sheet.below("R_inf_bound_independent_H32", found);
        }
    }
    sheet.checks
}

fn split_merge(row: &str, width: usize, rate: f64, millions: f64) -> Vec<Check> {
    let edits = [
        ("nodes.clients.rate", format!("\"{}/s\"", rate * 1000.0)),
        ("nodes.server.operations.request", branches(width, "Wait(Exponential(\"1ms\"))")),
    ];
    let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (*path, value.as_str())).collect();
    let study = Study::run(row, &model("split_merge", &edits), units(millions, rate));
    let mut sheet = Sheet::new(row);
    sheet.exact("rho", study.share("server", "worker_utilization_ratio"));
    sheet.exact("Wq", study.mean("server", crate::study::wait));
    sheet.exact("W", study.mean("clients", latency));
    sheet.checks
}

fn fan_out(row: &str, leaves: usize, millions: f64) -> Vec<Check> {
    let request = "nodes.root.operations.request";
    let slow = model("fan_out", &[(request, &branches(leaves, "Call(\"leaf.serve\")"))]);
    let study = Study::run(row, &slow, units(millions, 1.0));
    let mut sheet = Sheet::new(row);
    sheet.exact("exp_mean", study.mean("clients", latency));
    sheet.exact("exp_p50", study.quantile("clients", latency, 0.5));
    sheet.exact("exp_p99", study.quantile("clients", latency, 0.99));
    let flips = model("fan_out", &[(request, &branches(leaves, "Call(\"leaf.flip\")"))]);
    let study = Study::run(&format!("{row} flips"), &flips, units(millions, 1.0));
    // Of a thousand leaves one is almost always slow, so few requests or none escape, and the replications may all agree:
    // the error is at least that of as many independent trials.
    let found = study.failure_ratio("clients");
    let likely = 1.0 - 0.99_f64.powi(leaves as i32);
    let trials = 0.8e6 * millions;
    let at_least = (likely * (1.0 - likely) / trials).sqrt();
    let standard_error = found.standard_error.max(at_least);
    sheet.exact("P_slow_if_leaf_1pct", crate::study::Measured { standard_error, ..found });
    sheet.checks
}

/// A quorum of three out of three waits for all.
fn all_of_three() -> Vec<Check> {
    let mut sheet = Sheet::new("quorum_3of3");
    for (prefix, law) in [("exp", "Exponential(\"1ms\")"), ("lognormal_scv4", "LogNormal(mean: \"1ms\", cv: 2)")] {
        let edits = [
            ("nodes.root.operations.request", branches(3, "Call(\"leaf.serve\")")),
            ("nodes.leaf.operations.serve", format!("[ Wait({law}) ]")),
        ];
        let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (*path, value.as_str())).collect();
        let study = Study::run(&format!("quorum_3of3 {prefix}"), &model("fan_out", &edits), units(2.0, 1.0));
        if prefix == "exp" {
            sheet.exact("exp_mean", study.mean("clients", latency));
        }
        for (name, quantile) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            sheet.exact(&format!("{prefix}_{name}"), study.quantile("clients", latency, quantile));
        }
    }
    sheet.checks
}
