//! Axes: each value as the edits that it stands for.

use std::collections::BTreeSet;

use crate::diagnostic::span::{Named, Spanned};
use crate::diagnostic::{Diagnostic, Diagnostics, Document, ListOr, Place};
use crate::experiment::plan::paths::overlap;
use crate::experiment::plan::steps;
use crate::experiment::study::FurtherAxis;
use crate::experiment::written;
use crate::experiment::written::Values;
use crate::model::{Edit, Number};

/// What constraints call the horizontal axis.
pub(super) const LOAD: &str = "load";

/// More paths than axes move in anybody's experiment.
const MOST_PATHS: usize = 100;

/// An axis whose values are known.
#[derive(Clone, Debug)]
pub struct Axis {
    pub name: String,
    pub path: String,
    pub label: Option<String>,
    pub unit: Option<String>,
    /// Whether the values are numbers, so that constraints can reckon with them.
    pub is_numeric: bool,
    pub values: Vec<Value>,
}

impl Axis {
    /// As results tell it.
    pub(super) fn described(&self) -> FurtherAxis {
        FurtherAxis {
            name: self.name.clone(),
            path: self.path.clone(),
            label: self.label.clone().unwrap_or_else(|| self.name.clone()),
            unit: self.unit.clone(),
            values: self.values.iter().map(|value| value.text.clone()).collect(),
        }
    }
}

/// One value of an axis.
#[derive(Clone, Debug)]
pub struct Value {
    /// As a reader sees it.
    pub text: String,
    /// As a number in SI units, if the axis is numeric; zero if not.
    pub number: f64,
    /// The edit of the axis's own path, then those of the paths that move with it.
    pub edits: Vec<Edit>,
}

/// A value as RON text, and where it was written.
type Written = (String, Place);

/// The load axis; none if something is wrong with it.
pub(super) fn load(axis: &written::Axis, document: &Document, diagnostics: &mut Diagnostics) -> Option<Axis> {
    let before = diagnostics.errors();
    let values = values(&axis.values, document, diagnostics);
    let mut first: Option<Number> = None;
    let mut previous: Option<Number> = None;
    for (text, place) in values.iter().flatten() {
        let mut wrong = |message: String, help: &str| {
            diagnostics.push(Diagnostic::error("invalid-value", place.clone(), message).help(help));
        };
        let Some(number) = Number::read(text) else {
            wrong("a load is a number or a rate".to_owned(), "write for example 5_000 or \"500/s\"");
            continue;
        };
        let kind = first.get_or_insert(number).kind;
        if number.kind != kind {
            let message = format!("this load is {}, the first one is {kind}", number.kind);
            wrong(message, "write all loads in the same unit, for example 5_000 or \"500/s\"");
            continue;
        }
        if previous.is_some_and(|previous| number.value <= previous.value) {
            wrong("loads grow from left to right".to_owned(), "write each load once, in ascending order");
        }
        previous = Some(number);
    }
    let axis = resolved(LOAD, axis, values?, document, diagnostics);
    if diagnostics.errors() == before { Some(axis) } else { None }
}

