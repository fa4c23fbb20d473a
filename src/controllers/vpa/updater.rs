//! Which pods are evicted, or resized where they run, so that they get what is recommended.
//!
//! Rules after kubernetes/autoscaler, `updater/priority/update_priority_calculator.go` and
//! `updater/restriction/`. A pod is changed when
//!
//! 1. what a container requests lies outside its bounds, whatever the pod's age; or
//! 2. it was killed for want of memory soon after it started, and would get something else; or
//! 3. it has lived long enough and the requests of all its containers together are far enough from the targets.
//!
//! Pods that want more come first, and then those that are farther off. How many go at once is for the
//! [`Budget`] to say; an evicted pod is recreated by whoever owns it, and gets the target when it is.

use super::budget::{Budget, BudgetSettings};
use super::priority::{Priority, priority};
use super::recommendation::Recommendation;
use super::resources::Resources;

const MINUTE_NS: u64 = 60_000_000_000;

/// When recommendations reach the pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateMode {
    /// Never; they are only told.
    Off,
    /// When a pod is created for another reason.
    Initial,
    /// Pods are evicted for it. What the Autoscaler calls `Auto` means this too.
    #[default]
    Recreate,
    /// Pods are resized while they run, and evicted only if that fails.
    InPlaceOrRecreate,
}

impl UpdateMode {
    /// Whether a pod that is created gets the target.
    #[must_use]
    pub fn sets_requests_of_new_pods(self) -> bool {
        self != Self::Off
    }
}

/// How far a resize of a running pod has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// Its machine has no room now.
    Deferred { since_ns: u64 },
    /// It is being carried out.
    InProgress { since_ns: u64 },
    /// It never fits, or has failed.
    Failed,
}

/// A pod as the updater sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// What each container requests, none if it requests nothing; in the order of the recommendations.
    pub requests: Vec<Option<Resources>>,
    /// When it started; none while it is pending.
    pub started_ns: Option<u64>,
    /// How long a container of it had run when it was last killed for want of memory, if it was.
    pub killed_after_ns: Option<u64>,
    /// The resize that is under way.
    pub resize: Option<Resize>,
}

/// What is to be done with a pod, named by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is stopped, and recreated with what is recommended.
    Evict(usize),
    /// It gets what is recommended while it runs.
    ResizeInPlace(usize),
}

/// The rules; the default is the Autoscaler's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Updater {
    /// When recommendations reach the pods.
    pub mode: UpdateMode,
    /// Smaller relative changes than this are not worth an eviction.
    pub minimum_change: f64,
    /// A pod within its bounds is let alone until it has lived this long.
    pub minimum_lifetime_ns: u64,
    /// A kill for want of memory within this time of the start is a reason to evict.
    pub quick_kill_ns: u64,
    /// How many pods may be disturbed at once.
    pub budget: BudgetSettings,
    /// A resize that is deferred for longer than this has failed.
    pub deferred_limit_ns: u64,
    /// A resize that takes longer than this has failed.
    pub in_progress_limit_ns: u64,
}

impl Default for Updater {
    fn default() -> Self {
        Self {
            mode: UpdateMode::default(),
            minimum_change: 0.1,
            minimum_lifetime_ns: 12 * 60 * MINUTE_NS,
            quick_kill_ns: 10 * MINUTE_NS,
            budget: BudgetSettings::default(),
            deferred_limit_ns: 5 * MINUTE_NS,
            in_progress_limit_ns: 60 * MINUTE_NS,
        }
    }
}

