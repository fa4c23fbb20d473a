//! The Vertical Pod Autoscaler against 15 cases of kubernetes/autoscaler (`tests/data/vpa_README.md`).

use forescale::controllers::vpa::aggregation::{Aggregation, AggregationSettings};
use forescale::controllers::vpa::buckets::Buckets;
use forescale::controllers::vpa::budget::BudgetSettings;
use forescale::controllers::vpa::container::ContainerState;
use forescale::controllers::vpa::estimator::{ConfidenceScaling, Estimator, confidence, minimum_per_container};
use forescale::controllers::vpa::histogram::{DecayingHistogram, EPSILON};
use forescale::controllers::vpa::recommendation::{AllowedRange, Recommender};
use forescale::controllers::vpa::resources::{Resources, whole};
use forescale::controllers::vpa::updater::{Action, Pod, Updater};
use serde_json::Value;

const HOUR_NS: f64 = 3.6e12;
const MIB: f64 = 1_048_576.0;

fn cases() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vpa.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the cases can be read")).expect("the cases are JSON")
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} of {value} is no number"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_else(|| panic!("{key} of {value} is no list"))
}

fn hours_ns(hours: f64) -> u64 {
    (hours * HOUR_NS).round() as u64
}

/// Runs every case of a group; all that failed are told at once.
fn hold(group: &str, count: usize, check: impl Fn(&Value) -> Result<(), String>) {
    let all = cases();
    let cases = list(&all, group);
    assert_eq!(cases.len(), count, "cases of {group}");
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case).err().map(|why| format!("{}: {why}", case["id"].as_str().unwrap_or("?"))))
        .collect();
    assert!(failed.is_empty(), "{} of {count} failed:\n{}", failed.len(), failed.join("\n"));
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) -> Result<(), String> {
    let near = (found - expected).abs() <= tolerance * expected.abs();
    if near { Ok(()) } else { Err(format!("{what} is {found}, not {expected}")) }
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?}, not {expected:?}")) }
}

#[test]
fn histograms_tell_the_percentiles_of_the_source() {
    hold("histogram", 5, |case| {
        let options = case.get("options").ok_or("no options")?;
        let half_life_ns = case["half_life_h"].as_f64().map(hours_ns);
        let buckets = Buckets::linear(number(options, "bucket"), number(options, "max")).ok_or("no layout")?;
        let filled = |samples: &[Value]| {
            let mut histogram = DecayingHistogram::new(buckets, half_life_ns);
            for sample in samples {
                assert!(histogram.add(number(sample, "v"), number(sample, "w"), hours_ns(number(sample, "t_h"))));
            }
            histogram
        };
        if let Some(parts) = case["merge"].as_array() {
            let mut merged = DecayingHistogram::new(buckets, half_life_ns);
            for part in parts {
                assert!(merged.merge(&filled(part.as_array().ok_or("no samples")?)));
            }
            return same(merged, filled(list(case, "equals")), "the merged histogram");
        }
        let histogram = filled(list(case, "samples"));
        for (share, expected) in case["queries"].as_object().ok_or("no queries")? {
            let found = histogram.percentile(share.parse().map_err(|_| "no share")?);
            same(found, expected.as_f64(), &format!("percentile {share}"))?;
        }
        Ok(())
    });
}

/// A container that used these at one time: CPU as samples of one pod, memory as one peak of each pod.
fn used_at_once(cores: &[f64], peaks_bytes: &[f64]) -> Aggregation {
    let mut used = Aggregation::new(AggregationSettings::default());
    for &cores in cores {
        assert!(ContainerState::default().add_cpu_sample(&mut used, 0, cores, None));
    }
    for &bytes in peaks_bytes {
        assert!(ContainerState::default().add_memory_sample(&mut used, 0, bytes));
    }
    used
}

fn numbers(case: &Value, key: &str) -> Vec<f64> {
    list(case, key).iter().filter_map(Value::as_f64).collect()
}

/// Expected CPU is floored to milli-cores as the README of the cases says: "4.5216 becomes 4.521", and 0.0125 is 0.012.
fn floored(cores: f64) -> f64 {
    Resources::new(cores, 0.0).cpu_cores()
}

