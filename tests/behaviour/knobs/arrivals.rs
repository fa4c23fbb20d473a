//! Every arrival process at work. All are compared with Poisson arrivals of the same base rate.

use super::{Knob, knob, served};
use crate::run::Run;

fn model() -> String {
    served("rate: \"500/s\"", "workers: 1, operations: { \"request\": [ Compute(Exponential(\"1ms\")) ] }", "", "", "")
}

fn latency(run: &Run) -> f64 {
    run.latency_s("clients")
}

fn sent(run: &Run) -> f64 {
    run.arrivals("clients")
}

/// A model whose arrivals set their rate themselves.
fn without_rate(arrivals: &str) -> String {
    model().replace("rate: \"500/s\"", &format!("arrivals: {arrivals}"))
}

pub fn knobs() -> Vec<Knob> {
    vec![
        knob(
            &["Arrivals.Poisson", "Arrivals.Constant"],
            model(),
            &[("nodes.clients.arrivals", "Constant")],
            &[("nodes.clients.arrivals", "Poisson")],
            latency,
        ),
        knob(
            &["Arrivals.Renewal"],
            without_rate("Renewal(Exponential(\"2ms\"))"),
            &[],
            &[("nodes.clients.arrivals", "Renewal(HyperExponential(mean: \"2ms\", cv: 3))")],
            latency,
        ),
        knob(
            &["Arrivals.Stages"],
            without_rate("Stages(start_rate: \"100/s\", stages: [(duration: \"10s\", target: \"200/s\")])"),
            &[],
            &[(
                "nodes.clients.arrivals",
                "Stages(start_rate: \"100/s\", stages: [(duration: \"10s\", target: \"400/s\")])",
            )],
            sent,
        ),
        knob(
            &["Arrivals.Diurnal"],
            model(),
            &[("nodes.clients.arrivals", "Diurnal(amplitude: \"0%\", period: \"5s\")")],
            &[("nodes.clients.arrivals", "Diurnal(amplitude: \"80%\", period: \"5s\")")],
            latency,
        ),
        knob(
            &["Arrivals.Spike"],
            model(),
            &[],
            &[("nodes.clients.arrivals", "Spike(factor: 3, start: \"5s\", duration: \"4s\")")],
            sent,
        ),
        knob(
            &["Arrivals.Mmpp"],
            model(),
            &[],
            &[(
                "nodes.clients.arrivals",
                "Mmpp(states: [(factor: 0.2, mean_duration: \"100ms\"), (factor: 1.8, mean_duration: \"100ms\")])",
            )],
            latency,
        ),
        // The file counts 10 requests a second; `rate` scales it.
        knob(
            &["Arrivals.Trace"],
            model().replace("rate: \"500/s\"", "arrivals: Trace(file: \"tests/data/trace.csv\")"),
            &[],
            &[("nodes.clients.rate", "\"20/s\"")],
            sent,
        ),
    ]
}
