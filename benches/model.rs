//! The same workloads as models, run by the engine with everything it always does: per-node statistics, keyed draws, audit.

use std::fmt::Write;

use forescale::diagnostic::{Diagnostics, Document};
use forescale::engine::record::OperationRecord;
use forescale::engine::simulation::Limits;
use forescale::model::{Compiled, Edit, Model, compile, patch, read};
use forescale::random::Seed;

use crate::reference::Outcome;

/// Prepares a run of `models/bench/NAME.ron`, edited, over this many simulated seconds.
pub fn prepare(name: &str, edits: &[(&str, &str)], seconds: f64) -> Box<dyn FnMut() -> Outcome> {
    let compiled = load(&format!("models/bench/{name}.ron"), edits);
    Box::new(move || run(&compiled, seconds))
}

/// Operations that one mix may have.
const MIX: usize = 250;

/// Prepares a run over many M/M/1 services, each request for one of them at random.
///
/// However many there are, requests come at the same total rate and eight of them are served at a time, so that neither
/// the calendar nor the visits grow: what is left is the cost of touching one node among many.
pub fn prepare_services(services: usize, requests: u64) -> Box<dyn FnMut() -> Outcome> {
    const REQUESTS_PER_SECOND: f64 = 8_000.0;
    let mut text = String::from("Architecture(name: \"services\", nodes: {\n");
    for first in (0..services).step_by(MIX) {
        let count = MIX.min(services - first);
        let rate = REQUESTS_PER_SECOND * count as f64 / services as f64;
        let mix: String = (first..first + count).map(|index| format!("\"s{index}.r\": 1,")).collect();
        let _ = writeln!(text, "\"c{first}\": Clients(rate: \"{rate}/s\", mix: {{ {mix} }}),");
    }
    for index in 0..services {
        let operations = "{ \"r\": [ Compute(Exponential(\"1ms\")) ] }";
        let _ = writeln!(text, "\"s{index}\": Service(workers: 1, operations: {operations}),");
    }
    text.push_str("})\n");
    let compiled = compiled(&Document::new("services", text));
    Box::new(move || run(&compiled, requests as f64 / REQUESTS_PER_SECOND))
}

/// Reads a model of this repository; a mistake in one is a mistake of ours.
pub fn load(path: &str, edits: &[(&str, &str)]) -> Compiled {
    let text = std::fs::read_to_string(path).expect("the benchmark runs at the root of the repository");
    let edits: Vec<Edit> = edits
        .iter()
        .map(|(path, value)| Edit::from_argument("--set", &format!("{path}={value}")).expect("a path and a value"))
        .collect();
    let document = patch(&Document::new(path, text), &edits).expect("the edited path exists");
    compiled(&document)
}

fn compiled(document: &Document) -> Compiled {
    let mut diagnostics = Diagnostics::new();
    let model: Model = read(document, &mut diagnostics).expect("a model without mistakes");
    compile(&model, document, ".".as_ref()).expect("a model that compiles")
}

/// One run.
pub fn run(compiled: &Compiled, seconds: f64) -> Outcome {
    let mut simulation = compiled.simulation(Seed::new(1, 0), Limits::default());
    simulation.run_until((seconds * 1e9) as u64).expect("the run reaches its end");
    let record = simulation.take_record();
    simulation.audit().expect("the counts obey the laws");
    let mut clients = OperationRecord::default();
    for operation in record.nodes.iter().flat_map(|node| &node.operations) {
        clients.completed += operation.completed;
        clients.latency.merge(&operation.latency);
    }
    let watched = &record.nodes[record.nodes.len().min(3) - 1].counters;
    Outcome {
        requests: clients.completed,
        mean_latency_s: clients.latency.mean_ns().unwrap_or(0.0) * 1e-9,
        p50_latency_s: clients.latency.quantile_ns(0.5).unwrap_or(0.0) * 1e-9,
        p99_latency_s: clients.latency.quantile_ns(0.99).unwrap_or(0.0) * 1e-9,
        busy_fraction: watched.busy_ns as f64 / watched.capacity_ns as f64,
    }
}
