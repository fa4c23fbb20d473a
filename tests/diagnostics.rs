//! Every file of `tests/invalid/` is wrong in the way its name says; the messages about it are kept as snapshots.
//!
//! After a change of a message, look at it and run `make bless`.

use std::path::{Path, PathBuf};

use forescale::diagnostic::report::{Style, json, text};
use forescale::diagnostic::{Diagnostics, Document, Level};
use forescale::experiment::plan::{self, ModelFile, load_point, read_file};

/// Seen from the package, so that messages name the same paths on every machine.
const MODELS: &str = "tests/invalid";
const EXPERIMENTS: &str = "tests/invalid/experiments";

/// Reads a file and gives all that is said about it.
fn diagnose(path: &Path) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let is_read = if path.starts_with(EXPERIMENTS) {
        plan::load(path, false, None, &mut diagnostics).is_some()
    } else {
        let file =
            ModelFile { document: read_file(path).expect("the file can be read"), directory: PathBuf::from(MODELS) };
        load_point(&file, &[], true, &mut diagnostics).is_some()
    };
    assert_eq!(
        is_read,
        !diagnostics.has_errors(),
        "a file is refused if and only if there is an error: {}",
        path.display()
    );
    diagnostics
}

fn files_in(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "ron"))
        .collect();
    files.sort();
    files
}

fn invalid_files() -> Vec<PathBuf> {
    [files_in(MODELS), files_in(EXPERIMENTS)].concat()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[test]
fn each_invalid_file_is_explained() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut unexplained = Vec::new();
    for path in invalid_files() {
        let diagnostics = diagnose(&path);
        if diagnostics.is_empty() {
            unexplained.push(stem(&path));
            continue;
        }
        let snapshot = if path.starts_with(EXPERIMENTS) { format!("experiment-{}", stem(&path)) } else { stem(&path) };
        settings.bind(|| insta::assert_snapshot!(snapshot, text(&diagnostics, Style { width: 120, color: false })));
    }
    assert_eq!(unexplained, Vec::<String>::new(), "these are found right");
}

#[test]
fn every_message_has_a_place_within_its_text_and_helps() {
    for path in invalid_files() {
        let diagnostics = diagnose(&path);
        for found in &diagnostics {
            let place = &found.primary.place;
            let span = place.span;
            assert!(
                span.start <= span.end && place.source.text.get(span.start..span.end).is_some(),
                "{}: {found:?}",
                path.display()
            );
            assert!(
                found.help.is_some() || found.suggestion.is_some() || !found.primary.text.is_empty(),
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
        let warns_only = stem(&path).starts_with("warning-");
        let has_errors = diagnose(&path).iter().any(|found| found.level == Level::Error);
        assert_ne!(warns_only, has_errors, "{}", path.display());
    }
}

#[test]
fn the_files_that_the_invalid_ones_are_made_from_are_valid() {
    let mut diagnostics = Diagnostics::new();
    assert!(plan::load(Path::new("tests/valid/surge.ron"), false, None, &mut diagnostics).is_some());
    assert!(diagnostics.is_empty(), "{}", text(&diagnostics, Style::default()));
}

/// Files that say too much of controllers, and what makes each of them right: nobody is warned for nothing.
const MENDED: &[(&str, &[(&str, &str)])] = &[
    ("keda-that-never-wakes", &[("Reject", "Hold")]),
    ("keda-that-never-wakes", &[("RequestsInProgress", "RequestsPerSecond")]),
    ("keda-that-never-wakes", &[("threshold: 5) ]", "threshold: 5) ], min_replica_count: 1")]),
    ("keda-that-looks-behind-the-queue", &[("source: \"workers\"", "source: \"jobs\"")]),
    ("keda-that-looks-behind-the-queue", &[("prefetch: 2", "consumers: 200")]),
    ("autoscaler-of-memory-without-memory", &[("workers: 16", "workers: 16, memory: Memory(limit: \"1GiB\")")]),
    ("predictive-oracle-of-bursts", &[("source: \"robots\"", "source: \"users\"")]),
    ("warning-fixed-consumers", &[("consumers: 4", "prefetch: 2")]),
    ("warning-fixed-consumers", &[("consumers: 4", "consumers: 20")]),
    (
        "warning-always-zero",
        &[
            ("queue: 0", "queue: 10"),
            ("cores: 8", "cores: 8, queue: 10"),
            ("source: \"redis\", metric: RequestsPerSecond", "source: \"web\", metric: RequestsPerSecond"),
        ],
    ),
    ("warning-cpu-target-out-of-reach", &[("150%", "110%"), ("Cores(0.5)", "Cores(0.45)"), ("96%", "95%")]),
    (
        "warning-horizontal-against-vertical",
        &[("target: \"web\")", "target: \"web\", update_mode: Off)"), ("Initial", "Off")],
    ),
    (
        "warning-too-few-connections-when-scaled",
        &[("max_replicas: 10", "max_replicas: 2"), ("replicas: 4)", "replicas: 3)")],
    ),
    ("warning-replicas-out-of-bounds", &[("replicas: 12", "replicas: 10"), ("min_capacity: 2", "min_capacity: 1")]),
];

#[test]
fn nothing_is_said_about_controllers_that_are_right() {
    for (name, edits) in MENDED {
        let path = format!("{MODELS}/{name}.ron");
        let mut text = std::fs::read_to_string(&path).expect("the file can be read");
        for (wrong, right) in *edits {
            assert!(text.contains(wrong), "{name} has no {wrong}");
            text = text.replacen(wrong, right, 1);
        }
        let mut diagnostics = Diagnostics::new();
        let file = ModelFile { document: Document::new(path, text), directory: PathBuf::from(MODELS) };
        load_point(&file, &[], true, &mut diagnostics);
        let said = self::text(&diagnostics, Style { width: 120, color: false });
        assert!(diagnostics.is_empty(), "{name} with {edits:?}:\n{said}");
    }
}

/// A snapshot that belongs to no file any more would be kept, and read, for nothing.
#[test]
fn no_snapshot_is_left_over() {
    let known: Vec<_> = files_in(MODELS)
        .iter()
        .map(|path| stem(path))
        .chain(files_in(EXPERIMENTS).iter().map(|path| format!("experiment-{}", stem(path))))
        .collect();
    for entry in std::fs::read_dir("tests/snapshots").expect("the folder is there").flatten() {
        let path = entry.path();
        assert!(known.contains(&stem(&path)), "{} belongs to no file", path.display());
    }
}
