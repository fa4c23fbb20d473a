//! Everything that an experiment says, before any point of it is made: what is varied, and what is asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::diagnostic::names;
use crate::diagnostic::parse::parse_partly;
use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::pipeline::{Horizon, Settings};
use crate::experiment::plan::axes::{self, Axis};
use crate::experiment::plan::constraints::{Constraint, constraints};
use crate::experiment::plan::evaluate::combination;
use crate::experiment::plan::grid::{MOST_POINTS, cartesian};
use crate::experiment::plan::model_file::{ModelFile, load_sharing, open_model, read_file};
use crate::experiment::plan::objectives;
use crate::experiment::plan::settings::settings;
use crate::experiment::plan::variants::{Variant, Variants, variants};
use crate::experiment::plan::{LoadAxis, Series};
use crate::experiment::study::Objective;
use crate::experiment::written::Experiment;
use crate::model::check::assumptions::check_file as check_assumptions;
use crate::model::{Compiled, Edit, KeyTables};

/// An experiment, read and understood. It may span more configurations than anybody can count one by one.
#[derive(Clone, Debug)]
pub struct Space {
    pub name: String,
    /// Whether it is only a first look.
    pub quick: bool,
    pub experiment: Experiment,
    pub(super) document: Document,
    pub file: ModelFile,
    /// Whether the model is another one than the experiment names: the baseline that it is compared with.
    stands_in: bool,
    /// How points are studied.
    pub settings: Settings,
    pub objectives: Vec<Objective>,
    pub load_axis: LoadAxis,
    pub(super) load: Axis,
    /// The further axes.
    pub(super) axes: Vec<Axis>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) variants: Vec<Variant>,
    /// Index of the variant that others are compared with.
    pub(super) baseline: usize,
}

/// What the constraints say of a combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    All,
    /// Index of the constraint that is broken.
    Broken(usize),
    /// Index of the constraint that divides by zero there.
    Undefined(usize),
}

/// One dimension of a space: the variants, or a further axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    pub name: String,
    pub values: usize,
    /// Whether values are numbers in ascending or descending order, so that neighbours are alike.
    pub is_ordered: bool,
}

impl Space {
    /// Reads an experiment and everything it names, with another model in the place of its own if one is given.
    pub(super) fn load(
        path: &Path,
        model: Option<ModelFile>,
        quick: bool,
        seed: Option<u64>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let document = read_file(path).map_err(|found| diagnostics.extend(found)).ok()?;
        // What is wrong is left out, so that the rest can be looked at too.
        let experiment: Experiment = parse_partly(&document, diagnostics).value?;
        let stands_in = model.is_some();
        let file = match model {
            Some(model) => model,
            None => open_model(path, &experiment, &document, diagnostics)?,
        };
        check_assumptions(&file.document, diagnostics);
        let mut settings = settings(&experiment, &document, quick, seed, diagnostics);
        let objectives = objectives::objectives(&experiment, &document, diagnostics);
        // A study of a given length is not lengthened, whatever its objectives are.
        if matches!(settings.horizon, Horizon::SteadyState { .. }) {
            settings.error_limits = objectives::error_limits(&objectives);
            settings.latency_limits = objectives::latency_limits(&objectives, settings.operation.as_deref());
        } else {
            settings.objectives = objectives.iter().filter(|one| one.is_of_windows()).cloned().collect();
        }
        let load = axes::load(&experiment.load, &document, diagnostics);
        let further = axes::further(&experiment.axes, &experiment.load, &document, diagnostics);
        let Variants { list: variants, baseline } = variants(&experiment, &document, diagnostics);
        let before = diagnostics.errors();
        let axes = load.zip(further).map(|(load, axes)| {
            let all: Vec<&Axis> = std::iter::once(&load).chain(&axes).collect();
            let constraints = constraints(&experiment.constraints, &all, &document, diagnostics);
            (load, axes, constraints)
        });
        let Some((load, axes, constraints)) = axes.filter(|_| diagnostics.errors() == before) else {
            // Without axes there are no points, but what is wrong with the variants can be told already.
            check(&file, &variants, diagnostics);
            return None;
        };
        Some(Self {
            name: super::name(path),
            quick,
            load_axis: LoadAxis::of(&load, &file.document)?,
            experiment,
            document,
            file,
            stands_in,
            settings,
            objectives,
            load,
            axes,
            constraints,
            variants,
            baseline,
        })
    }

