//! Levels of a model over time, and how many seconds pass until they change.

use crate::run::prepare;
use forescale::engine::record::NodeRecord;
use forescale::engine::simulation::Limits;
use forescale::random::Seed;

/// An architecture of nodes and controllers.
pub fn controlled(nodes: &str, controllers: &str) -> String {
    format!("Architecture(name: \"test\", nodes: {{ {nodes} }}, controllers: {{ {controllers} }})")
}

/// What a run did, second by second.
pub struct Course {
    pub fingerprint: u64,
    names: Vec<String>,
    /// By second and node.
    records: Vec<Vec<NodeRecord>>,
}

/// Runs a model for so many seconds, and audits it.
pub fn course(text: &str, edits: &[(&str, &str)], seconds: u64) -> Course {
    let compiled = prepare(text, edits);
    let mut simulation = compiled.simulation(Seed::new(20_260_101, 0), Limits::default());
    let mut records = Vec::new();
    for second in 1..=seconds {
        simulation.run_until(second * 1_000_000_000).expect("the run reaches its end");
        records.push(simulation.take_record().nodes);
    }
    simulation.audit().expect("the counts obey the laws");
    let names = compiled.descriptions.iter().map(|node| node.name.clone()).collect();
    Course { fingerprint: simulation.fingerprint(), names, records }
}

impl Course {
    fn index(&self, node: &str) -> usize {
        self.names.iter().position(|name| name == node).expect("a node of the model")
    }

    fn share(record: &NodeRecord, name: &str) -> (f64, f64) {
        let share = record.shares.iter().find(|share| share.name == name).expect("the share is there");
        (share.numerator as f64, share.denominator as f64)
    }

    /// A share over the whole run.
    pub fn mean(&self, node: &str, name: &str) -> f64 {
        let index = self.index(node);
        let sums = self.records.iter().map(|nodes| Self::share(&nodes[index], name));
        let (numerator, denominator) = sums.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        numerator / denominator
    }

    /// The level of a share in each second.
    pub fn levels(&self, node: &str, name: &str) -> Vec<f64> {
        let index = self.index(node);
        let level = |nodes: &Vec<NodeRecord>| Self::share(&nodes[index], name);
        self.records.iter().map(level).map(|(numerator, denominator)| numerator / denominator).collect()
    }

    /// The replicas that a service is to have, in each second.
    pub fn desired(&self, node: &str) -> Vec<f64> {
        self.levels(node, "desired_replicas")
    }

    /// Requests answered and failed.
    pub fn answered(&self, node: &str) -> (u64, u64) {
        let index = self.index(node);
        let counts = self.records.iter().map(|nodes| &nodes[index].counters);
        counts.fold((0, 0), |sum, counters| (sum.0 + counters.completed, sum.1 + counters.failed))
    }

    /// Seconds that requests spent at a node, all together.
    pub fn in_system_s(&self, node: &str) -> f64 {
        let index = self.index(node);
        self.records.iter().map(|nodes| nodes[index].counters.in_system_ns as f64 * 1e-9).sum()
    }

    /// The first second, not before `from`, in which something arrives at a node.
    pub fn arrival_s(&self, node: &str, from: usize) -> usize {
        let index = self.index(node);
        let arrives = |nodes: &Vec<NodeRecord>| nodes[index].counters.arrivals > 0;
        from + self.records[from..].iter().position(arrives).expect("something arrives")
    }

    /// The last second in which a node answers something.
    pub fn last_answer_s(&self, node: &str) -> usize {
        let index = self.index(node);
        let answers = |nodes: &Vec<NodeRecord>| nodes[index].counters.completed > 0;
        self.records.iter().rposition(answers).expect("something is answered")
    }
}

/// The first second, not before `from`, in which a level holds.
pub fn when(levels: &[f64], from: usize, holds: impl Fn(f64) -> bool) -> usize {
    from + levels[from..].iter().position(|level| holds(*level)).expect("the level is reached")
}

/// A model's number under two settings: the second is larger by this factor at least.
pub fn assert_moves(text: &str, low: (&str, &str), high: (&str, &str), factor: f64, measure: impl Fn(&Course) -> f64) {
    assert_moves_within(text, low, high, factor, 1_800, measure);
}

/// As [`assert_moves`], over so many seconds.
pub fn assert_moves_within(
    text: &str,
    low: (&str, &str),
    high: (&str, &str),
    factor: f64,
    seconds: u64,
    measure: impl Fn(&Course) -> f64,
) {
    let [least, most] = [low, high].map(|edit| measure(&course(text, &[edit], seconds)));
    assert!(most > least * factor, "{low:?} gives {least}, {high:?} gives {most}");
}
