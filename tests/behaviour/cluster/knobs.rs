//! Every parameter and variant of the controller moves a number.

use super::{GENERAL, PULL, cost_usd, model, surge};
use crate::knobs::{Knob, all_are_there, documented, every_one_moves, knob, listed};
use crate::run::Run;

const SECONDS: f64 = 1_200.0;

/// Larger machines than the general ones.
const LARGE: &str = "\"large\": NodeGroup(cpu: 16, memory: \"64GiB\", price: \"$0.9/h\", max_nodes: 20)";

fn ready_nodes(run: &Run) -> f64 {
    run.share("cluster", "ready_nodes")
}

fn waiting_s(run: &Run) -> f64 {
    run.share("cluster", "placement_mean_s")
}

fn pending(run: &Run) -> f64 {
    run.share("web", "pending_replicas")
}

/// A surge whose machines go soon after it.
fn short_surge(options: &str) -> String {
    surge(100, 400, GENERAL, &format!("{PULL}, {options}"))
}

/// Eight replicas on two machines, of which five are ended.
fn scattered() -> String {
    let groups = GENERAL.replace("cpu: 4", "cpu: 8").replace("provisioning", "max_pods: 5, provisioning");
    model(8, "", "(at: \"100s\", replicas: 3), (at: \"9000s\", replicas: 8)", &groups, "unneeded_time: \"30s\"")
}

/// Replicas that stand there from the beginning, on general machines or others.
fn standing(replicas: u32, service: &str, others: &str) -> String {
    model(replicas, service, "", &format!("{GENERAL}, {others}"), "")
}

macro_rules! option {
    ($name:literal, $value:expr) => {
        &[(concat!("controllers.cluster.", $name), $value)]
    };
}

macro_rules! of_group {
    ($name:literal, $value:expr) => {
        &[(concat!("controllers.cluster.node_groups.general.", $name), $value)]
    };
}

fn scheduling() -> Vec<Knob> {
    let api = r#""api": Service(replicas: 2, operations: { "get": [ Wait(Constant("1ms")) ] }), "users":"#;
    let spread = GENERAL.replace("provisioning", "min_nodes: 3, provisioning");
    let one_more = model(1, "", "(at: \"100s\", replicas: 8), (at: \"9000s\", replicas: 1)", &spread, PULL);
    vec![
        knob(
            &["cluster.targets"],
            standing(2, "", "").replace("\"users\":", api),
            &[],
            option!("targets", "[\"web\", \"api\"]"),
            |run| run.share("cluster", "node_cpu_requested_ratio"),
        ),
        knob(
            &["cluster.scoring", "Scoring.LeastAllocated", "Scoring.MostAllocated"],
            one_more,
            option!("scoring", "MostAllocated"),
            option!("scoring", "LeastAllocated"),
            waiting_s,
        ),
        knob(&["cluster.image_pull"], short_surge(""), &[], option!("image_pull", "Constant(\"1m\")"), waiting_s),
    ]
}

fn growing() -> Vec<Knob> {
    let two = "\"slow\": NodeGroup(cpu: 4, memory: \"16GiB\", max_nodes: 9, provisioning: Constant(\"1h\"))";
    let given_up = surge(100, 9_000, &format!("{GENERAL}, {two}"), "expander: Price");
    let dear = ["a", "b", "c", "d", "e"]
        .map(|name| format!("\"{name}\": NodeGroup(cpu: 4, memory: \"16GiB\", price: \"$2/h\", max_nodes: 9)"));
    let cheap_or_dear = standing(4, "", &dear.join(", "));
    vec![
        knob(
            &["cluster.node_groups"],
            standing(4, "", ""),
            &[],
            option!(
                "node_groups",
                "{ \"other\": NodeGroup(cpu: 4, memory: \"16GiB\", price: \"$0.3/h\", max_nodes: 9) }"
            ),
            cost_usd,
        ),
        knob(
            &["cluster.provisioner", "Provisioner.Karpenter", "Provisioner.ClusterAutoscaler"],
            short_surge("scan_interval: \"30s\""),
            option!("provisioner", "Karpenter"),
            option!("provisioner", "ClusterAutoscaler"),
            waiting_s,
        ),
        knob(
            &["cluster.expander", "Expander.Priority", "NodeGroup.priority"],
            standing(8, "", &LARGE.replace("max_nodes", "priority: 1, max_nodes")),
            &[],
            option!("expander", "Priority"),
            cost_usd,
        ),
        knob(
            &["Expander.Price", "Expander.LeastWaste"],
            standing(8, "", &LARGE.replace("0.9", "0.1")),
            option!("expander", "Price"),
            option!("expander", "LeastWaste"),
            cost_usd,
        ),
        knob(
            &["Expander.MostPods"],
            standing(8, "", LARGE).replace("max_nodes: 20, provisioning", "max_nodes: 1, provisioning"),
            option!("expander", "MostPods"),
            option!("expander", "LeastWaste"),
            cost_usd,
        ),
        knob(
            &["Expander.Random"],
            cheap_or_dear,
            option!("expander", "Price"),
            option!("expander", "Random"),
            cost_usd,
        ),
        knob(&["cluster.scan_interval"], short_surge(""), &[], option!("scan_interval", "\"90s\""), waiting_s),
        knob(
            &["cluster.max_node_provision_time"],
            given_up,
            option!("max_node_provision_time", "\"2m\""),
            option!("max_node_provision_time", "\"8m\""),
            waiting_s,
        ),
        knob(
            &["cluster.batch_idle_duration"],
            short_surge("provisioner: Karpenter"),
            &[],
            option!("batch_idle_duration", "\"9s\""),
            waiting_s,
        ),
        knob(
            &["cluster.batch_max_duration"],
            short_surge("provisioner: Karpenter, batch_idle_duration: \"30s\""),
            &[],
            option!("batch_max_duration", "\"30s\""),
            waiting_s,
        ),
    ]
}

