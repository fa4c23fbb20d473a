//! A distribution as it is written in a model.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::units::{Duration, Ratio};

/// A law of durations. Parameters that are durations carry units; `cv` is the coefficient of variation, standard
/// deviation over mean.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Distribution {
    /// Always the same: `Constant("5ms")`.
    Constant(Duration),
    /// Memoryless, with this mean: `Exponential("5ms")`.
    Exponential(Duration),
    /// Anything between two bounds alike: `Uniform("20s", "60s")`.
    Uniform(Duration, Duration),
    /// A normal law of which only the part between `minimum` (default zero) and `maximum` (default none) is kept.
    /// `mean` and `standard_deviation` are those of the whole normal law.
    TruncatedNormal {
        mean: Duration,
        standard_deviation: Duration,
        #[serde(default)]
        minimum: Duration,
        #[serde(default, deserialize_with = "present")]
        maximum: Option<Duration>,
    },
    /// Two of: `mean` or `median`, with `cv` or `p99`. Latencies of real services often look like this.
    LogNormal {
        #[serde(default, deserialize_with = "present")]
        mean: Option<Duration>,
        #[serde(default, deserialize_with = "present")]
        median: Option<Duration>,
        #[serde(default, deserialize_with = "present")]
        p99: Option<Duration>,
        #[serde(default, deserialize_with = "present")]
        cv: Option<f64>,
    },
    /// `Gamma(mean: "5ms", cv: 0.5)`.
    Gamma { mean: Duration, cv: f64 },
    /// The sum of `stages` exponential stages: `Erlang(stages: 4, mean: "5ms")`, `cv` 1/sqrt(stages).
    Erlang { stages: u32, mean: Duration },
    /// `shape` below 1 has a heavier tail than the exponential law, above 1 a lighter one.
    Weibull { mean: Duration, shape: f64 },
    /// A power law between two bounds; the tail falls as `x^-shape`.
    BoundedPareto { minimum: Duration, maximum: Duration, shape: f64 },
    /// One of several exponential laws at random: either by `mean` and `cv` (two phases with balanced means, `cv` at
    /// least 1) or by `phases: [(0.9, "1ms"), (0.1, "20ms")]`.
    HyperExponential {
        #[serde(default, deserialize_with = "present")]
        mean: Option<Duration>,
        #[serde(default, deserialize_with = "present")]
        cv: Option<f64>,
        #[serde(default)]
        phases: Vec<(Ratio, Duration)>,
    },
    /// Known percentiles, straight lines between them: `Percentiles({50: "3ms", 95: "9ms", 99: "20ms", 100: "80ms"})`.
    /// The percentile 0 may be left out and is then zero; 100 is required.
    Percentiles(#[serde(deserialize_with = "percentile_map")] Vec<Percentile>),
    /// Counted cells, uniform inside each: `Histogram([("0ms", "1ms", 120), ("1ms", "2ms", 80)])`.
    Histogram(Vec<HistogramCell>),
    /// Measured values, one per line in a column of a CSV file with a header line, drawn with replacement:
    /// `Csv(file: "latency.csv", column: "latency_ms", unit: "ms")`. The path is relative to the model's directory.
    Csv { file: String, column: String, unit: String },
    /// One of several laws at random: `Mixture([(0.9, Exponential("1ms")), (0.1, Constant("20ms"))])`.
    Mixture(Vec<(Ratio, Distribution)>),
    /// Another law, every value times a factor: `Scaled(by: 1.5, law: LogNormal(mean: "8ms", cv: 1))`.
    Scaled { by: f64, law: Box<Distribution> },
}

impl Distribution {
    /// The files that it names, as written.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let mut files = Vec::new();
        let mut laws = vec![self];
        while let Some(law) = laws.pop() {
            match law {
                Self::Csv { file, .. } => files.push(file.as_str()),
                Self::Mixture(parts) => laws.extend(parts.iter().map(|(_, part)| part)),
                Self::Scaled { law, .. } => laws.push(law),
                _ => {}
            }
        }
        files.into_iter()
    }

    /// Whether it is memoryless: exponential, or such a law times a factor.
    pub fn is_exponential(&self) -> bool {
        match self {
            Self::Exponential(mean) => mean.ns > 0,
            Self::Scaled { law, .. } => law.is_exponential(),
            _ => false,
        }
    }
}

impl Default for Distribution {
    fn default() -> Self {
        Self::Constant(Duration::default())
    }
}

/// One entry of a percentile table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile {
    /// Between 0 and 100.
    pub percent: f64,
    pub value: Duration,
}

/// One cell of a histogram: from, to, count. The count may be any weight.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
pub struct HistogramCell(pub Duration, pub Duration, pub f64);

/// Reads an optional field without `Some(...)` around it, whatever extensions the document enables.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn percentile_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Percentile>, D::Error> {
    struct TableVisitor;

    impl<'de> Visitor<'de> for TableVisitor {
        type Value = Vec<Percentile>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("percentiles such as {50: \"3ms\", 99: \"20ms\", 100: \"80ms\"}")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut table = Vec::new();
            while let Some((percent, value)) = map.next_entry()? {
                table.push(Percentile { percent, value });
            }
            Ok(table)
        }
    }

    deserializer.deserialize_map(TableVisitor)
}
