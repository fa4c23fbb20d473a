//! Parameters of a quorum storage.

use super::{Knob, knob};
use crate::run::Run;

/// Writes and reads of a store that may be disturbed.
fn store(storage: &str, faults: &str) -> String {
    format!(
        r#"Architecture(name: "test", keys: {{ "page": Uniform(count: 20), "row": Uniform(count: 1) }}, nodes: {{
            "clients": Clients(rate: "200/s", mix: {{ "store.write": 1 }}),
            "readers": Clients(rate: "200/s", zones: 3, mix: {{ "store.read": 1 }}),
            "store": QuorumStorage(read: Exponential("1ms"), write: Exponential("1ms"), {storage}),
        }}, controllers: {{ {faults} }})"#
    )
}

fn lost(copies: &str) -> String {
    format!(r#""lost": Fault(target: "store", at: "5s", what: Lose(replicas: {copies}))"#)
}

fn writes(run: &Run) -> f64 {
    run.latency_s("clients")
}

fn reads(run: &Run) -> f64 {
    run.latency_s("readers")
}

fn missing(run: &Run) -> f64 {
    6.01 - run.share("store", "present_replicas")
}

fn stale(run: &Run) -> f64 {
    run.share("store", "stale_read_ratio") + 1e-6
}

fn conflicts(run: &Run) -> f64 {
    run.share("store", "conflict_ratio")
}

fn charged(run: &Run) -> f64 {
    run.node("store").counters.charged_ns as f64 + 1.0
}

/// A database with too little memory for its pages and a replica, on a volume or on disks.
fn database(replicas: &str) -> String {
    format!(
        r#"Architecture(name: "test", keys: {{ "row": Uniform(count: 5_000) }}, nodes: {{
            "clients": Clients(rate: "200/s", mix: {{ "database.write": 1 }}),
            "database": Database(cores: 4, memory: "8MiB",
                tables: {{ "rows": Table(rows: 5_000, row_size: "8KiB", key: "row") }},
                read_replicas: ReadReplicas(count: 1, {replicas}),
                operations: {{ "write": Write(table: "rows", cpu: Exponential("0.2ms")) }}),
            "volume": QuorumStorage(read: Exponential("1ms"), write: Exponential("1ms")),
            "others": Clients(rate: "1/s", mix: {{ "volume.write": 1 }}),
        }})"#
    )
}

/// Reads and writes that need not meet at any copy.
const LOOSE: &str =
    r#"copies: 3, write_quorum: 1, read_quorum: 1, reads: Quorum, key: "page", latency: Exponential("5ms")"#;
const TWO_WRITERS: &str = r#"key: "row", writers: 2, replication_lag: Constant("2ms")"#;

