//! Every kind of step at work.

use super::{Knob, knob};
use crate::run::{Run, architecture};

fn model() -> String {
    architecture(
        "\"thing\": Uniform(count: 100)",
        r#""clients": Clients(rate: "100/s", mix: { "server.request": 1 }),
           "server": Service(workers: 4, operations: { "request": [ Compute(Constant("1ms")) ] }),
           "helper": Service(operations: { "help": [ Wait(Constant("3ms")) ] }),
           "helped": Clients(rate: "1/s", mix: { "helper.help": 1 }),
           "cache": Cache(entries: 1000, latency: Constant("2ms")),
           "queue": Queue(messages: { "job": "helper.help" }),"#,
        "",
    )
}

const STEPS: &str = "nodes.server.operations.request";

fn latency(run: &Run) -> f64 {
    run.latency_s("clients")
}

fn steps(names: &'static [&'static str], low: &'static str, high: &'static str, measure: fn(&Run) -> f64) -> Knob {
    // Knobs are tables of constants, so the edits of a step are made once and kept.
    let edit =
        |value: &'static str| -> &'static [(&'static str, &'static str)] { Box::leak(Box::new([(STEPS, value)])) };
    knob(names, model(), edit(low), edit(high), measure)
}

pub fn knobs() -> Vec<Knob> {
    vec![
        steps(&["Step.Compute"], "[ Compute(Constant(\"1ms\")) ]", "[ Compute(Constant(\"2ms\")) ]", latency),
        steps(&["Step.Wait"], "[ Wait(Constant(\"1ms\")) ]", "[ Wait(Constant(\"2ms\")) ]", latency),
        steps(
            &["Step.Call"],
            "[ Wait(Constant(\"1ms\")) ]",
            "[ Wait(Constant(\"1ms\")), Call(\"helper.help\") ]",
            latency,
        ),
        // In parallel the longest counts, one after the other the sum.
        steps(
            &["Step.Parallel"],
            "[ Parallel([ [ Call(\"helper.help\") ], [ Call(\"helper.help\") ] ]) ]",
            "[ Call(\"helper.help\"), Call(\"helper.help\") ]",
            latency,
        ),
        steps(
            &["Step.Choose"],
            "[ Choose([(0.9, [ Wait(Constant(\"1ms\")) ]), (0.1, [ Wait(Constant(\"9ms\")) ])]) ]",
            "[ Choose([(0.1, [ Wait(Constant(\"1ms\")) ]), (0.9, [ Wait(Constant(\"9ms\")) ])]) ]",
            latency,
        ),
        steps(
            &["Step.ChooseByKey"],
            "[ Wait(Constant(\"1ms\")), ChooseByKey(key: \"thing\", ranks_below: 10, then: [ Wait(Constant(\"9ms\")) ]) ]",
            "[ Wait(Constant(\"1ms\")), ChooseByKey(key: \"thing\", ranks_below: 90, then: [ Wait(Constant(\"9ms\")) ]) ]",
            latency,
        ),
        steps(
            &["Step.CacheAside"],
            "[ CacheAside(cache: \"cache\", key: \"thing\", ttl: \"1h\", miss: [ Call(\"helper.help\") ]) ]",
            "[ CacheAside(cache: \"cache\", key: \"thing\", ttl: \"1ms\", miss: [ Call(\"helper.help\") ]) ]",
            latency,
        ),
        steps(
            &["Step.Invalidate"],
            "[ CacheAside(cache: \"cache\", key: \"thing\", miss: [ Call(\"helper.help\") ]) ]",
            "[ CacheAside(cache: \"cache\", key: \"thing\", miss: [ Call(\"helper.help\") ]),
                 Invalidate(cache: \"cache\", key: \"thing\") ]",
            |run| run.arrivals("helper"),
        ),
        // The publisher does not wait for what the message causes, the caller does.
        steps(
            &["Step.Publish"],
            "[ Wait(Constant(\"1ms\")), Publish(\"queue.job\") ]",
            "[ Wait(Constant(\"1ms\")), Call(\"helper.help\") ]",
            latency,
        ),
        steps(
            &["Step.Repeat"],
            "[ Repeat(times: 2, steps: [ Wait(Constant(\"1ms\")) ]) ]",
            "[ Repeat(times: 4, steps: [ Wait(Constant(\"1ms\")) ]) ]",
            latency,
        ),
        // The rest after a reply occupies the worker but not the caller.
        steps(
            &["Step.Reply"],
            "[ Wait(Constant(\"1ms\")), Reply, Wait(Constant(\"5ms\")) ]",
            "[ Wait(Constant(\"1ms\")), Wait(Constant(\"5ms\")) ]",
            latency,
        ),
        steps(&["Step.Fail"], "[ Fail(\"5%\") ]", "[ Fail(\"50%\") ]", |run| run.failed_ratio("clients")),
    ]
}
