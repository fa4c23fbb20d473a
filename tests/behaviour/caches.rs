//! Caches beyond their hit ratio: stampedes and what guards against them, writing through and behind, memory that is lost.

use crate::run::{Run, architecture, prepare, run};

/// A page that everybody wants, kept for ten seconds, and fetched in a fifth of a second.
fn popular(guards: &str) -> String {
    architecture(
        "\"page\": Uniform(count: 1)",
        &format!(
            r#""readers": Clients(rate: "1000/s", arrivals: Constant, mix: {{ "web.page": 1 }}),
               "web": Service(replicas: 4, operations: {{ "page": [
                   CacheAside(cache: "cache", key: "page", ttl: "10s", miss: [ Call("origin.fetch") ], {guards}) ] }}),
               "cache": Cache(entries: 10),
               "origin": Service(operations: {{ "fetch": [ Wait(Constant("200ms")) ] }}),"#
        ),
        "",
    )
}

fn stampede(guards: &str) -> Run {
    run(&prepare(&popular(guards), &[]), 35.0)
}

#[test]
fn a_popular_page_that_expires_is_fetched_by_all_who_want_it_unless_they_are_held_back() {
    // It expires three times, and is not there at the start. Each time 200 requests come before the first has it.
    let all = stampede("").arrivals("origin");
    assert!((795.0..=805.0).contains(&all), "{all}");
    // One at each of four replicas.
    assert_eq!(stampede("single_flight: true").arrivals("origin"), 16.0);
    // One of all.
    let leased = stampede("lease: Lease()").arrivals("origin");
    assert_eq!(leased, 4.0);
    // Leases cut the rate of queries by more than five times (thirteen in the paper, whose keys were less popular).
    assert!(all / leased >= 5.0);
}

#[test]
fn who_finds_a_stale_page_does_not_wait_for_a_fresh_one() {
    let slowest = |guards| stampede(guards).latency_quantile_s("readers", 0.99);
    assert!(slowest("single_flight: true") > 0.1);
    let run = stampede("single_flight: true, soft_ttl: \"8s\"");
    // All but those who came when nothing was there yet, less than one in a hundred.
    assert!(run.latency_quantile_s("readers", 0.99) < 0.001);
    // Four at the start, and four each time that it is eight seconds old, by who comes next to each replica.
    assert_eq!(run.arrivals("origin"), 4.0 + 4.0 * 4.0);
    // Stale is what comes until the first has been fetched anew.
    let stale = run.share("cache", "stale_ratio") * 35_000.0;
    assert!((795.0..=805.0).contains(&stale), "{stale}");
    assert_eq!(stampede("lease: Lease(), soft_ttl: \"8s\"").arrivals("origin"), 1.0 + 4.0);
}

#[test]
fn who_waits_for_a_fetch_that_fails_fails_too() {
    let text = popular("single_flight: true")
        .replace("[ Wait(Constant(\"200ms\")) ]", "[ Wait(Constant(\"200ms\")), Fail(\"100%\") ]");
    let run = run(&prepare(&text, &[]), 10.0);
    assert_eq!(run.failed_ratio("readers"), 1.0);
    // Each replica tries again every 200 ms and no more often.
    let fetches = run.arrivals("origin");
    assert!((190.0..=204.0).contains(&fetches), "{fetches}");
    assert!(run.share("web", "coalesced_ratio") > 0.97);
}

#[test]
fn flights_end_with_their_replica() {
    // The page is fetched from 10.204 s on, and the first replica is killed meanwhile.
    let text = popular("single_flight: true").replace(
        "links: {  }",
        "links: {}, controllers: { \"roll\": RollingUpdate(target: \"web\", at: [\"10.25s\"]) }",
    );
    let text =
        text.replace("replicas: 4,", "replicas: 4, termination_grace_period: \"10ms\", startup: Constant(\"1s\"),");
    let run = run(&prepare(&text, &[]), 35.0);
    let counters = run.node("readers").counters;
    assert!(counters.failed > 0, "some were waiting there");
    assert!(counters.arrivals - counters.completed - counters.failed < 5, "nobody waits for ever");
}

