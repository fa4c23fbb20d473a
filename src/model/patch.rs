//! Edits of a model's text by path: the variants of an experiment, and `--set` on the command line.

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::document::{Document, Insertion};
use crate::diagnostic::fault;
use crate::diagnostic::outline::{Outline, outline};
use crate::diagnostic::source::Place;
use crate::diagnostic::span::{Span, Spanned, Verbatim};
use crate::model::path::{Lost, Target, follow};

/// One change: a path into the model, and the value to put there.
#[derive(Clone, Debug)]
pub struct Edit {
    /// For example `nodes.postgres.cores`.
    pub path: String,
    /// RON text.
    pub value: String,
    /// Where the path was written.
    pub path_origin: Place,
    /// Where the value was written: mistakes in it are shown there.
    pub value_origin: Place,
}

impl Edit {
    /// An edit as an experiment writes it: `"nodes.postgres.cores": 8`.
    pub fn from_document(document: &Document, path: &Spanned<String>, value: &Verbatim) -> Self {
        Self {
            path: path.value.clone(),
            value: value.text.clone(),
            path_origin: document.place(path.span),
            value_origin: document.place(value.span),
        }
    }

    /// An edit whose value the program made, for example a point of a sweep; mistakes are shown where it was asked for.
    pub fn made(path: &Spanned<String>, value: impl Into<String>, document: &Document) -> Self {
        let origin = document.place(path.span);
        Self { path: path.value.clone(), value: value.into(), path_origin: origin.clone(), value_origin: origin }
    }

    /// An edit as the command line gives it: `nodes.postgres.cores=8`.
    ///
    /// # Errors
    /// When there is no `=`.
    pub fn from_argument(option: &str, argument: &str) -> Result<Self, Diagnostics> {
        let whole = Place::whole(option, argument);
        let Some((path, value)) = argument.split_once('=') else {
            let diagnostic = Diagnostic::error("invalid-edit", whole, "an edit needs a path and a value")
                .help(format!("write {option} PATH=VALUE, for example {option} nodes.web.replicas=4"));
            return Err(diagnostic.into());
        };
        let path_start = path.len() - path.trim_start().len();
        let value_start = argument.len() - value.trim_start().len();
        Ok(Self {
            path: path.trim().to_owned(),
            value: as_value(value.trim()),
            path_origin: whole.part(path_start, path_start + path.trim().len()),
            value_origin: whole.part(value_start, value_start + value.trim().len()),
        })
    }
}

/// A value of the command line as RON. Shells take quotes away, so what is no RON as it stands, such as `340/s`, and has
/// none of RON's punctuation is meant as text.
fn as_value(written: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '%' | '/' | '$' | '-' | ' ');
    let holds_comment = written.contains("//");
    let is_text = !written.is_empty() && written.chars().all(is_plain) && !holds_comment;
    if is_text && !is_whole_value(written) { format!("\"{written}\"") } else { written.to_owned() }
}

/// What a text holds at a path, as it is written there; `None` if the path leads to nothing that is there.
pub fn value_at<'d>(document: &'d Document, path: &str) -> Option<&'d str> {
    let text = document.text();
    let outline = outline(text).ok()?;
    let Ok(Target::Entry(entry)) = follow(text, &outline, path) else { return None };
    let Span { start, end } = outline.entries[entry].value;
    text.get(start..end)
}

/// Makes the edits one after the other, and reports every one that cannot be made.
///
/// A field or map entry that is not there is added; whether it may be there is judged when the text is read.
///
/// # Errors
/// When a path leads nowhere or a value is no RON.
pub fn patch(document: &Document, edits: &[Edit]) -> Result<Document, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let edited = patch_partly(document, edits, &mut diagnostics);
    if diagnostics.is_empty() { Ok(edited) } else { Err(diagnostics) }
}

