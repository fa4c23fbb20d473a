//! How often the pipeline's 95% intervals cover the truth, over many seeds.
//!
//! ```text
//! cargo bench --bench coverage -- [--seeds N]
//! ```
//!
//! M/M/1: the mean time in system is 1 / (mu - lambda), its 99% quantile ln(100) / (mu - lambda). Every seed runs the
//! whole pipeline: settling, doubling, refusal.

use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::pipeline::{Settings, study};
use forescale::experiment::study::Interval;
use forescale::model::{Compiled, Edit, Model, compile, patch, read};
use rayon::prelude::*;

const SERVICE_RATE_PER_S: f64 = 1_000.0;

fn main() {
    let mut words = std::env::args().skip(1);
    let mut seeds: u32 = 200;
    while let Some(word) = words.next() {
        if word == "--seeds" {
            seeds = words.next().and_then(|text| text.parse().ok()).expect("a number after --seeds");
        }
    }
    println!("{seeds} seeds; a 95% interval should cover the truth about {:.0} times", 0.95 * f64::from(seeds));
    for utilization in [0.5, 0.8, 0.9] {
        let rate_per_s = utilization * SERVICE_RATE_PER_S;
        let compiled = load(rate_per_s);
        let mean_s = 1.0 / (SERVICE_RATE_PER_S - rate_per_s);
        let p99_s = 100f64.ln() * mean_s;
        let outcomes: Vec<Option<[bool; 2]>> = (0..seeds)
            .into_par_iter()
            .map(|seed| {
                let settings = Settings { seed: u64::from(seed) + 1_000, ..Settings::default() };
                let point = study(&compiled, 0.0, &settings).expect("the counts obey the laws");
                let all = point.operations.first()?;
                Some([covers(all.mean_s?, mean_s), covers(all.p99_s?, p99_s)])
            })
            .collect();
        let told = outcomes.iter().flatten().count();
        let hits = |index: usize| outcomes.iter().flatten().filter(|outcome| outcome[index]).count();
        println!(
            "M/M/1 at {utilization}: told {told} of {seeds}; covered: mean {} ({:.3}), p99 {} ({:.3})",
            hits(0),
            hits(0) as f64 / told as f64,
            hits(1),
            hits(1) as f64 / told as f64,
        );
    }
}

fn covers(interval: Interval, truth: f64) -> bool {
    interval.low <= truth && truth <= interval.high
}

fn load(rate_per_s: f64) -> Compiled {
    let text = std::fs::read_to_string("models/bench/w1.ron").expect("the benchmark runs at the root of the repository");
    let edit = Edit::from_argument("--set", &format!("nodes.clients.rate=\"{rate_per_s}/s\"")).expect("an edit");
    let document = patch(&Document::new("models/bench/w1.ron", text), &[edit]).expect("the path exists");
    let model: Model = read(&document, &mut Diagnostics::new()).expect("a model without mistakes");
    compile(&model, &document, ".".as_ref()).expect("a model that compiles")
}