#[test]
fn entries_that_were_stored_together_expire_apart_with_a_jitter() {
    let model = |jitter: &str| {
        architecture(
            "\"page\": Uniform(count: 200)",
            &format!(
                r#""readers": Clients(rate: "4000/s", mix: {{ "web.page": 1 }}),
                   "web": Service(operations: {{ "page": [ CacheAside(cache: "cache", key: "page", ttl: "2s", {jitter}
                       single_flight: true, miss: [ Call("origin.fetch") ]) ] }}),
                   "cache": Cache(entries: 1000),
                   "origin": Service(workers: 1, operations: {{ "fetch": [ Wait(Constant("4ms")) ] }}),"#
            ),
            "",
        )
    };
    let wait_s = |jitter| run(&prepare(&model(jitter), &[]), 60.0).wait_s("origin");
    let (together, apart) = (wait_s(""), wait_s("ttl_jitter: \"50%\","));
    assert!(apart < 0.85 * together, "{apart} s with a jitter, {together} s without");
}

fn written(operation: &str) -> String {
    let nodes = format!(
        r#""writers": Clients(rate: "1000/s", arrivals: Constant, mix: {{ "cache.put": 1 }}),
           "cache": Cache(entries: 100, operations: {{ "put": {operation} }}),
           "origin": Service(operations: {{ "write": [ Wait(Constant("5ms")) ] }}),"#
    );
    format!(
        "Architecture(name: \"test\", keys: {{ \"row\": Uniform(count: 10) }}, nodes: {{ {nodes} }}, controllers: {{
            \"outage\": Fault(target: \"cache\", at: \"5.5s\", duration: \"1s\", what: Lose(replicas: [0])) }})"
    )
}

#[test]
fn what_is_written_behind_is_written_once_for_many_and_lost_with_the_memory() {
    let behind = run(
        &prepare(&written("WriteBehind(key: \"row\", flush_delay: \"1s\", write: [ Call(\"origin.write\") ])"), &[]),
        10.0,
    );
    let through = run(&prepare(&written("WriteThrough(key: \"row\", write: [ Call(\"origin.write\") ])"), &[]), 10.0);
    // For a second of ten nobody is served.
    assert!((through.failed_ratio("writers") - 0.1).abs() < 0.002);
    assert!((behind.failed_ratio("writers") - 0.1).abs() < 0.002);
    assert!((through.arrivals("origin") - 9_000.0).abs() <= 10.0);
    assert!((through.latency_s("writers") - 0.005).abs() < 1e-6);
    // Ten rows, each written about once a second.
    assert!((60.0..=90.0).contains(&behind.arrivals("origin")));
    assert!(behind.latency_s("writers") < 1e-9);
    assert!(behind.share("cache", "coalesced_writes_ratio") > 0.98);
    // Nearly all of the ten rows had a write waiting when the memory was lost.
    let lost = behind.share("cache", "lost_writes_per_hour") * 10.0 / 3600.0;
    assert!((8.0..=10.0).contains(&lost.round()), "{lost}");
    assert_eq!(through.node("cache").shares.iter().filter(|share| share.name == "lost_writes_per_hour").count(), 0);
}

fn failing(cache: &str, what: &str) -> String {
    format!(
        r#"Architecture(name: "test", keys: {{ "row": Uniform(count: 100) }}, nodes: {{
            "readers": Clients(rate: "1000/s", mix: {{ "web.read": 1 }}),
            "web": Service(operations: {{ "read": [ CacheAside(cache: "cache", key: "row", miss: [ Call("origin.read") ]) ] }}),
            "cache": Cache(entries: 1000{cache}),
            "origin": Service(operations: {{ "read": [] }}),
        }}, controllers: {{ "outage": Fault(target: "cache", at: "10s", {what}) }})"#
    )
}

