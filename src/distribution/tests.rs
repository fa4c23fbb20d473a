//! Tests of all laws together: the written form, the exact moments, and the draws.

use std::path::Path;

use proptest::prelude::*;
use ron::extensions::Extensions;

use super::{AliasTable, Distribution, KeyLaw, Sampler};
use crate::random::{Purpose, Seed, Stream};

fn options() -> ron::Options {
    ron::Options::default().with_default_extension(
        Extensions::IMPLICIT_SOME | Extensions::UNWRAP_NEWTYPES | Extensions::UNWRAP_VARIANT_NEWTYPES,
    )
}

fn written(text: &str) -> Distribution {
    let plain = ron::from_str::<Distribution>(text);
    let extended = options().from_str::<Distribution>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    // Only newtype variants of sequences and maps need an extension; where both read, both must agree.
    if let Ok(plain) = plain {
        assert_eq!(format!("{plain:?}"), format!("{extended:?}"), "{text}");
    }
    extended
}

fn sampler(text: &str) -> Sampler {
    written(text).compile(Path::new(".")).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn mistakes(text: &str) -> String {
    let errors = written(text).check();
    assert!(!errors.is_empty(), "{text} is accepted");
    assert!(written(text).compile(Path::new(".")).is_err(), "{text} compiles");
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// `count` draws, each from the stream of its own request, as the engine makes them.
fn draws(law: &Sampler, count: u64) -> impl Iterator<Item = f64> + '_ {
    let (seed, purpose) = (Seed::new(11, 0), Purpose::named("law"));
    (0..count).map(move |i| law.sample_ns(&mut Stream::keyed(seed.request(purpose, i), purpose, 0)) as f64)
}

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
    // With mean 12 ms and p99 60 ms the two solutions have sigma 0.849 and 3.803.
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

#[test]
fn mistakes_are_explained() {
    let largest = mistakes("LogNormal(mean: \"10ms\", p99: \"200ms\")");
    assert!(largest.contains("the largest possible is 149ms"), "{largest}");
    sampler("LogNormal(mean: \"10ms\", p99: \"149ms\")");
    assert!(mistakes("LogNormal(mean: \"10ms\", p99: \"5ms\")").contains("below the mean"));
    assert!(mistakes("LogNormal(median: \"10ms\", p99: \"5ms\")").contains("below the median"));
    assert!(mistakes("LogNormal(mean: \"10ms\")").contains("exactly two"));
    assert!(mistakes("LogNormal(mean: \"10ms\", median: \"8ms\", p99: \"20ms\")").contains("exactly two"));
    assert!(mistakes("LogNormal(mean: \"0ms\", cv: 1)").contains("always positive"));
    assert!(mistakes("Uniform(\"60s\", \"20s\")").contains("write `Uniform(\"20s\", \"1m\")`"));
    assert!(mistakes("Percentiles({50: \"3ms\", 95: \"2ms\", 100: \"9ms\"})").contains("do not increase"));
    assert!(mistakes("Percentiles({50: \"3ms\", 50: \"4ms\", 100: \"9ms\"})").contains("do not increase"));
    assert!(mistakes("Percentiles({50: \"3ms\", 99: \"20ms\"})").contains("percentile 100"));
    assert!(mistakes("Percentiles({50: \"3ms\", 101: \"20ms\"})").contains("outside 0 to 100"));
    assert!(mistakes("Mixture([(0.9, Exponential(\"1ms\")), (0.2, Constant(\"20ms\"))])").contains("not to 1"));
    let nested = mistakes("Mixture([(0.5, Gamma(mean: \"1ms\", cv: -1)), (0.6, Erlang(stages: 0, mean: \"1ms\"))])");
    assert_eq!(nested.matches(';').count(), 2, "{nested}");
    for text in [
        "Percentiles({})",
        "Percentiles({0: \"1ms\"})",
        "Histogram([])",
        "Histogram([(\"0ms\", \"1ms\", 0)])",
        "Histogram([(\"0ms\", \"2ms\", 1), (\"1ms\", \"3ms\", 1)])",
        "Histogram([(\"0ms\", \"2ms\", -1), (\"2ms\", \"3ms\", 2)])",
        "Histogram([(\"0ms\", \"2ms\", NaN)])",
        "Mixture([])",
        "HyperExponential(mean: \"1ms\", cv: 0.5)",
        "HyperExponential(mean: \"1ms\", cv: NaN)",
        "HyperExponential(mean: \"1ms\")",
        "HyperExponential(mean: \"1ms\", cv: 2, phases: [(1, \"1ms\")])",
        "HyperExponential(phases: [(0.5, \"1ms\")])",
        "Weibull(mean: \"1ms\", shape: 0)",
        "Weibull(mean: \"1ms\", shape: inf)",
        "BoundedPareto(minimum: \"0ms\", maximum: \"1ms\", shape: 1)",
        "BoundedPareto(minimum: \"2ms\", maximum: \"1ms\", shape: 1)",
        "BoundedPareto(minimum: \"1ms\", maximum: \"2ms\", shape: -1)",
        "TruncatedNormal(mean: \"1ms\", standard_deviation: \"1ms\", minimum: \"9ms\")",
        "TruncatedNormal(mean: \"1ms\", standard_deviation: \"0ms\", minimum: \"9ms\")",
        "TruncatedNormal(mean: \"1ms\", standard_deviation: \"1ms\", minimum: \"2ms\", maximum: \"1ms\")",
        "Gamma(mean: \"1ms\", cv: inf)",
        "LogNormal(mean: \"1ms\", cv: 1000)",
    ] {
        mistakes(text);
    }
}

#[test]
fn unreadable_laws_are_refused() {
    for text in [
        "Constant(5)",
        "Exponential()",
        "Gamma(mean: \"5ms\", cv: 1, cw: 2)",
        "Gaussian(mean: \"5ms\")",
        "Percentiles({50: 3})",
        "LogNormal(mean: \"5/s\", cv: 1)",
    ] {
        assert!(options().from_str::<Distribution>(text).is_err(), "{text}");
    }
}

#[test]
fn samples_are_drawn_from_a_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("latency.csv"), "at, latency_ms\n1, 2.5\n2, 10\n3, 10\n4, 0.000001\n")
        .expect("a file");
    let law = written("Csv(file: \"latency.csv\", column: \"latency_ms\", unit: \"ms\")");
    assert!(law.check().is_empty());
    let law = law.compile(directory.path()).expect("a law");
    assert!((law.mean_s() - 0.005_625_000_25).abs() < 1e-15);
    let count = 40_000;
    let tens = draws(&law, count).filter(|value| *value == 10e6).count() as f64;
    assert!((tens - 0.5 * count as f64).abs() < 4.0 * (0.25 * count as f64).sqrt());
    assert!(draws(&law, count).all(|value| [1.0, 2.5e6, 10e6].contains(&value)));

    let refusal = |content: &str, text: &str| {
        std::fs::write(directory.path().join("other.csv"), content).expect("a file");
        written(text).compile(directory.path()).expect_err(text).to_string()
    };
    let text = "Csv(file: \"other.csv\", column: \"ms\", unit: \"ms\")";
    assert!(refusal("a,b\n1,2\n", text).contains("has no column \"ms\": its columns are: a, b"));
    assert!(refusal("ms\n1\nx\n", text).contains("line 3: \"x\" is not a duration: a number is wanted"));
    assert!(refusal("ms\n-1\n", text).contains("0 or more"));
    assert!(refusal("ms\nNaN\n", text).contains("0 or more"));
    assert!(refusal("ms\n1e30\n", text).contains("ten years"));
    assert!(refusal("ms\n", text).contains("no values"));
    assert!(refusal("", text).contains("no column"));
    assert!(refusal("", "Csv(file: \"none.csv\", column: \"ms\", unit: \"ms\")").contains("cannot be read"));
    assert!(refusal("", "Csv(file: \".\", column: \"ms\", unit: \"ms\")").contains("not a file"));
    assert!(mistakes("Csv(file: \"none.csv\", column: \"ms\", unit: \"parsec\")").contains("not a unit of time"));
}

