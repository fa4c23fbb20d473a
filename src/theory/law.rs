//! What is known of a law of durations without drawing from it.

use std::path::Path;

use crate::distribution::Distribution;
use crate::techniques::parts::steps::Step;

/// A law of durations, as far as closed forms ask.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Law {
    pub mean_s: f64,
    pub variance_s2: f64,
    pub is_exponential: bool,
}

/// Which times of an operation count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Computing,
    Waiting,
    Both,
}

impl Law {
    /// The law as it is written; one whose file cannot be read is no time at all.
    pub fn of(written: &Distribution, directory: &Path) -> Self {
        let Ok(sampler) = written.compile(directory) else { return Self::default() };
        let mean_s = sampler.mean_s();
        Self {
            mean_s,
            variance_s2: sampler.squared_coefficient_of_variation() * mean_s * mean_s,
            is_exponential: written.is_exponential(),
        }
    }

    /// The law of the whole time that these steps take alone.
    pub fn of_steps(steps: &[Step], share: Share, directory: &Path) -> Self {
        let inner = |steps: &[Step]| Self::of_steps(steps, share, directory);
        steps.iter().fold(Self::default(), |law, step| {
            law.then(match step {
                Step::Compute(written) if share != Share::Waiting => Self::of(written, directory),
                Step::Wait(written) if share != Share::Computing => Self::of(written, directory),
                Step::Choose(choices) => {
                    Self::mixture(choices.iter().map(|(probability, choice)| (probability.value, inner(choice))))
                }
                Step::Repeat { times, steps } => inner(steps).times(times.value),
                Step::Parallel(branches) if branches.len() == 1 => inner(&branches[0]),
                _ => Self::default(),
            })
        })
    }

    /// The variance over the squared mean.
    pub fn squared_variation(self) -> f64 {
        if self.mean_s > 0.0 { self.variance_s2 / (self.mean_s * self.mean_s) } else { 0.0 }
    }

    /// This long, and then the other, independently.
    fn then(self, other: Self) -> Self {
        if self.mean_s == 0.0 {
            return other;
        }
        Self {
            mean_s: self.mean_s + other.mean_s,
            variance_s2: self.variance_s2 + other.variance_s2,
            is_exponential: self.is_exponential && other.mean_s == 0.0,
        }
    }

    fn times(self, times: u32) -> Self {
        let count = f64::from(times);
        Self {
            mean_s: self.mean_s * count,
            variance_s2: self.variance_s2 * count,
            is_exponential: self.is_exponential && times == 1,
        }
    }

    /// The same law in slow motion.
    pub fn stretched(self, factor: f64) -> Self {
        Self { mean_s: self.mean_s * factor, variance_s2: self.variance_s2 * factor * factor, ..self }
    }

    /// One of several by weight, which need not add up to 1.
    pub fn mixture(parts: impl Iterator<Item = (f64, Self)>) -> Self {
        let parts: Vec<(f64, Self)> = parts.filter(|(weight, _)| *weight > 0.0).collect();
        let Some((_, first)) = parts.first().copied() else { return Self::default() };
        let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
        let mean_s = parts.iter().map(|(weight, part)| weight * part.mean_s).sum::<f64>() / total;
        let spread = |part: &Self| part.variance_s2 + (part.mean_s - mean_s).powi(2);
        let variance_s2 = parts.iter().map(|(weight, part)| weight * spread(part)).sum::<f64>() / total;
        let is_alike = |part: &Self| part.is_exponential && (part.mean_s / first.mean_s - 1.0).abs() < 1e-12;
        Self { mean_s, variance_s2, is_exponential: parts.iter().all(|(_, part)| is_alike(part)) }
    }
}
