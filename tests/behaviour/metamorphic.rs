//! Relations between runs that must hold whatever the right numbers are. Draws are keyed to requests, so where two models
//! mean the same, their runs agree to the last count.

use crate::determinism::SHOP;
use crate::run::{Run, architecture, prepare, run, run_replication};

const CLIENTS: &str = r#""clients": Clients(rate: "800/s", mix: { "server.request": 1 }),"#;
const SERVER: &str = r#""server": Service(workers: 1, operations: { "request": [ Compute(Exponential("1ms")) ] }),"#;

fn plain() -> String {
    architecture("", &format!("{CLIENTS}{SERVER}"), "")
}

fn runs(text: &str) -> Run {
    run(&prepare(text, &[]), 10.0)
}

fn assert_same(one: &Run, other: &Run, nodes: &[&str]) {
    for node in nodes {
        assert!(one.digest(node) == other.digest(node), "the records of {node} differ");
    }
}

#[test]
fn a_thousand_times_slower_is_the_same_picture() {
    let fast = run(&prepare(SHOP, &[]), 2.0);
    // Every time in the text times 1000, every rate by 1000; and then times 3600 again.
    let slow_text =
        SHOP.replace("ms\"", "MS\"").replace("\"5s\"", "\"5000s\"").replace("400/s", "0.4/s").replace("MS\"", "s\"");
    let slow = run(&prepare(&slow_text, &[]), 2000.0);
    let slower = run(&prepare(&slow_text.replace("s\",", "h\",").replace("s\")", "h\")"), &[]), 2000.0 * 3600.0);
    for node in ["visitors", "members", "web", "database", "mail", "sender", "cache"] {
        let [fast, slow, slower] = [&fast, &slow, &slower].map(|run| &run.node(node).counters);
        for other in [slow, slower] {
            assert_eq!(
                (fast.arrivals, fast.completed, fast.failed),
                (other.arrivals, other.completed, other.failed),
                "{node}"
            );
        }
        // Between seconds and hours, rounding to nanoseconds is too small to be seen or to change who comes first.
        let ratio = slower.in_system_ns as f64 / slow.in_system_ns as f64;
        assert!((ratio / 3600.0 - 1.0).abs() < 1e-4, "{node}: {ratio}");
        let ratio = slow.in_system_ns as f64 / fast.in_system_ns as f64;
        assert!((ratio / 1000.0 - 1.0).abs() < 1e-3, "{node}: {ratio}");
    }
    let ratio = slow.latency_quantile_s("visitors", 0.99) / fast.latency_quantile_s("visitors", 0.99);
    assert!((ratio / 1000.0 - 1.0).abs() < 0.01, "{ratio}");
}

#[test]
fn one_replica_behind_a_balancer_is_no_balancer() {
    let balanced = architecture(
        "",
        &format!(
            "{}{SERVER}\"balancer\": LoadBalancer(target: \"server\", policy: LeastOutstanding),",
            CLIENTS.replace("server.request", "balancer.request")
        ),
        "",
    );
    assert_same(&runs(&plain()), &runs(&balanced), &["clients", "server"]);
}

#[test]
fn a_call_draws_the_same_with_a_balancer_in_between() {
    let direct = architecture(
        "",
        r#""clients": Clients(rate: "500/s", mix: { "web.request": 1 }),
           "web": Service(operations: { "request": [ Call("database.read") ] }),
           "database": Service(workers: 1, operations: { "read": [ Compute(Exponential("1ms")) ] }),"#,
        "",
    );
    let balanced = direct
        .replace("Call(\"database.read\")", "Call(\"balancer.read\")")
        .replace("\"database\":", "\"balancer\": LoadBalancer(target: \"database\", policy: Random), \"database\":");
    assert_same(&runs(&direct), &runs(&balanced), &["clients", "web", "database"]);
}

#[test]
fn a_node_that_is_not_used_changes_nothing() {
    let idle = r#""aside": Service(operations: { "request": [ Compute(Exponential("1ms")) ] }),"#;
    let with_idle = architecture("", &format!("{idle}{CLIENTS}{SERVER}"), "");
    assert_same(&runs(&plain()), &runs(&with_idle), &["clients", "server"]);
}

#[test]
fn others_change_nothing_whatever_their_names() {
    let other = r#""others": Clients(rate: "300/s", mix: { "aside.request": 1 }),
        "aside": Service(workers: 1, operations: { "request": [ Compute(Exponential("1ms")) ] }),"#;
    let with_others = architecture("", &format!("{other}{CLIENTS}{SERVER}"), "");
    let renamed = with_others.replace("aside", "elsewhere");
    let (with_others, renamed) = (runs(&with_others), runs(&renamed));
    assert_same(&runs(&plain()), &with_others, &["clients", "server"]);
    assert_same(&with_others, &renamed, &["clients", "server"]);
    // What is renamed draws afresh, but its arrivals belong to its clients.
    assert_eq!(with_others.arrivals("aside"), renamed.arrivals("elsewhere"));
}

