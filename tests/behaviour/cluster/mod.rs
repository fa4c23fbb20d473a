//! Machines beneath replicas: what waits for what, what is paid, and that every parameter of the controller does something.

mod growing;
mod knobs;
mod shrinking;

use forescale::engine::record::Record;
use forescale::engine::simulation::Limits;
use forescale::model::Compiled;
use forescale::random::Seed;

use crate::run::Run;

const SECOND_NS: u128 = 1_000_000_000;
const HOUR_S: f64 = 3_600.0;

/// Machines for four replicas of one core, which take a minute to come.
const GENERAL: &str = "\"general\": NodeGroup(cpu: 4, memory: \"16GiB\", price: \"$0.2/h\", max_nodes: 20, \
                       provisioning: Constant(\"60s\"))";
/// The steps of a surge: a minute for a machine, these for the image, and `STARTUP_S` for the replica.
const PULL: &str = "image_pull: Constant(\"10s\")";
const PULL_S: usize = 10;
const STARTUP_S: usize = 20;
const MACHINE_S: usize = 60;
const SCAN_S: usize = 10;

/// A service whose replicas come and go by the clock, on machines of these groups.
fn model(replicas: u32, service: &str, actions: &str, groups: &str, options: &str) -> String {
    let schedule = match actions {
        "" => String::new(),
        actions => format!("\"clock\": Scheduled(target: \"web\", actions: [ {actions} ]),"),
    };
    format!(
        "Architecture(name: \"test\", nodes: {{
            \"users\": Clients(rate: \"1/s\", mix: {{ \"web.get\": 1 }}),
            \"web\": Service(replicas: {replicas}, cpu: 1, startup: Constant(\"20s\"), {service}
                operations: {{ \"get\": [ Compute(Constant(\"10ms\")) ] }}),
        }}, controllers: {{ {schedule}
            \"cluster\": ClusterAutoscaler(targets: [\"web\"], node_groups: {{ {groups} }}, {options}),
        }})"
    )
}

/// Four replicas on one machine, and eight between these seconds.
fn surge(from_s: u32, until_s: u32, groups: &str, options: &str) -> String {
    let actions = format!("(at: \"{from_s}s\", replicas: 8), (at: \"{until_s}s\", replicas: 4)");
    model(4, "", &actions, groups, options)
}

/// A run in windows of a second.
struct Course {
    names: Vec<String>,
    seconds: Vec<Record>,
}

fn follow(compiled: &Compiled, seconds: u64) -> Course {
    let mut simulation = compiled.simulation(Seed::new(20_260_101, 0), Limits::default());
    let windows = (1..=seconds).map(|second| {
        simulation.run_until(second * SECOND_NS as u64).expect("the run goes on");
        simulation.audit().expect("the counts obey the laws");
        simulation.take_record()
    });
    Course { seconds: windows.collect(), names: compiled.descriptions.iter().map(|node| node.name.clone()).collect() }
}

impl Course {
    /// The average of a level in each second.
    fn level(&self, node: &str, name: &str) -> Vec<f64> {
        let index = self.names.iter().position(|known| known == node).expect("a node of the model");
        let of = |record: &Record| {
            let shares = &record.nodes[index].shares;
            let share = shares.iter().find(|share| share.name == name).expect("the share is there");
            share.numerator as f64 / share.denominator as f64
        };
        self.seconds.iter().map(of).collect()
    }

    /// The first second throughout which a level was this.
    fn first(&self, node: &str, name: &str, level: f64) -> usize {
        self.level(node, name).iter().position(|found| *found == level).expect("it is reached")
    }
}

/// Machine seconds that were paid.
fn machine_s(run: &Run) -> f64 {
    let of = |name: &str| {
        let share = run.node("cluster").shares.iter().find(|share| share.name == name).expect("the share is there");
        share.numerator as f64 * 1e-9
    };
    of("starting_nodes") + of("ready_nodes")
}

fn cost_usd(run: &Run) -> f64 {
    run.node("cluster").counters.charged_ns as f64 * 1e-15 / HOUR_S
}
