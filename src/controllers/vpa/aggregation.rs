//! What all pods of one container have used: every CPU sample, and of memory one peak of each pod per interval.
//!
//! Rules after kubernetes/autoscaler, `recommender/model/aggregate_container_state.go` and `aggregations_config.go`. Pods add
//! to it through their [`ContainerState`](super::container::ContainerState).

use super::buckets::Buckets;
use super::container::MemoryPeak;
use super::histogram::DecayingHistogram;

const DAY_NS: u64 = 86_400_000_000_000;

/// How much a CPU sample weighs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CpuWeight {
    /// Every sample this much.
    Constant(f64),
    /// As much as the pod requests cores, but at least this: in older versions of the Autoscaler.
    RequestAtLeast(f64),
}

/// How usage is aggregated; the default is the Autoscaler's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AggregationSettings {
    /// After this time a CPU sample weighs half as much.
    pub cpu_half_life_ns: u64,
    /// After this time a memory peak weighs half as much.
    pub memory_half_life_ns: u64,
    /// Each pod adds one memory peak per interval of this length.
    pub memory_interval_ns: u64,
    /// An aggregation without a sample for this many intervals is forgotten.
    pub memory_intervals: u32,
    /// How much a CPU sample weighs.
    pub cpu_weight: CpuWeight,
    /// A pod killed for want of memory is taken to need its memory times this.
    pub oom_bump_ratio: f64,
    /// A pod killed for want of memory is taken to need at least so much more, in bytes.
    pub oom_minimum_bump_bytes: f64,
}

impl Default for AggregationSettings {
    fn default() -> Self {
        Self {
            cpu_half_life_ns: DAY_NS,
            memory_half_life_ns: DAY_NS,
            memory_interval_ns: DAY_NS,
            memory_intervals: 8,
            cpu_weight: CpuWeight::Constant(0.1),
            oom_bump_ratio: 1.2,
            oom_minimum_bump_bytes: 100.0 * 1_024.0 * 1_024.0,
        }
    }
}

/// What all pods of one container have used.
#[derive(Clone, Debug)]
pub struct Aggregation {
    settings: AggregationSettings,
    cpu_usage_cores: DecayingHistogram,
    memory_peaks_bytes: DecayingHistogram,
    cpu_samples: u64,
    /// Times of the first and the last CPU sample.
    sampled_ns: Option<(u64, u64)>,
}

impl Aggregation {
    /// One that knows nothing yet.
    #[must_use]
    pub fn new(settings: AggregationSettings) -> Self {
        Self {
            settings,
            cpu_usage_cores: DecayingHistogram::new(Buckets::of_cpu_cores(), Some(settings.cpu_half_life_ns)),
            memory_peaks_bytes: DecayingHistogram::new(Buckets::of_memory_bytes(), Some(settings.memory_half_life_ns)),
            cpu_samples: 0,
            sampled_ns: None,
        }
    }

    /// Distribution of CPU usage in cores.
    #[must_use]
    pub fn cpu_usage_cores(&self) -> &DecayingHistogram {
        &self.cpu_usage_cores
    }

    /// Distribution of memory peaks in bytes.
    #[must_use]
    pub fn memory_peaks_bytes(&self) -> &DecayingHistogram {
        &self.memory_peaks_bytes
    }

    /// Number of CPU samples.
    #[must_use]
    pub fn cpu_samples(&self) -> u64 {
        self.cpu_samples
    }

    /// From the first to the last CPU sample.
    #[must_use]
    pub fn lifespan_ns(&self) -> u64 {
        self.sampled_ns.map_or(0, |(first_ns, last_ns)| last_ns.saturating_sub(first_ns))
    }

    /// Whether so long has passed without a sample that what was learnt is to be forgotten.
    #[must_use]
    pub fn expired(&self, now_ns: u64) -> bool {
        let kept_ns = self.settings.memory_interval_ns.saturating_mul(u64::from(self.settings.memory_intervals));
        self.sampled_ns.is_some_and(|(_, last_ns)| now_ns.saturating_sub(last_ns) >= kept_ns)
    }

