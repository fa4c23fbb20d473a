//! How large entries are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::{Distribution, Sampler};
use crate::random::{Purpose, Stream};
use crate::techniques::technique::{CompileError, Mistake, Wiring};
use crate::units::{Bytes, Duration};

/// A law of sizes as written. Each key has one size, whenever it is stored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum EntrySizes {
    Exponential(Bytes),
    Uniform(Bytes, Bytes),
    LogNormal {
        mean: Bytes,
        p99: Bytes,
    },
    /// The size of each key in a recording: columns `key` and `size_bytes`.
    Trace {
        file: String,
    },
}

/// Bytes in the place of nanoseconds: the laws are the same.
fn as_time(size: Bytes) -> Duration {
    Duration { ns: size.bytes }
}

impl EntrySizes {
    fn law(&self) -> Option<Distribution> {
        Some(match *self {
            Self::Exponential(mean) => Distribution::Exponential(as_time(mean)),
            Self::Uniform(from, to) => Distribution::Uniform(as_time(from), as_time(to)),
            Self::LogNormal { mean, p99 } => {
                Distribution::LogNormal { mean: Some(as_time(mean)), median: None, p99: Some(as_time(p99)), cv: None }
            }
            Self::Trace { .. } => return None,
        })
    }

    /// The mean in bytes, if it is known without looking into a file.
    pub fn mean_bytes(&self) -> Option<f64> {
        self.law()?.compile(Path::new("")).ok().map(|law| law.mean_ns())
    }

    pub fn mistakes(this: &Spanned<Self>) -> Vec<Mistake> {
        let is_wrong = match &this.value {
            Self::Exponential(mean) => mean.bytes == 0,
            Self::Uniform(from, to) => from > to || to.bytes == 0,
            Self::LogNormal { mean, p99 } => mean.bytes == 0 || p99 <= mean,
            Self::Trace { .. } => false,
        };
        let has_law = this.law().is_some_and(|law| !law.check().is_empty());
        if !is_wrong && !has_law {
            return Vec::new();
        }
        let help = "write for example LogNormal(mean: \"4KiB\", p99: \"64KiB\"), or Uniform(\"1KiB\", \"64KiB\")";
        vec![Mistake::new(this.span, "no sizes follow this law", help)]
    }
}

/// Sizes by key.
#[derive(Clone, Debug)]
pub enum Sizes {
    Law { law: Sampler, purpose: Purpose },
    Recorded(Arc<BTreeMap<u64, u32>>),
}

impl Sizes {
    pub fn compile(written: &Spanned<EntrySizes>, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        if let EntrySizes::Trace { file } = &written.value {
            let path = wiring.path(file);
            return recorded(&path).map(|sizes| Self::Recorded(Arc::new(sizes))).map_err(|message| {
                let help = "the file has a header line with columns `key` and `size_bytes`";
                CompileError::at(written.span, format!("{file}: {message}")).help(help)
            });
        }
        let law = written.law().unwrap_or_default();
        let law = wiring.sampler(&Spanned { value: law, span: written.span })?;
        Ok(Self::Law { law, purpose: wiring.purpose("entry size") })
    }

    /// The size of a key: `key` as it was drawn, `name` as the store knows it.
    pub fn of(&self, key: u64, name: u64) -> u32 {
        match self {
            Self::Law { law, purpose } => {
                law.sample_ns(&mut Stream::keyed(name, *purpose, 0)).clamp(1, u64::from(u32::MAX)) as u32
            }
            Self::Recorded(sizes) => sizes.get(&key).copied().unwrap_or(1),
        }
    }
}

fn recorded(path: &Path) -> Result<BTreeMap<u64, u32>, String> {
    let mut reader = csv::Reader::from_path(path).map_err(|error| error.to_string())?;
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| {
        headers.iter().position(|header| header.trim() == name).ok_or_else(|| format!("there is no column `{name}`"))
    };
    let (key, size) = (column("key")?, column("size_bytes")?);
    let mut sizes = BTreeMap::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let number = |column: usize| record.get(column).and_then(|text| text.trim().parse::<u64>().ok());
        let (Some(key), Some(size)) = (number(key), number(size)) else {
            return Err(format!("line {}: no whole numbers", row + 2));
        };
        sizes.entry(key).or_insert(size.clamp(1, u64::from(u32::MAX)) as u32);
    }
    Ok(sizes)
}
