//! Shards: one is none, many are what the popularity of keys and their placement say, and the slowest of all is waited for.

use forescale::distribution::KeyLaw;
use forescale::techniques::parts::placement::Placement;

use crate::run::{Run, architecture, prepare, run};

fn with_shards(model: &str, shards: &str) -> String {
    model.replacen("nodes:", &format!("shards: {{ {shards} }}, nodes:"), 1)
}

fn database() -> String {
    architecture(
        "\"user\": Zipf(count: 1000, exponent: 0.7)",
        r#""clients": Clients(rate: "800/s", mix: { "web.read": 9, "web.write": 1 }),
           "web": Service(workers: 200, operations: {
               "read": [ Call("database.read"), Compute(Exponential("0.2ms")), Call("database.read") ],
               "write": [ Call("database.write") ] }),
           "database": Database(cores: 2, max_connections: 100, price: "$1/h", io_price: "$0.2/1M", operations: {
               "read": Read(cpu: Exponential("0.6ms"), io: Exponential("0.4ms")),
               "write": Write(cpu: Exponential("2ms"), commit: Constant("1ms")) }),"#,
        "\"web -> database\": Link(latency: Exponential(\"0.3ms\"), timeout: \"1s\")",
    )
}

fn assert_same(one: &Run, other: &Run, names: &[(&str, &str)]) {
    for (name, other_name) in names {
        assert!(one.digest(name) == other.digest(other_name), "the records of {name} and {other_name} differ");
    }
}

#[test]
fn one_shard_is_no_shard() {
    let plain = run(&prepare(&database(), &[]), 20.0);
    let placements =
        ["Modulo", "Jump", "Ketama", "Rendezvous", "RedisCluster", "Murmur2", "Maglev()", "Range([(0, 1000)])"];
    for placement in
        placements.into_iter().chain(["ConsistentHashing(virtual_nodes: 3)", "List(values: [[]], default: 0)"])
    {
        let shards =
            format!("\"database\": Shards(count: 1, key: \"user\", placement: {placement}, scatter: [\"write\"])");
        let sharded = run(&prepare(&with_shards(&database(), &shards), &[]), 20.0);
        assert_same(&plain, &sharded, &[("clients", "clients"), ("web", "web"), ("database", "database/0")]);
        assert_same(&plain, &sharded, &[("web -> database", "web -> database")]);
    }
}

#[test]
fn one_shard_of_a_cache_is_the_cache() {
    let cached = architecture(
        "\"user\": Zipf(count: 1000, exponent: 0.9), \"thing\": Uniform(count: 500)",
        r#""clients": Clients(rate: "800/s", mix: { "web.read": 9, "web.write": 1 }),
           "web": Service(operations: {
               "read": [ CacheAside(cache: "cache", key: "user", ttl: "5s", miss: [ Call("origin.read") ]),
                         CacheAside(cache: "cache", key: "thing", miss: [ Call("origin.read") ]) ],
               "write": [ Invalidate(cache: "cache", key: "user") ] }),
           "cache": Cache(entries: 300, command_time: Exponential("50us")),
           "origin": Service(operations: { "read": [ Compute(Exponential("1ms")) ] }),"#,
        "",
    );
    let plain = run(&prepare(&cached, &[]), 20.0);
    let one = run(&prepare(&with_shards(&cached, "\"cache\": Shards(count: 1)"), &[]), 20.0);
    let same = [("clients", "clients"), ("web", "web"), ("cache", "cache/0"), ("origin", "origin")];
    assert_same(&plain, &one, &same);
    // Three with a third of the memory each hold what one holds, give or take what falls unevenly.
    let three = with_shards(&cached, "\"cache\": Shards(count: 3)");
    let three = run(&prepare(&three, &[("nodes.cache.entries", "100")]), 20.0);
    let hits: Vec<f64> = (0..3).map(|shard| three.share(&format!("cache/{shard}"), "hit_ratio")).collect();
    let (all, one) = (hits.iter().sum::<f64>() / 3.0, plain.share("cache", "hit_ratio"));
    assert!((all - one).abs() < 0.03, "{hits:?} against {one}");
    let gets: f64 = (0..3).map(|shard| three.arrivals(&format!("cache/{shard}"))).sum();
    assert_eq!(gets, three.arrivals("cache"));
}