    /// Adds all samples of another aggregation; says whether it could, which takes the same half-lives.
    pub fn merge(&mut self, other: &Self) -> bool {
        let alike = self.settings.cpu_half_life_ns == other.settings.cpu_half_life_ns
            && self.settings.memory_half_life_ns == other.settings.memory_half_life_ns;
        if !alike {
            return false;
        }
        self.cpu_samples += other.cpu_samples;
        if let Some((first_ns, last_ns)) = other.sampled_ns {
            let (ours_first_ns, ours_last_ns) = self.sampled_ns.unwrap_or((first_ns, last_ns));
            self.sampled_ns = Some((first_ns.min(ours_first_ns), last_ns.max(ours_last_ns)));
        }
        self.cpu_usage_cores.merge(&other.cpu_usage_cores) && self.memory_peaks_bytes.merge(&other.memory_peaks_bytes)
    }

    /// Adds a CPU sample; says whether it was taken.
    pub(super) fn add_cpu(&mut self, time_ns: u64, cores: f64, request_cores: Option<f64>) -> bool {
        let weight = match self.settings.cpu_weight {
            CpuWeight::Constant(weight) => weight,
            CpuWeight::RequestAtLeast(least) => request_cores.unwrap_or(0.0).max(least),
        };
        let taken = self.cpu_usage_cores.add(cores, weight, time_ns);
        if taken {
            let (first_ns, last_ns) = self.sampled_ns.unwrap_or((time_ns, time_ns));
            self.sampled_ns = Some((first_ns.min(time_ns), last_ns.max(time_ns)));
            self.cpu_samples += 1;
        }
        taken
    }

    /// Adds the memory peak of one pod in the interval that ends then.
    pub(super) fn add_peak(&mut self, peak: MemoryPeak) {
        self.memory_peaks_bytes.add(peak.bytes, 1.0, peak.interval_end_ns);
    }

    /// Takes back a memory peak that was added before.
    pub(super) fn subtract_peak(&mut self, peak: MemoryPeak) {
        self.memory_peaks_bytes.subtract(peak.bytes, 1.0, peak.interval_end_ns);
    }

    pub(super) fn settings(&self) -> &AggregationSettings {
        &self.settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_NS: u64 = 60_000_000_000;

    #[test]
    fn merged_aggregations_know_what_both_knew() {
        let mut early = Aggregation::new(AggregationSettings::default());
        let mut late = early.clone();
        assert!(early.add_cpu(MINUTE_NS, 1.0, None) && late.add_cpu(9 * MINUTE_NS, 2.0, None));
        let mut merged = Aggregation::new(AggregationSettings::default());
        assert!(merged.merge(&early) && merged.merge(&late));
        assert_eq!((merged.cpu_samples(), merged.lifespan_ns()), (2, 8 * MINUTE_NS));
        assert!(merged.cpu_usage_cores().percentile(1.0) > merged.cpu_usage_cores().percentile(0.1));
        let other = AggregationSettings { cpu_half_life_ns: MINUTE_NS, ..AggregationSettings::default() };
        assert!(!merged.merge(&Aggregation::new(other)));
        assert_eq!(merged.cpu_samples(), 2);
    }

    #[test]
    fn a_sample_may_weigh_as_the_request() {
        let weight = CpuWeight::RequestAtLeast(0.1);
        let mut used = Aggregation::new(AggregationSettings { cpu_weight: weight, ..AggregationSettings::default() });
        // One sample of a pod of 4 cores outweighs three of pods of one.
        used.add_cpu(0, 3.0, Some(4.0));
        for minute in 1..=3 {
            used.add_cpu(minute * MINUTE_NS, 1.0, Some(1.0));
        }
        assert!(used.cpu_usage_cores().percentile(0.5) > Some(3.0));
        used.add_cpu(4 * MINUTE_NS, f64::NAN, Some(4.0));
        assert_eq!(used.cpu_samples(), 4);
    }

    #[test]
    fn eight_days_without_a_sample_make_it_expire() {
        let mut used = Aggregation::new(AggregationSettings::default());
        assert!(!used.expired(100 * DAY_NS), "what has no sample has nothing to forget");
        used.add_cpu(DAY_NS, 1.0, None);
        assert!(!used.expired(9 * DAY_NS - 1));
        assert!(used.expired(9 * DAY_NS));
    }
}
