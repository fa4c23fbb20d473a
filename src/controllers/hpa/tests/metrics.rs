//! Proposals of metrics.

use super::*;

#[test]
fn the_largest_of_several_proposals_wins() {
    let metrics = vec![cpu_at(50), external_at(ValueTarget::AverageValue { milli: 10_000 })];
    let seen = Seen { cpu: vec![750; 4], external: Some(vec![30_000, 45_000]), ..Seen::default() };
    let outcome = sync(&autoscaler(metrics), 4, &seen);
    assert_eq!(proposed(&outcome), [Some(6), Some(8)]);
    assert_eq!((outcome.desired_replicas, outcome.winner), (8, Some(1)));
}

#[test]
fn a_metric_that_fails_forbids_fewer_replicas_and_not_more() {
    let metrics = vec![external_at(ValueTarget::Value { milli: 10_000 }), cpu_at(50)];
    let busy = Seen { cpu: vec![750; 4], ..Seen::default() };
    let outcome = sync(&autoscaler(metrics.clone()), 4, &busy);
    assert_eq!((outcome.desired_replicas, outcome.winner), (6, Some(1)));
    let active = |holds, reason| Some(Condition { holds, reason });
    assert_eq!(outcome.conditions.scaling_active, active(true, Reason::ValidMetricFound));
    let message = outcome.proposals[0].as_ref().map_err(MetricError::to_string);
    assert_eq!(message, Err("unable to get external metric queue: gone".to_owned()));

    let idle = Seen { cpu: vec![100; 4], ..Seen::default() };
    let outcome = sync(&autoscaler(metrics.clone()), 4, &idle);
    assert_eq!((outcome.desired_replicas, outcome.winner), (4, None));
    assert_eq!(proposed(&outcome), [None, Some(1)]);
    assert_eq!(outcome.conditions.scaling_active, active(false, Reason::FailedGetExternalMetric));

    let both = Seen { external: Some(vec![1_000]), ..idle };
    assert_eq!(sync(&autoscaler(metrics), 4, &both).desired_replicas, 1, "nothing fails, so replicas may go");
}

#[test]
fn each_direction_may_have_its_own_tolerance() {
    let with = |up: Option<f64>, down: Option<f64>| {
        let up = Rules { tolerance: up, ..Rules::default_up() };
        let down = Rules { tolerance: down, ..at_once(Rules::default_down()) };
        Autoscaler { limits: Limits::Behavior(Behavior { up, down }), ..autoscaler(vec![cpu_at(50)]) }
    };
    let desired = |autoscaler: &Autoscaler, cpu: i64| {
        sync(autoscaler, 10, &Seen { cpu: vec![cpu; 10], ..Seen::default() }).desired_replicas
    };
    // Ratios of 1.04 and 0.88.
    assert_eq!((desired(&with(None, None), 520), desired(&with(None, None), 440)), (10, 9));
    let tight_up = with(Some(0.02), Some(0.2));
    assert_eq!((desired(&tight_up, 520), desired(&tight_up, 440)), (11, 10));
}

#[test]
fn memory_is_held_without_regard_to_readiness() {
    let target = ResourceTarget::Utilization { percent: 50 };
    let metric = Metric::Resource { resource: Resource::Memory, target };
    let seen = Seen { memory: vec![3 * GIB_MILLI / 2; 2], ..Seen::default() };
    let starting = |identifier| Pod { ready: None, start_ns: None, ..pod(identifier, &CONTAINERS[..1]) };
    let pods = [starting(0), starting(1)];
    let target = Target { specified_replicas: 2, status_replicas: 2, pods: &pods };
    let outcome = autoscaler(vec![metric]).reconcile(&mut State::default(), target, &seen, NOW_NS);
    let measured = Measured { utilization_percent: Some(75), value_milli: 3 * GIB_MILLI / 2 };
    assert_eq!(outcome.proposals, [Ok(Proposal { replicas: 3, measured })]);

    // Of two pods that start nothing is known, if it is their CPU that counts.
    let outcome = autoscaler(vec![cpu_at(50)]).reconcile(
        &mut State::default(),
        target,
        &Seen { cpu: vec![900; 2], ..Seen::default() },
        NOW_NS,
    );
    assert_eq!(outcome.proposals, [Err(MetricError::OnlyFromUnreadyPods)]);
}

