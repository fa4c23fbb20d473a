//! Short runs of small models written in the tests themselves.

use forescale::diagnostic::{Diagnostics, Document};
use forescale::engine::record::{NodeRecord, Record};
use forescale::engine::simulation::Limits;
use forescale::model::{Compiled, Edit, Model, compile, patch, read};
use forescale::random::Seed;

/// Compiles a model from text, after edits by path.
pub fn prepare(text: &str, edits: &[(&str, &str)]) -> Compiled {
    let edits: Vec<Edit> = edits
        .iter()
        .map(|(path, value)| Edit::from_argument("--set", &format!("{path}={value}")).expect("a path and a value"))
        .collect();
    let document = patch(&Document::new("test.ron", text), &edits).unwrap_or_else(|found| panic!("{found:?}\n{text}"));
    let mut diagnostics = Diagnostics::new();
    let read: Option<Model> = read(&document, &mut diagnostics);
    let model = read.unwrap_or_else(|| panic!("{diagnostics:?}\n{}", document.text()));
    compile(&model, &document, ".".as_ref()).unwrap_or_else(|found| panic!("{found:?}"))
}

/// Wraps nodes, links and keys into an architecture.
pub fn architecture(keys: &str, nodes: &str, links: &str) -> String {
    format!("Architecture(name: \"test\", keys: {{ {keys} }}, nodes: {{ {nodes} }}, links: {{ {links} }})")
}

/// What one run left behind.
pub struct Run {
    compiled: Compiled,
    pub record: Record,
    pub fingerprint: u64,
}

/// Runs a compiled model from empty for this many seconds, and audits all nodes.
pub fn run(compiled: &Compiled, seconds: f64) -> Run {
    run_replication(compiled, seconds, 0)
}

/// As [`run`], for a replication of this number.
pub fn run_replication(compiled: &Compiled, seconds: f64, replication: u64) -> Run {
    let mut simulation = compiled.simulation(Seed::new(20_260_101, replication), Limits::default());
    simulation.run_until((seconds * 1e9) as u64).expect("the run reaches its end");
    simulation.audit().expect("the counts obey the laws");
    let record = simulation.take_record();
    Run { compiled: compiled.clone(), record, fingerprint: simulation.fingerprint() }
}

impl Run {
    pub fn node(&self, name: &str) -> &NodeRecord {
        let index = self.compiled.descriptions.iter().position(|node| node.name == name).expect("a node of the model");
        &self.record.nodes[index]
    }

    /// Everything that was recorded of a node, to the last count.
    pub fn digest(&self, name: &str) -> String {
        format!("{:?}", self.node(name))
    }

    /// Mean time in system of the clients' first operation, in seconds.
    pub fn latency_s(&self, clients: &str) -> f64 {
        self.node(clients).operations[0].latency.mean_ns().expect("completed requests") * 1e-9
    }

    /// A quantile of the same.
    pub fn latency_quantile_s(&self, clients: &str, quantile: f64) -> f64 {
        self.node(clients).operations[0].latency.quantile_ns(quantile).expect("completed requests") * 1e-9
    }

    /// Mean wait at a node, in seconds.
    pub fn wait_s(&self, node: &str) -> f64 {
        self.node(node).wait.mean_ns().expect("served requests") * 1e-9
    }

    pub fn failed_ratio(&self, node: &str) -> f64 {
        let counters = &self.node(node).counters;
        counters.failed as f64 / (counters.failed + counters.completed) as f64
    }

    pub fn arrivals(&self, node: &str) -> f64 {
        self.node(node).counters.arrivals as f64
    }

    pub fn share(&self, node: &str, name: &str) -> f64 {
        let share = self.node(node).shares.iter().find(|share| share.name == name).expect("the share is there");
        share.numerator as f64 / share.denominator as f64
    }

    /// Dollars for an hour of replicas, a request, and a byte, added up: enough to see whether a price is known.
    pub fn prices(&self, name: &str) -> f64 {
        let node = self.compiled.descriptions.iter().find(|node| node.name == name).expect("a node of the model");
        node.prices.usd_per_replica_hour + node.prices.usd_per_request + node.prices.usd_per_byte
    }
}
