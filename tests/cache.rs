//! Every policy misses on a real trace as often as it does elsewhere (`tests/data/cache_README.md`), and never less often than
//! anybody could who knew the future.

use std::collections::BTreeSet;
use std::path::PathBuf;

use forescale::random::{Purpose, Seed};
use forescale::techniques::parts::store::{Eviction, Lookup, NEVER, Sampling, Store, Stored};
use serde_json::Value;

const MIB: u64 = 1 << 20;

#[derive(Clone, Copy)]
struct Read {
    key: u64,
    size: u32,
}

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn trace() -> Vec<Read> {
    let text = std::fs::read_to_string(root("models/data/cloudphysics_w106.csv")).expect("the trace");
    let rows = text.lines().skip(1).map(|row| row.split_once(',').expect("two columns"));
    let number = |text: &str| text.parse::<u64>().expect("a number");
    rows.map(|(key, size)| Read { key: number(key), size: number(size) as u32 }).collect()
}

fn data(file: &str) -> Value {
    let text = std::fs::read_to_string(root("tests/data").join(file)).expect("a file of cases");
    serde_json::from_str(&text).expect("JSON")
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().expect("a list").iter().map(|number| number.as_u64().expect("a count")).collect()
}

fn eviction(name: &str) -> Eviction {
    match name {
        "LRU" => Eviction::Lru,
        "FIFO" => Eviction::Fifo,
        "Clock" | "CLOCK" => Eviction::Clock,
        "Sieve" => Eviction::Sieve,
        "S3FIFO" => Eviction::S3Fifo,
        "LFU" => Eviction::Lfu,
        "ARC" => Eviction::Arc,
        _ => panic!("a policy {name}"),
    }
}

/// Of each read, whether it was a hit.
fn replay(trace: &[Read], room: u64, eviction: Eviction, seed: u64) -> Vec<bool> {
    let mut store = Store::new(room, eviction, Sampling::default());
    store.seed(Seed::new(seed, 0).stream(Purpose::named("eviction")));
    let read = |(second, read): (usize, &Read)| {
        let now_ns = second as u64 * 1_000_000_000 / 16;
        let is_hit = matches!(store.get(read.key, now_ns), Lookup::Hit { .. });
        if !is_hit {
            store.set(read.key, read.size, NEVER, now_ns);
        }
        is_hit
    };
    let hits = trace.iter().enumerate().map(read).collect();
    store.audit().expect("what is counted is there");
    hits
}

fn misses(trace: &[Read], room: u64, eviction: Eviction) -> u64 {
    replay(trace, room, eviction, 1).iter().filter(|hit| !**hit).count() as u64
}

fn same_size(trace: &[Read]) -> Vec<Read> {
    trace.iter().map(|read| Read { size: 1, ..*read }).collect()
}

/// Holds cases against a table of misses by policy: how many passed, and what did not.
fn compare(trace: &[Read], rooms: &[u64], table: &Value, policies: &[&str]) -> (usize, Vec<String>) {
    let (mut passed, mut wrong) = (0, Vec::new());
    for name in policies {
        let expected = numbers(table[name].get("miss").unwrap_or(&table[name]));
        assert_eq!(rooms.len(), expected.len(), "{name}");
        for (&room, &expected) in rooms.iter().zip(&expected) {
            let found = misses(trace, room, eviction(name));
            if found == expected { passed += 1 } else { wrong.push(format!("{name} {room}: {found}, not {expected}")) }
        }
    }
    (passed, wrong)
}

#[test]
fn lru_and_clock_miss_exactly_as_given() {
    let trace = trace();
    assert_eq!(trace.len(), 113_872);
    let bytes = data("cache_miss_by_bytes.json");
    let rooms: Vec<u64> = numbers(&bytes["sizes_MiB"]).iter().map(|size| size * MIB).collect();
    let (of_bytes, wrong) = compare(&trace, &rooms, &bytes["policies"], &["LRU", "Clock"]);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let objects = data("cache_miss_by_objects.json");
    let rooms = numbers(&objects["sizes_objects"]);
    let (of_objects, wrong) = compare(&same_size(&trace), &rooms, &objects["miss"], &["LRU", "CLOCK"]);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(of_bytes + of_objects, 32);
}

