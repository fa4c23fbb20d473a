//! Step scaling: alarms, steps, and what follows them.

use crate::course::{Course, assert_moves, controlled, course, when};

const OUT: &str =
    "(alarm: (metric: CpuUtilization, threshold: \"50%\", comparison: GreaterThanThreshold, evaluation_periods: 3),
    adjustment_type: ChangeInCapacity, steps: [(lower_bound: \"0%\", upper_bound: \"30%\", adjustment: 1),
                                               (lower_bound: \"30%\", adjustment: 4)])";
const IN: &str =
    "(alarm: (metric: CpuUtilization, threshold: \"30%\", comparison: LessThanThreshold, evaluation_periods: 3),
    adjustment_type: ChangeInCapacity, steps: [(upper_bound: \"0%\", adjustment: -1)])";

/// Instances of one core each under so many cores of steady load.
fn model(replicas: u32, cores: u32, policies: &str, fields: &str) -> String {
    controlled(
        &format!(
            "\"c\": Clients(rate: \"{}/s\", arrivals: Constant, mix: {{ \"web.get\": 1 }}),
             \"web\": Service(replicas: {replicas}, workers: 64, queue: 64, startup: Constant(\"10s\"),
                            operations: {{ \"get\": [Compute(Constant(\"100ms\"))] }})",
            10 * cores
        ),
        &format!(
            "\"scaler\": StepScaling(target: \"web\", min_capacity: 1, max_capacity: 40, policies: [{policies}], {fields})"
        ),
    )
}

fn web(course: &Course) -> Vec<f64> {
    course.desired("web")
}

fn mean(course: &Course) -> f64 {
    course.mean("web", "desired_replicas")
}

/// The levels one after the other, and the seconds at which they begin.
fn changes(course: &Course) -> Vec<(usize, f64)> {
    let mut found: Vec<(usize, f64)> = Vec::new();
    // Within the second of a change the level is a mean of both.
    for (second, level) in web(course).into_iter().enumerate().filter(|(_, level)| level.fract() == 0.0) {
        if found.last().is_none_or(|last| last.1 != level) {
            found.push((second, level));
        }
    }
    found
}

#[test]
fn the_step_is_chosen_by_how_far_the_threshold_is_passed() {
    // 3 of 5 cores are 60%, 10% above; 9 of 10 are 90%, 40% above.
    let small = changes(&course(&model(5, 3, OUT, ""), &[], 400));
    assert_eq!(small[1].1, 6.0);
    let large = changes(&course(&model(10, 9, OUT, ""), &[], 400));
    assert_eq!(large[1].1, 14.0);
    // Three values of a minute each, a minute late.
    assert!((240..=301).contains(&small[1].0), "{small:?}");
}

#[test]
fn three_of_three_values_must_breach() {
    let longer = OUT.replace("evaluation_periods: 3", "evaluation_periods: 5");
    let out = |policy: &str| changes(&course(&model(5, 3, policy, ""), &[], 600))[1].0;
    assert_eq!(out(&longer) - out(OUT), 120, "two more values");
    assert_eq!(out(&longer.replace("periods: 5", "periods: 5, datapoints_to_alarm: 3")), out(OUT));
    // A surge of two minutes is no alarm of three values.
    let surge = |policy: &str| {
        let text = model(5, 1, policy, "")
            .replace("arrivals: Constant", "arrivals: Spike(factor: 4, start: \"5m\", duration: \"110s\")");
        changes(&course(&text, &[], 1_200)).len()
    };
    assert_eq!(surge(OUT), 1, "nothing changes");
    assert!(surge(&OUT.replace("evaluation_periods: 3", "evaluation_periods: 1")) > 1);
}

#[test]
fn instances_that_warm_up_are_not_asked_for_twice() {
    let levels = |fields: &str| changes(&course(&model(10, 9, OUT, fields), &[], 1_500));
    // The alarm lasts, but until the four new ones have warmed up it asks for the same 14.
    let slow = levels("instance_warmup: \"10m\"");
    assert_eq!(slow[1].1, 14.0);
    assert!(slow[2].0 - slow[1].0 >= 600, "{slow:?}");
    let fast = levels("instance_warmup: \"1s\"");
    assert!(fast[2].0 - fast[1].0 < 200, "{fast:?}");
}

#[test]
fn a_cooldown_holds_back_the_next_step() {
    let levels = |fields: &str| changes(&course(&model(10, 1, IN, fields), &[], 1_500));
    let steps = levels("cooldown: \"5m\"");
    assert_eq!((steps[1].1, steps[2].1), (9.0, 8.0));
    assert_eq!(steps[2].0 - steps[1].0, 300);
    let steps = levels("cooldown: \"1s\"");
    assert_eq!(steps[2].0 - steps[1].0, 60, "once with each value");
}

#[test]
fn capacities_in_percent_and_exact_ones() {
    let policy = |kind: &str, adjustment: &str| {
        format!(
            "(alarm: (metric: CpuUtilization, threshold: \"50%\", comparison: GreaterThanThreshold),
              adjustment_type: {kind}, steps: [(lower_bound: \"0%\", adjustment: {adjustment})])"
        )
    };
    let second =
        |kind: &str, adjustment: &str| changes(&course(&model(10, 9, &policy(kind, adjustment), ""), &[], 300))[1].1;
    assert_eq!(second("PercentChangeInCapacity", "25"), 12.0);
    assert_eq!(second("ChangeInCapacity", "25"), 35.0);
    assert_eq!(second("ExactCapacity", "25"), 25.0);
    let least = policy("PercentChangeInCapacity", "25").replace("steps:", "min_adjustment_magnitude: 7, steps:");
    assert_eq!(changes(&course(&model(10, 9, &least, ""), &[], 300))[1].1, 17.0);
}

#[test]
fn two_alarms_keep_the_instances_between_them() {
    let policies = format!("{OUT}, {IN}");
    for replicas in [3, 30] {
        let course = course(&model(replicas, 4, &policies, "instance_warmup: \"30s\""), &[], 7_200);
        let last = *web(&course).last().expect("a level");
        assert!((8.0..=13.4).contains(&last), "4 cores between 30% and 50%, from {replicas}: {last}");
    }
}

#[test]
fn the_length_of_a_queue_brings_workers_from_none() {
    let policy = "(alarm: (metric: Custom(source: \"jobs\", metric: QueueLength), threshold: 0, comparison: GreaterThanThreshold),
                   adjustment_type: ChangeInCapacity, steps: [(lower_bound: 0, adjustment: 2)])";
    let empty = "(alarm: (metric: Custom(source: \"jobs\", metric: RequestsInProgress), threshold: 0,
                          comparison: LessThanOrEqualToThreshold, evaluation_periods: 5),
                  adjustment_type: ExactCapacity, steps: [(upper_bound: 0, adjustment: 0)])";
    let text = controlled(
        "\"c\": Clients(rate: \"1/h\", batch: 10, arrivals: Constant, mix: { \"jobs.job\": 1 }),
         \"jobs\": Queue(prefetch: 1, messages: { \"job\": \"workers.job\" }),
         \"workers\": Service(replicas: 1, workers: 1, operations: { \"job\": [Wait(Constant(\"1m\"))] })",
        &format!(
            "\"scaler\": StepScaling(target: \"workers\", min_capacity: 0, max_capacity: 9, metric_delay: \"1s\",
                                   policies: [{policy}, {empty}])"
        ),
    );
    let course = course(&text, &[], 7_300);
    let desired = course.desired("workers");
    let gone = when(&desired, 0, |level| level == 0.0);
    let arrival = course.arrival_s("jobs", gone);
    let back = when(&desired, arrival, |level| level > 0.0);
    assert!(back - arrival <= 62, "messages at {arrival} s, workers at {back} s");
    assert_eq!(desired[back + 1], 2.0);
    let done = when(&desired, back + 1, |level| level == 0.0);
    assert!(done < arrival + 1_800, "gone again at {done} s");
}

#[test]
fn every_knob_moves_something() {
    let text = model(4, 6, OUT, "");
    let moves = |field: &str, low: &str, high: &str| {
        let path = format!("controllers.scaler.{field}");
        assert_moves(&text, (&path, low), (&path, high), 1.05, mean);
    };
    moves("min_capacity", "1", "20");
    moves("max_capacity", "5", "40");
    moves("instance_warmup", "\"15m\"", "\"1s\"");
    moves("metric_delay", "\"9m\"", "\"1s\"");
    let with = |from: &str, to: &str| format!("[{}]", OUT.replace(from, to));
    let same = with("", "");
    moves("policies", &with("threshold: \"50%\"", "threshold: \"90%\""), &same);
    moves("policies", &with("evaluation_periods: 3", "evaluation_periods: 3, period: \"5m\""), &same);
    moves("policies", &with("GreaterThanThreshold", "LessThanThreshold"), &same);
}

#[test]
fn two_runs_are_the_same() {
    let [one, other] = [0; 2].map(|_| course(&model(4, 6, OUT, ""), &[], 600).fingerprint);
    assert_eq!(one, other);
}
