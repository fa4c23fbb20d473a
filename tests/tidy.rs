//! The shape of the source: arrows go down, rooms stay small, nothing is registered by halves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use forescale::techniques::CATALOGUE;

/// The rooms from the roof down. A file may use its own room and those after it.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["report"],
    &["experiment"],
    &["theory"],
    &["model"],
    &["controllers"],
    &["techniques"],
    &["engine"],
    &["distribution", "statistics", "random"],
    &["diagnostic"],
    &["units", "price", "files", "processor"],
];

const LONGEST_FILE_LINES: usize = 540;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files_below(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found.sort();
}

fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    files_below(&root().join("src"), "rs", &mut files);
    assert!(files.len() > 50, "the source was found");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root().join("src")).expect("below src").display().to_string();
        (name, std::fs::read_to_string(path).expect("a source file can be read"))
    };
    files.into_iter().map(read).collect()
}

fn room(name: &str) -> &str {
    name.split(['/', '.', ':']).next().unwrap_or(name)
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The modules that a file names as `crate::module`, in `use` lines and elsewhere.
fn arrows(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.match_indices("crate::").map(move |(at, found)| &line[at + found.len()..]))
}

#[test]
fn arrows_go_down_the_floors() {
    let mut against = Vec::new();
    for (name, text) in sources() {
        let Some(here) = floor(room(&name)) else { continue };
        for arrow in arrows(&text) {
            // Several rooms in one line would hide all but the first from this test.
            let is_hidden = arrow.starts_with('{');
            if is_hidden || floor(room(arrow)).is_some_and(|there| there < here) {
                against.push(format!("{name} uses crate::{}", arrow.split([';', ' ', '{']).next().unwrap_or("")));
            }
        }
    }
    assert!(against.is_empty(), "arrows against the law of the floors:\n{}", against.join("\n"));
}

#[test]
fn every_room_has_a_floor() {
    let rooms: BTreeSet<String> = sources().iter().map(|(name, _)| room(name).to_owned()).collect();
    let known = |room: &String| room == "main" || room == "lib" || floor(room).is_some();
    let lost: Vec<_> = rooms.iter().filter(|room| !known(room)).collect();
    assert!(lost.is_empty(), "rooms without a floor: {lost:?}");
}

#[test]
fn techniques_do_not_know_each_other() {
    let shared = ["parts", "technique"];
    for (name, text) in sources() {
        let Some(own) = name.strip_prefix("techniques/").filter(|rest| *rest != "mod.rs") else { continue };
        for arrow in arrows(&text) {
            let Some(other) = arrow.strip_prefix("techniques::").map(room) else { continue };
            assert!(shared.contains(&other) || other == room(own), "{name} uses the technique {other}");
        }
    }
}

#[test]
fn theory_knows_nothing_of_how_models_are_run() {
    for (name, text) in sources().iter().filter(|(name, _)| room(name) == "theory") {
        let against = arrows(text).find(|arrow| ["engine", "random", "statistics"].contains(&room(arrow)));
        assert_eq!(against, None, "{name} looks at what it is to be compared with");
    }
}

#[test]
fn files_are_of_a_readable_size() {
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE_LINES, "{name} has {lines} lines: is it still one room with one purpose?");
    }
}

#[test]
fn results_do_not_hang_on_the_order_of_hash_tables() {
    for (name, text) in sources() {
        let in_question = name.starts_with("engine/") || name.starts_with("techniques/");
        if in_question {
            let used = text.lines().any(|line| line.contains("HashMap") || line.contains("HashSet"));
            assert!(!used, "{name} uses a hash table");
        }
    }
}

#[test]
fn every_technique_is_documented_and_has_a_smallest_model() {
    for name in CATALOGUE.iter().map(|entry| entry.name).chain(["Link", "Shards"]) {
        let snake: String = name.chars().enumerate().fold(String::new(), |mut snake, (index, letter)| {
            if letter.is_uppercase() && index > 0 {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
            snake
        });
        let read = |path: String| std::fs::read_to_string(root().join(path));
        let source =
            read(format!("src/techniques/{snake}.rs")).or_else(|_| read(format!("src/techniques/{snake}/mod.rs")));
        let source = source.expect("one file or folder each");
        for heading in ["# How it works", "# Parameters", "# When it helps, when it hurts", "# Law"] {
            assert!(source.contains(&format!("//! {heading}")), "{snake}.rs says nothing under {heading:?}");
        }
        let model = root().join(format!("models/techniques/{snake}.ron"));
        assert!(model.exists(), "{} is missing", model.display());
        let text = std::fs::read_to_string(&model).expect("the model can be read");
        assert!(text.contains(&format!("{name}(")), "{} does not use {name}", model.display());
    }
}

#[test]
fn documented_parameters_are_those_that_can_be_written() {
    for entry in CATALOGUE.iter().map(|entry| entry.name).chain(["Link", "Shards"]) {
        let (name, text) = sources()
            .into_iter()
            .find(|(name, text)| name.starts_with("techniques/") && text.contains(&format!("pub struct {entry} {{")))
            .expect("every technique has a written form");
        let documented: BTreeSet<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `"))
            .flat_map(|row| {
                row.split('|').next().unwrap_or("").split(['`', ',', ' ']).map(str::to_owned).collect::<Vec<_>>()
            })
            .filter(|word| !word.is_empty())
            .collect();
        let start = text.find(&format!("pub struct {entry} {{")).expect("found above");
        let body = &text[start..start + text[start..].find("\n}").expect("a struct ends")];
        let fields: BTreeSet<String> = body
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
            .map(|(field, _)| field.to_owned())
            .collect();
        assert_eq!(documented, fields, "the table of parameters in {name} and the fields of {entry} differ");
    }
}
