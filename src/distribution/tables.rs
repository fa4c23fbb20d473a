//! Laws that are tables of measurements.

use super::DistributionError;
use super::compile::shaped;
use super::empirical::{InverseDistribution, Knot, pieces};
use super::moments::Moments;
use super::sampler::Sampler;
use super::shape::ShapeLaw;
use super::written::{HistogramCell, Percentile};
use crate::units::Duration;

pub(super) fn percentiles(table: &[Percentile]) -> Result<Sampler, DistributionError> {
    let mut knots = Vec::with_capacity(table.len() + 1);
    if table.first().is_some_and(|first| first.percent > 0.0) {
        knots.push(Knot { cumulative: 0.0, value: 0.0 });
    }
    for (index, entry) in table.iter().enumerate() {
        let Percentile { percent, value } = entry;
        if !(0.0..=100.0).contains(percent) {
            return Err(DistributionError::new(format!("the percentile {percent} is outside 0 to 100"))
                .help("write the share of durations that are at most as long, such as 99"));
        }
        if let Some(before) = index.checked_sub(1).map(|index| table[index])
            && (*percent <= before.percent || *value < before.value)
        {
            return Err(DistributionError::new(format!(
                "the percentiles do not increase: {percent}: \"{value}\" follows {}: \"{}\"",
                before.percent, before.value
            ))
            .help("write them in ascending order; a higher percentile is never shorter"));
        }
        knots.push(Knot { cumulative: percent / 100.0, value: value.ns as f64 });
    }
    if table.last().is_none_or(|last| last.percent < 100.0) {
        return Err(DistributionError::new("the percentile 100, the longest duration possible, is missing")
            .help("add it, for example `100: \"80ms\"`: the tail beyond the last percentile decides the mean"));
    }
    if knots.len() < 2 {
        return Err(DistributionError::new("a percentile table needs more than one entry"));
    }
    Ok(inverse(knots))
}

pub(super) fn histogram(cells: &[HistogramCell]) -> Result<Sampler, DistributionError> {
    let total: f64 = cells.iter().map(|cell| cell.2).sum();
    if !(total > 0.0 && total.is_finite()) || cells.iter().any(|cell| cell.2 < 0.0) {
        return Err(DistributionError::new("the counts of a histogram are 0 or more, and not all are 0"));
    }
    let mut knots = Vec::with_capacity(2 * cells.len());
    let (mut cumulative, mut end) = (0.0, Duration::default());
    for HistogramCell(from, to, count) in cells {
        if from > to || *from < end {
            return Err(DistributionError::new(format!("the cell from {from} to {to} is out of order"))
                .help("write the cells in ascending order, without overlap"));
        }
        end = *to;
        if *count == 0.0 {
            // An empty cell must not be drawn, not even by rounding.
            continue;
        }
        knots.push(Knot { cumulative: cumulative / total, value: from.ns as f64 });
        cumulative += count;
        knots.push(Knot { cumulative: (cumulative / total).min(1.0), value: to.ns as f64 });
    }
    Ok(inverse(knots))
}

fn inverse(mut knots: Vec<Knot>) -> Sampler {
    if let Some(last) = knots.last_mut() {
        last.cumulative = 1.0;
    }
    let moments = Moments::mixture(
        pieces(&knots).map(|(from, to)| (to.cumulative - from.cumulative, Moments::uniform(from.value, to.value))),
    );
    shaped(ShapeLaw::Inverse(InverseDistribution::new(&knots)), moments)
}

pub(super) fn samples(values_ns: Vec<u64>) -> Result<Sampler, DistributionError> {
    if values_ns.is_empty() {
        return Err(DistributionError::new("the file holds no values"));
    }
    let probability = 1.0 / values_ns.len() as f64;
    let moments = Moments::mixture(values_ns.iter().map(|ns| (probability, Moments::new(*ns as f64, 0.0))));
    Ok(shaped(ShapeLaw::Samples(values_ns.into()), moments))
}
