//! A histogram that forgets: the weight of a sample halves with each half-life.
//!
//! Rules after kubernetes/autoscaler, `recommender/util/decaying_histogram.go` and `histogram.go`. A sample of time `t` is
//! added with its weight times `2^((t - reference) / half-life)`, so that the old need not be touched when the new arrives:
//! only ratios of weights matter. The reference is a whole multiple of the half-life, and is moved on before the exponents
//! grow too large; that multiplies all weights by a power of two, which is exact.

use super::buckets::Buckets;

/// The smallest weight that makes a bucket count as filled: a thousandth of the smallest weight of a sample.
pub const EPSILON: f64 = 1e-4;
/// The reference is moved on when a sample would be multiplied by more than two to this power.
const MOST_HALF_LIVES: u64 = 100;

/// Weights of samples by bucket, newer ones counting more.
#[derive(Clone, Debug, PartialEq)]
pub struct DecayingHistogram {
    buckets: Buckets,
    half_life_ns: Option<u64>,
    /// None before the first sample, whose time then says where the reference lies.
    reference_ns: Option<u64>,
    weights: Vec<f64>,
    total_weight: f64,
}

impl DecayingHistogram {
    /// An empty histogram; without a half-life, or with one of zero, nothing is ever forgotten.
    #[must_use]
    pub fn new(buckets: Buckets, half_life_ns: Option<u64>) -> Self {
        let half_life_ns = half_life_ns.filter(|&half_life_ns| half_life_ns > 0);
        Self { buckets, half_life_ns, reference_ns: None, weights: vec![0.0; buckets.count()], total_weight: 0.0 }
    }

    /// Adds a sample; says whether it was taken, which one is not whose value or weight is negative or no finite number.
    pub fn add(&mut self, value: f64, weight: f64, time_ns: u64) -> bool {
        if !is_amount(value) || !is_amount(weight) {
            return false;
        }
        let decayed = weight * self.factor(time_ns);
        self.weights[self.buckets.find(value)] += decayed;
        self.total_weight += decayed;
        true
    }

    /// Takes back a sample that was added with the same value, weight and time; says whether it was one.
    pub fn subtract(&mut self, value: f64, weight: f64, time_ns: u64) -> bool {
        if !is_amount(value) || !is_amount(weight) {
            return false;
        }
        let decayed = weight * self.factor(time_ns);
        let bucket = self.buckets.find(value);
        self.weights[bucket] = less(self.weights[bucket], decayed);
        self.total_weight = less(self.total_weight, decayed);
        true
    }

    /// Adds all samples of another histogram; says whether it could, which takes the same buckets and half-life.
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.buckets != other.buckets || self.half_life_ns != other.half_life_ns {
            return false;
        }
        let Some(their_reference_ns) = other.reference_ns else { return true };
        let reference_ns = self.reference_ns.map_or(their_reference_ns, |ours| ours.max(their_reference_ns));
        self.shift(reference_ns);
        let scale = self.scale(their_reference_ns, reference_ns);
        for (weight, theirs) in self.weights.iter_mut().zip(&other.weights) {
            *weight += theirs * scale;
        }
        self.total_weight += other.total_weight * scale;
        true
    }

    /// The end of the first bucket at which this share (0.9 for the 90th percentile) of the weight has been met, going up; the
    /// start of the last bucket, which has no end. None if no bucket is filled.
    ///
    /// Shares below 0 or above 1 tell the first and the last filled bucket.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let first = self.weights.iter().position(|&weight| weight >= EPSILON)?;
        let last = self.weights.iter().rposition(|&weight| weight >= EPSILON)?;
        let threshold = share * self.total_weight;
        let mut met = 0.0;
        let reached = (first..last).find(|&bucket| {
            met += self.weights[bucket];
            met >= threshold
        });
        Some(self.buckets.reported(reached.unwrap_or(last)))
    }

    /// Whether no bucket is filled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.iter().all(|&weight| weight < EPSILON)
    }

    /// What the weight of a sample of this time is multiplied by.
    fn factor(&mut self, time_ns: u64) -> f64 {
        let Some(half_life_ns) = self.half_life_ns else {
            self.reference_ns = Some(0);
            return 1.0;
        };
        let limit_ns = half_life_ns.saturating_mul(MOST_HALF_LIVES);
        let fits = self.reference_ns.is_some_and(|reference_ns| time_ns <= reference_ns.saturating_add(limit_ns));
        if !fits {
            let rounded = time_ns.saturating_add(half_life_ns / 2) / half_life_ns;
            self.shift(rounded.saturating_mul(half_life_ns));
        }
        (signed_difference(time_ns, self.reference_ns.unwrap_or(0)) / half_life_ns as f64).exp2()
    }

    /// Moves the reference to this time and the weights with it.
    fn shift(&mut self, reference_ns: u64) {
        if let Some(before_ns) = self.reference_ns {
            let scale = self.scale(before_ns, reference_ns);
            for weight in &mut self.weights {
                *weight *= scale;
            }
            self.total_weight *= scale;
        }
        self.reference_ns = Some(reference_ns);
    }

    /// What weights told relative to one time are multiplied by to be relative to another.
    fn scale(&self, from_ns: u64, to_ns: u64) -> f64 {
        self.half_life_ns.map_or(1.0, |half_life_ns| (signed_difference(from_ns, to_ns) / half_life_ns as f64).exp2())
    }
}

