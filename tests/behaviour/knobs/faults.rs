//! Parameters of faults, on a service that has to stand them.

use super::{Knob, knob};
use crate::run::Run;

/// Two services, of which one may be disturbed; replicas take long to start.
fn disturbed(fault: &str) -> String {
    let nodes = r#""clients": Clients(rate: "150/s", mix: { "server.request": 1, "other.request": 1 }),
        "server": Service(replicas: 3, zones: 3, workers: 4, startup: Constant("8s"), operations: { "request": [ Compute(Exponential("10ms")) ] }),
        "other": Service(replicas: 3, zones: 3, workers: 4, startup: Constant("8s"), operations: { "request": [ Compute(Exponential("10ms")) ] }),"#;
    format!("Architecture(name: \"test\", nodes: {{ {nodes} }}, controllers: {{ \"fault\": {fault} }})")
}

fn ready(run: &Run) -> f64 {
    run.share("server", "ready_replicas")
}

fn unready(run: &Run) -> f64 {
    3.05 - ready(run)
}

fn busy(run: &Run) -> f64 {
    run.node("server").counters.busy_ns as f64
}

pub fn knobs() -> Vec<Knob> {
    let slow = r#"Fault(target: "server", at: "5s", duration: "1s", what: Slow(replicas: [0, 1, 2], factor: 2))"#;
    let lost = r#"Fault(target: "server", at: "5s", what: Lose(replicas: [0]))"#;
    vec![
        knob(
            &["fault.target"],
            disturbed(slow),
            &[("controllers.fault.target", "\"other\""), ("controllers.fault.duration", "\"10s\"")],
            &[("controllers.fault.duration", "\"10s\"")],
            busy,
        ),
        // What is lost near the end is lost for a shorter time.
        knob(&["fault.at"], disturbed(lost), &[("controllers.fault.at", "\"18s\"")], &[], unready),
        knob(&["fault.duration"], disturbed(slow), &[], &[("controllers.fault.duration", "\"10s\"")], busy),
        knob(
            &["fault.what", "What.Lose"],
            disturbed(lost),
            &[],
            &[("controllers.fault.what", "Lose(replicas: [0, 1, 2])")],
            unready,
        ),
        knob(
            &["What.LoseZone"],
            disturbed(lost).replace("zones: 3", "zones: 1"),
            &[],
            &[("controllers.fault.what", "LoseZone(0)")],
            unready,
        ),
        knob(&["What.Slow"], disturbed(slow), &[], &[("controllers.fault.what.factor", "30")], busy),
    ]
}
