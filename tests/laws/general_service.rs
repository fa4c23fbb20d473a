//! One server with any law of service (Pollaczek and Khinchine), and the approximations for G/G/c.

use crate::study::{Study, latency, model, units, wait};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for (row, rate, millions) in [
        ("mg1_deterministic_0.5", 0.5, 2.0),
        ("mg1_deterministic_0.8", 0.8, 4.0),
        ("mg1_erlang4_0.5", 0.5, 2.0),
        ("mg1_erlang4_0.9", 0.9, 8.0),
        ("mg1_exponential_0.5", 0.5, 4.0),
        ("mg1_exponential_0.8", 0.8, 6.0),
        ("mg1_exponential_0.9", 0.9, 10.0),
        ("mg1_lognormal_scv4_0.8", 0.8, 10.0),
        ("mg1_lognormal_scv1_0.8", 0.8, 6.0),
        ("mg1_lognormal_scv1_0.9", 0.9, 10.0),
        ("mg1_h2_balanced_scv4_0.5", 0.5, 10.0),
        ("mg1_h2_balanced_scv4_0.9", 0.9, 20.0),
        ("mg1_pareto_alpha3.5_0.5", 0.5, 4.0),
        ("mg1_pareto_alpha3.5_0.8", 0.8, 8.0),
        ("mg1_bimodal_90pct_0.5_10pct_5.5_0.8", 0.8, 10.0),
    ] {
        checks.extend(pollaczek_khinchine(row, rate, millions));
    }
    checks.extend(waiting_times_of_m_d_1("md1_0.5", 0.5, 3.0));
    checks.extend(waiting_times_of_m_d_1("md1_0.8", 0.8, 6.0));
    checks.extend(hits_and_misses());
    checks.extend(approximations());
    checks
}

fn law(row: &str) -> &'static str {
    let laws = [
        ("mg1_deterministic", "Constant(\"1ms\")"),
        ("mg1_erlang4", "Erlang(stages: 4, mean: \"1ms\")"),
        ("mg1_exponential", "Exponential(\"1ms\")"),
        ("mg1_lognormal_scv4", "LogNormal(mean: \"1ms\", cv: 2)"),
        ("mg1_lognormal_scv1", "LogNormal(mean: \"1ms\", cv: 1)"),
        ("mg1_h2_balanced_scv4", "HyperExponential(mean: \"1ms\", cv: 2)"),
        // Cutting the tail at a million means changes the second moment by less than 1e-9.
        ("mg1_pareto", "BoundedPareto(minimum: \"714286ns\", maximum: \"1000s\", shape: 3.5)"),
        ("mg1_bimodal", "Mixture([(0.9, Constant(\"0.5ms\")), (0.1, Constant(\"5.5ms\"))])"),
    ];
    laws.iter().find(|(prefix, _)| row.starts_with(prefix)).expect("a law for each row").1
}

fn pollaczek_khinchine(row: &str, rate: f64, millions: f64) -> Vec<Check> {
    let edits = [
        ("nodes.clients.rate", format!("\"{}/s\"", rate * 1000.0)),
        ("nodes.server.operations.request", format!("[ Compute({}) ]", law(row))),
    ];
    let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (*path, value.as_str())).collect();
    let study = Study::run(row, &model("m_g_1", &edits), units(millions, rate));
    let mut sheet = Sheet::new(row);
    sheet.exact("Wq", study.mean("server", wait));
    sheet.exact("W", study.mean("clients", latency));
    sheet.exact("L", study.present("server"));
    // The variance of the wait is a fourth moment's business, and much harder to measure than its mean.
    if !row.starts_with("mg1_pareto") {
        sheet.wide("Var_Wq", study.variance("server", wait));
    }
    sheet.checks
}

fn waiting_times_of_m_d_1(row: &str, rate: f64, millions: f64) -> Vec<Check> {
    let rate_text = format!("\"{}/s\"", rate * 1000.0);
    let edits = [
        ("nodes.clients.rate", rate_text.as_str()),
        ("nodes.server.operations.request", "[ Compute(Constant(\"1ms\")) ]"),
    ];
    let study = Study::run(row, &model("m_g_1", &edits), units(millions, rate));
    let mut sheet = Sheet::new(row);
    sheet.exact("Wq", study.mean("server", wait));
    sheet.exact("W", study.mean("clients", latency));
    let waits = study.above_zero("server", wait);
    sheet.exact("P_no_wait", crate::study::Measured { value: 1.0 - waits.value, ..waits });
    if rate > 0.5 {
        sheet.exact("Wq_p50", study.quantile("server", wait, 0.5));
    }
    sheet.exact("Wq_p95", study.quantile("server", wait, 0.95));
    sheet.exact("Wq_p99", study.quantile("server", wait, 0.99));
    sheet.exact("T_p99", study.quantile("clients", latency, 0.99));
    sheet.checks
}

fn hits_and_misses() -> Vec<Check> {
    let study = Study::run("cache_mixture_mg1", &model("cache_mixture", &[]), units(8.0, 1.0));
    let mut sheet = Sheet::new("cache_mixture_mg1");
    sheet.exact("rho", study.utilization("server"));
    sheet.exact("Wq", study.mean("server", wait));
    sheet.exact("W", study.mean("clients", latency));
    sheet.checks
}

/// Formulas that are good for sanity bands only.
fn approximations() -> Vec<Check> {
    let hyper = "HyperExponential(mean: \"1ms\", cv: 2)";
    let mut checks = Vec::new();
    for (row, gaps, law, servers, rate) in [
        ("ggc_1_0.8_1_4", "Exponential(\"1.25ms\")", hyper, "1", 0.8),
        (
            "ggc_1_0.9_4_0.25",
            "HyperExponential(mean: \"1.111111111ms\", cv: 2)",
            "Erlang(stages: 4, mean: \"1ms\")",
            "1",
            0.9,
        ),
        ("ggc_4_3.2_1_4", "Exponential(\"0.3125ms\")", hyper, "4", 3.2),
    ] {
        let edits = [
            ("nodes.clients.arrivals", format!("Renewal({gaps})")),
            ("nodes.server.cpu", servers.to_owned()),
            ("nodes.server.workers", servers.to_owned()),
            ("nodes.server.operations.request", format!("[ Compute({law}) ]")),
        ];
        let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (*path, value.as_str())).collect();
        let study = Study::run(row, &model("gi_m_1", &edits), units(6.0, rate));
        let found = study.mean("server", wait);
        let mut sheet = Sheet::new(row);
        sheet.band("Allen_Cunneen_Wq", found, 0.2);
        sheet.band("Sakasegawa_Wq", found, 0.2);
        if servers == "1" {
            sheet.band("Kingman_approx_Wq", found, 0.2);
            sheet.below("Kingman_upper_bound_Wq", found);
        }
        checks.extend(sheet.checks);
    }
    checks
}
