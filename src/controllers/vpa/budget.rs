//! How many pods of a replica set may be disturbed at once.
//!
//! Rules after kubernetes/autoscaler, `updater/restriction/pods_restriction_factory.go`: of the replicas that are wished for
//! a share may be missing, rounded down; where that share is less than one pod, one may be disturbed if all run. A replica set
//! with fewer pods than a minimum is left alone.

/// The limits; the default is the Autoscaler's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BudgetSettings {
    /// A replica set with fewer live pods than this is left alone.
    pub minimum_replicas: usize,
    /// This share of the replicas may be missing.
    pub eviction_tolerance_fraction: f64,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { minimum_replicas: 2, eviction_tolerance_fraction: 0.5 }
    }
}

/// What may still be disturbed in one round of the updater.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    desired: usize,
    running: usize,
    tolerated: usize,
    disturbed: usize,
}

impl Budget {
    /// The budget of a replica set that wishes for `desired` replicas and has these pods; none if it is to be left alone.
    #[must_use]
    pub fn new(settings: &BudgetSettings, desired: usize, running: usize, pending: usize) -> Option<Self> {
        let tolerated = (desired as f64 * settings.eviction_tolerance_fraction) as usize;
        let enough = running + pending >= settings.minimum_replicas && desired > 0;
        enough.then_some(Self { desired, running, tolerated: tolerated.min(desired), disturbed: 0 })
    }

    /// Whether one more running pod may be disturbed.
    #[must_use]
    pub fn allows_another(&self) -> bool {
        let alive = self.running.saturating_sub(self.disturbed);
        let alone = self.tolerated == 0 && self.disturbed == 0 && self.running == self.desired;
        alive > self.desired - self.tolerated || alone
    }

    /// A running pod is disturbed.
    pub fn disturb(&mut self) {
        self.disturbed += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pods may be disturbed in one round.
    fn allowed(desired: usize, running: usize, pending: usize, eviction_tolerance_fraction: f64) -> usize {
        let settings = BudgetSettings { eviction_tolerance_fraction, ..BudgetSettings::default() };
        let Some(mut budget) = Budget::new(&settings, desired, running, pending) else { return 0 };
        let mut count = 0;
        while count < 100 && budget.allows_another() {
            budget.disturb();
            count += 1;
        }
        count
    }

    #[test]
    fn half_of_the_replicas_may_be_missing() {
        assert_eq!(allowed(10, 10, 0, 0.5), 5);
        assert_eq!(allowed(5, 5, 0, 0.5), 2);
        assert_eq!(allowed(10, 7, 3, 0.5), 2, "pods that do not run are missing already");
        assert_eq!(allowed(10, 5, 5, 0.5), 0);
    }

    #[test]
    fn where_no_whole_pod_is_tolerated_one_may_go_if_all_run() {
        assert_eq!(allowed(4, 4, 0, 0.1), 1);
        assert_eq!(allowed(4, 3, 1, 0.1), 0);
        assert_eq!(allowed(4, 5, 0, 0.1), 1, "a surplus pod is no reason for two");
    }

    #[test]
    fn a_small_replica_set_is_left_alone() {
        assert_eq!(allowed(1, 1, 0, 0.5), 0);
        assert_eq!(allowed(2, 2, 0, 0.5), 1);
        assert_eq!(allowed(0, 3, 0, 0.5), 0);
        assert_eq!(allowed(3, 3, 0, 9.0), 3);
    }
}
