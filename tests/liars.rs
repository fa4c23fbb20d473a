//! Four ways to an interval that are in use and wrong. Counting how often they cover the truth finds each of them out, by
//! the bounds that forescale's own pipeline is held to in `benches/coverage.rs`.
//!
//! The queue is M/M/1 at 0.9, customer by customer: Lindley's recursion.

use forescale::random::{Purpose, Seed, Stream};
use forescale::statistics::estimate::student_t_quantile;
use rayon::prelude::*;

const SEEDS: u64 = 1_000;
const UTILIZATION: f64 = 0.9;
/// In units of the mean service time.
const MEAN: f64 = 1.0 / (1.0 - UTILIZATION);

/// Of 1,000 intervals of 95% that are honest.
const HONEST: std::ops::RangeInclusive<usize> = 920..=975;

/// Times in system of customers one after the other, the first of whom finds nobody.
fn times_in_system(seed: u64, replication: u64, customers: usize) -> Vec<f64> {
    let mut stream = Seed::new(seed, replication).stream(Purpose::named("lindley"));
    let exponential = |stream: &mut Stream| -(1.0 - stream.unit()).ln();
    let mut wait = 0.0f64;
    let mut next = || {
        let service = exponential(&mut stream);
        let time = wait + service;
        wait = (time - exponential(&mut stream) / UTILIZATION).max(0.0);
        time
    };
    (0..customers).map(|_| next()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn standard_error(values: &[f64]) -> f64 {
    let (mean, count) = (mean(values), values.len() as f64);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0) / count).sqrt()
}

/// The mean of `values` and the half width of the interval with this factor on its standard error.
fn around_mean(values: &[f64], factor: f64) -> (f64, f64) {
    (mean(values), factor * standard_error(values))
}

fn student(replications: usize) -> f64 {
    student_t_quantile(0.975, replications as f64 - 1.0).expect("a quantile")
}

/// How many of the intervals that `tell` makes of a seed hold the truth.
fn covering(truth: f64, tell: impl Fn(u64) -> (f64, f64) + Sync) -> usize {
    let covers = |seed: &u64| {
        let (value, half_width) = tell(*seed);
        (value - truth).abs() <= half_width
    };
    (0..SEEDS).into_par_iter().filter(covers).count()
}

fn assert_found_out(liar: &str, covering: usize) {
    assert!(!HONEST.contains(&covering), "nobody notices {liar}: {covering} of {SEEDS} cover the truth");
}

#[test]
fn long_replications_with_students_t_are_honest() {
    let tell = |seed| {
        let means: Vec<f64> = (0..20).map(|r| mean(&times_in_system(seed, r, 20_000)[4_000..])).collect();
        around_mean(&means, student(20))
    };
    let covering = covering(MEAN, tell);
    assert!(HONEST.contains(&covering), "{covering} of {SEEDS} cover the truth");
}

#[test]
fn one_run_whose_customers_are_taken_for_independent() {
    let tell = |seed| around_mean(&times_in_system(seed, 0, 20_000)[4_000..], 1.96);
    assert_found_out("one run taken for independent values", covering(MEAN, tell));
}

/// White (Simulation 1997): drop the beginning whose loss makes the rest's standard error least, in batches of five. Done
/// replication by replication it also drops what was slow by chance.
#[test]
fn replications_cut_one_by_one_by_mser_5() {
    let cut = |times: Vec<f64>| {
        let batches: Vec<f64> = times.chunks_exact(5).map(mean).collect();
        let score = |start: &usize| standard_error(&batches[*start..]) / ((batches.len() - start) as f64).sqrt();
        let best = (0..batches.len() / 2).step_by(4).min_by(|a, b| score(a).total_cmp(&score(b)));
        mean(&batches[best.unwrap_or(0)..])
    };
    let tell = |seed| {
        let means: Vec<f64> = (0..20).map(|r| cut(times_in_system(seed, r, 2_000))).collect();
        around_mean(&means, student(20))
    };
    assert_found_out("MSER-5 for each replication", covering(MEAN, tell));
}

#[test]
fn the_normal_law_instead_of_students_for_five_replications() {
    let tell = |seed| {
        let means: Vec<f64> = (0..5).map(|r| mean(&times_in_system(seed, r, 20_000)[4_000..])).collect();
        around_mean(&means, 1.96)
    };
    assert_found_out("z for t with five replications", covering(MEAN, tell));
}

#[test]
fn the_average_of_the_99th_percentiles_of_short_replications() {
    let p99 = |mut times: Vec<f64>| {
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() * 99 / 100]
    };
    let tell = |seed| {
        let each: Vec<f64> = (0..20).map(|r| p99(times_in_system(seed, r, 2_000).split_off(400))).collect();
        around_mean(&each, student(20))
    };
    assert_found_out("averaged p99s of short runs", covering(100f64.ln() * MEAN, tell));
}