#[test]
fn the_order_of_nodes_in_the_file_changes_nothing() {
    let turned = architecture("", &format!("{SERVER}{CLIENTS}"), "");
    assert_same(&runs(&plain()), &runs(&turned), &["clients", "server"]);
    let start = SHOP.find("\"cache\": Cache").expect("the cache");
    let end = SHOP.find("\"database\": Database").expect("the database");
    let cache = &SHOP[start..end];
    let turned = SHOP.replace(cache, "").replace("\"visitors\": Clients", &format!("{cache}\"visitors\": Clients"));
    let (one, other) = (runs(SHOP), runs(&turned));
    assert_same(&one, &other, &["visitors", "members", "balancer", "web", "cache", "database", "mail", "sender"]);
}

#[test]
fn a_cache_that_always_hits_leaves_nothing_behind_it() {
    let cached = architecture(
        "\"thing\": Uniform(count: 1)",
        r#""clients": Clients(rate: "800/s", mix: { "web.read": 1 }),
           "web": Service(operations: { "read": [
               CacheAside(cache: "cache", key: "thing", miss: [ Call("origin.read") ]) ] }),
           "cache": Cache(entries: 1),
           "origin": Service(operations: { "read": [ Compute(Constant("1us")) ] }),"#,
        "",
    );
    let run = runs(&cached);
    assert!(run.arrivals("cache") > 7000.0);
    assert!(run.arrivals("origin") <= 2.0, "only the first request, and who meets it, may miss");
}

#[test]
fn a_timeout_that_never_comes_and_a_single_attempt_are_no_policy() {
    let linked =
        |link: &str| architecture("", &format!("{CLIENTS}{SERVER}"), &format!("\"clients -> server\": {link},"));
    let bare = runs(&plain());
    for link in [
        "Link()",
        "Link(timeout: \"1000d\")",
        "Link(retry: (max_attempts: 1, backoff: \"1ms\", jitter: Full))",
        "Link(timeout: \"1000d\", retry: (max_attempts: 5, backoff: \"1ms\"))",
        "Link(latency: Constant(\"0s\"))",
    ] {
        let linked = runs(&linked(link));
        assert_same(&bare, &linked, &["clients", "server"]);
        assert_eq!(linked.share("clients -> server", "attempts_per_call"), 1.0, "{link}");
    }
}

#[test]
fn more_capacity_never_raises_the_mean_wait() {
    for scheduling in ["ProcessorSharing", "RunToCompletion"] {
        for replication in 0..5 {
            let mut before = f64::INFINITY;
            for servers in ["2", "3", "4", "6"] {
                let edits = [
                    ("nodes.clients.rate", "\"1700/s\""),
                    ("nodes.server.cpu", servers),
                    ("nodes.server.workers", servers),
                    ("nodes.server.scheduling", scheduling),
                ];
                let wait_s = run_replication(&prepare(&plain(), &edits), 5.0, replication).wait_s("server");
                assert!(wait_s <= before, "{servers} servers: {wait_s} after {before}");
                before = wait_s;
            }
        }
    }
}

#[test]
fn last_come_first_served_has_the_same_mean_and_a_longer_tail() {
    let first = run(&prepare(&plain(), &[]), 400.0);
    let last = run(&prepare(&plain(), &[("nodes.server.discipline", "LastComeFirstServed")]), 400.0);
    let ratio = last.latency_s("clients") / first.latency_s("clients");
    // Both means have standard errors of about 1.2% here, from the same arrivals.
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    assert!(last.latency_quantile_s("clients", 0.99) > 1.5 * first.latency_quantile_s("clients", 0.99));
    assert!(last.latency_quantile_s("clients", 0.5) < first.latency_quantile_s("clients", 0.5));
}

#[test]
fn splitting_a_workload_in_two_changes_no_mean() {
    let split = architecture(
        "",
        &format!(
            "{}{}{SERVER}",
            CLIENTS.replace("800/s", "500/s"),
            CLIENTS.replace("800/s", "300/s").replace("clients", "more")
        ),
        "",
    );
    let (whole, split) = (run(&prepare(&plain(), &[]), 400.0), run(&prepare(&split, &[]), 400.0));
    let ratio = split.wait_s("server") / whole.wait_s("server");
    assert!((ratio - 1.0).abs() < 0.08, "{ratio}");
}
