//! Parameters of the life of replicas. A service has such a life if it has memory, a warm-up, or a controller.

use super::{Knob, knob};
use crate::run::Run;

/// A service of two replicas that gets two more after five seconds, and is back at two after ten.
fn scaled(server: &str) -> String {
    let nodes = format!(
        r#""clients": Clients(rate: "150/s", mix: {{ "server.request": 1 }}),
           "server": Service(replicas: 2, workers: 4, price: "$1/h", {server}
               operations: {{ "request": [ Compute(Exponential("10ms")) ] }}),"#
    );
    let controllers = r#""clock": Scheduled(target: "server", period: "1h",
        actions: [(at: "5s", replicas: 4), (at: "10s", replicas: 2), (at: "59m", replicas: 2)])"#;
    format!("Architecture(name: \"test\", nodes: {{ {nodes} }}, controllers: {{ {controllers} }})")
}

/// A service whose replicas follow their CPU every second.
fn autoscaled() -> String {
    let nodes = r#""clients": Clients(rate: "150/s", mix: { "server.request": 1 }),
        "server": Service(replicas: 2, workers: 4, operations: { "request": [ Compute(Exponential("10ms")) ] }),"#;
    let controllers = r#""autoscaler": HorizontalPodAutoscaler(target: "server", min_replicas: 2, max_replicas: 20,
        sync_period: "1s", metric_resolution: "1s", cpu_initialization_period: "0s")"#;
    format!("Architecture(name: \"test\", nodes: {{ {nodes} }}, controllers: {{ {controllers} }})")
}

const MEMORY: &[(&str, &str)] =
    &[("nodes.server.memory", "Memory(limit: \"60MiB\", base: \"40MiB\", per_request: \"1MiB\")")];
const LEAK: &[(&str, &str)] =
    &[("nodes.server.memory", "Memory(limit: \"60MiB\", base: \"40MiB\", per_request: \"1MiB\", leak: \"30KiB\")")];

fn ready(run: &Run) -> f64 {
    run.share("server", "ready_replicas")
}

pub fn knobs() -> Vec<Knob> {
    vec![
        knob(&["service.startup"], scaled(""), &[("nodes.server.startup", "Constant(\"3s\")")], &[], ready),
        knob(
            &["service.readiness_period"],
            scaled("startup: Constant(\"100ms\"),"),
            &[("nodes.server.readiness_period", "\"3s\"")],
            &[],
            ready,
        ),
        knob(
            &["service.warm_up"],
            scaled(""),
            &[],
            &[("nodes.server.warm_up", "WarmUp(factor: 20, requests: 400)")],
            |run| run.latency_s("clients"),
        ),
        knob(&["service.request_price"], scaled(""), &[], &[("nodes.server.request_price", "\"$1/request\"")], |run| {
            run.prices("server")
        }),
        // Work that takes four seconds, and a replica that is ended while it has some.
        knob(
            &["service.termination_grace_period"],
            scaled("").replace("Compute(Exponential(\"10ms\"))", "Wait(Constant(\"4s\"))").replace("workers: 4,", ""),
            &[("nodes.server.termination_grace_period", "\"10s\"")],
            &[("nodes.server.termination_grace_period", "\"100ms\"")],
            |run| run.share("server", "killed_requests_per_hour") + 1.0,
        ),
        knob(&["service.memory"], scaled("startup: Constant(\"1s\"),"), MEMORY, LEAK, |run| {
            run.share("server", "out_of_memory_kills_per_hour") + 1.0
        }),
        knob(
            &["service.without_replicas"],
            scaled("").replace("(at: \"10s\", replicas: 2)", "(at: \"10s\", replicas: 0), (at: \"12s\", replicas: 2)"),
            &[("nodes.server.without_replicas", "Hold")],
            &[],
            |run| run.failed_ratio("clients") + 0.01,
        ),
        // The autoscaler compares what is used with what is requested.
        knob(&["service.cpu_request"], autoscaled(), &[], &[("nodes.server.cpu_request", "0.3")], ready),
        // A proxy beside it uses cores too, which the autoscaler takes for the pod's.
        knob(
            &["service.sidecars", "Sidecar.idle_cpu"],
            autoscaled(),
            &[],
            &[("nodes.server.sidecars", "{ \"proxy\": Sidecar(cpu_request: 0.01, idle_cpu: 0.5) }")],
            ready,
        ),
        knob(
            &["Sidecar.cpu_per_request"],
            autoscaled(),
            &[("nodes.server.sidecars", "{ \"proxy\": Sidecar(cpu_request: 0.01) }")],
            &[("nodes.server.sidecars", "{ \"proxy\": Sidecar(cpu_request: 0.01, cpu_per_request: \"4ms\") }")],
            ready,
        ),
        knob(
            &["Sidecar.cpu_request"],
            autoscaled(),
            &[("nodes.server.sidecars", "{ \"proxy\": Sidecar(cpu_request: 2, idle_cpu: 0.5) }")],
            &[("nodes.server.sidecars", "{ \"proxy\": Sidecar(cpu_request: 0.1, idle_cpu: 0.5) }")],
            ready,
        ),
        knob(
            &["Sidecar.memory"],
            autoscaled().replace(
                "max_replicas: 20,",
                "max_replicas: 20, metrics: [ Resource(name: Memory, target: AverageValue(Bytes(\"100MiB\"))) ],",
            )
            .replace("workers: 4,", "workers: 4, memory: Memory(limit: \"1GiB\", base: \"50MiB\"), sidecars: { \"proxy\": Sidecar(cpu_request: 1) },"),
            &[],
            &[("nodes.server.sidecars.proxy", "Sidecar(cpu_request: 1, memory: \"100MiB\")")],
            ready,
        ),
    ]
}
