//! The series that somebody asks for with `--variant`.

use crate::diagnostic::names;
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::plan::Plan;

/// Indices of the wanted series: all of them if nobody names one. A name is that of a series, or of a variant, which stands for
/// all its series. Names of neither are reported.
pub(super) fn wanted(plan: &Plan, names: &[String], diagnostics: &mut Diagnostics) -> Vec<usize> {
    let is_meant = |index: &usize, name: &String| {
        let series = &plan.series[*index];
        series.name == *name || series.variant == *name
    };
    let all = 0..plan.series.len();
    for name in names.iter().filter(|name| !all.clone().any(|index| is_meant(&index, name))) {
        let mut known: Vec<&str> = plan.series.iter().map(|series| series.variant.as_str()).collect();
        known.dedup();
        let variants = known.len();
        known.extend(plan.series.iter().map(|series| series.name.as_str()));
        let title = format!("{} has no variant and no series `{name}`", plan.space.name);
        let help = match names::closest(name, known.iter().copied()) {
            Some(closest) => {
                format!("did you mean `{closest}`? its variants: {}", names::list(known.drain(..variants)))
            }
            None => format!("its variants: {}", names::list(known.drain(..variants))),
        };
        let place = Place::whole("--variant", name.clone());
        diagnostics.push(Diagnostic::error("unknown-variant", place, title).help(help));
    }
    all.filter(|index| names.is_empty() || names.iter().any(|name| is_meant(index, name))).collect()
}
