//! What follows from the points of a study: whether they meet the objectives, and where latency bends.

use crate::experiment::metric::Metric;
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
            let notes = study.objectives.iter().zip(&point.objectives).filter_map(|(one, judgement)| {
                if judgement.verdict == Verdict::Unsure { unseen_failures(one, point) } else { None }
            });
            let notes: Vec<String> = notes.collect();
            point.notes.extend(notes);
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
        let estimate = if point.refusal.is_none() { self.quantity.told(point, &self.operation) } else { None };
        let is_unstable = point.refusal.as_ref().is_some_and(|refusal| refusal.code == "unstable");
        let verdict = match estimate {
            Some(estimate) => self.verdict(estimate, caution),
            None if is_unstable => Verdict::Missed,
            None => Verdict::Unsure,
        };
        Judgement { verdict, estimate }
    }

    /// The share of requests that may fail, if that is what it is about.
    pub fn error_limit(&self) -> Option<f64> {
        match self.quantity {
            Metric::ErrorRatio => Some(self.limit),
            Metric::Availability => Some(1.0 - self.limit),
            _ => None,
        }
    }

    /// Whether single windows of time meet or miss it: it is about latency or errors.
    pub fn is_of_windows(&self) -> bool {
        self.quantity.quantile().is_some() || self.error_limit().is_some()
    }

    /// What an estimate says, if its interval is made wider by a factor.
    pub fn verdict(&self, Interval { value, low, high }: Interval, caution: f64) -> Verdict {
        let edge = |edge: f64| value + (edge - value) * caution;
        let estimate = Interval { value, low: edge(low), high: edge(high) };
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

/// What it takes to tell whether an objective on errors is met, where no request failed.
fn unseen_failures(objective: &Objective, point: &Point) -> Option<String> {
    let limit = objective.error_limit()?;
    let (all, own) = (operation(point, "all")?, operation(point, &objective.operation)?);
    let told = own.error_ratio.filter(|told| told.value == 0.0 && told.high < 1.0)?;
    // Nothing failed, so requests are counted by those that succeeded.
    let requests = point.requests as f64 * own.throughput_per_s?.value / all.throughput_per_s?.value;
    let seen = format!(
        "{}: none of {requests:.0} requests failed, which leaves an error ratio of up to {}",
        objective.name,
        percent(told.high)
    );
    if limit <= 0.0 {
        return Some(format!("{seen}; that nothing ever fails cannot be shown by requests"));
    }
    // As many times more as the chance that a request fails may be less.
    let wanted = requests * (-told.high).ln_1p() / (-limit).ln_1p();
    Some(format!("{seen}: telling takes about {} requests without a failure", two_digits(wanted)))
}

/// A share with two digits.
fn percent(share: f64) -> String {
    let decimals = (1.0 - (100.0 * share).log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{:.decimals$}%", 100.0 * share)
}

/// A large number, rounded up to two digits.
fn two_digits(number: f64) -> String {
    let size = 10f64.powf((number.log10().floor() - 1.0).max(0.0));
    format!("{:.0}", (number / size).ceil() * size)
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

/// What is told of p99. An unstable point has no latency: it grows without bound.
pub fn told(point: &Point, watched: &str) -> Option<Told> {
    let p99 = operation(point, watched).and_then(|operation| operation.p99_s);
    match &point.refusal {
        Some(refusal) => (refusal.code == "unstable").then_some(Told::Unbounded),
        None => p99.map(|Interval { value, low, high }| Told::Latency { value, low, high }),
    }
}

/// The knee of p99 against load.
fn bend(variant: &Variant, watched: &str) -> Option<Knee> {
    let points = variant.points.iter();
    let curve: Vec<(f64, Told)> = points.filter_map(|point| Some((point.load, told(point, watched)?))).collect();
    let found = knee(&curve)?;
    Some(Knee { load: found.load, low_load: found.low, high_load: found.high })
}
