//! All combinations of the axes' values, and which of them run.

use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::plan::axes::Axis;
use crate::experiment::plan::constraints::{Constraint, constraints, context};
use crate::experiment::study;
use crate::experiment::written::Experiment;

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
pub(super) fn grid(
    experiment: &Experiment,
    load: &Axis,
    further: &[Axis],
    variants: usize,
    document: &Document,
    diagnostics: &mut Diagnostics,
) -> Option<Grid> {
    let before = diagnostics.errors();
    let axes: Vec<&Axis> = std::iter::once(load).chain(further).collect();
    let constraints = constraints(&experiment.constraints, &axes, document, diagnostics);
    let points = axes.iter().map(|axis| axis.values.len()).fold(variants, usize::saturating_mul);
    if points > MOST_POINTS {
        let span = experiment.axes.values().last().map_or(experiment.load.values.span, |axis| axis.values.span);
        let counts: Vec<String> = axes.iter().map(|axis| format!("{} of `{}`", axis.values.len(), axis.name)).collect();
        let names = if variants == 1 { "variant" } else { "variants" };
        let message = format!("more than 100,000 points: {variants} {names}, {}", counts.join(", "));
        let diagnostic = Diagnostic::error("too-many-points", document.place(span), message);
        diagnostics.push(diagnostic.help("use fewer values or fewer axes"));
    }
    if diagnostics.errors() > before {
        return None;
    }
    let grid = kept(&axes, further, constraints);
    if grid.combinations.is_empty() {
        let span = experiment.constraints.first().map_or(experiment.load.values.span, |constraint| constraint.span);
        let diagnostic =
            Diagnostic::error("nothing-to-run", document.place(span), "no combination holds all constraints");
        diagnostics.push(diagnostic.help("loosen a constraint, or give an axis other values"));
        return None;
    }
    Some(grid)
}

fn kept(axes: &[&Axis], further: &[Axis], constraints: Vec<Constraint>) -> Grid {
    let mut skipped = vec![0; constraints.len()];
    let mut combinations = Vec::new();
    for values in cartesian(further) {
        let mut loads = Vec::new();
        for load in 0..axes[0].values.len() {
            let indices = std::iter::once(load).chain(values.iter().copied());
            let context = context(axes.iter().copied().zip(indices));
            match constraints.iter().position(|constraint| !constraint.holds(&context)) {
                Some(broken) => skipped[broken] += 1,
                None => loads.push(load),
            }
        }
        if !loads.is_empty() {
            combinations.push(Combination { values, loads });
        }
    }
    let named = constraints.into_iter().zip(skipped);
    let constraints = named.map(|(one, skipped)| study::Constraint { expression: one.expression, skipped }).collect();
    Grid { combinations, constraints }
}

/// One index into each axis's values; the last axis changes fastest.
fn cartesian(axes: &[Axis]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![Vec::new()], |combinations, axis| {
        let longer = |known: &Vec<usize>, next: usize| [known.as_slice(), &[next]].concat();
        let values = 0..axis.values.len();
        combinations.iter().flat_map(|known| values.clone().map(move |next| longer(known, next))).collect()
    })
}
