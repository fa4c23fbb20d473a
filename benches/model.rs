//! The same workloads as models, run by the engine with everything it always does: per-node statistics, keyed draws, audit.

use forescale::diagnostic::{Diagnostics, Document};
use forescale::engine::simulation::Limits;
use forescale::model::{Compiled, Edit, Model, compile, patch, read};
use forescale::random::Seed;

use crate::reference::Outcome;

/// Prepares a run of `models/bench/NAME.ron`, edited, over this many simulated seconds.
pub fn prepare(name: &str, edits: &[(&str, &str)], seconds: f64) -> Box<dyn FnMut() -> Outcome> {
    let compiled = load(&format!("models/bench/{name}.ron"), edits);
    Box::new(move || run(&compiled, seconds))
}

/// Reads a model of this repository; a mistake in one is a mistake of ours.
pub fn load(path: &str, edits: &[(&str, &str)]) -> Compiled {
    let text = std::fs::read_to_string(path).expect("the benchmark runs at the root of the repository");
    let edits: Vec<Edit> = edits
        .iter()
        .map(|(path, value)| Edit::from_argument("--set", &format!("{path}={value}")).expect("a path and a value"))
        .collect();
    let document = patch(&Document::new(path, text), &edits).expect("the edited path exists");
    let mut diagnostics = Diagnostics::new();
    let model: Model = read(&document, &mut diagnostics).expect("a model without mistakes");
    compile(&model, &document, ".".as_ref()).expect("a model that compiles")
}

/// One run.
pub fn run(compiled: &Compiled, seconds: f64) -> Outcome {
    let mut simulation = compiled.simulation(Seed::new(1, 0), Limits::default());
    simulation.run_until((seconds * 1e9) as u64).expect("the run reaches its end");
    let record = simulation.take_record();
    for node in simulation.nodes() {
        node.audit(simulation.now_ns()).expect("the counts obey the laws");
    }
    let clients = &record.nodes[0].operations[0];
    let watched = &record.nodes[record.nodes.len().min(3) - 1].counters;
    Outcome {
        requests: clients.completed,
        mean_latency_s: clients.latency.mean_ns().unwrap_or(0.0) * 1e-9,
        p50_latency_s: clients.latency.quantile_ns(0.5).unwrap_or(0.0) * 1e-9,
        p99_latency_s: clients.latency.quantile_ns(0.99).unwrap_or(0.0) * 1e-9,
        busy_fraction: watched.busy_ns as f64 / watched.capacity_ns as f64,
    }
}
