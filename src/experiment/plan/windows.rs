//! Whether the windows of all points together can be kept.

use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::plan::PlannedPoint;
use crate::experiment::written::{Experiment, Horizon};

/// Operations and nodes in windows of all points together: about a gigabyte.
const MOST_ENTRIES: u64 = 5_000_000;

/// Reports windows that somebody asked for and that would fill the memory.
pub(super) fn check(
    experiment: &Experiment,
    points: &[PlannedPoint],
    further_points: usize,
    document: &Document,
    diagnostics: &mut Diagnostics,
) {
    let Some(Horizon::Terminating { window: Some(window), .. }) = &experiment.horizon else { return };
    let of = |point: &PlannedPoint| point.settings.horizon.windows() * (2 + point.compiled.descriptions.len() as u64);
    let further = points.iter().map(of).max().unwrap_or(0).saturating_mul(further_points as u64);
    let entries = points.iter().map(of).fold(further, u64::saturating_add);
    if entries > MOST_ENTRIES {
        let message = format!(
            "the windows of {} points and all of their nodes are {entries} entries, more than 5,000,000",
            points.len() + further_points
        );
        let diagnostic = Diagnostic::error("too-many-windows", document.place(window.span), message);
        diagnostics.push(diagnostic.help("write a longer window, or use fewer points"));
    }
}
