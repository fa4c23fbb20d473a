//! A hash of the course of a short run for every model of this repository. A change of any of them is a change of
//! results: say so in the change log, and bless it with `FORESCALE_BLESS=1 cargo test --test behaviour`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use forescale::diagnostic::{Diagnostics, Document};
use forescale::engine::simulation::{Halt, Limits};
use forescale::model::{Model, compile, read};
use forescale::random::Seed;
use xxhash_rust::xxh3::xxh3_64;

const BLESSED: &str = "tests/fingerprints.json";

/// Events after which a run ends; enough to reach every corner of a small model.
const EVENTS: u64 = 20_000;

fn models(directory: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).expect("a directory of models");
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            models(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "ron") {
            found.push(path);
        }
    }
}

fn fingerprint(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a readable model");
    let document = Document::new(path.display().to_string(), text);
    let mut diagnostics = Diagnostics::new();
    let read: Option<Model> = read(&document, &mut diagnostics);
    let model = read.unwrap_or_else(|| panic!("{}: {diagnostics:?}", path.display()));
    let directory = path.parent().expect("a directory");
    let compiled = compile(&model, &document, directory).unwrap_or_else(|found| panic!("{found:?}"));
    let mut simulation = compiled.simulation(Seed::new(1, 0), Limits { events: EVENTS, ..Limits::default() });
    let end = simulation.run_until(1_000_000_000_000);
    assert!(matches!(end, Ok(()) | Err(Halt::TooManyEvents)), "{}: {end:?}", path.display());
    simulation.audit().unwrap_or_else(|broken| panic!("{}: {broken:?}", path.display()));
    // Events alone do not show what happens in no time, such as a cache that hits or a call that fails.
    let record = simulation.take_record();
    let counters: Vec<_> = record.nodes.iter().map(|node| node.counters).collect();
    format!("{:016x}", simulation.fingerprint() ^ xxh3_64(format!("{counters:?}").as_bytes()))
}

#[test]
fn every_model_takes_the_course_it_always_took() {
    let mut paths = Vec::new();
    models(Path::new("models"), &mut paths);
    let name = |path: &PathBuf| path.to_string_lossy().replace('\\', "/");
    let found: BTreeMap<String, String> = paths.iter().map(|path| (name(path), fingerprint(path))).collect();
    if std::env::var_os("FORESCALE_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&found).expect("a table of texts");
        std::fs::write(BLESSED, text + "\n").expect("the table can be written");
        return;
    }
    let text = std::fs::read_to_string(BLESSED).unwrap_or_else(|_| "{}".to_owned());
    let blessed: BTreeMap<String, String> = serde_json::from_str(&text).expect("a table of texts");
    assert_eq!(found, blessed, "if this is meant, bless it: FORESCALE_BLESS=1 cargo test --test behaviour");
}
