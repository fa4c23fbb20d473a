//! Resharding: what moves, how long it takes, what it costs, and what becomes of requests meanwhile.

use crate::knobs::{Knob, all_are_there, documented, every_one_moves, knob, listed};
use crate::run::{Run, prepare, run};

/// Clients of four shards of which there are six from the tenth second on.
fn resharded(placement: &str, reshard: &str) -> String {
    format!(
        r#"Architecture(name: "test", keys: {{ "client": Uniform(count: 20000) }}, nodes: {{
            "clients": Clients(rate: "400/s", mix: {{ "database.read": 1, "database.report": 0 }}),
            "database": Database(cores: 1, max_connections: 1000, price: "$1/h", operations: {{
                "read": Read(cpu: Exponential("2ms")), "report": Read(cpu: Exponential("2ms")),
                "copy_out": Read(cpu: Constant("20ms")), "copy_in": Write(cpu: Constant("30ms")) }}),
        }}, shards: {{ "database": Shards(count: 4, key: "client", placement: {placement}) }},
        controllers: {{ "reshard": Reshard(target: "database", at: "10s", {reshard}) }})"#
    )
}

const GROW: &str = r#"to: 6, data_size: "1GB", bandwidth: "20MB/s", chunk: "1MB", read: "copy_out", write: "copy_in""#;
const SHRINK: &str =
    r#"to: 3, data_size: "1GB", bandwidth: "20MB/s", chunk: "1MB", read: "copy_out", write: "copy_in""#;

fn after(text: &str, seconds: f64) -> Run {
    run(&prepare(text, &[]), seconds)
}

/// When the move was over.
fn over_s(run: &Run) -> f64 {
    let happenings = &run.node("database").happenings;
    let done = happenings.iter().find(|one| one.what == "resharding done");
    done.map_or(f64::INFINITY, |one| one.time_ns as f64 * 1e-9)
}

fn arrivals(run: &Run, shards: usize) -> Vec<f64> {
    (0..shards).map(|shard| run.arrivals(&format!("database/{shard}"))).collect()
}

#[test]
fn until_it_begins_nothing_is_different() {
    let plain = resharded("Jump", GROW);
    let without = plain.replace("at: \"10s\"", "at: \"1h\"");
    let (with, without) = (after(&plain, 10.0 - 1e-6), after(&without, 10.0 - 1e-6));
    for node in ["clients", "database", "database/0", "database/3", "database/5"] {
        assert_eq!(with.digest(node), without.digest(node), "{node}");
    }
    assert_eq!(arrivals(&with, 6)[4..], [0.0, 0.0]);
}

#[test]
fn the_part_that_moves_takes_its_bytes_over_the_bandwidth() {
    // Of 1 GB a third moves to two more shards of six by jump hash: 17 s at 20 MB/s, in whole chunks for each of the pieces.
    let alone = GROW.replace(", read: \"copy_out\", write: \"copy_in\"", "");
    let run = after(&resharded("Jump", &alone), 60.0);
    let took = over_s(&run) - 10.0;
    assert!((16.6..22.0).contains(&took), "{took} s");
    // By modulo, two thirds of the keys go elsewhere: of twelve ids in a row, four have the same remainder by 4 and by 6.
    let modulo = over_s(&after(&resharded("Modulo", &alone), 90.0)) - 10.0;
    assert!((33.3..42.0).contains(&modulo), "{modulo} s");
    // Cores that are too slow for it hold it up: 50 ms for each chunk.
    let slow = over_s(&after(&resharded("Jump", &GROW.replace("20MB/s", "1GB/s")), 90.0)) - 10.0;
    assert!(slow > 0.05 * 333.0, "{slow} s");
}

#[test]
fn afterwards_keys_are_where_the_new_placement_puts_them() {
    for (placement, grows) in [("Jump", true), ("Rendezvous", true), ("Jump", false)] {
        let text = resharded(placement, if grows { GROW } else { SHRINK });
        let (early, late) = (after(&text, 60.0), after(&text, 120.0));
        assert!(over_s(&late) < 60.0);
        let shards = if grows { 6 } else { 4 };
        let gained: Vec<f64> =
            arrivals(&late, shards).iter().zip(arrivals(&early, shards)).map(|(late, early)| late - early).collect();
        let (kept, gone) = gained.split_at(if grows { 6 } else { 3 });
        let mean = 60.0 * 400.0 / kept.len() as f64;
        assert!(kept.iter().all(|count| (count / mean - 1.0).abs() < 0.1), "{placement}: {gained:?}");
        assert!(gone.iter().all(|count| *count == 0.0), "{placement}: {gained:?}");
    }
}

#[test]
fn nobody_is_lost_whatever_is_done_with_those_in_between() {
    for policy in ["while_moving: Ask, redirect: Constant(\"5ms\")", "while_moving: Block", "while_moving: Ask"] {
        let run = after(&resharded("Jump", &format!("{GROW}, {policy}")), 60.0);
        assert_eq!(run.failed_ratio("clients"), 0.0, "{policy}");
        assert!(run.node("database").counters.in_system_ns > 0);
    }
}

