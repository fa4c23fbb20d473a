//! Which keys requests carry: popularity laws over a key space.

use std::path::Path;

use serde::Deserialize;

use super::{AliasTable, DistributionError};
use crate::random::Stream;
use crate::units::Ratio;

/// The largest key space that may need a table: 8 bytes a key.
pub const LARGEST_KEY_TABLE: u64 = 20_000_000;

/// How popular the keys of a key space are. Keys are ranks from 0 to `count` - 1, the most popular first.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum KeyLaw {
    /// All alike: `Uniform(count: 1000000)`.
    Uniform { count: u64 },
    /// Popularity proportional to `1 / (rank + 1)^exponent`: `Zipf(count: 100000, exponent: 0.9)`.
    Zipf { count: u64, exponent: f64 },
    /// Explicit shares of the first keys, the others alike: `HeavyHitters(count: 2000, heavy: ["20%", "10%"])`.
    HeavyHitters { count: u64, heavy: Vec<Ratio> },
    /// Those of a recording, one after the other: `Trace(file: "reads.csv")`, with a column `key`. The requests of each open
    /// workload go through it in the order in which they are sent, and begin again behind its end.
    Trace { file: String },
}

impl Default for KeyLaw {
    fn default() -> Self {
        Self::Uniform { count: 1 }
    }
}

impl KeyLaw {
    /// The number of keys.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Uniform { count } | Self::Zipf { count, .. } | Self::HeavyHitters { count, .. } => *count,
            // Nobody knows without looking into the file; more are not read.
            Self::Trace { .. } => LARGEST_KEY_TABLE,
        }
    }

    /// The file that it names, as written.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Trace { file } => Some(file),
            _ => None,
        }
    }

    /// The first mistake in the law, if there is one.
    #[must_use]
    pub fn check(&self) -> Vec<DistributionError> {
        self.mistake().into_iter().collect()
    }

    fn mistake(&self) -> Option<DistributionError> {
        if self.count() == 0 {
            return Some(DistributionError::new("a key space needs at least one key").help("write count: 1 or more"));
        }
        match self {
            Self::Uniform { .. } | Self::Trace { .. } => None,
            Self::Zipf { count, .. } if *count > LARGEST_KEY_TABLE => Some(
                DistributionError::new(format!("a Zipf law over {count} keys is too large"))
                    .help("the limit is 20,000,000 keys; use Uniform for the rest in a second space"),
            ),
            Self::Zipf { exponent, .. } if !(0.0..=20.0).contains(exponent) => Some(
                DistributionError::new(format!("the exponent {exponent} of a Zipf law is outside 0 to 20"))
                    .help("write for example 0.9; the larger, the more go to few keys"),
            ),
            Self::Zipf { .. } => None,
            Self::HeavyHitters { count, heavy } => {
                let total: f64 = heavy.iter().map(|share| share.value).sum();
                let keys = heavy.len() as u64;
                if keys > *count {
                    Some(
                        DistributionError::new(format!("{keys} shares are given, but count is {count}"))
                            .help("raise `count`, or give fewer shares"),
                    )
                } else if total > 1.0 + 1e-9 {
                    Some(
                        DistributionError::new(format!("the shares of the heavy hitters add up to {total}, above 1"))
                            .help("each is a share of all requests; what they leave goes to the other keys"),
                    )
                } else if keys == *count && total < 1.0 - 1e-6 {
                    Some(
                        DistributionError::new(format!("all keys have a share, and these add up to {total}, not to 1"))
                            .help("raise `count` to leave keys for the rest"),
                    )
                } else {
                    None
                }
            }
        }
    }

    /// How often the key of this rank is asked for, in proportion to others; zero beyond the key space.
    #[must_use]
    pub fn weight(&self, rank: u64) -> f64 {
        match self {
            _ if rank >= self.count() => 0.0,
            Self::Uniform { .. } | Self::Trace { .. } => 1.0,
            Self::Zipf { exponent, .. } => ((rank + 1) as f64).powf(-exponent),
            Self::HeavyHitters { count, heavy } => match heavy.get(rank as usize) {
                Some(share) => share.value,
                None => {
                    let rest = 1.0 - heavy.iter().map(|share| share.value).sum::<f64>();
                    rest.max(0.0) / (count - heavy.len() as u64) as f64
                }
            },
        }
    }

    /// The weights of all keys from this rank on together. Of many Zipf keys it is the Euler-Maclaurin formula's first two
    /// terms, which is exact to within `1 / rank^2`.
    #[must_use]
    pub fn weight_from(&self, rank: u64) -> f64 {
        let count = self.count();
        match self {
            _ if rank >= count => 0.0,
            Self::Zipf { exponent, .. } => {
                let (from, to) = ((rank + 1) as f64, count as f64);
                let area = match 1.0 - exponent {
                    power if power.abs() < 1e-9 => (to / from).ln(),
                    power => (to.powf(power) - from.powf(power)) / power,
                };
                area + 0.5 * (self.weight(rank) + self.weight(count - 1))
            }
            Self::HeavyHitters { heavy, .. } if rank < heavy.len() as u64 => {
                (rank..heavy.len() as u64).map(|rank| self.weight(rank)).sum::<f64>()
                    + self.weight_from(heavy.len() as u64)
            }
            _ => self.weight(rank) * (count - rank) as f64,
        }
    }

    /// The law, ready to be drawn from. Files are looked for from `directory`.
    ///
    /// # Errors
    /// See [`KeyLaw::check`]; and when a file cannot be used.
    pub fn compile_from(&self, directory: &Path) -> Result<KeySampler, DistributionError> {
        match self {
            Self::Trace { file } => Ok(KeySampler(Popularity::Recorded { keys: recorded_keys(file, directory)? })),
            _ => self.compile(),
        }
    }

    /// As [`KeyLaw::compile_from`], of a law that names no file.
    ///
    /// # Errors
    /// See [`KeyLaw::check`].
    pub fn compile(&self) -> Result<KeySampler, DistributionError> {
        if let Some(mistake) = self.mistake() {
            return Err(mistake);
        }
        Ok(KeySampler(match self {
            Self::Uniform { count } => Popularity::Uniform { count: *count },
            Self::Zipf { count, exponent } => {
                let weights: Vec<f64> = (1..=*count).map(|rank| (rank as f64).powf(-exponent)).collect();
                // Added from the smallest, so that a long tail is not lost to rounding.
                let total = weights.iter().rev().sum();
                Popularity::Zipf { table: AliasTable::new(&weights)?, exponent: *exponent, total }
            }
            Self::HeavyHitters { count, heavy } => {
                let mut weights: Vec<f64> = heavy.iter().map(|share| share.value).collect();
                let rest = (1.0 - weights.iter().sum::<f64>()).max(0.0);
                let others = count - weights.len() as u64;
                weights.push(if others > 0 { rest } else { 0.0 });
                Popularity::HeavyHitters { table: AliasTable::new(&weights)?, weights: weights.into(), others }
            }
            Self::Trace { file } => {
                return Err(DistributionError::new(format!("the keys of {file} are known only where it lies")));
            }
        }))
    }
}

