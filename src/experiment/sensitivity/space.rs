//! What is varied in each series of an experiment, and the model of a draw.

use std::collections::BTreeSet;

use crate::diagnostic::document::Insertion;
use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::plan::{ModelFile, Plan, covers, load_document};
use crate::experiment::sensitivity::results::Assumption;
use crate::model::assumptions::{Assumed, Quantity, Range, assumptions};
use crate::model::{Compiled, Edit, KeyTables, Model, Number, patch_partly, read};

/// More than anybody reads about, and than draws can tell apart.
const MOST: usize = 1_000;

/// One series at the load that is looked at, and what is varied of it.
#[derive(Debug)]
pub struct Space {
    /// Index into the plan's series.
    pub series: usize,
    /// The model as it is written, with the edits of the series and the load.
    file: ModelFile,
    pub written: Compiled,
    pub varied: Vec<Varied>,
    /// What is assumed of what the experiment itself moves.
    pub moved_paths: Vec<String>,
    tables: KeyTables,
}

/// An assumption, and how its values are written.
#[derive(Clone, Debug)]
pub struct Varied {
    assumed: Assumed,
    /// Whether only whole numbers may stand there, such as a number of users.
    is_whole: bool,
}

impl Varied {
    /// As results tell it.
    pub fn described(&self) -> Assumption {
        let Assumed { path, provenance, is_declared, range, .. } = &self.assumed;
        Assumption {
            path: path.clone(),
            name: short(path),
            provenance: *provenance,
            is_declared: *is_declared,
            is_factor: range.is_factor(),
            low: range.at(0.0),
            middle: range.at(0.5),
            high: range.at(1.0),
        }
    }

    pub fn path(&self) -> &str {
        &self.assumed.path
    }

    /// What stands in the model at a share of the range, instead of `written`.
    fn text(&self, written: &str, share: f64) -> String {
        let value = self.assumed.range.at(share);
        match (self.assumed.quantity, self.assumed.range) {
            (Quantity::Law, _) => format!("Scaled(by: {value}, law: {written})"),
            (Quantity::Number(number), Range::Factor { .. }) => self.number(number, number.value * value),
            (Quantity::Number(number), Range::Between { .. }) => self.number(number, value),
        }
    }

    fn number(&self, number: Number, value: f64) -> String {
        let value = if self.is_whole { value.round() } else { value };
        Number { value, ..number }.written()
    }
}

impl Space {
    /// What is varied of a series at a load. What cannot be varied as far as it is assumed to be is reported.
    pub fn of(plan: &Plan, series: usize, load: &[Edit], diagnostics: &mut Diagnostics) -> Option<Self> {
        let space = Self::read(plan, series, load, diagnostics)?;
        space.check_ends(&mut BTreeSet::new(), diagnostics);
        Some(space)
    }

    /// The same, with ranges as they are stated, whether or not their ends make a model.
    pub fn read(plan: &Plan, series: usize, load: &[Edit], diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut edits = plan.series[series].edits.clone();
        edits.extend_from_slice(load);
        let document = patch_partly(&plan.space.file.document, &edits, diagnostics);
        let file = ModelFile { document, directory: plan.space.file.directory.clone() };
        let mut tables = KeyTables::default();
        let written = load_document(&file, &mut tables, diagnostics)?;
        let model: Model = read(&file.document, &mut Diagnostics::new())?;
        let mut space = Self { series, file, written, varied: Vec::new(), moved_paths: Vec::new(), tables };
        let axes = moved_by_axes(plan);
        for assumed in assumptions(&space.file.document, &model.assumptions) {
            if axes.iter().any(|axis| covers(axis, &assumed.path)) {
                space.moved_paths.push(assumed.path);
            } else if space.varied.len() < MOST {
                let varied = space.varied(assumed);
                space.varied.push(varied);
            } else {
                let title = "more than 1,000 things are assumed: no number of draws can tell them apart";
                let diagnostic = Diagnostic::error("too-many-assumptions", assumed.origin, title);
                diagnostics.push(diagnostic.help("look at a part of the model, as a model of its own"));
                return None;
            }
        }
        Some(space)
    }

    /// The model in which every assumption has the value at its share of its range, in the order of `varied`.
    ///
    /// # Errors
    /// When the values of a draw make no model together.
    pub fn draw(&self, shares: &[f64]) -> Result<Compiled, Diagnostics> {
        let shares: Vec<(usize, f64)> = shares.iter().copied().enumerate().collect();
        self.compile(self.document(&shares))
    }

