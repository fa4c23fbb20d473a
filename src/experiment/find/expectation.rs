//! What the looks so far let a search expect of what it has not seen.

use crate::experiment::find::margin::CLEAR;
use crate::statistics::kriging::{Kind, Kriging, Scales};

/// Looks that are learnt from. The work of learning grows with the cube of their number, and its memory with the square.
const MOST_LEARNT: usize = 600;
/// Of those, so many tell of the whole space, near the limits or not.
const FROM_EVERYWHERE: usize = 200;
/// How much beyond a factor of two still counts, so that there is a slope to follow where everything is bad.
const BEYOND: f64 = 0.2;
/// Likelihoods are looked for anew when there is so much more to learn from.
const MORE: f64 = 1.25;

/// One look, as far as it is learnt from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lesson {
    /// The configuration as a point of the unit cube.
    pub(super) coordinates: Vec<f64>,
    /// See [`super::margin::margin`].
    pub(super) margin: Option<f64>,
    /// What requests and bytes cost on top of what stands there.
    pub(super) usage_usd_per_hour: Option<f64>,
}

pub(super) struct Expectation {
    pub(super) margin: Kriging,
    usage_usd_per_hour: Option<Kriging>,
}

/// The likeliest scales, and how many looks there were when they were looked for.
pub(super) type Kept = (usize, Scales);

impl Expectation {
    /// Learns from `looks` of these coordinates' kinds. `None` where no look tells a margin.
    pub(super) fn learn(kinds: &[Kind], looks: &[Lesson], kept: &mut Option<Kept>) -> Option<Self> {
        let margins: Vec<Option<f64>> = looks.iter().map(|look| look.margin).collect();
        let learnt: Vec<&Lesson> = telling(&margins).into_iter().map(|index| &looks[index]).collect();
        let told = |value: &dyn Fn(&Lesson) -> Option<f64>| -> (Vec<Vec<f64>>, Vec<f64>) {
            learnt.iter().filter_map(|look| Some((look.coordinates.clone(), value(look)?))).unzip()
        };
        let (points, margins) = told(&|look| look.margin.map(squeezed));
        let (used_at, usages) = told(&|look| look.usage_usd_per_hour);
        let count = looks.iter().filter(|look| look.margin.is_some()).count();
        let scales = kept.take().filter(|(known, _)| (count as f64) < MORE * *known as f64);
        let margin = Kriging::fit(kinds, &points, &margins, scales.as_ref().map(|(_, scales)| scales))?;
        *kept = Some(scales.unwrap_or_else(|| (count, margin.scales.clone())));
        let usage_usd_per_hour = Kriging::fit(kinds, &used_at, &usages, Some(&margin.scales));
        Some(Self { margin, usage_usd_per_hour })
    }

    /// What requests and bytes are expected to cost on top of what stands there.
    pub(super) fn usage_usd_per_hour(&self, coordinates: &[f64]) -> f64 {
        self.usage_usd_per_hour.as_ref().map_or(0.0, |process| process.predict(coordinates).mean.max(0.0))
    }
}

/// Which looks to learn from, in their order: all of them while they are few, and then those nearest to the limits, where it is
/// decided what meets them, and some from everywhere, so that what is known to be far from them is not forgotten.
fn telling(margins: &[Option<f64>]) -> Vec<usize> {
    if margins.len() <= MOST_LEARNT {
        return (0..margins.len()).collect();
    }
    let mut order: Vec<usize> = (0..margins.len()).collect();
    let distance = |index: usize| margins[index].map_or(f64::INFINITY, f64::abs);
    order.sort_by(|one, other| distance(*one).total_cmp(&distance(*other)).then(one.cmp(other)));
    let mut others = order.split_off(MOST_LEARNT - FROM_EVERYWHERE);
    others.sort_unstable();
    order.extend((0..FROM_EVERYWHERE).map(|index| others[index * (others.len() - 1) / (FROM_EVERYWHERE - 1)]));
    order.sort_unstable();
    order
}

/// A margin as a search learns it: what is clear is clear, and the rest of it counts little.
fn squeezed(margin: f64) -> f64 {
    let beyond = (margin.abs() - CLEAR).max(0.0);
    margin.signum() * (margin.abs().min(CLEAR) + BEYOND * beyond.min(1e3).ln_1p())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::latin_hypercube::latin_hypercube;

    #[test]
    fn margins_keep_their_order_and_lose_their_length() {
        let margins = [f64::NEG_INFINITY, -20.0, -2.0, -0.5, 0.0, 0.5, 3.0, f64::INFINITY];
        let found = margins.map(squeezed);
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
        assert_eq!((found[3], found[5]), (-0.5, 0.5));
        assert!(found[1] > -2.0 && found[7].is_finite());
    }

    #[test]
    fn few_looks_are_all_learnt_from_and_many_are_chosen_from() {
        assert_eq!(telling(&[None, Some(1.0)]), [0, 1]);
        let margins: Vec<Option<f64>> =
            (0..100_000).map(|index| if index % 10 == 0 { None } else { Some(f64::from(index) - 50_000.5) }).collect();
        let found = telling(&margins);
        assert_eq!(found.len(), MOST_LEARNT);
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "each once, in order");
        let near = (49_850..50_150).filter(|index| index % 10 != 0);
        assert!(near.clone().all(|index| found.contains(&index)), "the nearest to the limit");
        assert!(found[0] == 0 && found[MOST_LEARNT - 1] == 99_999, "and some from everywhere");
    }

    /// Dense algebra over all of these looks would take 80 GB and weeks.
    #[test]
    fn a_hundred_thousand_looks_are_learnt_from_at_the_price_of_a_few() {
        let truth = |point: &[f64]| 4.0 * (point[0] - point[1]) + if point[2] > 0.5 { 1.0 } else { -1.0 };
        let look = |point: Vec<f64>| Lesson {
            margin: Some(truth(&point)),
            usage_usd_per_hour: Some(2.0 + point[0]),
            coordinates: point,
        };
        let looks: Vec<Lesson> = latin_hypercube(100_000, 3, 1).into_iter().map(look).collect();
        let mut kept = Some((100_000, Scales::new(vec![0.6; 3], 1e-2)));
        let expectation = Expectation::learn(&[Kind::Number; 3], &looks, &mut kept).expect("something is learnt");
        assert_eq!(expectation.margin.observations(), MOST_LEARNT);
        let unseen = latin_hypercube(500, 3, 2);
        let right = unseen.iter().filter(|point| {
            let found = expectation.margin.predict(point).mean;
            (found > 0.0) == (truth(point) > 0.0)
        });
        assert!(right.count() >= 460, "most are on the right side of the limit");
        assert!((expectation.usage_usd_per_hour(&[0.5; 3]) - 2.5).abs() < 0.1);
        assert_eq!(kept.map(|(count, _)| count), Some(100_000));
    }
}
