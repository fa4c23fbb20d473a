//! p50, p95 and p99 latency of one variant against load.

use crate::experiment::study::Study;
use crate::report::format::Quantity;

use super::picture::{Axis, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{line_against_load, load_axis, overall, reasons, refusals_of};

/// The picture of the variant with this index.
pub(super) fn picture(study: &Study, index: usize) -> Picture {
    let variant = &study.variants[index];
    let refused = study.variants.len() + 3;
    Picture {
        title: study.title.clone(),
        subtitle: format!("{}: p50, p95 and p99 latency, with 95% confidence bands", variant.name),
        horizontal: load_axis(study),
        vertical: Axis {
            title: "Latency".to_owned(),
            quantity: Quantity::Seconds,
            start: Start::Zero,
            include: Vec::new(),
        },
        lines: vec![
            line_against_load("p99", 1, variant, |point| overall(point)?.p99_s),
            line_against_load("p95", 4, variant, |point| overall(point)?.p95_s),
            line_against_load("p50", 0, variant, |point| overall(point)?.p50_s),
        ],
        refusals: refusals_of(variant, refused, reasons(variant)).into_iter().collect(),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    }
}