/// Chi-square of key frequencies, as standard deviations from its mean; keys expected less than 20 times are pooled.
fn key_deviation(law: &KeyLaw) -> f64 {
    let keys = law.compile().expect("a law");
    let (seed, purpose) = (Seed::new(5, 0), Purpose::named("key"));
    let count = 1_000_000u64;
    let mut seen = vec![0u64; keys.count() as usize];
    for i in 0..count {
        seen[keys.sample(&mut Stream::keyed(seed.request(purpose, i), purpose, 0)) as usize] += 1;
    }
    let (mut chi_square, mut degrees) = (0.0, -1.0);
    let (mut pooled_seen, mut pooled_expected, mut total) = (0.0, 0.0, 0.0);
    for (rank, seen) in seen.iter().enumerate() {
        let probability = keys.probability(rank as u64);
        total += probability;
        pooled_seen += *seen as f64;
        pooled_expected += probability * count as f64;
        if probability == 0.0 {
            assert_eq!(*seen, 0, "key {rank} cannot be drawn");
        }
        if pooled_expected >= 20.0 {
            chi_square += (pooled_seen - pooled_expected).powi(2) / pooled_expected;
            degrees += 1.0;
            (pooled_seen, pooled_expected) = (0.0, 0.0);
        }
    }
    assert!((total - 1.0).abs() < 1e-9, "probabilities add up to {total}");
    assert_eq!(keys.probability(keys.count()), 0.0);
    if degrees < 1.0 { 0.0 } else { (chi_square - degrees) / (2.0f64 * degrees).sqrt() }
}

