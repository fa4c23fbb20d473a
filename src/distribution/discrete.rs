//! Which keys requests carry: popularity laws over a key space.

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
            Self::Uniform { .. } => None,
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
            Self::Uniform { .. } => 1.0,
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

    /// The law, ready to be drawn from.
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
        }
    }

    /// The number of keys.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.0 {
            Popularity::Uniform { count } => *count,
            Popularity::Zipf { table, .. } => table.len() as u64,
            Popularity::HeavyHitters { weights, others, .. } => weights.len() as u64 - 1 + others,
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
        }
    }
}
