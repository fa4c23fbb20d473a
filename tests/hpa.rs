//! The Horizontal Pod Autoscaler gives in 62 cases what the Kubernetes controller gives (`tests/data/hpa_README.md`).

use std::collections::BTreeMap;

use forescale::controllers::hpa::behavior::{Behavior, Bounds, Change, Changes, Policy, Rules, Select};
use forescale::controllers::hpa::conditions::{Condition, Conditions};
use forescale::controllers::hpa::events::{ScaleEvent, ScaleEvents};
use forescale::controllers::hpa::legacy::Legacy;
use forescale::controllers::hpa::limits::{Limits, State};
use forescale::controllers::hpa::metrics::{
    Measurements, Metric, PodMetric, PodMetrics, Resource, ResourceTarget, ValueTarget,
};
use forescale::controllers::hpa::pods::{Grace, Groups, Phase, Pod, Readiness, ReadyCondition, Requests};
use forescale::controllers::hpa::reconcile::{Autoscaler, DEFAULT_TOLERANCE, Outcome, Target};
use forescale::controllers::hpa::stabilization::{Recommendation, Recommendations, Windows};
use forescale::controllers::hpa::{MOST_REPLICAS, calculator::Measured};
use serde_json::{Value, json};

const SECOND_NS: u64 = 1_000_000_000;
/// Far from zero, so that every age in the cases fits before it.
const NOW_NS: u64 = 1_000_000 * SECOND_NS;
/// What the metrics server of Kubernetes takes.
const WINDOW_NS: u64 = 60 * SECOND_NS;

fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().map(|seconds| seconds * SECOND_NS)
}

fn ago(age: &Value) -> u64 {
    NOW_NS - seconds(age).expect("an age in seconds")
}

fn count(value: &Value) -> u32 {
    value.as_u64().and_then(|count| u32::try_from(count).ok()).expect("a number of replicas")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn rules(written: &Value, otherwise: Rules) -> Rules {
    if written.is_null() {
        return otherwise;
    }
    let policy = |policy: &Value| {
        let value = count(&policy["value"]);
        let change = match policy["type"].as_str() {
            Some("Pods") => Change::Pods(value),
            Some("Percent") => Change::Percent(value),
            other => panic!("a policy of type {other:?}"),
        };
        Policy { change, period_ns: seconds(&policy["period_s"]).expect("a period") }
    };
    let select = match written["select"].as_str() {
        Some("Max") => Select::Max,
        Some("Min") => Select::Min,
        Some("Disabled") => Select::Disabled,
        other => panic!("a choice of policies {other:?}"),
    };
    let stabilization_ns = seconds(&written["stabilization_s"]).expect("a window");
    Rules {
        stabilization_ns,
        select,
        policies: list(&written["policies"]).iter().map(policy).collect(),
        tolerance: None,
    }
}

fn events(written: &Value) -> ScaleEvents {
    let event = |event: &Value| ScaleEvent {
        change: count(&event["change"]),
        timestamp_ns: ago(&event["age_s"]),
        is_outdated: false,
    };
    ScaleEvents::new(list(written).iter().map(event).collect())
}

fn recommendations(written: &Value) -> Recommendations {
    let recommendation =
        |one: &Value| Recommendation { replicas: count(&one["replicas"]), timestamp_ns: ago(&one["age_s"]) };
    Recommendations::new(list(written).iter().map(recommendation).collect())
}

fn grace(case: &Value) -> Grace {
    Grace {
        cpu_initialization_period_ns: seconds(&case["cpu_initialization_period_s"]).expect("a period"),
        initial_readiness_delay_ns: seconds(&case["initial_readiness_delay_s"]).expect("a delay"),
    }
}

fn bounds(minimum: &Value, maximum: &Value) -> Bounds {
    Bounds { minimum: count(minimum), maximum: count(maximum) }
}

fn phase(written: Option<&str>) -> Phase {
    match written {
        Some("Pending") => Phase::Pending,
        Some("Running") | None => Phase::Running,
        Some("Succeeded") => Phase::Succeeded,
        Some("Failed") => Phase::Failed,
        other => panic!("a phase {other:?}"),
    }
}

fn ready(is_ready: bool, last_transition_ns: u64) -> ReadyCondition {
    let readiness = if is_ready { Readiness::Ready } else { Readiness::Unready };
    ReadyCondition { readiness, last_transition_ns }
}

/// A pod as written, its requests apart, for pods only borrow them.
struct WrittenPod {
    phase: Phase,
    is_deleting: bool,
    is_ready: bool,
    start_ns: u64,
    containers: Vec<Requests>,
}

fn pods(written: &[WrittenPod]) -> Vec<Pod<'_>> {
    let identified = (0..).zip(written);
    identified
        .map(|(identifier, pod)| Pod {
            identifier,
            phase: pod.phase,
            is_deleting: pod.is_deleting,
            start_ns: Some(pod.start_ns),
            ready: Some(ready(pod.is_ready, pod.start_ns)),
            containers: pod.containers.as_slice(),
        })
        .collect()
}