pub fn knobs() -> Vec<Knob> {
    vec![
        knob(&["database.storage"], database(""), &[], &[("nodes.database.storage", "\"volume\"")], writes),
        knob(
            &["ReadReplicas.apply_io"],
            database("apply: Exponential(\"0.2ms\")"),
            &[],
            &[("nodes.database.read_replicas.apply_io", "Exponential(\"2ms\")")],
            |run| run.share("database", "replication_lag_mean_s"),
        ),
        // Of more copies the fourth is there sooner.
        knob(&["quorum_storage.copies"], store("", ""), &[("nodes.store.copies", "12")], &[], writes),
        knob(
            &["quorum_storage.zones"],
            store("cross_zone_latency: Constant(\"1ms\")", ""),
            &[("nodes.store.zones", "1")],
            &[],
            writes,
        ),
        knob(&["quorum_storage.write_quorum"], store("", ""), &[], &[("nodes.store.write_quorum", "6")], writes),
        knob(
            &["quorum_storage.read_quorum"],
            store("reads: Quorum", ""),
            &[],
            &[("nodes.store.read_quorum", "6")],
            reads,
        ),
        knob(
            &["quorum_storage.reads", "Reads.SingleCopy", "Reads.Quorum"],
            store("read_quorum: 6", ""),
            &[],
            &[("nodes.store.reads", "Quorum")],
            reads,
        ),
        knob(&["quorum_storage.key"], store(LOOSE, ""), &[], &[("nodes.store.key", "\"row\"")], stale),
        knob(&["quorum_storage.read"], store("", ""), &[], &[("nodes.store.read", "Exponential(\"2ms\")")], reads),
        knob(&["quorum_storage.write"], store("", ""), &[], &[("nodes.store.write", "Exponential(\"2ms\")")], writes),
        knob(&["quorum_storage.latency"], store("", ""), &[], &[("nodes.store.latency", "Constant(\"1ms\")")], writes),
        knob(
            &["quorum_storage.cross_zone_latency"],
            store("", ""),
            &[],
            &[("nodes.store.cross_zone_latency", "Constant(\"1ms\")")],
            writes,
        ),
        knob(&["quorum_storage.disks"], store("", ""), &[], &[("nodes.store.disks", "1")], writes),
        knob(
            &["quorum_storage.io_queue"],
            store(
                "disks: 1, io_queue: 5",
                r#""slow": Fault(target: "store", at: "5s", what: Slow(replicas: [2], factor: 50))"#,
            ),
            &[],
            &[("nodes.store.io_queue", "200")],
            |run| run.share("store", "waiting_ios"),
        ),
        knob(
            &["quorum_storage.size"],
            store("storage_price: \"$1/GB-month\"", ""),
            &[],
            &[("nodes.store.size", "\"1TB\"")],
            charged,
        ),
        knob(
            &["quorum_storage.write_size"],
            store("storage_price: \"$1/GB-month\"", ""),
            &[],
            &[("nodes.store.write_size", "\"100MB\"")],
            charged,
        ),
        knob(
            &["quorum_storage.segment_size"],
            store("size: \"200GB\"", &lost("[1]")),
            &[("nodes.store.segment_size", "\"1GB\""), ("nodes.store.repair_delay", "\"1s\"")],
            &[("nodes.store.segment_size", "\"10GB\""), ("nodes.store.repair_delay", "\"1s\"")],
            missing,
        ),
        knob(
            &["quorum_storage.max_size"],
            store("write_size: \"1GB\"", ""),
            &[],
            &[("nodes.store.max_size", "\"500GB\"")],
            |run| run.failed_ratio("clients") + 0.001,
        ),
        knob(
            &["quorum_storage.repair_bandwidth"],
            store("size: \"200GB\", repair_delay: \"1s\"", &lost("[1]")),
            &[("nodes.store.repair_bandwidth", "\"100Gbit/s\"")],
            &[],
            missing,
        ),
        knob(
            &["quorum_storage.repair_delay"],
            store("size: \"1GB\"", &lost("[1]")),
            &[("nodes.store.repair_delay", "\"1s\"")],
            &[],
            missing,
        ),
        knob(
            &["quorum_storage.without_quorum", "WithoutQuorum.Wait", "WithoutQuorum.Fail"],
            store("", &lost("[0, 1, 2]")),
            &[],
            &[("nodes.store.without_quorum", "Fail")],
            |run| run.failed_ratio("clients") + 0.001,
        ),
        knob(&["quorum_storage.writers"], store(TWO_WRITERS, ""), &[], &[("nodes.store.writers", "8")], conflicts),
        knob(
            &["quorum_storage.replication_lag"],
            store(TWO_WRITERS, ""),
            &[],
            &[("nodes.store.replication_lag", "Constant(\"20ms\")")],
            conflicts,
        ),
        knob(
            &["quorum_storage.conflict_retries"],
            store(TWO_WRITERS, ""),
            &[("nodes.store.conflict_retries", "4")],
            &[],
            |run| run.failed_ratio("clients"),
        ),
        knob(&["quorum_storage.price"], store("", ""), &[], &[("nodes.store.price", "\"$1/h\"")], |run| {
            run.prices("store") + 0.001
        }),
        knob(
            &["quorum_storage.storage_price"],
            store("size: \"1TB\"", ""),
            &[],
            &[("nodes.store.storage_price", "\"$0.10/GB-month\"")],
            charged,
        ),
        knob(&["quorum_storage.io_price"], store("", ""), &[], &[("nodes.store.io_price", "\"$1/1M\"")], |run| {
            run.prices("store") + 1e-9
        }),
    ]
}
