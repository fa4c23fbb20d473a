//! The share of requests that fail, with an interval that is honest where failures are rare.
//!
//! An interval over replications trusts a normal law, which so few failures do not have: nothing failed would mean that
//! nothing ever will. So it is joined with the exact binomial interval of as many independent requests as the requests are
//! worth ([`crate::statistics::proportion`]). What they are worth is seen from how unevenly failures fall on replications.
//! Of few failures that cannot be seen, and of none not at all: then it is seen from the slowest requests as well. What
//! makes requests fail, full queues and long waits, is what makes others slow, so failures are taken to come in clusters at
//! least as large as those of the slowest one in a hundred.

use crate::experiment::estimate::{Latencies, interval};
use crate::experiment::study::Interval;
use crate::statistics::estimate::ratio_interval;
use crate::statistics::proportion::{binomial_interval, design_effect};

/// With fewer failures than this, how they come in clusters is not seen from themselves alone.
const FEW: f64 = 30.0;

/// A share of failures, and of how many independent ones it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failures {
    pub ratio: Interval,
    /// Failures over the design effect.
    pub effective: f64,
}

/// The share of requests that failed, from the numbers in each replication; `latencies` are those of the requests that
/// succeeded. `None` where nothing ended, or with fewer than two replications.
pub fn failures(failed: &[f64], ended: &[f64], latencies: &Latencies) -> Option<Failures> {
    let wide = interval(ratio_interval(failed, ended)?, 1.0);
    let (failures, requests) = (failed.iter().sum::<f64>(), ended.iter().sum::<f64>());
    let own = design_effect(failed, ended).unwrap_or(1.0);
    let effect = if failures < FEW { own.max(of_the_slowest(latencies)) } else { own };
    let effective = failures / effect;
    let (low, high) = binomial_interval(effective, requests / effect).unwrap_or((wide.value, wide.value));
    let ratio = Interval {
        value: wide.value,
        low: wide.low.min(low).clamp(0.0, wide.value),
        high: wide.high.max(high).clamp(wide.value, 1.0),
    };
    Some(Failures { ratio, effective })
}

/// The design effect of being among the slowest one in a hundred.
fn of_the_slowest(latencies: &Latencies) -> f64 {
    let Some(threshold_ns) = latencies.pooled().quantile_ns(0.99) else { return 1.0 };
    let counts: Vec<f64> = latencies.per_replication.iter().map(|one| one.count() as f64).collect();
    let slow = latencies.per_replication.iter().zip(&counts);
    let slow: Vec<f64> = slow.map(|(one, count)| one.share_above(threshold_ns as u64).unwrap_or(0.0) * count).collect();
    design_effect(&slow, &counts).unwrap_or(1.0)
}
