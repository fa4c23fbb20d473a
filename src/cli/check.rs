//! `forescale check FILE...`

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::{Failure, Verdict, print, print_json, show};
use crate::diagnostic::report;
use crate::diagnostic::token::skip_blank;
use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::plan::{self, ModelFile, load_point, read_file};
use crate::experiment::sensitivity;
use crate::experiment::study::SCHEMA;
use crate::model::check::keys;

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Model and experiment files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print one JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self) -> Verdict {
        let checked: Vec<Checked> = self.files.iter().map(|path| check(path)).collect();
        let wrong = checked.iter().filter(|file| file.found.has_errors()).count();
        let mut diagnostics = Diagnostics::new();
        for file in &checked {
            let mut kept = file.found.clone();
            kept.retain(|found| !is_settled(found, &checked));
            diagnostics.extend(kept);
        }
        if self.json {
            print_json(&serde_json::json!({
                "schema": SCHEMA,
                "files": self.files.len(),
                "files_with_errors": wrong,
                "diagnostics": report::json(&diagnostics),
            }));
        } else {
            show(&diagnostics, false);
            if wrong == 0 {
                print(&format!("{} checked, no errors\n", count(self.files.len())));
            }
        }
        if wrong == 0 { Ok(()) } else { Err(Failure::Input) }
    }
}

fn count(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

/// A file and what was found in it.
struct Checked {
    /// The model that an experiment varies, if the experiment could be read.
    model: Option<PathBuf>,
    found: Diagnostics,
}

fn check(path: &Path) -> Checked {
    let mut found = Diagnostics::new();
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    let model = match read_file(path) {
        Err(unreadable) => {
            found.extend(unreadable);
            None
        }
        Ok(document) if is_experiment(&document) => {
            let checked = plan::check(path, &mut found);
            if let Some(plan) = checked.as_ref().and_then(|checked| checked.plan.as_ref()) {
                sensitivity::check_ranges(plan, &mut found);
            }
            checked.and_then(|checked| checked.model.canonicalize().ok())
        }
        Ok(document) => {
            load_point(&ModelFile { document, directory }, &[], true, &mut found);
            None
        }
    };
    Checked { model, found }
}

/// Whether a key space that a model declares and does not use is used by a variant of another file of this call:
/// experiments warn only of what none of their variants uses.
fn is_settled(doubt: &Diagnostic, checked: &[Checked]) -> bool {
    if doubt.code != keys::UNUSED {
        return false;
    }
    let Ok(model) = Path::new(&doubt.primary.place.source.name).canonicalize() else {
        return false;
    };
    let is_same = |other: &Diagnostic| other.code == doubt.code && other.title == doubt.title;
    let mut experiments = checked.iter().filter(|file| file.model.as_ref() == Some(&model));
    experiments.any(|experiment| !experiment.found.iter().any(is_same))
}

/// Whether the first word of a document says that it is an experiment.
fn is_experiment(document: &Document) -> bool {
    let mut text = document.text();
    // A comment of another language is a mistake, but it must not hide what the file is.
    while let Some((_, rest)) = text.split_once('\n').filter(|(line, _)| line.trim_start().starts_with('#')) {
        text = rest;
    }
    skip_blank(text, 0).is_ok_and(|start| text[start..].starts_with("Experiment"))
}
