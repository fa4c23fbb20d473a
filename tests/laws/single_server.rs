//! One exponential server: M/M/1, M/M/1/K, GI/M/1, other disciplines, batches.

use crate::study::{Study, latency, model, second_latency, units, wait};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for (row, rate, millions) in [("mm1_0.5", 0.5, 2.0), ("mm1_0.8", 0.8, 6.0), ("mm1_0.9", 0.9, 14.0)] {
        checks.extend(first_come_first_served(row, rate, millions));
    }
    checks.extend(in_service_units());
    for (row, arrivals, rate, millions) in [
        ("gim1_D_0.5", "Constant(\"2ms\")", 0.5, 2.0),
        ("gim1_D_0.8", "Constant(\"1.25ms\")", 0.8, 3.0),
        ("gim1_E2_0.5", "Erlang(stages: 2, mean: \"2ms\")", 0.5, 2.0),
        ("gim1_E2_0.9", "Erlang(stages: 2, mean: \"1.111111111ms\")", 0.9, 14.0),
        ("gim1_H2bal_scv4_0.8", "HyperExponential(mean: \"1.25ms\", cv: 2)", 0.8, 12.0),
    ] {
        checks.extend(general_arrivals(row, arrivals, units(millions, rate)));
    }
    for (row, rate, millions) in [("mm1_sched_0.5", "500/s", 2.0), ("mm1_sched_0.9", "900/s", 8.0)] {
        checks.extend(other_disciplines(row, rate, millions));
    }
    for (row, rate, millions) in [("mg1ps_0.5", 0.5, 2.0), ("mg1ps_0.9", 0.9, 10.0)] {
        checks.extend(processor_sharing(row, rate, millions));
    }
    checks.extend(batches());
    checks
}

fn first_come_first_served(row: &str, rate: f64, millions: f64) -> Vec<Check> {
    let compiled = model("m_m_1", &[("nodes.clients.rate", &format!("\"{}/s\"", rate * 1000.0))]);
    let study = Study::run(row, &compiled, units(millions, rate));
    let mut sheet = Sheet::new(row);
    sheet.exact("rho", study.utilization("server"));
    sheet.exact("L", study.present("server"));
    sheet.exact("Lq", study.waiting("server"));
    sheet.exact("W", study.mean("clients", latency));
    sheet.exact("Wq", study.mean("server", wait));
    sheet.exact("P_wait", study.above_zero("server", wait));
    for (name, quantile) in [("T_p50", 0.5), ("T_p95", 0.95), ("T_p99", 0.99), ("T_p999", 0.999)] {
        let found = study.quantile("clients", latency, quantile);
        if quantile > 0.99 { sheet.wide(name, found) } else { sheet.exact(name, found) }
    }
    if rate > 0.5 {
        sheet.exact("Wq_p50", study.quantile("server", wait, 0.5));
    }
    sheet.exact("Wq_p95", study.quantile("server", wait, 0.95));
    sheet.exact("Wq_p99", study.quantile("server", wait, 0.99));
    sheet.checks
}

fn in_service_units() -> Vec<Check> {
    let study = Study::run("mm1_800rps_1ms", &model("m_m_1", &[]), units(6.0, 0.8));
    let mut sheet = Sheet::new("mm1_800rps_1ms");
    sheet.exact("W_ms", study.mean("clients", latency));
    for (name, quantile) in [("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)] {
        sheet.exact(name, study.quantile("clients", latency, quantile));
    }
    sheet.checks
}

fn general_arrivals(row: &str, gaps: &str, units: f64) -> Vec<Check> {
    let compiled = model("gi_m_1", &[("nodes.clients.arrivals", &format!("Renewal({gaps})"))]);
    let study = Study::run(row, &compiled, units);
    let mut sheet = Sheet::new(row);
    // An arrival finds the server busy with probability sigma.
    sheet.exact("sigma", study.above_zero("server", wait));
    sheet.exact("W", study.mean("clients", latency));
    sheet.exact("Wq", study.mean("server", wait));
    for (name, quantile) in [("T_p50", 0.5), ("T_p95", 0.95), ("T_p99", 0.99)] {
        sheet.exact(name, study.quantile("clients", latency, quantile));
    }
    sheet.checks
}

/// The mean does not depend on the order of service, as long as the order does not look at the lengths.
fn other_disciplines(row: &str, rate: &str, millions: f64) -> Vec<Check> {
    let rate_text = format!("\"{rate}\"");
    let per_unit = if rate == "500/s" { 0.5 } else { 0.9 };
    let mut checks = Vec::new();
    for (name, edits) in [
        ("m_m_1", vec![("nodes.clients.rate", rate_text.as_str())]),
        ("last_come_first_served", vec![("nodes.clients.rate", rate_text.as_str())]),
        ("processor_sharing", vec![("nodes.clients.rate", rate_text.as_str())]),
    ] {
        let study = Study::run(&format!("{row} {name}"), &model(name, &edits), units(millions, per_unit));
        let mut sheet = Sheet::new(row);
        sheet.exact("W_FCFS_LCFS_PS", study.mean("clients", latency));
        checks.extend(sheet.checks);
    }
    checks
}

fn processor_sharing(row: &str, rate: f64, millions: f64) -> Vec<Check> {
    let rate_text = format!("\"{}/s\"", rate * 1000.0);
    let mut sheet = Sheet::new(row);
    let plain =
        Study::run(row, &model("processor_sharing", &[("nodes.clients.rate", &rate_text)]), units(millions, rate));
    sheet.exact("W", plain.mean("clients", latency));
    sheet.exact("L", plain.present("server"));
    sheet.wide("MM1PS_var_T", plain.variance("clients", latency));
    // The mean does not depend on the law of service.
    for law in ["Constant(\"1ms\")", "HyperExponential(mean: \"1ms\", cv: 2)"] {
        let edits = [
            ("nodes.clients.rate", rate_text.as_str()),
            ("nodes.server.operations.request", &format!("[ Compute({law}) ]")),
        ];
        let study = Study::run(&format!("{row} {law}"), &model("processor_sharing", &edits), units(millions, rate));
        sheet.exact("W", study.mean("clients", latency));
    }
    // Every fourth request is a probe of length 2, so the others are shorter in number for the same load: with requests
    // at rate r the load is r (0.75 + 0.25 * 2).
    let rate_with_probes = format!("\"{}/s\"", rate * 1000.0 / 1.25);
    let edits = [
        ("nodes.clients.rate", rate_with_probes.as_str()),
        ("nodes.clients.mix", "{ \"server.request\": 3, \"server.probe\": 1 }"),
    ];
    let study = Study::run(&format!("{row} probes"), &model("processor_sharing", &edits), units(millions, rate / 1.25));
    sheet.exact("T_given_x2", study.mean("clients", second_latency));
    sheet.checks
}

fn batches() -> Vec<Check> {
    let study = Study::run("batch_fixed4", &model("batch", &[]), units(10.0, 0.8));
    let mut sheet = Sheet::new("batch_fixed4");
    sheet.exact("rho", study.utilization("server"));
    sheet.exact("L", study.present("server"));
    sheet.exact("W", study.mean("clients", latency));
    let edits = [("nodes.clients.batch", "1"), ("nodes.clients.rate", "\"800/s\"")];
    let single = Study::run("batch_fixed4 single", &model("batch", &edits), units(6.0, 0.8));
    sheet.exact("W_no_batch", single.mean("clients", latency));
    sheet.checks
}
