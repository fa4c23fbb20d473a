//! What one pod's container adds to an [`Aggregation`]: its samples in order, and the peak of its memory in each interval.
//!
//! Rules after kubernetes/autoscaler, `recommender/model/container.go`. Memory is no rate: what counts is whether a peak fits,
//! so each pod adds one peak per interval, dated to the interval's end, and a higher peak within the interval takes the place
//! of the lower one. A kill for want of memory is told as a peak higher than what was used; only measured peaks are raised so,
//! never raised ones again, or a pod that is killed again and again would send its own recommendation up without bound.

use std::collections::VecDeque;

use super::aggregation::Aggregation;

/// The highest memory of a pod in one interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryPeak {
    /// When the interval ends.
    pub interval_end_ns: u64,
    /// The highest memory measured or told by a kill, in bytes.
    pub bytes: f64,
}

/// What one pod's container has added to an aggregation. A new pod starts with a new one.
#[derive(Clone, Debug, Default)]
pub struct ContainerState {
    last_cpu_sample_ns: Option<u64>,
    last_memory_sample_ns: Option<u64>,
    /// The highest memory measured in the current interval, in bytes: what a kill is reckoned from.
    measured_peak_bytes: Option<f64>,
    /// The last one is that of the current interval.
    peaks: VecDeque<MemoryPeak>,
}

impl ContainerState {
    /// CPU in cores used at this time by a pod that requests so many; says whether the sample was taken, which one is not that
    /// is negative, no finite number, or not later than the last.
    pub fn add_cpu_sample(
        &mut self,
        aggregation: &mut Aggregation,
        time_ns: u64,
        cores: f64,
        request_cores: Option<f64>,
    ) -> bool {
        let later = self.last_cpu_sample_ns.is_none_or(|last_ns| time_ns > last_ns);
        let taken = later && aggregation.add_cpu(time_ns, cores, request_cores);
        if taken {
            self.last_cpu_sample_ns = Some(time_ns);
        }
        taken
    }

    /// Memory in bytes used at this time; says whether the sample was taken, which one is not that is negative, no finite
    /// number, or earlier than the last.
    pub fn add_memory_sample(&mut self, aggregation: &mut Aggregation, time_ns: u64, bytes: f64) -> bool {
        let in_order = self.last_memory_sample_ns.is_none_or(|last_ns| time_ns >= last_ns);
        in_order && self.add_memory(aggregation, time_ns, bytes, true)
    }

    /// A kill for want of memory at this time, when the container had this many bytes (its request, or what it used if that
    /// was more); says whether it was taken, which one is not that is older than an interval before the last sample.
    pub fn record_oom(&mut self, aggregation: &mut Aggregation, time_ns: u64, bytes: f64) -> bool {
        let settings = *aggregation.settings();
        let interval_ns = settings.memory_interval_ns;
        let recent = self.last_memory_sample_ns.is_none_or(|last_ns| time_ns >= last_ns.saturating_sub(interval_ns));
        if !recent || bytes.is_nan() {
            return false;
        }
        let used_bytes = bytes.max(self.measured_peak_bytes.unwrap_or(0.0));
        let needed_bytes =
            (used_bytes * settings.oom_bump_ratio).max(used_bytes + settings.oom_minimum_bump_bytes).floor();
        self.add_memory(aggregation, time_ns, needed_bytes, false)
    }