#[test]
fn a_service_is_sharded_with_all_its_replicas() {
    let service = architecture(
        "\"user\": Uniform(count: 1000)",
        r#""clients": Clients(rate: "800/s", mix: { "balancer.request": 1 }),
           "balancer": LoadBalancer(target: "server", policy: LeastOutstanding),
           "server": Service(replicas: 3, workers: 1, balancing: Random, operations: { "request": [ Compute(Exponential("1ms")) ] }),"#,
        "",
    );
    let two = run(&prepare(&with_shards(&service, "\"server\": Shards(count: 2, key: \"user\")"), &[]), 20.0);
    assert_eq!(two.arrivals("server/0") + two.arrivals("server/1"), two.arrivals("balancer"));
    assert_eq!(two.node("server/1").counters.replica_ns, 3 * 20_000_000_000);
}

#[test]
fn shards_get_the_share_that_law_and_placement_say() {
    let law = KeyLaw::Zipf { count: 1000, exponent: 0.7 };
    let shards =
        "\"database\": Shards(count: 6, key: \"user\", placement: Murmur2, key_name: \"user:*\", ids: Shuffled)";
    let sharded = run(&prepare(&with_shards(&database(), shards), &[]), 60.0);
    let written = forescale::techniques::shards::Shards {
        placement: Some(forescale::diagnostic::span::Spanned::new(Placement::Murmur2, Default::default())),
        ..ron::from_str("Shards(count: 6, key_name: Some(\"user:*\"), ids: Shuffled)").expect("shards")
    };
    let visits: Vec<f64> = (0..6).map(|shard| sharded.arrivals(&format!("database/{shard}"))).collect();
    let all: f64 = visits.iter().sum();
    for (share, visits) in written.shares(&law).iter().zip(&visits) {
        // Two reads of one request have one key, so visits come in pairs.
        let error = (2.0 * share * (1.0 - share) / all).sqrt();
        assert!((visits / all - share).abs() < 4.0 * error, "{} against {share}, standard error {error}", visits / all);
    }
    assert_eq!(sharded.arrivals("database"), all);
}

#[test]
fn the_slowest_of_n_shards_takes_the_harmonic_number_of_means() {
    let model = architecture(
        "\"user\": Uniform(count: 1000)",
        r#""clients": Clients(rate: "20/s", mix: { "database.report": 1 }),
           "database": Service(operations: { "report": [ Wait(Exponential("10ms")) ] }),"#,
        "",
    );
    for count in [1, 2, 10] {
        let shards = format!("\"database\": Shards(count: {count}, key: \"user\", scatter: [\"report\"])");
        let compiled = prepare(&with_shards(&model, &shards), &[]);
        let means: Vec<f64> = (0..20)
            .map(|replication| crate::run::run_replication(&compiled, 200.0, replication).latency_s("clients"))
            .collect();
        let mean = means.iter().sum::<f64>() / 20.0;
        let error = (means.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (20.0 * 19.0)).sqrt();
        let harmonic: f64 = (1..=count).map(|shard| 1.0 / f64::from(shard)).sum();
        assert!(
            (mean - 0.01 * harmonic).abs() < 4.0 * error,
            "{count}: {mean} against {}, error {error}",
            0.01 * harmonic
        );
        assert!(error < 0.02 * mean, "{count}: the error bar is narrow");
    }
}

