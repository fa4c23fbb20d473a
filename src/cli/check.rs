//! `forescale check FILE...`

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::{Failure, Verdict, print, print_json, show};
use crate::diagnostic::report;
use crate::diagnostic::token::skip_blank;
use crate::diagnostic::{Diagnostics, Document};
use crate::experiment::plan::{self, ModelFile, load_point, read_file};
use crate::experiment::study::SCHEMA;

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
        let mut diagnostics = Diagnostics::new();
        let mut wrong = 0;
        for path in &self.files {
            let mut found = Diagnostics::new();
            check(path, &mut found);
            wrong += usize::from(found.has_errors());
            diagnostics.extend(found);
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

fn check(path: &Path, diagnostics: &mut Diagnostics) {
    let document = match read_file(path) {
        Ok(document) => document,
        Err(found) => return diagnostics.extend(found),
    };
    if is_experiment(&document) {
        plan::load(path, false, None, diagnostics);
    } else {
        let file = ModelFile { document, directory: path.parent().unwrap_or(Path::new("")).to_owned() };
        load_point(&file, &[], true, diagnostics);
    }
}

/// Whether the first word of a document says that it is an experiment.
fn is_experiment(document: &Document) -> bool {
    let text = document.text();
    skip_blank(text, 0).is_ok_and(|start| text[start..].starts_with("Experiment"))
}
