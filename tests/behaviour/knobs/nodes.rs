//! Parameters of the nodes.

use super::{Knob, knob, served};
use crate::run::architecture;

const ONE: &str = "workers: 1, operations: { \"request\": [ Compute(Exponential(\"1ms\")) ] }";
const POISSON: &str = "rate: \"800/s\"";

pub fn knobs() -> Vec<Knob> {
    let mut knobs = clients();
    knobs.extend(service());
    knobs.extend(load_balancer());
    knobs.extend(database());
    knobs.extend(cache());
    knobs.extend(queue());
    knobs
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

fn load_balancer() -> Vec<Knob> {
    let model = || {
        architecture(
            "",
            r#""clients": Clients(rate: "1600/s", mix: { "balancer.request": 1 }),
               "balancer": LoadBalancer(target: "near"),
               "near": Service(replicas: 2, workers: 1, operations: { "request": [ Compute(Exponential("1ms")) ] }),
               "far": Service(operations: { "request": [ Wait(Constant("50ms")) ] }),"#,
            "",
        )
    };
    let latency = |run: &crate::run::Run| run.latency_s("clients");
    vec![
        knob(&["load_balancer.target"], model(), &[], &[("nodes.balancer.target", "\"far\"")], latency),
        knob(
            &["load_balancer.policy"],
            model(),
            &[("nodes.balancer.policy", "LeastOutstanding")],
            &[("nodes.balancer.policy", "Random")],
            latency,
        ),
        knob(
            &["load_balancer.processing"],
            model(),
            &[],
            &[("nodes.balancer.processing", "Exponential(\"5ms\")")],
            latency,
        ),
        knob(
            &["load_balancer.max_connections"],
            model(),
            &[("nodes.balancer.max_connections", "20")],
            &[("nodes.balancer.max_connections", "2")],
            |run| run.failed_ratio("clients"),
        ),
        knob(&["load_balancer.price"], model(), &[], &[("nodes.balancer.price", "\"$0.1/h\"")], |run| {
            run.prices("balancer")
        }),
        knob(
            &["load_balancer.request_price"],
            model(),
            &[],
            &[("nodes.balancer.request_price", "\"$0.000001/request\"")],
            |run| run.prices("balancer"),
        ),
    ]
}

fn database() -> Vec<Knob> {
    let model = || {
        architecture(
            "",
            r#""clients": Clients(rate: "700/s", mix: { "database.read": 1 }),
               "database": Database(cores: 1, max_connections: 50, operations: {
                   "read": Read(cpu: Exponential("1ms"), io: Exponential("2ms")) }),"#,
            "",
        )
    };
    let latency = |run: &crate::run::Run| run.latency_s("clients");
    let failures = |run: &crate::run::Run| run.failed_ratio("clients");
    vec![
        knob(&["database.cores"], model(), &[("nodes.database.cores", "2")], &[], latency),
        knob(
            &["database.max_connections"],
            model(),
            &[("nodes.database.max_connections", "10")],
            &[("nodes.database.max_connections", "3")],
            failures,
        ),
        knob(
            &["database.queue"],
            model(),
            &[("nodes.database.max_connections", "5"), ("nodes.database.queue", "10")],
            &[("nodes.database.max_connections", "5"), ("nodes.database.queue", "0")],
            failures,
        ),
        knob(&["database.contention"], model(), &[], &[("nodes.database.contention", "0.04")], latency),
        knob(&["database.coherency"], model(), &[], &[("nodes.database.coherency", "0.005")], latency),
        knob(&["database.price"], model(), &[], &[("nodes.database.price", "\"$1/h\"")], |run| run.prices("database")),
        knob(&["database.io_price"], model(), &[], &[("nodes.database.io_price", "\"$0.2/1M\"")], |run| {
            run.prices("database")
        }),
        knob(
            &["database.operations"],
            model(),
            &[],
            &[(
                "nodes.database.operations.read",
                "Write(cpu: Exponential(\"1ms\"), io: Exponential(\"2ms\"), commit: Constant(\"5ms\"))",
            )],
            latency,
        ),
    ]
}

fn cache() -> Vec<Knob> {
    let model = || {
        architecture(
            "\"thing\": Zipf(count: 1000, exponent: 0.8)",
            r#""clients": Clients(rate: "800/s", mix: { "server.request": 1 }),
               "server": Service(operations: { "request": [ CacheAside(cache: "cache", key: "thing", miss: []) ] }),
               "cache": Cache(maxmemory: "100KiB", entry_size: "1KiB"),
               "counted": Cache(entries: 10),
               "reader": Service(operations: { "request": [ CacheAside(cache: "counted", key: "thing", miss: []) ] }),
               "readers": Clients(rate: "800/s", mix: { "reader.request": 1 }),"#,
            "",
        )
    };
    let latency = |run: &crate::run::Run| run.latency_s("clients");
    let hits = |run: &crate::run::Run| run.share("cache", "hit_ratio");
    vec![
        knob(&["cache.entries"], model(), &[], &[("nodes.counted.entries", "100")], |run| {
            run.share("counted", "hit_ratio")
        }),
        knob(&["cache.maxmemory"], model(), &[], &[("nodes.cache.maxmemory", "\"500KiB\"")], hits),
        knob(&["cache.entry_size"], model(), &[("nodes.cache.entry_size", "\"5KiB\"")], &[], hits),
        knob(
            &["cache.command_time"],
            model(),
            &[("nodes.cache.command_time", "Exponential(\"0.1ms\")")],
            &[("nodes.cache.command_time", "Exponential(\"0.4ms\")")],
            latency,
        ),
        knob(
            &["cache.threads"],
            model(),
            &[("nodes.cache.command_time", "Exponential(\"0.5ms\")"), ("nodes.cache.threads", "2")],
            &[("nodes.cache.command_time", "Exponential(\"0.5ms\")")],
            latency,
        ),
        knob(
            &["cache.latency"],
            model(),
            &[("nodes.cache.latency", "Constant(\"1ms\")")],
            &[("nodes.cache.latency", "Constant(\"2ms\")")],
            latency,
        ),
        knob(&["cache.price"], model(), &[], &[("nodes.cache.price", "\"$0.1/h\"")], |run| run.prices("cache")),
    ]
}

fn queue() -> Vec<Knob> {
    let model = || {
        architecture(
            "",
            r#""clients": Clients(rate: "800/s", mix: { "queue.job": 1 }),
               "queue": Queue(messages: { "job": "worker.job" }),
               "worker": Service(operations: {
                   "job": [ Wait(Exponential("1ms")) ],
                   "flaky": [ Wait(Exponential("0.1ms")), Fail("30%") ],
               }),"#,
            "",
        )
    };
    let wait = |run: &crate::run::Run| run.wait_s("queue");
    vec![
        knob(&["queue.messages"], model(), &[("nodes.queue.messages.job", "\"worker.flaky\"")], &[], wait),
        knob(
            &["queue.capacity"],
            model(),
            &[("nodes.queue.capacity", "20")],
            &[("nodes.queue.capacity", "1")],
            |run| run.failed_ratio("clients"),
        ),
        knob(&["queue.consumers"], model(), &[("nodes.queue.consumers", "2")], &[], wait),
        knob(
            &["queue.max_deliveries"],
            model(),
            &[("nodes.queue.messages.job", "\"worker.flaky\""), ("nodes.queue.max_deliveries", "3")],
            &[("nodes.queue.messages.job", "\"worker.flaky\"")],
            |run| run.share("queue", "dead_letter_ratio"),
        ),
        knob(&["queue.price"], model(), &[], &[("nodes.queue.price", "\"$0.1/h\"")], |run| run.prices("queue")),
        knob(&["queue.request_price"], model(), &[], &[("nodes.queue.request_price", "\"$0.4/1M\"")], |run| {
            run.prices("queue")
        }),
    ]
}
