//! Parameters of links and of their retries.

use super::{Knob, knob, served};
use crate::run::Run;

const OPEN: &str = "rate: \"500/s\"";
const QUICK: &str = "operations: { \"request\": [ Wait(Constant(\"1ms\")) ] }";
const FLAKY: &str = "operations: { \"request\": [ Wait(Constant(\"1ms\")), Fail(\"50%\") ] }";

fn linked(server: &str, link: &str) -> String {
    served(OPEN, server, "", &format!("\"clients -> server\": Link({link})"), "")
}

fn latency(run: &Run) -> f64 {
    run.latency_s("clients")
}

pub fn knobs() -> Vec<Knob> {
    let mut knobs = wires();
    knobs.extend(policies());
    knobs.extend(pauses());
    knobs
}

fn wires() -> Vec<Knob> {
    let wire = || linked(QUICK, "bandwidth: \"80Mbit/s\", request_size: \"10KB\", response_size: \"10KB\"");
    vec![
        knob(
            &["link.latency"],
            linked(QUICK, ""),
            &[],
            &[("links.clients -> server.latency", "Constant(\"2ms\")")],
            latency,
        ),
        knob(&["link.bandwidth"], wire(), &[], &[("links.clients -> server.bandwidth", "\"50Mbit/s\"")], latency),
        knob(&["link.request_size"], wire(), &[], &[("links.clients -> server.request_size", "\"18KB\"")], latency),
        knob(&["link.response_size"], wire(), &[], &[("links.clients -> server.response_size", "\"18KB\"")], latency),
        knob(
            &["link.transfer_price"],
            wire(),
            &[],
            &[("links.clients -> server.transfer_price", "\"$0.09/GB\"")],
            |run| run.prices("clients -> server"),
        ),
    ]
}

fn policies() -> Vec<Knob> {
    let replicas = |link: &str| {
        served(
            "rate: \"1600/s\"",
            "replicas: 2, zones: 2, workers: 1, operations: { \"request\": [ Compute(Exponential(\"1ms\")) ] }",
            "",
            &format!("\"clients -> server\": Link({link})"),
            "",
        )
    };
    vec![
        knob(
            &["link.timeout"],
            linked("operations: { \"request\": [ Wait(Exponential(\"1ms\")) ] }", "timeout: \"5ms\""),
            &[],
            &[("links.clients -> server.timeout", "\"2ms\"")],
            |run| run.failed_ratio("clients"),
        ),
        knob(
            &["link.retry"],
            linked(FLAKY, ""),
            &[("links.clients -> server.retry", "(max_attempts: 2)")],
            &[],
            |run| run.failed_ratio("clients"),
        ),
        knob(
            &["link.policy"],
            replicas("policy: LeastOutstanding"),
            &[],
            &[("links.clients -> server.policy", "Random")],
            latency,
        ),
        knob(
            &["link.cross_zone_latency"],
            replicas("policy: RoundRobin"),
            &[],
            &[("links.clients -> server.cross_zone_latency", "Constant(\"5ms\")")],
            latency,
        ),
    ]
}

fn pauses() -> Vec<Knob> {
    let retried = |retry: &str| linked(FLAKY, &format!("retry: ({retry})"));
    // The spread of the pauses, seen as the distance between two percentiles of those who paused once or more.
    let spread = |run: &Run| run.latency_quantile_s("clients", 0.9) - run.latency_quantile_s("clients", 0.8);
    let once = || retried("max_attempts: 2, backoff: \"100ms\"");
    let early = |run: &Run| 1.0 / run.latency_quantile_s("clients", 0.8);
    vec![
        knob(
            &["Retry.max_attempts"],
            retried("max_attempts: 4"),
            &[],
            &[("links.clients -> server.retry.max_attempts", "2")],
            |run| run.failed_ratio("clients"),
        ),
        knob(
            &["Retry.backoff"],
            retried("max_attempts: 3"),
            &[],
            &[("links.clients -> server.retry.backoff", "\"10ms\"")],
            latency,
        ),
        knob(
            &["Retry.multiplier"],
            retried("max_attempts: 5, backoff: \"10ms\", multiplier: 1"),
            &[],
            &[("links.clients -> server.retry.multiplier", "3")],
            latency,
        ),
        knob(
            &["Retry.max_backoff"],
            retried("max_attempts: 5, backoff: \"10ms\", max_backoff: \"10ms\""),
            &[],
            &[("links.clients -> server.retry.max_backoff", "\"1s\"")],
            latency,
        ),
        // Without jitter all who retry come back after exactly the same time.
        knob(
            &["Retry.jitter", "Jitter.None", "Jitter.Full"],
            once(),
            &[],
            &[("links.clients -> server.retry.jitter", "Full")],
            spread,
        ),
        // Half of the pause is sure with equal jitter, so the early ones are not so early as with full jitter.
        knob(
            &["Jitter.Equal"],
            once(),
            &[("links.clients -> server.retry.jitter", "Equal")],
            &[("links.clients -> server.retry.jitter", "Full")],
            early,
        ),
    ]
}
