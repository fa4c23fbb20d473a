//! Parameters of clients and services.

use super::{Knob, knob, served};
use crate::run::architecture;

const ONE: &str = "workers: 1, operations: { \"request\": [ Compute(Exponential(\"1ms\")) ] }";
const POISSON: &str = "rate: \"800/s\"";

pub fn knobs() -> Vec<Knob> {
    let mut knobs = clients();
    knobs.extend(service());
    knobs.extend(instances());
    knobs
}

/// The model with two machines in a catalogue.
fn with_instances(model: &str) -> String {
    let catalogue =
        r#"instances: { "small": Instance(cpu: 1, price: "$1/h"), "large": Instance(cpu: 4, price: "$4/h") }, nodes:"#;
    model.replacen("nodes:", catalogue, 1)
}

fn instances() -> Vec<Knob> {
    let service =
        served(POISSON, "workers: 16, operations: { \"request\": [ Compute(Exponential(\"1ms\")) ] }", "", "", "");
    let database = architecture(
        "",
        r#""clients": Clients(rate: "500/s", mix: { "database.request": 1 }),
           "database": Database(instance: "small", operations: { "request": Read(cpu: Exponential("1ms")) }),"#,
        "",
    );
    vec![
        knob(
            &["service.instance"],
            with_instances(&service),
            &[("nodes.server.instance", "\"large\"")],
            &[("nodes.server.instance", "\"small\"")],
            |run| run.latency_s("clients"),
        ),
        knob(
            &["database.instance"],
            with_instances(&database),
            &[],
            &[("nodes.database.instance", "\"large\"")],
            |run| run.prices("database"),
        ),
    ]
}

fn clients() -> Vec<Knob> {
    let open = || served(POISSON, ONE, "", "", "");
    let closed = || served("users: 5, think: Exponential(\"20ms\")", ONE, "", "", "");
    let mixed = architecture(
        "",
        r#""clients": Clients(rate: "100/s", mix: { "server.slow": 1, "server.fast": 1 }),
           "server": Service(operations: { "slow": [ Wait(Constant("9ms")) ], "fast": [ Wait(Constant("1ms")) ] }),"#,
        "",
    );
    let two_classes = architecture(
        "",
        &format!(
            r#""clients": Clients(rate: "400/s", priority: 0, mix: {{ "server.request": 1 }}),
               "others": Clients(rate: "450/s", priority: 3, mix: {{ "server.request": 1 }}),
               "server": Service(discipline: Priority, {ONE}),"#
        ),
        "",
    );
    let zoned = served(
        "rate: \"1600/s\", zones: 2",
        "replicas: 4, zones: 2, workers: 1, operations: { \"request\": [ Compute(Exponential(\"1ms\")) ] }",
        "",
        "\"clients -> server\": Link(policy: ZoneAware)",
        "",
    );
    vec![
        knob(
            &["clients.rate"],
            open(),
            &[("nodes.clients.rate", "\"500/s\"")],
            &[("nodes.clients.rate", "\"900/s\"")],
            |run| run.latency_s("clients"),
        ),
        knob(&["clients.arrivals"], open(), &[("nodes.clients.arrivals", "Constant")], &[], |run| {
            run.latency_s("clients")
        }),
        knob(
            &["clients.batch"],
            open(),
            &[("nodes.clients.rate", "\"200/s\"")],
            &[("nodes.clients.rate", "\"200/s\""), ("nodes.clients.batch", "4")],
            |run| run.arrivals("server"),
        ),
        knob(&["clients.users"], closed(), &[], &[("nodes.clients.users", "20")], |run| run.arrivals("server")),
        knob(&["clients.think"], closed(), &[("nodes.clients.think", "Exponential(\"100ms\")")], &[], |run| {
            run.arrivals("server")
        }),
        knob(
            &["clients.stages"],
            closed(),
            &[],
            &[("nodes.clients.stages", "[(duration: \"5s\", target: 20)]")],
            |run| run.arrivals("server"),
        ),
        knob(
            &["clients.mix"],
            mixed.clone(),
            &[("nodes.clients.mix", "{ \"server.slow\": 1, \"server.fast\": 9 }")],
            &[("nodes.clients.mix", "{ \"server.slow\": 9, \"server.fast\": 1 }")],
            |run| run.node("server").latency.mean_ns().expect("requests"),
        ),
        knob(&["clients.priority"], two_classes, &[], &[("nodes.clients.priority", "5")], |run| {
            run.latency_s("clients")
        }),
        // Users of one zone only meet two of the four replicas.
        knob(&["clients.zones", "Policy.ZoneAware"], zoned, &[], &[("nodes.clients.zones", "1")], |run| {
            run.latency_s("clients")
        }),
    ]
}

