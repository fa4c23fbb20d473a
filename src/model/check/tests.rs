//! One test per rule.

use crate::diagnostic::report::{Style, text};
use crate::diagnostic::{Diagnostics, Document, Level};
use crate::model::read;

use super::toy::{Keys, Link, Nobody, Toy};

const CLIENTS: &str = "\"users\": Clients(rate: 10, calls: [\"web.read\"])";
const WEB: &str = "\"web\": Service(cores: 4, operations: { \"read\": [Compute(0.1)] })";

/// Codes of what is found, and the marked text of each.
fn found(keys: &str, nodes: &[&str], links: &str) -> Vec<(&'static str, String)> {
    let text = format!(
        "Architecture(\n    name: \"toy\",\n    keys: {{ {keys} }},\n    nodes: {{\n{}\n    }},\n    links: {{ {links} }},\n)\n",
        nodes.join(",\n")
    );
    let document = Document::new("toy.ron", text);
    let mut diagnostics = Diagnostics::new();
    let architecture = read::<Toy, Link, Keys, Nobody>(&document, &mut diagnostics);
    assert_eq!(architecture.is_none(), diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error));
    println!("{}", self::text(&diagnostics, Style::default()));
    diagnostics.iter().map(|found| (found.code, found.primary.place.text().to_owned())).collect()
}

fn just(code: &'static str, text: &str) -> Vec<(&'static str, String)> {
    vec![(code, text.to_owned())]
}

#[test]
fn a_right_architecture_gives_no_message() {
    let nodes = [
        "\"users\": Clients(rate: 10, calls: [\"lb.read\"])",
        "\"lb\": LoadBalancer(target: \"web\")",
        "\"web\": Service(cores: 4, operations: { \"read\": [CacheAside(cache: \"redis\", key: \"user\"), Compute(0.1)] })",
        "\"redis\": Cache()",
    ];
    assert_eq!(found("\"user\": Uniform(count: 9)", &nodes, "\"lb -> web\": (latency_s: 0.001)"), []);
}

#[test]
fn mistakes_of_a_node_are_reported() {
    let web = "\"web\": Service(cores: 0, operations: { \"read\": [] })";
    assert_eq!(found("", &[CLIENTS, web], ""), just("invalid-value", "0"));
}

#[test]
fn unknown_nodes_operations_and_kinds() {
    let calls = |name: &str| found("", &[&CLIENTS.replace("web.read", name), WEB], "");
    assert_eq!(calls("wbe.read"), just("unknown-node", "wbe"));
    assert_eq!(calls("web.raed"), just("unknown-operation", "raed"));
    assert_eq!(calls("web"), just("no-operation", "\"web\""));
    assert_eq!(calls("users.read"), just("unknown-operation", "read"));
    let web = "\"web\": Service(cores: 4, operations: { \"read\": [CacheAside(cache: \"users\", key: \"k\")] })";
    assert_eq!(found("\"k\": Uniform(count: 1)", &[CLIENTS, web], ""), just("wrong-kind", "users"));
    let balancer = "\"lb\": LoadBalancer(target: \"users\")";
    assert_eq!(found("", &[CLIENTS, WEB, balancer], "")[0], ("wrong-kind", "users".to_owned()));
}

#[test]
fn balancers_that_target_each_other() {
    let nodes = [CLIENTS, WEB, "\"a\": LoadBalancer(target: \"b\")", "\"b\": LoadBalancer(target: \"a\")"];
    let found = found("", &nodes, "");
    assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), ["target-cycle", "target-cycle"]);
}

#[test]
fn key_spaces() {
    let web = "\"web\": Service(cores: 4, operations: { \"read\": [CacheAside(cache: \"redis\", key: \"usr\")] })";
    let nodes = [CLIENTS, web, "\"redis\": Cache()"];
    assert_eq!(found("\"user\": Uniform(count: 1)", &nodes, ""), just("unknown-key", "usr"));
    assert_eq!(found("", &nodes, ""), just("unknown-key", "usr"));
    assert_eq!(found("\"user\": Uniform(count: 1)", &[CLIENTS, WEB], ""), just("unused-key", "\"user\""));
}

#[test]
fn links() {
    let link = |name: &str| found("", &[CLIENTS, WEB], &format!("\"{name}\": ()"));
    assert_eq!(link("users -> web"), []);
    assert_eq!(link("users - web"), just("invalid-link", "\"users - web\""));
    assert_eq!(link("users -> wbe"), just("unknown-node", "wbe"));
    assert_eq!(link("web -> users"), just("unused-link", "\"web -> users\""));
    let twice = found("", &[CLIENTS, WEB], "\"users -> web\": (), \"users->web\": ()");
    assert_eq!(twice, just("duplicate-name", "\"users->web\""));
}

#[test]
fn reach() {
    assert_eq!(found("", &[WEB], ""), just("no-clients", "\"web\""));
    assert_eq!(found("", &[CLIENTS, WEB, "\"redis\": Cache()"], ""), just("unreachable", "\"redis\""));
}

