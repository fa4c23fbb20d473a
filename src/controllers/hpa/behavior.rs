//! How fast replicas may come and go: the section `behavior` of `autoscaling/v2`.
//!
//! A policy allows a change per period, counted from the number of replicas at the beginning of the period.
//!
//! Source: kubernetes/kubernetes `pkg/controller/podautoscaler/horizontal.go`, defaults from
//! `pkg/apis/autoscaling/v2/defaults.go`.

use crate::controllers::hpa::conditions::Reason;
use crate::controllers::hpa::events::ScaleEvents;
use crate::controllers::hpa::{MOST_REPLICAS, replicas_from};

/// The period of the default policies.
const DEFAULT_PERIOD_NS: u64 = 15_000_000_000;
/// How long the highest recommendation holds the replicas, unless told otherwise.
pub const DEFAULT_DOWNSCALE_STABILIZATION_NS: u64 = 300_000_000_000;

/// How much a policy allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// So many pods.
    Pods(u32),
    /// So many percent of the replicas at the beginning of the period.
    Percent(u32),
}

/// One limit of the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How much.
    pub change: Change,
    /// In which time.
    pub period_ns: u64,
}

/// Which of several policies counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Select {
    /// The one that allows the largest change.
    #[default]
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// The rules of one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// For how long recent recommendations hold back a change.
    pub stabilization_ns: u64,
    /// Which policy counts.
    pub select: Select,
    /// The policies; without any there is no change.
    pub policies: Vec<Policy>,
    /// By how much a ratio may differ from one in this direction, if not by what the cluster says.
    pub tolerance: Option<f64>,
}

impl Rules {
    /// The rules for more replicas if nothing else is written: double or add four in 15 s, at once.
    #[must_use]
    pub fn default_up() -> Self {
        let policies = [Change::Pods(4), Change::Percent(100)];
        let policies = policies.map(|change| Policy { change, period_ns: DEFAULT_PERIOD_NS }).to_vec();
        Self { stabilization_ns: 0, select: Select::Max, policies, tolerance: None }
    }

    /// The rules for fewer replicas if nothing else is written: any number, after 5 min of lower recommendations.
    #[must_use]
    pub fn default_down() -> Self {
        let policies = vec![Policy { change: Change::Percent(100), period_ns: DEFAULT_PERIOD_NS }];
        let stabilization_ns = DEFAULT_DOWNSCALE_STABILIZATION_NS;
        Self { stabilization_ns, select: Select::Max, policies, tolerance: None }
    }

    /// How far back the policies look.
    #[must_use]
    pub fn longest_period_ns(&self) -> u64 {
        self.policies.iter().map(|policy| policy.period_ns).max().unwrap_or(0)
    }
}

/// The rules of both directions.
#[derive(Clone, Debug, PartialEq)]
pub struct Behavior {
    /// For more replicas.
    pub up: Rules,
    /// For fewer replicas.
    pub down: Rules,
}

impl Default for Behavior {
    fn default() -> Self {
        Self { up: Rules::default_up(), down: Rules::default_down() }
    }
}

/// What is left of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// How many replicas are allowed.
    pub replicas: u32,
    /// What limited them, or that nothing did.
    pub reason: Reason,
}

/// The bounds of an autoscaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Zero allows a metric that belongs to no pod to end them all.
    pub minimum: u32,
    /// The most.
    pub maximum: u32,
}

/// The changes so far in both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// To more replicas.
    pub up: ScaleEvents,
    /// To fewer replicas.
    pub down: ScaleEvents,
}

impl Changes {
    /// The replicas that there were at the beginning of a period, which may come out negative.
    fn replicas_before(&self, period_ns: u64, current: u32, now_ns: u64) -> i64 {
        i64::from(current)
            .saturating_sub(self.up.change_within(period_ns, now_ns))
            .saturating_add(self.down.change_within(period_ns, now_ns))
    }
}

impl Behavior {
    /// The most replicas that the policies allow now; below `current` if too many have come already.
    #[must_use]
    pub fn scale_up_limit(&self, current: u32, changes: &Changes, now_ns: u64) -> u32 {
        let limits = self.up.policies.iter().map(|policy| {
            let before = changes.replicas_before(policy.period_ns, current, now_ns);
            match policy.change {
                Change::Pods(pods) => before.saturating_add(i64::from(pods)),
                // Rounded up, for one replica would never become two otherwise.
                Change::Percent(percent) => (before as f64 * (1.0 + f64::from(percent) / 100.0)).ceil() as i64,
            }
        });
        match self.up.select {
            Select::Disabled => current,
            Select::Max => replicas_from(limits.max().unwrap_or(0)),
            Select::Min => replicas_from(limits.min().unwrap_or(i64::from(MOST_REPLICAS))),
        }
    }

    /// The fewest replicas that the policies allow now; above `current` if too many have gone already.
    #[must_use]
    pub fn scale_down_limit(&self, current: u32, changes: &Changes, now_ns: u64) -> u32 {
        let limits = self.down.policies.iter().map(|policy| {
            let before = changes.replicas_before(policy.period_ns, current, now_ns);
            match policy.change {
                Change::Pods(pods) => before.saturating_sub(i64::from(pods)),
                // Truncated, for one replica would never become none otherwise.
                Change::Percent(percent) => (before as f64 * (1.0 - f64::from(percent) / 100.0)) as i64,
            }
        });
        match self.down.select {
            Select::Disabled => current,
            Select::Max => replicas_from(limits.min().unwrap_or(i64::from(MOST_REPLICAS))),
            Select::Min => replicas_from(limits.max().unwrap_or(0)),
        }
    }

    /// What the policies and the bounds leave of a wish.
    #[must_use]
    pub fn limit(&self, current: u32, desired: u32, bounds: Bounds, changes: &Changes, now_ns: u64) -> Limited {
        if desired > current {
            // Too many that came already are no reason to take some away.
            let limit = self.scale_up_limit(current, changes, now_ns).max(current);
            let reason = if bounds.maximum > limit { Reason::ScaleUpLimit } else { Reason::TooManyReplicas };
            let replicas = limit.min(bounds.maximum);
            if desired > replicas {
                return Limited { replicas, reason };
            }
        } else if desired < current {
            let limit = self.scale_down_limit(current, changes, now_ns).min(current);
            let reason = if bounds.minimum < limit { Reason::ScaleDownLimit } else { Reason::TooFewReplicas };
            let replicas = limit.max(bounds.minimum);
            if desired < replicas {
                return Limited { replicas, reason };
            }
        }
        Limited { replicas: desired, reason: Reason::DesiredWithinRange }
    }
}
