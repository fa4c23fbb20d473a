//! Stabilisation and rates.

use super::*;

#[test]
fn disabled_and_no_policies_forbid_a_direction() {
    let bounds = Bounds { minimum: 1, maximum: 100 };
    let disabled = policies(Select::Disabled, &[(Change::Percent(100), 15)]);
    for rules in [disabled, policies(Select::Max, &[]), policies(Select::Min, &[(Change::Pods(0), 15)])] {
        let behavior = Behavior { up: rules.clone(), down: rules };
        let limit = |desired| behavior.limit(10, desired, bounds, &Changes::default(), NOW_NS);
        assert_eq!((limit(20).replicas, limit(20).reason), (10, Reason::ScaleUpLimit));
        assert_eq!((limit(2).replicas, limit(2).reason), (10, Reason::ScaleDownLimit));
    }
}

#[test]
fn the_smallest_change_and_changes_in_the_other_direction_count() {
    let rules = policies(Select::Min, &[(Change::Percent(50), 60), (Change::Pods(2), 60)]);
    let behavior = Behavior { up: rules.clone(), down: rules };
    let event = |change, age| {
        let event = ScaleEvent { change, timestamp_ns: NOW_NS - age * SECOND_NS, is_outdated: false };
        ScaleEvents::new(vec![event])
    };
    let none = Changes::default();
    assert_eq!(behavior.scale_up_limit(10, &none, NOW_NS), 12);
    assert_eq!(behavior.scale_down_limit(10, &none, NOW_NS), 8);
    // Six left half a minute ago, so there were 16 at the beginning of the minute.
    let left = Changes { down: event(6, 30), ..Changes::default() };
    assert_eq!(behavior.scale_up_limit(10, &left, NOW_NS), 18);
    let left_long_ago = Changes { down: event(6, 60), ..Changes::default() };
    assert_eq!(behavior.scale_up_limit(10, &left_long_ago, NOW_NS), 12);
    let came = Changes { up: event(9, 30), ..Changes::default() };
    assert_eq!(behavior.scale_up_limit(10, &came, NOW_NS), 2);
    // What came too fast is not taken away again for that.
    assert_eq!(behavior.limit(10, 20, Bounds { minimum: 1, maximum: 100 }, &came, NOW_NS).replicas, 10);
}

#[test]
fn the_default_behavior_and_none_differ_where_there_are_few() {
    let bounds = Bounds { minimum: 1, maximum: 100 };
    let written = Behavior::default().limit(1, 50, bounds, &Changes::default(), NOW_NS);
    let unwritten = Legacy::default().limit(1, 50, bounds);
    assert_eq!((written.replicas, unwritten.replicas), (5, 4));
    assert_eq!(unwritten.reason, Reason::ScaleUpLimit);
}

#[test]
fn more_replicas_wait_for_the_whole_window() {
    let windows = Windows { up_ns: 60 * SECOND_NS, down_ns: 0 };
    let mut log = Recommendations::default();
    let mut found = Vec::new();
    for (seconds, desired) in [(0, 4), (30, 8), (59, 9), (60, 9), (90, 9)] {
        found.push(log.stabilize(4, desired, windows, NOW_NS + seconds * SECOND_NS));
    }
    // The 4 of the beginning leaves the window after 60 s, the 8 after 90 s.
    assert_eq!(found, [4, 4, 4, 8, 9]);
}

#[test]
fn replicas_stay_for_five_minutes_and_then_go_one_period_at_a_time() {
    let down = policies(Select::Max, &[(Change::Pods(2), 60)]);
    let down = Rules { stabilization_ns: Rules::default_down().stabilization_ns, ..down };
    let limits = Limits::Behavior(Behavior { down, ..Behavior::default() });
    let autoscaler = Autoscaler { limits, ..autoscaler(vec![cpu_at(50)]) };
    let mut state = State::default();
    let (mut replicas, mut changes) = (8, Vec::new());
    for sync in 0..40 {
        let pods: Vec<Pod> = (0..8).map(|identifier| pod(identifier, &CONTAINERS[..1])).collect();
        let seen = Seen { cpu: vec![200; replicas as usize], ..Seen::default() };
        let target =
            Target { specified_replicas: replicas, status_replicas: replicas, pods: &pods[..replicas as usize] };
        let outcome = autoscaler.reconcile(&mut state, target, &seen, NOW_NS + sync * 15 * SECOND_NS);
        if outcome.desired_replicas != replicas {
            replicas = outcome.desired_replicas;
            changes.push((sync * 15, replicas));
        }
    }
    // The initial recommendation of 8 holds for 300 s; 8 pods at 20 % ask for 4, 6 for 3, 5 for 2 and so on, but what
    // was asked for within the last 300 s holds them.
    assert_eq!(changes, [(300, 6), (360, 4)]);
    assert!(state.recommendations.is_some_and(|log| log.recommendations().len() <= 22), "the log does not grow");
}
