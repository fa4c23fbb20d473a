//! What entries go, how large they are, when they expire, and who keeps them.

use super::{Knob, all_are_there, every_one_moves, knob, listed};
use crate::run::{Run, architecture};

type Edits = &'static [(&'static str, &'static str)];

fn hits(run: &Run) -> f64 {
    run.share("cache", "hit_ratio")
}

fn used(run: &Run) -> f64 {
    run.share("cache", "memory_used_ratio")
}

fn refused(run: &Run) -> f64 {
    run.share("cache", "refused_per_set_ratio")
}

fn fetched(run: &Run) -> f64 {
    run.arrivals("origin")
}

fn latency(run: &Run) -> f64 {
    run.latency_s("clients")
}

/// Popular and less popular things, a tenth of which fit.
fn model(cache: &str) -> String {
    architecture(
        "\"thing\": Zipf(count: 1000, exponent: 0.9)",
        &format!(
            r#""clients": Clients(rate: "800/s", mix: {{ "server.request": 1 }}),
               "server": Service(operations: {{ "request": [ CacheAside(cache: "cache", key: "thing", miss: [ Call("origin.fetch") ]) ] }}),
               "cache": Cache({cache}),
               "origin": Service(operations: {{ "fetch": [] }}),"#
        ),
        "",
    )
}

fn better(names: &'static [&'static str], low: Edits, high: Edits) -> Knob {
    Knob { factor: 1.02, ..knob(names, model("entries: 100"), low, high, hits) }
}

const FIFO: Edits = &[("nodes.cache.eviction", "Fifo")];
const LRU: Edits = &[("nodes.cache.eviction", "Lru")];
const LFU: Edits = &[("nodes.cache.eviction", "AllkeysLfu")];

fn eviction() -> Vec<Knob> {
    let nothing_goes = |names, high| knob(names, model("entries: 100"), LRU, high, refused);
    vec![
        better(&["cache.eviction", "Eviction.Fifo", "Eviction.Lru"], FIFO, LRU),
        better(&["Eviction.Lfu"], LRU, &[("nodes.cache.eviction", "Lfu")]),
        better(&["Eviction.Clock"], FIFO, &[("nodes.cache.eviction", "Clock")]),
        better(&["Eviction.Sieve"], LRU, &[("nodes.cache.eviction", "Sieve")]),
        better(&["Eviction.S3Fifo"], LRU, &[("nodes.cache.eviction", "S3Fifo")]),
        better(&["Eviction.Arc"], LRU, &[("nodes.cache.eviction", "Arc")]),
        // With hundreds of things in a second a clock of seconds hardly orders them.
        better(&["Eviction.AllkeysLru"], &[("nodes.cache.eviction", "AllkeysLru")], LRU),
        better(&["Eviction.AllkeysLfu"], LRU, LFU),
        better(&["Eviction.AllkeysRandom"], &[("nodes.cache.eviction", "AllkeysRandom")], LRU),
        // Nothing here has a time to live, so nothing may go.
        nothing_goes(&["Eviction.VolatileLru"], &[("nodes.cache.eviction", "VolatileLru")]),
        nothing_goes(&["Eviction.VolatileLfu"], &[("nodes.cache.eviction", "VolatileLfu")]),
        nothing_goes(&["Eviction.VolatileRandom"], &[("nodes.cache.eviction", "VolatileRandom")]),
        nothing_goes(&["Eviction.VolatileTtl"], &[("nodes.cache.eviction", "VolatileTtl")]),
        nothing_goes(&["Eviction.TtlOnly"], &[("nodes.cache.eviction", "TtlOnly")]),
        knob(
            &["Eviction.Noeviction"],
            model("entries: 100"),
            &[("nodes.cache.eviction", "TtlOnly")],
            &[("nodes.cache.eviction", "Noeviction")],
            |run| run.failed_ratio("cache"),
        ),
        better(
            &["cache.maxmemory_samples"],
            &[("nodes.cache.eviction", "AllkeysLfu"), ("nodes.cache.maxmemory_samples", "1")],
            &[("nodes.cache.eviction", "AllkeysLfu"), ("nodes.cache.maxmemory_samples", "20")],
        ),
        better(
            &["cache.lfu_log_factor"],
            &[("nodes.cache.eviction", "AllkeysLfu"), ("nodes.cache.lfu_log_factor", "10000")],
            &[("nodes.cache.eviction", "AllkeysLfu"), ("nodes.cache.lfu_log_factor", "1")],
        ),
    ]
}

/// Whose effect takes minutes: things are asked for rarely, so that counters fall to nothing in a minute.
fn slow() -> Vec<Knob> {
    vec![better(
        &["cache.lfu_decay_time"],
        &[
            ("nodes.clients.rate", "\"4/s\""),
            ("nodes.cache.eviction", "AllkeysLfu"),
            ("nodes.cache.lfu_decay_time", "\"1m\""),
        ],
        &[
            ("nodes.clients.rate", "\"4/s\""),
            ("nodes.cache.eviction", "AllkeysLfu"),
            ("nodes.cache.lfu_decay_time", "\"0s\""),
        ],
    )]
}

