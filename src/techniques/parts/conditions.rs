//! What has befallen the parts of a node and is not over yet.

use crate::engine::control::{Disturbance, Parts};

/// Everything that holds on. There are a few at most, so they are looked through.
#[derive(Clone, Debug)]
pub struct Conditions {
    active: Vec<Disturbance>,
    zones: u8,
}

impl Conditions {
    /// Of a node whose parts are spread over so many zones, and whom nothing has befallen.
    pub fn new(zones: u8) -> Self {
        Self { active: Vec::new(), zones }
    }

    /// One more.
    pub fn begin(&mut self, disturbance: Disturbance) {
        self.active.push(disturbance);
    }

    /// One is over. The same may have befallen the node twice, and then still holds on.
    pub fn end(&mut self, disturbance: &Disturbance) {
        if let Some(position) = self.active.iter().position(|one| one == disturbance) {
            self.active.remove(position);
        }
    }

    /// Whether a part is lost.
    pub fn is_lost(&self, part: usize) -> bool {
        let is_lost = |one: &Disturbance| matches!(one, Disturbance::Lose { parts } if self.hits(parts, part));
        self.active.iter().any(is_lost)
    }

    /// Whether a part is lost with its whole zone.
    pub fn is_zone_lost(&self, part: usize) -> bool {
        let is_lost = |one: &Disturbance| match one {
            Disturbance::Lose { parts: zone @ Parts::Zone(_) } => self.hits(zone, part),
            _ => false,
        };
        self.active.iter().any(is_lost)
    }

    /// How many times as long a part takes.
    pub fn factor(&self, part: usize) -> f64 {
        let factor = |one: &Disturbance| match one {
            Disturbance::Slow { parts, factor } if self.hits(parts, part) => Some(*factor),
            _ => None,
        };
        self.active.iter().filter_map(factor).product()
    }

    /// Whether this disturbance is about a part.
    pub fn hits(&self, parts: &Parts, part: usize) -> bool {
        parts.contains(part, self.zones)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_holds_on_until_the_last_of_it_is_over() {
        let mut conditions = Conditions::new(3);
        let zone = Disturbance::Lose { parts: Parts::Zone(1) };
        let copies = Disturbance::Lose { parts: Parts::Replicas([4, 5].into()) };
        let slow = |factor| Disturbance::Slow { parts: Parts::Replicas([4].into()), factor };
        for one in [&zone, &copies, &slow(3.0), &slow(10.0), &slow(3.0)] {
            conditions.begin(one.clone());
        }
        let lost = |conditions: &Conditions| (0..6).filter(|part| conditions.is_lost(*part)).collect::<Vec<_>>();
        assert_eq!((lost(&conditions), conditions.factor(4), conditions.factor(1)), (vec![1, 4, 5], 90.0, 1.0));
        conditions.end(&zone);
        conditions.end(&slow(3.0));
        assert_eq!((lost(&conditions), conditions.factor(4)), (vec![4, 5], 30.0));
        conditions.end(&copies);
        conditions.end(&slow(3.0));
        conditions.end(&slow(10.0));
        assert_eq!((lost(&conditions), conditions.factor(4)), (vec![], 1.0));
    }
}
