//! The same model and seed give the same run, whoever runs it.

use rayon::prelude::*;

use crate::run::{prepare, run_replication};

/// A bit of everything: balancing, a cache, a database, a queue, retries, parallel work.
pub const SHOP: &str = r#"Architecture(
    name: "shop",
    keys: { "product": Zipf(count: 1000, exponent: 0.9) },
    nodes: {
        "visitors": Clients(rate: "400/s", mix: { "balancer.view": 3, "balancer.buy": 1 }),
        "members": Clients(users: 20, think: Exponential("100ms"), mix: { "balancer.view": 1 }),
        "balancer": LoadBalancer(target: "web", policy: PowerOfChoices(2)),
        "web": Service(replicas: 3, cpu: 2, workers: 8, queue: 50, operations: {
            "view": [ Compute(Exponential("2ms")),
                      CacheAside(cache: "cache", key: "product", ttl: "5s", miss: [ Call("database.read") ]) ],
            "buy": [ Parallel([ [ Call("database.read") ], [ Compute(Exponential("1ms")) ] ]), Call("database.write"),
                     Publish("mail.receipt"), Reply, Compute(Exponential("1ms")) ],
        }),
        "cache": Cache(entries: 300, command_time: Exponential("0.1ms")),
        "database": Database(cores: 2, max_connections: 10, queue: 100, operations: {
            "read": Read(cpu: Exponential("2ms"), io: Exponential("1ms")),
            "write": Write(cpu: Exponential("1ms"), commit: Constant("2ms")),
        }),
        "mail": Queue(messages: { "receipt": "sender.send" }, consumers: 2, max_deliveries: 3),
        "sender": Service(workers: 2, operations: { "send": [ Wait(Exponential("5ms")), Fail("5%") ] }),
    },
    links: {
        "visitors -> balancer": Link(latency: Exponential("1ms"), timeout: "50ms",
                                     retry: (max_attempts: 3, backoff: "5ms", jitter: Full)),
        "web -> database": Link(latency: Constant("0.2ms")),
    },
)"#;

fn outcome(replication: u64) -> (u64, String) {
    let run = run_replication(&prepare(SHOP, &[]), 5.0, replication);
    (run.fingerprint, format!("{:?}", run.record))
}

#[test]
fn the_same_model_and_seed_give_the_same_run() {
    let compiled = prepare(SHOP, &[]);
    let (first, second) = (run_replication(&compiled, 5.0, 0), run_replication(&compiled, 5.0, 0));
    assert_eq!(first.fingerprint, second.fingerprint);
    assert_eq!(format!("{:?}", first.record), format!("{:?}", second.record));
    assert!(first.record.events > 1000, "the run is long enough to mean something");
}

#[test]
fn replications_differ() {
    assert_ne!(outcome(0).0, outcome(1).0);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        pool.install(|| (0..8_u64).into_par_iter().map(outcome).collect::<Vec<_>>())
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn windows_change_nothing() {
    let compiled = prepare(SHOP, &[]);
    let whole = run_replication(&compiled, 4.0, 0);
    let mut simulation = compiled
        .simulation(forescale::random::Seed::new(20_260_101, 0), forescale::engine::simulation::Limits::default());
    let mut merged = forescale::engine::record::Record::default();
    for quarter in 1..=4 {
        simulation.run_until(quarter * 1_000_000_000).expect("the run goes on");
        merged.merge(&simulation.take_record());
    }
    assert_eq!(simulation.fingerprint(), whole.fingerprint);
    for (one, other) in merged.nodes.iter().zip(&whole.record.nodes) {
        assert_eq!(one.counters, other.counters);
        assert_eq!(one.latency.sum_ns(), other.latency.sum_ns());
        assert_eq!(one.latency.quantile_ns(0.9), other.latency.quantile_ns(0.9));
    }
}
