//! When machines go, and what becomes of the replicas on them.

use super::{Course, GENERAL, HOUR_S, PULL, SCAN_S, cost_usd, follow, model, surge};
use crate::run::{prepare, run};

/// The second after which there is one machine again, in a surge that is over after 400 s.
fn gone_s(options: &str) -> usize {
    let course = follow(&prepare(&surge(100, 400, GENERAL, options), &[]), 700);
    let machines = course.level("cluster", "ready_nodes");
    400 + machines[400..].iter().position(|machines| *machines == 1.0).expect("one machine goes")
}

#[test]
fn machines_that_are_not_needed_go_after_their_time() {
    let unneeded = gone_s("unneeded_time: \"2m\", scale_down_delay_after_add: \"1m\"");
    assert!((520..=520 + 2 * SCAN_S).contains(&unneeded), "gone after {unneeded} s");
    let delayed = gone_s("unneeded_time: \"2m\", scale_down_delay_after_add: \"8m\"");
    assert!((580..=580 + 2 * SCAN_S).contains(&delayed), "gone after {delayed} s");
    let karpenter = gone_s("provisioner: Karpenter");
    assert!((400..=400 + SCAN_S).contains(&karpenter), "gone after {karpenter} s");
    let machines = scattered("provisioner: Karpenter, unneeded_time: \"1m\"").level("cluster", "ready_nodes");
    let later = machines.iter().position(|machines| *machines == 1.0).expect("one machine goes");
    assert!((160..=160 + SCAN_S).contains(&later), "gone after {later} s");
    let never = "unneeded_time: \"2m\", scale_down_delay_after_add: \"1m\", consolidation: Never";
    let never = follow(&prepare(&surge(100, 400, GENERAL, never), &[]), 700);
    assert_eq!(never.level("cluster", "ready_nodes")[699], 2.0);
}

/// Eight replicas on two machines, of which five are ended, so that both machines keep some.
fn scattered(options: &str) -> Course {
    let groups = GENERAL.replace("cpu: 4", "cpu: 8").replace("provisioning", "max_pods: 5, provisioning");
    let actions = "(at: \"100s\", replicas: 3), (at: \"9000s\", replicas: 8)";
    follow(&prepare(&model(8, "", actions, &groups, options), &[]), 400)
}

fn evictions(course: &Course) -> f64 {
    course.level("web", "evictions_per_hour").iter().sum::<f64>() / HOUR_S
}

#[test]
fn replicas_are_moved_off_machines_that_are_used_little() {
    let course = scattered("unneeded_time: \"1m\"");
    assert_eq!(course.level("cluster", "ready_nodes")[399], 1.0);
    // The first machine has two of the three.
    assert_eq!(evictions(&course).round(), 2.0);
    assert_eq!(course.level("web", "ready_replicas")[399], 3.0);
    // Karpenter moves the fewest.
    let course = scattered("provisioner: Karpenter");
    assert_eq!((course.level("cluster", "ready_nodes")[399], evictions(&course).round()), (1.0, 1.0));
    for stays in
        ["unneeded_time: \"1m\", consolidation: WhenEmpty", "unneeded_time: \"1m\", utilization_threshold: \"10%\""]
    {
        let course = scattered(stays);
        assert_eq!((course.level("cluster", "ready_nodes")[399], evictions(&course)), (2.0, 0.0), "{stays}");
    }
}

#[test]
fn a_group_keeps_its_minimum() {
    let groups = GENERAL.replace("provisioning", "min_nodes: 2, provisioning");
    let course = follow(&prepare(&model(2, "", "", &groups, "unneeded_time: \"10s\""), &[]), 200);
    assert_eq!(course.level("cluster", "ready_nodes"), vec![2.0; 200]);
}

#[test]
fn karpenter_replaces_a_machine_by_a_cheaper_one_that_comes_first() {
    let types = "\"small\": NodeGroup(cpu: 2, memory: \"8GiB\", price: \"$0.1/h\", max_nodes: 9, provisioning: Constant(\"60s\")),
                 \"large\": NodeGroup(cpu: 8, memory: \"32GiB\", price: \"$0.4/h\", max_nodes: 9)";
    let actions = "(at: \"100s\", replicas: 2), (at: \"9000s\", replicas: 8)";
    let course = follow(&prepare(&model(8, "", actions, types, "provisioner: Karpenter"), &[]), 400);
    let machines = course.level("cluster", "ready_nodes");
    let cpu = course.level("cluster", "node_cpu_requested_ratio");
    assert_eq!((machines[399], cpu[99], cpu[150], cpu[399]), (1.0, 1.0, 0.25, 1.0));
    assert!(machines.iter().all(|machines| *machines >= 1.0), "the new one is there before the old one goes");
    assert_eq!(evictions(&course).round(), 2.0);
}

