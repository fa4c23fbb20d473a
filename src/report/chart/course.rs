//! What charts against time have in common: the axis of time, and which latency their windows tell.

use crate::experiment::metric::Metric;
use crate::experiment::study::{Interval, OperationWindow, Study, Window};
use crate::report::format::Quantity;

use super::picture::{Axis, Start};

/// A quantity of a window.
pub(super) type Told = fn(&OperationWindow) -> Option<Interval>;

/// What may be drawn, the most wanted first: what lies in the tail needs many requests in each window.
const QUANTITIES: [(Metric, Told); 4] = [
    (Metric::P99, |operation| operation.p99_s),
    (Metric::P95, |operation| operation.p95_s),
    (Metric::P50, |operation| operation.p50_s),
    (Metric::Mean, |operation| operation.mean_s),
];

/// Most labels along the axis of time.
const LABELS_MAX: f64 = 12.0;

/// What the clients saw in a window of the operation that the study looks at.
pub(super) fn operation<'w>(study: &Study, window: &'w Window) -> Option<&'w OperationWindow> {
    window.operations.iter().find(|operation| operation.name == study.operation)
}

/// The first quantity that at least half of these windows tell, of those in which requests end.
pub(super) fn quantity<'w>(study: &Study, windows: impl Iterator<Item = &'w Window>) -> (Metric, Told) {
    let ended = windows.filter_map(|window| operation(study, window)).filter(|one| one.mean_s.is_some());
    let ended: Vec<&OperationWindow> = ended.collect();
    let told = |told: Told| ended.iter().filter(|one| told(one).is_some()).count();
    QUANTITIES.into_iter().find(|(_, quantity)| 2 * told(*quantity) >= ended.len()).unwrap_or(QUANTITIES[3])
}

/// The unit that a time is best read in.
pub(super) struct TimeUnit {
    name: &'static str,
    pub(super) seconds: f64,
    /// Distances of labels that people count in.
    steps: &'static [f64],
}

impl TimeUnit {
    pub(super) fn of(end_s: f64) -> Self {
        const TENS: &[f64] = &[1.0, 2.0, 5.0, 10.0];
        const SIXTIES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0];
        const DOZENS: &[f64] = &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0];
        let (name, seconds, steps) = match end_s {
            end_s if end_s > 10.0 * 86_400.0 => ("days", 86_400.0, TENS),
            end_s if end_s > 3.0 * 3_600.0 => ("hours", 3_600.0, DOZENS),
            end_s if end_s > 180.0 => ("minutes", 60.0, SIXTIES),
            _ => ("seconds", 1.0, SIXTIES),
        };
        Self { name, seconds, steps }
    }

    /// The axis of a time from zero to its end.
    pub(super) fn axis(&self, end_s: f64) -> Axis {
        Axis {
            title: format!("Time since the start ({})", self.name),
            quantity: Quantity::Count,
            start: Start::Data,
            include: self.labels(end_s).into_iter().rev().collect(),
            limits: Vec::new(),
        }
    }

    /// Round times from zero to the end, the end itself where none is round.
    fn labels(&self, end_s: f64) -> Vec<f64> {
        let end = end_s / self.seconds;
        let fits = |step: &&f64| end / **step < LABELS_MAX;
        let step = match self.steps.iter().find(fits) {
            Some(step) if end > 4.0 => *step,
            Some(_) => 10f64.powf((end / 4.0).log10().ceil()),
            None => 10f64.powf((end / LABELS_MAX).log10().ceil()),
        };
        let count = (end / step * (1.0 + 1e-12)).floor() as u32;
        (0..=count).map(|label| f64::from(label) * step).collect()
    }
}
