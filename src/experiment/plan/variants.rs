//! Variants: named edits, and sums of them.

use indexmap::IndexMap;

use crate::diagnostic::names;
use crate::diagnostic::span::{Span, Spanned, Verbatim};
use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::plan::paths::covers;
use crate::experiment::written;
use crate::experiment::written::Experiment;
use crate::model::Edit;

/// What stands between the names of a sum.
const PLUS: &str = " + ";

/// What a variant is called that nobody named.
const UNCHANGED: &str = "as is";

/// More variants than anybody names, and longer names of sums than anybody reads.
const MOST_VARIANTS: usize = 1_000;
const LONGEST_SUM: usize = 1_000;

/// A variant that runs.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) edits: Vec<Edit>,
}

/// The variants that run, and which of them is the baseline.
#[derive(Debug)]
pub(super) struct Variants {
    pub(super) list: Vec<Variant>,
    pub(super) baseline: usize,
}

/// The variants that run, in their order, as far as they can be made.
pub(super) fn variants(experiment: &Experiment, document: &Document, diagnostics: &mut Diagnostics) -> Variants {
    if let Some((name, _)) = experiment.variants.get_index(MOST_VARIANTS) {
        let diagnostic = Diagnostic::error("too-many-variants", document.place(name.span), "more than 1,000 variants");
        diagnostics.push(diagnostic.help("what differs by its values is better an axis"));
        return Variants { list: Vec::new(), baseline: 0 };
    }
    check_names(experiment, document, diagnostics);
    let maker = Maker { experiment, document };
    let mut made: Vec<(Variant, Span)> = Vec::new();
    for (name, own) in &experiment.variants {
        made.push((maker.variant(name, own, diagnostics), name.span));
    }
    if let Some(run) = &experiment.run {
        made = maker.chosen(run, &made, diagnostics);
    } else if made.is_empty() {
        made.push((Variant { name: UNCHANGED.to_owned(), edits: Vec::new() }, Span::default()));
    }
    warn_of_axes(experiment, made.iter().map(|(variant, _)| variant), diagnostics);
    let list: Vec<Variant> = made.into_iter().map(|(variant, _)| variant).collect();
    let baseline = maker.baseline(&list, diagnostics);
    Variants { list, baseline }
}

struct Maker<'a> {
    experiment: &'a Experiment,
    document: &'a Document,
}

