//! From what the metrics ask for to what is done: first stabilisation, then the rate and the bounds.

use crate::controllers::hpa::behavior::{Behavior, Bounds, Changes, Limited};
use crate::controllers::hpa::conditions::{Conditions, Reason};
use crate::controllers::hpa::legacy::Legacy;
use crate::controllers::hpa::stabilization::{Recommendations, Windows};

/// What an autoscaler remembers from one sync to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// `None` before the first sync, which begins the log with the replicas found. Nothing scales down at once therefore.
    pub recommendations: Option<Recommendations>,
    /// The changes of the number of replicas.
    pub changes: Changes,
    /// What the autoscaler said last.
    pub conditions: Conditions,
}

/// Which rules limit the changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Limits {
    /// A section `behavior` is written.
    Behavior(Behavior),
    /// None is written.
    Legacy(Legacy),
}

impl Limits {
    /// Stabilises and limits a recommendation, and tells the conditions why.
    pub fn apply(&self, state: &mut State, current: u32, desired: u32, bounds: Bounds, now_ns: u64) -> u32 {
        let log = state.recommendations.get_or_insert_default();
        let (stabilized, Limited { replicas, reason }) = match self {
            Self::Behavior(behavior) => {
                let windows = Windows { up_ns: behavior.up.stabilization_ns, down_ns: behavior.down.stabilization_ns };
                let stabilized = log.stabilize(current, desired, windows, now_ns);
                (stabilized, behavior.limit(current, stabilized, bounds, &state.changes, now_ns))
            }
            Self::Legacy(legacy) => {
                let stabilized = log.stabilize_downscale(desired, legacy.downscale_stabilization_ns, now_ns);
                (stabilized, legacy.limit(current, stabilized, bounds))
            }
        };
        let able = match self {
            _ if stabilized == desired => Reason::ReadyForNewScale,
            Self::Behavior(_) if desired >= current => Reason::ScaleUpStabilized,
            Self::Behavior(_) | Self::Legacy(_) => Reason::ScaleDownStabilized,
        };
        state.conditions.set_able(able);
        state.conditions.set_limited(replicas != stabilized, reason);
        replicas
    }

    /// Logs a change from `before` to `after` replicas; nobody asks for it where no `behavior` is written.
    pub fn record(&self, changes: &mut Changes, before: u32, after: u32, now_ns: u64) {
        let Self::Behavior(Behavior { up, down }) = self else { return };
        if after > before {
            changes.up.store(after - before, up.longest_period_ns(), now_ns);
        } else {
            changes.down.store(before - after, down.longest_period_ns(), now_ns);
        }
    }
}