impl Updater {
    /// Whether a pod is to be changed now, and how much it wants it, if the budget allows.
    #[must_use]
    pub fn wants(&self, pod: &Pod, recommendations: &[Option<Recommendation>], now_ns: u64) -> Option<Priority> {
        let found = priority(&pod.requests, recommendations);
        let quick_kill = pod.killed_after_ns.is_some_and(|lived_ns| lived_ns < self.quick_kill_ns);
        let old = pod.started_ns.is_some_and(|start_ns| now_ns >= start_ns.saturating_add(self.minimum_lifetime_ns));
        let changes = found.relative_change > 0.0;
        let worth_it = old && found.relative_change >= self.minimum_change;
        let wanted = found.outside_bounds || (quick_kill && changes) || worth_it;
        // A quick kill that a change would not cure is no reason, even where the bounds are one.
        (wanted && (changes || !quick_kill)).then_some(found)
    }

    /// What to do now with the live pods of a replica set that wishes for `desired` replicas, in this order.
    #[must_use]
    pub fn actions(
        &self,
        pods: &[Pod],
        desired: usize,
        recommendations: &[Option<Recommendation>],
        now_ns: u64,
    ) -> Vec<Action> {
        let running = pods.iter().filter(|pod| pod.started_ns.is_some()).count();
        let budget = Budget::new(&self.budget, desired, running, pods.len() - running);
        let updates = matches!(self.mode, UpdateMode::Recreate | UpdateMode::InPlaceOrRecreate);
        let Some(mut budget) = budget.filter(|_| updates) else { return Vec::new() };
        let wants = |(index, pod)| self.wants(pod, recommendations, now_ns).map(|priority| (priority, index, pod));
        let mut wanting: Vec<(Priority, usize, &Pod)> = pods.iter().enumerate().filter_map(wants).collect();
        wanting.sort_by(|(a, ..), (b, ..)| b.compare(a));
        let in_place = self.mode == UpdateMode::InPlaceOrRecreate;
        // Whoever is to be evicted because a resize failed comes after those that can be resized.
        let is_eviction = |pod: &Pod| !in_place || pod.resize.is_some();
        wanting.sort_by_key(|&(_, _, pod)| is_eviction(pod));
        let mut actions = Vec::new();
        for (_, index, pod) in wanting {
            let pending = pod.started_ns.is_none();
            let waits = match pod.resize {
                Some(resize) => !self.has_failed(resize, now_ns),
                None => in_place && pending,
            };
            let free = pending && !in_place;
            if waits || !(free || budget.allows_another()) {
                continue;
            }
            if !free {
                budget.disturb();
            }
            actions.push(if is_eviction(pod) { Action::Evict(index) } else { Action::ResizeInPlace(index) });
        }
        actions
    }

