//! Replicas by the clock: times of a period, and times of the week as cron writes them.

use crate::course::{controlled, course};

fn desired(actions: &str, seconds: u64) -> Vec<f64> {
    let text = controlled(
        "\"c\": Clients(rate: \"1/min\", mix: { \"web.get\": 1 }),
         \"web\": Service(operations: { \"get\": [Wait(Constant(\"1ms\"))] })",
        &format!("\"hours\": Scheduled(target: \"web\", {actions})"),
    );
    course(&text, &[], seconds).desired("web")
}

/// Levels of one second begin with that second.
fn at(desired: &[f64], day: usize, hour: usize, minute: usize) -> f64 {
    desired[(day * 24 + hour) * 3_600 + minute * 60]
}

#[test]
fn a_week_of_cron_comes_round_again() {
    let weekdays = "(schedule: \"0 7 * * MON-FRI\", replicas: 5), (schedule: \"30 18 * * 1-5\", replicas: 2)";
    let desired = desired(&format!("actions: [ {weekdays}, (schedule: \"0 12 * * SAT\", replicas: 3) ]"), 9 * 86_400);
    assert_eq!(at(&desired, 0, 3, 0), 3.0, "what Saturday left");
    for day in 0..5 {
        assert_eq!(
            [(6, 59), (7, 0), (18, 29), (18, 30)].map(|(hour, minute)| at(&desired, day, hour, minute))[1..],
            [5.0, 5.0, 2.0]
        );
    }
    assert_eq!((at(&desired, 5, 11, 59), at(&desired, 5, 12, 0), at(&desired, 6, 23, 59)), (2.0, 3.0, 3.0));
    assert_eq!((at(&desired, 7, 6, 59), at(&desired, 7, 7, 0), at(&desired, 8, 18, 30)), (3.0, 5.0, 2.0));
}

#[test]
fn cron_says_what_times_of_a_day_say() {
    let by_day = desired("actions: [ (at: \"7h\", replicas: 4), (at: \"19h\", replicas: 1) ]", 2 * 86_400);
    let by_cron = desired(
        "actions: [ (schedule: \"0 7 * * *\", replicas: 4), (schedule: \"0 19 * * *\", replicas: 1) ]",
        2 * 86_400,
    );
    assert_eq!(by_day, by_cron);
}

#[test]
fn of_what_is_due_at_once_the_last_holds() {
    let found = desired(
        "actions: [ (schedule: \"*/10 * * * *\", replicas: 2), (schedule: \"0 * * * *\", replicas: 6) ]",
        4_000,
    );
    assert_eq!((found[60], found[660], found[3_660]), (6.0, 2.0, 6.0));
}
