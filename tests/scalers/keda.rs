//! KEDA: to nothing and back.

use crate::course::{Course, assert_moves, controlled, course, when};

/// Batches of messages, workers of one message each, and the fields of a scaler.
fn model(clients: &str, work: &str, fields: &str) -> String {
    controlled(
        &format!(
            "\"c\": Clients({clients}, mix: {{ \"jobs.job\": 1 }}),
             \"jobs\": Queue(prefetch: 1, messages: {{ \"job\": \"workers.job\" }}),
             \"workers\": Service(replicas: 1, workers: 1, price: \"$1/h\", startup: Constant(\"10s\"),
                                operations: {{ \"job\": [Wait(Constant(\"{work}\"))] }})"
        ),
        &format!(
            "\"scaler\": Keda(target: \"workers\",
             triggers: [(source: \"jobs\", metric: RequestsInProgress, threshold: 5)], {fields})"
        ),
    )
}

const TWENTY_THREE: &str = "rate: \"1/h\", batch: 23, arrivals: Constant";

fn workers(course: &Course) -> Vec<f64> {
    course.desired("workers")
}

#[test]
fn messages_that_stay_settle_at_their_number_by_the_threshold() {
    let course = course(&model(TWENTY_THREE, "90h", ""), &[], 5_400);
    assert_eq!(workers(&course).last(), Some(&5.0), "23 messages, 5 for each");
    assert_eq!(course.mean("scaler", "at_maximum_ratio"), 0.0);
}

#[test]
fn nothing_is_there_until_the_first_message_and_after_the_last() {
    let course = course(&model(TWENTY_THREE, "20s", ""), &[], 5_400);
    let desired = workers(&course);
    // What was never active does not cool down: the first poll ends it.
    assert!((1..=31).contains(&when(&desired, 0, |level| level == 0.0)));
    let arrival = course.arrival_s("jobs", 0);
    let activation = when(&desired, arrival, |level| level > 0.0);
    assert!((arrival..=arrival + 31).contains(&activation), "messages at {arrival} s, replicas at {activation} s");
    assert!(desired[40..arrival].iter().all(|level| *level == 0.0), "nothing in between");
    let ready = when(&course.levels("workers", "ready_replicas"), activation, |level| level > 0.0);
    assert!((activation + 9..=activation + 11).contains(&ready), "a startup of 10 s later");
    let done = course.last_answer_s("workers");
    let gone = when(&desired, done, |level| level == 0.0);
    // The last poll that saw a message lies up to 30 s before the end, and the first after the cooldown up to 30 s behind it.
    assert!((done + 270..=done + 331).contains(&gone), "work ended at {done} s, the last replica at {gone} s");
    assert_eq!(course.answered("workers"), (23, 0));
}

#[test]
fn few_messages_do_not_activate() {
    let text = model("rate: \"1/h\", batch: 10, arrivals: Constant", "90h", "polling_interval: \"10s\"");
    let path = "controllers.scaler.triggers";
    let trigger =
        |above: u32| format!("[(source: \"jobs\", metric: QueueLength, threshold: 5, activation_threshold: {above})]");
    let last = |above| *workers(&course(&text, &[(path, &trigger(above))], 4_000)).last().expect("a level");
    assert_eq!(last(10), 0.0, "10 messages are not above 10");
    assert!(last(9) > 0.0);
}

#[test]
fn idle_replicas_are_fewer_than_the_minimum() {
    let text = model(TWENTY_THREE, "20s", "min_replica_count: 8, cooldown_period: \"1m\"");
    let always = course(&text, &[], 4_500);
    assert_eq!(workers(&always)[100..].iter().copied().fold(f64::MAX, f64::min), 8.0);
    let idle = course(&text.replace("min_replica_count: 8", "min_replica_count: 8, idle_replica_count: 0"), &[], 4_500);
    let desired = workers(&idle);
    let up = when(&desired, idle.arrival_s("jobs", 0), |level| level > 0.0);
    assert_eq!(desired[up + 1], 8.0, "from idle to the minimum");
    assert_eq!(desired[up - 2], 0.0);
    let done = idle.last_answer_s("workers");
    let gone = when(&desired, done, |level| level == 0.0);
    assert!((done + 30..=done + 91).contains(&gone), "work ended at {done} s, the last replica at {gone} s");
}

#[test]
fn requests_that_wait_for_a_replica_bring_one() {
    let text = controlled(
        "\"c\": Clients(rate: \"12/h\", mix: { \"web.get\": 1 }),
         \"web\": Service(startup: Constant(\"5s\"), without_replicas: Hold, operations: { \"get\": [Wait(Constant(\"1s\"))] })",
        "\"scaler\": Keda(target: \"web\", triggers: [(source: \"web\", metric: RequestsInProgress, threshold: 10)],
                          cooldown_period: \"30s\")",
    );
    let course = course(&text, &[], 20_000);
    let (completed, failed) = course.answered("c");
    assert!(completed > 40 && failed == 0, "{completed} answered, {failed} failed");
    assert!(workers_of(&course, "web") < 0.6, "most of the time there is none");
}

fn workers_of(course: &Course, node: &str) -> f64 {
    course.mean(node, "desired_replicas")
}

#[test]
fn every_knob_moves_something() {
    let text = model("rate: \"1/min\"", "40s", "");
    let path = |field: &str| format!("controllers.scaler.{field}");
    let desired = |course: &Course| workers_of(course, "workers");
    let moves = |field: &str, low: &str, high: &str, factor: f64| {
        assert_moves(&text, (&path(field), low), (&path(field), high), factor, desired);
    };
    let trigger = |threshold| format!("[(source: \"jobs\", metric: RequestsInProgress, threshold: {threshold})]");
    moves("triggers", &trigger("2"), &trigger("0.2"), 1.5);
    moves("min_replica_count", "0", "7", 1.5);
    moves("cooldown_period", "\"1s\"", "\"20m\"", 1.05);
    let busy = model("rate: \"20/min\"", "40s", "");
    assert_moves(&busy, (&path("max_replica_count"), "2"), (&path("max_replica_count"), "40"), 1.5, desired);
    let slow = "(scale_up: (policies: [Pods(value: 1, period: \"10m\")]))";
    let fast = "(scale_up: (policies: [Pods(value: 9, period: \"10s\")]))";
    assert_moves(&busy, (&path("behavior"), slow), (&path("behavior"), fast), 1.2, desired);
    assert_moves(&busy, (&path("sync_period"), "\"10m\""), (&path("sync_period"), "\"5s\""), 1.1, desired);
    let rare = model("rate: \"6/h\"", "1s", "cooldown_period: \"1s\"");
    let waits = |course: &Course| course.in_system_s("jobs");
    assert_moves(&rare, (&path("polling_interval"), "\"5s\""), (&path("polling_interval"), "\"2m\""), 2.0, waits);
}

#[test]
fn two_runs_are_the_same() {
    let text = model("rate: \"2/min\"", "40s", "");
    let [one, other] = [0; 2].map(|_| course(&text, &[], 900).fingerprint);
    assert_eq!(one, other);
}
