//! Parameters of read replicas, and what statements say of them.

use super::{Knob, knob};
use crate::run::{Run, architecture};

/// Reads and writes of the same things, a writer, and two replicas.
fn replicated() -> String {
    architecture(
        r#""thing": Zipf(count: 200, exponent: 1.0)"#,
        r#""clients": Clients(rate: "800/s", mix: { "database.read": 6, "database.write": 2 }),
           "database": Database(cores: 1, max_connections: 500,
               read_replicas: ReadReplicas(count: 2, apply: Exponential("0.5ms"), latency: Exponential("2ms")),
               operations: {
                   "read": Read(cpu: Exponential("1ms"), key: "thing"),
                   "write": Write(cpu: Exponential("1ms"), key: "thing"),
               }),"#,
        "",
    )
}

/// As [`replicated`], with replicas that come at a given time.
fn scaled() -> String {
    replicated().replace(
        "links: {",
        r#"controllers: { "clock": Scheduled(target: "database", period: "1h", actions: [(at: "5s", replicas: 5), (at: "59m", replicas: 2)]) },
           links: {"#,
    )
}

fn reads(run: &Run) -> f64 {
    run.latency_s("clients")
}

/// Of reads and writes together.
fn statements(run: &Run) -> f64 {
    run.node("database").latency.mean_ns().expect("served statements") * 1e-9
}

fn lag(run: &Run) -> f64 {
    run.share("database", "replication_lag_mean_s")
}

fn stale(run: &Run) -> f64 {
    run.share("database", "stale_read_ratio")
}

fn fallbacks(run: &Run) -> f64 {
    run.share("database", "writer_fallback_ratio") + 0.001
}

const REPLICAS: &str = "nodes.database.read_replicas";
const ASYNCHRONOUS: (&str, &str) = ("nodes.database.read_replicas.replication", "Asynchronous");
const SEMI_SYNCHRONOUS: (&str, &str) = ("nodes.database.read_replicas.replication", "SemiSynchronous");
const SYNCHRONOUS: (&str, &str) = ("nodes.database.read_replicas.replication", "Synchronous");
const ALL_FRESH: (&str, &str) = ("nodes.database.read_replicas.acknowledge", "Applied");
const SLOW: (&str, &str) = ("nodes.database.read_replicas.apply", "Exponential(\"3ms\")");
const FOUR_CORES: (&str, &str) = ("nodes.database.cores", "4");

pub fn knobs() -> Vec<Knob> {
    let mut knobs = commits();
    knobs.extend(routing());
    knobs.extend(failover());
    knobs
}

/// The writer is lost after five seconds.
fn failover() -> Vec<Knob> {
    let model = || {
        let fault =
            r#"controllers: { "fault": Fault(target: "database", at: "5s", what: Lose(replicas: [0])) }, links: {"#;
        replicated().replace("links: {", fault)
    };
    const SOON: (&str, &str) = ("nodes.database.read_replicas.failover", "Failover(detection: Constant(\"2s\"))");
    const LATE: (&str, &str) = ("nodes.database.read_replicas.failover", "Failover(detection: Constant(\"9s\"))");
    const SLOW_PROMOTION: (&str, &str) =
        ("nodes.database.read_replicas.failover", "Failover(detection: Constant(\"2s\"), promotion: Constant(\"5s\"))");
    let available = |run: &Run| run.share("database", "writer_available_ratio");
    vec![
        knob(&["ReadReplicas.failover"], model(), &[], &[SOON], available),
        knob(&["Failover.detection"], model(), &[LATE], &[SOON], available),
        knob(&["Failover.promotion"], model(), &[SLOW_PROMOTION], &[SOON], available),
    ]
}

fn commits() -> Vec<Knob> {
    vec![
        knob(
            &["database.read_replicas", "ReadReplicas.count"],
            replicated(),
            &[],
            &[("nodes.database.read_replicas.count", "0")],
            reads,
        ),
        knob(
            &["ReadReplicas.replication", "Replication.Asynchronous"],
            replicated(),
            &[ASYNCHRONOUS],
            &[SEMI_SYNCHRONOUS],
            statements,
        ),
        knob(
            &["Replication.SemiSynchronous", "Replication.Synchronous"],
            replicated(),
            &[SEMI_SYNCHRONOUS],
            &[SYNCHRONOUS],
            statements,
        ),
        knob(
            &["ReadReplicas.acknowledgements"],
            replicated(),
            &[SEMI_SYNCHRONOUS, ("nodes.database.read_replicas.acknowledgements", "1")],
            &[SEMI_SYNCHRONOUS, ("nodes.database.read_replicas.acknowledgements", "2")],
            statements,
        ),
        // Few of the statements write.
        Knob {
            factor: 1.05,
            ..knob(
                &["ReadReplicas.acknowledge", "Acknowledge.Received"],
                replicated(),
                &[SYNCHRONOUS, ("nodes.database.read_replicas.acknowledge", "Received")],
                &[SYNCHRONOUS, ALL_FRESH],
                statements,
            )
        },
        // A read that begins before the commit is answered sees the write or does not, and is stale in neither case.
        knob(&["Acknowledge.Applied"], replicated(), &[SYNCHRONOUS, ALL_FRESH], &[SYNCHRONOUS], |run| {
            stale(run) + 1e-6
        }),
        knob(
            &["ReadReplicas.latency"],
            replicated(),
            &[],
            &[("nodes.database.read_replicas.latency", "Exponential(\"8ms\")")],
            lag,
        ),
        knob(&["ReadReplicas.apply"], replicated(), &[], &[SLOW], lag),
        knob(
            &["ReadReplicas.apply_workers"],
            replicated(),
            &[FOUR_CORES, SLOW, ("nodes.database.read_replicas.apply_workers", "4")],
            &[FOUR_CORES, SLOW],
            lag,
        ),
        knob(
            &["ReadReplicas.startup"],
            scaled(),
            &[("nodes.database.read_replicas.startup", "Constant(\"10s\")")],
            &[],
            |run| run.share("database", "ready_replicas"),
        ),
    ]
}

fn routing() -> Vec<Knob> {
    const BOTH: (&str, &str) = ("nodes.database.read_replicas.endpoints", "{ \"one\": [1, 2] }");
    const ONE: (&str, &str) = ("nodes.database.read_replicas.endpoints", "{ \"one\": [2] }");
    const CUSTOM: (&str, &str) = ("nodes.database.read_replicas.endpoint", "Custom(\"one\")");
    const OWN_WRITES: (&str, &str) = ("nodes.database.read_replicas.consistency", "ReadYourWrites");
    vec![
        knob(
            &["ReadReplicas.balancing"],
            replicated(),
            &[],
            &[("nodes.database.read_replicas.balancing", "Weighted([1, 19])")],
            reads,
        ),
        knob(
            &["ReadReplicas.endpoint", "Endpoint.Reader", "Endpoint.Writer"],
            replicated(),
            &[("nodes.database.read_replicas.endpoint", "Reader")],
            &[("nodes.database.read_replicas.endpoint", "Writer")],
            reads,
        ),
        knob(&["ReadReplicas.endpoints", "Endpoint.Custom"], replicated(), &[BOTH, CUSTOM], &[ONE, CUSTOM], reads),
        knob(
            &["ReadReplicas.consistency", "Consistency.Eventual", "Consistency.BoundedStaleness"],
            replicated(),
            &[("nodes.database.read_replicas.consistency", "Eventual")],
            &[("nodes.database.read_replicas.consistency", "BoundedStaleness(\"1ms\")")],
            fallbacks,
        ),
        knob(
            &["ReadReplicas.session", "Consistency.ReadYourWrites"],
            replicated(),
            &[OWN_WRITES],
            &[OWN_WRITES, ("nodes.database.read_replicas.session", "\"thing\"")],
            fallbacks,
        ),
        // What one statement says of itself.
        knob(&["Read.endpoint"], replicated(), &[], &[("nodes.database.operations.read.endpoint", "Writer")], |run| {
            1.1 - run.share("database", "replica_read_ratio")
        }),
        knob(
            &["Read.consistency"],
            replicated(),
            &[],
            &[("nodes.database.operations.read.consistency", "BoundedStaleness(\"1ms\")")],
            fallbacks,
        ),
        knob(
            &["Read.key", "Write.key"],
            replicated(),
            &[(REPLICAS, "ReadReplicas(count: 2, latency: Constant(\"1us\"))")],
            &[],
            |run| stale(run) + 1e-6,
        ),
    ]
}