fn shrinking() -> Vec<Knob> {
    let soon = || short_surge("unneeded_time: \"30s\", scale_down_delay_after_add: \"1m\"");
    vec![
        knob(
            &["cluster.consolidation", "Consolidation.Never"],
            soon(),
            option!("consolidation", "WhenEmpty"),
            option!("consolidation", "Never"),
            ready_nodes,
        ),
        knob(
            &["Consolidation.WhenEmpty", "Consolidation.WhenUnderutilized"],
            scattered(),
            option!("consolidation", "WhenUnderutilized"),
            option!("consolidation", "WhenEmpty"),
            ready_nodes,
        ),
        knob(
            &["cluster.utilization_threshold"],
            scattered(),
            &[],
            option!("utilization_threshold", "\"10%\""),
            ready_nodes,
        ),
        knob(&["cluster.unneeded_time"], soon(), &[], option!("unneeded_time", "\"5m\""), ready_nodes),
        knob(
            &["cluster.scale_down_delay_after_add"],
            soon(),
            &[],
            option!("scale_down_delay_after_add", "\"15m\""),
            ready_nodes,
        ),
    ]
}

fn groups() -> Vec<Knob> {
    let heavy = "memory: Memory(limit: \"4GiB\", base: \"1MiB\", per_request: \"1MiB\"),";
    let lost = |notice: &str| {
        let spot = format!("spot: Spot(interruptions: \"20/h\", notice: \"{notice}\"), provisioning");
        let text = model(4, "termination_grace_period: \"90s\",", "", &GENERAL.replace("provisioning", &spot), "");
        text.replace("Compute(Constant(\"10ms\"))", "Wait(Constant(\"60s\"))")
    };
    let killed = |run: &Run| 1.0 + run.share("web", "killed_requests_per_hour");
    vec![
        knob(&["NodeGroup.cpu"], standing(8, "", ""), of_group!("cpu", "8"), &[], ready_nodes),
        knob(&["NodeGroup.memory"], standing(8, heavy, ""), &[], of_group!("memory", "\"8GiB\""), ready_nodes),
        knob(&["NodeGroup.price"], standing(8, "", ""), &[], of_group!("price", "\"$0.4/h\""), cost_usd),
        knob(&["NodeGroup.min_nodes"], standing(8, "", ""), &[], of_group!("min_nodes", "3"), ready_nodes),
        knob(&["NodeGroup.max_nodes"], short_surge(""), &[], of_group!("max_nodes", "1"), pending),
        knob(&["NodeGroup.provisioning"], short_surge(""), &[], of_group!("provisioning", "Constant(\"3m\")"), pending),
        knob(&["NodeGroup.system_cpu"], standing(8, "", ""), &[], of_group!("system_cpu", "0.2"), ready_nodes),
        knob(
            &["NodeGroup.system_memory"],
            standing(8, heavy, ""),
            &[],
            of_group!("system_memory", "\"1GiB\""),
            ready_nodes,
        ),
        knob(&["NodeGroup.max_pods"], standing(8, "", ""), &[], of_group!("max_pods", "2"), ready_nodes),
        knob(
            &["NodeGroup.spot", "Spot.interruptions"],
            standing(4, "", ""),
            of_group!("spot", "Spot(interruptions: \"0.001/h\")"),
            of_group!("spot", "Spot(interruptions: \"20/h\")"),
            |run| 1.0 + run.share("cluster", "spot_interruptions_per_hour"),
        ),
        knob(&["Spot.notice"], lost("2m"), &[], of_group!("spot.notice", "\"1s\""), killed),
    ]
}

fn all() -> Vec<Knob> {
    [scheduling(), growing(), shrinking(), groups()].into_iter().flatten().collect()
}

#[test]
fn every_parameter_and_variant_of_clusters_has_a_knob() {
    let mut wanted = documented("src/controllers/cluster/mod.rs", "cluster");
    for (file, item) in [
        ("group", "struct NodeGroup"),
        ("group", "struct Spot"),
        ("written", "enum Provisioner"),
        ("written", "enum Consolidation"),
        ("expander", "enum Expander"),
        ("scheduler", "enum Scoring"),
    ] {
        let found = listed(&format!("src/controllers/cluster/{file}.rs"), item);
        assert!(found.len() > 1, "{item}: the variants are found");
        wanted.extend(found);
    }
    assert!(wanted.len() > 30, "{wanted:?}");
    let fields = listed("src/controllers/cluster/written.rs", "struct ClusterAutoscaler");
    let fields: Vec<String> = fields.iter().map(|name| name.replace("ClusterAutoscaler.", "cluster.")).collect();
    assert_eq!(documented("src/controllers/cluster/mod.rs", "cluster"), fields, "the table is that of the fields");
    all_are_there(&wanted, &all());
}

#[test]
fn every_knob_of_clusters_moves_its_number() {
    every_one_moves(&all(), SECONDS);
}
