//! Which group of machines grows, if several would do.

use serde::Deserialize;

use crate::controllers::cluster::group::Group;
use crate::controllers::cluster::packing::Estimate;

/// A core costs about as much as this much memory in the price lists of clouds.
const BYTES_PER_CORE: f64 = 8.0 * 1_073_741_824.0;

/// Cluster Autoscaler's expanders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Expander {
    /// The group that leaves the smallest shares of cores and memory unused.
    #[default]
    LeastWaste,
    /// The group that takes most of the pods.
    MostPods,
    /// The group whose machines cost least for what the pods request.
    Price,
    /// The group with the highest priority.
    Priority,
    Random,
}

/// A group, and the machines that it would get.
#[derive(Clone, Debug)]
pub struct Offer<'a> {
    pub place: usize,
    pub group: &'a Group,
    pub estimate: Estimate,
}

impl Expander {
    /// Less is better.
    fn score(self, offer: &Offer<'_>) -> f64 {
        let Estimate { machines, pods, requested } = &offer.estimate;
        match self {
            Self::LeastWaste => {
                let shares = requested.shares_of(offer.group.allocatable);
                let waste = |share: f64| 1.0 - share / f64::from((*machines).max(1));
                shares.into_iter().map(waste).sum()
            }
            Self::MostPods => -(pods.len() as f64),
            Self::Price => {
                let worth = requested.cpu_milli as f64 * 1e-3 + requested.memory_bytes as f64 / BYTES_PER_CORE;
                offer.group.micro_usd_per_hour as f64 * f64::from(*machines) / worth
            }
            Self::Priority => -f64::from(offer.group.priority),
            Self::Random => 0.0,
        }
    }

    /// Those of the offers than which none is better; chance decides among them.
    pub fn best(self, offers: &[Offer<'_>]) -> Vec<usize> {
        let scores: Vec<f64> = offers.iter().map(|offer| self.score(offer)).collect();
        let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
        (0..offers.len()).filter(|&place| scores[place] <= least).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::cluster::packing::estimate;
    use crate::controllers::cluster::resources::Resources;

    fn group(cores: u64, micro_usd_per_hour: u64, priority: u32) -> Group {
        let allocatable = Resources { cpu_milli: cores * 1_000, memory_bytes: cores << 32, pods: 110 };
        let mut group = Group::of(allocatable);
        group.micro_usd_per_hour = micro_usd_per_hour;
        group.priority = priority;
        group
    }

    fn best(expander: Expander, groups: &[Group], most: u32) -> Vec<usize> {
        let pods = vec![Resources::of_pod(1.0, 1 << 32); 5];
        let offer = |(place, group)| {
            let group: &Group = group;
            Offer { place, group, estimate: estimate(&pods, group.allocatable, most) }
        };
        let offers: Vec<Offer<'_>> = groups.iter().enumerate().map(offer).collect();
        expander.best(&offers)
    }

    #[test]
    fn each_expander_has_its_own_choice() {
        // Three machines of 2 cores waste a sixth, two of 4 cores three eighths, one of 16 cores eleven sixteenths.
        let groups = [group(2, 100_000, 0), group(4, 190_000, 2), group(16, 250_000, 1)];
        assert_eq!(best(Expander::LeastWaste, &groups, 10), [0]);
        assert_eq!(best(Expander::Price, &groups, 10), [2]);
        assert_eq!(best(Expander::Priority, &groups, 10), [1]);
        assert_eq!(best(Expander::Random, &groups, 10), [0, 1, 2]);
        // One machine each: the largest takes all.
        assert_eq!(best(Expander::MostPods, &groups, 1), [2]);
    }

    #[test]
    fn equals_stay_equal() {
        assert_eq!(best(Expander::LeastWaste, &[group(4, 1, 0), group(4, 2, 0)], 10), [0, 1]);
        assert_eq!(best(Expander::Price, &[group(4, 1, 0), group(4, 2, 0)], 10), [0]);
    }
}
