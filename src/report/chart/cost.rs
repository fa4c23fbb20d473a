//! Cost of every variant against load: per hour, and per million requests that succeeded.

use crate::experiment::study::{Interval, Point, Study};
use crate::report::format::Quantity;

use super::picture::{Axis, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{lines_against_load, load_axis, refusals};

pub(super) fn per_hour(study: &Study) -> Picture {
    picture(study, "Cost of every variant, with 95% confidence bands", "Cost, USD per hour", |point| {
        point.cost_usd_per_hour
    })
}

pub(super) fn per_million(study: &Study) -> Picture {
    picture(
        study,
        "Cost of a million successful requests, with 95% confidence bands",
        "Cost, USD per million requests",
        |point| point.cost_usd_per_million_requests,
    )
}

fn picture(study: &Study, subtitle: &str, vertical: &str, quantity: impl Fn(&Point) -> Option<Interval>) -> Picture {
    Picture {
        title: study.title.clone(),
        subtitle: subtitle.to_owned(),
        horizontal: load_axis(study),
        vertical: Axis {
            title: vertical.to_owned(),
            quantity: Quantity::Dollars,
            start: Start::Zero,
            include: Vec::new(),
        },
        lines: lines_against_load(study, quantity),
        refusals: refusals(study),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    }
}