fn requests(cpu: &Value, containers: u64) -> Vec<Requests> {
    vec![Requests { cpu_milli: cpu.as_i64(), memory_milli: None }; containers as usize]
}

/// Measurements of now.
#[derive(Default)]
struct Levels {
    usage_milli: BTreeMap<u64, i64>,
    levels_milli: Vec<i64>,
}

fn of_now(values: impl IntoIterator<Item = (u64, i64)>) -> PodMetrics {
    let metric = |value_milli| PodMetric { value_milli, timestamp_ns: NOW_NS, window_ns: WINDOW_NS };
    values.into_iter().map(|(pod, value)| (pod, metric(value))).collect()
}

impl Measurements for Levels {
    fn resource_usage(&self, _: Resource, _: Option<usize>) -> Result<PodMetrics, String> {
        Ok(of_now(self.usage_milli.clone()))
    }

    fn pod_values(&self, _: &str) -> Result<PodMetrics, String> {
        Ok(of_now((0..).zip(self.levels_milli.iter().copied())))
    }

    fn object_value(&self, _: &str) -> Result<i64, String> {
        self.levels_milli.first().copied().ok_or_else(|| "no level".to_owned())
    }

    fn external_values(&self, _: &str) -> Result<Vec<i64>, String> {
        Ok(self.levels_milli.clone())
    }
}

fn levels(written: &Value) -> Vec<i64> {
    list(written).iter().map(|level| level.as_i64().expect("a level")).collect()
}

fn value_target(value: &Value, average: &Value) -> ValueTarget {
    match (value.as_i64(), average.as_i64()) {
        (Some(milli), None) => ValueTarget::Value { milli },
        (None, Some(milli)) => ValueTarget::AverageValue { milli },
        other => panic!("targets {other:?}"),
    }
}