#[test]
fn usage_per_pod_can_be_the_target() {
    let metric = Metric::Resource { resource: Resource::Cpu, target: ResourceTarget::AverageValue { milli: 500 } };
    // Nobody needs a request for that.
    let outcome = sync_of(&autoscaler(vec![metric]), 3, &[], &Seen { cpu: vec![700, 800, 901], ..Seen::default() });
    let measured = Measured { utilization_percent: None, value_milli: 800 };
    assert_eq!(outcome.proposals, [Ok(Proposal { replicas: 5, measured })]);
}

#[test]
fn one_container_can_be_looked_at_alone() {
    let target = ResourceTarget::Utilization { percent: 50 };
    let of = |container| Metric::ContainerResource { resource: Resource::Cpu, container, target };
    let seen = Seen { cpu: vec![10; 2], cpu_of_proxy: vec![90, 91], ..Seen::default() };
    let outcome = sync_of(&autoscaler(vec![of(1), of(2)]), 2, &CONTAINERS, &seen);
    let measured = Measured { utilization_percent: Some(90), value_milli: 90 };
    let missing = MetricError::NoSuchContainer { container: 2, pod: 0 };
    assert_eq!(outcome.proposals, [Ok(Proposal { replicas: 4, measured }), Err(missing)]);
    let target = ResourceTarget::Utilization { percent: 50 };
    let memory = Metric::Resource { resource: Resource::Memory, target };
    let outcome = sync_of(&autoscaler(vec![memory]), 2, &CONTAINERS, &Seen { memory: vec![1; 2], ..seen });
    let missing = MetricError::MissingRequest { resource: Resource::Memory, container: 1, pod: 0 };
    assert_eq!(outcome.proposals, [Err(missing)]);
}

#[test]
fn a_value_per_pod_is_divided_among_the_replicas_of_the_status() {
    let metric = external_at(ValueTarget::AverageValue { milli: 3_000 });
    let seen = Seen { external: Some(vec![9_000, 7_001]), ..Seen::default() };
    let outcome = sync(&autoscaler(vec![metric]), 4, &seen);
    // 16.001 over four replicas, rounded up, against 3 each.
    let measured = Measured { utilization_percent: None, value_milli: 4_001 };
    assert_eq!(outcome.proposals, [Ok(Proposal { replicas: 6, measured })]);
}

#[test]
fn missing_pods_use_the_whole_target_above_a_hundred_percent() {
    let metrics = vec![cpu_at(200)];
    // 1000 and twice 2000 of 3000, that is 166 % of 200 %.
    let outcome = sync(&autoscaler(metrics), 3, &Seen { cpu: vec![1_000], ..Seen::default() });
    assert_eq!(proposed(&outcome), [Some(3)]);
}

#[test]
fn pods_that_start_damp_a_rise() {
    let busy = |cpu: i64| Seen { cpu: vec![cpu; 4], ..Seen::default() };
    let mut pods = [0, 1, 2, 3].map(|identifier| pod(identifier, &CONTAINERS[..1]));
    pods[3].phase = Phase::Pending;
    let target = Target { specified_replicas: 4, status_replicas: 4, pods: &pods };
    let desired = |cpu| {
        let autoscaler = autoscaler(vec![cpu_at(50)]);
        autoscaler.reconcile(&mut State::default(), target, &busy(cpu), NOW_NS).desired_replicas
    };
    // 73 % of three are 54 % of four, which is within the tolerance; 90 % are 67 %.
    assert_eq!((desired(730), desired(900)), (4, 6));
}