    /// The peaks of the last intervals, oldest first; as many as the settings say.
    pub fn memory_peaks(&self) -> impl Iterator<Item = MemoryPeak> + '_ {
        self.peaks.iter().copied()
    }

    fn add_memory(&mut self, aggregation: &mut Aggregation, time_ns: u64, bytes: f64, measured: bool) -> bool {
        if !(bytes.is_finite() && bytes >= 0.0) {
            return false;
        }
        self.last_memory_sample_ns = Some(time_ns);
        match self.peaks.back_mut() {
            Some(peak) if time_ns < peak.interval_end_ns => {
                if bytes <= peak.bytes {
                    return true;
                }
                aggregation.subtract_peak(*peak);
                peak.bytes = bytes;
                aggregation.add_peak(*peak);
            }
            _ => {
                let settings = aggregation.settings();
                let interval_ns = settings.memory_interval_ns.max(1);
                let border_ns = self.peaks.back().map_or(time_ns, |peak| peak.interval_end_ns);
                let passed = time_ns.saturating_sub(border_ns) / interval_ns + 1;
                let interval_end_ns = border_ns.saturating_add(passed.saturating_mul(interval_ns));
                if self.peaks.len() >= settings.memory_intervals.max(1) as usize {
                    self.peaks.pop_front();
                }
                let peak = MemoryPeak { interval_end_ns, bytes };
                self.peaks.push_back(peak);
                self.measured_peak_bytes = None;
                aggregation.add_peak(peak);
            }
        }
        if measured {
            self.measured_peak_bytes = Some(bytes);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::aggregation::AggregationSettings;
    use super::*;

    const HOUR_NS: u64 = 3_600_000_000_000;
    const MIB: f64 = 1_048_576.0;

    fn fresh() -> (Aggregation, ContainerState) {
        (Aggregation::new(AggregationSettings::default()), ContainerState::default())
    }

    fn peaks_mib(state: &ContainerState) -> Vec<f64> {
        state.memory_peaks().map(|peak| peak.bytes / MIB).collect()
    }

    #[test]
    fn a_small_container_that_is_killed_needs_a_hundred_mebibytes_more() {
        let (mut used, mut pod) = fresh();
        assert!(pod.record_oom(&mut used, 0, MIB));
        assert_eq!(peaks_mib(&pod), [101.0]);
    }

    #[test]
    fn a_kill_that_is_older_than_an_interval_is_not_taken_but_one_just_before_a_border_is() {
        let (mut used, mut pod) = fresh();
        pod.add_memory_sample(&mut used, 48 * HOUR_NS, 2_000.0 * MIB);
        assert!(!pod.record_oom(&mut used, 24 * HOUR_NS - 1, 5_000.0 * MIB));
        assert!(pod.record_oom(&mut used, 48 * HOUR_NS - 1, 1_000.0 * MIB));
        assert_eq!(peaks_mib(&pod), [2_400.0]);
    }

    #[test]
    fn a_pod_adds_one_peak_an_interval_and_eight_are_kept() {
        let (mut used, mut pod) = fresh();
        for hour in 0..240 {
            assert!(pod.add_memory_sample(&mut used, hour * HOUR_NS, (1 + hour) as f64 * 20.0 * MIB));
        }
        let expected: Vec<f64> = (3..=10).map(|day| f64::from(day * 24 * 20)).collect();
        assert_eq!(peaks_mib(&pod), expected);
    }

    #[test]
    fn a_peak_measured_below_a_told_one_changes_nothing() {
        let (mut used, mut pod) = fresh();
        pod.record_oom(&mut used, 0, 1_000.0 * MIB);
        let before = used.memory_peaks_bytes().clone();
        assert!(pod.add_memory_sample(&mut used, 1, 1_100.0 * MIB));
        assert_eq!(*used.memory_peaks_bytes(), before);
        // 1,250 MiB are above the peak that was told, and the next kill is reckoned from them.
        assert!(pod.add_memory_sample(&mut used, 2, 1_250.0 * MIB));
        assert!(pod.record_oom(&mut used, 3, 1_000.0 * MIB));
        assert_eq!(peaks_mib(&pod), [1_500.0]);
    }

    #[test]
    fn samples_out_of_order_or_of_no_amount_are_refused() {
        let (mut used, mut pod) = fresh();
        assert!(pod.add_cpu_sample(&mut used, 5, 1.0, None));
        assert!(!pod.add_cpu_sample(&mut used, 5, 1.0, None), "the same sample again");
        assert!(!pod.add_cpu_sample(&mut used, 6, -1.0, None));
        assert!(pod.add_cpu_sample(&mut used, 6, 1.0, None), "a refused sample does not move the time");
        assert!(pod.add_memory_sample(&mut used, 5, 1.0));
        assert!(!pod.add_memory_sample(&mut used, 4, 1.0));
        for bytes in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(!pod.add_memory_sample(&mut used, 9, bytes));
        }
        assert!(!pod.record_oom(&mut used, 9, f64::NAN));
        assert_eq!((used.cpu_samples(), peaks_mib(&pod).len()), (2, 1));
    }
}
