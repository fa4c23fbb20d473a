//! Holds the simulator against closed forms of queueing theory: every row of `tests/data/theory/closed_forms.json` is
//! either simulated or named in `left_for_later`, with the reason.
//!
//! Best run with `cargo test --release --test laws -- --nocapture`, which prints a table of all numbers.

mod balancing;
mod caches;
mod closed;
mod general_service;
mod left_for_later;
mod networks;
mod parallel;
mod priorities;
mod quorums;
mod retries;
mod several_servers;
mod single_server;
mod study;
mod theory;
mod time_varying;
mod verdict;

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};
use std::time::Instant;

use theory::ROWS;
use verdict::{Check, Rule};

/// A group of rows that are simulated together, once, whichever test asks first.
struct Family {
    name: &'static str,
    checks: fn() -> Vec<Check>,
    results: OnceLock<(Vec<Check>, f64)>,
}

macro_rules! families {
    ($($name:ident,)*) => {
        static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| vec![
            $(Family { name: stringify!($name), checks: $name::checks, results: OnceLock::new() },)*
        ]);

        $(
            #[test]
            fn $name() {
                assert_all_pass(stringify!($name));
            }
        )*
    };
}

families! {
    single_server,
    general_service,
    several_servers,
    priorities,
    networks,
    closed,
    parallel,
    quorums,
    balancing,
    caches,
    retries,
    time_varying,
}

impl Family {
    #[allow(clippy::disallowed_methods, reason = "the time is printed, not judged")]
    fn results(&self) -> &(Vec<Check>, f64) {
        self.results.get_or_init(|| {
            let start = Instant::now();
            let checks = (self.checks)();
            (checks, start.elapsed().as_secs_f64())
        })
    }
}

fn describe(check: &Check) -> String {
    format!(
        "{:36} {:28} theory {:>12.6}  measured {:>12.6}  {:>6.2} standard errors of {:.3}%  {:?}",
        check.row,
        check.name,
        check.truth,
        check.found.value,
        check.deviation(),
        100.0 * check.relative_error(),
        check.rule,
    )
}

fn assert_all_pass(name: &str) {
    let family = FAMILIES.iter().find(|family| family.name == name).expect("a family");
    let failed: Vec<String> = family.results().0.iter().filter(|check| !check.passes()).map(describe).collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// Row and value of everything that was measured, and by whom.
fn measured() -> Vec<&'static Check> {
    FAMILIES.iter().flat_map(|family| &family.results().0).collect()
}

#[test]
fn summary() {
    let mut rows: BTreeMap<&str, bool> = BTreeMap::new();
    let mut largest = 0.0_f64;
    for family in FAMILIES.iter() {
        let (checks, seconds) = family.results();
        println!("\n{} ({seconds:.1} s)", family.name);
        for check in checks {
            println!("{} {}", if check.passes() { "   " } else { "!! " }, describe(check));
            *rows.entry(check.row).or_insert(true) &= check.passes();
            if matches!(check.rule, Rule::Exact | Rule::ExactButWide) {
                largest = largest.max(check.deviation().abs());
            }
        }
    }
    let passed = rows.values().filter(|passed| **passed).count();
    let values = measured().len();
    println!(
        "\n{} rows tried with {values} values, {passed} passed; largest deviation {largest:.2} standard errors; {} rows left",
        rows.len(),
        left_for_later::ROWS_LEFT.len()
    );
    assert_eq!(passed, rows.len(), "some rows do not agree with theory");
}

#[test]
fn every_row_is_either_simulated_or_left_with_a_reason() {
    for row in ROWS.iter() {
        let tried = measured().iter().any(|check| check.row == row.id);
        let left = left_for_later::ROWS_LEFT.iter().filter(|(id, _)| *id == row.id).count();
        assert_eq!(usize::from(tried) + left, 1, "row {}: tried {tried}, left {left} times", row.id);
    }
    for (id, _) in left_for_later::ROWS_LEFT {
        assert!(ROWS.iter().any(|row| row.id == *id), "there is no row {id} to leave");
    }
}

#[test]
fn every_value_of_a_simulated_row_is_measured_or_left_with_a_reason() {
    let mut forgotten = Vec::new();
    for row in ROWS.iter().filter(|row| measured().iter().any(|check| check.row == row.id)) {
        for (name, _) in row.numbers() {
            let tried = measured().iter().any(|check| check.row == row.id && check.name == name);
            let left = left_for_later::leaves_value(&row.id, &name);
            if tried == left {
                forgotten.push(format!("{} {name}: measured {tried}, left {left}", row.id));
            }
        }
    }
    assert!(forgotten.is_empty(), "\n{}", forgotten.join("\n"));
}
