//! What follows from the points of a study: whether they meet the objectives, and where latency bends.

use crate::experiment::study::{Bound, Interval, Judgement, Knee, Objective, Study, Variant, Verdict};
use crate::experiment::study::{Operation, Point};
use crate::statistics::knee::{Told, knee};

/// Sums of prices have rounding noise in their last digits.
const NOISE: f64 = 1e-9;

/// Factor on the half width of an interval before a search believes it: a search asks many times and must not be misled by
/// one answer in twenty.
pub const CAUTION: f64 = 1.5;

/// The verdict over several objectives with intervals that are wider by a factor, and the objective that is missed; none if
/// it is stability that is missed.
pub fn judged<'o>(
    objectives: impl IntoIterator<Item = &'o Objective>,
    point: &Point,
    caution: f64,
) -> (Verdict, Option<&'o Objective>) {
    if point.refusal.as_ref().is_some_and(|refusal| refusal.code == "unstable") {
        return (Verdict::Missed, None);
    }
    let mut verdict = Verdict::Met;
    for objective in objectives {
        match objective.judge_with_caution(point, caution).verdict {
            Verdict::Missed => return (Verdict::Missed, Some(objective)),
            Verdict::Unsure => verdict = Verdict::Unsure,
            Verdict::Met => {}
        }
    }
    (verdict, None)
}

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
        let estimate = if point.refusal.is_none() { self.quantity.told(point, &self.operation) } else { None };
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