    fn has_failed(&self, resize: Resize, now_ns: u64) -> bool {
        match resize {
            Resize::Deferred { since_ns } => now_ns.saturating_sub(since_ns) > self.deferred_limit_ns,
            Resize::InProgress { since_ns } => now_ns.saturating_sub(since_ns) > self.in_progress_limit_ns,
            Resize::Failed => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: u64 = 60 * MINUTE_NS;
    const NOW_NS: u64 = 100 * HOUR_NS;

    fn of(cpu_millicores: u64) -> Resources {
        Resources { cpu_millicores, memory_bytes: 1_000 }
    }

    /// Between 500 and 2,000 milli-cores, at best 1,000.
    fn recommended() -> [Option<Recommendation>; 1] {
        let (lower_bound, target, upper_bound) = (of(500), of(1_000), of(2_000));
        [Some(Recommendation { lower_bound, target, upper_bound, uncapped_target: target })]
    }

    fn pod(cpu_millicores: u64, age_ns: u64) -> Pod {
        let requests = vec![Some(of(cpu_millicores))];
        Pod { requests, started_ns: Some(NOW_NS - age_ns), ..Pod::default() }
    }

    fn wants(pod: &Pod) -> bool {
        Updater::default().wants(pod, &recommended(), NOW_NS).is_some()
    }

    fn actions(mode: UpdateMode, pods: &[Pod]) -> Vec<Action> {
        Updater { mode, ..Updater::default() }.actions(pods, pods.len(), &recommended(), NOW_NS)
    }

    #[test]
    fn outside_its_bounds_a_pod_is_changed_whatever_its_age() {
        for (millicores, expected) in [(499, true), (500, false), (2_000, false), (2_001, true)] {
            assert_eq!(wants(&pod(millicores, MINUTE_NS)), expected, "{millicores}");
        }
        assert!(wants(&Pod { requests: vec![None], ..Pod::default() }), "whoever requests nothing");
    }

    #[test]
    fn within_its_bounds_age_and_a_tenth_of_change_are_needed() {
        assert!(!wants(&pod(1_500, 12 * HOUR_NS - 1)));
        assert!(wants(&pod(1_500, 12 * HOUR_NS)));
        assert!(!wants(&pod(1_100, 20 * HOUR_NS)), "9.1% of the request");
        assert!(wants(&pod(910, 20 * HOUR_NS)) != wants(&pod(900, 20 * HOUR_NS)), "9.9% and 11.1%");
    }

    #[test]
    fn a_quick_kill_is_a_reason_only_if_something_would_change() {
        let killed = |millicores, lived_ns| Pod { killed_after_ns: Some(lived_ns), ..pod(millicores, 11 * HOUR_NS) };
        assert!(wants(&killed(990, 10 * MINUTE_NS - 1)));
        assert!(!wants(&killed(990, 10 * MINUTE_NS)));
        assert!(!wants(&killed(1_000, MINUTE_NS)));
    }

    #[test]
    fn those_that_want_more_go_first_and_half_stay() {
        let pods = [1_200, 3_000, 700, 300].map(|millicores| pod(millicores, 20 * HOUR_NS));
        assert_eq!(actions(UpdateMode::Recreate, &pods), [Action::Evict(3), Action::Evict(2)]);
        assert!(actions(UpdateMode::Recreate, &pods[3..]).is_empty(), "one pod alone is left alone");
        for mode in [UpdateMode::Off, UpdateMode::Initial] {
            assert!(actions(mode, &pods).is_empty());
        }
        assert!(UpdateMode::Initial.sets_requests_of_new_pods() && !UpdateMode::Off.sets_requests_of_new_pods());
    }

    #[test]
    fn a_pending_pod_costs_no_budget() {
        let mut pods = [300, 300, 300, 300].map(|millicores| pod(millicores, HOUR_NS));
        pods[3].started_ns = None;
        let found = actions(UpdateMode::Recreate, &pods);
        assert_eq!(found, [Action::Evict(0), Action::Evict(3)], "three run and two must");
        assert_eq!(actions(UpdateMode::InPlaceOrRecreate, &pods), [Action::ResizeInPlace(0)]);
    }

    #[test]
    fn a_resize_is_awaited_until_it_has_failed() {
        let resizing = |resize| Pod { resize: Some(resize), ..pod(300, HOUR_NS) };
        let since = |minutes| NOW_NS - minutes * MINUTE_NS;
        for (resize, fails) in [
            (Resize::Deferred { since_ns: since(5) }, false),
            (Resize::Deferred { since_ns: since(6) }, true),
            (Resize::InProgress { since_ns: since(60) }, false),
            (Resize::InProgress { since_ns: since(61) }, true),
            (Resize::Failed, true),
        ] {
            let pods = [resizing(resize), pod(1_000, HOUR_NS), pod(1_000, HOUR_NS)];
            let expected: &[Action] = if fails { &[Action::Evict(0)] } else { &[] };
            assert_eq!(actions(UpdateMode::InPlaceOrRecreate, &pods), expected, "{resize:?}");
        }
        let pods = [resizing(Resize::Failed), pod(400, HOUR_NS), pod(400, HOUR_NS), pod(1_000, HOUR_NS)];
        let expected = [Action::ResizeInPlace(1), Action::ResizeInPlace(2)];
        assert_eq!(actions(UpdateMode::InPlaceOrRecreate, &pods), expected, "the budget is shared");
    }
}
