//! The steps of a policy: which one a breach falls into, and what it makes of a capacity.

use serde::Deserialize;

use crate::controllers::parts::level::Level;
use crate::diagnostic::span::Spanned;
use crate::techniques::technique::Mistake;

/// What an adjustment means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AdjustmentType {
    /// So many more.
    ChangeInCapacity,
    /// So many percent more.
    PercentChangeInCapacity,
    /// So many.
    ExactCapacity,
}

/// An adjustment, and the breaches that it answers, as seen from the threshold.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(default)]
    pub lower_bound: Option<Level>,
    #[serde(default)]
    pub upper_bound: Option<Level>,
    pub adjustment: i32,
}

impl Step {
    fn bounds(&self) -> (f64, f64) {
        let value = |bound: Option<Level>, otherwise: f64| bound.map_or(otherwise, Level::value);
        (value(self.lower_bound, f64::NEG_INFINITY), value(self.upper_bound, f64::INFINITY))
    }

    /// Whether a breach by so much falls into this step. The bound nearer to the threshold belongs to it.
    pub fn contains(&self, beyond: f64, is_upward: bool) -> bool {
        let (lower, upper) = self.bounds();
        if is_upward { lower <= beyond && beyond < upper } else { lower < beyond && beyond <= upper }
    }
}

impl AdjustmentType {
    /// The capacity that an adjustment makes of another. Changes in percent are rounded towards zero but not to it.
    pub fn apply(self, capacity: u32, adjustment: i32, min_magnitude: u32) -> u32 {
        let change = match self {
            Self::ExactCapacity => return u32::try_from(adjustment).unwrap_or(0),
            Self::ChangeInCapacity => i64::from(adjustment),
            Self::PercentChangeInCapacity => {
                let hundredths = i64::from(capacity) * i64::from(adjustment);
                let least = i64::from(min_magnitude.max(1));
                i64::from(adjustment.signum()) * (hundredths / 100).abs().max(least)
            }
        };
        u32::try_from((i64::from(capacity) + change).max(0)).unwrap_or(u32::MAX)
    }
}

/// Mistakes in the steps of a policy, whose metric is a share or a number.
pub fn mistakes(steps: &Spanned<Vec<Step>>, adjustment_type: AdjustmentType, is_share: bool) -> Option<Mistake> {
    let mistake = |message: &str, help: &str| Some(Mistake::new(steps.span, message, help));
    if steps.is_empty() {
        return mistake("a policy without steps changes nothing", "add steps: [ (lower_bound: 0, adjustment: 2) ]");
    }
    let levels = steps.iter().flat_map(|step| [step.lower_bound, step.upper_bound]).flatten();
    let is_zero = |level: &Level| level.value() == 0.0;
    if levels.filter(|level| !is_zero(level)).any(|level| matches!(level, Level::Share(_)) != is_share) {
        return mistake(
            "bounds and threshold are of one kind",
            "write all as shares such as \"10%\", or all as numbers",
        );
    }
    if steps.iter().any(|step| step.bounds() == (f64::NEG_INFINITY, f64::INFINITY)) && steps.len() > 1 {
        return mistake(
            "a step without bounds leaves nothing to the others",
            "give each step a lower or an upper bound",
        );
    }
    if steps.iter().any(|step| step.bounds().0 >= step.bounds().1) {
        return mistake("the lower bound of a step is below its upper bound", "exchange the bounds");
    }
    let mut bounds: Vec<(f64, f64)> = steps.iter().map(Step::bounds).collect();
    bounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    if bounds.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return mistake("steps overlap", "let each begin where the one before it ends");
    }
    if bounds.windows(2).any(|pair| pair[0].1 < pair[1].0) {
        return mistake("there is a gap between two steps", "let each begin where the one before it ends");
    }
    let (lowest, highest) = (bounds[0].0, bounds[bounds.len() - 1].1);
    if (lowest.is_finite() && lowest < 0.0) || (highest.is_finite() && highest > 0.0) {
        return mistake("a larger breach finds no step", "leave out the outermost bound");
    }
    if adjustment_type == AdjustmentType::ExactCapacity && steps.iter().any(|step| step.adjustment < 0) {
        return mistake("a capacity is not negative", "write 0 or more, or use ChangeInCapacity");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_in_percent_are_rounded_towards_zero_but_not_to_it() {
        let apply = |capacity, adjustment, magnitude| {
            AdjustmentType::PercentChangeInCapacity.apply(capacity, adjustment, magnitude)
        };
        assert_eq!(apply(127, 10, 0), 139, "12.7 are 12");
        assert_eq!(apply(67, 1, 0), 68, "0.67 are 1");
        assert_eq!(apply(58, -1, 0), 57, "-0.58 are -1");
        assert_eq!(apply(667, -1, 0), 661, "-6.67 are -6");
        assert_eq!(apply(10, 10, 5), 15);
        assert_eq!(apply(3, -10, 5), 0);
    }

    #[test]
    fn adjustments_do_not_overflow() {
        assert_eq!(AdjustmentType::ChangeInCapacity.apply(u32::MAX, i32::MAX, 0), u32::MAX);
        assert_eq!(AdjustmentType::PercentChangeInCapacity.apply(u32::MAX, i32::MIN, u32::MAX), 0);
        assert_eq!(AdjustmentType::ExactCapacity.apply(7, -1, 0), 0);
    }

    #[test]
    fn the_bound_nearer_to_the_threshold_belongs_to_a_step() {
        let step = |lower, upper| Step { lower_bound: lower, upper_bound: upper, adjustment: 1 };
        let number = |value| Some(Level::Number(value));
        assert!(step(number(0.0), number(10.0)).contains(0.0, true));
        assert!(!step(number(0.0), number(10.0)).contains(10.0, true));
        assert!(step(number(-10.0), number(0.0)).contains(0.0, false));
        assert!(!step(number(-10.0), number(0.0)).contains(-10.0, false));
    }
}