    /// Reports what is wrong with the variants.
    pub(super) fn check_variants(&self, diagnostics: &mut Diagnostics) {
        check(&self.file, &self.variants, diagnostics);
    }

    /// Reports what is wrong with a variant or with a value of an axis, each beside the first of all others, at the
    /// heaviest load, and what nobody requests.
    pub(super) fn check_values(&self, diagnostics: &mut Diagnostics) {
        let load = self.loads().last().copied().unwrap_or(1.0);
        let first = vec![0; self.axes.len() + 1];
        let mut tables = KeyTables::default();
        if let Some(compiled) = self.compile(&first, load, &mut tables, diagnostics) {
            self.check_operations(&compiled, diagnostics);
        }
        for (dimension, Dimension { values, .. }) in self.dimensions().into_iter().enumerate() {
            for value in 1..values {
                if diagnostics.is_full() {
                    return;
                }
                let mut configuration = first.clone();
                configuration[dimension] = value;
                if self.admits(&configuration, load) {
                    self.compile(&configuration, load, &mut tables, diagnostics);
                }
            }
        }
    }

    /// A load as somebody writes it, `20_000` or `300/s`; `None` if it is none of the kind that is listed, or if others move
    /// with the load and it is not listed.
    pub fn read_load(&self, text: &str) -> Option<f64> {
        self.load_axis.read(text).filter(|load| self.load_axis.edits(*load).is_some())
    }

    /// The text of the experiment.
    pub fn text(&self) -> &str {
        self.document.text()
    }

    /// The listed loads, in ascending order.
    pub fn loads(&self) -> Vec<f64> {
        self.load.values.iter().map(|value| value.number).collect()
    }

    /// What a configuration has one value of: the variants first, then every further axis.
    pub fn dimensions(&self) -> Vec<Dimension> {
        let variants = Dimension { name: "variant".to_owned(), values: self.variants.len(), is_ordered: false };
        let of_axis = |axis: &Axis| {
            let numbers = || axis.values.windows(2).map(|pair| pair[1].number - pair[0].number);
            let is_ordered = axis.is_numeric && (numbers().all(|step| step > 0.0) || numbers().all(|step| step < 0.0));
            Dimension { name: axis.name.clone(), values: axis.values.len(), is_ordered }
        };
        std::iter::once(variants).chain(self.axes.iter().map(of_axis)).collect()
    }

    /// Combinations of all variants and all values of the further axes, constraints not considered.
    pub fn size(&self) -> f64 {
        self.dimensions().iter().map(|dimension| dimension.values as f64).product()
    }

    /// What the constraints say of a load and one value of each further axis: the first that does not hold decides.
    pub(super) fn held(&self, load: f64, values: &[usize]) -> Held {
        if self.constraints.is_empty() {
            return Held::All;
        }
        let combination = combination(load, self.axes.iter().zip(values.iter().copied()));
        for (index, constraint) in self.constraints.iter().enumerate() {
            match constraint.holds(&combination) {
                Some(true) => {}
                Some(false) => return Held::Broken(index),
                None => return Held::Undefined(index),
            }
        }
        Held::All
    }

    /// Reports the first combination of which a constraint has nothing to say, if there is one among so many combinations as
    /// anybody can look at.
    pub(super) fn check_constraints(&self, diagnostics: &mut Diagnostics) {
        let loads = self.loads();
        let size: f64 = self.axes.iter().map(|axis| axis.values.len() as f64).product();
        if self.constraints.is_empty() || size * loads.len() as f64 > MOST_POINTS as f64 {
            return;
        }
        for values in cartesian(&self.axes) {
            for load in &loads {
                if let Held::Undefined(index) = self.held(*load, &values) {
                    return diagnostics.push(self.undefined(index, *load, &values));
                }
            }
        }
    }

