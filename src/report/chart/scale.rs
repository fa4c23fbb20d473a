//! From values to places along an axis, and the round values that are worth a label.
//!
//! plotters labels only whole decades of a logarithmic axis and panics on an empty range, so the scale is our own
//! implementation of its [`Ranged`]: labels at 1, 2 and 5 of each decade, and a range that is never empty.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::report::format::Quantity;

/// Values beyond this size would overflow the arithmetic of an axis, and values closer to zero its logarithms. A
/// drawing treats them as absent.
const SIZE_MAX: f64 = 1e30;
const SIZE_MIN: f64 = 1e-30;

/// A logarithmic axis with more labels than this keeps only every second, third … decade.
const LABELS_MAX: usize = 12;

/// Labels of a horizontal axis closer than this share of its length would touch.
const LABEL_SHARE: f64 = 0.05;

/// Whether a number can be placed on a picture at all.
pub(super) fn drawable(value: f64) -> bool {
    value == 0.0 || (SIZE_MIN..=SIZE_MAX).contains(&value.abs())
}

/// How the values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spacing {
    Linear,
    Logarithmic,
}

/// A linear or logarithmic axis over a range that is never empty.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    spacing: Spacing,
    quantity: Quantity,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Scale {
    /// A linear axis over `values` that ends at round values, and starts at zero unless values are negative.
    pub(super) fn linear_from_zero(values: &[f64], quantity: Quantity, labels: usize) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 1.0));
        let (low, mut high) = (low.min(0.0), high.max(0.0));
        if low == high {
            high = 1.0;
        }
        let step = round_step((high - low) / labels.max(1) as f64);
        Self::linear((low / step).floor() * step, (high / step).ceil() * step, step, quantity)
    }

    /// A linear axis over `values` with a little room on both sides, so that no marker sits on the frame.
    pub(super) fn linear_padded(values: &[f64], quantity: Quantity, labels: usize) -> Self {
        let (mut low, mut high) = extent(values).unwrap_or((0.0, 1.0));
        if high - low <= high.abs() * 1e-9 {
            let room = if high == 0.0 { 1.0 } else { high.abs() / 2.0 };
            (low, high) = (low - room, high + room);
        }
        let room = (high - low) * 0.04;
        // Loads and costs are never negative, and an axis should not suggest that they could be.
        low = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        high += room;
        Self::linear(low, high, round_step((high - low) / labels.max(1) as f64), quantity)
    }

    fn linear(low: f64, high: f64, step: f64, quantity: Quantity) -> Self {
        let first = (low / step - 1e-6).ceil();
        let count = ((high / step + 1e-6).floor() - first).clamp(0.0, 100.0) as usize;
        let ticks = (0..=count).map(|index| (first + index as f64) * step).collect();
        Self { spacing: Spacing::Linear, quantity, low, high, ticks }
    }

    /// A logarithmic axis over the positive `values`. With `round`, it ends at 1, 2 or 5 of a decade; without, it leaves
    /// a little room on both sides.
    pub(super) fn logarithmic(values: &[f64], quantity: Quantity, round: bool) -> Self {
        let positive: Vec<f64> = values.iter().copied().filter(|value| *value > 0.0).collect();
        let (low, high) = extent(&positive).unwrap_or((1.0, 10.0));
        let steps = one_two_five(low, high);
        let (low, high) = match (round, steps.first(), steps.last()) {
            (true, Some(first), Some(last)) if first < last => (*first, *last),
            _ => {
                let room = (high / low).powf(0.04).max(1.05);
                (low / room, high * room)
            }
        };
        let inside = |value: &f64| *value >= low * 0.999_999 && *value <= high * 1.000_001;
        let ticks = thin(steps.into_iter().filter(inside).collect());
        Self { spacing: Spacing::Logarithmic, quantity, low, high, ticks }
    }

    /// The same axis, labelled at these values instead, which are measured ones, the most important first. Where two are too
    /// close for both of their labels, the more important one is labelled.
    pub(super) fn labelled_at(mut self, values: &[f64]) -> Self {
        let mut ticks: Vec<f64> = Vec::new();
        for value in values.iter().copied().filter(|value| drawable(*value)) {
            let is_apart = |tick: &f64| (self.fraction(*tick) - self.fraction(value)).abs() >= LABEL_SHARE;
            if ticks.iter().all(is_apart) {
                ticks.push(value);
            }
        }
        ticks.sort_by(f64::total_cmp);
        self.ticks = ticks;
        self
    }

    /// The same axis with at most so many labels; where they are too many, whole decades if there are two, or else every
    /// second, third … of them.
    pub(super) fn with_at_most(mut self, labels: usize) -> Self {
        if self.spacing == Spacing::Logarithmic && self.ticks.len() > labels {
            let decades: Vec<f64> = self.ticks.iter().copied().filter(|tick| is_decade(*tick)).collect();
            self.ticks = if decades.len() > 1 { decades } else { self.ticks };
        }
        let stride = self.ticks.len().div_ceil(labels.max(1)).max(1);
        self.ticks = self.ticks.into_iter().step_by(stride).collect();
        self
    }

    /// The place of a value between 0 (the low end) and 1. Values beyond the ends are held at the ends.
    pub(super) fn fraction(&self, value: f64) -> f64 {
        let place = match self.spacing {
            Spacing::Linear => (value - self.low) / (self.high - self.low),
            Spacing::Logarithmic if value <= 0.0 => 0.0,
            Spacing::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    }

    /// The values that have a label.
    pub(super) fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// The labels of the axis, in the order of its values.
    pub(super) fn labels(&self) -> Vec<String> {
        self.ticks.iter().map(|tick| self.label(*tick)).collect()
    }

    fn label(&self, tick: f64) -> String {
        let reference = match self.spacing {
            Spacing::Linear if self.quantity != Quantity::Count => self.high.abs().max(self.low.abs()),
            _ => tick,
        };
        self.quantity.tick(tick, reference)
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.fraction(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // The light lines between the labelled ones are clutter: the grid has only the labelled ones.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

/// The smallest and the largest drawable value.
pub(super) fn extent(values: &[f64]) -> Option<(f64, f64)> {
    let mut drawable = values.iter().copied().filter(|value| drawable(*value));
    let first = drawable.next()?;
    Some(drawable.fold((first, first), |(low, high), value| (low.min(value), high.max(value))))
}

/// The next of 1, 2, 2.5, 5 and 10 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let decade = 10f64.powf(step.log10().floor());
    let leading = step / decade;
    let round = [1.0, 2.0, 2.5, 5.0].into_iter().find(|round| leading <= round * 1.000_001).unwrap_or(10.0);
    round * decade
}

/// Every 1, 2 and 5 of a decade from the last at or below `low` to the first at or above `high`.
fn one_two_five(low: f64, high: f64) -> Vec<f64> {
    let decades = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let all: Vec<f64> = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(decade))).collect();
    let first = all.iter().rposition(|value| *value <= low * 1.000_001).unwrap_or(0);
    let last = all.iter().position(|value| *value >= high * 0.999_999).unwrap_or(all.len() - 1);
    all[first..=last.max(first)].to_vec()
}

