//! What befalls services from outside, and how they come back.

use forescale::engine::Node;
use forescale::engine::control::{NodeSample, Phase};
use forescale::engine::simulation::{Limits, Simulation};
use forescale::model::Compiled;
use forescale::random::Seed;
use forescale::techniques::AnyNode;

use crate::run::{prepare, run};

/// A run that can be looked at on its way.
struct Watch {
    compiled: Compiled,
    simulation: Simulation<AnyNode>,
}

impl Watch {
    fn new(text: &str) -> Self {
        let compiled = prepare(text, &[]);
        let simulation = compiled.simulation(Seed::new(7, 0), Limits::default());
        Self { compiled, simulation }
    }

    /// The server's replicas after so many seconds.
    fn at(&mut self, seconds: f64) -> NodeSample {
        self.simulation.run_until((seconds * 1e9) as u64).expect("the run reaches its end");
        self.simulation.audit().expect("the counts obey the laws");
        let index = self.compiled.descriptions.iter().position(|one| one.name == "server").expect("a node");
        let mut sample = NodeSample::default();
        self.simulation.nodes()[index].sample(self.simulation.now_ns(), &mut sample);
        sample
    }

    /// The places of replicas that are ready.
    fn ready(&mut self, seconds: f64) -> Vec<u16> {
        let sample = self.at(seconds);
        let is_ready = |replica: &&forescale::engine::control::ReplicaSample| replica.phase == Phase::Ready;
        sample.replicas.iter().filter(is_ready).map(|replica| replica.id.place).collect()
    }
}

/// Six replicas in three zones, which take two seconds to start.
fn model(server: &str, controllers: &str) -> String {
    format!(
        r#"Architecture(name: "test", nodes: {{
            "clients": Clients(rate: "100/s", mix: {{ "server.request": 1 }}),
            "server": Service(replicas: 6, zones: 3, startup: Constant("2s"), {server}
                operations: {{ "request": [ Compute(Constant("10ms")) ] }}),
        }}, controllers: {{ {controllers} }})"#
    )
}

#[test]
fn a_lost_replica_starts_again_elsewhere() {
    let fault = r#""outage": Fault(target: "server", at: "5s", duration: "3s", what: Lose(replicas: [1, 4]))"#;
    let mut watch = Watch::new(&model("", fault));
    assert_eq!(watch.ready(4.9), [0, 1, 2, 3, 4, 5]);
    assert_eq!(watch.ready(5.5), [0, 2, 3, 5]);
    // Their places are lost for another second.
    assert_eq!(watch.ready(7.5), [0, 2, 3, 5, 6, 7]);
    assert_eq!(watch.ready(60.0), [0, 2, 3, 5, 6, 7]);
}

#[test]
fn what_a_lost_zone_held_starts_in_the_zones_that_are_left() {
    let fault = r#""outage": Fault(target: "server", at: "5s", duration: "10s", what: LoseZone(1))"#;
    let mut watch = Watch::new(&model("", fault));
    assert_eq!(watch.ready(5.5), [0, 2, 3, 5]);
    let ready = watch.ready(8.0);
    assert_eq!(ready, [0, 2, 3, 5, 6, 8]);
    assert!(ready.iter().all(|place| place % 3 != 1));
}

#[test]
fn nothing_starts_while_every_zone_is_lost() {
    let faults = r#""a": Fault(target: "server", at: "5s", duration: "3s", what: LoseZone(0)),
        "b": Fault(target: "server", at: "5s", duration: "10s", what: LoseZone(1)),
        "c": Fault(target: "server", at: "5s", duration: "10s", what: LoseZone(2)),"#;
    let text = model("", faults);
    let mut watch = Watch::new(&text);
    assert!(watch.ready(7.5).is_empty());
    assert!(watch.ready(9.9).is_empty());
    // Two seconds after the first zone is back.
    assert_eq!(watch.ready(10.1).len(), 6);
    let failed = run(&prepare(&text, &[]), 30.0).node("clients").counters.failed;
    // Five seconds at 100/s.
    assert!((450..=550).contains(&failed), "{failed}");
}

#[test]
fn slow_replicas_take_as_many_times_as_long_as_is_written() {
    let fault = |duration: &str, replicas: &str| {
        format!(r#""slow": Fault(target: "server", at: "0s", {duration} what: Slow(replicas: {replicas}, factor: 7))"#)
    };
    let mean = |controllers: &str| run(&prepare(&model("cpu: 64,", controllers), &[]), 40.0).latency_s("clients");
    assert!((mean(&fault("", "[0, 1, 2, 3, 4, 5]")) - 0.07).abs() < 1e-4);
    // Requests go round all six.
    assert!((mean(&fault("", "[2]")) - 0.02).abs() < 2e-4);
    assert!((mean(&fault("duration: \"20s\",", "[2]")) - 0.015).abs() < 2e-4);
    // Two faults of one replica multiply.
    let twice = format!("{}, {}", fault("", "[2]"), fault("", "[2]").replace("\"slow\"", "\"slower\""));
    assert!((mean(&twice) - (0.05 + 0.49) / 6.0).abs() < 1e-3);
}

#[test]
fn faults_are_told_when_they_begin_and_end() {
    let fault = r#""outage": Fault(target: "server", at: "5s", duration: "3s", what: LoseZone(0))"#;
    let run = run(&prepare(&model("", fault), &[]), 20.0);
    let told: Vec<_> = run.node("outage").happenings.iter().map(|one| (one.time_ns, one.what)).collect();
    assert_eq!(told, [(5_000_000_000, "zone lost"), (8_000_000_000, "over")]);
}