    /// That a constraint has nothing to say of a combination.
    fn undefined(&self, constraint: usize, load: f64, values: &[usize]) -> Diagnostic {
        let chosen = self.axes.iter().zip(values);
        let chosen = chosen.map(|(axis, value)| format!("{} {}", axis.name, axis.values[*value].text));
        let named: Vec<String> = std::iter::once(format!("load {load}")).chain(chosen).collect();
        let expression = &self.constraints[constraint].expression;
        let title =
            format!("`{expression}` divides by zero, or reckons with what is no number, at {}", named.join(", "));
        let written = self.experiment.constraints.get(constraint).map(|written| written.span);
        let place = self.document.place(written.unwrap_or(self.experiment.load.values.span));
        let help = "say first where it holds, such as \"pods == 0 || load / pods <= 400\", or leave the value out";
        Diagnostic::error("undefined-constraint", place, title).help(help)
    }

    /// Whether a configuration, one index for each dimension, holds all constraints.
    pub fn admits(&self, configuration: &[usize], load: f64) -> bool {
        configuration.split_first().is_some_and(|(_, values)| self.held(load, values) == Held::All)
    }

    /// A configuration as the series that it would be in results.
    pub fn series(&self, configuration: &[usize]) -> Series {
        let (variant, values) = configuration.split_first().map_or((0, &[][..]), |(first, rest)| (*first, rest));
        let variant = &self.variants[variant];
        let chosen = || self.axes.iter().zip(values).map(|(axis, value)| (axis, &axis.values[*value]));
        let named = !self.experiment.variants.is_empty() || self.axes.is_empty();
        let mut parts: Vec<String> = named.then(|| variant.name.clone()).into_iter().collect();
        parts.extend(chosen().map(|(axis, value)| match &axis.unit {
            Some(unit) => format!("{} {} {unit}", axis.name, value.text),
            None => format!("{} {}", axis.name, value.text),
        }));
        let settings: BTreeMap<String, String> =
            chosen().map(|(axis, value)| (axis.name.clone(), value.text.clone())).collect();
        // The variant's edits, then those of the axes.
        let edits: Vec<Edit> =
            variant.edits.iter().chain(chosen().flat_map(|(_, value)| &value.edits)).cloned().collect();
        Series {
            name: parts.join(", "),
            variant: variant.name.clone(),
            settings,
            edits,
            configuration: configuration.to_vec(),
        }
    }

    /// A configuration at a load, ready to run.
    pub fn compile(
        &self,
        configuration: &[usize],
        load: f64,
        tables: &mut KeyTables,
        diagnostics: &mut Diagnostics,
    ) -> Option<Compiled> {
        let mut edits = self.series(configuration).edits;
        edits.extend(self.load_axis.edits(load)?);
        load_sharing(&self.file, &edits, false, tables, diagnostics)
    }

    /// Reports operations of objectives and of the experiment that nobody requests.
    pub(super) fn check_operations(&self, compiled: &Compiled, diagnostics: &mut Diagnostics) {
        let names = compiled.request_names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let baseline = self.stands_in.then_some(&self.file.document);
        objectives::check_operations(&self.experiment, &names, &self.document, baseline, diagnostics);
    }

    /// Reports measures of nodes that no configuration has.
    pub(super) fn check_measures<'a>(&self, all: impl Iterator<Item = &'a Compiled>, diagnostics: &mut Diagnostics) {
        if self.experiment.measures.is_empty() {
            return;
        }
        let nodes: BTreeSet<&str> =
            all.flat_map(|compiled| compiled.descriptions.iter().map(|node| node.name.as_str())).collect();
        for watched in &self.experiment.measures {
            if !nodes.contains(&watched.node.value.as_str()) {
                let message = format!("there is no node `{}` whose measures could be drawn", *watched.node);
                let meant = names::closest(&watched.node, nodes.iter().copied());
                let all = || nodes.iter().copied().collect::<Vec<_>>().join(", ");
                let help = meant.map_or_else(all, |name| format!("did you mean `{name}`?"));
                let place = self.document.place(watched.node.span);
                diagnostics.push(Diagnostic::error("unknown-node", place, message).help(help));
            }
        }
    }
}

fn check(file: &ModelFile, variants: &[Variant], diagnostics: &mut Diagnostics) {
    let mut tables = KeyTables::default();
    for variant in variants {
        load_sharing(file, &variant.edits, false, &mut tables, diagnostics);
    }
}
