//! p99 latency of every variant against load.

use crate::experiment::study::Study;
use crate::report::format::Quantity;

use super::picture::{Axis, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{lines_against_load, load_axis, overall, refusals};

pub(super) fn picture(study: &Study) -> Picture {
    Picture {
        title: study.title.clone(),
        subtitle: "p99 latency of every variant, with 95% confidence bands".to_owned(),
        horizontal: load_axis(study),
        vertical: axis(),
        lines: lines_against_load(study, |point| overall(point)?.p99_s),
        refusals: refusals(study),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    }
}

/// The vertical axis of every chart of p99 latencies.
pub(super) fn axis() -> Axis {
    Axis { title: "p99 latency".to_owned(), quantity: Quantity::Seconds, start: Start::Zero, include: Vec::new() }
}