#[test]
fn a_cache_that_is_lost_comes_back_empty_unless_a_replica_takes_over() {
    let fetched = |cache, what| {
        let run = run(&prepare(&failing(cache, what), &[]), 60.0);
        (run.arrivals("origin"), run.share("cache", "lost_entries_per_hour") / 60.0)
    };
    // Two seconds of all requests, and every row once more.
    let (alone, lost) = fetched("", "duration: \"2s\", what: Lose(replicas: [0])");
    assert!((2_000.0..2_600.0).contains(&alone), "{alone}");
    assert_eq!(lost, 100.0);
    // Sentinel needs six seconds, and then nearly everything is there.
    let sentinel = ", replicas: 1, down_after: \"5s\", failover_time: \"1s\", replication_lag: \"100ms\"";
    let (replicated, lost) = fetched(sentinel, "what: Lose(replicas: [0])");
    assert!((5_800.0..6_500.0).contains(&replicated), "{replicated}");
    assert!(lost < 1.0, "{lost}");
    // A master that comes back before it was taken for lost has nothing in its memory.
    let (_, lost) = fetched(sentinel, "duration: \"2s\", what: Lose(replicas: [0])");
    assert_eq!(lost, 100.0);
    // Nobody misses a replica.
    let (untouched, lost) = fetched(sentinel, "what: Lose(replicas: [1])");
    assert!((100.0..=130.0).contains(&untouched) && lost == 0.0, "{untouched}");
}

#[test]
fn young_entries_are_lost_with_a_master_whose_replica_lags() {
    // All rows are rewritten ten times a second.
    let text = failing(
        ", replicas: 1, down_after: \"1s\", failover_time: \"0s\", replication_lag: \"2s\"",
        "what: Lose(replicas: [0])",
    )
    .replace(
        "CacheAside(cache: \"cache\", key: \"row\", miss: [ Call(\"origin.read\") ])",
        "Store(cache: \"cache\", key: \"row\")",
    );
    let lost = run(&prepare(&text, &[]), 20.0).share("cache", "lost_entries_per_hour") * 20.0 / 3600.0;
    assert!((lost - 100.0).abs() < 1e-9, "{lost}");
}

#[test]
fn memory_within_each_replica_answers_before_the_shared_cache() {
    let text = architecture(
        "\"row\": Uniform(count: 50)",
        r#""readers": Clients(rate: "1000/s", mix: { "web.read": 1 }),
           "web": Service(replicas: 4, operations: { "read": [
               CacheAside(cache: "local", key: "row", miss: [
                   CacheAside(cache: "shared", key: "row", miss: [ Call("origin.read") ]) ]) ] }),
           "local": Cache(entries: 1000, local_to: "web"),
           "shared": Cache(entries: 1000, latency: Constant("1ms")),
           "origin": Service(operations: { "read": [] }),"#,
        "",
    );
    let whole = run(&prepare(&text, &[]), 20.0);
    // Each row is fetched about once by each replica, and about once by the first of them.
    let asked = whole.share("shared", "hit_ratio");
    assert!((0.6..0.76).contains(&asked), "{asked}");
    assert!((50.0..=60.0).contains(&whole.arrivals("origin")));
    assert!(whole.share("local", "hit_ratio") > 0.98);
    // Four memories with room for a thousand each.
    let used = whole.share("local", "memory_used_ratio");
    assert!((0.045..0.05).contains(&used), "{used}");
    // New replicas begin with nothing.
    let rolled = text
        .replace("links: {  }", "links: {}, controllers: { \"roll\": RollingUpdate(target: \"web\", at: [\"10s\"]) }");
    let rolled = run(&prepare(&rolled, &[]), 20.0);
    assert!(rolled.arrivals("shared") > 1.6 * whole.arrivals("shared"));
}

