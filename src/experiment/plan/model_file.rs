//! A model file, and a point of an experiment as the model with some edits.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Document, Level, Place};
use crate::experiment::written::Experiment;
use crate::files;
use crate::model::{Compiled, Edit, KeyTables, Model, compile_sharing, patch_partly, read};

/// Of more edits than this nobody finds out which has made a line of the model wrong.
const MOST_BLAMED: usize = 20;

/// A model file and what it says.
#[derive(Clone, Debug)]
pub struct ModelFile {
    pub document: Document,
    /// Where files that the model names are looked for.
    pub directory: PathBuf,
}

impl ModelFile {
    /// The model that was read from this path.
    pub fn new(document: Document, path: &Path) -> Self {
        Self { document, directory: path.parent().unwrap_or(Path::new("")).to_owned() }
    }
}

/// Reads a file that a user named.
pub fn read_file(path: &Path) -> Result<Document, Diagnostics> {
    match files::read_text(path) {
        Ok(text) => Ok(Document::new(path.display().to_string(), text)),
        Err(error) => {
            let shown = path.display().to_string();
            let place = Place::whole(shown.clone(), "");
            Err(Diagnostic::error("unreadable-file", place, format!("cannot read {shown}: {error}"))
                .help("check the path and its permissions")
                .into())
        }
    }
}

/// Patches, reads, checks and compiles a model.
pub fn load_point(file: &ModelFile, edits: &[Edit], warnings: bool, diagnostics: &mut Diagnostics) -> Option<Compiled> {
    load_sharing(file, edits, warnings, &mut KeyTables::default(), diagnostics)
}

/// As [`load_point`], for one of many models that are edited already.
pub fn load_document(file: &ModelFile, tables: &mut KeyTables, diagnostics: &mut Diagnostics) -> Option<Compiled> {
    load_sharing(file, &[], false, tables, diagnostics)
}

/// The model of a point, its edits made, for those who look at what is written; None where [`load_point`] finds mistakes.
pub fn model_of(file: &ModelFile, edits: &[Edit]) -> Option<Model> {
    let document = patch_partly(&file.document, edits, &mut Diagnostics::new());
    read(&document, &mut Diagnostics::new())
}

/// As [`load_point`], for one of many points.
pub(super) fn load_sharing(
    file: &ModelFile,
    edits: &[Edit],
    warnings: bool,
    tables: &mut KeyTables,
    diagnostics: &mut Diagnostics,
) -> Option<Compiled> {
    let mut misplaced = Diagnostics::new();
    let document = patch_partly(&file.document, edits, &mut misplaced);
    let mut found = Diagnostics::new();
    let model: Option<Model> = read(&document, &mut found);
    if !misplaced.is_empty() {
        // The edits that could be made may be wrong too, and are mended in the same go. What is said about the model
        // itself may follow from the edits that are missing.
        let is_of_an_edit = |one: &&Diagnostic| {
            edits.iter().any(|edit| Arc::ptr_eq(&edit.value_origin.source, &one.primary.place.source))
        };
        let errors = found.iter().filter(|one| one.level == Level::Error).filter(is_of_an_edit);
        errors.for_each(|one| misplaced.push(one.clone()));
        diagnostics.extend(misplaced);
        return None;
    }
    for diagnostic in found.iter().filter(|diagnostic| warnings || diagnostic.level == Level::Error) {
        diagnostics.push(blamed(file, edits, diagnostic.clone()));
    }
    match compile_sharing(&model?, &document, &file.directory, tables) {
        Ok(compiled) => Some(compiled),
        Err(found) => {
            diagnostics.extend(found);
            None
        }
    }
}

/// A mistake in a line of the model that is right without edits, with the edits that have made it wrong.
fn blamed(file: &ModelFile, edits: &[Edit], found: Diagnostic) -> Diagnostic {
    let is_of_model = file.document.is_of(&found.primary.place.source);
    if found.level != Level::Error || !is_of_model || edits.len() > MOST_BLAMED {
        return found;
    }
    let remains = |edits: &[Edit]| {
        let mut others = Diagnostics::new();
        let document = patch_partly(&file.document, edits, &mut others);
        let _: Option<Model> = read(&document, &mut others);
        others.iter().any(|other| other.title == found.title && other.primary.place == found.primary.place)
    };
    if remains(&[]) {
        return found;
    }
    let without = |left_out: &usize| {
        let others = edits.iter().enumerate().filter(|(position, _)| position != left_out);
        others.map(|(_, edit)| edit.clone()).collect::<Vec<_>>()
    };
    let guilty: Vec<usize> = (0..edits.len()).filter(|position| !remains(&without(position))).collect();
    guilty.into_iter().fold(found, |found, position| found.also(edits[position].path_origin.clone(), "since this edit"))
}

/// Opens the model that an experiment names.
pub(super) fn open_model(
    path: &Path,
    experiment: &Experiment,
    document: &Document,
    diagnostics: &mut Diagnostics,
) -> Option<ModelFile> {
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    let model_path = directory.join(&experiment.model.value);
    match files::open(&model_path).and_then(std::io::read_to_string) {
        Ok(text) => Some(ModelFile::new(Document::new(model_path.display().to_string(), text), &model_path)),
        Err(error) => {
            let place = document.place(experiment.model.span);
            let message = format!("cannot read the model {}: {error}", model_path.display());
            let help = "write the path as seen from the experiment file, such as \"../models/shop.ron\"";
            diagnostics.push(Diagnostic::error("unreadable-file", place, message).help(help));
            None
        }
    }
}
