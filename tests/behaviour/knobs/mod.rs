//! Every documented parameter and every variant does what it says: moving it moves a number in the right direction.
//!
//! The parameters are read from the tables in the techniques' own documentation and the variants from their source, so
//! one that is added without a line here fails the test.

mod arrivals;
mod balancing;
mod caches;
mod faults;
mod links;
mod nodes;
mod pooling;
mod quorum_storage;
mod raft_group;
mod replicas;
mod replication;
mod shards;
mod stations;
mod steps;
mod storage;
mod vector_database;

use std::path::Path;

use crate::run::{Run, architecture, prepare, run};

/// Two settings of one parameter, and a number that must be larger under the second.
pub struct Knob {
    /// `technique.parameter` or `Enum.Variant`; several if one comparison speaks for them all.
    pub names: &'static [&'static str],
    pub model: String,
    pub low: &'static [(&'static str, &'static str)],
    pub high: &'static [(&'static str, &'static str)],
    pub measure: fn(&Run) -> f64,
    /// By which factor the number must be larger, at least.
    pub factor: f64,
}

impl Knob {
    /// The same, for a number that need be larger by this factor only.
    pub fn by(self, factor: f64) -> Self {
        Self { factor, ..self }
    }
}

/// A comparison of two settings of one path.
pub fn knob(
    names: &'static [&'static str],
    model: String,
    low: &'static [(&'static str, &'static str)],
    high: &'static [(&'static str, &'static str)],
    measure: fn(&Run) -> f64,
) -> Knob {
    Knob { names, model, low, high, measure, factor: 1.1 }
}

/// Open clients, one service called `server`, and whatever else is given.
pub fn served(clients: &str, server: &str, others: &str, links: &str, keys: &str) -> String {
    architecture(
        keys,
        &format!(
            "\"clients\": Clients({clients}, mix: {{ \"server.request\": 1 }}), \"server\": Service({server}), {others}"
        ),
        links,
    )
}

fn all() -> Vec<Knob> {
    let mut knobs = nodes::knobs();
    knobs.extend(replicas::knobs());
    knobs.extend(shards::knobs());
    knobs.extend(replication::knobs());
    knobs.extend(storage::knobs());
    knobs.extend(stations::knobs());
    knobs.extend(vector_database::knobs());
    knobs.extend(links::knobs());
    knobs.extend(balancing::knobs());
    knobs.extend(arrivals::knobs());
    knobs.extend(steps::knobs());
    knobs.extend(pooling::knobs());
    knobs.extend(caches::knobs());
    knobs.extend(faults::knobs());
    knobs.extend(quorum_storage::knobs());
    knobs.extend(raft_group::knobs());
    knobs
}

/// Names in the first column of the parameter table of a technique's documentation.
pub fn documented(path: &str, technique: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the technique's file");
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.flat_map(|row| {
        let first = row.split('|').next().expect("a first column");
        first.split(',').map(|name| format!("{technique}.{}", name.trim().trim_matches('`'))).collect::<Vec<_>>()
    })
    .collect()
}

/// Variants of an enumeration, or fields of a struct, as its source lists them.
pub fn listed(path: &str, item: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the source file");
    let start = text.find(&format!(" {item} {{")).expect("the item");
    let body = &text[start..];
    let body = &body[..body.find("\n}").expect("its end")];
    let name = item.rsplit(' ').next().expect("a name");
    body.lines()
        .skip(1)
        .filter(|line| line.starts_with("    ") && !line.starts_with("     "))
        .map(|line| line.trim().trim_start_matches("pub "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_alphabetic()))
        .map(|line| line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().expect("a word"))
        .map(|word| format!("{name}.{word}"))
        .collect()
}