#[test]
fn estimators_tell_the_amounts_of_the_source() {
    hold("estimator", 5, |case| {
        let id = case["id"].as_str().unwrap_or_default();
        let tolerance = case["rel_tol"].as_f64().unwrap_or(1e-6);
        let base = |cpu: &str, memory: &str| Resources::new(number(case, cpu), case[memory].as_f64().unwrap_or(0.0));
        let scaling =
            || ConfidenceScaling { multiplier: number(case, "multiplier"), exponent: number(case, "exponent") };
        match id {
            "est/percentile" => {
                let used = used_at_once(&numbers(case, "cpu_samples_cores"), &numbers(case, "mem_samples"));
                let estimator = Estimator {
                    cpu_percentile: number(case, "cpu_p"),
                    memory_percentile: number(case, "mem_p"),
                    safety_margin_fraction: 0.0,
                    scaling: None,
                };
                let found = estimator.estimate(&used, 1);
                close(found.cpu_cores(), floored(number(case, "expected_cpu")), tolerance, "CPU")?;
                close(found.memory_bytes as f64, number(case, "expected_mem"), tolerance, "memory")
            }
            "est/confidence 18min" => {
                let mut used = Aggregation::new(AggregationSettings::default());
                let mut pod = ContainerState::default();
                for sample in 0..number(case, "samples") as u64 {
                    let time_ns = sample * (number(case, "spacing_min") * 6e10) as u64;
                    assert!(pod.add_cpu_sample(&mut used, time_ns, 1.0, None));
                }
                let sure = confidence(&used, hours_ns(number(case, "interval_h")));
                close(sure, number(case, "expected_confidence"), tolerance, "confidence")?;
                let found = base("base_cpu", "base_mem").scaled(scaling().factor(sure));
                close(found.cpu_cores(), floored(number(case, "expected_cpu")), tolerance, "CPU")?;
                close(found.memory_bytes as f64, number(case, "expected_mem"), tolerance, "memory")
            }
            "est/no history negative exponent" => {
                let used = Aggregation::new(AggregationSettings::default());
                same(used.cpu_samples() as f64, number(case, "samples"), "samples")?;
                let found = base("base_cpu", "").scaled(scaling().factor(confidence(&used, hours_ns(24.0))));
                same(found.cpu_cores(), number(case, "expected"), "CPU")
            }
            "est/min keeps larger" => {
                let found = base("base_cpu", "base_mem").at_least(base("min_cpu", "min_mem"));
                close(found.cpu_cores(), floored(number(case, "expected_cpu")), tolerance, "CPU")?;
                close(found.memory_bytes as f64, number(case, "expected_mem"), tolerance, "memory")
            }
            "rec/min two containers" => {
                let least = Resources::new(number(case, "min_cpu_milli") / 1e3, number(case, "min_mem_mb") * MIB);
                let least = minimum_per_container(least, number(case, "containers") as usize);
                let found = base("estimate_cpu", "estimate_mem").at_least(least);
                close(found.cpu_cores(), floored(number(case, "expected_cpu_each")), tolerance, "CPU")?;
                close(found.memory_bytes as f64, number(case, "expected_mem_each"), tolerance, "memory")
            }
            _ => Err("nobody knows how to check this case".to_owned()),
        }
    });
}

#[test]
fn kills_for_want_of_memory_tell_the_peaks_of_the_source() {
    hold("oom", 4, |case| {
        let mut used = Aggregation::new(AggregationSettings::default());
        let mut pod = ContainerState::default();
        if let Some(sample_mib) = case["prior_sample_mb"].as_f64() {
            assert!(pod.add_memory_sample(&mut used, 0, sample_mib * MIB));
        }
        let time_ns = hours_ns(case["oom_offset_h"].as_f64().unwrap_or(0.0));
        let killed_at = &case["oom_usage_mb"];
        let killed_at = killed_at.as_array().cloned().unwrap_or_else(|| vec![killed_at.clone()]);
        for memory_mib in killed_at.iter().filter_map(Value::as_f64) {
            assert!(pod.record_oom(&mut used, time_ns, memory_mib * MIB));
        }
        let expected = case["expected_peak_mb"].as_f64().or(case["expected_new_window_peak_mb"].as_f64());
        same(pod.memory_peaks().last().map(|peak| peak.bytes / MIB), expected, "the peak in MiB")?;
        // The distribution holds that peak and none of those it took the place of.
        let mut alike = Aggregation::new(AggregationSettings::default());
        for peak in pod.memory_peaks() {
            let sampled_ns = peak.interval_end_ns - hours_ns(24.0);
            assert!(ContainerState::default().add_memory_sample(&mut alike, sampled_ns, peak.bytes));
        }
        same(used.memory_peaks_bytes(), alike.memory_peaks_bytes(), "the distribution")
    });
}

#[test]
fn samples_are_aggregated_as_in_the_source() {
    hold("aggregation", 1, |case| {
        let interval_ns = hours_ns(number(case, "interval_h"));
        let settings = AggregationSettings { memory_interval_ns: interval_ns, ..AggregationSettings::default() };
        let mut used = Aggregation::new(settings);
        let mut pod = ContainerState::default();
        let mut last_ns = 0;
        for sample in list(case, "samples") {
            last_ns = hours_ns(number(sample, "t_h"));
            let cpu = pod.add_cpu_sample(&mut used, last_ns, number(sample, "cpu"), None);
            let memory = pod.add_memory_sample(&mut used, last_ns, number(sample, "mem"));
            same((cpu, memory), (true, true), "whether a good sample was taken")?;
        }
        for rejected in list(case, "rejected") {
            let taken = match rejected.as_str().unwrap_or_default() {
                "out-of-order" => {
                    pod.add_cpu_sample(&mut used, last_ns, 1.0, None)
                        || pod.add_memory_sample(&mut used, last_ns - 1, 1.0)
                }
                "negative usage" => {
                    pod.add_cpu_sample(&mut used, 2 * last_ns, -1.0, None)
                        || pod.add_memory_sample(&mut used, 2 * last_ns, -1.0)
                }
                other => return Err(format!("nobody knows what {other} is")),
            };
            same(taken, false, &format!("whether a sample was taken that is {rejected}"))?;
        }
        let peaks: Vec<f64> = pod.memory_peaks().map(|peak| peak.bytes).collect();
        same(peaks, numbers(case, "expected_daily_memory_peaks"), "the peaks")?;
        same(used.cpu_samples() as f64, number(case, "expected_cpu_histogram_samples"), "the number of CPU samples")
    });
}

