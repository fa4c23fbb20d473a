//! What a cache of many keys takes: bytes of memory for each, and time for a read-through (look up, and keep what was missed).
//!
//! ```text
//! cargo bench --bench cache -- [--keys N] [--accesses N] [POLICY]
//! ```
//!
//! Time is the processor time of the thread. Keys are drawn uniformly from twice as many as fit, the least favourable case for a processor's caches: half of all reads
//! miss, and each miss lets an entry go.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use forescale::random::{Purpose, Seed, mix};
use forescale::techniques::parts::store::{Eviction, Lookup, NEVER, Sampling, Store};

const POLICIES: [Eviction; 9] = [
    Eviction::Lru,
    Eviction::Fifo,
    Eviction::Clock,
    Eviction::Sieve,
    Eviction::S3Fifo,
    Eviction::Arc,
    Eviction::Lfu,
    Eviction::AllkeysLru,
    Eviction::AllkeysLfu,
];

/// Nanoseconds for which this thread had a processor, where the system tells; else those that have passed.
fn processor_ns(since: Instant) -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let told = text.split_whitespace().next().and_then(|field| field.parse().ok());
    told.unwrap_or_else(|| since.elapsed().as_nanos() as u64)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |name: &str, otherwise: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
    };
    let (keys, accesses) = (number("--keys", 10_000_000), number("--accesses", 10_000_000));
    let filter = arguments.iter().find(|argument| argument.parse::<u64>().is_err() && !argument.starts_with("--"));
    println!("{:<12} {:>12} {:>12} {:>9} {:>7}", "policy", "bytes a key", "kept keys", "ns", "hits");
    for policy in POLICIES {
        let name = format!("{policy:?}");
        if filter.is_some_and(|filter| !name.to_lowercase().contains(&filter.to_lowercase())) {
            continue;
        }
        let mut store = Store::new(keys, policy, Sampling::default());
        for key in 0..keys {
            store.set(mix(key), 1, NEVER, 0);
        }
        let mut stream = Seed::new(1, 0).stream(Purpose::named("keys"));
        let mut hits = 0u64;
        let begin = Instant::now();
        let start_ns = processor_ns(begin);
        for access in 0..accesses {
            let key = mix(stream.below(2 * keys));
            let now_ns = access * 1_000_000;
            match store.get(key, now_ns) {
                Lookup::Hit { .. } => hits += 1,
                Lookup::Miss | Lookup::Expired => drop(black_box(store.set(key, 1, NEVER, now_ns))),
            }
        }
        let ns = (processor_ns(begin) - start_ns) as f64 / accesses as f64;
        let bytes = store.memory_bytes() as f64 / f64::from(store.len());
        let share = 100.0 * hits as f64 / accesses as f64;
        println!("{name:<12} {bytes:>12.1} {:>12} {ns:>9.0} {share:>6.1}%", store.len());
    }
}
