//! Parameters of vector databases.

use super::{Knob, knob};
use crate::run::{Run, architecture};

/// Clients that search and insert.
fn searched(rate: &str, database: &str) -> String {
    architecture(
        "\"topic\": Uniform(count: 1000)",
        &format!(
            r#""searchers": Clients(rate: "{rate}", mix: {{ "vectors.search": 1 }}),
               "writers": Clients(rate: "20/s", mix: {{ "vectors.insert": 1 }}),
               "vectors": VectorDatabase(vectors: 1_000_000, distance_time: Exponential("1us"), {database},
                   operations: {{ "search": Search(k: 10, ef: 100, fan_out: 2), "insert": Insert() }}),"#
        ),
        "",
    )
}

const FOUR: &str = "nodes: 4, shards: 4";
const CLUSTERED: &str = r#"ByCluster(key: "topic", locality: "50%")"#;

fn recall(run: &Run) -> f64 {
    run.share("vectors", "recall_ratio")
}

pub fn knobs() -> Vec<Knob> {
    let searching: fn(&Run) -> f64 = |run| run.latency_s("searchers");
    let writing: fn(&Run) -> f64 = |run| run.latency_s("writers");
    let four = || searched("100/s", FOUR);
    let copied = || searched("20/s", "nodes: 5, shards: 2, replication_factor: 5");
    vec![
        knob(
            &["vector_database.nodes"],
            searched("220/s", "shards: 4"),
            &[("nodes.vectors.nodes", "4")],
            &[("nodes.vectors.nodes", "2")],
            searching,
        ),
        knob(&["vector_database.cpu"], searched("300/s", FOUR), &[("nodes.vectors.cpu", "4")], &[], searching),
        knob(
            &["vector_database.shards"],
            searched("20/s", "nodes: 4, shards: 4"),
            &[],
            &[("nodes.vectors.shards", "16"), ("nodes.vectors.operations.search", "Search(k: 10, ef: 100)")],
            searching,
        ),
        // With more copies there is a less busy one to ask.
        knob(
            &["vector_database.replication_factor"],
            searched("300/s", "nodes: 4, shards: 4, write_consistency: One"),
            &[("nodes.vectors.replication_factor", "3"), ("nodes.writers.rate", "1/s")],
            &[("nodes.vectors.replication_factor", "1"), ("nodes.writers.rate", "1/s")],
            searching,
        ),
        // A few vectors are looked at one by one.
        knob(&["vector_database.vectors"], four(), &[("nodes.vectors.vectors", "4_000")], &[], searching),
        knob(&["vector_database.m"], four(), &[("nodes.vectors.m", "8")], &[("nodes.vectors.m", "24")], searching),
        knob(
            &["vector_database.distance_time", "VectorOperation.Search"],
            four(),
            &[("nodes.vectors.distance_time", "Exponential(\"0.5us\")")],
            &[],
            searching,
        ),
        knob(&["vector_database.merge"], four(), &[], &[("nodes.vectors.merge", "Constant(\"5ms\")")], searching),
        knob(
            &["vector_database.partition", "Partition.ByHash", "Partition.ByCluster"],
            four(),
            &[("nodes.vectors.partition", "ByHash")],
            &[("nodes.vectors.partition", CLUSTERED)],
            recall,
        ),
        knob(
            &["vector_database.write_consistency", "WriteConsistency.One", "WriteConsistency.Majority"],
            copied(),
            &[("nodes.vectors.write_consistency", "One")],
            &[("nodes.vectors.write_consistency", "Majority")],
            writing,
        ),
        knob(
            &["WriteConsistency.All"],
            copied(),
            &[("nodes.vectors.write_consistency", "Majority")],
            &[("nodes.vectors.write_consistency", "All")],
            writing,
        ),
        knob(
            &["vector_database.price"],
            four(),
            &[("nodes.vectors.price", "\"$1/h\"")],
            &[("nodes.vectors.price", "\"$2/h\"")],
            |run| run.prices("vectors/0"),
        ),
        knob(
            &["vector_database.operations", "VectorOperation.Insert"],
            four(),
            &[("nodes.vectors.operations.insert", "Insert(ef_construction: 50)")],
            &[],
            writing,
        ),
    ]
}
