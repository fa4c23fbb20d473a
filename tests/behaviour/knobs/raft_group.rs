//! Parameters of a Raft group.

use super::{Knob, knob};
use crate::run::Run;

fn group(more: &str, faults: &str) -> String {
    format!(
        r#"Architecture(name: "test", nodes: {{
            "clients": Clients(rate: "200/s", mix: {{ "vault.write": 1 }}),
            "readers": Clients(rate: "200/s", mix: {{ "vault.read": 1 }}),
            "vault": RaftGroup(read: Exponential("1ms"), append: Exponential("1ms"), {more}),
        }}, controllers: {{ {faults} }})"#
    )
}

const LOST: &str = r#""lost": Fault(target: "vault", at: "10010ms", what: Lose(replicas: [0]))"#;

fn writes(run: &Run) -> f64 {
    run.latency_s("clients")
}

fn reads(run: &Run) -> f64 {
    run.latency_s("readers")
}

fn leaderless(run: &Run) -> f64 {
    1.0 - run.share("vault", "leader_available_ratio")
}

pub fn knobs() -> Vec<Knob> {
    vec![
        knob(
            &["raft_group.members"],
            group("zones: 1", ""),
            &[("nodes.vault.members", "5")],
            &[("nodes.vault.members", "1")],
            writes,
        ),
        knob(
            &["raft_group.zones"],
            group("cross_zone_latency: Constant(\"1ms\")", ""),
            &[("nodes.vault.zones", "1")],
            &[],
            writes,
        ),
        knob(
            &["raft_group.reads", "RaftReads.Lease", "RaftReads.ReadIndex"],
            group("latency: Constant(\"1ms\")", ""),
            &[],
            &[("nodes.vault.reads", "ReadIndex")],
            reads,
        ),
        knob(&["raft_group.read"], group("", ""), &[], &[("nodes.vault.read", "Exponential(\"2ms\")")], reads),
        knob(&["raft_group.append"], group("", ""), &[], &[("nodes.vault.append", "Exponential(\"2ms\")")], writes),
        knob(&["raft_group.latency"], group("", ""), &[], &[("nodes.vault.latency", "Constant(\"1ms\")")], writes),
        knob(
            &["raft_group.cross_zone_latency"],
            group("", ""),
            &[],
            &[("nodes.vault.cross_zone_latency", "Constant(\"1ms\")")],
            writes,
        ),
        knob(&["raft_group.disks"], group("", ""), &[], &[("nodes.vault.disks", "1")], writes),
        // The last sign of life was long ago, so that its loss is noticed soon.
        knob(
            &["raft_group.heartbeat"],
            group("election_timeout: Uniform(\"150ms\", \"160ms\")", LOST),
            &[("nodes.vault.heartbeat", "\"100ms\""), ("controllers.lost.at", "\"10090ms\"")],
            &[("nodes.vault.heartbeat", "\"5ms\""), ("controllers.lost.at", "\"10090ms\"")],
            leaderless,
        ),
        knob(
            &["raft_group.election_timeout"],
            group("", LOST),
            &[],
            &[("nodes.vault.election_timeout", "Uniform(\"1s\", \"2s\")")],
            leaderless,
        ),
        knob(
            &["raft_group.without_leader", "WithoutLeader.Wait", "WithoutLeader.Fail"],
            group("", LOST),
            &[],
            &[("nodes.vault.without_leader", "Fail")],
            |run| run.failed_ratio("clients") + 1e-4,
        ),
        knob(&["raft_group.price"], group("", ""), &[], &[("nodes.vault.price", "\"$1/h\"")], |run| {
            run.prices("vault") + 0.001
        }),
    ]
}
