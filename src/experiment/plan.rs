//! An experiment as written, and the points it stands for.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

use crate::diagnostic::parse::parse_partly;
use crate::diagnostic::span::{Named, Spanned, Verbatim};
use crate::diagnostic::{Diagnostic, Diagnostics, Document, Level};
use crate::experiment::pipeline::{Horizon, Settings};
use crate::experiment::study::ChartKind;
use crate::files;
use crate::model::{Compiled, Edit, KeyTables, Model, compile_sharing, patch_partly, read};
use crate::units::{Duration, Rate, Ratio};

/// An experiment file.
///
/// ```ron
/// Experiment(
///     title: "How far does the shop scale?",
///     model: "../models/shop.ron",
///     load: Axis(path: "nodes.users.users", label: "users", values: [100, 1_000, 10_000]),
///     variants: {
///         "as is": {},
///         "more pods": { "nodes.web.replicas": 12 },
///     },
/// )
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    pub title: String,
    #[serde(default)]
    pub question: Option<String>,
    /// Seen from the experiment file.
    pub model: Spanned<String>,
    pub load: Axis,
    /// The operation, as clients request it, whose latency is drawn and must be precise; all together if left out.
    #[serde(default)]
    pub operation: Option<Spanned<String>>,
    /// Edits of the model by path; the variant with no edits is the model as it is.
    #[serde(default)]
    pub variants: Named<IndexMap<Spanned<String>, Verbatim>>,
    #[serde(default)]
    pub horizon: Option<HorizonSpec>,
    #[serde(default)]
    pub replications: Option<Spanned<u32>>,
    /// Half width of the 95% interval of p99 that is aimed at, relative to p99.
    #[serde(default)]
    pub precision: Option<Spanned<Ratio>>,
    /// Requests per point, over all replications, after which an imprecise point is given up.
    #[serde(default)]
    pub budget: Option<Spanned<u64>>,
    #[serde(default)]
    pub seed: Option<u64>,
    #[serde(default)]
    pub charts: Option<Vec<ChartKind>>,
}

/// What is varied along the horizontal axis.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    pub path: Spanned<String>,
    #[serde(default)]
    pub label: Option<String>,
    pub values: Spanned<Vec<Verbatim>>,
}

/// Which time is looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum HorizonSpec {
    /// The long run. `warm_up` is dropped from the start, or more if a time to live or the like needs longer.
    SteadyState {
        #[serde(default)]
        warm_up: Option<Duration>,
    },
    /// From time zero for this long, nothing dropped.
    Terminating { duration: Spanned<Duration> },
}

/// A model file and what it says.
#[derive(Clone, Debug)]
pub struct ModelFile {
    pub document: Document,
    /// Where files that the model names are looked for.
    pub directory: PathBuf,
}

/// One configuration at one load, ready to run.
#[derive(Clone, Debug)]
pub struct PlannedPoint {
    pub variant: usize,
    pub load: f64,
    pub compiled: Compiled,
    pub settings: Settings,
}

/// An experiment ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    /// Whether it is only a first look.
    pub quick: bool,
    pub experiment: Experiment,
    pub experiment_text: String,
    pub model_text: String,
    pub loads: Vec<f64>,
    pub variants: Vec<String>,
    /// Variant by variant, in order of load.
    pub points: Vec<PlannedPoint>,
}

/// Reads a file that a user named. `place` is where they named it.
pub fn read_file(path: &Path) -> Result<Document, Diagnostics> {
    match files::read_text(path) {
        Ok(text) => Ok(Document::new(path.display().to_string(), text)),
        Err(error) => {
            let shown = path.display().to_string();
            let place = crate::diagnostic::Place::whole(shown.clone(), "");
            Err(Diagnostic::error("unreadable-file", place, format!("cannot read {shown}: {error}"))
                .help("check the path and its permissions")
                .into())
        }
    }
}