fn sizes() -> Vec<Knob> {
    let sized = |names, high| {
        let low = &[("nodes.cache.entry_sizes", "Uniform(\"4KiB\", \"8KiB\")")];
        knob(names, model("maxmemory: \"400KiB\", entry_sizes: Exponential(\"4KiB\")"), low, high, hits)
    };
    vec![
        sized(
            &["cache.entry_sizes", "EntrySizes.Uniform"],
            &[("nodes.cache.entry_sizes", "Uniform(\"1KiB\", \"2KiB\")")],
        ),
        sized(&["EntrySizes.Exponential"], &[("nodes.cache.entry_sizes", "Exponential(\"1KiB\")")]),
        sized(&["EntrySizes.LogNormal"], &[("nodes.cache.entry_sizes", "LogNormal(mean: \"1KiB\", p99: \"8KiB\")")]),
        knob(
            &["EntrySizes.Trace"],
            model("maxmemory: \"400KiB\", entry_sizes: Exponential(\"4KiB\")"),
            &[("nodes.cache.entry_sizes", "Trace(file: \"models/data/cloudphysics_w106.csv\")")],
            &[],
            hits,
        ),
    ]
}

fn expiry() -> Vec<Knob> {
    let model = || {
        model("entries: 2000, eviction: Lru").replace("key: \"thing\", miss", "key: \"thing\", ttl: \"200ms\", miss")
    };
    vec![
        knob(&["cache.active_expire_effort"], model(), &[("nodes.cache.active_expire_effort", "1")], &[], used),
        knob(
            &["cache.hz"],
            model(),
            &[("nodes.cache.active_expire_effort", "1"), ("nodes.cache.hz", "500")],
            &[("nodes.cache.active_expire_effort", "1"), ("nodes.cache.hz", "1")],
            used,
        ),
    ]
}

fn servers() -> Vec<Knob> {
    let model = |cache: &str| {
        let nodes = format!(
            r#""clients": Clients(rate: "200/s", mix: {{ "server.request": 1 }}),
               "server": Service(operations: {{ "request": [ Store(cache: "cache", key: "thing") ] }}),
               "cache": Cache(entries: 2000, {cache}),"#
        );
        format!(
            "Architecture(name: \"test\", keys: {{ \"thing\": Uniform(count: 1000) }}, nodes: {{ {nodes} }}, controllers: {{
                \"outage\": Fault(target: \"cache\", at: \"5s\", what: Lose(replicas: [0])) }})"
        )
    };
    let failed: fn(&Run) -> f64 = |run| run.failed_ratio("cache");
    let replicated = || model("replicas: 1, down_after: \"1s\"");
    vec![
        knob(&["cache.replicas"], replicated(), &[], &[("nodes.cache", "Cache(entries: 2000)")], failed),
        knob(&["cache.down_after"], replicated(), &[], &[("nodes.cache.down_after", "\"5s\"")], failed),
        knob(&["cache.failover_time"], replicated(), &[], &[("nodes.cache.failover_time", "\"5s\"")], failed),
        knob(&["cache.replication_lag"], replicated(), &[], &[("nodes.cache.replication_lag", "\"2s\"")], |run| {
            run.share("cache", "lost_entries_per_hour")
        }),
    ]
}

fn through() -> Vec<Knob> {
    let model = |operation: &str| {
        architecture(
            "\"thing\": Uniform(count: 10)",
            &format!(
                r#""clients": Clients(rate: "100/s", mix: {{ "cache.ask": 1 }}),
                   "cache": Cache(entries: 100, operations: {{ "ask": {operation} }}),
                   "origin": Service(operations: {{ "fetch": [ Wait(Constant("50ms")) ] }}),"#
            ),
            "",
        )
    };
    let read = || model("ReadThrough(key: \"thing\", ttl: \"200ms\", load: [ Call(\"origin.fetch\") ])");
    let write = || model("WriteBehind(key: \"thing\", flush_delay: \"1s\", write: [ Call(\"origin.fetch\") ])");
    vec![
        knob(
            &["cache.operations", "CacheOperation.ReadThrough"],
            read(),
            &[("nodes.cache.operations.ask.ttl", "\"1h\"")],
            &[],
            fetched,
        ),
        knob(
            &["ReadThrough.single_flight"],
            read(),
            &[("nodes.cache.operations.ask.single_flight", "true")],
            &[],
            fetched,
        ),
        knob(&["ReadThrough.soft_ttl"], read(), &[("nodes.cache.operations.ask.soft_ttl", "\"100ms\"")], &[], latency),
        knob(
            &["CacheOperation.WriteThrough", "CacheOperation.WriteBehind"],
            write(),
            &[],
            &[("nodes.cache.operations.ask", "WriteThrough(key: \"thing\", write: [ Call(\"origin.fetch\") ])")],
            fetched,
        ),
        knob(
            &["WriteBehind.flush_delay"],
            write(),
            &[],
            &[("nodes.cache.operations.ask.flush_delay", "\"100ms\"")],
            fetched,
        ),
    ]
}

