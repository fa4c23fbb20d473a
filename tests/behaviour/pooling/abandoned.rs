//! Whatever becomes of who holds a connection, it is given back: timeouts, failures, killed replicas.

use super::once;
use crate::run::{Run, architecture};

/// Pages that ask once and begin a transaction that fails at times, is slow at times, and asks another service meanwhile.
fn model(target: &str, links: &str, controllers: &str, web: &str) -> String {
    let text = architecture(
        "",
        &format!(
            r#""clients": Clients(rate: "300/s", mix: {{ "web.page": 1 }}),
               "web": Service(replicas: 4, cpu: 4, workers: 30, startup: Constant("200ms"), {web} operations: {{ "page": [
                   Call("{target}.read"),
                   Transaction(database: "{target}", steps: [
                       Call("{target}.read"),
                       Choose([(0.9, [ Wait(Exponential("2ms")) ]), (0.1, [ Call("slow.answer") ])]),
                       Fail("5%"),
                       Call("{target}.write"),
                   ]),
               ] }}),
               "slow": Service(operations: {{ "answer": [ Wait(Exponential("30ms")) ] }}),
               "pooler": PgBouncer(target: "postgres", pool_mode: Transaction, default_pool_size: 30, max_client_conn: 150,
                   processing: Constant("20us"), query_wait_timeout: "200ms", server_lifetime: "2s", server_idle_timeout: "1s"),
               "postgres": Database(cores: 3, max_connections: 60, connect: Exponential("2ms"), operations: {{
                   "read": Read(cpu: HyperExponential(mean: "1ms", cv: 4)), "write": Write(cpu: Exponential("2ms"), commit: Exponential("1ms")),
               }}),"#
        ),
        links,
    );
    let end = text.rfind(')').expect("the end of the architecture");
    format!("{}, controllers: {{ {controllers} }})", &text[..end])
}

const KILLS: &str = r#""roll": RollingUpdate(target: "web", at: ["3s", "6s", "9s"]),"#;
const LEAKS: &str = r#"memory: Memory(limit: "100MiB", base: "50MiB", leak: "256KiB"),"#;
const SHORT: &str = r#"termination_grace_period: "5ms","#;

/// All ways to a database, each with and without what makes callers give up.
fn links(target: &str) -> Vec<String> {
    let mut found = Vec::new();
    for patience in ["", r#"timeout: "8ms","#, r#"timeout: "8ms", retry: Retry(max_attempts: 3, backoff: "2ms"),"#] {
        for pool in [
            "",
            r#"pool: Pool(max_size: 8, min_idle: 2, connection_timeout: "50ms", idle_timeout: "300ms", max_lifetime: "1s"),"#,
        ] {
            let link = format!(r#""web -> {target}": Link(latency: Exponential("0.5ms"), {patience} {pool})"#);
            let other =
                r#""web -> slow": Link(timeout: "40ms"), "pooler -> postgres": Link(latency: Exponential("0.3ms")),"#;
            found.push(format!("{link}, {other}"));
        }
    }
    found
}

/// Connections that are open at the database, less those that their owners know of.
fn astray(run: &Run, target: &str, link: &str) -> f64 {
    let at_database = run.share("postgres", "open_connections");
    let owned = match target {
        "pooler" => run.share("pooler", "open_connections"),
        _ if link.contains("pool:") => run.share("web -> postgres", "open_connections"),
        _ => return 0.0,
    };
    (at_database - owned).abs()
}

#[test]
fn every_connection_comes_back_from_whoever_is_killed_or_gives_up() {
    for target in ["postgres", "pooler"] {
        for link in links(target) {
            for (controllers, web) in [("", ""), (KILLS, SHORT), ("", LEAKS), (KILLS, LEAKS)] {
                let text = model(target, &link, controllers, web);
                // The audit of each run holds every count against what is there.
                let run = once(&text, &[], 12.0);
                assert!(run.node("clients").counters.completed > 100, "{text}");
                // Some are on their way, or run a query that nobody waits for.
                let astray = astray(&run, target, &link);
                assert!(astray < 3.0, "{astray} connections are nobody's\n{text}");
            }
        }
    }
}

#[test]
fn when_all_is_done_no_connection_is_left() {
    for target in ["postgres", "pooler"] {
        for link in links(target) {
            let text = model(target, &link, KILLS, LEAKS);
            let text = text.replace(
                "rate: \"300/s\"",
                "users: 40, think: Exponential(\"20ms\"), stages: [(duration: \"8s\", target: 40), (duration: \"1ms\", target: 0)]",
            );
            let text = text.replace("min_idle: 2", "min_idle: 0");
            let compiled = crate::run::prepare(&text, &[]);
            let seed = forescale::random::Seed::new(1, 0);
            let mut simulation = compiled.simulation(seed, forescale::engine::simulation::Limits::default());
            let mut open = |until_s: u64| {
                simulation.run_until(until_s * 1_000_000_000).expect("the run reaches its end");
                simulation.audit().expect("the counts obey the laws");
                let record = simulation.take_record();
                let shares = record.nodes.into_iter().flat_map(|node| node.shares);
                let open =
                    shares.filter(|share| share.name == "open_connections" || share.name == "client_connections");
                open.map(|share| share.numerator).collect::<Vec<_>>()
            };
            assert!(open(10).iter().any(|count| *count > 0));
            open(20);
            assert!(open(30).iter().all(|count| *count == 0), "{text}");
        }
    }
}