/// What the results of an experiment are named: the stem of its file.
pub fn name(path: &Path) -> String {
    path.file_stem().map_or_else(|| "experiment".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// Reads an experiment and everything it names. Warnings go to `diagnostics` too.
pub fn load(path: &Path, quick: bool, seed: Option<u64>, diagnostics: &mut Diagnostics) -> Option<Plan> {
    let document = match read_file(path) {
        Ok(document) => document,
        Err(found) => {
            diagnostics.extend(found);
            return None;
        }
    };
    // What is wrong is left out, so that the rest can be looked at too.
    let experiment: Experiment = parse_partly(&document, diagnostics).value?;
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    let model_path = directory.join(&experiment.model.value);
    let model_text = match files::open(&model_path).and_then(std::io::read_to_string) {
        Ok(text) => text,
        Err(error) => {
            let place = document.place(experiment.model.span);
            let message = format!("cannot read the model {}: {error}", model_path.display());
            let help = "write the path as seen from the experiment file, such as \"../models/shop.ron\"";
            diagnostics.push(Diagnostic::error("unreadable-file", place, message).help(help));
            return None;
        }
    };
    let model_name = model_path.display().to_string();
    let file = ModelFile {
        document: Document::new(model_name, model_text.clone()),
        directory: model_path.parent().unwrap_or(Path::new("")).to_owned(),
    };
    let settings = experiment.settings(&document, quick, seed, diagnostics);
    let loads = loads(&experiment.load, &document, diagnostics);
    let mut variants: Vec<(String, Vec<Edit>)> = Vec::new();
    variant_names(&experiment, &document, diagnostics);
    for (name, edits) in &experiment.variants {
        let edits = edits.iter().map(|(path, value)| Edit::from_document(&document, path, value)).collect();
        variants.push((name.value.clone(), edits));
    }
    if variants.is_empty() {
        variants.push(("as is".to_owned(), Vec::new()));
    }
    let mut tables = KeyTables::default();
    let mut points = Vec::new();
    let mut doubts: Option<Vec<Diagnostic>> = None;
    if loads.is_none() {
        // Without loads there are no points, but what is wrong with the variants can be told already.
        for (_, edits) in &variants {
            load_sharing(&file, edits, false, &mut tables, diagnostics);
        }
    }
    let loads = loads.unwrap_or_default();
    for (variant, (_, edits)) in variants.iter().enumerate() {
        for (load, value) in loads.iter().zip(experiment.load.values.iter()) {
            let mut edits = edits.clone();
            edits.push(Edit::from_document(&document, &experiment.load.path, value));
            let mut found = Diagnostics::new();
            let compiled = load_sharing(&file, &edits, true, &mut tables, &mut found);
            // Doubts about the lightest load that every variant raises hold for the model; what heavier loads do is what
            // the experiment asks.
            let warnings = found.iter().filter(|one| one.level == Level::Warning).cloned();
            if *load == loads[0] {
                doubts = Some(match doubts.take() {
                    None => warnings.collect(),
                    Some(known) => common(known, &warnings.collect::<Vec<_>>()),
                });
            }
            found.iter().filter(|one| one.level == Level::Error).for_each(|one| diagnostics.push(one.clone()));
            if let Some(compiled) = compiled {
                points.push(PlannedPoint { variant, load: *load, compiled, settings: settings.clone() });
            }
        }
    }
    doubts.into_iter().flatten().for_each(|doubt| diagnostics.push(doubt));
    if let (Some(operation), Some(point)) = (&experiment.operation, points.first()) {
        let requested: Vec<&str> = point.compiled.requested().collect();
        if !requested.contains(&operation.value.as_str()) {
            let message = format!("no client requests `{}`", operation.value);
            let help = format!("name one of {}, or leave it out to look at all", requested.join(", "));
            diagnostics
                .push(Diagnostic::error("unknown-operation", document.place(operation.span), message).help(help));
        }
    }
    if diagnostics.has_errors() {
        return None;
    }
    Some(Plan {
        name: name(path),
        quick,
        experiment_text: document.text().to_owned(),
        experiment,
        model_text,
        loads,
        variants: variants.into_iter().map(|(name, _)| name).collect(),
        points,
    })
}

/// The diagnostics that say what one of the others says too.
fn common(diagnostics: Vec<Diagnostic>, others: &[Diagnostic]) -> Vec<Diagnostic> {
    let same = |one: &Diagnostic, other: &Diagnostic| one.code == other.code && one.title == other.title;
    diagnostics.into_iter().filter(|one| others.iter().any(|other| same(one, other))).collect()
}

/// Patches, reads, checks and compiles a model.
pub fn load_point(file: &ModelFile, edits: &[Edit], warnings: bool, diagnostics: &mut Diagnostics) -> Option<Compiled> {
    load_sharing(file, edits, warnings, &mut KeyTables::default(), diagnostics)
}

/// As [`load_point`], for one of many points.
fn load_sharing(
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
            edits.iter().any(|edit| std::sync::Arc::ptr_eq(&edit.value_origin.source, &one.primary.place.source))
        };
        let errors = found.iter().filter(|one| one.level == Level::Error).filter(is_of_an_edit);
        errors.for_each(|one| misplaced.push(one.clone()));
        diagnostics.extend(misplaced);
        return None;
    }
    for diagnostic in found.iter().filter(|diagnostic| warnings || diagnostic.level == Level::Error) {
        diagnostics.push(diagnostic.clone());
    }
    match compile_sharing(&model?, &document, &file.directory, tables) {
        Ok(compiled) => Some(compiled),
        Err(found) => {
            diagnostics.extend(found);
            None
        }
    }
}