fn is_amount(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// `a - b`, exact where the difference is below 2^53.
fn signed_difference(a: u64, b: u64) -> f64 {
    if a >= b { (a - b) as f64 } else { -((b - a) as f64) }
}

/// What is left of a weight; what is below [`EPSILON`] is rounding, and nothing.
fn less(weight: f64, taken: f64) -> f64 {
    let left = weight - taken;
    if left < EPSILON { 0.0 } else { left }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: u64 = 3_600_000_000_000;

    fn hourly() -> DecayingHistogram {
        DecayingHistogram::new(Buckets::linear(1.0, 10.0).expect("a layout"), Some(HOUR_NS))
    }

    #[test]
    fn a_histogram_with_nothing_in_it_has_no_percentile() {
        let mut histogram = hourly();
        assert!(histogram.is_empty());
        assert_eq!(histogram.percentile(0.5), None);
        assert!(histogram.add(3.0, EPSILON / 2.0, 0));
        assert_eq!(histogram.percentile(0.5), None, "a weight below epsilon fills no bucket");
        assert!(histogram.add(3.0, EPSILON / 2.0, 0));
        assert_eq!(histogram.percentile(0.5), Some(4.0));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let mut histogram = hourly();
        for (value, weight) in [(-1.0, 1.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0)] {
            assert!(!histogram.add(value, weight, 0));
            assert!(!histogram.subtract(value, weight, 0));
        }
        assert!(histogram.is_empty());
    }

    #[test]
    fn what_is_added_can_be_taken_back() {
        let mut histogram = hourly();
        histogram.add(2.0, 1.0, 5 * HOUR_NS);
        let before = histogram.clone();
        histogram.add(7.0, 1.0, 6 * HOUR_NS);
        assert_eq!(histogram.percentile(0.9), Some(8.0));
        histogram.subtract(7.0, 1.0, 6 * HOUR_NS);
        assert_eq!(histogram, before);
    }

    #[test]
    fn moving_the_reference_changes_no_ratio() {
        let mut histogram = hourly();
        histogram.add(1.0, 1.0, 0);
        histogram.add(2.0, 1.0, HOUR_NS / 2);
        // 400 half-lives later the old samples weigh nothing beside the new ones, and no weight has overflowed.
        histogram.add(5.0, 3.0, 400 * HOUR_NS);
        histogram.add(6.0, 1.0, 400 * HOUR_NS);
        assert_eq!(histogram.reference_ns, Some(400 * HOUR_NS));
        assert_eq!(histogram.percentile(0.0), Some(6.0));
        assert_eq!(histogram.percentile(0.75), Some(6.0));
        assert_eq!(histogram.percentile(0.76), Some(7.0));
        assert!(histogram.total_weight.is_finite());
    }

    #[test]
    fn the_reference_starts_at_the_multiple_nearest_to_the_first_sample() {
        let mut histogram = hourly();
        histogram.add(1.0, 1.0, 1_000 * HOUR_NS + HOUR_NS / 2);
        assert_eq!(histogram.reference_ns, Some(1_001 * HOUR_NS));
        assert!((histogram.total_weight - 0.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn only_likes_are_merged_and_an_empty_one_changes_nothing() {
        let mut histogram = hourly();
        histogram.add(2.0, 1.0, 5 * HOUR_NS);
        let before = histogram.clone();
        assert!(histogram.merge(&hourly()));
        assert_eq!(histogram, before);
        assert!(!histogram.merge(&DecayingHistogram::new(Buckets::of_cpu_cores(), Some(HOUR_NS))));
        let mut empty = hourly();
        assert!(empty.merge(&before));
        assert_eq!(empty, before);
        // Whichever is merged into the other, the older sample weighs an eighth of the newer.
        let mut newer = hourly();
        newer.add(6.0, 1.0, 8 * HOUR_NS);
        assert!(histogram.merge(&newer) && newer.merge(&before));
        assert_eq!(histogram, newer);
        assert_eq!((newer.weights[2], newer.weights[6]), (0.125, 1.0));
    }

    #[test]
    fn no_time_or_half_life_makes_it_fail() {
        for half_life_ns in [None, Some(0), Some(1), Some(u64::MAX)] {
            let mut histogram = DecayingHistogram::new(Buckets::of_cpu_cores(), half_life_ns);
            for time_ns in [0, u64::MAX, 5, u64::MAX / 2] {
                histogram.add(1.0, 1.0, time_ns);
            }
            assert!(histogram.percentile(0.5).is_some_and(f64::is_finite), "{half_life_ns:?}");
        }
    }
}
