//! What is refused, and in which words.

use std::path::Path;

use proptest::prelude::*;

use super::{draws, mistakes, options, sampler, written};
use crate::distribution::Distribution;

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
    assert_eq!(nested.matches("; ").count(), 2, "{nested}");
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
        "Scaled(by: 0, law: Constant(\"1ms\"))",
        "Scaled(by: -1, law: Constant(\"1ms\"))",
        "Scaled(by: NaN, law: Constant(\"1ms\"))",
        "Scaled(by: inf, law: Constant(\"1ms\"))",
        "Scaled(by: 1e9, law: Exponential(\"1s\"))",
        "Scaled(by: 1e6, law: Scaled(by: 1e6, law: Exponential(\"1s\")))",
        "Scaled(by: 2, law: Gamma(mean: \"1ms\", cv: inf))",
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

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
