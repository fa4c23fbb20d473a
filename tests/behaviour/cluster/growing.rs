//! How long replicas wait for machines, and which machines are asked for.

use super::{GENERAL, HOUR_S, MACHINE_S, PULL, PULL_S, SCAN_S, STARTUP_S, cost_usd, follow, machine_s, model, surge};
use crate::run::{prepare, run};

#[test]
fn a_surge_waits_for_scan_machine_image_and_replica() {
    let course = follow(&prepare(&surge(100, 9_000, GENERAL, PULL), &[]), 300);
    let least_s = 100 + MACHINE_S + PULL_S + STARTUP_S;
    let ready_s = course.first("web", "ready_replicas", 8.0);
    assert!((least_s..=least_s + SCAN_S).contains(&ready_s), "ready after {ready_s} s");
    let asked_s = course.first("cluster", "starting_nodes", 1.0);
    assert!((100..=100 + SCAN_S).contains(&asked_s), "asked for after {asked_s} s");
    assert_eq!(ready_s - asked_s, MACHINE_S + PULL_S + STARTUP_S);
    let pending = course.level("web", "pending_replicas");
    assert_eq!((pending[99], pending[100], pending[asked_s + MACHINE_S]), (0.0, 4.0, 4.0));
    assert_eq!(pending[asked_s + MACHINE_S + PULL_S], 0.0);
    assert_eq!(course.level("cluster", "starting_nodes").iter().sum::<f64>().round(), MACHINE_S as f64);
}

#[test]
fn replicas_for_which_there_is_room_do_not_wait() {
    let roomy = GENERAL.replace("provisioning", "min_nodes: 2, provisioning");
    let ready_s = |scoring: &str| {
        let course = follow(&prepare(&surge(100, 9_000, &roomy, &format!("{PULL}, scoring: {scoring}")), &[]), 200);
        assert_eq!(course.level("cluster", "ready_nodes"), vec![2.0; 200]);
        course.first("web", "ready_replicas", 8.0)
    };
    // Spread from the beginning, both machines have the image; packed, the second one pulls it.
    assert_eq!(ready_s("LeastAllocated"), 100 + STARTUP_S);
    assert_eq!(ready_s("MostAllocated"), 100 + PULL_S + STARTUP_S);
}

#[test]
fn without_the_controller_replicas_fit_at_once() {
    let text = surge(100, 9_000, GENERAL, PULL);
    let start = text.find("\"cluster\"").expect("the controller");
    let course = follow(&prepare(&format!("{}}})", &text[..start]), &[]), 200);
    assert_eq!(course.first("web", "ready_replicas", 8.0), 100 + STARTUP_S);
}

#[test]
fn the_second_replica_of_a_service_finds_its_image() {
    // Five cores: the fifth replica comes to the machine that is there, the image too.
    let wide = GENERAL.replace("cpu: 4", "cpu: 5");
    let course = follow(&prepare(&surge(100, 9_000, &wide, PULL), &[]), 300);
    assert_eq!(course.first("web", "ready_replicas", 5.0), 100 + STARTUP_S);
}

#[test]
fn a_group_grows_to_its_limit_and_no_further() {
    let course = follow(
        &prepare(
            &model(
                4,
                "",
                "(at: \"100s\", replicas: 40), (at: \"9000s\", replicas: 4)",
                &GENERAL.replace("20,", "3,"),
                "",
            ),
            &[],
        ),
        400,
    );
    let machines = course.level("cluster", "ready_nodes");
    assert!(machines.iter().all(|machines| *machines <= 3.0), "{machines:?}");
    assert_eq!(course.level("web", "ready_replicas")[399], 12.0);
    assert_eq!(course.level("web", "pending_replicas")[399], 28.0);
}

#[test]
fn what_is_written_stands_at_time_zero_on_as_few_machines_as_hold_it() {
    let course = follow(&prepare(&model(9, "", "", GENERAL, PULL), &[]), 5);
    assert_eq!(course.level("web", "ready_replicas"), vec![9.0; 5]);
    assert_eq!(course.level("cluster", "ready_nodes"), vec![3.0; 5]);
    assert_eq!(course.level("cluster", "node_cpu_requested_ratio"), vec![0.75; 5]);
    let course = follow(&prepare(&model(9, "", "", GENERAL, "provisioner: Karpenter"), &[]), 5);
    assert_eq!(course.level("cluster", "ready_nodes"), vec![3.0; 5]);
}

/// Cheap machines that take too long, and dear ones.
const TWO_GROUPS: &str = "\"slow\": NodeGroup(cpu: 4, memory: \"16GiB\", price: \"$0.1/h\", max_nodes: 9, \
                          provisioning: Constant(\"20m\")), \
                          \"fast\": NodeGroup(cpu: 4, memory: \"16GiB\", price: \"$0.2/h\", max_nodes: 9)";