/// The numbers we start from are those of the source.
#[test]
fn defaults_are_those_of_the_rules() {
    let all = cases();
    let rules = &all["rules"];
    let said = Recommender::default();
    let ns = |key: &str| hours_ns(number(rules, key));
    assert_eq!(said.target.cpu_percentile, number(rules, "target_cpu_percentile"));
    assert_eq!(said.target.memory_percentile, number(rules, "target_memory_percentile"));
    assert_eq!(said.lower_bound.cpu_percentile, number(rules, "lower_bound_percentile"));
    assert_eq!(said.upper_bound.cpu_percentile, number(rules, "upper_bound_percentile"));
    assert_eq!(said.target.safety_margin_fraction, number(rules, "safety_margin_fraction"));
    assert_eq!(said.pod_minimum.cpu_millicores, whole(number(rules, "pod_min_cpu_millicores")));
    assert_eq!(said.pod_minimum.memory_bytes, whole(number(rules, "pod_min_memory_mb") * MIB));
    for (found, key) in [(said.lower_bound, "lower_bound"), (said.upper_bound, "upper_bound")] {
        let expected = (number(&rules[key], "multiplier"), number(&rules[key], "exponent"));
        assert_eq!(found.scaling.map(|scaling| (scaling.multiplier, scaling.exponent)), Some(expected), "{key}");
    }
    assert_eq!(said.target.scaling, None);
    let settings = AggregationSettings::default();
    assert_eq!(settings.cpu_half_life_ns, ns("cpu_half_life_h"));
    assert_eq!(settings.memory_half_life_ns, ns("memory_half_life_h"));
    assert_eq!(settings.memory_interval_ns, ns("memory_aggregation_interval_h"));
    assert_eq!(f64::from(settings.memory_intervals), number(rules, "memory_intervals"));
    assert_eq!(settings.oom_bump_ratio, number(rules, "oom_bump_ratio"));
    assert_eq!(settings.oom_minimum_bump_bytes, number(rules, "oom_min_bump_bytes"));
    assert_eq!(EPSILON, number(&rules["cpu_buckets"], "epsilon"));
    let (cpu, memory) = (&rules["cpu_buckets"], &rules["memory_buckets"]);
    let layout = |first, growth, most| Buckets::exponential(first, growth, most);
    let of_cpu = layout(number(cpu, "first_core"), number(cpu, "growth"), number(cpu, "max_core"));
    assert_eq!(of_cpu, Some(Buckets::of_cpu_cores()));
    let of_memory = layout(number(memory, "first_bytes"), number(memory, "growth"), number(memory, "max_bytes"));
    assert_eq!(of_memory, Some(Buckets::of_memory_bytes()));
    assert_eq!(BudgetSettings::default().minimum_replicas, 2);
}

/// As a controller would use it: four pods that request too much are learnt about, and replaced two at a time.
#[test]
fn pods_that_request_too_much_are_replaced_half_at_a_time() {
    let minute_ns = hours_ns(1.0) / 60;
    let mut used = Aggregation::new(AggregationSettings::default());
    let mut states = vec![ContainerState::default(); 4];
    let request = Resources::new(4.0, 4e9);
    let mut pods = vec![Pod { requests: vec![Some(request)], started_ns: Some(0), ..Pod::default() }; 4];
    let mut evictions = Vec::new();
    for minute in 0..1_440 {
        let now_ns = minute * minute_ns;
        for state in &mut states {
            state.add_cpu_sample(&mut used, now_ns, 0.4, Some(4.0));
            state.add_memory_sample(&mut used, now_ns, 1e9);
        }
        let said = Recommender::default().recommend(&[(&used, AllowedRange::default())]);
        for action in Updater::default().actions(&pods, 4, &said, now_ns) {
            let Action::Evict(index) = action else { panic!("nobody asked for a resize") };
            evictions.push(minute);
            states[index] = ContainerState::default();
            let target = said[0].map(|one| one.target);
            pods[index] = Pod { requests: vec![target], started_ns: Some(now_ns), ..Pod::default() };
        }
    }
    assert_eq!(evictions.len(), 4, "{evictions:?}");
    assert_eq!(evictions[0], evictions[1]);
    assert!(evictions[1] < evictions[2], "{evictions:?}");
    // 4 cores are above 0.475 (1 + 1 / confidence) from a confidence of 0.135 on: 194.6 minutes of a day.
    assert_eq!(evictions[0], 195, "{evictions:?}");
}
