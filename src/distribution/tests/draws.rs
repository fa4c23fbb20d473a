//! Draws against exact moments and given quantiles.

use super::{draws, sampler, written};
use crate::distribution::Distribution;

const LAWS: &[&str] = &[
    "Constant(\"5ms\")",
    "Exponential(\"5ms\")",
    "Uniform(\"20s\", \"60s\")",
    "TruncatedNormal(mean: \"5ms\", standard_deviation: \"4ms\")",
    "TruncatedNormal(mean: \"5ms\", standard_deviation: \"4ms\", minimum: \"7ms\", maximum: \"20ms\")",
    "TruncatedNormal(mean: \"5ms\", standard_deviation: \"4ms\", maximum: \"3ms\")",
    "LogNormal(mean: \"12ms\", cv: 0.8)",
    "LogNormal(mean: \"12ms\", p99: \"60ms\")",
    "LogNormal(median: \"10ms\", p99: \"40ms\")",
    "LogNormal(median: \"10ms\", cv: 0.5)",
    "Gamma(mean: \"5ms\", cv: 0.5)",
    "Gamma(mean: \"5ms\", cv: 1)",
    "Gamma(mean: \"5ms\", cv: 2.5)",
    "Erlang(stages: 4, mean: \"5ms\")",
    "Weibull(mean: \"5ms\", shape: 0.7)",
    "Weibull(mean: \"5ms\", shape: 3)",
    "BoundedPareto(minimum: \"1ms\", maximum: \"100ms\", shape: 1.5)",
    "BoundedPareto(minimum: \"1ms\", maximum: \"100ms\", shape: 1)",
    "BoundedPareto(minimum: \"1ms\", maximum: \"100ms\", shape: 2)",
    "HyperExponential(mean: \"5ms\", cv: 2)",
    "HyperExponential(mean: \"5ms\", cv: 1)",
    "HyperExponential(phases: [(0.9, \"1ms\"), (\"10%\", \"20ms\")])",
    "Percentiles({50: \"3ms\", 95: \"9ms\", 99: \"20ms\", 99.9: \"30ms\", 100: \"80ms\"})",
    "Percentiles({0: \"2ms\", 50: \"3ms\", 90: \"3ms\", 100: \"80ms\"})",
    "Histogram([(\"0ms\", \"1ms\", 120), (\"1ms\", \"2ms\", 80), (\"5ms\", \"9ms\", 10.5)])",
    "Mixture([(0.9, Exponential(\"1ms\")), (0.1, Constant(\"20ms\"))])",
    "Mixture([(0.5, Mixture([(0.2, Constant(\"1ms\")), (0.8, Gamma(mean: \"2ms\", cv: 0.3))])), (0.5, Exponential(\"3ms\"))])",
    "Scaled(by: 1.5, law: Constant(\"5ms\"))",
    "Scaled(by: 0.3, law: Exponential(\"5ms\"))",
    "Scaled(by: 2, law: LogNormal(mean: \"12ms\", cv: 0.8))",
    "Scaled(by: 0.5, law: Mixture([(0.9, Exponential(\"1ms\")), (0.1, Scaled(by: 3, law: Constant(\"20ms\")))]))",
];

#[test]
fn draws_have_the_exact_mean_and_variance() {
    for text in LAWS {
        let law = sampler(text);
        let count = 1_000_000;
        let (mean, scv) = (law.mean_s() * 1e9, law.squared_coefficient_of_variation());
        let (mut first, mut second, mut fourth) = (0.0, 0.0, 0.0);
        for value in draws(&law, count) {
            let centred = (value - mean) / mean;
            first += centred;
            second += centred.powi(2);
            fourth += centred.powi(4);
        }
        let n = count as f64;
        let (bias, variance, fourth) = (first / n, second / n, fourth / n);
        // Half a nanosecond of rounding is the only error allowed beside chance.
        let rounding = 0.5 / mean;
        let error_of_mean = (scv / n).sqrt();
        assert!(bias.abs() <= 4.0 * error_of_mean + rounding, "{text}: mean off by {bias}, error {error_of_mean}");
        let error_of_variance = ((fourth - variance * variance).max(0.0) / n).sqrt();
        assert!(
            (variance - scv).abs() <= 4.0 * error_of_variance + 2.0 * rounding,
            "{text}: scv {variance}, exact {scv}, error {error_of_variance}"
        );
    }
}

/// The share of draws up to `ns` must be `probability` within 4 standard errors.
fn assert_probability(text: &str, ns: f64, probability: f64) {
    let law = sampler(text);
    let count = 400_000;
    let below = draws(&law, count).filter(|value| *value <= ns).count() as f64 / count as f64;
    let error = (probability * (1.0 - probability) / count as f64).sqrt();
    assert!((below - probability).abs() <= 4.0 * error + 1e-9, "{text}: P(X <= {ns}) is {below}, not {probability}");
}

