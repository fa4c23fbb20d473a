//! On which machine a pod comes to stand: filter by what fits, then score, as the scheduler of Kubernetes does.

use serde::Deserialize;

use crate::controllers::cluster::resources::Resources;

/// How machines with room for a pod are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Scoring {
    /// The emptiest first: pods are spread.
    #[default]
    LeastAllocated,
    /// The fullest first: pods are packed, and machines become empty.
    MostAllocated,
}

impl Scoring {
    /// From 0 to 100 for each resource, cut off to whole numbers; more is better.
    fn score(self, requested: Resources, allocatable: Resources) -> u64 {
        let of = |requested: u64, allocatable: u64| {
            let counted = match self {
                Self::LeastAllocated => allocatable.saturating_sub(requested),
                Self::MostAllocated => requested,
            };
            (u128::from(counted) * 100 / u128::from(allocatable.max(1))) as u64
        };
        let cpu = of(requested.cpu_milli, allocatable.cpu_milli);
        (cpu + of(requested.memory_bytes, allocatable.memory_bytes)) / 2
    }

    /// The place of the machine that a pod goes to, of those that are given with what is requested of them and what they
    /// have; of equals the first.
    pub fn choose(
        self,
        pod: Resources,
        machines: impl Iterator<Item = (usize, Resources, Resources)>,
    ) -> Option<usize> {
        let mut best: Option<(u64, usize)> = None;
        for (place, requested, allocatable) in machines {
            if !pod.fits_into(allocatable - requested) {
                continue;
            }
            let score = self.score(requested + pod, allocatable);
            if best.is_none_or(|(highest, _)| score > highest) {
                best = Some((score, place));
            }
        }
        best.map(|(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_spread_or_packed_where_they_fit() {
        let machine = Resources { cpu_milli: 4_000, memory_bytes: 1 << 34, pods: 110 };
        let requested = [3_500, 1_000, 2_000, 1_000].map(|cpu_milli| Resources { cpu_milli, ..Resources::default() });
        let choose = |scoring: Scoring, cores: f64| {
            let machines = requested.iter().enumerate().map(|(place, requested)| (place, *requested, machine));
            scoring.choose(Resources::of_pod(cores, 0), machines)
        };
        assert_eq!(choose(Scoring::LeastAllocated, 1.0), Some(1));
        assert_eq!(choose(Scoring::MostAllocated, 1.0), Some(2));
        assert_eq!(choose(Scoring::MostAllocated, 0.5), Some(0));
        assert_eq!(choose(Scoring::LeastAllocated, 3.1), None);
    }
}
