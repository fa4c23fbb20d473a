//! What a change makes of the baseline, under common random numbers.
//!
//! Replication r of two configurations has the same arrivals and demands, so most of the noise is common to both and goes
//! out of their difference. With `d` the difference of the two told values and `d_r` that of replication r,
//!
//! ```text
//! half width = t(0.975, R - 1) sqrt(sum (d_r - d)^2 / (R - 1)) / sqrt(R)
//! ```
//!
//! which is Student's paired interval for a mean, and sectioning of the difference for a quantile (Asmussen & Glynn 2007,
//! III.5). Who looks at forty differences sees two at the 5% level by chance; the verdicts of one metric are therefore
//! those of Holm's step-down procedure over all points of the study (Scandinavian Journal of Statistics 1979).

use crate::experiment::finding::Finding;
use crate::experiment::metric::Metric;
use crate::experiment::study::{Comparison, Interval};
use crate::statistics::estimate::{sectioning_interval, sectioning_p_value};
use crate::statistics::holm::holm_adjusted;

/// Chance of calling any difference of a family real that is none.
const SIGNIFICANCE: f64 = 0.05;

/// One finding beside the baseline's at the same load.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'f> {
    pub variant: &'f str,
    pub baseline: &'f Finding,
    pub finding: &'f Finding,
}

/// The difference from the first to the second finding in one metric, and the p-value of the test that there is none.
/// `None` where one of them tells no such number, or the replications are not the same.
pub fn difference(baseline: &Finding, finding: &Finding, operation: &str, metric: Metric) -> Option<(Interval, f64)> {
    let (told_before, told_after) = (metric.told(&baseline.point, operation)?, metric.told(&finding.point, operation)?);
    let (before, after) = (told_before.value, told_after.value);
    let pairs = metric.replicates(baseline, operation)?.iter().zip(metric.replicates(finding, operation)?);
    if baseline.point.replications != finding.point.replications {
        return None;
    }
    let differences: Vec<f64> = pairs.map(|(before, after)| after - before).collect();
    let told = sectioning_interval(after - before, &differences)?;
    let p_value = sectioning_p_value(after - before, &differences)?;
    let told = Interval { value: told.value, low: told.low, high: told.high };
    let nothing_failed = metric == Metric::ErrorRatio && (before == 0.0 || after == 0.0);
    if !nothing_failed {
        return Some((told, p_value));
    }
    let wider = wider(told, told_before, told_after);
    // An interval that holds zero says that there may be no difference.
    let p_value = if wider.low <= 0.0 && 0.0 <= wider.high { 1.0 } else { p_value };
    Some((wider, p_value))
}

/// Where nothing failed, replications say nothing of what might have. The interval then reaches as far as those of both
/// shares allow together (Newcombe, Statistics in Medicine 1998, method 10).
fn wider(told: Interval, before: Interval, after: Interval) -> Interval {
    let below = (after.value - after.low).hypot(before.high - before.value);
    let above = (after.high - after.value).hypot(before.value - before.low);
    Interval { value: told.value, low: told.low.min(told.value - below), high: told.high.max(told.value + above) }
}

/// Every difference of the pairs in every metric, judged metric by metric.
pub fn compare(pairs: &[Pair<'_>], operation: &str) -> Vec<Comparison> {
    Metric::ALL.iter().flat_map(|metric| family(pairs, operation, *metric)).collect()
}

fn family(pairs: &[Pair<'_>], operation: &str, metric: Metric) -> Vec<Comparison> {
    let mut comparisons = Vec::new();
    for pair in pairs {
        if let Some((difference, p_value)) = difference(pair.baseline, pair.finding, operation, metric) {
            let (variant, load) = (pair.variant.to_owned(), pair.finding.point.load);
            comparisons.push(Comparison { variant, load, metric, difference, p_value, is_real: false });
        }
    }
    let adjusted = holm_adjusted(&comparisons.iter().map(|one| one.p_value).collect::<Vec<_>>());
    for (comparison, adjusted) in comparisons.iter_mut().zip(adjusted) {
        comparison.p_value = adjusted;
        comparison.is_real = adjusted < SIGNIFICANCE;
    }
    comparisons
}