/// Leaves only whole decades, and of those only every second, third …, where there would be too many labels.
fn thin(ticks: Vec<f64>) -> Vec<f64> {
    if ticks.len() <= LABELS_MAX {
        return ticks;
    }
    let decades: Vec<f64> = ticks.into_iter().filter(|value| is_decade(*value)).collect();
    let stride = decades.len().div_ceil(LABELS_MAX).max(1);
    decades.into_iter().step_by(stride).collect()
}

fn is_decade(value: f64) -> bool {
    (value / 10f64.powi(value.log10().round() as i32) - 1.0).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_is_labelled_at_one_two_and_five() {
        let scale = Scale::logarithmic(&[0.013, 3.1], Quantity::Seconds, true);
        let expected = ["10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s", "2 s", "5 s"];
        assert_eq!(scale.labels(), expected);
        assert_eq!(scale.fraction(0.01), 0.0);
        assert!((scale.fraction(5.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_low_plot_has_few_labels() {
        let scale = Scale::logarithmic(&[0.013, 3.1], Quantity::Seconds, true);
        assert_eq!(scale.clone().with_at_most(3).labels(), ["10 ms", "100 ms", "1 s"]);
        assert_eq!(scale.clone().with_at_most(2).labels(), ["10 ms", "1 s"]);
        assert_eq!(scale.clone().with_at_most(20).labels(), scale.labels());
        let within_a_decade = Scale::logarithmic(&[0.012, 0.04], Quantity::Seconds, true);
        assert_eq!(within_a_decade.with_at_most(2).labels(), ["10 ms", "50 ms"]);
        let linear = Scale::linear_from_zero(&[0.2, 1.1], Quantity::Seconds, 6);
        assert_eq!(linear.with_at_most(3).labels(), ["0", "0.6 s", "1.2 s"]);
    }

    #[test]
    fn a_linear_axis_shares_one_unit() {
        let scale = Scale::linear_from_zero(&[0.2, 1.1], Quantity::Seconds, 6);
        assert_eq!(scale.labels(), ["0", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s", "1.2 s"]);
        let loads = Scale::linear_padded(&[5_000.0, 50_000.0], Quantity::Count, 8);
        assert_eq!(loads.labels().last().map(String::as_str), Some("50k"));
    }

    #[test]
    fn no_range_is_empty_and_every_fraction_is_finite() {
        let awkward: [&[f64]; 9] = [
            &[],
            &[0.0],
            &[5.0],
            &[5.0, 5.0],
            &[-3.0, -3.0],
            &[f64::NAN, f64::INFINITY],
            &[1e-30, 1e30],
            &[1e300, 2.0],
            &[1e15, 1e15 + 1.0],
        ];
        for values in awkward {
            for scale in [
                Scale::linear_from_zero(values, Quantity::Dollars, 6),
                Scale::linear_padded(values, Quantity::Count, 8),
                Scale::logarithmic(values, Quantity::Seconds, true),
                Scale::logarithmic(values, Quantity::Seconds, false),
            ] {
                assert!(scale.low < scale.high, "{values:?}: {scale:?}");
                assert!(scale.ticks.len() <= 101, "{values:?}: {scale:?}");
                for value in [0.0, 1.0, -1.0, 1e300, f64::NAN] {
                    assert!((0.0..=1.0).contains(&scale.fraction(value)), "{values:?}: {scale:?}");
                }
            }
        }
    }
}
