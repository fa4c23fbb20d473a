//! How far a pod's requests are from what is recommended, and which pod comes first.
//!
//! Rules after kubernetes/autoscaler, `updater/priority/priority_processor.go`.

use std::cmp::Ordering;

use super::recommendation::Recommendation;
use super::resources::Resources;

/// How much a pod wants to be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Priority {
    /// Whether a container requests less than its lower or more than its upper bound.
    pub outside_bounds: bool,
    /// Whether a container should get more than it requests.
    pub wants_more: bool,
    /// What should change as a share of what is requested, CPU and memory added.
    pub relative_change: f64,
}

impl Priority {
    /// Less if the other pod comes first: those that want more do, and then those that are farther off.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        self.wants_more.cmp(&other.wants_more).then(self.relative_change.total_cmp(&other.relative_change))
    }
}

/// How much a pod with these requests wants to be changed.
#[must_use]
pub fn priority(requests: &[Option<Resources>], recommendations: &[Option<Recommendation>]) -> Priority {
    let mut found = Priority::default();
    // Requested and recommended, of CPU and of memory.
    let mut totals = [(0u64, 0u64); 2];
    for (request, recommended) in requests.iter().zip(recommendations) {
        let Some(recommended) = recommended else { continue };
        let amounts = |resources: Resources| [resources.cpu_millicores, resources.memory_bytes];
        let (lower, target) = (amounts(recommended.lower_bound), amounts(recommended.target));
        let upper = amounts(recommended.upper_bound);
        // Whoever requests nothing is outside of every range.
        found.outside_bounds |= request.is_none();
        found.wants_more |= request.is_none();
        let requested = request.map(amounts);
        for (resource, total) in totals.iter_mut().enumerate() {
            total.1 = total.1.saturating_add(target[resource]);
            let Some(amount) = requested.map(|amounts| amounts[resource]) else { continue };
            total.0 = total.0.saturating_add(amount);
            found.wants_more |= target[resource] > amount;
            found.outside_bounds |= amount < lower[resource] || amount > upper[resource];
        }
    }
    found.relative_change =
        totals.iter().map(|&(request, target)| request.abs_diff(target) as f64 / request.max(1) as f64).sum();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cpu_millicores: u64, memory_bytes: u64) -> Resources {
        Resources { cpu_millicores, memory_bytes }
    }

    fn recommended() -> Option<Recommendation> {
        let (lower_bound, target, upper_bound) = (of(500, 500), of(1_000, 1_000), of(2_000, 2_000));
        Some(Recommendation { lower_bound, target, upper_bound, uncapped_target: target })
    }

    #[test]
    fn the_changes_of_all_containers_are_added() {
        let requests = [Some(of(500, 1_000)), Some(of(1_500, 1_000))];
        let found = priority(&requests, &[recommended(), recommended()]);
        assert_eq!(found, Priority { outside_bounds: false, wants_more: true, relative_change: 0.0 });
        assert_eq!(priority(&requests, &[None]), Priority::default());
    }

    #[test]
    fn the_changes_of_both_resources_are_added() {
        let found = priority(&[Some(of(2_000, 4_000))], &[recommended()]);
        assert_eq!(found, Priority { outside_bounds: true, wants_more: false, relative_change: 0.5 + 0.75 });
        assert_eq!(priority(&[Some(of(0, 1_000))], &[recommended()]).relative_change, 1_000.0, "no division by zero");
    }

    #[test]
    fn whoever_wants_more_comes_first_however_little() {
        let more = Priority { wants_more: true, relative_change: 0.01, ..Priority::default() };
        let less = Priority { relative_change: 5.0, ..Priority::default() };
        assert_eq!(more.compare(&less), Ordering::Greater);
        assert_eq!(less.compare(&Priority { relative_change: 4.0, ..less }), Ordering::Greater);
    }
}
