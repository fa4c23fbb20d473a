//! Trying again: amplification, a retrial queue, and retries that keep an overload alive.

use crate::study::{Measured, Study, latency, model, replicate, units};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = amplification("retry_amp_0.1_3", "10%", "4", 4.0);
    checks.extend(amplification("retry_amp_0.01_2", "1%", "3", 8.0));
    checks.extend(retrial());
    checks.extend(storm());
    checks.extend(redundant_parts());
    checks
}

fn success_ratio(study: &Study, node: &str) -> Measured {
    let failed = study.failure_ratio(node);
    Measured { value: 1.0 - failed.value, ..failed }
}

fn amplification(row: &str, failing: &str, attempts: &str, millions: f64) -> Vec<Check> {
    let edits = [
        ("nodes.server.operations.request", format!("[ Fail(\"{failing}\") ]")),
        ("links.clients -> server.retry", format!("(max_attempts: {attempts})")),
    ];
    let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (*path, value.as_str())).collect();
    let study = Study::run(row, &model("retries", &edits), units(millions, 1.0));
    let mut sheet = Sheet::new(row);
    sheet.exact("attempts", study.share("clients -> server", "attempts_per_call"));
    sheet.exact("success", success_ratio(&study, "clients"));
    sheet.checks
}

/// The first try waits as well, for 2 on average, and service takes 1: both are no part of what the row speaks of.
fn retrial() -> Vec<Check> {
    let study = Study::run("retrial_0.5_0.5", &model("retrial", &[]), units(8.0, 0.5));
    let mut sheet = Sheet::new("retrial_0.5_0.5");
    sheet.exact("E_wait", study.mean("clients", latency).minus(3.0));
    let elsewhere = 0.5 * (2.0 + 1.0);
    sheet.exact("E_orbit", study.present("clients").minus(elsewhere));
    sheet.checks
}

/// Retries that together could offer more than the server can do keep it overloaded long after a spike; at a load at
/// which they could not, the same spike is soon forgotten.
fn storm() -> Vec<Check> {
    let row = "timeout_retry_0.5_5.0";
    let busy_after_spike = |rate: &str| {
        let compiled = model("retry_storm", &[("nodes.clients.rate", rate)]);
        let busy = replicate(&compiled, &format!("{row} {rate}"), 20, |_, simulation| {
            simulation.run_until(6_000_000_000).expect("the run reaches the time long after the spike");
            simulation.take_record();
            simulation.run_until(10_000_000_000).expect("the run ends");
            let server = &simulation.take_record().nodes[1].counters;
            server.busy_ns as f64 / server.capacity_ns as f64
        });
        Measured::mean(&busy).value
    };
    let mut sheet = Sheet::new(row);
    let persists = busy_after_spike("\"500/s\"") > 0.999;
    let recovers = busy_after_spike("\"100/s\"") < 0.5;
    sheet.direction("metastable_if_lam_times_R1_ge_mu", persists && recovers);
    sheet.checks
}

fn redundant_parts() -> Vec<Check> {
    let mut sheet = Sheet::new("k_of_n_avail");
    for (name, mix) in [("series3", "{ \"whole.series\": 1 }"), ("1of2", "{ \"whole.either\": 1 }")] {
        let study = Study::run(
            &format!("k_of_n_avail {name}"),
            &model("redundancy", &[("nodes.clients.mix", mix)]),
            units(4.0, 1.0),
        );
        sheet.exact(name, success_ratio(&study, "clients"));
    }
    sheet.checks
}
