//! Any experiment is planned or explained: edits of models by path, axes, variants.
#![no_main]

use std::fs;

use forescale::diagnostic::Diagnostics;
use forescale::diagnostic::report::{Style, text};
use forescale::experiment::plan::load;
use libfuzzer_sys::fuzz_target;

const MODEL: &str = include_str!("../../tests/valid/shop.ron");

fuzz_target!(|content: &str| {
    let directory = std::env::temp_dir().join(format!("forescale-fuzz-{}", std::process::id()));
    let path = directory.join("fuzz.ron");
    if !directory.join("shop.ron").exists() {
        fs::create_dir_all(&directory).expect("a directory for temporary files");
        fs::write(directory.join("shop.ron"), MODEL).expect("room for a model");
    }
    fs::write(&path, content).expect("room for an experiment");
    let mut diagnostics = Diagnostics::new();
    let plan = load(&path, true, None, &mut diagnostics);
    assert_eq!(plan.is_some(), !diagnostics.has_errors());
    text(&diagnostics, Style::default());
});