/// The further axes; none if something is wrong with one of them or with how they meet.
pub(super) fn further(
    written: &Named<written::Axis>,
    load: &written::Axis,
    document: &Document,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Axis>> {
    let before = diagnostics.errors();
    let mut axes = Vec::new();
    for (name, axis) in written {
        check_name(name, document, diagnostics);
        let Some(values) = values(&axis.values, document, diagnostics) else { continue };
        let (mut texts, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        for (text, place) in &values {
            let number = Number::read(text).map(|number| number.value.to_bits());
            let is_new = texts.insert(text.clone()) && number.is_none_or(|number| numbers.insert(number));
            if !is_new {
                let diagnostic = Diagnostic::error("invalid-value", place.clone(), "this value is there already");
                diagnostics.push(diagnostic.help("write each value once"));
            }
        }
        axes.push(resolved(name, axis, values, document, diagnostics));
    }
    check_paths(written, load, document, diagnostics);
    if diagnostics.errors() == before { Some(axes) } else { None }
}

/// The values as texts; none if they cannot be made.
fn values(values: &Spanned<Values>, document: &Document, diagnostics: &mut Diagnostics) -> Option<Vec<Written>> {
    match &values.value {
        ListOr::List(list) if list.is_empty() => {
            let place = document.place(values.span);
            let diagnostic = Diagnostic::error("invalid-value", place, "the axis has no values");
            diagnostics.push(diagnostic.help("write for example [100, 200]"));
            None
        }
        ListOr::List(list) => Some(list.iter().map(|one| (one.text.clone(), document.place(one.span))).collect()),
        ListOr::Other(steps) => {
            let texts = steps::texts(steps, document, diagnostics)?;
            Some(texts.into_iter().map(|text| (text, document.place(values.span))).collect())
        }
    }
}

fn resolved(
    name: &str,
    axis: &written::Axis,
    values: Vec<Written>,
    document: &Document,
    diagnostics: &mut Diagnostics,
) -> Axis {
    let mut edits: Vec<Vec<Edit>> = Vec::new();
    for (text, place) in &values {
        edits.push(vec![edit(&axis.path, text, place, document)]);
    }
    for (path, others) in &axis.with {
        let Some(others_values) = self::values(others, document, diagnostics) else { continue };
        if others_values.len() != values.len() {
            let message = format!("`{path}` has {} values, its axis has {}", others_values.len(), values.len());
            let diagnostic = Diagnostic::error("different-length", document.place(others.span), message);
            diagnostics.push(
                diagnostic
                    .also(document.place(axis.values.span), "the axis's own values")
                    .help("write one value for each value of the axis"),
            );
        }
        for (edits, (text, place)) in edits.iter_mut().zip(&others_values) {
            edits.push(edit(path, text, place, document));
        }
    }
    let numbers: Vec<Option<Number>> = values.iter().map(|(text, _)| Number::read(text)).collect();
    let kind = numbers.first().copied().flatten().map(|number| number.kind);
    let is_numeric = kind.is_some() && numbers.iter().all(|number| number.map(|number| number.kind) == kind);
    let values = values.iter().zip(numbers).zip(edits);
    Axis {
        name: name.to_owned(),
        path: axis.path.value.clone(),
        label: axis.label.clone(),
        unit: axis.unit.clone(),
        is_numeric,
        values: values
            .map(|(((text, _), number), edits)| Value {
                text: shown(text),
                number: number.filter(|_| is_numeric).map_or(0.0, |number| number.value),
                edits,
            })
            .collect(),
    }
}

fn edit(path: &Spanned<String>, text: &str, place: &Place, document: &Document) -> Edit {
    Edit {
        path: path.value.clone(),
        value: text.to_owned(),
        path_origin: document.place(path.span),
        value_origin: place.clone(),
    }
}

/// A value as a name may hold it: text without quotes, numbers without underscores, on one line and not too long.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let is_number = Number::read(text).is_some();
    let plain = ron::from_str::<String>(text).unwrap_or_else(|_| text.to_owned());
    let plain = if is_number { plain.replace('_', "") } else { plain };
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST).collect::<String>() + "…" }
}

fn check_name(name: &Spanned<String>, document: &Document, diagnostics: &mut Diagnostics) {
    let is_identifier = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && name.len() <= 64;
    let is_taken = matches!(name.as_str(), LOAD | "true" | "false");
    if !is_identifier || is_taken {
        let message = match is_taken {
            true => format!("`{name}` means something else already"),
            false => format!("`{name}` is no name for an axis: constraints could not call it by that"),
        };
        let diagnostic = Diagnostic::error("invalid-name", document.place(name.span), message);
        diagnostics.push(diagnostic.help("use letters, digits and `_`, as in \"pool_size\""));
    }
}

/// Two axes that move the same path would undo each other.
fn check_paths(
    written: &Named<written::Axis>,
    load: &written::Axis,
    document: &Document,
    diagnostics: &mut Diagnostics,
) {
    let mut seen: Vec<&Spanned<String>> = Vec::new();
    let paths = written.values().map(|axis| 1 + axis.with.len()).sum::<usize>() + load.with.len();
    if paths > MOST_PATHS {
        let diagnostic =
            Diagnostic::error("too-many-paths", document.place(load.path.span), "axes move over 100 paths");
        diagnostics.push(diagnostic.help("use fewer axes; what never changes belongs into the model"));
        return;
    }
    for axis in std::iter::once(load).chain(written.values().map(|axis| &axis.value)) {
        for path in std::iter::once(&axis.path).chain(axis.with.keys()) {
            if let Some(first) = seen.iter().find(|first| overlap(first, path)) {
                let message = format!("`{path}` is moved already");
                let diagnostic = Diagnostic::error("duplicate-path", document.place(path.span), message);
                let diagnostic = diagnostic.also(document.place(first.span), "here, with other values");
                diagnostics.push(diagnostic.help("move each path once, by one axis"));
            }
            seen.push(path);
        }
    }
}