/// Four replicas on a machine that is taken back every quarter of an hour, on average. Requests take a minute.
fn interrupted(notice: &str) -> crate::run::Run {
    let groups = GENERAL
        .replace("provisioning", &format!("spot: Spot(interruptions: \"4/h\", notice: \"{notice}\"), provisioning"));
    let text = model(4, "termination_grace_period: \"90s\",", "", &groups, PULL);
    run(&prepare(&text.replace("Compute(Constant(\"10ms\"))", "Wait(Constant(\"60s\"))"), &[]), 10.0 * HOUR_S)
}

#[test]
fn an_interruption_kills_what_has_not_ended_and_replicas_come_back_elsewhere() {
    let [short, long] = ["5s", "2m"].map(interrupted);
    let per_hour = short.share("cluster", "spot_interruptions_per_hour");
    assert!((2.0..6.0).contains(&per_hour), "{per_hour} interruptions per hour");
    assert_eq!(per_hour, long.share("cluster", "spot_interruptions_per_hour"));
    // Requests in progress are lost if the notice is shorter than they take, and only then.
    assert!(short.share("web", "killed_requests_per_hour") > 50.0 * per_hour);
    assert_eq!(long.share("web", "killed_requests_per_hour"), 0.0);
    assert!(short.failed_ratio("users") > long.failed_ratio("users"));
    // Each time they wait for a scan, a minute for a machine, the image, and to start.
    for run in [&short, &long] {
        let ready = run.share("web", "ready_replicas");
        let expected = 4.0 * (1.0 - per_hour * 95.0 / HOUR_S);
        assert!((ready - expected).abs() < 0.1, "{ready} ready, {expected} expected");
        // All four each time, but for those that were not back when the next machine was taken.
        let evictions = run.share("web", "evictions_per_hour") / per_hour;
        assert!((3.0..=4.0).contains(&evictions), "{evictions} evictions per interruption");
        // Each is an event that charts show.
        let events = run.node("cluster").happenings.iter().filter(|one| one.what == "spot interruption").count();
        assert_eq!(events as f64, (per_hour * 10.0).round());
    }
    let (ready, starting) = (short.share("cluster", "ready_nodes"), short.share("cluster", "starting_nodes"));
    assert!((cost_usd(&short) / (0.2 * 10.0 * (ready + starting)) - 1.0).abs() < 1e-9);
}

/// A replica of eight cores for which there is one machine, and it is taken: the small ones that stand idle go all the same.
#[test]
fn a_replica_that_fits_nowhere_keeps_no_machine() {
    let nodes = |big: u32| {
        format!(
            "Architecture(name: \"test\", nodes: {{
                \"others\": Clients(rate: \"1/s\", mix: {{ \"big.get\": 1 }}),
                \"big\": Service(cpu: 8, operations: {{ \"get\": [ Compute(Constant(\"10ms\")) ] }}),
                \"users\": Clients(rate: \"10/s\", mix: {{ \"web.get\": 1 }}),
                \"web\": Service(replicas: 8, operations: {{ \"get\": [ Compute(Constant(\"10ms\")) ] }}),
            }}, controllers: {{
                \"clock\": Scheduled(target: \"web\", actions: [ (at: \"10m\", replicas: 1), (at: \"23h\", replicas: 8) ]),
                \"more\": Scheduled(target: \"big\", actions: [ (at: \"5m\", replicas: {big}), (at: \"23h\", replicas: 1) ]),
                \"cluster\": ClusterAutoscaler(targets: [\"web\", \"big\"], node_groups: {{
                    \"small\": NodeGroup(cpu: 1, memory: \"4GiB\", max_nodes: 20),
                    \"large\": NodeGroup(cpu: 8, memory: \"32GiB\", max_nodes: 1),
                }}),
            }})"
        )
    };
    let ready = |big| run(&prepare(&nodes(big), &[]), 5.0 * HOUR_S).share("cluster", "ready_nodes");
    let (fits, fits_not) = (ready(1), ready(2));
    assert!(
        (fits - fits_not).abs() < 0.2 && fits < 4.0,
        "{fits} machines, {fits_not} with a replica that fits nowhere"
    );
}
