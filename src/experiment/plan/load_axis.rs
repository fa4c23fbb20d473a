//! The load as a search sees it: any value between those that are listed, and beyond them.

use crate::diagnostic::Document;
use crate::experiment::plan::axes::Axis;
use crate::model::{Edit, Number, value_at};

/// The horizontal axis.
#[derive(Clone, Debug)]
pub struct LoadAxis {
    pub label: String,
    /// Whether loads are whole numbers, such as users.
    pub is_whole: bool,
    /// Whether other paths move with it, which have no values in between.
    pub moves_others: bool,
    /// What the model has there as it is written, if that is a load of the same kind.
    pub written: Option<f64>,
    is_rate: bool,
    /// The loads that are listed, and what each of them changes; never empty.
    listed: Vec<(f64, Vec<Edit>)>,
    /// An edit to the first of the listed loads: where it came from.
    edit: Edit,
}

impl LoadAxis {
    pub(super) fn of(axis: &Axis, model: &Document) -> Option<Self> {
        let edits = &axis.values.first()?.edits;
        let edit = edits.first()?.clone();
        let listed = || axis.values.iter().filter_map(|value| Number::read(&value.edits.first()?.value));
        let kind = listed().next()?.kind;
        let written = value_at(model, &axis.path).and_then(Number::read).filter(|number| number.kind == kind);
        Some(Self {
            label: axis.label.clone().unwrap_or_else(|| axis.path.clone()),
            is_whole: kind == "a number" && listed().all(|number| number.value.fract() == 0.0),
            moves_others: edits.len() > 1,
            written: written.map(|number| number.value),
            is_rate: kind == "a rate",
            listed: axis.values.iter().map(|value| (value.number, value.edits.clone())).collect(),
            edit,
        })
    }

    /// The edit that sets this load.
    pub fn edit(&self, load: f64) -> Edit {
        let value = if self.is_rate { format!("\"{load}/s\"") } else { format!("{load}") };
        Edit { value, ..self.edit.clone() }
    }

    /// What makes the model carry this load, as it is written if it is listed. `None` between the listed ones if others move
    /// with it.
    pub fn edits(&self, load: f64) -> Option<Vec<Edit>> {
        match self.listed.iter().find(|(listed, _)| *listed == load) {
            Some((_, edits)) => Some(edits.clone()),
            None => (!self.moves_others).then(|| vec![self.edit(load)]),
        }
    }

    /// The load in the text of a command line: `400/s`, `5_000`.
    pub fn read(&self, text: &str) -> Option<f64> {
        let number = Number::read(text).or_else(|| Number::read(&format!("\"{text}\"")))?;
        let kind = if self.is_rate { "a rate" } else { "a number" };
        (number.kind == kind && number.value > 0.0 && (!self.is_whole || number.value.fract() == 0.0))
            .then_some(number.value)
    }
}