fn replica_calculator(case: &Value) -> Result<(), String> {
    let per_pod = case["containers_per_pod"].as_u64().unwrap_or(1);
    let written_pod = |pod: &Value| WrittenPod {
        phase: phase(pod["phase"].as_str()),
        is_deleting: pod["deleting"] == true,
        is_ready: pod["ready"] == true,
        start_ns: if pod["start_age_s"].is_null() { 0 } else { ago(&pod["start_age_s"]) },
        containers: requests(&pod["request_milli_per_container"], per_pod),
    };
    let written: Vec<WrittenPod> = list(&case["pods"]).iter().map(written_pod).collect();
    let name = || "metric".to_owned();
    let target = || value_target(&case["target_milli"], &case["per_pod_target_milli"]);
    let metric = match case["metric_kind"].as_str().expect("a kind") {
        "resource" => {
            let percent = case["target_utilization_pct"].as_i64().expect("a target") as i32;
            Metric::Resource { resource: Resource::Cpu, target: ResourceTarget::Utilization { percent } }
        }
        "podMetric" => {
            Metric::Pods { name: name(), average_value_milli: case["target_milli"].as_i64().expect("a target") }
        }
        "objectMetric" | "objectPerPodMetric" => Metric::Object { name: name(), target: target() },
        "externalMetric" | "externalPerPodMetric" => Metric::External { name: name(), target: target() },
        other => panic!("a metric of kind {other}"),
    };
    // A metric of a pod that is no longer there has an identifier of its own.
    let identifier = |name: &Value| {
        let known = list(&case["pods"]).iter().position(|pod| pod["name"] == *name);
        known.map_or(u64::MAX, |index| index as u64)
    };
    let usage_of = |metric: &Value| {
        let usage = metric["usage_milli_per_container"].as_i64().expect("usage") * per_pod as i64;
        (identifier(&metric["pod"]), usage)
    };
    let measured = Levels {
        usage_milli: list(&case["metrics"]).iter().map(usage_of).collect(),
        levels_milli: levels(&case["levels_milli"]),
    };
    let autoscaler = Autoscaler {
        metrics: vec![metric],
        bounds: Bounds { minimum: 0, maximum: MOST_REPLICAS },
        limits: Limits::Behavior(Behavior::default()),
        tolerance: case["tolerance"].as_f64().expect("a tolerance"),
        grace: grace(case),
    };
    let current = count(&case["current_replicas"]);
    let pods = pods(&written);
    let target = Target { specified_replicas: current, status_replicas: current, pods: &pods };
    let outcome = autoscaler.reconcile(&mut State::default(), target, &measured, NOW_NS);
    let [proposal] = outcome.proposals.as_slice() else { return Err("one metric, one proposal".to_owned()) };
    let found = match proposal {
        Ok(proposal) => {
            let Measured { utilization_percent, value_milli } = proposal.measured;
            json!({ "replicas": proposal.replicas, "utilization": utilization_percent, "raw": value_milli })
        }
        Err(error) => json!({ "error": format!("error: {error}") }),
    };
    let expected = if let Some(error) = case["expected_error"].as_str() {
        json!({ "error": error })
    } else {
        let raw = if case["metric_kind"] == "resource" { "expected_raw_milli" } else { "expected_utilization_milli" };
        json!({
            "replicas": case["expected_replicas"],
            "utilization": case["expected_utilization_pct"],
            "raw": case[raw].as_i64().expect("the value that was measured"),
        })
    };
    same(&found, &expected)
}

fn same(found: &Value, expected: &Value) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("expected {expected}, got {found}")) }
}

/// The conditions as type, status and reason, in the order in which the controller sets them.
fn told(conditions: &Conditions) -> BTreeMap<&'static str, (String, String)> {
    let told = |name, condition: Option<Condition>| {
        let status = |holds| if holds { "ConditionTrue" } else { "ConditionFalse" };
        condition.map(|Condition { holds, reason }| (name, (status(holds).to_owned(), reason.to_string())))
    };
    [
        told("AbleToScale", conditions.able_to_scale),
        told("ScalingActive", conditions.scaling_active),
        told("ScalingLimited", conditions.scaling_limited),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a case expects: all conditions, or those that differ from a rescale that nothing limits.
fn expected_conditions(case: &Value) -> BTreeMap<&str, (String, String)> {
    let read = |condition: &'_ Value| {
        let text = |key: &str| condition[key].as_str().expect("text").to_owned();
        (text("Status"), text("Reason"))
    };
    let of = |key: &str| list(&case[key]).iter().map(|one| (one["Type"].as_str().expect("a type"), read(one)));
    if case["expected_conditions"].is_array() {
        return of("expected_conditions").collect();
    }
    let usual = [
        ("AbleToScale", ("ConditionTrue", "SucceededRescale")),
        ("ScalingActive", ("ConditionTrue", "ValidMetricFound")),
        ("ScalingLimited", ("ConditionFalse", "DesiredWithinRange")),
    ];
    let usual = usual.map(|(name, (status, reason))| (name, (status.to_owned(), reason.to_owned())));
    // Of several of one type the last holds.
    usual.into_iter().chain(of("expected_condition_overrides")).collect()
}

