//! Levels over simulated time.

use crate::statistics::total::Total;

/// A level that changes in steps, with its exact integral over time.
///
/// The integral of a step function is `level x now` less the sum of `change x time of the change` (summation by parts).
/// So a change costs an addition, and no clock needs to be kept. Sums wrap around, which does no harm: the integral
/// itself is far below 2^128.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauge {
    level: u64,
    /// Sum of change x nanoseconds at the change.
    moment: Total,
}

impl Gauge {
    /// A gauge that has stood at `level` since time zero.
    pub fn at(level: u64) -> Self {
        Self { level, moment: Total::default() }
    }

    /// The level now.
    #[inline(always)]
    pub fn level(&self) -> u64 {
        self.level
    }

    /// Raises the level.
    #[inline(always)]
    pub fn add(&mut self, now_ns: u64, amount: u64) {
        self.level += amount;
        self.moment.add(u128::from(amount) * u128::from(now_ns));
    }

    /// Lowers the level.
    #[inline(always)]
    pub fn subtract(&mut self, now_ns: u64, amount: u64) {
        debug_assert!(self.level >= amount, "a gauge never falls below zero");
        self.level = self.level.wrapping_sub(amount);
        self.moment.subtract(u128::from(amount) * u128::from(now_ns));
    }

    /// Sets the level.
    #[inline(always)]
    pub fn set(&mut self, now_ns: u64, level: u64) {
        let change = u128::from(level).wrapping_sub(u128::from(self.level));
        self.level = level;
        self.moment.add(change.wrapping_mul(u128::from(now_ns)));
    }

    /// Level x nanoseconds from time zero until now.
    pub fn integral(&self, now_ns: u64) -> u128 {
        (u128::from(self.level) * u128::from(now_ns)).wrapping_sub(self.moment.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_is_the_area_under_the_steps() {
        let mut gauge = Gauge::at(2);
        gauge.add(10, 3);
        gauge.subtract(20, 4);
        gauge.set(25, 7);
        assert_eq!(gauge.integral(30), 2 * 10 + 5 * 10 + 5 + 7 * 5);
        assert_eq!(gauge.level(), 7);
    }
}
