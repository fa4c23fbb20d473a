//! Copies that agree by counting: how long a quorum takes, and how often it is there.

use forescale::diagnostic::{Diagnostics, Document};
use forescale::model::{Model, compile, read};
use forescale::random::{Purpose, Seed};

use crate::study::{Measured, REPLICATIONS, Study, latency, model, replicate, units};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(fastest("quorum_2of3", 3, 2, 3.0));
    checks.extend(fastest("quorum_5of9", 9, 5, 1.5));
    checks.extend(availability());
    checks
}

/// A write that needs so many of so many copies.
fn fastest(row: &str, copies: u32, quorum: u32, millions: f64) -> Vec<Check> {
    let mut sheet = Sheet::new(row);
    for (prefix, law) in [("exp", "Exponential(\"1ms\")"), ("lognormal_scv4", "LogNormal(mean: \"1ms\", cv: 2)")] {
        let (copies, quorum) = (copies.to_string(), quorum.to_string());
        let edits = [
            ("nodes.store.copies", copies.as_str()),
            ("nodes.store.write_quorum", quorum.as_str()),
            ("nodes.store.write", law),
        ];
        let study = Study::run(&format!("{row} {prefix}"), &model("quorum", &edits), units(millions, 1.0));
        if prefix == "exp" {
            sheet.exact("exp_mean", study.mean("clients", latency));
        }
        for (name, quantile) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            sheet.exact(&format!("{prefix}_{name}"), study.quantile("clients", latency, quantile));
        }
    }
    sheet.checks
}

/// Copies that fail and come back by themselves, each for itself: how long a quorum of them is there.
fn availability() -> Vec<Check> {
    let mut sheet = Sheet::new("k_of_n_avail");
    for (name, copies, quorum) in [("2of3", 3u32, 2u32), ("3of5", 5, 3)] {
        let samples: Vec<f64> = (0..REPLICATIONS).map(|replication| available(copies, quorum, replication)).collect();
        sheet.exact(name, Measured::mean(&samples));
    }
    sheet.checks
}

/// The share of a long time in which a quorum is there. Copies are up for 99 s and down for 1 s on the average.
fn available(copies: u32, quorum: u32, replication: usize) -> f64 {
    const END_S: f64 = 40_000.0;
    let mut faults = String::new();
    for copy in 0..copies {
        let purpose = Purpose::named(&format!("copy {copy}"));
        let mut stream = Seed::new(7, replication as u64).stream(purpose);
        // It may be down at the beginning: the long run has no first moment.
        let is_down = stream.unit() < 0.01;
        let mut exponential = |mean_s: f64| -mean_s * (1.0 - stream.unit()).ln();
        let mut now_s = if is_down { 0.0 } else { exponential(99.0) };
        while now_s < END_S {
            let down_s = exponential(1.0);
            let number = faults.len();
            faults += &format!(
                "\"fault {number}\": Fault(target: \"store\", at: \"{:.0}ns\", duration: \"{:.0}ns\", what: Lose(replicas: [{copy}])),\n",
                now_s * 1e9,
                down_s.max(1e-9) * 1e9
            );
            now_s += down_s + exponential(99.0);
        }
    }
    let text = format!(
        r#"Architecture(name: "copies that fail", nodes: {{
            "clients": Clients(rate: "1/h", mix: {{ "store.write": 1 }}),
            "store": QuorumStorage(copies: {copies}, zones: 1, write_quorum: {quorum}, read_quorum: 1, repair_delay: "1d",
                read: Exponential("1ms"), write: Exponential("1ms")),
        }}, controllers: {{ {faults} }})"#
    );
    let document = Document::new("availability.ron", text);
    let mut diagnostics = Diagnostics::new();
    let read: Option<Model> = read(&document, &mut diagnostics);
    let model = read.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let compiled = compile(&model, &document, ".".as_ref()).unwrap_or_else(|found| panic!("{found:?}"));
    let shares = replicate(&compiled, "availability", 1, |_, simulation| {
        simulation.run_until((END_S * 1e9) as u64).expect("the run ends");
        let record = simulation.take_record();
        let shares = record.nodes.iter().flat_map(|node| &node.shares);
        let share = shares.into_iter().find(|share| share.name == "write_available_ratio").expect("the share is there");
        share.numerator as f64 / share.denominator as f64
    });
    shares[0]
}