#[test]
fn other_policies_miss_as_often_as_elsewhere() {
    let (trace, elsewhere) = (trace(), data("cache_libcachesim.json"));
    let rooms: Vec<u64> = numbers(&elsewhere["sizes_MiB"]).iter().map(|size| size * MIB).collect();
    let policies = ["FIFO", "Sieve", "S3FIFO", "LFU", "ARC"];
    let (of_bytes, mut wrong) = compare(&trace, &rooms, &elsewhere["miss_by_bytes"], &policies[..4]);
    let objects = numbers(&elsewhere["sizes_objects"]);
    let (of_objects, more) = compare(&same_size(&trace), &objects, &elsewhere["miss_by_objects"], &policies);
    wrong.extend(more);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(of_bytes + of_objects, 72);
    // The paper of ARC knows pages of one size; how lists of entries of several sizes share the room is everybody's own choice.
    for (room, given) in rooms.into_iter().zip(numbers(&elsewhere["miss_by_bytes"]["ARC"])) {
        let off = misses(&trace, room, Eviction::Arc) as f64 / given as f64 - 1.0;
        assert!(off.abs() < 0.025, "ARC {room}: {:+.2}%", 100.0 * off);
    }
}

/// Misses of who lets that entry go that is asked for last (Belady 1966), all of size 1.
fn least_misses(trace: &[Read], room: usize) -> u64 {
    let mut next = vec![usize::MAX; trace.len()];
    let mut later = vec![usize::MAX; trace.iter().map(|read| read.key as usize + 1).max().unwrap_or(0)];
    for (at, read) in trace.iter().enumerate().rev() {
        next[at] = std::mem::replace(&mut later[read.key as usize], at);
    }
    let (mut kept, mut misses) = (BTreeSet::new(), 0);
    for (at, read) in trace.iter().enumerate() {
        if !kept.remove(&(at, read.key)) {
            misses += 1;
            if kept.len() == room {
                kept.pop_last();
            }
        }
        // What is never asked for again still takes its place until it goes.
        kept.insert((next[at], read.key));
    }
    misses
}

const ALL: [Eviction; 9] = [
    Eviction::Lru,
    Eviction::Lfu,
    Eviction::Fifo,
    Eviction::Clock,
    Eviction::Sieve,
    Eviction::S3Fifo,
    Eviction::Arc,
    Eviction::AllkeysLru,
    Eviction::AllkeysLfu,
];

#[test]
fn nobody_misses_less_often_than_who_knows_the_future() {
    let trace = same_size(&trace());
    for room in [1_000, 10_000, 40_000] {
        let least = least_misses(&trace, room);
        assert!(least >= 48_974, "every block is missed once");
        for eviction in ALL.into_iter().chain([Eviction::AllkeysRandom]) {
            let found = misses(&trace, room as u64, eviction);
            assert!(
                found >= least,
                "{eviction:?} misses {found} times with room for {room}, at least {least} are needed"
            );
        }
    }
}

#[test]
fn what_a_small_least_recently_used_cache_has_a_larger_one_has() {
    let trace = same_size(&trace());
    let hits = [100, 1_000, 5_000, 20_000].map(|room| replay(&trace, room, Eviction::Lru, 1));
    for pair in hits.windows(2) {
        assert!(pair[0].iter().zip(&pair[1]).all(|(smaller, larger)| !smaller || *larger));
    }
}