fn controller(case: &Value) -> Result<(), String> {
    let specified = count(&case["spec_replicas"]);
    let per_pod = case["containers_per_pod"].as_u64().expect("a number of containers");
    let reported = levels(&case["reported_levels_milli"]);
    let requested = list(&case["cpu_requests_milli"]);
    let written_pod = |index: usize| WrittenPod {
        phase: phase(case["pod_phase"][index].as_str()),
        is_deleting: case["pod_deleting"][index] == true,
        is_ready: case["pod_ready"][index] != false,
        start_ns: if case["pod_start_age_s"].is_null() { 0 } else { ago(&case["pod_start_age_s"][index]) },
        containers: requests(requested.get(index).unwrap_or(&Value::Null), per_pod),
    };
    let pod_count = requested.len().max(specified as usize);
    let written: Vec<WrittenPod> = (0..pod_count).map(written_pod).collect();
    let pods = pods(&written);
    let cpu_target = case["cpu_target_pct"].as_i64().filter(|percent| *percent > 0);
    let cpu = cpu_target.map(|percent| Metric::Resource {
        resource: Resource::Cpu,
        target: ResourceTarget::Utilization { percent: percent as i32 },
    });
    let custom = list(&case["custom_metrics"]).iter().map(|metric| {
        let name = "metric".to_owned();
        let (value, average) = (&metric["target_value_milli"], &metric["target_average_value_milli"]);
        match metric["type"].as_str() {
            Some("Pods") => Metric::Pods { name, average_value_milli: average.as_i64().expect("a target") },
            Some("Object") => Metric::Object { name, target: value_target(value, average) },
            Some("External") => Metric::External { name, target: value_target(value, average) },
            other => panic!("a metric of type {other:?}"),
        }
    });
    let scale_up_factor = match case["legacy_scale_up_limit"].as_str() {
        Some(text) if text.starts_with("max(8*current,4)") => 8.0,
        other => panic!("a limit {other:?}"),
    };
    let autoscaler = Autoscaler {
        metrics: cpu.into_iter().chain(custom).collect(),
        bounds: bounds(&case["min_replicas"], &case["max_replicas"]),
        limits: Limits::Legacy(Legacy {
            downscale_stabilization_ns: seconds(&case["downscale_stabilization_s"]).expect("a window"),
            scale_up_factor,
        }),
        tolerance: case["tolerance"].as_f64().expect("a tolerance"),
        grace: grace(case),
    };
    let measured =
        Levels { usage_milli: (0..).zip(reported.iter().copied()).collect(), levels_milli: reported.clone() };
    let history = &case["recommendation_history"];
    let mut state = State { recommendations: history.is_array().then(|| recommendations(history)), ..State::default() };
    let target = Target { specified_replicas: specified, status_replicas: specified, pods: &pods };
    let outcome: Outcome = autoscaler.reconcile(&mut state, target, &measured, NOW_NS);
    same(&json!(outcome.desired_replicas), &case["expected_desired_replicas"])?;
    if let Some(expected) = case["expected_cpu_current_pct"].as_i64() {
        let measured = outcome.proposals.first().and_then(|proposal| proposal.as_ref().ok());
        same(&json!(measured.and_then(|proposal| proposal.measured.utilization_percent)), &json!(expected))?;
    }
    let (found, expected) = (told(&outcome.conditions), expected_conditions(case));
    if found == expected { Ok(()) } else { Err(format!("expected {expected:?}, got {found:?}")) }
}

