//! A distribution ready to be drawn from.

use std::sync::Arc;

use rand_distr::{Distribution as _, Exp1};

use super::shape::Shape;
use crate::processor::whole;
use crate::random::Stream;

/// A compiled law of durations: 16 bytes, cheap to clone. Drawing is a pure function of the stream's state.
#[derive(Clone, Debug)]
pub struct Sampler(Law);

/// Constant and exponential laws are drawn in line, because most models have little else and a draw competes with the
/// event loop for instructions; everything else stays behind one call.
#[derive(Clone, Debug)]
enum Law {
    Constant { ns: u64 },
    Exponential { mean_ns: f64 },
    Shaped(Arc<Shape>),
}

impl Default for Sampler {
    fn default() -> Self {
        Self::constant_ns(0)
    }
}

impl Sampler {
    /// Always `ns`.
    #[must_use]
    pub fn constant_ns(ns: u64) -> Self {
        Self(Law::Constant { ns })
    }

    /// Exponential with this mean, which must be finite and not negative.
    #[must_use]
    pub fn exponential_ns(mean_ns: f64) -> Self {
        Self(Law::Exponential { mean_ns })
    }

    pub(super) fn shaped(shape: Shape) -> Self {
        Self(Law::Shaped(Arc::new(shape)))
    }

    /// The law of so many times what this one gives. Simple laws stay simple.
    pub(super) fn scaled(self, by: f64) -> Self {
        match &self.0 {
            Law::Constant { ns } => Self::constant_ns(to_ns(*ns as f64 * by)),
            Law::Exponential { mean_ns } => Self::exponential_ns(mean_ns * by),
            Law::Shaped(shape) => Self::shaped(shape.scaled(by)),
        }
    }

    /// A duration in nanoseconds, rounded to the nearest. A constant law takes nothing from the stream.
    #[inline(always)]
    #[must_use]
    pub fn sample_ns(&self, stream: &mut Stream) -> u64 {
        match &self.0 {
            Law::Constant { ns } => *ns,
            Law::Exponential { mean_ns } => {
                let unit: f64 = Exp1.sample(stream);
                to_ns(mean_ns * unit)
            }
            Law::Shaped(shape) => shape.sample_ns(stream),
        }
    }

    /// Whether every draw is the same.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self.0, Law::Constant { .. })
    }

    /// The exact mean in seconds.
    #[must_use]
    pub fn mean_s(&self) -> f64 {
        self.mean_ns() * 1e-9
    }

    /// The exact mean in nanoseconds, before draws are rounded.
    #[must_use]
    pub fn mean_ns(&self) -> f64 {
        match &self.0 {
            Law::Constant { ns } => *ns as f64,
            Law::Exponential { mean_ns } => *mean_ns,
            Law::Shaped(shape) => shape.moments().mean,
        }
    }

    /// The exact variance over the squared mean; zero for a law that is always zero.
    #[must_use]
    pub fn squared_coefficient_of_variation(&self) -> f64 {
        match &self.0 {
            Law::Constant { .. } => 0.0,
            Law::Exponential { mean_ns } => f64::from(u8::from(*mean_ns > 0.0)),
            Law::Shaped(shape) => shape.moments().squared_coefficient_of_variation,
        }
    }
}

/// Rounds a duration that is not negative to whole nanoseconds; it saturates at 292 years.
#[inline(always)]
pub(super) fn to_ns(ns: f64) -> u64 {
    whole(ns + 0.5)
}
