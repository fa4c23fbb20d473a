//! Cost of every variant against load: per hour, and per million requests that succeeded.

use crate::experiment::metric::Metric;
use crate::experiment::study::{Interval, Point, Study};
use crate::report::format::Quantity;

use super::picture::{Axis, Naming, Picture, Start, Uncertainty, footer};
use super::variants::{limits, lines_against_load, load_axis, refusals};

/// `of_whom` says which variants these are.
pub(super) fn per_hour(study: &Study, of_whom: &str) -> Picture {
    let subtitle = format!("Cost{of_whom}, with 95% confidence bands");
    let quantity = Metric::CostPerHour;
    picture(study, subtitle, ("Cost, USD per hour", quantity), |point| point.cost_usd_per_hour)
}

/// As [`per_hour`].
pub(super) fn per_million(study: &Study, of_whom: &str) -> Picture {
    let subtitle = format!("Cost of a million successful requests{of_whom}, with 95% confidence bands");
    let quantity = Metric::CostPerMillion;
    picture(study, subtitle, ("Cost, USD per million requests", quantity), |point| point.cost_usd_per_million_requests)
}

fn picture(
    study: &Study,
    subtitle: String,
    (vertical, of): (&str, Metric),
    quantity: impl Fn(&Point) -> Option<Interval>,
) -> Picture {
    Picture {
        title: study.title.clone(),
        subtitle,
        horizontal: load_axis(study),
        vertical: Axis {
            title: vertical.to_owned(),
            quantity: Quantity::Dollars,
            start: Start::Zero,
            include: Vec::new(),
            limits: limits(study, &[of]),
        },
        lines: lines_against_load(study, quantity),
        refusals: refusals(study),
        naming: Naming::AtLineEnds,
        uncertainty: Uncertainty::Band,
        footer: footer(study),
    }
}
