//! Tests of all laws together.

mod draws;
mod keys;
mod mistakes;
mod samples;

use std::path::Path;

use ron::extensions::Extensions;

use super::{Distribution, Sampler};
use crate::random::{Purpose, Seed, Stream};

fn options() -> ron::Options {
    ron::Options::default().with_default_extension(
        Extensions::IMPLICIT_SOME | Extensions::UNWRAP_NEWTYPES | Extensions::UNWRAP_VARIANT_NEWTYPES,
    )
}

fn written(text: &str) -> Distribution {
    let extended = options().from_str::<Distribution>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    // A law must mean the same in documents that enable no extensions.
    let plain = ron::from_str::<Distribution>(text);
    assert_eq!(plain.map(|law| format!("{law:?}")), Ok(format!("{extended:?}")), "{text}");
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
