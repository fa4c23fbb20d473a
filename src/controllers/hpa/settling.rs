//! How long an autoscaler takes until it has forgotten where it began.

use crate::controllers::hpa::behavior::{Bounds, Change, Policy, Rules, Select};
use crate::controllers::hpa::limits::Limits;

/// From one bound to the other and back, as fast as its limits allow, each after the window in which it holds still.
pub fn settling_ns(limits: &Limits, bounds: Bounds, sync_period_ns: u64) -> u64 {
    let ratio = f64::from(bounds.maximum.max(1)) / f64::from(bounds.minimum.max(1));
    match limits {
        Limits::Legacy(legacy) => {
            let doublings = ratio.max(1.0).log2().ceil() as u64;
            legacy.downscale_stabilization_ns.saturating_add(sync_period_ns.saturating_mul(doublings + 2))
        }
        Limits::Behavior(behavior) => {
            let range = bounds.maximum.saturating_sub(bounds.minimum);
            let up = crossing_ns(&behavior.up, range, |percent| ratio.ln() / (1.0 + percent).ln());
            let down = crossing_ns(&behavior.down, range, |percent| ratio.ln() / -(1.0 - percent.min(0.999)).ln());
            up.saturating_add(down).saturating_add(sync_period_ns.saturating_mul(2))
        }
    }
}

/// In one direction; `periods` of a change by a share lead across.
fn crossing_ns(rules: &Rules, range: u32, periods: impl Fn(f64) -> f64) -> u64 {
    let time_ns = |policy: &Policy| {
        let count = match policy.change {
            Change::Pods(pods) => u64::from(range.div_ceil(pods.max(1))),
            Change::Percent(percent) => periods(f64::from(percent.max(1)) / 100.0).max(1.0).ceil() as u64,
        };
        count.saturating_mul(policy.period_ns)
    };
    let times = rules.policies.iter().map(time_ns);
    let crossing = match rules.select {
        Select::Max => times.min(),
        Select::Min => times.max(),
        Select::Disabled => return 0,
    };
    crossing.unwrap_or(0).saturating_add(rules.stabilization_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::hpa::behavior::Behavior;
    use crate::controllers::hpa::legacy::Legacy;

    const SECOND_NS: u64 = 1_000_000_000;

    fn seconds(limits: &Limits) -> u64 {
        settling_ns(limits, Bounds { minimum: 2, maximum: 32 }, 15 * SECOND_NS) / SECOND_NS
    }

    #[test]
    fn without_rules_it_doubles_and_waits_five_minutes() {
        assert_eq!(seconds(&Limits::Legacy(Legacy::default())), 300 + 15 * 6);
    }

    #[test]
    fn rules_are_followed_at_their_pace() {
        let mut behavior = Behavior { up: Rules::default_up(), down: Rules::default_down() };
        // Doubling four times is faster than eight times four; down it is all at once, after five minutes.
        assert_eq!(seconds(&Limits::Behavior(behavior.clone())), 4 * 15 + 300 + 15 + 30);
        behavior.down.policies = vec![Policy { change: Change::Pods(1), period_ns: 60 * SECOND_NS }];
        assert_eq!(seconds(&Limits::Behavior(behavior.clone())), 4 * 15 + 300 + 30 * 60 + 30);
        behavior.up.select = Select::Disabled;
        assert_eq!(seconds(&Limits::Behavior(behavior)), 300 + 30 * 60 + 30);
    }
}
