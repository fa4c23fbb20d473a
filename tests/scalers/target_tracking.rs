//! Target tracking: alarms of three and of fifteen minutes, and steps in proportion.

use crate::course::{Course, assert_moves, controlled, course, when};

/// Steady load of 4 cores, from `replicas` instances of one core each.
fn model(replicas: u32, fields: &str) -> String {
    controlled(
        &format!(
            "\"c\": Clients(rate: \"400/s\", arrivals: Constant, mix: {{ \"web.get\": 1 }}),
             \"web\": Service(replicas: {replicas}, workers: 64, queue: 64, startup: Constant(\"30s\"),
                            operations: {{ \"get\": [Compute(Constant(\"10ms\"))] }})"
        ),
        &format!(
            "\"scaler\": TargetTracking(target: \"web\", min_capacity: 1, max_capacity: 30, metric: CpuUtilization,
                                      target_value: \"50%\", {fields})"
        ),
    )
}

fn web(course: &Course) -> Vec<f64> {
    course.desired("web")
}

fn mean(course: &Course) -> f64 {
    course.mean("web", "desired_replicas")
}

#[test]
fn instances_settle_where_the_load_meets_the_target() {
    for replicas in [6, 20] {
        let course = course(&model(replicas, ""), &[], 3_600);
        assert_eq!(web(&course).last(), Some(&8.0), "4 cores at 50%, from {replicas} instances");
    }
    // Within a ninth above there is nothing to do.
    assert_eq!(mean(&course(&model(8, ""), &[], 3_600)), 8.0);
}

#[test]
fn a_step_out_takes_three_minutes_and_a_step_in_fifteen() {
    // The first two looks bound the first minute, of which the beginning is anywhere.
    let out = when(&web(&course(&model(6, ""), &[], 900)), 0, |level| level != 6.0);
    assert!((240..=301).contains(&out), "3 values of a minute each, a minute late: {out} s");
    let early = when(&web(&course(&model(6, "metric_delay: \"1s\""), &[], 900)), 0, |level| level != 6.0);
    assert_eq!(out - early, 59, "as much later as its values are");
    let back = when(&web(&course(&model(20, ""), &[], 3_600)), 0, |level| level != 20.0);
    assert_eq!(back - out, 12 * 60, "15 values instead of 3");
}

#[test]
fn a_surge_is_followed_while_instances_still_warm_up() {
    let text = model(1, "instance_warmup: \"20m\"");
    let course = course(&text, &[], 3_000);
    let desired = web(&course);
    // One full core asks for two instances; those that come do not count before they have warmed up.
    let out = when(&desired, 0, |level| level != 1.0);
    assert_eq!(desired[out + 1], 2.0);
    let next = when(&desired, out + 1, |level| level != 2.0);
    assert!(next - out > 20 * 60, "{out} s, {next} s");
}

#[test]
fn nothing_is_taken_away_while_instances_are_on_their_way() {
    let surge = |fields: &str| {
        let text = model(4, fields)
            .replace("arrivals: Constant", "arrivals: Spike(factor: 3, start: \"0s\", duration: \"6m\")");
        course(&text.replace("400/s", "100/s"), &[], 7_200)
    };
    let peak = |course: &Course| web(course).iter().copied().fold(0.0, f64::max);
    let fall = |course: &Course| {
        let peak = peak(course);
        let desired = web(course);
        when(&desired, when(&desired, 0, |level| level == peak), |level| level < peak)
    };
    let (short, long) = (surge("instance_warmup: \"1m\""), surge("instance_warmup: \"1h\""));
    assert!(peak(&short) > 4.0 && peak(&long) > 4.0);
    assert!(fall(&short) < 2_000, "{} s", fall(&short));
    assert!(fall(&long) > 3_600, "{} s", fall(&long));
}

#[test]
fn requests_are_counted_for_each_target() {
    let fields = [("controllers.scaler.metric", "RequestCountPerTarget"), ("controllers.scaler.target_value", "2400")];
    let course = course(&model(8, ""), &fields, 2_400);
    assert_eq!(web(&course).last(), Some(&10.0), "24,000 a minute, 2,400 for each");
}

#[test]
fn every_knob_moves_something() {
    let few = model(3, "");
    let moves = |text: &str, field: &str, low: &str, high: &str| {
        let path = format!("controllers.scaler.{field}");
        assert_moves(text, (&path, low), (&path, high), 1.05, mean);
    };
    moves(&few, "min_capacity", "1", "20");
    moves(&few, "max_capacity", "4", "30");
    moves(&few, "target_value", "\"80%\"", "\"40%\"");
    moves(&few, "metric_delay", "\"9m\"", "\"1s\"");
    moves(&few, "instance_warmup", "\"15m\"", "\"10s\"");
    moves(&model(30, ""), "disable_scale_in", "false", "true");
}

#[test]
fn two_runs_are_the_same() {
    let [one, other] = [0; 2].map(|_| course(&model(3, ""), &[], 600).fingerprint);
    assert_eq!(one, other);
}