fn behavior(case: &Value) -> Result<(), String> {
    let behavior = Behavior {
        up: rules(&case["scale_up"], Rules::default_up()),
        down: rules(&case["scale_down"], Rules::default_down()),
    };
    let changes = Changes { up: events(&case["scale_up_events"]), down: events(&case["scale_down_events"]) };
    let (current, desired) = (count(&case["current_replicas"]), count(&case["desired_from_metrics"]));
    let bounds = bounds(&case["min_replicas"], &case["max_replicas"]);
    let limited = behavior.limit(current, desired, bounds, &changes, NOW_NS);
    same(&json!(limited.replicas), &case["expected_replicas"])?;
    same(&json!(limited.reason.to_string()), &case["expected_condition"])
}

fn behavior_limit(case: &Value) -> Result<(), String> {
    let current = count(&case["current_replicas"]);
    let found = match case["direction"].as_str() {
        Some("up") => {
            let behavior = Behavior { up: rules(&case["rules"], Rules::default_up()), ..Behavior::default() };
            let changes = Changes { up: events(&case["events"]), ..Changes::default() };
            behavior.scale_up_limit(current, &changes, NOW_NS)
        }
        Some("down") => {
            let behavior = Behavior { down: rules(&case["rules"], Rules::default_down()), ..Behavior::default() };
            let changes = Changes { down: events(&case["events"]), ..Changes::default() };
            behavior.scale_down_limit(current, &changes, NOW_NS)
        }
        other => panic!("a direction {other:?}"),
    };
    same(&json!(found), &case["expected_limit"])
}

fn stabilize(case: &Value) -> Result<(), String> {
    let mut log = recommendations(&case["history"]);
    let desired = count(&case["desired"]);
    let found = if let Some(window_ns) = seconds(&case["downscale_window_s"]) {
        log.stabilize_downscale(desired, window_ns, NOW_NS)
    } else {
        let window_ns = |key: &str| seconds(&case[key]).expect("a window");
        let windows = Windows { up_ns: window_ns("scale_up_window_s"), down_ns: window_ns("scale_down_window_s") };
        log.stabilize(count(&case["current_replicas"]), desired, windows, NOW_NS)
    };
    same(&json!(found), &case["expected"])?;
    let log: Vec<u32> = log.recommendations().iter().map(|one| one.replicas).collect();
    if !case["expected_log_len_after"].is_null() {
        same(&json!(log.len()), &case["expected_log_len_after"])?;
    }
    if case["expected_log_after"].is_null() { Ok(()) } else { same(&json!(log), &case["expected_log_after"]) }
}

fn scale_events(case: &Value) -> Result<(), String> {
    let limits = if case["policies"].is_null() {
        Limits::Legacy(Legacy::default())
    } else {
        Limits::Behavior(Behavior { up: rules(&case["policies"], Rules::default_up()), ..Behavior::default() })
    };
    let mut changes = Changes { up: events(&case["previous"]), ..Changes::default() };
    let within = changes.up.change_within(60 * SECOND_NS, NOW_NS);
    same(&json!(within), &case["expected_change_in_last_60s"])?;
    let before = 5;
    limits.record(&mut changes, before, before + count(&case["new_change"]), NOW_NS);
    let stored = changes.up.events().iter();
    let stored: Vec<Value> =
        stored.map(|event| json!({ "change": event.change, "outdated": event.is_outdated })).collect();
    same(&json!(stored), &case["expected_stored"])
}

