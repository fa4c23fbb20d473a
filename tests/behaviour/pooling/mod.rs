//! Connections that stay open: what holds them, what it costs, and that each is given back whatever happens.

mod abandoned;
mod conformance;
mod laws;
mod modes;
mod pools;

use crate::run::{Run, prepare, run, run_replication};

/// A database of queries that take a millisecond on average, with a core for each.
const POSTGRES: &str = r#""postgres": Database(cores: 64, max_connections: 100, operations: {
    "read": Read(cpu: Exponential("1ms")), "write": Write(cpu: Exponential("1ms")),
})"#;

/// A node's share averaged over replications, with its standard error.
pub fn estimate(text: &str, edits: &[(&str, &str)], seconds: f64, measure: impl Fn(&Run) -> f64) -> (f64, f64) {
    let compiled = prepare(text, edits);
    let values: Vec<f64> = (0..20).map(|number| measure(&run_replication(&compiled, seconds, number))).collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

/// Holds an estimate against the truth: within four standard errors, which are themselves small.
pub fn agrees(what: &str, (mean, error): (f64, f64), truth: f64) {
    println!("{what}: theory {truth:.6}, simulated {mean:.6}, standard error {error:.6}");
    assert!((mean - truth).abs() <= 4.0 * error, "{what}: {mean} is not {truth} within 4 x {error}");
    assert!(error <= 0.05 * truth.abs(), "{what}: an error of {error} proves little");
}

/// One run of a text.
pub fn once(text: &str, edits: &[(&str, &str)], seconds: f64) -> Run {
    run(&prepare(text, edits), seconds)
}