#[test]
fn reading_through_is_reading_aside_by_the_cache_itself() {
    let (nodes, operations) = (
        r#""readers": Clients(rate: "500/s", mix: { "cdn.page": 1 }), "origin": Service(operations: { "page": [ Wait(Constant("10ms")) ] }),"#,
        r#"operations: { "page": ReadThrough(key: "page", ttl: "5s", load: [ Call("origin.page") ]) }"#,
    );
    let through = architecture(
        "\"page\": Zipf(count: 1000, exponent: 0.8)",
        &format!("{nodes} \"cdn\": Cache(entries: 300, {operations}),"),
        "",
    );
    let aside = architecture(
        "\"page\": Zipf(count: 1000, exponent: 0.8)",
        &format!(
            "{nodes} \"cache\": Cache(entries: 300), \"cdn\": Service(operations: {{ \"page\": [ \
             CacheAside(cache: \"cache\", key: \"page\", ttl: \"5s\", miss: [ Call(\"origin.page\") ]) ] }}),"
        ),
        "",
    );
    let (through, aside) = (run(&prepare(&through, &[]), 60.0), run(&prepare(&aside, &[]), 60.0));
    assert_eq!(through.share("cdn", "hit_ratio"), aside.share("cache", "hit_ratio"));
    assert_eq!(through.arrivals("origin"), aside.arrivals("origin"));
    assert_eq!(through.latency_s("readers"), aside.latency_s("readers"));
}

#[test]
fn what_a_write_makes_outdated_is_not_kept_by_who_fetched_it_before() {
    // Reads take 100 ms to fetch, writes come every 30 ms on average: without leases most of what is kept is outdated.
    let model = |lease: &str| {
        architecture(
            "\"row\": Uniform(count: 1)",
            &format!(
                r#""readers": Clients(rate: "300/s", mix: {{ "web.read": 1 }}),
                   "writers": Clients(rate: "33/s", mix: {{ "web.write": 1 }}),
                   "web": Service(operations: {{
                       "read": [ CacheAside(cache: "cache", key: "row", miss: [ Call("origin.read") ], {lease}) ],
                       "write": [ Invalidate(cache: "cache", key: "row") ] }}),
                   "cache": Cache(entries: 10, eviction: Lru),
                   "origin": Service(operations: {{ "read": [ Wait(Constant("100ms")) ] }}),"#
            ),
            "",
        )
    };
    let all = run(&prepare(&model(""), &[]), 60.0);
    let leased = run(&prepare(&model("lease: Lease(retry: \"5ms\")"), &[]), 60.0);
    let stale = run(&prepare(&model("lease: Lease(retry: \"5ms\", serve_stale: true)"), &[]), 60.0);
    assert!(leased.share("cache", "refused_per_set_ratio") > 0.5);
    assert!(leased.arrivals("origin") < 0.3 * all.arrivals("origin"));
    // With stale rows in the place of waiting, once in ten seconds, and again until no write comes between.
    assert!(stale.arrivals("origin") < 0.3 * leased.arrivals("origin"));
    assert!(stale.latency_s("readers") < 0.5 * leased.latency_s("readers"));
}

#[test]
fn a_recording_misses_in_a_model_as_often_as_it_is_known_to() {
    let text = architecture(
        "\"block\": Trace(file: \"models/data/cloudphysics_w106.csv\")",
        r#""readers": Clients(rate: "1000/s", arrivals: Constant, mix: { "reader.read": 1 }),
           "reader": Service(operations: { "read": [ CacheAside(cache: "cache", key: "block", miss: []) ] }),
           "cache": Cache(maxmemory: "512MiB", entry_sizes: Trace(file: "models/data/cloudphysics_w106.csv")),"#,
        "",
    );
    // 113,872 reads, one each millisecond; the counts are those of `tests/data`.
    let misses = |edits: &[(&str, &str)]| {
        let run = run(&prepare(&text, edits), 113.8725);
        let hits = run.node("cache").shares[0];
        assert_eq!(hits.denominator, 113_872);
        hits.denominator - hits.numerator
    };
    assert_eq!(misses(&[]), 81_722);
    assert_eq!(misses(&[("nodes.cache", "Cache(entries: 5000)")]), 91_527);
    assert_eq!(misses(&[("nodes.cache", "Cache(entries: 5000, eviction: S3Fifo)")]), 85_689);
}