/// As [`patch`], but leaves out the edits that cannot be made, so that the others can be judged at once.
pub fn patch_partly(document: &Document, edits: &[Edit], diagnostics: &mut Diagnostics) -> Document {
    let mut edited = document.clone();
    for edit in edits {
        match apply(&edited, edit) {
            Ok(next) => edited = next,
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    edited
}

fn apply(document: &Document, edit: &Edit) -> Result<Document, Box<Diagnostic>> {
    check_value(edit)?;
    let text = document.text();
    let outline = outline(text).map_err(|fault| fault::fault(document, fault))?;
    let target = follow(text, &outline, &edit.path).map_err(|lost| unknown_path(edit, &lost))?;
    let value = Insertion { text: edit.value.clone(), origin: edit.value_origin.clone() };
    let made = |text: String| Insertion { text, origin: edit.path_origin.clone() };
    Ok(match target {
        Target::Entry(entry) => document.replace(outline.entries[entry].value, &[value]),
        Target::New { group, name } => {
            let (at, comma) = end_of(text, &outline, group);
            let key = key(&outline, group, &name, edit)?;
            document.replace(Span { start: at, end: at }, &[made(format!("{comma}{key}: ")), value])
        }
        Target::Bare { entry, name } => {
            let at = outline.entries[entry].value.end;
            let closing = made(")".to_owned());
            document.replace(Span { start: at, end: at }, &[made(format!("({name}: ")), value, closing])
        }
    })
}

/// Where a new entry goes, and what separates it from the one before.
fn end_of(text: &str, outline: &Outline, group: usize) -> (usize, &'static str) {
    let group = &outline.groups[group];
    match group.entries.last().map(|last| &outline.entries[*last]) {
        None => (group.span.start + 1, ""),
        Some(last) if text[..last.end].ends_with(',') && last.end > last.span.end => (last.end, " "),
        Some(last) => (last.end, ", "),
    }
}

/// A name as the group writes its keys: quoted in maps, bare in structs.
fn key(outline: &Outline, group: usize, name: &str, edit: &Edit) -> Result<String, Box<Diagnostic>> {
    if outline.groups[group].bracket == '{' {
        return Ok(format!("\"{}\"", name.escape_default()));
    }
    let starts_well = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    if starts_well && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        return Ok(name.to_owned());
    }
    let diagnostic =
        Diagnostic::error("unknown-path", edit.path_origin.clone(), format!("`{name}` is no name of a field"))
            .help("fields have names of letters, digits and `_`");
    Err(Box::new(diagnostic))
}

/// A value must be one whole value, so that it cannot change the meaning of what stands around it.
fn check_value(edit: &Edit) -> Result<(), Box<Diagnostic>> {
    if is_whole_value(&edit.value) {
        return Ok(());
    }
    let place = edit.value_origin.clone();
    let mut diagnostic = Diagnostic::error("invalid-value", place.clone(), format!("`{}` is no value", edit.value));
    diagnostic = if edit.value.is_empty() {
        diagnostic.help("write the value after `=`")
    } else if edit.value.contains(['"', '(', '[', '{']) {
        diagnostic.help("write one value in RON: 4, \"12ms\", RoundRobin, [\"a\", \"b\"]")
    } else {
        diagnostic.help("write text, and numbers with units, in quotes").suggest(place, format!("\"{}\"", edit.value))
    };
    Err(Box::new(diagnostic))
}

/// Whether a text is one value of RON, with nothing before or after it.
fn is_whole_value(text: &str) -> bool {
    let balanced = outline(text);
    let trimmed = match &balanced {
        Ok(outline) => outline.groups[0].entries.first().map(|entry| outline.entries[*entry].span),
        Err(_) => None,
    };
    trimmed == Some(Span { start: 0, end: text.len() }) && ron::value::RawValue::from_ron(text).is_ok()
}

fn unknown_path(edit: &Edit, lost: &Lost) -> Diagnostic {
    // The path may have been written in quotes, so its letters start where its text is found.
    let shift = edit.path_origin.text().find(edit.path.as_str()).unwrap_or(0);
    let place = edit.path_origin.part(shift + lost.start, shift + lost.end);
    let title = format!("{} (in the path `{}`)", lost.title, edit.path);
    Diagnostic::error("unknown-path", place, title).help(lost.help.clone())
}