#[test]
fn circles_of_calls() {
    let circle = |there: &str, back: &str, links: &str| {
        let web = format!("\"web\": Service(cores: 40, operations: {{ \"read\": [{there}] }})");
        let db = format!("\"db\": Service(cores: 40, operations: {{ \"read\": [{back}] }})");
        found("", &[CLIENTS, &web, &db], links)
    };
    let (to_db, to_web) = ("Call(\"db.read\")", "Call(\"web.read\")");
    assert_eq!(circle(to_db, to_web, ""), just("zero-delay-cycle", "\"web\""));
    assert_eq!(circle(&format!("Compute(0.1), {to_db}"), to_web, ""), just("endless-recursion", "\"web\""));
    assert_eq!(circle(to_db, to_web, "\"web -> db\": (latency_s: 0.1)"), just("endless-recursion", "\"web\""));
    assert_eq!(circle("Compute(0.1), Maybe((0.5, \"db.read\"))", to_web, ""), []);
    // Whether it comes to the second call hangs on the first, so this is a doubt rather than a mistake.
    assert_eq!(
        circle("Compute(0.1), Call(\"db.read\"), Call(\"web.read\")", "", ""),
        [("endless-recursion", "\"web\"".to_owned()), ("overloaded-cores", "\"web\"".to_owned())]
    );
}

#[test]
fn retries_in_front_of_retries() {
    let web = "\"web\": Service(cores: 4, operations: { \"read\": [Call(\"db.read\")] })";
    let db = "\"db\": Service(cores: 4, operations: { \"read\": [] })";
    let links =
        |first: u32, second: u32| format!("\"users -> web\": (retries: {first}), \"web -> db\": (retries: {second})");
    assert_eq!(found("", &[CLIENTS, web, db], &links(2, 2)), just("retry-amplification", "\"web -> db\""));
    assert_eq!(found("", &[CLIENTS, web, db], &links(2, 1)), []);
    assert_eq!(found("", &[CLIENTS, web, db], &links(0, 20)), []);
}

#[test]
fn stations_that_cannot_keep_up() {
    let web = |cores: &str| {
        format!("\"web\": Service({cores}, operations: {{ \"read\": [Compute(0.1), Maybe((0.5, \"web.read\"))] }})")
    };
    // Each of 10 requests per second visits twice on average and computes 0.1 s each time: 2 cores.
    assert_eq!(found("", &[CLIENTS, &web("cores: 2.1")], ""), []);
    assert_eq!(found("", &[CLIENTS, &web("cores: 1.9")], ""), just("overloaded-cores", "\"web\""));
    assert_eq!(found("", &[CLIENTS, &web("cores: 8, workers: 1")], ""), just("overloaded-workers", "\"web\""));
}

#[test]
fn workers_that_wait_for_others() {
    let nodes = |workers: u32, call: &str, links: &str| {
        let web = format!("\"web\": Service(cores: 4, workers: {workers}, operations: {{ \"read\": [{call}] }})");
        let db = "\"db\": Service(cores: 9, operations: { \"read\": [Compute(0.3)] })";
        found("", &[CLIENTS, &web, "\"lb\": LoadBalancer(target: \"db\")", db], links)
    };
    // 10 requests per second wait for 0.3 s each, and for the link besides.
    assert_eq!(nodes(4, "Call(\"lb.read\")", ""), []);
    assert_eq!(nodes(3, "Call(\"lb.read\")", ""), just("overloaded-workers", "\"web\""));
    assert_eq!(nodes(4, "Call(\"lb.read\")", "\"web -> lb\": (latency_s: 0.1)"), just("overloaded-workers", "\"web\""));
    assert_eq!(nodes(3, "Call(\"lb.read\")", "\"web -> lb\": (gives_up: true)"), []);
    assert_eq!(nodes(2, "Maybe((0.5, \"lb.read\"))", ""), []);
}

#[test]
fn caches_and_wires_that_cannot_keep_up() {
    let web = "\"web\": Service(cores: 4, operations: { \"read\": [CacheAside(cache: \"redis.1\", key: \"user\")] })";
    let nodes = |command_s: f64, links: &str| {
        let cache = format!("\"redis.1\": Cache(command_s: {command_s:?})");
        found("\"user\": Uniform(count: 1)", &[CLIENTS, web, &cache], links)
    };
    assert_eq!(nodes(0.09, ""), []);
    assert_eq!(nodes(0.1, ""), just("overloaded-cores", "\"redis.1\""));
    for link in ["users -> web", "web -> redis.1"] {
        assert_eq!(nodes(0.0, &format!("\"{link}\": (wire_s: 0.09)")), []);
        assert_eq!(nodes(0.0, &format!("\"{link}\": (wire_s: 0.1)")), just("overloaded-link", &format!("\"{link}\"")));
    }
}

#[test]
fn connections_that_do_not_fit() {
    let nodes = |workers: &str| {
        let web = format!("\"web\": Service(cores: 4, {workers} operations: {{ \"read\": [Call(\"lb.read\")] }})");
        let db = "\"db\": Service(cores: 4, connections: 100, operations: { \"read\": [] })";
        found("", &[CLIENTS, &web, "\"lb\": LoadBalancer(target: \"db\")", db], "")
    };
    assert_eq!(nodes("workers: 100,"), []);
    assert_eq!(nodes("workers: 101,"), just("too-few-connections", "\"db\""));
    assert_eq!(nodes(""), just("too-few-connections", "\"db\""));
}

#[test]
fn what_cannot_be_read_is_not_complained_about_twice() {
    let web = "\"web\": Service(cores: \"four\", operations: { \"read\": [] })";
    let db = "\"db\": Service(coers: 4, operations: { \"read\": [Call(\"web.read\"), Call(\"wbe.read\")] })";
    let codes: Vec<_> = found("", &[CLIENTS, web, db], "").into_iter().map(|found| found.0).collect();
    assert_eq!(codes, ["wrong-type", "unknown-field"]);
}