#[test]
fn given_quantiles_are_reproduced() {
    assert_probability("LogNormal(mean: \"12ms\", p99: \"60ms\")", 60e6, 0.99);
    assert_probability("LogNormal(median: \"10ms\", p99: \"40ms\")", 10e6, 0.5);
    assert_probability("LogNormal(median: \"10ms\", p99: \"40ms\")", 40e6, 0.99);
    let table = "Percentiles({50: \"3ms\", 95: \"9ms\", 99: \"20ms\", 100: \"80ms\"})";
    for (ms, probability) in
        [(1.5, 0.25), (3.0, 0.5), (6.0, 0.725), (9.0, 0.95), (20.0, 0.99), (50.0, 0.995), (80.0, 1.0)]
    {
        assert_probability(table, ms * 1e6, probability);
    }
    let histogram = "Histogram([(\"0ms\", \"1ms\", 60), (\"1ms\", \"2ms\", 30), (\"5ms\", \"9ms\", 10)])";
    for (ms, probability) in [(0.5, 0.3), (1.0, 0.6), (2.0, 0.9), (4.0, 0.9), (7.0, 0.95), (9.0, 1.0)] {
        assert_probability(histogram, ms * 1e6, probability);
    }
    // 1 - (L/x)^a over 1 - (L/H)^a.
    let pareto = (1.0 - 0.1f64.powf(1.5)) / (1.0 - 0.01f64.powf(1.5));
    assert_probability("BoundedPareto(minimum: \"1ms\", maximum: \"100ms\", shape: 1.5)", 10e6, pareto);
    assert_probability("Exponential(\"5ms\")", 5e6, 1.0 - (-1.0f64).exp());
    // Scale such that the mean is 1 ms: the law's distribution function at its scale is 1 - 1/e whatever the shape.
    let scale = 1e6 / statrs::function::gamma::gamma(1.5);
    assert_probability("Weibull(mean: \"1ms\", shape: 2)", scale, 1.0 - (-1.0f64).exp());
}

#[test]
fn the_smaller_sigma_is_taken() {
    // With mean 12 ms and p99 60 ms the two solutions have sigma 0.845 and 3.807.
    let law = sampler("LogNormal(mean: \"12ms\", p99: \"60ms\")");
    let sigma = (1.0 + law.squared_coefficient_of_variation()).ln().sqrt();
    assert!((2.326_348 * sigma - 0.5 * sigma * sigma - 5.0f64.ln()).abs() < 1e-6);
    assert!(sigma < 2.326);
    assert!((law.mean_s() - 0.012).abs() < 1e-12);
}

#[test]
fn constants_are_constant() {
    for text in [
        "Constant(\"5ms\")",
        "Uniform(\"5ms\", \"5ms\")",
        "Gamma(mean: \"5ms\", cv: 0)",
        "LogNormal(mean: \"5ms\", cv: 0)",
    ] {
        let law = sampler(text);
        assert!(draws(&law, 100).all(|value| (value - 5e6).abs() < 1.0), "{text}");
        assert!(law.squared_coefficient_of_variation().abs() < 1e-12, "{text}");
    }
    assert_eq!(sampler("Exponential(\"0s\")").mean_s(), 0.0);
    assert_eq!(Distribution::default(), written("Constant(\"0s\")"));
}

/// Draw by draw, and in both moments; whatever the law.
#[test]
fn a_scaled_law_is_the_law_times_the_factor() {
    for text in LAWS {
        for by in [0.25, 1.7, 40.0] {
            let (law, scaled) = (sampler(text), sampler(&format!("Scaled(by: {by:?}, law: {text})")));
            assert!((scaled.mean_ns() / law.mean_ns() - by).abs() < 1e-6, "{text}");
            let variations = (law.squared_coefficient_of_variation(), scaled.squared_coefficient_of_variation());
            assert!((variations.0 - variations.1).abs() < 1e-12, "{text}: {variations:?}");
            for (one, other) in draws(&law, 1_000).zip(draws(&scaled, 1_000)) {
                // Both are rounded to whole nanoseconds.
                assert!((one * by - other).abs() <= 0.5 * by + 0.5 + one * by * 1e-12, "{text}: {one} {other}");
            }
        }
    }
    let directory = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(directory.path().join("a.csv"), "t\n2\n4\n").expect("a file");
    let law = written("Scaled(by: 10, law: Csv(file: \"a.csv\", column: \"t\", unit: \"ms\"))");
    assert_eq!(law.files().collect::<Vec<_>>(), ["a.csv"]);
    assert!((law.compile(directory.path()).expect("a law").mean_s() - 0.03).abs() < 1e-12);
}
