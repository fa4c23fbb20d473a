//! Every point of an experiment: a variant, a combination of axes and a load, compiled once.

use crate::diagnostic::{Diagnostic, Diagnostics, Level};
use crate::experiment::plan::grid::Grid;
use crate::experiment::plan::model_file::load_sharing;
use crate::experiment::plan::moments::check_moments;
use crate::experiment::plan::space::Space;
use crate::experiment::plan::{PlannedPoint, Series};
use crate::model::KeyTables;

/// One series for each variant and combination, and its points. What is wrong with any of them is reported.
pub(super) fn points(space: &Space, grid: &Grid, diagnostics: &mut Diagnostics) -> (Vec<Series>, Vec<PlannedPoint>) {
    let (mut series, mut points) = (Vec::new(), Vec::new());
    let mut tables = KeyTables::default();
    let mut doubts: Option<Vec<Diagnostic>> = None;
    let variants = 0..space.variants.len();
    let combinations = variants.flat_map(|variant| grid.combinations.iter().map(move |one| (variant, one)));
    for (variant, combination) in combinations {
        let one = space.series(&[&[variant], combination.values.as_slice()].concat());
        for (position, load) in combination.loads.iter().map(|load| &space.load.values[*load]).enumerate() {
            // Of the same mistake at each of many points, nobody needs to hear more.
            if diagnostics.is_full() {
                return (series, points);
            }
            let mut found = Diagnostics::new();
            let edits = [one.edits.as_slice(), &load.edits].concat();
            let compiled = load_sharing(&space.file, &edits, true, &mut tables, &mut found);
            // Doubts about the lightest load that every series raises hold for the model; what heavier loads do is
            // what the experiment asks.
            if position == 0 {
                check_moments(&space.file, &edits, &space.settings.horizon, diagnostics);
                let warnings = found.iter().filter(|one| one.level == Level::Warning).cloned();
                doubts = Some(match doubts.take() {
                    None => warnings.collect(),
                    Some(known) => common(known, &warnings.collect::<Vec<_>>()),
                });
            }
            found.iter().filter(|one| one.level == Level::Error).for_each(|one| diagnostics.push(one.clone()));
            points.extend(compiled.map(|compiled| PlannedPoint {
                series: series.len(),
                load: load.number,
                compiled,
                settings: space.settings.clone(),
            }));
        }
        series.push(one);
    }
    doubts.into_iter().flatten().for_each(|doubt| diagnostics.push(doubt));
    (series, points)
}

/// The diagnostics that say what one of the others says too.
fn common(diagnostics: Vec<Diagnostic>, others: &[Diagnostic]) -> Vec<Diagnostic> {
    let same = |one: &Diagnostic, other: &Diagnostic| one.code == other.code && one.title == other.title;
    diagnostics.into_iter().filter(|one| others.iter().any(|other| same(one, other))).collect()
}
