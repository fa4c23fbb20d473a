//! p50, p95 and p99 latency of one variant against load.

use crate::experiment::metric::Metric;
use crate::experiment::study::Study;
use crate::report::format::Quantity;

use super::picture::{Axis, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{latency_line, limits, load_axis, marks_note, of_watched, p99_line, refusals_of};

/// The picture of the variant with this index.
pub(super) fn picture(study: &Study, index: usize) -> Picture {
    let variant = &study.variants[index];
    let refused = study.variants.len() + 3;
    let lines = [
        p99_line(study, "p99", 1, variant),
        latency_line(study, "p95", 4, variant, |operation| operation.p95_s),
        latency_line(study, "p50", 0, variant, |operation| operation.p50_s),
    ];
    let (of_watched, note) = (of_watched(study), marks_note(&lines));
    Picture {
        title: study.title.clone(),
        subtitle: format!("{}: p50, p95 and p99 latency{of_watched}, with 95% confidence bands{note}", variant.name),
        horizontal: load_axis(study),
        vertical: Axis {
            title: "Latency".to_owned(),
            quantity: Quantity::Seconds,
            start: Start::Zero,
            include: Vec::new(),
            limits: limits(study, &[Metric::P50, Metric::P95, Metric::P99]),
        },
        lines: lines.into(),
        refusals: refusals_of(study, variant, refused).into_iter().collect(),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    }
}
