//! Every point of an experiment: a variant, a combination of axes and a load, compiled once.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Diagnostics, Level};
use crate::experiment::pipeline::Settings;
use crate::experiment::plan::axes::Axis;
use crate::experiment::plan::grid::{Combination, Grid};
use crate::experiment::plan::model_file::{ModelFile, load_sharing};
use crate::experiment::plan::variants::Variant;
use crate::experiment::plan::{PlannedPoint, Series};
use crate::model::{Edit, KeyTables};

/// What all points have in common.
pub(super) struct Common<'a> {
    pub(super) file: &'a ModelFile,
    pub(super) load: &'a Axis,
    pub(super) further: &'a [Axis],
    pub(super) settings: &'a Settings,
    /// Whether anybody named a variant, so that series are told apart by it.
    pub(super) has_variants: bool,
}

impl Common<'_> {
    /// One series for each variant and combination, and its points. What is wrong with any of them is reported.
    pub(super) fn points(
        &self,
        variants: &[Variant],
        grid: &Grid,
        diagnostics: &mut Diagnostics,
    ) -> (Vec<Series>, Vec<PlannedPoint>) {
        let (mut series, mut points) = (Vec::new(), Vec::new());
        let mut tables = KeyTables::default();
        let mut doubts: Option<Vec<Diagnostic>> = None;
        let combinations = variants.iter().flat_map(|variant| grid.combinations.iter().map(move |one| (variant, one)));
        for (variant, combination) in combinations {
            for (position, load) in combination.loads.iter().enumerate() {
                // Of the same mistake at each of many points, nobody needs to hear more.
                if diagnostics.is_full() {
                    return (series, points);
                }
                let mut found = Diagnostics::new();
                let edits = self.edits(variant, combination, *load);
                let compiled = load_sharing(self.file, &edits, true, &mut tables, &mut found);
                // Doubts about the lightest load that every series raises hold for the model; what heavier loads do is
                // what the experiment asks.
                if position == 0 {
                    let warnings = found.iter().filter(|one| one.level == Level::Warning).cloned();
                    doubts = Some(match doubts.take() {
                        None => warnings.collect(),
                        Some(known) => common(known, &warnings.collect::<Vec<_>>()),
                    });
                }
                found.iter().filter(|one| one.level == Level::Error).for_each(|one| diagnostics.push(one.clone()));
                points.extend(compiled.map(|compiled| PlannedPoint {
                    series: series.len(),
                    load: self.load.values[*load].number,
                    compiled,
                    settings: self.settings.clone(),
                }));
            }
            series.push(self.series(variant, combination));
        }
        doubts.into_iter().flatten().for_each(|doubt| diagnostics.push(doubt));
        (series, points)
    }

    /// The variant's edits, then those of the further axes, then the load's.
    fn edits(&self, variant: &Variant, combination: &Combination, load: usize) -> Vec<Edit> {
        let mut edits = self.series_edits(variant, combination);
        edits.extend_from_slice(&self.load.values[load].edits);
        edits
    }

    fn series_edits(&self, variant: &Variant, combination: &Combination) -> Vec<Edit> {
        let mut edits = variant.edits.clone();
        for (axis, value) in self.further.iter().zip(&combination.values) {
            edits.extend_from_slice(&axis.values[*value].edits);
        }
        edits
    }

    fn series(&self, variant: &Variant, combination: &Combination) -> Series {
        let chosen = || self.further.iter().zip(&combination.values).map(|(axis, value)| (axis, &axis.values[*value]));
        let named = self.has_variants || self.further.is_empty();
        let mut parts: Vec<String> = named.then(|| variant.name.clone()).into_iter().collect();
        parts.extend(chosen().map(|(axis, value)| match &axis.unit {
            Some(unit) => format!("{} {} {unit}", axis.name, value.text),
            None => format!("{} {}", axis.name, value.text),
        }));
        let settings: BTreeMap<String, String> =
            chosen().map(|(axis, value)| (axis.name.clone(), value.text.clone())).collect();
        let edits = self.series_edits(variant, combination);
        Series { name: parts.join(", "), variant: variant.name.clone(), settings, edits }
    }
}

/// The diagnostics that say what one of the others says too.
fn common(diagnostics: Vec<Diagnostic>, others: &[Diagnostic]) -> Vec<Diagnostic> {
    let same = |one: &Diagnostic, other: &Diagnostic| one.code == other.code && one.title == other.title;
    diagnostics.into_iter().filter(|one| others.iter().any(|other| same(one, other))).collect()
}
