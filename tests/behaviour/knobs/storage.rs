//! Parameters of memory, disks, tables and statements.

use super::{Knob, knob};
use crate::run::{Run, architecture};

/// Statements of each kind about one table, a tenth of which fits into memory.
fn stored() -> String {
    architecture(
        r#""user": Zipf(count: 20000, exponent: 0.7)"#,
        r#""clients": Clients(rate: "200/s", mix: { "database.point": 6, "database.range": 2, "database.write": 2 }),
           "analysts": Clients(rate: "0.2/s", mix: { "database.total": 1 }),
           "database": Database(cores: 4, max_connections: 400, memory: "16MiB", iops: "4000/s",
               tables: { "users": Table(rows: 20000, row_size: "8KiB", key: "user", partitions: 20) }, operations: {
               "point": PointRead(table: "users", cpu: Exponential("1ms"), io: Exponential("1ms")),
               "range": RangeRead(table: "users", rows: 10, cpu: Exponential("1ms"), io: Exponential("1ms")),
               "total": Aggregate(table: "users", partitions: 1, cpu: Exponential("1ms"), cpu_per_row: "1us"),
               "write": Write(table: "users", cpu: Exponential("1ms"), commit: Exponential("5ms")),
           }),"#,
        "",
    )
}

fn hits(run: &Run) -> f64 {
    run.share("database", "buffer_hit_ratio")
}

fn operations(run: &Run) -> f64 {
    run.share("database", "disk_operations_per_s")
}

/// Of all statements together.
fn statements(run: &Run) -> f64 {
    run.node("database").latency.mean_ns().expect("served statements") * 1e-9
}

/// The longest hundredth of the statements.
fn tail(run: &Run) -> f64 {
    run.node("database").latency.quantile_ns(0.99).expect("served statements") * 1e-9
}

pub fn knobs() -> Vec<Knob> {
    const USERS: &str = "nodes.database.tables.users";
    const NOBODY_SCANS: (&str, &str) = ("nodes.analysts.rate", "\"1/h\"");
    const FEW: (&str, &str) = ("nodes.database.iops", "\"2000/s\"");
    const LONG: (&str, &str) = ("nodes.database.operations.write.commit", "Constant(\"20ms\")");
    vec![
        knob(&["database.memory"], stored(), &[], &[("nodes.database.memory", "\"32MiB\"")], hits),
        knob(
            &["database.connection_memory"],
            stored(),
            &[("nodes.database.connection_memory", "\"30KiB\"")],
            &[],
            hits,
        ),
        knob(&["database.iops"], stored(), &[("nodes.database.iops", "\"20k/s\"")], &[], statements),
        knob(
            &["database.tables", "Table.row_size"],
            stored(),
            &[],
            &[(USERS, "Table(rows: 20000, row_size: \"2KiB\", key: \"user\", partitions: 20)")],
            hits,
        ),
        knob(&["Table.rows"], stored(), &[], &[("nodes.database.tables.users.rows", "40000")], operations),
        knob(&["Table.partitions"], stored(), &[("nodes.database.tables.users.partitions", "200")], &[], operations),
        // Keys of which all are asked for alike.
        knob(
            &["Table.key"],
            stored().replace("keys: {", "keys: { \"even\": Uniform(count: 20000),"),
            &[("nodes.database.tables.users.key", "\"even\"")],
            &[],
            hits,
        ),
        knob(
            &["database.checkpoint", "Checkpoint.every"],
            stored(),
            &[],
            &[("nodes.database.checkpoint", "Checkpoint(every: \"5s\", spread: \"100ms\")")],
            operations,
        )
        .by(1.01),
        knob(
            &["Checkpoint.spread"],
            stored(),
            &[NOBODY_SCANS, FEW, ("nodes.database.checkpoint", "Checkpoint(every: \"5s\", spread: \"4s\")")],
            &[NOBODY_SCANS, FEW, ("nodes.database.checkpoint", "Checkpoint(every: \"5s\", spread: \"100ms\")")],
            tail,
        ),
        knob(
            &["Query.Read", "Query.PointRead"],
            stored(),
            &[("nodes.database.operations.range", "PointRead(table: \"users\", cpu: Exponential(\"1ms\"))")],
            &[("nodes.database.operations.range", "Read(cpu: Exponential(\"1ms\"), io: Exponential(\"30ms\"))")],
            statements,
        ),
        knob(&["Query.RangeRead"], stored(), &[], &[("nodes.database.operations.range.rows", "40")], operations),
        knob(&["Query.Aggregate"], stored(), &[], &[("nodes.database.operations.total.partitions", "4")], operations),
        knob(
            &["Query.Write"],
            stored().replace("Zipf(count: 20000, exponent: 0.7)", "HeavyHitters(count: 20000, heavy: [0.9])"),
            &[LONG],
            &[LONG, ("nodes.database.operations.write.locks_row", "true")],
            statements,
        ),
    ]
}
