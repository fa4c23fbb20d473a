//! Configurations that are worth a thought in a space too large to think of all.

use crate::experiment::find::Configuration;
use crate::experiment::plan::Dimension;
use crate::random::Stream;

/// Other values of a dimension without an order that are tried from one configuration.
const OTHER_NAMES: usize = 16;

/// All ways to go away from a configuration along one dimension: up or down one that has an order, step by step, or to
/// another name.
pub(super) fn ways(of: &[usize], dimensions: &[Dimension]) -> Vec<Vec<Configuration>> {
    let mut ways = Vec::new();
    for (dimension, Dimension { values, is_ordered, .. }) in dimensions.iter().enumerate() {
        let to = |value: usize| with(of, &[(dimension, value)]);
        if *is_ordered {
            ways.push((0..of[dimension]).rev().map(to).collect());
            ways.push((of[dimension] + 1..*values).map(to).collect());
        } else {
            ways.extend(steps(of, dimensions, dimension, 1).into_iter().map(|value| vec![to(value)]));
        }
    }
    ways
}

/// All configurations that differ in one dimension by a step, or in two of them by a step each. Steps along an ordered
/// dimension are powers of two, those of pairs one.
pub(super) fn neighbours(of: &[usize], dimensions: &[Dimension]) -> Vec<Configuration> {
    let mut found = Vec::new();
    for first in 0..dimensions.len() {
        let long = steps(of, dimensions, first, dimensions[first].values);
        found.extend(long.into_iter().map(|value| with(of, &[(first, value)])));
        for second in first + 1..dimensions.len() {
            for value in steps(of, dimensions, first, 1) {
                let others = steps(of, dimensions, second, 1).into_iter();
                found.extend(others.map(|other| with(of, &[(first, value), (second, other)])));
            }
        }
    }
    found
}

/// Other values of a dimension, up to so many steps away.
fn steps(of: &[usize], dimensions: &[Dimension], dimension: usize, longest: usize) -> Vec<usize> {
    let Dimension { values, is_ordered, .. } = dimensions[dimension];
    let here = of[dimension];
    if !is_ordered {
        return (0..values).filter(|value| *value != here).take(OTHER_NAMES).collect();
    }
    let lengths = std::iter::successors(Some(1), |length| Some(length * 2)).take_while(|length| *length <= longest);
    let both = lengths.flat_map(|length| [here.checked_sub(length), Some(here + length)]);
    both.flatten().filter(|value| *value < values).collect()
}

fn with(of: &[usize], changes: &[(usize, usize)]) -> Configuration {
    let mut other = of.to_vec();
    changes.iter().for_each(|(dimension, value)| other[*dimension] = *value);
    other
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
    fn ways_lead_away_one_dimension_at_a_time() {
        let found = ways(&[1, 7], &dimensions());
        let down: Vec<Vec<usize>> = (0..7).rev().map(|value| vec![1, value]).collect();
        assert_eq!(found, vec![vec![vec![0, 7]], vec![vec![2, 7]], down, vec![vec![1, 8], vec![1, 9]]]);
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
