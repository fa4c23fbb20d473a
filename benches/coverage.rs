//! How often the pipeline's 95% intervals cover the truth, over many seeds.
//!
//! ```text
//! cargo bench --bench coverage -- [--seeds N] [--only CASE]
//! ```
//!
//! The truth is that of `tests/data/theory/closed_forms.json`. Every seed runs the whole pipeline: settling, doubling,
//! refusal.

use std::path::Path;

use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::pipeline::{Settings, study};
use forescale::experiment::study::Interval;
use forescale::model::{Compiled, Edit, Model, compile, patch, read};
use rayon::prelude::*;

/// The unit of time of the closed forms, as the models have it.
const UNIT_S: f64 = 1e-3;

/// A queue whose answers are known.
struct Case {
    name: &'static str,
    /// A model of `models/theory`, and what is changed in it.
    model: &'static str,
    edits: &'static [&'static str],
    /// The row of closed forms that holds `W` and, for most, `T_p99`.
    row: &'static str,
}

const CASES: &[Case] = &[
    Case { name: "M/M/1 at 0.5", model: "m_m_1", edits: &["nodes.clients.rate=\"500/s\""], row: "mm1_0.5" },
    Case { name: "M/M/1 at 0.8", model: "m_m_1", edits: &["nodes.clients.rate=\"800/s\""], row: "mm1_0.8" },
    Case { name: "M/M/1 at 0.9", model: "m_m_1", edits: &["nodes.clients.rate=\"900/s\""], row: "mm1_0.9" },
    Case {
        name: "M/D/1 at 0.8",
        model: "m_g_1",
        edits: &["nodes.server.operations.request=[Compute(Constant(\"1ms\"))]"],
        row: "md1_0.8",
    },
    Case { name: "M/M/4 at 0.8", model: "m_m_c", edits: &[], row: "mmc_4_3.2" },
    Case { name: "E2/M/1 at 0.5", model: "gi_m_1", edits: &[], row: "gim1_E2_0.5" },
    Case { name: "tandem at 0.8, 0.64, 0.4", model: "tandem", edits: &[], row: "tandem_3" },
    Case { name: "M/G/1 at 0.8, lognormal", model: "m_g_1", edits: &[], row: "mg1_lognormal_scv4_0.8" },
];

fn main() {
    let mut words = std::env::args().skip(1);
    let (mut seeds, mut only) = (200u64, String::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => seeds = words.next().and_then(|text| text.parse().ok()).expect("a number after the flag"),
            "--only" => only = words.next().expect("a part of a name after the flag"),
            _ => {}
        }
    }
    println!("{seeds} seeds; a 95% interval should cover the truth about {:.0} times", 0.95 * seeds as f64);
    for case in CASES.iter().filter(|case| case.name.contains(&only)) {
        report(case, seeds);
    }
}

fn report(case: &Case, seeds: u64) {
    let compiled = load(case);
    let truth = |key: &str| closed_form(case.row, key).map(|value| value * UNIT_S);
    let (mean_s, p99_s) = (truth("W").expect("a mean"), truth("T_p99"));
    let tell = |seed: u64| {
        let settings = Settings { seed: seed + 1_000, ..Settings::default() };
        let point = study(&compiled, 0.0, &settings).expect("the counts obey the laws").point;
        let all = point.operations.first()?;
        Some((all.mean_s?, all.p99_s?, point.requests))
    };
    let told: Vec<(Interval, Interval, u64)> = (0..seeds).into_par_iter().filter_map(tell).collect();
    let covered = |which: &dyn Fn(&(Interval, Interval, u64)) -> Interval, truth: f64| {
        told.iter().map(which).filter(|one| one.low <= truth && truth <= one.high).count()
    };
    let mean = covered(&|one| one.0, mean_s);
    let p99 = p99_s.map_or_else(|| "unknown".to_owned(), |truth| covered(&|one| one.1, truth).to_string());
    let requests = told.iter().map(|one| one.2).sum::<u64>() as f64 / told.len() as f64;
    println!("{}: told {}; covered: mean {mean}, p99 {p99}; {requests:.2e} requests each", case.name, told.len());
}

/// One value of the table of closed forms.
fn closed_form(row: &str, key: &str) -> Option<f64> {
    let text =
        std::fs::read_to_string("tests/data/theory/closed_forms.json").expect("run at the root of the repository");
    let table: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rows = table["rows"].as_array().expect("rows");
    rows.iter().find(|one| one["id"] == row).expect("a row of this name")["values"][key].as_f64()
}

fn load(case: &Case) -> Compiled {
    let path = format!("models/theory/{}.ron", case.model);
    let text = std::fs::read_to_string(Path::new(&path)).expect("run at the root of the repository");
    let edits: Vec<Edit> = case.edits.iter().map(|edit| Edit::from_argument("--set", edit).expect("an edit")).collect();
    let document = patch(&Document::new(path, text), &edits).expect("the paths exist");
    let model: Model = read(&document, &mut Diagnostics::new()).expect("a model without mistakes");
    compile(&model, &document, ".".as_ref()).expect("a model that compiles")
}