#[test]
fn data_that_moves_loads_the_old_shard_and_the_new_one() {
    let plain = after(&resharded("Jump", &GROW.replace(", read: \"copy_out\", write: \"copy_in\"", "")), 40.0);
    let loaded = after(&resharded("Jump", GROW), 40.0);
    let busy = |run: &Run, shard: &str| run.node(shard).counters.busy_ns as f64 * 1e-9;
    // A third of 1 GB in chunks of 1 MB, or somewhat more for pieces that are no whole chunks, each at 20 and 30 ms.
    let out: f64 =
        (0..4).map(|shard| format!("database/{shard}")).map(|shard| busy(&loaded, &shard) - busy(&plain, &shard)).sum();
    let new: f64 =
        (4..6).map(|shard| format!("database/{shard}")).map(|shard| busy(&loaded, &shard) - busy(&plain, &shard)).sum();
    assert!((6.6..9.0).contains(&out), "{out}");
    assert!((10.0..13.0).contains(&new), "{new}");
}

#[test]
fn shards_are_paid_for_while_they_are_there() {
    let dollars_ns = |run: &Run| run.node("database").counters.charged_ns as f64 * 1e-6 * 1e-9;
    let grown = after(&resharded("Jump", GROW), 60.0);
    // Two more, at a dollar an hour, for 50 of 60 seconds.
    assert!((dollars_ns(&grown) - 2.0 * 50.0).abs() < 1e-6, "{}", dollars_ns(&grown));
    assert_eq!((grown.prices("database/3"), grown.prices("database/4")), (1.0, 0.0));
    let shrunk = after(&resharded("Jump", SHRINK), 60.0);
    assert!((dollars_ns(&shrunk) - over_s(&shrunk)).abs() < 1e-3);
    assert_eq!((shrunk.prices("database/2"), shrunk.prices("database/3")), (1.0, 0.0));
}

#[test]
fn scattered_requests_go_to_the_shards_that_hold_data() {
    let text = resharded("Jump", GROW).replace("placement: Jump", "placement: Jump, scatter: [\"report\"]");
    let text =
        text.replace("\"database.read\": 1, \"database.report\": 0", "\"database.read\": 0, \"database.report\": 1");
    let text = text.replace("400/s", "100/s").replace(", read: \"copy_out\", write: \"copy_in\"", "");
    let run = after(&text, 60.0);
    let clients = run.arrivals("clients");
    let visits = arrivals(&run, 6);
    assert!(visits[..4].iter().all(|count| *count == clients), "{visits:?} of {clients}");
    assert!((visits[5] / clients - 50.0 / 60.0).abs() < 0.03, "{visits:?} of {clients}");
}

fn knobs() -> Vec<Knob> {
    let grow = || resharded("Jump", GROW);
    let new_shards: fn(&Run) -> f64 = |run| run.arrivals("database/5");
    let length: fn(&Run) -> f64 = |run| over_s(run);
    let redirects: fn(&Run) -> f64 = |run| run.share("database", "redirected_ratio") + 1e-9;
    vec![
        knob(&["reshard.at"], grow(), &[("controllers.reshard.at", "\"50s\"")], &[], new_shards),
        knob(&["reshard.to"], grow(), &[], &[("controllers.reshard.to", "8")], length),
        knob(&["reshard.data_size"], grow(), &[("controllers.reshard.data_size", "\"200MB\"")], &[], length),
        knob(&["reshard.bandwidth"], grow(), &[], &[("controllers.reshard.bandwidth", "\"10MB/s\"")], length),
        // Each piece is whole chunks, so larger ones round up more.
        knob(
            &["reshard.chunk"],
            resharded("Jump", r#"to: 6, data_size: "1GB", bandwidth: "20MB/s", chunk: "1MB""#),
            &[],
            &[("controllers.reshard.chunk", "\"4MB\"")],
            length,
        ),
        knob(&["reshard.read"], grow(), &[("controllers.reshard.read", "\"read\"")], &[], |run| {
            run.node("database/0").counters.busy_ns as f64
        }),
        knob(&["reshard.write"], grow(), &[("controllers.reshard.write", "\"read\"")], &[], |run| {
            run.node("database/4").counters.busy_ns as f64
        }),
        knob(
            &["reshard.while_moving", "WhileMoving.Ask", "WhileMoving.Block"],
            grow(),
            &[("controllers.reshard.while_moving", "Block")],
            &[("controllers.reshard.while_moving", "Ask")],
            redirects,
        ),
        knob(&["reshard.redirect"], grow(), &[], &[("controllers.reshard.redirect", "Constant(\"10s\")")], |run| {
            run.latency_s("clients")
        }),
    ]
}

#[test]
fn every_parameter_of_resharding_does_something() {
    let mut wanted = documented("src/controllers/reshard.rs", "reshard");
    wanted.retain(|name| name != "reshard.target");
    wanted.extend(listed("src/techniques/parts/placement/movement.rs", "enum WhileMoving"));
    assert!(wanted.len() > 8, "{wanted:?}");
    let knobs = knobs();
    all_are_there(&wanted, &knobs);
    every_one_moves(&knobs, 60.0);
}