/// The misses that are given for this policy are those of one run of an older version. Three runs of version 0.3.5 (in
/// `cache_libcachesim.json`) scatter by less than half a percent and lie up to 2% above what is given where the cache is large;
/// ours, drawn uniformly, lie another half a percent above. Neither of the others draws from all entries alike, as they draw
/// places of a hash table. So ours are held against both, each with its own bound.
#[test]
fn random_eviction_misses_about_as_often_as_elsewhere() {
    let (trace, bytes, elsewhere) = (trace(), data("cache_miss_by_bytes.json"), data("cache_libcachesim.json"));
    let given = numbers(&bytes["policies"]["Random"]["miss"]);
    let (mut within, mut newer) = (0, 0);
    for (at, size) in numbers(&bytes["sizes_MiB"]).into_iter().enumerate() {
        let runs = [1, 2, 3].map(|seed| {
            let hits = replay(&trace, size * MIB, Eviction::AllkeysRandom, seed);
            hits.iter().filter(|hit| !**hit).count() as f64
        });
        let mean = runs.iter().sum::<f64>() / runs.len() as f64;
        let off = mean / given[at] as f64 - 1.0;
        within += usize::from(off.abs() <= 0.01);
        assert!(off.abs() < 0.03, "{size} MiB: {mean} misses, {} given", given[at]);
        if let Some(others) = elsewhere["random_by_bytes"].get(size.to_string()) {
            let others = numbers(others);
            let mean_of_others = others.iter().sum::<u64>() as f64 / others.len() as f64;
            assert!(
                (mean / mean_of_others - 1.0).abs() < 0.01,
                "{size} MiB: {mean} misses, {mean_of_others} elsewhere"
            );
            newer += 1;
        }
    }
    assert!(within >= 4 && newer == 6, "{within} of 8 within 1% of what is given");
}

/// Who looks at many entries finds the least recently used one nearly every time.
#[test]
fn more_samples_come_closer_to_least_recently_used() {
    let trace = same_size(&trace());
    let run = |maxmemory_samples| {
        let mut store = Store::new(5_000, Eviction::AllkeysLru, Sampling { maxmemory_samples, ..Sampling::default() });
        let miss = |(at, read): &(usize, &Read)| {
            let now_ns = *at as u64 * 1_000_000_000;
            let is_miss = store.get(read.key, now_ns) == Lookup::Miss;
            if is_miss {
                store.set(read.key, 1, NEVER, now_ns);
            }
            is_miss
        };
        trace.iter().enumerate().filter(miss).count() as f64
    };
    let exact = misses(&trace, 5_000, Eviction::Lru) as f64;
    let [one, five] = [1, 5].map(|samples| (run(samples) / exact - 1.0).abs());
    assert!(one > 0.01 && five < 0.001, "{one}, {five}");
}

const SECOND_NS: u64 = 1_000_000_000;

fn small(room: u64, eviction: Eviction) -> Store {
    Store::new(room, eviction, Sampling::default())
}

fn is_hit(store: &mut Store, key: u64, now_ns: u64) -> bool {
    matches!(store.get(key, now_ns), Lookup::Hit { .. })
}

#[test]
fn without_eviction_what_does_not_fit_is_not_kept() {
    for eviction in [Eviction::Noeviction, Eviction::TtlOnly] {
        let mut store = small(2, eviction);
        assert_eq!(store.set(1, 1, NEVER, 0), Stored::Kept { evicted: 0 });
        assert_eq!(store.set(2, 1, SECOND_NS, 0), Stored::Kept { evicted: 0 });
        assert_eq!(store.set(3, 1, NEVER, 0), Stored::Full { evicted: 0 });
        assert_eq!(store.set(4, 3, NEVER, 0), Stored::TooLarge);
        assert_eq!(store.get(2, SECOND_NS), Lookup::Expired);
        assert_eq!(store.set(3, 1, NEVER, SECOND_NS), Stored::Kept { evicted: 0 });
        assert_eq!((store.len(), store.used()), (2, 2));
        // One that grows beyond the room goes itself.
        assert_eq!(store.set(3, 2, NEVER, SECOND_NS), Stored::Full { evicted: 0 });
        assert!(!is_hit(&mut store, 3, SECOND_NS));
        store.audit().expect("what is counted is there");
    }
}