#[test]
fn every_parameter_and_variant_has_a_knob() {
    let mut wanted = Vec::new();
    let techniques = [
        "clients",
        "load_balancer",
        "service",
        "database",
        "cache",
        "queue",
        "link",
        "periodic_scheduler",
        "shards",
        "vector_database",
        "pg_bouncer",
        "quorum_storage",
        "raft_group",
    ];
    for technique in techniques {
        let (file, folder) = (format!("src/techniques/{technique}.rs"), format!("src/techniques/{technique}/mod.rs"));
        let found = documented(if Path::new(&file).exists() { &file } else { &folder }, technique);
        assert!(found.len() > 2, "{technique}: the table of parameters is found");
        wanted.extend(found);
    }
    wanted.extend(documented("src/controllers/fault.rs", "fault"));
    for (path, item) in [
        ("src/controllers/fault.rs", "enum What"),
        ("src/techniques/quorum_storage/mod.rs", "enum Reads"),
        ("src/techniques/quorum_storage/mod.rs", "enum WithoutQuorum"),
        ("src/techniques/raft_group/mod.rs", "enum RaftReads"),
        ("src/techniques/raft_group/mod.rs", "enum WithoutLeader"),
        ("src/techniques/parts/steps.rs", "enum Step"),
        ("src/techniques/parts/balancer.rs", "enum Policy"),
        ("src/techniques/parts/placement/mod.rs", "enum Placement"),
        ("src/techniques/parts/placement/ids.rs", "enum Ids"),
        ("src/techniques/shards.rs", "struct Dedicated"),
        ("src/techniques/vector_database.rs", "enum VectorOperation"),
        ("src/techniques/vector_database.rs", "enum WriteConsistency"),
        ("src/techniques/vector_database/partition.rs", "enum Partition"),
        ("src/techniques/parts/arrivals.rs", "enum Arrivals"),
        ("src/techniques/link.rs", "struct Retry"),
        ("src/techniques/link.rs", "enum Jitter"),
        ("src/techniques/parts/pod.rs", "struct Sidecar"),
        ("src/techniques/parts/pool/written.rs", "struct Pool"),
        ("src/techniques/pg_bouncer.rs", "enum PoolMode"),
        ("src/techniques/database/read_replicas.rs", "struct ReadReplicas"),
        ("src/techniques/database/read_replicas.rs", "struct Failover"),
        ("src/techniques/database/statement.rs", "enum Query"),
        ("src/techniques/database/table.rs", "struct Table"),
        ("src/techniques/database/table.rs", "struct Checkpoint"),
        ("src/techniques/database/read_replicas.rs", "enum Replication"),
        ("src/techniques/database/read_replicas.rs", "enum Acknowledge"),
        ("src/techniques/database/read_replicas.rs", "enum Endpoint"),
        ("src/techniques/database/read_replicas.rs", "enum Consistency"),
        ("src/techniques/service.rs", "enum Discipline"),
        ("src/techniques/service.rs", "enum Scheduling"),
    ] {
        let found = listed(path, item);
        assert!(found.len() > 1, "{item}: the variants are found");
        wanted.extend(found);
    }
    let mut knobs = all();
    knobs.extend(caches::slow_knobs());
    all_are_there(&wanted, &knobs);
}

#[test]
fn every_knob_moves_its_number() {
    every_one_moves(&all(), 20.0);
}

/// Checks that each of these names has a knob.
pub fn all_are_there(wanted: &[String], knobs: &[Knob]) {
    let known = |name: &String| knobs.iter().any(|knob| knob.names.contains(&name.as_str()));
    let forgotten: Vec<&String> = wanted.iter().filter(|name| !known(name)).collect();
    assert!(forgotten.is_empty(), "nothing shows that these do anything: {forgotten:?}");
}

/// Checks that each of these knobs moves its number, in runs of this length.
pub fn every_one_moves(knobs: &[Knob], seconds: f64) {
    let mut stuck = Vec::new();
    for knob in knobs {
        let measured = |edits| (knob.measure)(&run(&prepare(&knob.model, edits), seconds));
        let (low, high) = (measured(knob.low), measured(knob.high));
        println!("{:60} {low:>14.6} {high:>14.6}", knob.names.join(" "));
        if high <= low * knob.factor || !high.is_finite() || !low.is_finite() {
            stuck.push(format!("{:?} {:?}: {low} against {high}", knob.names, knob.high));
        }
    }
    assert!(stuck.is_empty(), "\n{}", stuck.join("\n"));
}
