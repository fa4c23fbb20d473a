//! PgBouncer as it was measured: `pgbench` with one statement in each transaction, 40 server connections, one event loop.

use super::once;
use crate::run::architecture;

/// Median latency in milliseconds by clients, of the rows for the simple protocol without TLS and without reconnecting.
fn measured() -> Vec<(u32, f64)> {
    let text = std::fs::read_to_string("tests/data/pooling/pgbouncer_40_connections.csv").expect("the rows");
    let rows = text.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
    rows.map(|row| (row[0].parse().expect("clients"), row[1].parse().expect("milliseconds"))).collect()
}

/// Clients that ask again as soon as they are answered, over connections that they keep.
fn pgbench(clients: u32, processing_us: f64) -> f64 {
    let text = architecture(
        "",
        &format!(
            r#""pgbench": Clients(users: {clients}, mix: {{ "pgbouncer.select": 1 }}),
               "pgbouncer": PgBouncer(target: "postgres", pool_mode: Transaction, default_pool_size: 40, min_pool_size: 40,
                   max_client_conn: 20000, processing: Constant("{processing_us}us")),
               "postgres": Database(cores: 8, operations: {{ "select": Read(cpu: Exponential("40us")) }}),"#
        ),
        &format!(r#""pgbench -> pgbouncer": Link(pool: Pool(max_size: {clients}, min_idle: 0))"#),
    );
    let seconds = 0.5 + f64::from(clients) * 1.5e-4;
    let run = once(&text, &[], seconds);
    assert_eq!(run.failed_ratio("pgbench"), 0.0);
    run.latency_quantile_s("pgbench", 0.5) * 1e3
}

#[test]
fn pgbouncer_waits_as_measured_when_its_event_loop_is_busy() {
    // On 500 clients each transaction takes the loop 12.6 ms / 500 = 25.2 us; it is two messages.
    let measured = measured();
    let of = |clients: u32| measured.iter().find(|row| row.0 == clients).expect("a row").1;
    let processing_us = of(500) * 1e3 / 500.0 / 2.0;
    for (clients, tolerance) in [(500, 0.05), (120, 0.15), (10_000, 0.15)] {
        let predicted = pgbench(clients, processing_us);
        let error = predicted / of(clients) - 1.0;
        println!("{clients} clients: measured {} ms, simulated {predicted:.3} ms, {:+.1}%", of(clients), 100.0 * error);
        assert!(error.abs() <= tolerance, "{clients} clients: {predicted} ms against {} ms", of(clients));
    }
}
