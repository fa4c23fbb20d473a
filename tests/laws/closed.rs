//! Closed workloads: networks with think time, machines and a repairman, the Universal Scalability Law.

use crate::study::{Measured, Study, latency, model};
use crate::verdict::{Check, Sheet};

/// Seconds in the unit in which studies measure; these rows speak of seconds.
const UNIT_S: f64 = 1e-3;

pub fn checks() -> Vec<Check> {
    let mut checks = one_class();
    checks.extend(two_classes());
    checks.extend(repairman("repairman_5_1", "5", 1000, 10, 1e7));
    checks.extend(repairman("repairman_10_1", "10", 100, 5, 5e5));
    checks.extend(scalability());
    checks
}

fn in_seconds(measured: Measured) -> Measured {
    measured.over(1.0 / UNIT_S)
}

fn per_second(measured: Measured) -> Measured {
    measured.over(UNIT_S)
}

fn one_class() -> Vec<Check> {
    let mut sheet = Sheet::new("mva_closed");
    for (users, units) in [(1, 2e7), (10, 2e6), (50, 8e5), (100, 5e5), (200, 2e6), (400, 3e5)] {
        let compiled = model("closed_network", &[("nodes.users.users", &users.to_string())]);
        let study = Study::run(&format!("mva_closed {users}"), &compiled, units);
        let mut exact = |name: &str, found| sheet.exact(&format!("N={users}.{name}"), found);
        exact("X", per_second(study.throughput("users")));
        exact("R", in_seconds(study.mean("users", latency)));
        exact("Qmax", study.present("first"));
        exact("Umax", study.utilization("first"));
    }
    sheet.checks
}

fn two_classes() -> Vec<Check> {
    let study = Study::run("mva_2class", &model("closed_two_classes", &[]), 1.5e6);
    let mut sheet = Sheet::new("mva_2class");
    for (index, users) in [(1, "readers"), (2, "writers")] {
        sheet.exact(&format!("X{index}"), per_second(study.throughput(users)));
        sheet.exact(&format!("R{index}"), in_seconds(study.mean(users, latency)));
    }
    sheet.checks
}

/// In units of a millisecond, which stands for whatever the row's unit is.
fn repairman(row: &str, machines: &str, up_ms: u32, repair_ms: u32, units: f64) -> Vec<Check> {
    let edits = [
        ("nodes.machines.users", machines.to_owned()),
        ("nodes.machines.think", format!("Exponential(\"{up_ms}ms\")")),
        ("nodes.repairman.operations.repair", format!("[ Compute(Exponential(\"{repair_ms}ms\")) ]")),
    ];
    let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (*path, value.as_str())).collect();
    let study = Study::run(row, &model("repairman", &edits), units);
    let mut sheet = Sheet::new(row);
    let failed = study.present("repairman");
    sheet.exact("E_failed", failed);
    let count: f64 = machines.parse().expect("a number of machines");
    sheet.exact("availability", Measured { value: 1.0 - failed.value / count, ..failed.over(count) });
    let busy = study.utilization("repairman");
    sheet.exact("P_all_up", Measured { value: 1.0 - busy.value, ..busy });
    sheet.checks
}

fn scalability() -> Vec<Check> {
    let mut sheet = Sheet::new("usl_0.05_0.0001");
    for users in [1, 8, 32, 64, 128] {
        let compiled = model("scalability", &[("nodes.users.users", &users.to_string())]);
        let study = Study::run(&format!("usl {users}"), &compiled, 1e3);
        sheet.exact(&format!("X{users}"), per_second(study.throughput("users")));
    }
    sheet.checks
}
