//! What one draw of one series came to.

use crate::experiment::finding::Finding;
use crate::experiment::metric::Metric;
use crate::experiment::study::{Objective, Point, Verdict};

/// A draw, as far as what follows asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Infinite if the draw is unstable; `None` if it has no such number.
    pub p99_s: Option<f64>,
    /// Whether every objective is met by what is told, whatever its interval; `None` if that is not told.
    pub is_met: Option<bool>,
    /// Whether the interval of an objective's quantity holds its limit.
    pub is_unsure: bool,
    /// What everything costs; infinite without a number.
    pub cost_usd_per_hour: f64,
    /// Why there is no verdict.
    pub untold: Option<String>,
}

impl Outcome {
    pub fn of(finding: &Finding, objectives: &[Objective], operation: &str) -> Self {
        let point = &finding.point;
        let code = point.refusal.as_ref().map(|refusal| refusal.code.as_str());
        let is_unstable = code == Some("unstable");
        let verdict = |caution: f64| all_met(point, objectives, caution);
        let is_met = match verdict(0.0) {
            Verdict::Met => Some(true),
            Verdict::Missed => Some(false),
            Verdict::Unsure => None,
        };
        let told = Metric::P99.told(point, operation).filter(|_| code.is_none()).map(|p99| p99.value);
        let cost = Metric::CostPerHour.told(point, operation).filter(|_| code.is_none());
        Self {
            p99_s: if is_unstable { Some(f64::INFINITY) } else { told },
            is_met,
            is_unsure: is_met.is_some() && verdict(1.0) == Verdict::Unsure,
            cost_usd_per_hour: cost.map_or(f64::INFINITY, |cost| cost.value),
            untold: is_met.is_none().then(|| code.unwrap_or("imprecise").to_owned()),
        }
    }

    pub fn is_unstable(&self) -> bool {
        self.p99_s == Some(f64::INFINITY)
    }
}

/// The verdict over all objectives, with intervals that are wider by a factor; without any objective, whether the load is
/// held.
pub fn all_met(point: &Point, objectives: &[Objective], caution: f64) -> Verdict {
    let by_stability = match point.refusal.as_ref().map(|refusal| refusal.code.as_str()) {
        None => Verdict::Met,
        Some("unstable") => Verdict::Missed,
        Some(_) => Verdict::Unsure,
    };
    let verdicts = objectives.iter().map(|objective| objective.judge_with_caution(point, caution).verdict);
    verdicts.fold(by_stability, |all, one| match (all, one) {
        (Verdict::Missed, _) | (_, Verdict::Missed) => Verdict::Missed,
        (Verdict::Unsure, _) | (_, Verdict::Unsure) => Verdict::Unsure,
        _ => Verdict::Met,
    })
}
