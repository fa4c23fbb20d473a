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

#[test]
fn the_clock_brings_replicas_for_a_part_of_the_week() {
    // Monday begins at midnight: replicas from half past midnight on for an hour, then the cooldown.
    let fields = |cron: &str| format!("cooldown_period: \"2m\", cron: [ {cron} ]");
    let early = "(start: \"30 0 * * MON\", end: \"30 1 * * MON\", desired_replicas: 7)";
    let found = course(&model("rate: \"1/h\", arrivals: Constant", "1s", &fields(early)), &[], 7_200);
    let desired = workers(&found);
    let up = when(&desired, 900, |level| level >= 7.0);
    assert!((1_800..=1_846).contains(&up), "the next look of the operator, and of the HPA after it: {up} s");
    assert!(desired[1_860..5_399].iter().all(|level| *level == 7.0));
    let gone = when(&desired, 5_400, |level| level == 0.0);
    assert!((5_400 + 90..=5_400 + 181).contains(&gone), "the last look in time, the cooldown, and the next: {gone} s");
    // What is over at midnight of Sunday was open at the beginning of Monday in the week before.
    let weekend = "(start: \"0 0 * * SAT\", end: \"10 0 * * MON\", desired_replicas: 4)";
    let found = course(&model("rate: \"1/h\", arrivals: Constant", "1s", &fields(weekend)), &[], 1_800);
    assert!(workers(&found)[60..600].iter().all(|level| *level == 4.0));
    // Without any trigger of another kind.
    let text = controlled(
        "\"c\": Clients(rate: \"1/s\", mix: { \"web.get\": 1 }),
         \"web\": Service(startup: Constant(\"5s\"), operations: { \"get\": [Wait(Constant(\"1ms\"))] })",
        "\"scaler\": Keda(target: \"web\", min_replica_count: 1, cron: [ (start: \"5 0 * * *\", end: \"25 0 * * *\", desired_replicas: 3) ])",
    );
    let desired = course(&text, &[], 1_200).desired("web");
    assert_eq!((desired[200], desired[700]), (1.0, 3.0));
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
    let cron = |replicas| format!("[(start: \"2 0 * * *\", end: \"20 0 * * *\", desired_replicas: {replicas})]");
    moves("cron", &cron("1"), &cron("9"), 1.5);
    let busy = model("rate: \"20/min\"", "40s", "");
    assert_moves(&busy, (&path("max_replica_count"), "2"), (&path("max_replica_count"), "40"), 1.5, desired);
    let slow = "(scale_up: (policies: [Pods(value: 1, period: \"10m\")]))";
    let fast = "(scale_up: (policies: [Pods(value: 9, period: \"10s\")]))";
    assert_moves(&busy, (&path("behavior"), slow), (&path("behavior"), fast), 1.2, desired);
    assert_moves(&busy, (&path("sync_period"), "\"10m\""), (&path("sync_period"), "\"5s\""), 1.1, desired);
    let quiet = model("rate: \"1/h\", arrivals: Constant", "1s", "cooldown_period: \"1s\"");
    assert_moves(
        &quiet,
        (&path("initial_cooldown_period"), "\"1s\""),
        (&path("initial_cooldown_period"), "\"20m\""),
        2.0,
        desired,
    );
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
