//! Every balancing policy at work.

use super::{Knob, knob};
use crate::run::{Run, architecture};

/// Two replicas behind a balancer, with keys and users.
fn balanced(clients: &str, server: &str) -> String {
    architecture(
        "\"thing\": HeavyHitters(count: 1000, heavy: [\"60%\"])",
        &format!(
            r#""clients": Clients({clients}, mix: {{ "balancer.request": 1 }}),
               "balancer": LoadBalancer(target: "server"),
               "server": Service({server}, workers: 1, operations: {{ "request": [ Compute(Exponential("1ms")) ] }}),"#
        ),
        "",
    )
}

fn latency(run: &Run) -> f64 {
    run.latency_s("clients")
}

pub fn knobs() -> Vec<Knob> {
    let two = || balanced("rate: \"1200/s\"", "replicas: 2");
    let users = || balanced("users: 3, think: Exponential(\"2ms\")", "replicas: 3");
    vec![
        // A turn is more regular than chance; looking at the queues is better than a turn.
        knob(
            &["Policy.RoundRobin", "Policy.Random"],
            two(),
            &[("nodes.balancer.policy", "RoundRobin")],
            &[("nodes.balancer.policy", "Random")],
            latency,
        ),
        knob(
            &["Policy.LeastOutstanding"],
            two(),
            &[("nodes.balancer.policy", "LeastOutstanding")],
            &[("nodes.balancer.policy", "RoundRobin")],
            latency,
        ),
        knob(
            &["Policy.Weighted"],
            two(),
            &[("nodes.balancer.policy", "Weighted([1, 1])")],
            &[("nodes.balancer.policy", "Weighted([3, 1])")],
            latency,
        ),
        knob(
            &["Policy.LeastResponseTime"],
            two(),
            &[("nodes.balancer.policy", "LeastResponseTime")],
            &[("nodes.balancer.policy", "Random")],
            latency,
        ),
        knob(
            &["Policy.PowerOfChoices"],
            balanced("rate: \"8000/s\"", "replicas: 10"),
            &[("nodes.balancer.policy", "PowerOfChoices(2)")],
            &[("nodes.balancer.policy", "PowerOfChoices(1)")],
            latency,
        ),
        // Most requests are about one thing, which stays on one replica.
        knob(
            &["Policy.ConsistentHash"],
            two(),
            &[("nodes.balancer.policy", "Random")],
            &[("nodes.balancer.policy", "ConsistentHash(key: \"thing\")")],
            latency,
        ),
        // Three users, three replicas: by turns they rarely meet, but bound to a replica two may share one for good.
        knob(
            &["Policy.SessionAffinity"],
            users(),
            &[("nodes.balancer.policy", "LeastOutstanding")],
            &[("nodes.balancer.policy", "SessionAffinity")],
            latency,
        ),
        // Each keeps the replica that it was given first, in turn; bound by chance, two share one.
        knob(
            &["Policy.PersistentConnections"],
            users(),
            &[("nodes.balancer.policy", "PersistentConnections")],
            &[("nodes.balancer.policy", "SessionAffinity")],
            latency,
        ),
    ]
}
