//! Every file of `tests/invalid/` is wrong in the way its name says; the messages about it are kept as snapshots.
//!
//! After a change of a message, look at it and run `INSTA_UPDATE=always cargo test --test diagnostics`.

use std::path::Path;

use forescale::diagnostic::report::{Style, json, text};
use forescale::diagnostic::{Diagnostics, Document, Level};
use forescale::model::read;

#[path = "../src/model/check/toy.rs"]
#[allow(dead_code)]
mod toy;

/// Reads a model of this folder and gives all that is said about it.
fn diagnose(path: &Path) -> Diagnostics {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let content = std::fs::read_to_string(path).expect("the file can be read");
    let mut diagnostics = Diagnostics::new();
    let architecture = read::<toy::Toy, toy::Link, toy::Keys>(&Document::new(name, content), &mut diagnostics);
    assert_eq!(
        architecture.is_some(),
        !diagnostics.has_errors(),
        "a model is refused if and only if there is an error"
    );
    diagnostics
}

fn invalid_files() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/invalid");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "ron"))
        .collect();
    files.sort();
    files
}

#[test]
fn each_invalid_file_is_explained() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for path in invalid_files() {
        let fault = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let diagnostics = diagnose(&path);
        assert!(!diagnostics.is_empty(), "{fault} is found right");
        settings.bind(|| insta::assert_snapshot!(fault, text(&diagnostics, Style { width: 120, color: false })));
    }
}

#[test]
fn every_message_has_a_place_within_its_file() {
    for path in invalid_files() {
        let diagnostics = diagnose(&path);
        let content = std::fs::read_to_string(&path).expect("the file can be read");
        for found in &diagnostics {
            let span = found.primary.place.span;
            assert!(
                span.start <= span.end && content.get(span.start..span.end).is_some(),
                "{}: {found:?}",
                path.display()
            );
            assert!(
                found.help.is_some() || !found.primary.text.is_empty(),
                "{}: {found:?} helps nobody",
                path.display()
            );
        }
        let values = json(&diagnostics);
        assert_eq!(values.as_array().map(Vec::len), Some(diagnostics.len()));
    }
}

#[test]
fn codes_of_errors_are_told_apart_from_warnings() {
    for path in invalid_files() {
        let warns_only = path.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with("warning-"));
        let has_errors = diagnose(&path).iter().any(|found| found.level == Level::Error);
        assert_ne!(warns_only, has_errors, "{}", path.display());
    }
}
