//! How a histogram divides its values: buckets of one width, or of widths that grow.
//!
//! Layout after kubernetes/autoscaler, `recommender/util/histogram_options.go`: with first width `w` and growth `g`, bucket
//! `n` starts at `w (g^n - 1) / (g - 1)`; values beyond the range fall into the first or the last bucket.

/// More buckets than this would be a mistake in the layout, not a layout.
const MOST_BUCKETS: f64 = 100_000.0;

/// A division of the values from zero up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Buckets {
    first_width: f64,
    /// How many times as wide as its predecessor each bucket is; none if all are equally wide.
    growth: Option<f64>,
    count: usize,
}

impl Buckets {
    /// Buckets of equal `width`, the last of which starts at `maximum` or above; none unless both are above zero.
    #[must_use]
    pub fn linear(width: f64, maximum: f64) -> Option<Self> {
        let valid = width > 0.0 && maximum > 0.0;
        Self::counted(width, None, maximum / width, valid)
    }

    /// Buckets that start with `first_width`, each `growth` times as wide as the one before, the last of which starts at
    /// `maximum` or above; none unless all are above zero and the growth above one.
    #[must_use]
    pub fn exponential(first_width: f64, growth: f64, maximum: f64) -> Option<Self> {
        let valid = first_width > 0.0 && growth > 1.0 && maximum > 0.0;
        let position = (maximum * (growth - 1.0) / first_width + 1.0).ln() / growth.ln();
        Self::counted(first_width, Some(growth), position, valid)
    }

    fn counted(first_width: f64, growth: Option<f64>, position: f64, valid: bool) -> Option<Self> {
        let count = position.ceil() + 1.0;
        (valid && count <= MOST_BUCKETS).then_some(Self { first_width, growth, count: count as usize })
    }

    /// The Autoscaler's division of CPU usage in cores: from 0.01 to 1,000 cores, each bucket 5% wider than the one before.
    #[must_use]
    pub const fn of_cpu_cores() -> Self {
        Self { first_width: 0.01, growth: Some(1.05), count: 176 }
    }

    /// The Autoscaler's division of memory in bytes: from 10 MB to 1 TB, each bucket 5% wider than the one before.
    #[must_use]
    pub const fn of_memory_bytes() -> Self {
        Self { first_width: 1e7, growth: Some(1.05), count: 176 }
    }

    /// Number of buckets.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The bucket that this value falls into.
    #[must_use]
    pub fn find(&self, value: f64) -> usize {
        let position = match self.growth {
            None => value / self.first_width,
            Some(_) if value < self.first_width => 0.0,
            Some(growth) => (value * (growth - 1.0) / self.first_width + 1.0).ln() / growth.ln(),
        };
        // What is below zero or no number becomes zero in the conversion.
        (position as usize).min(self.count - 1)
    }

    /// Where this bucket starts.
    #[must_use]
    pub fn start(&self, bucket: usize) -> f64 {
        match self.growth {
            None => bucket as f64 * self.first_width,
            Some(growth) => self.first_width * (growth.powf(bucket as f64) - 1.0) / (growth - 1.0),
        }
    }

    /// What is said of the values in this bucket: its end, or the start of the last one, which has no end.
    #[must_use]
    pub fn reported(&self, bucket: usize) -> f64 {
        self.start((bucket + 1).min(self.count - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_layouts_are_those_of_their_rules() {
        assert_eq!(Buckets::exponential(0.01, 1.05, 1_000.0), Some(Buckets::of_cpu_cores()));
        assert_eq!(Buckets::exponential(1e7, 1.05, 1e12), Some(Buckets::of_memory_bytes()));
        assert_eq!(Buckets::linear(1.0, 10.0).map(|buckets| buckets.count()), Some(11));
    }

    #[test]
    fn impossible_layouts_are_none() {
        for (width, maximum) in [(0.0, 1.0), (1.0, 0.0), (-1.0, -1.0), (f64::NAN, 1.0), (1e-300, 1.0)] {
            assert_eq!(Buckets::linear(width, maximum), None);
        }
        assert_eq!(Buckets::exponential(1.0, 1.0, 10.0), None);
        assert_eq!(Buckets::exponential(1.0, 0.5, 10.0), None);
    }

    #[test]
    fn a_value_lies_between_the_start_and_the_end_of_its_bucket() {
        let buckets = Buckets::of_cpu_cores();
        for value in [0.001, 0.0101, 0.5, 1.0, 3.3, 900.0] {
            let bucket = buckets.find(value);
            assert!(buckets.start(bucket) <= value && value < buckets.reported(bucket), "{value}");
        }
        assert_eq!(buckets.find(-5.0), 0);
        assert_eq!(buckets.find(f64::NAN), 0);
        assert_eq!(buckets.find(1e9), buckets.count() - 1);
    }
}