#[test]
fn a_scattered_request_fails_with_any_shard_and_the_counts_hold() {
    let model = architecture(
        "\"user\": Uniform(count: 1000)",
        r#""clients": Clients(rate: "200/s", mix: { "server.all": 1, "server.one": 1 }),
           "server": Service(workers: 4, operations: { "all": [ Compute(Exponential("2ms")), Fail("10%") ],
               "one": [ Compute(Exponential("2ms")), Fail("10%") ] }),"#,
        "",
    );
    let shards =
        "\"server\": Shards(count: 3, key: \"user\", placement: Jump, scatter: [\"all\"], merge: Exponential(\"1ms\"))";
    let run = run(&prepare(&with_shards(&model, shards), &[]), 60.0);
    let failed = |place: usize| {
        let operation = &run.node("clients").operations[place];
        operation.failed as f64 / (operation.failed + operation.completed) as f64
    };
    assert!((failed(0) - (1.0 - 0.9f64.powi(3))).abs() < 0.025, "{}", failed(0));
    assert!((failed(1) - 0.1).abs() < 0.02, "{}", failed(1));
    assert!((run.share("server", "scatter_ratio") - 0.5).abs() < 0.03);
}

#[test]
fn every_shard_is_paid_for() {
    let compiled = |shards: &str| prepare(&with_shards(&database(), shards), &[]);
    let (one, eight) = (
        prepare(&database(), &[]),
        compiled("\"database\": Shards(count: 6, key: \"user\", dedicated: Dedicated(ranks_below: 9, shards: 2))"),
    );
    assert_eq!((one.standing_usd_per_hour(), eight.standing_usd_per_hour()), (1.0, 8.0));
    assert_eq!(eight.descriptions.iter().filter(|node| node.prices.usd_per_replica_hour == 1.0).count(), 8);
}

#[test]
fn uneven_zones_make_hot_shards() {
    let text = std::fs::read_to_string("models/delivery_zones.ron").expect("the model of the zones");
    let compiled = prepare(&text, &[]);
    let runs: Vec<Run> =
        (0..20).map(|replication| crate::run::run_replication(&compiled, 600.0, replication)).collect();
    let mut hottest = 0.0;
    for (zone, share) in [0.48, 0.27, 0.15, 0.10].into_iter().enumerate() {
        // Poisson arrivals that are divided stay Poisson, and one core that is shared, with exponential demands of 10 ms, is an M/M/1 queue.
        let load = 150.0 * share * 0.01;
        let (mut busy, mut waits) = (Vec::new(), Vec::new());
        for run in &runs {
            let counters = &run.node(&format!("orders/{zone}")).counters;
            busy.push(counters.busy_ns as f64 / counters.capacity_ns as f64);
            // Commits wait without a core, 4 ms in three of ten.
            waits.push(counters.in_system_ns as f64 * 1e-9 / counters.left as f64 - 0.3 * 0.004);
        }
        for (what, values, expected) in [("busy", busy, load), ("time in system", waits, 0.01 / (1.0 - load))] {
            let mean = values.iter().sum::<f64>() / 20.0;
            let error = (values.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (20.0 * 19.0)).sqrt();
            assert!(
                (mean - expected).abs() < 4.0 * error,
                "zone {zone}, {what}: {mean} against {expected}, error {error}"
            );
            hottest = f64::max(hottest, if what == "busy" { mean } else { 0.0 });
        }
    }
    // The mean says that there is room for 2.7 times the load; the north says 1.4 times.
    assert!((0.68..0.76).contains(&hottest), "{hottest}");
}

#[test]
fn what_befalls_a_sharded_node_befalls_each_of_its_shards() {
    let model = r#"Architecture(name: "test", keys: { "user": Uniform(count: 1000) }, nodes: {
        "clients": Clients(rate: "200/s", mix: { "server.request": 1 }),
        "server": Service(replicas: 2, workers: 8, startup: Constant("5s"), operations: { "request": [ Compute(Exponential("1ms")) ] }),
    }, shards: { "server": Shards(count: 3, key: "user") },
    controllers: { "slow": Fault(target: "server", at: "10s", what: Slow(replicas: [0, 1], factor: 20)) })"#;
    let run = run(&prepare(model, &[]), 20.0);
    for shard in 0..3 {
        let counters = &run.node(&format!("server/{shard}")).counters;
        let mean_s = counters.in_system_ns as f64 * 1e-9 / counters.left as f64;
        assert!(mean_s > 0.005, "shard {shard}: {mean_s}");
    }
}