    fn varied(&self, assumed: Assumed) -> Varied {
        let written = self.file.document.text().get(assumed.span.start..assumed.span.end).unwrap_or_default();
        let is_plain = matches!(assumed.quantity, Quantity::Number(number) if number.kind == "a number");
        let mut varied = Varied { assumed, is_whole: false };
        if is_plain && !written.contains(['.', 'e', 'E']) {
            // Whether a field takes fractions, its own reader knows best.
            let share = 0.381_966;
            let value = varied.text(written, share);
            let value = if value.contains('.') { value } else { format!("{value}.5") };
            let document = self.file.document.replace(varied.assumed.span, &[varied.inserted(value)]);
            let model: Option<Model> = read(&document, &mut Diagnostics::new());
            varied.is_whole = model.is_none();
        }
        varied
    }

    /// The model's text with other values. Assumptions do not overlap, so that each can be put in from the end of the text.
    fn document(&self, shares: &[(usize, f64)]) -> Document {
        let mut document = self.file.document.clone();
        // They stand in the order of the text.
        for (index, share) in shares.iter().rev() {
            let varied = &self.varied[*index];
            let text = varied.text(self.written_text(varied), *share);
            document = document.replace(varied.assumed.span, &[varied.inserted(text)]);
        }
        document
    }

    /// What stands in the model as it is written.
    fn written_text(&self, varied: &Varied) -> &str {
        let span = varied.assumed.span;
        self.file.document.text().get(span.start..span.end).unwrap_or_default()
    }

    fn compile(&self, document: Document) -> Result<Compiled, Diagnostics> {
        let file = ModelFile { document, directory: self.file.directory.clone() };
        let mut diagnostics = Diagnostics::new();
        load_document(&file, &mut self.tables.clone(), &mut diagnostics).ok_or(diagnostics)
    }

    /// Reports assumptions whose ends make no model, but for those that were `seen` in another series, which are the same
    /// text at the same path and with the same ends.
    pub fn check_ends(&self, seen: &mut BTreeSet<String>, diagnostics: &mut Diagnostics) {
        for (index, varied) in self.varied.iter().enumerate() {
            let ends =
                varied.text(self.written_text(varied), 0.0) + " to " + &varied.text(self.written_text(varied), 1.0);
            if !seen.insert(format!("{}: {ends}", varied.assumed.path)) {
                continue;
            }
            for (share, end) in [(0.0, "lower"), (1.0, "upper")] {
                let Err(found) = self.compile(self.document(&[(index, share)])) else { continue };
                for mistake in found.iter().take(1) {
                    let (path, origin) = (&varied.assumed.path, varied.assumed.origin.clone());
                    let title = format!("at the {end} end of its range, `{path}` makes no model: {}", mistake.title);
                    let diagnostic = Diagnostic::error("invalid-range", origin, title);
                    let help = format!("state a narrower range: \"{path}\": Guess(factor: (0.8, 1.2))");
                    diagnostics.push(diagnostic.help(help));
                }
            }
        }
    }
}

impl Varied {
    fn inserted(&self, text: String) -> Insertion {
        Insertion { text, origin: self.assumed.origin.clone() }
    }
}

/// Every path that the load or a further axis moves.
fn moved_by_axes(plan: &Plan) -> Vec<&str> {
    let axes = plan.space.experiment.axes.values().map(|axis| &axis.value).chain([&plan.space.experiment.load]);
    axes.flat_map(|axis| std::iter::once(&axis.path).chain(axis.with.keys())).map(|path| path.value.as_str()).collect()
}

/// A path as a sentence calls it: `postgres.read.cpu` for `nodes.postgres.operations.read.cpu`.
fn short(path: &str) -> String {
    let path = ["nodes.", "links."].iter().find_map(|root| path.strip_prefix(root)).unwrap_or(path);
    path.replacen(".operations.", ".", 1).replace('"', "")
}

/// Every assumption of any series once, in the order in which series have them.
pub fn union(spaces: &[Space]) -> Vec<Assumption> {
    let mut known = BTreeSet::new();
    let all = spaces.iter().flat_map(|space| &space.varied);
    all.filter(|varied| known.insert(varied.path())).map(Varied::described).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_still_tell_where() {
        assert_eq!(short("nodes.postgres.operations.read.cpu"), "postgres.read.cpu");
        assert_eq!(short("links.web -> db.latency"), "web -> db.latency");
        assert_eq!(short("nodes.\"web.v2\".operations.page.1"), "web.v2.page.1");
        assert_eq!(short("keys.client.exponent"), "keys.client.exponent");
    }
}
