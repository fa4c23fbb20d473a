//! Caches: the hit ratio of a full one (Che's approximation; exact for few keys) and of one with a time to live.

use crate::study::{REPLICATIONS, Study, model};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for (row, keys, entries, thousands) in [
        ("cache_che_10000_0.8_100", "Zipf(count: 10000, exponent: 0.8)", "100", 100.0),
        ("cache_che_10000_0.8_1000", "Zipf(count: 10000, exponent: 0.8)", "1000", 100.0),
        ("cache_che_100000_0.9_1000", "Zipf(count: 100000, exponent: 0.9)", "1000", 100.0),
    ] {
        let mut sheet = Sheet::new(row);
        sheet.band("LRU_hit_che", full(row, keys, entries, thousands).share("cache", "hit_ratio"), 0.01);
        checks.extend(sheet.checks);
    }
    let row = "cache_exact_10_1.0_3";
    let found = full(row, "Zipf(count: 10, exponent: 1.0)", "3", 100.0).share("cache", "hit_ratio");
    let mut sheet = Sheet::new(row);
    sheet.exact("LRU_hit_exact", found);
    sheet.band("LRU_hit_che", found, 0.02);
    checks.extend(sheet.checks);

    let keys = "Zipf(count: 1000, exponent: 0.9)";
    checks.extend(time_to_live("ttl_100.0_1.0", keys, 100.0, 1.0, 600.0, true));
    checks.extend(time_to_live("ttl_1000.0_60.0", keys, 1000.0, 60.0, 900.0, true));
    checks.extend(time_to_live("ttl_single", "Uniform(count: 1)", 2.0, 1.5, 10_000.0, false));
    checks
}

/// A cache that is full all the time; one request each millisecond.
fn full(row: &str, keys: &str, entries: &str, thousands: f64) -> Study {
    let compiled = model("cache", &[("keys.object", keys), ("nodes.cache.entries", entries)]);
    Study::run(row, &compiled, thousands * 1000.0)
}

/// A cache with room for all keys whose entries live for `ttl_s` from when they were stored. Entries that are stored at
/// the start expire together for a long while, so each replication opens its window at another moment of that cycle.
fn time_to_live(row: &str, keys: &str, rate: f64, ttl_s: f64, seconds: f64, origin: bool) -> Vec<Check> {
    let miss = format!(
        "[ CacheAside(cache: \"cache\", key: \"object\", ttl: \"{ttl_s}s\", miss: [ Call(\"origin.fetch\") ]) ]"
    );
    let rate = format!("\"{rate}/s\"");
    let compiled = model(
        "cache",
        &[
            ("keys.object", keys),
            ("nodes.clients.rate", &rate),
            ("nodes.cache.entries", "1000"),
            ("nodes.reader.operations.read", &miss),
        ],
    );
    let study = Study::run_windows(row, &compiled, REPLICATIONS, |replication| {
        let start = 0.25 * seconds + ttl_s * replication as f64 / REPLICATIONS as f64;
        (start * 1e3, (start + seconds) * 1e3)
    });
    let mut sheet = Sheet::new(row);
    sheet.exact("hit_fixed", study.share("cache", "hit_ratio"));
    if origin {
        // From events per millisecond to events per second.
        let fetches = study.per_time("origin", |node| node.counters.arrivals as f64);
        sheet.exact("origin_rps_fixed", fetches.over(1e-3));
    }
    sheet.checks
}
