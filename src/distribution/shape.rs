//! The laws that are drawn out of line.

use std::sync::Arc;

use rand_distr::{Distribution as _, Exp1, Gamma, LogNormal, StandardNormal, Weibull};

use super::alias::AliasTable;
use super::empirical::InverseDistribution;
use super::moments::Moments;
use super::sampler::{Sampler, to_ns};
use crate::random::Stream;

/// A law with its moments. All numbers are nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    law: ShapeLaw,
    moments: Moments,
}

#[derive(Clone, Debug)]
pub(super) enum ShapeLaw {
    Uniform { low: f64, width: f64 },
    TruncatedNormal { mean: f64, deviation: f64, low: f64, high: f64 },
    LogNormal(LogNormal<f64>),
    Gamma(Gamma<f64>),
    Weibull(Weibull<f64>),
    BoundedPareto { low: f64, high: f64, tail: f64, exponent: f64 },
    HyperExponential { choice: AliasTable, means: Box<[f64]> },
    Inverse(InverseDistribution),
    Samples(Arc<[u64]>),
    Mixture { choice: AliasTable, parts: Box<[Sampler]> },
    Scaled { by: f64, law: Box<Shape> },
}

impl Shape {
    pub fn new(law: ShapeLaw, moments: Moments) -> Self {
        Self { law, moments }
    }

    pub fn moments(&self) -> Moments {
        self.moments
    }

    /// Every value times a factor: the mean grows with it, the coefficient of variation stays.
    pub fn scaled(&self, by: f64) -> Self {
        let moments = Moments { mean: self.moments.mean * by, ..self.moments };
        Self::new(ShapeLaw::Scaled { by, law: Box::new(self.clone()) }, moments)
    }

    #[inline(never)]
    pub fn sample_ns(&self, stream: &mut Stream) -> u64 {
        match &self.law {
            ShapeLaw::Scaled { by, law } => to_ns(law.sample_ns(stream) as f64 * by),
            ShapeLaw::Uniform { low, width } => to_ns(low + width * stream.unit()),
            ShapeLaw::TruncatedNormal { mean, deviation, low, high } => loop {
                // Compilation has made sure that at least one draw in a hundred is accepted.
                let unit: f64 = StandardNormal.sample(stream);
                let value = mean + deviation * unit;
                if value >= *low && value <= *high {
                    break to_ns(value);
                }
            },
            ShapeLaw::LogNormal(law) => to_ns(law.sample(stream)),
            ShapeLaw::Gamma(law) => to_ns(law.sample(stream)),
            ShapeLaw::Weibull(law) => to_ns(law.sample(stream)),
            ShapeLaw::BoundedPareto { low, high, tail, exponent } => {
                // Rounding may carry the power past the bound.
                to_ns((low * (1.0 - tail * stream.unit()).powf(*exponent)).min(*high))
            }
            ShapeLaw::HyperExponential { choice, means } => {
                let mean = means[choice.sample(stream)];
                let unit: f64 = Exp1.sample(stream);
                to_ns(mean * unit)
            }
            ShapeLaw::Inverse(inverse) => to_ns(inverse.value_at(stream.next_word())),
            ShapeLaw::Samples(samples) => samples[stream.below(samples.len() as u64) as usize],
            ShapeLaw::Mixture { choice, parts } => parts[choice.sample(stream)].sample_ns(stream),
        }
    }
}
