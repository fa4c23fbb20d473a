//! Whatever is read without a mistake runs, and its counts obey the laws.
#![no_main]

use std::path::Path;

use forescale::diagnostic::{Diagnostics, Document};
use forescale::engine::simulation::Limits;
use forescale::experiment::pipeline::memory_bytes;
use forescale::model::{Model, compile, read};
use forescale::random::Seed;
use libfuzzer_sys::fuzz_target;

/// What a run of the fuzzer may spend.
const LIMITS: Limits = Limits { visits: 20_000, events: 50_000 };
const MOST_BYTES: u64 = 64 << 20;

fuzz_target!(|content: &str| {
    let document = Document::new("fuzz.ron", content);
    let Some(model): Option<Model> = read(&document, &mut Diagnostics::new()) else { return };
    let Ok(compiled) = compile(&model, &document, Path::new("nowhere")) else { return };
    if memory_bytes(&compiled, 1) > MOST_BYTES {
        return;
    }
    let mut simulation = compiled.simulation(Seed::new(1, 0), LIMITS);
    for end_ns in [1_000_000, 1_000_000_000, 3_600_000_000_000, u64::MAX / 4] {
        let _ = simulation.run_until(end_ns);
        simulation.take_record();
        if let Err((node, law)) = simulation.audit() {
            panic!("{}: {law}", compiled.descriptions[node.0 as usize].name);
        }
    }
});