/// A compiled [`KeyLaw`]. Clones share its table.
#[derive(Clone, Debug)]
pub struct KeySampler(Popularity);

#[derive(Clone, Debug)]
enum Popularity {
    Uniform {
        count: u64,
    },
    Zipf {
        table: AliasTable,
        exponent: f64,
        total: f64,
    },
    /// The last weight is that of all `others` together.
    HeavyHitters {
        table: AliasTable,
        weights: std::sync::Arc<[f64]>,
        others: u64,
    },
    /// In the order in which they were recorded.
    Recorded {
        keys: std::sync::Arc<[u64]>,
    },
}

impl KeySampler {
    /// The rank of a key, below [`Self::count`].
    #[inline]
    #[must_use]
    pub fn sample(&self, stream: &mut Stream) -> u64 {
        match &self.0 {
            Popularity::Uniform { count } => stream.below(*count),
            Popularity::Zipf { table, .. } => table.sample(stream) as u64,
            Popularity::HeavyHitters { table, others, .. } => {
                let index = table.sample(stream);
                if index + 1 < table.len() { index as u64 } else { index as u64 + stream.below(*others) }
            }
            Popularity::Recorded { keys } => keys[stream.below(keys.len() as u64) as usize],
        }
    }

    /// The number of keys.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.0 {
            Popularity::Uniform { count } => *count,
            Popularity::Zipf { table, .. } => table.len() as u64,
            Popularity::HeavyHitters { weights, others, .. } => weights.len() as u64 - 1 + others,
            Popularity::Recorded { keys } => keys.iter().max().map_or(0, |most| most + 1),
        }
    }

    /// The keys of a recording, in order; `None` if the law is no recording.
    #[must_use]
    pub fn recorded(&self) -> Option<&std::sync::Arc<[u64]>> {
        match &self.0 {
            Popularity::Recorded { keys } => Some(keys),
            _ => None,
        }
    }

    /// The exact probability of the key with this rank; zero beyond the key space.
    #[must_use]
    pub fn probability(&self, rank: u64) -> f64 {
        if rank >= self.count() {
            return 0.0;
        }
        match &self.0 {
            Popularity::Uniform { count } => 1.0 / *count as f64,
            Popularity::Zipf { exponent, total, .. } => ((rank + 1) as f64).powf(-exponent) / total,
            Popularity::HeavyHitters { weights, others, .. } => {
                let last = weights.len() - 1;
                let total: f64 = weights.iter().sum();
                if (rank as usize) < last {
                    weights[rank as usize] / total
                } else {
                    weights[last] / *others as f64 / total
                }
            }
            Popularity::Recorded { keys } => keys.iter().filter(|key| **key == rank).count() as f64 / keys.len() as f64,
        }
    }
}

/// The column `key` of a file.
fn recorded_keys(file: &str, directory: &Path) -> Result<std::sync::Arc<[u64]>, DistributionError> {
    let wrong = |what: String| {
        let help = "the file has a header line with a column `key`, and a whole number in each line below";
        DistributionError::new(format!("{file}: {what}")).help(help)
    };
    let mut reader = csv::Reader::from_path(directory.join(file)).map_err(|error| wrong(error.to_string()))?;
    let headers = reader.headers().map_err(|error| wrong(error.to_string()))?;
    let column = headers.iter().position(|header| header.trim() == "key");
    let column = column.ok_or_else(|| wrong("there is no column `key`".to_owned()))?;
    let mut keys = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let key = record.get(column).and_then(|text| text.trim().parse::<u64>().ok());
        match key.filter(|key| *key < LARGEST_KEY_TABLE) {
            Some(key) => keys.push(key),
            None => return Err(wrong(format!("line {} holds no key below {LARGEST_KEY_TABLE}", row + 2))),
        }
        if keys.len() as u64 > LARGEST_KEY_TABLE {
            return Err(wrong(format!("there are more than {LARGEST_KEY_TABLE} keys")));
        }
    }
    if keys.is_empty() {
        return Err(wrong("there are no keys".to_owned()));
    }
    Ok(keys.into())
}
