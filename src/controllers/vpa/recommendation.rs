//! What the containers of a pod should request: a lower bound, a target and an upper bound for each.
//!
//! Rules after kubernetes/autoscaler, `recommender/logic/recommender.go`, and for the limits that users set,
//! `utils/vpa/capping.go`.

use super::aggregation::Aggregation;
use super::estimator::{ConfidenceScaling, Estimator, minimum_per_container};
use super::resources::Resources;

/// What a container should request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// A pod that requests less is replaced at once.
    pub lower_bound: Resources,
    /// What a new pod gets.
    pub target: Resources,
    /// A pod that requests more is replaced at once.
    pub upper_bound: Resources,
    /// The target before the user's limits.
    pub uncapped_target: Resources,
}

/// What a user allows to be recommended; where minimum and maximum contradict each other the maximum holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllowedRange {
    /// Least CPU in thousandths of a core.
    pub minimum_cpu_millicores: Option<u64>,
    /// Most CPU in thousandths of a core.
    pub maximum_cpu_millicores: Option<u64>,
    /// Least memory in bytes.
    pub minimum_memory_bytes: Option<u64>,
    /// Most memory in bytes.
    pub maximum_memory_bytes: Option<u64>,
}

impl AllowedRange {
    /// The nearest amounts that are allowed.
    #[must_use]
    pub fn cap(&self, resources: Resources) -> Resources {
        let within = |amount: u64, minimum: Option<u64>, maximum: Option<u64>| {
            let raised = amount.max(minimum.unwrap_or(0));
            maximum.map_or(raised, |most| raised.min(most))
        };
        Resources {
            cpu_millicores: within(resources.cpu_millicores, self.minimum_cpu_millicores, self.maximum_cpu_millicores),
            memory_bytes: within(resources.memory_bytes, self.minimum_memory_bytes, self.maximum_memory_bytes),
        }
    }
}

/// The rules of recommending; the default is the Autoscaler's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recommender {
    /// Says the lower bound.
    pub lower_bound: Estimator,
    /// Says the target.
    pub target: Estimator,
    /// Says the upper bound.
    pub upper_bound: Estimator,
    /// The history of one sample a minute that makes a confidence of one.
    pub confidence_interval_ns: u64,
    /// The least that all containers of a pod get together.
    pub pod_minimum: Resources,
}

impl Default for Recommender {
    fn default() -> Self {
        let estimator = |percentile, scaling| Estimator {
            cpu_percentile: percentile,
            memory_percentile: percentile,
            safety_margin_fraction: 0.15,
            scaling,
        };
        Self {
            lower_bound: estimator(0.5, Some(ConfidenceScaling { multiplier: 0.001, exponent: -2.0 })),
            target: estimator(0.9, None),
            upper_bound: estimator(0.95, Some(ConfidenceScaling { multiplier: 1.0, exponent: 1.0 })),
            confidence_interval_ns: 86_400_000_000_000,
            pod_minimum: Resources { cpu_millicores: 25, memory_bytes: 250 * 1_024 * 1_024 },
        }
    }
}

impl Recommender {
    /// What each container of a pod should request; none for one without a CPU sample.
    #[must_use]
    pub fn recommend(&self, containers: &[(&Aggregation, AllowedRange)]) -> Vec<Option<Recommendation>> {
        // Containers of which nothing is known take no part in the pod's minimum either.
        let known = containers.iter().filter(|(used, _)| used.cpu_samples() > 0).count();
        let minimum = minimum_per_container(self.pod_minimum, known);
        let of_one = |&(used, allowed): &(&Aggregation, AllowedRange)| {
            let estimate =
                |estimator: &Estimator| estimator.estimate(used, self.confidence_interval_ns).at_least(minimum);
            let uncapped_target = estimate(&self.target);
            (used.cpu_samples() > 0).then(|| Recommendation {
                lower_bound: allowed.cap(estimate(&self.lower_bound)),
                target: allowed.cap(uncapped_target),
                upper_bound: allowed.cap(estimate(&self.upper_bound)),
                uncapped_target,
            })
        };
        containers.iter().map(of_one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::aggregation::AggregationSettings;
    use super::super::container::ContainerState;
    use super::*;

    const MINUTE_NS: u64 = 60_000_000_000;

    /// A container that used this much for so many minutes.
    fn used(minutes: u64, cores: f64, bytes: f64) -> Aggregation {
        let mut used = Aggregation::new(AggregationSettings::default());
        let mut pod = ContainerState::default();
        for minute in 0..minutes {
            pod.add_cpu_sample(&mut used, minute * MINUTE_NS, cores, None);
            pod.add_memory_sample(&mut used, minute * MINUTE_NS, bytes);
        }
        used
    }

    #[test]
    fn a_day_of_steady_use_gives_bounds_around_the_target() {
        let day = used(1_441, 1.0, 1e9);
        let said = Recommender::default().recommend(&[(&day, AllowedRange::default())]);
        let Some(Some(found)) = said.first().copied() else { panic!("no recommendation") };
        let bucket_end = day.cpu_usage_cores().percentile(0.9).expect("samples");
        assert!((1.0..1.06).contains(&bucket_end));
        assert_eq!(found.target, found.uncapped_target);
        assert!((found.target.cpu_cores() / bucket_end - 1.15).abs() < 0.002);
        assert!((found.upper_bound.cpu_cores() / found.target.cpu_cores() - 2.0).abs() < 0.002);
        assert!((found.lower_bound.cpu_cores() / found.target.cpu_cores() - 0.998).abs() < 0.002);
        assert!(found.lower_bound.memory_bytes < found.target.memory_bytes);
        assert!(found.target.memory_bytes < found.upper_bound.memory_bytes);
    }

    #[test]
    fn the_least_is_shared_by_the_containers_of_which_something_is_known() {
        let idle = used(10, 0.0, 0.0);
        let unknown = Aggregation::new(AggregationSettings::default());
        let any = AllowedRange::default();
        let said = Recommender::default().recommend(&[(&idle, any), (&unknown, any), (&idle, any)]);
        assert_eq!(said[1], None);
        assert_eq!(said[0].map(|one| one.target.memory_bytes), Some(125 * 1_024 * 1_024));
        assert_eq!(said[0].map(|one| one.lower_bound.cpu_millicores), Some(12));
        assert!(Recommender::default().recommend(&[]).is_empty());
    }

    #[test]
    fn a_user_caps_all_but_the_uncapped_target() {
        let hour = used(60, 1.0, 1e9);
        let allowed = AllowedRange {
            maximum_cpu_millicores: Some(500),
            minimum_memory_bytes: Some(4_000_000_000),
            ..AllowedRange::default()
        };
        let said = Recommender::default().recommend(&[(&hour, allowed)]);
        let Some(Some(found)) = said.first().copied() else { panic!("no recommendation") };
        assert_eq!((found.target.cpu_millicores, found.target.memory_bytes), (500, 4_000_000_000));
        assert_eq!((found.upper_bound.cpu_millicores, found.lower_bound.memory_bytes), (500, 4_000_000_000));
        assert!(found.uncapped_target.cpu_millicores > 1_000);
        let contradiction = AllowedRange {
            minimum_cpu_millicores: Some(900),
            maximum_cpu_millicores: Some(300),
            ..AllowedRange::default()
        };
        assert_eq!(contradiction.cap(Resources::default()).cpu_millicores, 300);
    }
}