#[test]
fn keys_are_drawn_as_often_as_their_law_says() {
    for text in [
        "Uniform(count: 1)",
        "Uniform(count: 1000)",
        "Zipf(count: 1, exponent: 1)",
        "Zipf(count: 20000, exponent: 1.1)",
        "Zipf(count: 50, exponent: 3)",
        "Zipf(count: 1000, exponent: 0)",
        "HeavyHitters(count: 2000, heavy: [0.2, \"10%\"])",
        "HeavyHitters(count: 3, heavy: [0.2, 0.3, 0.5])",
        "HeavyHitters(count: 5, heavy: [0.5, 0.5])",
        "HeavyHitters(count: 10, heavy: [])",
    ] {
        let law: KeyLaw = ron::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let found = key_deviation(&law);
        assert!(found.abs() < 4.5, "{text}: {found} standard deviations");
    }
}

#[test]
fn impossible_key_spaces_are_refused() {
    for text in [
        "Uniform(count: 0)",
        "Zipf(count: 20000001, exponent: 1)",
        "Zipf(count: 10, exponent: -1)",
        "Zipf(count: 10, exponent: NaN)",
        "HeavyHitters(count: 10, heavy: [0.7, 0.6])",
        "HeavyHitters(count: 1, heavy: [0.5, 0.5])",
        "HeavyHitters(count: 2, heavy: [0.2, 0.2])",
    ] {
        let law: KeyLaw = ron::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(law.check().len(), 1, "{text}");
        assert!(law.compile().is_err(), "{text}");
    }
}

#[test]
fn weights_that_cannot_be_are_refused() {
    for weights in [&[][..], &[0.0, 0.0], &[-1.0, 2.0], &[f64::NAN], &[f64::INFINITY, 1.0]] {
        assert!(AliasTable::new(weights).is_err(), "{weights:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_alternative_of_weight_zero_is_never_drawn(weights in prop::collection::vec(prop_oneof![Just(0.0), 1e-9..1e9f64], 1..40)) {
        if let Ok(table) = AliasTable::new(&weights) {
            let mut stream = Seed::new(1, 2).stream(Purpose::named("alias"));
            for _ in 0..2_000 {
                prop_assert!(weights[table.sample(&mut stream)] > 0.0);
            }
        }
    }

    #[test]
    fn every_law_is_refused_or_sane(kind in 0..7, a in 0..10_000_000u64, b in 0..10_000_000u64, x in -0.5..30.0f64) {
        let text = match kind {
            0 => format!("LogNormal(mean: \"{a}ns\", p99: \"{b}ns\")"),
            1 => format!("TruncatedNormal(mean: \"{a}us\", standard_deviation: \"{b}us\", minimum: \"{}us\")", (x.abs() * 1e5) as u64),
            2 => format!("Gamma(mean: \"{a}us\", cv: {x:?})"),
            3 => format!("Weibull(mean: \"{a}us\", shape: {x:?})"),
            4 => format!("BoundedPareto(minimum: \"{a}us\", maximum: \"{b}us\", shape: {x:?})"),
            5 => format!("HyperExponential(mean: \"{a}us\", cv: {x:?})"),
            _ => format!("Percentiles({{{:?}: \"{a}us\", 100: \"{b}us\"}})", x.abs()),
        };
        let law = written(&text);
        match law.compile(Path::new(".")) {
            Err(_) => prop_assert!(!law.check().is_empty()),
            Ok(sampler) => {
                prop_assert!(law.check().is_empty());
                prop_assert!(sampler.mean_s().is_finite() && sampler.mean_s() >= 0.0, "{}", text);
                let scv = sampler.squared_coefficient_of_variation();
                prop_assert!(scv.is_finite() && scv >= 0.0, "{} has scv {}", text, scv);
                for value in draws(&sampler, 50) {
                    prop_assert!(value < 9.2e18, "{} gives {}", text, value);
                }
            }
        }
    }
}
