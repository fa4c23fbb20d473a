//! Parameters of balancers, databases, caches and queues.

use super::{Knob, knob};
use crate::run::architecture;

pub fn knobs() -> Vec<Knob> {
    let mut knobs = load_balancer();
    knobs.extend(database());
    knobs.extend(cache());
    knobs.extend(queue());
    knobs.extend(periodic_scheduler());
    knobs
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

fn periodic_scheduler() -> Vec<Knob> {
    let model = || {
        architecture(
            "",
            r#""clients": Clients(rate: "1/s", mix: { "worker.job": 1 }),
               "beat": PeriodicScheduler(tasks: { "worker.task": (every: "1s") }),
               "worker": Service(operations: { "job": [], "task": [ Wait(Exponential("1ms")) ] }),"#,
            "",
        )
    };
    vec![
        knob(&["periodic_scheduler.replicas"], model(), &[], &[("nodes.beat.replicas", "2")], |run| {
            run.arrivals("worker")
        }),
        knob(
            &["periodic_scheduler.tasks"],
            model(),
            &[],
            &[("nodes.beat.tasks", "{ \"worker.task\": (every: \"500ms\") }")],
            |run| run.arrivals("beat"),
        ),
        knob(&["periodic_scheduler.price"], model(), &[], &[("nodes.beat.price", "\"$0.1/h\"")], |run| {
            run.prices("beat")
        }),
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
            &["queue.prefetch"],
            model().replace("\"worker\": Service(", "\"worker\": Service(replicas: 2, "),
            &[("nodes.queue.prefetch", "4")],
            &[("nodes.queue.prefetch", "1")],
            wait,
        ),
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
