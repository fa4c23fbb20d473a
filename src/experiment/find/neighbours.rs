//! Configurations that are worth a thought in a space too large to think of all.

use crate::experiment::find::Configuration;
use crate::experiment::plan::Dimension;
use crate::random::Stream;

/// Other values of a dimension without an order that are tried from one configuration.
const OTHER_NAMES: usize = 16;

/// All configurations that differ in one dimension by a step, or in two of them by a step each. Steps along an ordered
/// dimension are powers of two, those of pairs one.
pub(super) fn neighbours(of: &[usize], dimensions: &[Dimension]) -> Vec<Configuration> {
    let steps = |dimension: usize, longest: usize| -> Vec<usize> {
        let Dimension { values, is_ordered, .. } = dimensions[dimension];
        let here = of[dimension];
        if !is_ordered {
            return (0..values).filter(|value| *value != here).take(OTHER_NAMES).collect();
        }
        let lengths = std::iter::successors(Some(1), |length| Some(length * 2)).take_while(|length| *length <= longest);
        let both = lengths.flat_map(|length| [here.checked_sub(length), Some(here + length)]);
        both.flatten().filter(|value| *value < values).collect()
    };
    let with = |changes: &[(usize, usize)]| {
        let mut other = of.to_vec();
        changes.iter().for_each(|(dimension, value)| other[*dimension] = *value);
        other
    };
    let mut found = Vec::new();
    for dimension in 0..dimensions.len() {
        found.extend(steps(dimension, dimensions[dimension].values).iter().map(|value| with(&[(dimension, *value)])));
        for second in dimension + 1..dimensions.len() {
            for value in steps(dimension, 1) {
                found.extend(steps(second, 1).iter().map(|other| with(&[(dimension, value), (second, *other)])));
            }
        }
    }
    found
}

/// Any configuration.
pub(super) fn anywhere(dimensions: &[Dimension], stream: &mut Stream) -> Configuration {
    dimensions.iter().map(|dimension| stream.below(dimension.values as u64) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Seed};

    fn dimensions() -> Vec<Dimension> {
        let dimension = |values, is_ordered| Dimension { name: String::new(), values, is_ordered };
        vec![dimension(3, false), dimension(10, true)]
    }

    #[test]
    fn neighbours_are_one_or_two_steps_away_and_inside() {
        let mut found = neighbours(&[1, 8], &dimensions());
        found.sort();
        let alone = [[0, 8], [1, 0], [1, 4], [1, 6], [1, 7], [1, 9], [2, 8]];
        let pairs = [[0, 7], [0, 9], [2, 7], [2, 9]];
        let mut expected: Vec<Vec<usize>> = alone.iter().chain(&pairs).map(|one| one.to_vec()).collect();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn anywhere_is_everywhere() {
        let mut stream = Seed::new(1, 0).stream(Purpose::named("anywhere"));
        let mut seen: Vec<Configuration> = (0..1_000).map(|_| anywhere(&dimensions(), &mut stream)).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 30);
    }
}