#[test]
fn volatile_policies_spare_what_never_expires() {
    for eviction in [Eviction::VolatileLru, Eviction::VolatileLfu, Eviction::VolatileRandom, Eviction::VolatileTtl] {
        let mut store = small(20, eviction);
        (0..10).for_each(|key| assert_eq!(store.set(key, 1, NEVER, 0), Stored::Kept { evicted: 0 }));
        for key in 10..500 {
            store.set(key, 1, (1_000 - key) * SECOND_NS, key);
        }
        assert!((0..10).all(|key| is_hit(&mut store, key, 0)), "{eviction:?}");
        // Who can no longer expire is spared from then on, until nothing may go at all.
        (500..510).for_each(|key| assert_eq!(store.set(key, 1, NEVER, 0), Stored::Kept { evicted: 1 }));
        assert_eq!(store.set(600, 1, NEVER, 0), Stored::Full { evicted: 0 });
        store.set(3, 1, 1_000 * SECOND_NS, 0);
        assert_eq!(store.set(600, 1, NEVER, 0), Stored::Kept { evicted: 1 });
        assert!(!is_hit(&mut store, 3, 0));
        store.audit().expect("what is counted is there");
    }
}

#[test]
fn of_entries_with_a_time_to_live_those_go_that_expire_first() {
    let mut store =
        Store::new(100, Eviction::VolatileTtl, Sampling { maxmemory_samples: 1_000, ..Sampling::default() });
    for key in 0..100 {
        store.set(key, 1, (1_000 + key * 37 % 100) * SECOND_NS, 0);
    }
    (100..150).for_each(|key| assert_eq!(store.set(key, 1, 9_000 * SECOND_NS, 0), Stored::Kept { evicted: 1 }));
    for key in 0..100 {
        assert_eq!(is_hit(&mut store, key, 0), key * 37 % 100 >= 50, "{key}");
    }
}

/// Whatever is done to it, a store keeps its books, and has what a plain list of what should be there allows.
#[test]
fn books_are_kept_whatever_happens() {
    let others = [Eviction::AllkeysRandom, Eviction::VolatileLru, Eviction::VolatileTtl, Eviction::Noeviction];
    for eviction in ALL.into_iter().chain(others) {
        let mut store = small(3_000, eviction);
        let mut stream = Seed::new(7, 0).stream(Purpose::named("operations"));
        for step in 0..30_000u64 {
            let (key, now_ns) = (stream.below(400), step * 1_000);
            match stream.below(20) {
                0 => drop(store.remove(key)),
                1..=8 => {
                    let expires_ns = if stream.below(2) == 0 { NEVER } else { now_ns + stream.below(3_000_000) };
                    let size = stream.below(60) as u32;
                    let stored = store.set(key, size, expires_ns, now_ns);
                    if let Stored::Kept { .. } = stored
                        && expires_ns > now_ns
                        && !matches!(eviction, Eviction::S3Fifo | Eviction::Fifo | Eviction::Clock)
                    {
                        assert!(!store.is_empty(), "{eviction:?}");
                    }
                }
                9 => drop(store.expire(forescale::techniques::parts::store::Cycle::new(1, 10), now_ns)),
                _ => drop(store.get(key, now_ns)),
            }
            if step % 1_000 == 0 {
                store.audit().unwrap_or_else(|wrong| panic!("{eviction:?}, step {step}: {wrong}"));
            }
            if step == 20_000 {
                store.clear();
                assert!(store.is_empty() && store.used() == 0);
            }
        }
        store.audit().unwrap_or_else(|wrong| panic!("{eviction:?}: {wrong}"));
    }
}

