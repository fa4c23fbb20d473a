//! Levels over simulated time.

/// A level that changes in steps, with its exact integral over time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauge {
    level: u64,
    changed_ns: u64,
    /// Sum of level x nanoseconds up to the last change.
    area: u128,
}

impl Gauge {
    /// A gauge that has stood at `level` since time zero.
    pub fn at(level: u64) -> Self {
        Self { level, ..Self::default() }
    }

    /// The level now.
    #[inline(always)]
    pub fn level(&self) -> u64 {
        self.level
    }

    /// Raises the level.
    #[inline(always)]
    pub fn add(&mut self, now_ns: u64, amount: u64) {
        self.settle(now_ns);
        self.level += amount;
    }

    /// Lowers the level.
    #[inline(always)]
    pub fn subtract(&mut self, now_ns: u64, amount: u64) {
        self.settle(now_ns);
        debug_assert!(self.level >= amount, "a gauge never falls below zero");
        self.level -= amount;
    }

    /// Sets the level.
    #[inline(always)]
    pub fn set(&mut self, now_ns: u64, level: u64) {
        self.settle(now_ns);
        self.level = level;
    }

    /// Level x nanoseconds from time zero until now.
    pub fn integral(&self, now_ns: u64) -> u128 {
        self.area + u128::from(self.level) * u128::from(now_ns - self.changed_ns)
    }

    #[inline(always)]
    fn settle(&mut self, now_ns: u64) {
        self.area += u128::from(self.level) * u128::from(now_ns - self.changed_ns);
        self.changed_ns = now_ns;
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