impl Experiment {
    fn settings(&self, document: &Document, quick: bool, seed: Option<u64>, diagnostics: &mut Diagnostics) -> Settings {
        let mut settings = if quick { Settings::quick() } else { Settings::default() };
        settings.seed = seed.or(self.seed).unwrap_or(settings.seed);
        settings.operation = self.operation.as_ref().map(|operation| operation.value.clone());
        let mut wrong = |span, message: &str, help: &str| {
            diagnostics.push(Diagnostic::error("invalid-value", document.place(span), message).help(help));
        };
        if let Some(replications) = &self.replications {
            if (2..=10_000).contains(&replications.value) {
                settings.replications = if quick { replications.value.min(8) } else { replications.value };
            } else {
                let message = "an interval needs between 2 and 10,000 replications";
                wrong(replications.span, message, "write 20, or leave it out");
            }
        }
        if let Some(precision) = &self.precision {
            if precision.value.value > 0.0 && precision.value.value < 1.0 {
                let aimed = precision.value.value;
                settings.precision = if quick { aimed.max(settings.precision) } else { aimed };
            } else {
                wrong(precision.span, "a precision lies between 0% and 100%", "write \"5%\"");
            }
        }
        if let Some(budget) = &self.budget {
            if (1..=100_000_000_000).contains(&budget.value) {
                settings.budget = if quick { budget.value.min(settings.budget) } else { budget.value };
            } else {
                wrong(budget.span, "a budget lies between 1 and 1e11 requests", "write 50_000_000");
            }
        }
        match &self.horizon {
            Some(HorizonSpec::SteadyState { warm_up: Some(warm_up) }) => {
                settings.horizon = Horizon::SteadyState { warm_up_ns: Some(warm_up.ns) };
            }
            Some(HorizonSpec::Terminating { duration }) if duration.ns > 0 => {
                settings.horizon = Horizon::Terminating { duration_ns: duration.ns };
            }
            Some(HorizonSpec::Terminating { duration }) => {
                wrong(duration.span, "a study of no time finds nothing", "write for example \"1h\"");
            }
            Some(HorizonSpec::SteadyState { warm_up: None }) | None => {}
        }
        settings
    }
}

/// Reports names of variants that nobody could tell apart in a chart.
fn variant_names(experiment: &Experiment, document: &Document, diagnostics: &mut Diagnostics) {
    let mut seen: Vec<&str> = Vec::new();
    for name in experiment.variants.keys() {
        let shown = name.trim();
        let mut wrong = |code, message: String| {
            let help = "name it by what it changes, such as \"more pods\"";
            diagnostics.push(Diagnostic::error(code, document.place(name.span), message).help(help));
        };
        if shown.is_empty() {
            wrong("invalid-value", "a variant needs a name".to_owned());
        } else if seen.contains(&shown) {
            wrong("duplicate-name", format!("another variant is called `{shown}` too, but for blanks"));
        }
        seen.push(shown);
    }
}

/// The values of the axis as numbers: plain, or rates per second.
fn loads(axis: &Axis, document: &Document, diagnostics: &mut Diagnostics) -> Option<Vec<f64>> {
    let before = diagnostics.errors();
    if axis.values.is_empty() {
        let place = document.place(axis.values.span);
        diagnostics.push(
            Diagnostic::error("invalid-value", place, "the axis has no values").help("write for example [100, 200]"),
        );
    }
    let number = |value: &Verbatim| {
        let plain = value.text.trim().replace('_', "");
        let number = plain.parse::<f64>().ok().filter(|number| number.is_finite());
        number.or_else(|| ron::from_str::<Rate>(&value.text).ok().map(|rate| rate.per_second))
    };
    let mut numbers: Vec<f64> = Vec::new();
    for value in axis.values.iter() {
        let Some(number) = number(value) else {
            let message = "a load is a number or a rate";
            let diagnostic = Diagnostic::error("invalid-value", document.place(value.span), message);
            diagnostics.push(diagnostic.help("write for example 5_000 or \"500/s\""));
            continue;
        };
        if numbers.last().is_some_and(|last| number <= *last) {
            let message = "loads grow from left to right";
            let diagnostic = Diagnostic::error("invalid-value", document.place(value.span), message);
            diagnostics.push(diagnostic.help("write each load once, in ascending order"));
        }
        numbers.push(number);
    }
    (diagnostics.errors() == before).then_some(numbers)
}