#[test]
fn active_expiry_leaves_few_entries_whose_time_is_over() {
    use forescale::techniques::parts::store::Cycle;
    let filled = || {
        let mut store = small(100_000, Eviction::Noeviction);
        for key in 0..50_000 {
            let expires_ns = if key % 5 == 0 { NEVER } else { SECOND_NS };
            store.set(key, 1, expires_ns, 0);
        }
        store
    };
    let mut store = filled();
    assert_eq!(store.expire(Cycle::new(1, 10), 0), 0);
    // Ten rounds a second may look at a quarter of a million entries in a second.
    let gone: u32 = (0..10).map(|_| store.expire(Cycle::new(1, 10), SECOND_NS)).sum();
    assert_eq!(gone, 40_000);
    assert_eq!(store.len(), 10_000);
    // A round ends when its time is up.
    let mut store = filled();
    assert!((25_000..25_020).contains(&store.expire(Cycle::new(1, 10), SECOND_NS)));
    let mut store = filled();
    assert!(store.expire(Cycle::new(10, 10), SECOND_NS) >= 40_000);
    // Or when less than a tenth of what it looked at was over.
    let mut store = small(100_000, Eviction::Noeviction);
    for key in 0..50_000 {
        store.set(key, 1, if key % 20 == 0 { SECOND_NS } else { 9 * SECOND_NS }, 0);
    }
    assert!(store.expire(Cycle::new(1, 10), SECOND_NS) <= 3);
}

/// The hit ratio of a full cache of independent requests, by the time that an entry stays (Che, Tung & Wang 2002; of FIFO and random
/// eviction, Fricker, Robert & Roberts 2012). `is_there` is the probability that a key is there which is asked for so often in that time.
fn approximation(shares: &[f64], room: f64, is_there: fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0f64, 1e12f64);
    for _ in 0..200 {
        let time = 0.5 * (low + high);
        let kept: f64 = shares.iter().map(|share| is_there(share * time)).sum();
        if kept < room { low = time } else { high = time }
    }
    shares.iter().map(|share| share * is_there(share * low)).sum()
}

#[test]
fn independent_requests_hit_as_often_as_is_approximated() {
    let (count, reads) = (10_000, 1_000_000);
    let keys = forescale::distribution::KeyLaw::Zipf { count, exponent: 0.9 }.compile().expect("a law");
    let shares: Vec<f64> = (0..count).map(|rank| keys.probability(rank)).collect();
    let used: fn(f64) -> f64 = |uses| 1.0 - (-uses).exp();
    let came: fn(f64) -> f64 = |uses| uses / (1.0 + uses);
    for room in [100, 300, 1_000, 3_000] {
        let measured = |eviction| {
            let mut store = Store::new(room, eviction, Sampling::default());
            let mut stream = Seed::new(5, room).stream(Purpose::named("keys"));
            let mut hits = 0;
            for read in 0..reads + 200_000 {
                let key = keys.sample(&mut stream);
                let is_hit = matches!(store.get(key, 0), Lookup::Hit { .. });
                if !is_hit {
                    store.set(key, 1, NEVER, 0);
                }
                hits += u32::from(is_hit && read >= 200_000);
            }
            f64::from(hits) / f64::from(reads)
        };
        for (eviction, is_there) in [(Eviction::Lru, used), (Eviction::Fifo, came), (Eviction::AllkeysRandom, came)] {
            let (found, expected) = (measured(eviction), approximation(&shares, room as f64, is_there));
            println!("{room} {eviction:?}: {found:.4}, approximated {expected:.4}");
            assert!((found / expected - 1.0).abs() < 0.01, "{room} {eviction:?}: {found}, approximated {expected}");
        }
        // Nobody hits more often than who always keeps the most popular.
        let best: f64 = shares.iter().take(room as usize).sum();
        for eviction in ALL {
            let found = measured(eviction);
            println!("{room} {eviction:?}: {found:.4} of {best:.4}");
            assert!(found <= best * 1.002, "{room} {eviction:?}: {found} of {best}");
        }
    }
}