#[test]
fn a_machine_that_does_not_come_is_given_up_and_another_group_asked() {
    let options = "expander: Price, max_node_provision_time: \"5m\"";
    let course = follow(&prepare(&surge(100, 9_000, TWO_GROUPS, options), &[]), 500);
    let ready_s = course.first("web", "ready_replicas", 8.0);
    let least_s = 100 + 300 + STARTUP_S;
    assert!((least_s..=least_s + 2 * SCAN_S).contains(&ready_s), "ready after {ready_s} s");
    assert_eq!(course.level("cluster", "starting_nodes")[499], 0.0);
}

#[test]
fn karpenter_waits_for_a_batch_and_takes_the_cheapest_type_that_holds_it() {
    // The dear ones first, so that the first that fits is not the cheapest.
    let types = "\"large\": NodeGroup(cpu: 16, memory: \"64GiB\", price: \"$0.9/h\", max_nodes: 9),
                 \"medium\": NodeGroup(cpu: 4, memory: \"16GiB\", price: \"$0.19/h\", max_nodes: 9),
                 \"small\": NodeGroup(cpu: 2, memory: \"8GiB\", price: \"$0.1/h\", max_nodes: 9)";
    let at = |replicas: u32| {
        let actions = format!("(at: \"100s\", replicas: {replicas}), (at: \"9000s\", replicas: 4)");
        let options = "provisioner: Karpenter, consolidation: Never";
        let text = model(4, "", &actions, types, options);
        let run = run(&prepare(&text, &[]), 101.0 + HOUR_S);
        // The machine of the first four replicas is a medium one.
        let added = (cost_usd(&run) - 0.19 * (101.0 + HOUR_S) / HOUR_S, run.share("web", "pending_replicas"));
        assert!(added.1 > 0.0, "a batch is waited for");
        (added.0 * 1e6).round() / 1e6
    };
    assert_eq!([at(6), at(8), at(9)], [0.1, 0.19, 0.9]);
    let waiting = |batch: &str| {
        let options = format!("provisioner: Karpenter, {batch}");
        run(&prepare(&surge(100, 9_000, types, &options), &[]), 200.0).share("cluster", "placement_mean_s")
    };
    // Four of eight replicas wait for it.
    assert_eq!([waiting(""), waiting("batch_idle_duration: \"4s\"")], [0.5, 2.0]);
    assert_eq!(waiting("batch_idle_duration: \"40s\""), 5.0);
}

#[test]
fn a_larger_machine_packs_more_and_costs_what_it_costs() {
    let large = GENERAL.replace("cpu: 4", "cpu: 8").replace("0.2", "0.5");
    let [four, eight] = [GENERAL, &large].map(|group| run(&prepare(&model(10, "", "", group, ""), &[]), HOUR_S));
    assert_eq!([four.share("cluster", "ready_nodes"), eight.share("cluster", "ready_nodes")], [3.0, 2.0]);
    let cents = |run| (cost_usd(run) * 100.0 * 1e9).round() / 1e9;
    assert_eq!([cents(&four), cents(&eight)], [60.0, 100.0]);
    assert_eq!(four.share("cluster", "node_cpu_requested_ratio"), 10.0 / 12.0);
}

#[test]
fn machines_are_paid_from_asking_until_they_are_gone() {
    let text = surge(100, 400, GENERAL, "unneeded_time: \"2m\", scale_down_delay_after_add: \"1m\"");
    let compiled = prepare(&text, &[]);
    let course = follow(&compiled, 700);
    let there = |second: usize| {
        course.level("cluster", "ready_nodes")[second] + course.level("cluster", "starting_nodes")[second]
    };
    // The second machine by the course alone: to the second at both ends.
    let second_s = (0..700).filter(|&second| there(second) > 1.0).count() as f64;
    let run = run(&compiled, 700.0);
    let extra_s = machine_s(&run) - 700.0;
    assert!((extra_s - second_s).abs() <= 2.0, "{extra_s} s, seen for {second_s} s");
    let expected = 0.2 * machine_s(&run) / HOUR_S;
    assert!((cost_usd(&run) / expected - 1.0).abs() < 1e-12, "{} of {expected} dollars", cost_usd(&run));
}

#[test]
fn services_share_machines_in_the_order_of_their_requests() {
    let api =
        "\"api\": Service(replicas: 1, cpu: 3, operations: { \"get\": [ Wait(Constant(\"1ms\")) ] }), \"web\": Service";
    let text =
        model(1, "", "", GENERAL, "").replace("\"web\": Service", api).replace("[\"web\"]", "[\"api\", \"web\"]");
    let run = run(&prepare(&text, &[]), 10.0);
    assert_eq!(run.share("cluster", "ready_nodes"), 1.0);
    assert_eq!(run.share("cluster", "node_cpu_requested_ratio"), 1.0);
    assert_eq!((run.share("api", "ready_replicas"), run.share("web", "ready_replicas")), (1.0, 1.0));
}
