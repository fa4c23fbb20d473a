//! What no case of `tests/hpa.rs` covers.

use crate::controllers::hpa::MOST_REPLICAS;
use crate::controllers::hpa::behavior::{Behavior, Bounds, Change, Changes, Policy, Rules, Select};
use crate::controllers::hpa::calculator::{Measured, Proposal};
use crate::controllers::hpa::conditions::{Condition, Reason};
use crate::controllers::hpa::events::{ScaleEvent, ScaleEvents};
use crate::controllers::hpa::legacy::Legacy;
use crate::controllers::hpa::limits::{Limits, State};
use crate::controllers::hpa::metrics::{
    Measurements, Metric, MetricError, PodMetric, PodMetrics, Resource, ResourceTarget, ValueTarget,
};
use crate::controllers::hpa::pods::{Grace, Groups, Phase, Pod, Readiness, ReadyCondition, Requests};
use crate::controllers::hpa::reconcile::{Autoscaler, DEFAULT_TOLERANCE, Outcome, Target};
use crate::controllers::hpa::stabilization::{Recommendations, Windows};

mod limits;
mod metrics;

const SECOND_NS: u64 = 1_000_000_000;
const NOW_NS: u64 = 100_000 * SECOND_NS;
const GIB_MILLI: i64 = 1024 * 1024 * 1024 * 1000;
/// A web server beside a proxy.
const CONTAINERS: [Requests; 2] = [
    Requests { cpu_milli: Some(1000), memory_milli: Some(2 * GIB_MILLI) },
    Requests { cpu_milli: Some(100), memory_milli: None },
];

/// Measurements as they are at hand; what is not there fails.
#[derive(Clone, Default)]
struct Seen {
    cpu: Vec<i64>,
    cpu_of_proxy: Vec<i64>,
    memory: Vec<i64>,
    values: Vec<i64>,
    object: Option<i64>,
    external: Option<Vec<i64>>,
}

fn of_pods(values: &[i64]) -> Result<PodMetrics, String> {
    let metric = |value_milli| PodMetric { value_milli, timestamp_ns: NOW_NS, window_ns: 60 * SECOND_NS };
    Ok((0..).zip(values.iter().map(|value| metric(*value))).collect())
}

impl Measurements for Seen {
    fn resource_usage(&self, resource: Resource, container: Option<usize>) -> Result<PodMetrics, String> {
        of_pods(match (resource, container) {
            (Resource::Cpu, Some(1)) => &self.cpu_of_proxy,
            (Resource::Cpu, _) => &self.cpu,
            (Resource::Memory, _) => &self.memory,
        })
    }

    fn pod_values(&self, _: &str) -> Result<PodMetrics, String> {
        of_pods(&self.values)
    }

    fn object_value(&self, _: &str) -> Result<i64, String> {
        self.object.ok_or_else(|| "gone".to_owned())
    }

    fn external_values(&self, _: &str) -> Result<Vec<i64>, String> {
        self.external.clone().ok_or_else(|| "gone".to_owned())
    }
}

fn pod(identifier: u64, containers: &[Requests]) -> Pod<'_> {
    let ready = ReadyCondition { readiness: Readiness::Ready, last_transition_ns: 0 };
    let ready = Some(ready);
    Pod { identifier, phase: Phase::Running, is_deleting: false, start_ns: Some(0), ready, containers }
}

fn autoscaler(metrics: Vec<Metric>) -> Autoscaler {
    Autoscaler {
        metrics,
        bounds: Bounds { minimum: 1, maximum: 100 },
        limits: Limits::Behavior(Behavior { down: at_once(Rules::default_down()), ..Behavior::default() }),
        tolerance: DEFAULT_TOLERANCE,
        grace: Grace::default(),
    }
}

fn at_once(rules: Rules) -> Rules {
    Rules { stabilization_ns: 0, ..rules }
}

fn cpu_at(percent: i32) -> Metric {
    Metric::Resource { resource: Resource::Cpu, target: ResourceTarget::Utilization { percent } }
}

fn external_at(target: ValueTarget) -> Metric {
    Metric::External { name: "queue".to_owned(), target }
}

/// The first sync with this many pods of [`CONTAINERS`], or of the first of them.
fn sync_of(autoscaler: &Autoscaler, replicas: u32, containers: &[Requests], seen: &Seen) -> Outcome {
    let pods: Vec<Pod> = (0..u64::from(replicas)).map(|identifier| pod(identifier, containers)).collect();
    let target = Target { specified_replicas: replicas, status_replicas: replicas, pods: &pods };
    autoscaler.reconcile(&mut State::default(), target, seen, NOW_NS)
}

fn sync(autoscaler: &Autoscaler, replicas: u32, seen: &Seen) -> Outcome {
    sync_of(autoscaler, replicas, &CONTAINERS[..1], seen)
}

fn proposed(outcome: &Outcome) -> Vec<Option<u32>> {
    outcome.proposals.iter().map(|one| one.as_ref().ok().map(|proposal| proposal.replicas)).collect()
}

fn policies(select: Select, policies: &[(Change, u64)]) -> Rules {
    let policies = policies.iter().map(|&(change, seconds)| Policy { change, period_ns: seconds * SECOND_NS });
    Rules { stabilization_ns: 0, select, policies: policies.collect(), tolerance: None }
}

#[test]
fn no_input_is_too_much() {
    let extremes = [i64::MIN, -1, 0, 1, i64::MAX];
    let counts = [0, 1, MOST_REPLICAS, u32::MAX];
    let up = policies(Select::Max, &[(Change::Percent(u32::MAX), u64::MAX / SECOND_NS), (Change::Pods(u32::MAX), 0)]);
    let behavior = Limits::Behavior(Behavior { down: up.clone(), up });
    for limits in [behavior, Limits::Legacy(Legacy { scale_up_factor: f64::NAN, ..Legacy::default() })] {
        for (value, target) in extremes.iter().flat_map(|value| extremes.map(|target| (*value, target))) {
            let requests = [Requests { cpu_milli: Some(value), memory_milli: Some(target) }; 2];
            let percent = target.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
            let metrics = vec![
                cpu_at(percent),
                Metric::Pods { name: String::new(), average_value_milli: target },
                Metric::Object { name: String::new(), target: ValueTarget::Value { milli: target } },
                external_at(ValueTarget::AverageValue { milli: target }),
            ];
            let seen = Seen {
                cpu: vec![value; 2],
                values: vec![value; 3],
                object: Some(value),
                external: Some(vec![value; 3]),
                ..Seen::default()
            };
            for (minimum, maximum) in counts.iter().flat_map(|low| counts.map(|high| (*low, high))) {
                let bounds = Bounds { minimum, maximum };
                let tolerance = if value == 0 { f64::NAN } else { DEFAULT_TOLERANCE };
                let grace = Grace { cpu_initialization_period_ns: u64::MAX, initial_readiness_delay_ns: u64::MAX };
                let metrics = metrics.clone();
                let autoscaler = Autoscaler { metrics, bounds, limits: limits.clone(), tolerance, grace };
                let pods = [0, 1, 7].map(|identifier| pod(identifier, &requests));
                let mut state = State::default();
                for (specified_replicas, now_ns) in counts.into_iter().zip([0, 1, NOW_NS, u64::MAX]) {
                    for pods in [&pods[..], &[]] {
                        let target = Target { specified_replicas, status_replicas: specified_replicas, pods };
                        let outcome = autoscaler.reconcile(&mut state, target, &seen, now_ns);
                        assert!(outcome.desired_replicas <= maximum.max(minimum).max(specified_replicas));
                    }
                }
            }
        }
    }
}
