//! All combinations of the axes' values, and which of them run.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::experiment::plan::axes::Axis;
use crate::experiment::plan::space::{Held, Space};
use crate::experiment::study;

/// More points than this are not run one by one by anybody.
pub const MOST_POINTS: usize = 100_000;

/// What runs of the axes, the same for every variant.
#[derive(Debug)]
pub(super) struct Grid {
    /// Combinations of the further axes of which something runs: an index into each axis's values.
    pub(super) combinations: Vec<Combination>,
    pub(super) constraints: Vec<study::Constraint>,
}

/// One value of each further axis, and the loads at which it runs.
#[derive(Debug)]
pub(super) struct Combination {
    pub(super) values: Vec<usize>,
    pub(super) loads: Vec<usize>,
}

/// The combinations that hold every constraint; none if there are too many or nothing is left.
pub(super) fn grid(space: &Space, diagnostics: &mut Diagnostics) -> Option<Grid> {
    let Space { experiment, document, load, axes, variants, .. } = space;
    let counts = || std::iter::once(load).chain(axes);
    let further = experiment.refine.as_ref().map_or(0, |refine| refine.value as usize);
    let loads = load.values.len().saturating_add(further);
    let points =
        axes.iter().map(|axis| axis.values.len()).fold(variants.len().saturating_mul(loads), usize::saturating_mul);
    if points > MOST_POINTS {
        let span = experiment.axes.values().last().map_or(experiment.load.values.span, |axis| axis.values.span);
        let counts: Vec<String> = counts().map(|axis| format!("{} of `{}`", axis.values.len(), axis.name)).collect();
        let (number, names) = (variants.len(), if variants.len() == 1 { "variant" } else { "variants" });
        let message = format!("more than 100,000 points: {number} {names}, {}", counts.join(", "));
        let diagnostic = Diagnostic::error("too-many-points", document.place(span), message);
        diagnostics.push(diagnostic.help("use fewer values or fewer axes, or let `forescale find` choose among them"));
        return None;
    }
    let before = diagnostics.errors();
    space.check_constraints(diagnostics);
    if diagnostics.errors() > before {
        return None;
    }
    let grid = kept(space);
    if grid.combinations.is_empty() {
        let span = experiment.constraints.first().map_or(experiment.load.values.span, |constraint| constraint.span);
        let diagnostic =
            Diagnostic::error("nothing-to-run", document.place(span), "no combination holds all constraints");
        diagnostics.push(diagnostic.help("loosen a constraint, or give an axis other values"));
        return None;
    }
    Some(grid)
}

fn kept(space: &Space) -> Grid {
    let mut described: Vec<study::Constraint> = space
        .constraints
        .iter()
        .map(|one| study::Constraint { expression: one.expression.clone(), skipped: 0, skipped_whole: 0 })
        .collect();
    let mut combinations = Vec::new();
    for values in cartesian(&space.axes) {
        let mut loads = Vec::new();
        let mut breaking = Vec::new();
        for (index, load) in space.load.values.iter().enumerate() {
            match space.held(load.number, &values) {
                Held::All => loads.push(index),
                Held::Broken(broken) | Held::Undefined(broken) => breaking.push(broken),
            }
        }
        breaking.iter().for_each(|broken| described[*broken].skipped += 1);
        if !loads.is_empty() {
            combinations.push(Combination { values, loads });
        } else if let Some(first) = breaking.first().filter(|first| breaking.iter().all(|one| one == *first)) {
            described[*first].skipped_whole += 1;
        }
    }
    Grid { combinations, constraints: described }
}

/// One index into each axis's values; the last axis changes fastest.
pub(super) fn cartesian(axes: &[Axis]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![Vec::new()], |combinations, axis| {
        let longer = |known: &Vec<usize>, next: usize| [known.as_slice(), &[next]].concat();
        let values = 0..axis.values.len();
        combinations.iter().flat_map(|known| values.clone().map(move |next| longer(known, next))).collect()
    })
}