#[test]
fn fewer_metrics_than_replicas_do_not_turn_a_rise_into_a_fall() {
    let seen = Seen { cpu: vec![1_000; 3], ..Seen::default() };
    let pods = [0, 1, 2, 3].map(|identifier| pod(identifier, &CONTAINERS[..1]));
    let target = Target { specified_replicas: 10, status_replicas: 4, pods: &pods };
    let outcome = autoscaler(vec![cpu_at(50)]).reconcile(&mut State::default(), target, &seen, NOW_NS);
    // 75 % of four pods ask for six, but ten are on their way.
    assert_eq!(proposed(&outcome), [Some(10)]);
}

#[test]
fn zero_replicas_switch_the_autoscaler_off_unless_zero_is_its_minimum() {
    let metric = external_at(ValueTarget::Value { milli: 10_000 });
    let mut autoscaler = autoscaler(vec![metric]);
    let queued = Seen { external: Some(vec![25_000]), ..Seen::default() };
    let outcome = sync(&autoscaler, 0, &queued);
    assert_eq!((outcome.desired_replicas, outcome.proposals.len()), (0, 0));
    let off = Some(Condition { holds: false, reason: Reason::ScalingDisabled });
    assert_eq!(outcome.conditions.scaling_active, off);

    autoscaler.bounds.minimum = 0;
    assert_eq!(sync(&autoscaler, 0, &queued).desired_replicas, 3);
    let empty = Seen { external: Some(vec![0]), ..Seen::default() };
    assert_eq!(sync(&autoscaler, 3, &empty).desired_replicas, 0);
}

#[test]
fn bounds_that_changed_are_followed_without_asking_metrics() {
    let mut autoscaler = autoscaler(vec![cpu_at(50)]);
    autoscaler.bounds = Bounds { minimum: 3, maximum: 5 };
    for (replicas, expected) in [(9, 5), (1, 3)] {
        let outcome = sync(&autoscaler, replicas, &Seen::default());
        assert_eq!((outcome.desired_replicas, outcome.proposals.len()), (expected, 0));
    }
}

#[test]
fn no_metric_written_means_cpu_at_eighty_percent() {
    let outcome = sync(&autoscaler(Vec::new()), 2, &Seen { cpu: vec![1_200; 2], ..Seen::default() });
    assert_eq!((outcome.desired_replicas, outcome.winner), (3, Some(0)));
}

#[test]
fn usage_of_a_starting_pod_counts_as_soon_as_its_window_lies_after_it_became_ready() {
    let grace = Grace::default();
    let metric =
        |age: u64| PodMetric { value_milli: 1, timestamp_ns: NOW_NS - age * SECOND_NS, window_ns: 30 * SECOND_NS };
    let pod = |readiness, start_age: u64, transition_age: u64| Pod {
        start_ns: Some(NOW_NS - start_age * SECOND_NS),
        ready: Some(ReadyCondition { readiness, last_transition_ns: NOW_NS - transition_age * SECOND_NS }),
        ..pod(0, &[])
    };
    let counts = |pod: Pod, age| {
        let metrics = PodMetrics::from([(0, metric(age))]);
        Groups::new(&[pod], &metrics, Some(Resource::Cpu), grace, NOW_NS).ready_count == 1
    };
    assert!(counts(pod(Readiness::Ready, 100, 40), 10), "the window is over just as the pod becomes ready");
    assert!(!counts(pod(Readiness::Ready, 100, 40), 11));
    assert!(!counts(pod(Readiness::Unready, 299, 200), 0));
    assert!(counts(pod(Readiness::Unready, 300, 200), 0), "it was ready once");
    assert!(!counts(pod(Readiness::Unready, 300, 271), 0), "it never was");
    assert!(counts(pod(Readiness::Unknown, 300, 300), 0));
    assert!(!counts(Pod { ready: None, ..pod(Readiness::Ready, 300, 300) }, 0));
    assert!(!counts(Pod { phase: Phase::Pending, ..pod(Readiness::Ready, 300, 300) }, 0));
}
