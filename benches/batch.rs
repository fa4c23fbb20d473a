//! How much of the time of a batch passes outside the engine.
//!
//! ```text
//! cargo bench --bench batch -- [EXPERIMENT]
//! ```
//!
//! Every point of the experiment is studied, on one thread, and then its replications are run again for the same simulated
//! time with nothing around them. What the study took longer is estimates, pilots, decisions and comparisons.

#![expect(clippy::disallowed_methods, reason = "what is measured is real time")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use forescale::diagnostic::Diagnostics;
use forescale::engine::simulation::Limits;
use forescale::experiment::pipeline::study;
use forescale::experiment::plan::{self, PlannedPoint};
use forescale::experiment::run::conclude;
use forescale::random::Seed;

fn main() {
    let named = std::env::args().skip(1).find(|word| !word.starts_with("--")).map(PathBuf::from);
    let path = named.unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("experiments/studies/aurora_data_review.ron")
    });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| measure(&path));
}

fn measure(path: &std::path::Path) {
    let started = Instant::now();
    let mut diagnostics = Diagnostics::new();
    let plan = plan::load(path, false, None, &mut diagnostics).expect("an experiment without mistakes");
    let planning = started.elapsed();
    let (mut studies, mut engine) = (Duration::ZERO, Duration::ZERO);
    let mut findings = Vec::new();
    for point in &plan.points {
        let started = Instant::now();
        let finding = study(&point.compiled, point.load, &point.settings).expect("a run that obeys its laws");
        studies += started.elapsed();
        engine += bare(point, finding.point.simulated_s);
        findings.push(Some(finding));
    }
    let requests: u64 = findings.iter().flatten().map(|finding| finding.point.requests).sum();
    let started = Instant::now();
    let study = conclude(&plan, findings).expect("all points");
    let concluding = started.elapsed();
    let whole = planning + studies + concluding;
    let outside = 1.0 - engine.as_secs_f64() / whole.as_secs_f64();
    println!(
        "{}: {} points, {requests} requests told; {:.1} s on one thread, of which the engine alone {:.1} s: {:.1}% outside \
         (plan {:.2} s, conclusions {:.2} s)",
        study.name,
        plan.points.len(),
        whole.as_secs_f64(),
        engine.as_secs_f64(),
        100.0 * outside,
        planning.as_secs_f64(),
        concluding.as_secs_f64(),
    );
}

/// The time that the replications of a point take with nothing around them.
fn bare(point: &PlannedPoint, simulated_s: f64) -> Duration {
    let started = Instant::now();
    for replication in 0..u64::from(point.settings.replications) {
        let limits = Limits { visits: 8_000_000, events: u64::MAX };
        let mut simulation = point.compiled.simulation(Seed::new(point.settings.seed, replication), limits);
        // A point that was refused for its number of visits stops here too.
        let _ = simulation.run_until((simulated_s * 1e9) as u64);
    }
    started.elapsed()
}
