//! Key spaces and alias tables.

use proptest::prelude::*;

use crate::distribution::{AliasTable, KeyLaw};
use crate::random::{Purpose, Seed, Stream};

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
}