impl Maker<'_> {
    /// A written variant: the edits of its parts if its name is a sum, then its own.
    fn variant(
        &self,
        name: &Spanned<String>,
        own: &IndexMap<Spanned<String>, Verbatim>,
        diagnostics: &mut Diagnostics,
    ) -> Variant {
        let own: Vec<Edit> = own.iter().map(|(path, value)| Edit::from_document(self.document, path, value)).collect();
        let mut edits = self.sum(name, &own, diagnostics);
        edits.extend(own);
        Variant { name: name.value.clone(), edits }
    }

    /// The edits of all parts of a sum; none if the name is no sum.
    fn sum(&self, name: &Spanned<String>, own: &[Edit], diagnostics: &mut Diagnostics) -> Vec<Edit> {
        if !name.contains(PLUS) {
            return Vec::new();
        }
        let written = self.document.place(name.span);
        if name.len() > LONGEST_SUM {
            let diagnostic = Diagnostic::error("invalid-name", written, "the name of this sum is too long to be read");
            diagnostics.push(diagnostic.help("give one of the parts a shorter name, or add fewer"));
            return Vec::new();
        }
        let mut parts: Vec<(&str, Vec<Edit>)> = Vec::new();
        let mut from = 0;
        for part in name.split(PLUS).map(str::trim) {
            let rest = written.text().get(from..).unwrap_or_default();
            let at = rest.find(part).filter(|_| !part.is_empty()).map(|at| from + at);
            let place = at.map_or_else(|| written.clone(), |at| written.part(at, at + part.len()));
            from = at.map_or(from, |at| at + part.len());
            let mut wrong = |code, message: String, help: String| {
                diagnostics.push(Diagnostic::error(code, place.clone(), message).help(help));
            };
            let candidates = self.experiment.variants.keys().map(|known| known.trim());
            let known = self.experiment.variants.iter().find(|(known, _)| known.trim() == part);
            match known {
                _ if parts.iter().any(|(seen, _)| *seen == part) => {
                    let message = format!("`{part}` is added twice");
                    wrong("duplicate-name", message, "name each part once".to_owned());
                }
                Some((_, edits)) if !part.contains(PLUS) => {
                    let edits = edits.iter().map(|(path, value)| Edit::from_document(self.document, path, value));
                    parts.push((part, edits.collect()));
                }
                _ => {
                    let known = names::help(part, "variants", candidates.filter(|name| !name.contains(PLUS)));
                    let help = format!("{known}; a name with ` + ` is a sum of variants");
                    wrong("unknown-variant", format!("there is no variant `{part}` to add"), help);
                }
            }
        }
        self.check_parts(name, &parts, own, diagnostics);
        parts.into_iter().flat_map(|(_, edits)| edits).collect()
    }

    /// Two parts that put different values into the same place: the sum would silently lose one of them.
    fn check_parts(
        &self,
        name: &Spanned<String>,
        parts: &[(&str, Vec<Edit>)],
        own: &[Edit],
        diagnostics: &mut Diagnostics,
    ) {
        for (index, (later, later_edits)) in parts.iter().enumerate() {
            for edit in later_edits {
                let settled = own.iter().any(|own| covers(&own.path, &edit.path));
                let earlier = parts[..index].iter().flat_map(|(part, edits)| edits.iter().map(move |one| (*part, one)));
                for (part, lost) in earlier.filter(|(_, lost)| covers(&edit.path, &lost.path) && !settled) {
                    if lost.path == edit.path && lost.value == edit.value {
                        continue;
                    }
                    let message = format!("`{later}` undoes what `{part}` changes at `{}`", lost.path);
                    let diagnostic = Diagnostic::error("conflicting-edits", self.document.place(name.span), message);
                    let help = match covers(&lost.path, &edit.path) {
                        true => format!("say in this variant itself what `{}` is to be, or add other parts", edit.path),
                        false => format!("put `{later}` before `{part}`, or add other parts"),
                    };
                    diagnostics.push(
                        diagnostic
                            .also(lost.path_origin.clone(), format!("changed by `{part}`"))
                            .also(edit.path_origin.clone(), format!("and again by `{later}`"))
                            .help(help),
                    );
                }
            }
        }
    }

    /// The variants that `run` names: written ones, or sums of them.
    fn chosen(
        &self,
        run: &Spanned<Vec<Spanned<String>>>,
        made: &[(Variant, Span)],
        diagnostics: &mut Diagnostics,
    ) -> Vec<(Variant, Span)> {
        let mut chosen: Vec<(Variant, Span)> = Vec::new();
        for name in &run.value {
            let mut wrong = |code, message: String, help: String| {
                diagnostics.push(Diagnostic::error(code, self.document.place(name.span), message).help(help));
            };
            if chosen.iter().any(|(known, _)| known.name.trim() == name.trim()) {
                wrong("duplicate-name", format!("`{name}` runs already"), "name each variant once".to_owned());
            } else if let Some((known, span)) = made.iter().find(|(known, _)| known.name.trim() == name.trim()) {
                chosen.push((known.clone(), *span));
            } else if name.contains(PLUS) {
                let edits = self.sum(name, &[], diagnostics);
                chosen.push((Variant { name: name.value.clone(), edits }, name.span));
            } else {
                let known = self.experiment.variants.keys().map(|known| known.as_str());
                wrong("unknown-variant", format!("there is no variant `{name}`"), names::help(name, "variants", known));
            }
        }
        if run.value.is_empty() {
            let diagnostic = Diagnostic::error("invalid-value", self.document.place(run.span), "nothing runs");
            diagnostics.push(diagnostic.help("name the variants that are to run, or leave `run` out to run all"));
        }
        chosen
    }

    fn baseline(&self, list: &[Variant], diagnostics: &mut Diagnostics) -> usize {
        let Some(baseline) = &self.experiment.baseline else { return 0 };
        let index = list.iter().position(|variant| variant.name.trim() == baseline.trim());
        if index.is_none() {
            let message = format!("no variant called `{baseline}` runs");
            let known = names::help(baseline, "variants that run", list.iter().map(|variant| variant.name.as_str()));
            let place = self.document.place(baseline.span);
            diagnostics.push(Diagnostic::error("unknown-variant", place, message).help(known));
        }
        index.unwrap_or(0)
    }
}

/// Reports names of variants that nobody could tell apart in a chart.
fn check_names(experiment: &Experiment, document: &Document, diagnostics: &mut Diagnostics) {
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

/// An edit of what an axis moves changes nothing: axes come after variants.
fn warn_of_axes<'a>(
    experiment: &'a Experiment,
    variants: impl Iterator<Item = &'a Variant>,
    diagnostics: &mut Diagnostics,
) {
    let paths = |axis: &'a written::Axis| std::iter::once(&axis.path).chain(axis.with.keys());
    let load = std::iter::once(("load", &experiment.load));
    let axes: Vec<(&str, &'a written::Axis)> =
        load.chain(experiment.axes.iter().map(|(name, axis)| (name.as_str(), &axis.value))).collect();
    for edit in variants.flat_map(|variant| &variant.edits) {
        for (name, axis) in &axes {
            if let Some(path) = paths(axis).find(|path| covers(path, &edit.path)) {
                let message = format!("this edit changes nothing: the axis `{name}` moves `{path}` afterwards");
                let diagnostic = Diagnostic::warning("overwritten-edit", edit.path_origin.clone(), message);
                diagnostics.push(diagnostic.help("leave the edit out, or take the path out of the axis"));
            }
        }
    }
}
