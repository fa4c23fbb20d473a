//! p99 latency of every variant against load.

use crate::experiment::metric::Metric;
use crate::experiment::study::{Study, Variant};
use crate::report::format::Quantity;

use super::picture::{Axis, Line, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{limits, load_axis, marks_note, of_watched, p99_line, refusals};

/// `of_whom` says which variants these are.
pub(super) fn picture(study: &Study, of_whom: &str) -> Picture {
    let variants = study.variants.iter().enumerate();
    let line = |(style, variant): (usize, &Variant)| p99_line(study, &variant.name, style, variant);
    let lines: Vec<Line> = variants.map(line).collect();
    let (of_watched, note) = (of_watched(study), marks_note(&lines));
    Picture {
        title: study.title.clone(),
        subtitle: format!("p99 latency{of_watched}{of_whom}, with 95% confidence bands{note}"),
        horizontal: load_axis(study),
        vertical: axis(study),
        lines,
        refusals: refusals(study),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    }
}

/// The vertical axis of every chart of p99 latencies.
pub(super) fn axis(study: &Study) -> Axis {
    Axis {
        title: "p99 latency".to_owned(),
        quantity: Quantity::Seconds,
        start: Start::Zero,
        include: Vec::new(),
        limits: limits(study, &[Metric::P99]),
    }
}