fn aside() -> Vec<Knob> {
    let model = |replicas: u32, fetch: &str, guards: &str| {
        architecture(
            "\"thing\": Uniform(count: 5)",
            &format!(
                r#""clients": Clients(rate: "400/s", mix: {{ "server.request": 1 }}),
                   "writers": Clients(rate: "10/s", mix: {{ "server.write": 1 }}),
                   "server": Service(replicas: {replicas}, operations: {{
                       "request": [ CacheAside(cache: "cache", key: "thing", ttl: "500ms", {guards} miss: [ Call("origin.fetch") ]) ],
                       "write": [ Invalidate(cache: "cache", key: "thing") ] }}),
                   "cache": Cache(entries: 100),
                   "origin": Service(operations: {{ "fetch": [ Wait(Constant("50ms")), {fetch} ] }}),"#
            ),
            "",
        )
    };
    let leased = |fetch: &str| model(2, fetch, "lease: Lease(retry: \"1ms\"),");
    const STEP: &str = "nodes.server.operations.request.0";
    vec![
        knob(
            &["CacheAside.single_flight"],
            model(2, "", "single_flight: true,"),
            &[],
            &[(STEP, "CacheAside(cache: \"cache\", key: \"thing\", ttl: \"500ms\", miss: [ Call(\"origin.fetch\") ])")],
            fetched,
        ),
        knob(
            &["CacheAside.lease"],
            leased(""),
            &[],
            &[(STEP, "CacheAside(cache: \"cache\", key: \"thing\", ttl: \"500ms\", miss: [ Call(\"origin.fetch\") ])")],
            fetched,
        ),
        knob(
            &["CacheAside.soft_ttl"],
            model(2, "", "single_flight: true, soft_ttl: \"200ms\","),
            &[],
            &[(
                STEP,
                "CacheAside(cache: \"cache\", key: \"thing\", ttl: \"500ms\", single_flight: true, miss: [ Call(\"origin.fetch\") ])",
            )],
            latency,
        ),
        // Who fetches fails half the time, and nobody else may before the lease is over.
        knob(
            &["Lease.interval"],
            leased("Fail(\"50%\")"),
            &[("nodes.server.operations.request.0.lease", "Lease(interval: \"60ms\", retry: \"1ms\")")],
            &[("nodes.server.operations.request.0.lease", "Lease(interval: \"1s\", retry: \"1ms\")")],
            latency,
        ),
        knob(
            &["Lease.retry"],
            leased(""),
            &[],
            &[("nodes.server.operations.request.0.lease", "Lease(retry: \"100ms\")")],
            latency,
        ),
        knob(
            &["Lease.serve_stale"],
            leased(""),
            &[("nodes.server.operations.request.0.lease", "Lease(retry: \"1ms\", serve_stale: true)")],
            &[],
            latency,
        ),
        knob(
            &["Step.Store"],
            model(2, "", ""),
            &[("nodes.server.operations.write", "[ Store(cache: \"cache\", key: \"thing\") ]")],
            &[],
            fetched,
        ),
        knob(
            &["cache.local_to"],
            model(8, "", ""),
            &[("nodes.cache.local_to", "\"server\""), ("nodes.server.operations.write", "[]")],
            &[("nodes.server.operations.write", "[]")],
            hits,
        ),
    ]
}

pub fn knobs() -> Vec<Knob> {
    let mut knobs = eviction();
    for more in [sizes(), expiry(), servers(), through(), aside()] {
        knobs.extend(more);
    }
    knobs
}

/// Of all knobs, those whose effect takes long are moved apart.
pub fn slow_knobs() -> Vec<Knob> {
    slow()
}

#[test]
fn what_takes_minutes_moves_its_number() {
    every_one_moves(&slow(), 1_500.0);
}

#[test]
fn every_policy_size_and_operation_has_a_knob() {
    let mut wanted = Vec::new();
    for (path, item) in [
        ("src/techniques/parts/store/eviction.rs", "enum Eviction"),
        ("src/techniques/cache/sizes.rs", "enum EntrySizes"),
        ("src/techniques/cache/operations.rs", "enum CacheOperation"),
        ("src/techniques/parts/steps.rs", "struct Lease"),
    ] {
        wanted.extend(listed(path, item));
    }
    assert!(wanted.len() > 20);
    all_are_there(&wanted, &knobs());
}