fn service() -> Vec<Knob> {
    let model = |server: &str| served(POISSON, server, "", "", "");
    let request = "operations: { \"request\": [ Compute(Exponential(\"1ms\")) ] }";
    let spread = |scheduling: &str| {
        model(&format!(
            "{scheduling} operations: {{ \"request\": [ Compute(HyperExponential(mean: \"1ms\", cv: 3)) ] }}"
        ))
    };
    let latency = |run: &crate::run::Run| run.latency_s("clients");
    let zoned = served(
        "rate: \"1600/s\"",
        "replicas: 4, zones: 1, workers: 1, operations: { \"request\": [ Compute(Exponential(\"1ms\")) ] }",
        "",
        "\"clients -> server\": Link(policy: ZoneAware)",
        "",
    );
    vec![
        knob(&["service.replicas"], model(ONE), &[("nodes.server.replicas", "2")], &[], latency),
        knob(&["service.cpu"], model(request), &[("nodes.server.cpu", "2")], &[], latency),
        knob(
            &["service.workers"],
            model("workers: 1, operations: { \"request\": [ Wait(Exponential(\"1ms\")) ] }"),
            &[("nodes.server.workers", "2")],
            &[],
            latency,
        ),
        knob(&["service.queue"], model(ONE), &[("nodes.server.queue", "20")], &[("nodes.server.queue", "1")], |run| {
            run.failed_ratio("clients")
        }),
        knob(
            &["service.discipline", "Discipline.FirstComeFirstServed", "Discipline.LastComeFirstServed"],
            model(ONE),
            &[],
            &[("nodes.server.discipline", "LastComeFirstServed")],
            |run| run.latency_quantile_s("clients", 0.99),
        ),
        knob(
            &["Discipline.Priority"],
            architecture(
                "",
                &format!(
                    "\"clients\": Clients(rate: \"400/s\", priority: 1, mix: {{ \"server.request\": 1 }}),
                  \"others\": Clients(rate: \"450/s\", mix: {{ \"server.request\": 1 }}), \"server\": Service({ONE}),"
                ),
                "",
            ),
            &[],
            &[("nodes.server.discipline", "Priority")],
            latency,
        ),
        knob(
            &["service.scheduling", "Scheduling.ProcessorSharing", "Scheduling.RunToCompletion"],
            spread(""),
            &[],
            &[("nodes.server.scheduling", "RunToCompletion")],
            latency,
        ),
        knob(
            &["service.contention"],
            model(request),
            &[("nodes.clients.rate", "\"600/s\"")],
            &[("nodes.clients.rate", "\"600/s\""), ("nodes.server.contention", "0.05")],
            latency,
        ),
        knob(
            &["service.coherency"],
            model(request),
            &[("nodes.clients.rate", "\"600/s\"")],
            &[("nodes.clients.rate", "\"600/s\""), ("nodes.server.coherency", "0.01")],
            latency,
        ),
        knob(
            &["service.balancing"],
            model(&format!("replicas: 2, balancing: Random, {ONE}")),
            &[("nodes.server.balancing", "LeastOutstanding")],
            &[],
            latency,
        ),
        // With two zones the callers, all in the first, only meet two of the four replicas.
        knob(&["service.zones"], zoned, &[], &[("nodes.server.zones", "2")], latency),
        knob(
            &["service.price"],
            model(ONE),
            &[("nodes.server.price", "\"$0.1/h\"")],
            &[("nodes.server.price", "\"$0.2/h\"")],
            |run| run.prices("server"),
        ),
        knob(
            &["service.operations"],
            model(ONE),
            &[],
            &[("nodes.server.operations.request", "[ Compute(Exponential(\"1.1ms\")) ]")],
            latency,
        ),
    ]
}
