//! p99 latency of every variant against load.

use crate::experiment::study::{Study, Variant};
use crate::report::format::Quantity;

use super::picture::{Axis, Line, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{hollow_note, latency_line, load_axis, of_watched, refusals};

pub(super) fn picture(study: &Study) -> Picture {
    let variants = study.variants.iter().enumerate();
    let line = |(style, variant): (usize, &Variant)| {
        latency_line(study, &variant.name, style, variant, |operation| operation.p99_s)
    };
    let lines: Vec<Line> = variants.map(line).collect();
    let (of_watched, note) = (of_watched(study), hollow_note(&lines));
    Picture {
        title: study.title.clone(),
        subtitle: format!("p99 latency{of_watched} of every variant, with 95% confidence bands{note}"),
        horizontal: load_axis(study),
        vertical: axis(),
        lines,
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
