//! From what was used to an amount: a percentile, a safety margin on top, and a factor that grows surer with history.
//!
//! Formulas after kubernetes/autoscaler, `recommender/logic/estimator.go`. Confidence is the smaller of the time between the
//! first and the last sample in confidence intervals, and of the number of samples in minutes of such an interval: one for
//! each day of one sample a minute. Bounds are multiplied by `(1 + multiplier / confidence)^exponent`, which is infinite or
//! zero without history, so that nobody is evicted before enough is known. Every step rounds down, as the source does.

use super::aggregation::Aggregation;
use super::resources::Resources;

const MINUTE_NS: f64 = 60_000_000_000.0;

/// How an amount depends on how much history there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfidenceScaling {
    /// What is divided by the confidence.
    pub multiplier: f64,
    /// Above zero for an upper bound, below zero for a lower one.
    pub exponent: f64,
}

impl ConfidenceScaling {
    /// The factor at this confidence.
    #[must_use]
    pub fn factor(&self, confidence: f64) -> f64 {
        (1.0 + self.multiplier / confidence).powf(self.exponent)
    }
}

/// Days (or other intervals) of one sample a minute that an aggregation's history is worth.
#[must_use]
pub fn confidence(aggregation: &Aggregation, interval_ns: u64) -> f64 {
    let interval_ns = interval_ns.max(1) as f64;
    let lifespan = aggregation.lifespan_ns() as f64 / interval_ns;
    let samples = aggregation.cpu_samples() as f64 / (interval_ns / MINUTE_NS);
    lifespan.min(samples)
}

/// One way to an amount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimator {
    /// The share of CPU samples that the amount shall cover.
    pub cpu_percentile: f64,
    /// The share of memory peaks that the amount shall cover.
    pub memory_percentile: f64,
    /// This share of the percentile is added to it.
    pub safety_margin_fraction: f64,
    /// How the amount depends on the confidence, if it does.
    pub scaling: Option<ConfidenceScaling>,
}

impl Estimator {
    /// The amount for a container that used so much; resources of which there are no samples are zero.
    #[must_use]
    pub fn estimate(&self, aggregation: &Aggregation, confidence_interval_ns: u64) -> Resources {
        let cores = aggregation.cpu_usage_cores().percentile(self.cpu_percentile);
        let bytes = aggregation.memory_peaks_bytes().percentile(self.memory_percentile);
        let base = Resources::new(cores.unwrap_or(0.0), bytes.unwrap_or(0.0)).with_margin(self.safety_margin_fraction);
        let sure = confidence(aggregation, confidence_interval_ns);
        self.scaling.map_or(base, |scaling| base.scaled(scaling.factor(sure)))
    }
}

/// The least that a container gets: that of a pod divided by its containers.
#[must_use]
pub fn minimum_per_container(pod_minimum: Resources, containers: usize) -> Resources {
    pod_minimum.scaled(1.0 / containers.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::super::aggregation::AggregationSettings;
    use super::super::container::ContainerState;
    use super::super::resources::MOST;
    use super::*;

    const DAY_NS: u64 = 86_400_000_000_000;
    const UPPER: ConfidenceScaling = ConfidenceScaling { multiplier: 1.0, exponent: 1.0 };
    const LOWER: ConfidenceScaling = ConfidenceScaling { multiplier: 0.001, exponent: -2.0 };

    #[test]
    fn confidence_is_the_smaller_of_lifespan_and_samples() {
        let mut used = Aggregation::new(AggregationSettings::default());
        assert_eq!(confidence(&used, DAY_NS), 0.0);
        let mut pod = ContainerState::default();
        for sample in 0..9 {
            pod.add_cpu_sample(&mut used, sample * 120_000_000_000, 1.0, None);
        }
        assert!((confidence(&used, DAY_NS) - 9.0 / 1_440.0).abs() < 1e-15, "by samples");
        let mut second_pod = ContainerState::default();
        for sample in 0..9 {
            second_pod.add_cpu_sample(&mut used, sample * 120_000_000_000, 1.0, None);
        }
        assert!((confidence(&used, DAY_NS) - 16.0 / 1_440.0).abs() < 1e-15, "by lifespan");
    }

    /// The factors that the source tells in its comments.
    #[test]
    fn bounds_come_closer_with_history() {
        for (days, expected) in [(0.5, 3.0), (1.0, 2.0), (7.0, 1.142_857)] {
            assert!((UPPER.factor(days) - expected).abs() < 1e-6);
        }
        for (minutes, expected) in [(5.0, 0.6), (30.0, 0.91), (60.0, 0.954)] {
            assert!((LOWER.factor(minutes / 1_440.0) - expected).abs() < 0.005, "{minutes}");
        }
    }

    #[test]
    fn without_history_nothing_is_outside_the_bounds() {
        let base = Resources::new(1.0, 1e9);
        assert_eq!(base.scaled(UPPER.factor(0.0)), Resources { cpu_millicores: MOST, memory_bytes: MOST });
        assert_eq!(base.scaled(LOWER.factor(0.0)), Resources::default());
    }

    #[test]
    fn what_was_never_sampled_is_estimated_as_nothing() {
        let estimator = Estimator {
            cpu_percentile: 0.9,
            memory_percentile: 0.9,
            safety_margin_fraction: 0.15,
            scaling: Some(UPPER),
        };
        let used = Aggregation::new(AggregationSettings::default());
        assert_eq!(estimator.estimate(&used, DAY_NS), Resources::default());
    }
}
