//! What follows from the points of a study: whether they meet the objectives, and where latency bends.

use crate::experiment::study::{
    Bound, Interval, Judgement, Knee, Objective, ObjectiveQuantity, Study, Variant, Verdict,
};
use crate::experiment::study::{Operation, Point};
use crate::statistics::knee::{Told, knee};

/// Sums of prices have rounding noise in their last digits.
const NOISE: f64 = 1e-9;

/// Fills in what follows from the points.
pub fn judge(study: &mut Study) {
    for variant in &mut study.variants {
        variant.knee = bend(variant, &study.operation);
        for point in &mut variant.points {
            point.objectives = study.objectives.iter().map(|objective| objective.judge(point)).collect();
        }
    }
}

impl Objective {
    /// Whether a point meets the objective. A design that cannot hold the load meets none.
    pub fn judge(&self, point: &Point) -> Judgement {
        self.judge_with_caution(point, 1.0)
    }

    /// As [`Objective::judge`], with an interval that is wider by a factor.
    pub fn judge_with_caution(&self, point: &Point, caution: f64) -> Judgement {
        let widened = |Interval { value, low, high }: Interval| {
            let edge = |edge: f64| value + (edge - value) * caution;
            Interval { value, low: edge(low), high: edge(high) }
        };
        let estimate = if point.refusal.is_none() { self.estimate(point) } else { None };
        let is_unstable = point.refusal.as_ref().is_some_and(|refusal| refusal.code == "unstable");
        let verdict = match estimate {
            Some(estimate) => self.verdict(widened(estimate)),
            None if is_unstable => Verdict::Missed,
            None => Verdict::Unsure,
        };
        Judgement { verdict, estimate }
    }

    fn verdict(&self, estimate: Interval) -> Verdict {
        let noise = self.limit.abs() * NOISE;
        let (is_met, is_missed) = match self.bound {
            Bound::Below => (estimate.high <= self.limit + noise, estimate.low > self.limit + noise),
            Bound::Above => (estimate.low >= self.limit - noise, estimate.high < self.limit - noise),
        };
        match (is_met, is_missed) {
            (true, _) => Verdict::Met,
            (_, true) => Verdict::Missed,
            _ => Verdict::Unsure,
        }
    }

    /// What a point says about the objective's quantity.
    fn estimate(&self, point: &Point) -> Option<Interval> {
        let of = |pick: fn(&Operation) -> Option<Interval>| pick(operation(point, &self.operation)?);
        match self.quantity {
            ObjectiveQuantity::P50 => of(|operation| operation.p50_s),
            ObjectiveQuantity::P95 => of(|operation| operation.p95_s),
            ObjectiveQuantity::P99 => of(|operation| operation.p99_s),
            ObjectiveQuantity::P999 => of(|operation| operation.p999_s),
            ObjectiveQuantity::ErrorRatio => of(|operation| operation.error_ratio),
            ObjectiveQuantity::Availability => {
                let failing = of(|operation| operation.error_ratio)?;
                Some(Interval { value: 1.0 - failing.value, low: 1.0 - failing.high, high: 1.0 - failing.low })
            }
            ObjectiveQuantity::Throughput => of(|operation| operation.throughput_per_s),
            ObjectiveQuantity::Cost => point.cost_usd_per_hour,
            ObjectiveQuantity::CostPerMillion => point.cost_usd_per_million_requests,
        }
    }
}

impl ObjectiveQuantity {
    /// As a sentence calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::ErrorRatio => "errors",
            Self::Availability => "availability",
            Self::Throughput => "throughput",
            Self::Cost => "cost per hour",
            Self::CostPerMillion => "cost per million",
        }
    }
}

impl Bound {
    /// As a sentence calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::Above => "above",
        }
    }
}

fn operation<'a>(point: &'a Point, name: &str) -> Option<&'a Operation> {
    point.operations.iter().find(|operation| operation.name == name)
}

/// The knee of p99 against load. An unstable point has no latency: it grows without bound.
fn bend(variant: &Variant, watched: &str) -> Option<Knee> {
    let told = |point: &Point| {
        let p99 = operation(point, watched).and_then(|operation| operation.p99_s);
        match &point.refusal {
            Some(refusal) => (refusal.code == "unstable").then_some(Told::Unbounded),
            None => p99.map(|Interval { value, low, high }| Told::Latency { value, low, high }),
        }
    };
    let curve: Vec<(f64, Told)> = variant.points.iter().filter_map(|point| Some((point.load, told(point)?))).collect();
    let found = knee(&curve)?;
    Some(Knee { load: found.load, low_load: found.low, high_load: found.high })
}
