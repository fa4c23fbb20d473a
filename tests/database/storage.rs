//! Memory, disks, rows and tables of a database, against what is known of them exactly.

use crate::run::{Run, architecture, prepare, run};

fn measured(keys: &str, rate: &str, database: &str, seconds: f64) -> Run {
    let nodes = format!(
        r#""clients": Clients(rate: "{rate}", mix: {{ "database.statement": 1 }}),
           "database": Database(max_connections: 5000, {database}),"#
    );
    run(&prepare(&architecture(keys, &nodes, ""), &[]), seconds)
}

#[track_caller]
fn about(found: f64, expected: f64, share: f64) {
    assert!((found - expected).abs() <= share * expected, "{found} instead of {expected}");
}

#[test]
fn a_limited_disk_is_an_m_d_1_queue() {
    let statement =
        r#"cores: 1, iops: "1000/s", operations: { "statement": Read(cpu: Constant("0ns"), io: Constant("0ns")) }"#;
    let run = measured("", "800/s", statement, 1000.0);
    about(run.latency_s("clients"), 0.001 + 0.8 / (2.0 * 0.2) * 0.001, 0.02);
    about(run.share("database", "disk_utilization_ratio"), 0.8, 0.01);
    about(run.share("database", "disk_operations_per_s"), 800.0, 0.01);
}

#[test]
fn a_hot_row_is_an_m_m_1_queue() {
    // 150 writes a second of one row, each of which holds it until its commit after 4 ms.
    let statement = |locks| {
        format!(
            r#"cores: 1, operations: {{ "statement":
                Write(cpu: Constant("0ns"), commit: Exponential("4ms"), key: "row", locks_row: {locks}) }}"#
        )
    };
    let locked = measured("\"row\": Uniform(count: 1)", "150/s", &statement(true), 2000.0);
    about(locked.latency_s("clients"), 1.0 / (250.0 - 150.0), 0.03);
    about(locked.share("database", "lock_wait_mean_s"), 0.6 / (250.0 - 150.0), 0.04);
    let free = measured("\"row\": Uniform(count: 1)", "150/s", &statement(false), 100.0);
    about(free.latency_s("clients"), 0.004, 0.03);
    // Among many rows hardly two writes meet.
    let many = measured("\"row\": Uniform(count: 100000)", "150/s", &statement(true), 100.0);
    about(many.latency_s("clients"), 0.004, 0.03);
}

/// The hit ratio of a least-recently-used list of `room` entries by Che's approximation (Che, Tung & Wang 2002).
fn che(popularity: &[f64], room: f64) -> f64 {
    let filled = |time: f64| popularity.iter().map(|p| 1.0 - (-p * time).exp()).sum::<f64>();
    let (mut low, mut high) = (0.0, 1e9);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if filled(middle) < room { low = middle } else { high = middle }
    }
    popularity.iter().map(|p| p * (1.0 - (-p * low).exp())).sum()
}

#[test]
fn the_buffer_pool_hits_as_often_as_che_says() {
    let weights: Vec<f64> = (1..=10_000).map(|rank| f64::from(rank).powf(-0.8)).collect();
    let total: f64 = weights.iter().sum();
    let popularity: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    for pages in [200, 1000, 5000] {
        // A row fills a page.
        let database = format!(
            r#"cores: 8, memory: "{}KiB", tables: {{ "users": Table(rows: 10000, row_size: "8KiB", key: "user") }},
               operations: {{ "statement": PointRead(table: "users", cpu: Constant("1us"), io: Constant("100us")) }}"#,
            pages * 8
        );
        let run = measured("\"user\": Zipf(count: 10000, exponent: 0.8)", "5000/s", &database, 200.0);
        about(run.share("database", "buffer_hit_ratio"), che(&popularity, f64::from(pages)), 0.02);
    }
}

#[test]
fn what_fits_into_memory_is_never_read_from_the_disk() {
    let database = r#"cores: 8, memory: "1GiB", tables: { "users": Table(rows: 100000, row_size: "200B", key: "user") },
        operations: { "statement": PointRead(table: "users", cpu: Constant("1ms"), io: Constant("1s")) }"#;
    let run = measured("\"user\": Uniform(count: 100000)", "100/s", database, 20.0);
    about(run.share("database", "buffer_hit_ratio"), 1.0, 1e-9);
    about(run.latency_s("clients"), 0.001, 0.05);
}

#[test]
fn a_range_reads_the_pages_that_its_rows_lie_on() {
    // 102 rows of 80 bytes on a page: 1,000 rows lie on ten, and next to nothing of 20,000 pages is in memory.
    let database = r#"cores: 8, memory: "800KiB", iops: "100000/s",
        tables: { "events": Table(rows: 2040000, row_size: "80B", key: "user") },
        operations: { "statement": RangeRead(table: "events", rows: 1000, cpu: Constant("1us"), cpu_per_row: "1us") }"#;
    let run = measured("\"user\": Uniform(count: 1000000)", "200/s", database, 50.0);
    about(run.share("database", "disk_operations_per_s"), 200.0 * 10.0, 0.03);
    // A millisecond for the rows, and a tenth for the pages.
    about(run.latency_s("clients"), 0.0011, 0.03);
}

#[test]
fn pruning_leaves_a_share_of_the_work() {
    let latency = |partitions: &str| {
        let database = format!(
            r#"cores: 8, tables: {{ "events": Table(rows: 1200000, row_size: "100B", key: "month", partitions: 12) }},
               operations: {{ "statement":
                   Aggregate(table: "events", {partitions} cpu: Constant("0ns"), cpu_per_row: "100ns") }}"#
        );
        measured("\"month\": Uniform(count: 12)", "1/s", &database, 300.0).latency_s("clients")
    };
    about(latency(""), 0.12, 0.02);
    about(latency("partitions: 1,"), 0.01, 0.02);
}

#[test]
fn a_large_scan_does_not_push_out_what_others_use() {
    // A tenth of the table fits; points go to two rows nearly always, scans to all.
    let nodes = |scans: &str| {
        format!(
            r#""clients": Clients(rate: "500/s", mix: {{ "database.point": 1 }}),
               "analysts": Clients(rate: "{scans}", mix: {{ "database.scan": 1 }}),
               "database": Database(cores: 8, max_connections: 5000, memory: "16MiB",
                   tables: {{ "users": Table(rows: 20000, row_size: "8KiB", key: "user") }}, operations: {{
                   "point": PointRead(table: "users", cpu: Constant("10us"), io: Constant("5ms")),
                   "scan": Aggregate(table: "users", cpu: Constant("10us"), io: Constant("5ms")),
               }}),"#
        )
    };
    let latency = |scans: &str| {
        let text = architecture("\"user\": HeavyHitters(count: 20000, heavy: [0.5, 0.4])", &nodes(scans), "");
        run(&prepare(&text, &[]), 100.0).latency_s("clients")
    };
    about(latency("5/s"), latency("0.001/s"), 0.02);
}

#[test]
fn checkpoints_show_in_the_tail() {
    let p99 = |checkpoint: &str| {
        let database = format!(
            r#"cores: 8, iops: "2000/s", {checkpoint} operations: {{ "statement":
                Write(cpu: Constant("100us"), commit: Constant("0ns")) }}"#
        );
        measured("", "500/s", &database, 120.0).latency_quantile_s("clients", 0.99)
    };
    let (without, with) = (p99(""), p99("checkpoint: Checkpoint(every: \"10s\", spread: \"5s\"),"));
    assert!(with > 5.0 * without, "{with} against {without}");
}