fn group_pods(case: &Value) -> Result<(), String> {
    let names: Vec<&str> = list(&case["pods"]).iter().filter_map(|pod| pod["name"].as_str()).collect();
    let pod = |(index, pod): (usize, &Value)| Pod {
        identifier: index as u64,
        phase: phase(pod["phase"].as_str()),
        is_deleting: false,
        start_ns: Some(ago(&pod["start_age_s"])),
        ready: pod["ready_condition"].as_bool().map(|is_ready| ready(is_ready, ago(&pod["ready_transition_age_s"]))),
        containers: &[],
    };
    let pods: Vec<Pod> = list(&case["pods"]).iter().enumerate().map(pod).collect();
    let metric = |(name, metric): (&String, &Value)| {
        let value_milli = metric["value"].as_i64().expect("a value");
        let window_ns = seconds(&metric["window_s"]).expect("a window");
        let identifier = names.iter().position(|known| known == name).map_or(u64::MAX, |index| index as u64);
        (identifier, PodMetric { value_milli, timestamp_ns: ago(&metric["age_s"]), window_ns })
    };
    let metrics: PodMetrics = case["metrics"].as_object().expect("metrics").iter().map(metric).collect();
    assert_eq!(case["resource"], "cpu");
    let groups = Groups::new(&pods, &metrics, Some(Resource::Cpu), grace(case), NOW_NS);
    let names = |group: &[u64]| group.iter().map(|index| names[*index as usize]).collect::<Vec<_>>();
    // The version that the cases are from called those ignored whose metrics are, which are the unready ones now.
    let left_out: Vec<u64> = groups.unready.iter().chain(&groups.ignored).copied().collect();
    same(&json!(groups.ready_count), &case["expected_ready_count"])?;
    same(&json!(names(&left_out)), &case["expected_ignored"])?;
    same(&json!(names(&groups.missing)), &case["expected_missing"])
}

fn convert_legacy(case: &Value) -> Result<(), String> {
    let (current, desired) = (count(&case["current"]), count(&case["desired"]));
    let limited = Legacy::default().limit(current, desired, bounds(&case["min"], &case["max"]));
    same(&json!(limited.replicas), &case["expected"])?;
    same(&json!(limited.reason.to_string()), &case["condition"])
}

type Check = fn(&Value) -> Result<(), String>;

/// Each group with its number of cases, so that none is passed over in silence.
const GROUPS: [(&str, usize, Check); 8] = [
    ("replica_calculator", 16, replica_calculator),
    ("controller", 18, controller),
    ("behavior", 13, behavior),
    ("behavior_limit", 1, behavior_limit),
    ("stabilize", 5, stabilize),
    ("scale_events", 3, scale_events),
    ("group_pods", 4, group_pods),
    ("convert_legacy", 2, convert_legacy),
];

#[test]
fn every_case_of_the_kubernetes_controller_comes_out_the_same() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/hpa_cases.json");
    let text = std::fs::read_to_string(path).expect("the cases can be read");
    let cases: Value = serde_json::from_str(&text).expect("the cases are JSON");
    assert_eq!(cases.as_object().expect("groups").len(), GROUPS.len(), "a group is not checked");
    let mut failures = Vec::new();
    for (group, expected_count, check) in GROUPS {
        let mut checked = 0;
        for case in list(&cases[group]) {
            let id = case["id"].as_str().expect("an id");
            checked += 1;
            if let Err(difference) = check(case) {
                failures.push(format!("{id}: {difference}"));
            }
        }
        assert_eq!(checked, expected_count, "the cases of {group}");
    }
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_defaults_are_those_of_the_rules() {
    let seconds = |ns: u64| ns / SECOND_NS;
    let Behavior { up, down } = Behavior::default();
    assert_eq!((seconds(up.stabilization_ns), seconds(down.stabilization_ns)), (0, 300));
    assert_eq!((up.select, down.select), (Select::Max, Select::Max));
    let policies =
        |rules: &Rules| rules.policies.iter().map(|policy| (policy.change, seconds(policy.period_ns))).collect();
    let (up, down): (Vec<_>, Vec<_>) = (policies(&up), policies(&down));
    assert!(up.len() == 2 && up.contains(&(Change::Percent(100), 15)) && up.contains(&(Change::Pods(4), 15)));
    assert_eq!(down, [(Change::Percent(100), 15)]);
    let Grace { cpu_initialization_period_ns, initial_readiness_delay_ns } = Grace::default();
    assert_eq!((seconds(cpu_initialization_period_ns), seconds(initial_readiness_delay_ns)), (300, 30));
    assert!((DEFAULT_TOLERANCE - 0.1).abs() < f64::EPSILON);
}
