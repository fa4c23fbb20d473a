//! Parameters and placements of shards.

use super::{Knob, knob};
use crate::run::{Run, architecture};

/// Clients of a database that is sharded as said, over the keys of this law.
fn sharded(law: &str, shards: &str) -> String {
    let model = architecture(
        &format!("\"user\": {law}, \"order\": Uniform(count: 100000)"),
        r#""clients": Clients(rate: "1500/s", mix: { "database.read": 1, "database.report": 0 }),
           "database": Database(cores: 1, max_connections: 1, queue: 1000, operations: {
               "read": Read(cpu: Exponential("1ms")), "report": Read(cpu: Exponential("1ms")) }),"#,
        "",
    );
    model.replacen("nodes:", &format!("shards: {{ \"database\": Shards({shards}) }}, nodes:"), 1)
}

const UNIFORM: &str = "Uniform(count: 100000)";
const ZIPF: &str = "Zipf(count: 1000, exponent: 0.9)";
const FOUR: &str = "count: 4, key: \"user\", placement: Jump";

fn hottest(run: &Run) -> f64 {
    run.share("database", "hottest_shard_request_ratio")
}

pub fn knobs() -> Vec<Knob> {
    let latency: fn(&Run) -> f64 = |run| run.latency_s("clients");
    let scattered = || sharded(UNIFORM, FOUR);
    vec![
        knob(
            &["shards.count"],
            sharded(UNIFORM, FOUR),
            &[("shards.database.count", "8")],
            &[("shards.database.count", "2")],
            latency,
        ),
        knob(
            &["shards.key"],
            sharded(ZIPF, FOUR),
            &[("shards.database.key", "\"order\"")],
            &[("shards.database.key", "\"user\"")],
            hottest,
        ),
        knob(
            &["shards.scatter"],
            scattered(),
            &[],
            &[("shards.database.scatter", "[\"read\"]"), ("nodes.clients.rate", "500/s")],
            |run| run.arrivals("database/1") / run.arrivals("clients"),
        ),
        knob(
            &["shards.routing_time"],
            scattered(),
            &[("shards.database.routing_time", "Constant(\"1us\")")],
            &[("shards.database.routing_time", "Constant(\"5ms\")")],
            latency,
        ),
        knob(
            &["shards.merge"],
            scattered(),
            &[("shards.database.scatter", "[\"read\"]"), ("nodes.clients.rate", "300/s")],
            &[
                ("shards.database.scatter", "[\"read\"]"),
                ("nodes.clients.rate", "300/s"),
                ("shards.database.merge", "Constant(\"5ms\")"),
            ],
            latency,
        ),
        knob(
            &["shards.dedicated", "Dedicated.ranks_below", "Dedicated.shards"],
            sharded("HeavyHitters(count: 1000, heavy: [\"20%\", \"20%\"])", FOUR),
            &[("shards.database.dedicated", "Dedicated(ranks_below: 2, shards: 2)")],
            &[("shards.database.dedicated", "Dedicated(ranks_below: 2, shards: 1)")],
            hottest,
        ),
        // A hundredth of the keys has most of the load: in a range of its own if ids tell popularity.
        knob(
            &["shards.ids", "Ids.ByPopularity", "Ids.Shuffled", "Placement.Range", "shards.placement"],
            sharded(
                "Zipf(count: 1000, exponent: 0.7)",
                "count: 2, key: \"user\", placement: Range([(0, 500), (500, 1000)])",
            ),
            &[("shards.database.ids", "Shuffled")],
            &[("shards.database.ids", "ByPopularity")],
            hottest,
        ),
        knob(
            &["Placement.List"],
            sharded(
                "HeavyHitters(count: 4, heavy: [\"55%\", \"20%\", \"15%\", \"10%\"])",
                "count: 2, key: \"user\", placement: List(values: [[0], [1, 2, 3]])",
            ),
            &[],
            &[("shards.database.placement", "List(values: [[0, 1], [2, 3]])")],
            hottest,
        ),
        knob(
            &["Placement.Modulo", "Placement.Rendezvous"],
            sharded("HeavyHitters(count: 100, heavy: [\"40%\", \"0%\", \"0%\", \"0%\", \"40%\"])", FOUR),
            &[("shards.database.placement", "Rendezvous")],
            &[("shards.database.placement", "Modulo")],
            hottest,
        ),
        knob(
            &["Placement.ConsistentHashing"],
            sharded(UNIFORM, FOUR),
            &[("shards.database.placement", "ConsistentHashing(virtual_nodes: 1000)")],
            &[("shards.database.placement", "ConsistentHashing(virtual_nodes: 1)")],
            hottest,
        ),
        // A table with a row for each of five: one of four shards has two of them.
        knob(
            &["Placement.Maglev"],
            sharded(UNIFORM, FOUR),
            &[("shards.database.placement", "Maglev(table_size: 65537)")],
            &[("shards.database.placement", "Maglev(table_size: 5)")],
            hottest,
        ),
        // Of two heavy keys, each hash puts others together.
        knob(
            &["Placement.Ketama"],
            sharded("HeavyHitters(count: 100, heavy: [\"30%\", \"30%\"])", FOUR),
            &[("shards.database.placement", "Ketama")],
            &[],
            hottest,
        ),
        knob(
            &["Placement.Jump", "Placement.Murmur2"],
            sharded("HeavyHitters(count: 100, heavy: [\"30%\", \"0%\", \"30%\"])", FOUR),
            &[],
            &[("shards.database.placement", "Murmur2")],
            hottest,
        ),
        // Whatever stands between the brackets decides alone, and it is the same for all keys.
        knob(
            &["shards.key_name", "Placement.RedisCluster"],
            sharded(UNIFORM, "count: 4, key: \"user\", placement: RedisCluster"),
            &[("shards.database.key_name", "\"user:*\"")],
            &[("shards.database.key_name", "\"{user}:*\"")],
            hottest,
        ),
    ]
}
