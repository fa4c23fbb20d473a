//! What the documents show is tried: `ron` blocks are read, `console` blocks are run.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks of a document, by language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let mut rest = text;
    let mut found = Vec::new();
    while let Some(start) = rest.find(&fence) {
        let body = &rest[start + fence.len()..];
        let end = body.find("```").expect("a fence is closed");
        found.push(body[..end].to_owned());
        rest = &body[end + 3..];
    }
    found
}

fn forescale(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_forescale")).args(arguments).current_dir(folder).output().expect("it starts")
}

#[test]
fn the_readme_works_as_it_is_written() {
    let text = std::fs::read_to_string(root().join("README.md")).expect("there is a readme");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ron = blocks(&text, "ron");
    assert_eq!(ron.len(), 2, "a model and an experiment");
    std::fs::write(folder.path().join("shop.ron"), &ron[0]).expect("the model can be written");
    std::fs::write(folder.path().join("peak.ron"), &ron[1]).expect("the experiment can be written");
    let mut commands = 0;
    for line in blocks(&text, "console").iter().flat_map(|block| block.lines()) {
        let words: Vec<&str> = line.trim_start_matches("$ forescale ").split(' ').collect();
        let output = forescale(folder.path(), &words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{said}");
        assert!(!said.contains("warning") && !said.contains("error"), "{line}\n{said}");
        assert!(!output.stdout.is_empty(), "{line} says nothing");
        commands += 1;
    }
    assert_eq!(commands, 4);
    for chart in ["peak-latency.svg", "peak-cost.svg", "peak-latency-against-cost.svg", "peak-utilization-cache.svg"] {
        assert!(folder.path().join("plots").join(chart).exists(), "{chart} was drawn");
    }
}

#[test]
fn files_that_the_readme_names_are_there() {
    let text = std::fs::read_to_string(root().join("README.md")).expect("there is a readme");
    let mut rest = text.as_str();
    while let Some(start) = rest.find("](") {
        let target = &rest[start + 2..];
        let end = target.find(')').expect("a link is closed");
        assert!(root().join(&target[..end]).exists(), "{} is missing", &target[..end]);
        rest = &target[end..];
    }
    assert!(root().join("experiments/aurora_data_surge.ron").exists());
    assert!(text.lines().count() <= 120, "the readme is short");
}

#[test]
fn examples_in_the_documents_can_be_read() {
    let mut tried = 0;
    for name in ["docs/language.md", "docs/systems.md"] {
        let text = std::fs::read_to_string(root().join(name)).expect("the document is there");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let is_whole = |block: &String| block.starts_with("Architecture(") || block.starts_with("Experiment(");
        for (index, block) in blocks(&text, "ron").iter().filter(|block| is_whole(block)).enumerate() {
            // Experiments name the first model of their document by its name.
            let file = if index == 0 { "shop.ron".to_owned() } else { format!("example{index}.ron") };
            std::fs::write(folder.path().join(&file), block).expect("the example can be written");
            let output = forescale(folder.path(), &["check", &file]);
            assert!(output.status.success(), "{name}:\n{block}\n{}", String::from_utf8_lossy(&output.stderr));
            tried += 1;
        }
    }
    assert!(tried > 0, "the reference shows whole models");
}
