//! Probability distributions of durations and of keys: the written form, and what it compiles to.
//!
//! [`Distribution`] is what stands in a model; [`Distribution::compile`] turns it into a [`Sampler`], which is small,
//! cheap to clone and fast to draw from, and knows its exact mean and squared coefficient of variation.
//! [`KeyLaw`] and [`KeySampler`] are the same pair for key spaces.

mod alias;
mod check;
mod compile;
mod discrete;
mod empirical;
mod error;
mod log_normal;
mod moments;
mod parametric;
mod sampler;
mod samples;
mod shape;
mod tables;
mod written;

pub use alias::AliasTable;
pub use discrete::{KeyLaw, KeySampler, LARGEST_KEY_TABLE};
pub use error::DistributionError;
pub use sampler::Sampler;
pub use written::{Distribution, HistogramCell, Percentile};

#[cfg(test)]
mod tests;
