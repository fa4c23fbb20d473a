//! How fast replicas may come and go if no section `behavior` is written.
//!
//! This is the rule from before `autoscaling/v2` had that section, and the controller still follows it for every
//! autoscaler without one: the API server fills in missing fields of a section, but not a missing section. It differs
//! from [`crate::controllers::hpa::behavior::Behavior::default`] in three ways: one replica becomes at most four and not
//! five, the limit is per sync and not per 15 s, and the highest recent recommendation is not only kept but gone back
//! to. The controller's own tests use it with another factor, and so do the cases in `tests/hpa.rs`.
//!
//! Source: kubernetes/kubernetes `pkg/controller/podautoscaler/horizontal.go`.

use crate::controllers::hpa::MOST_REPLICAS;
use crate::controllers::hpa::behavior::{Bounds, DEFAULT_DOWNSCALE_STABILIZATION_NS, Limited};
use crate::controllers::hpa::conditions::Reason;

/// However few there are, so many may come at once.
const SMALLEST_SCALE_UP_LIMIT: f64 = 4.0;

/// The limits without a section `behavior`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Legacy {
    /// How long the highest recommendation holds the replicas.
    pub downscale_stabilization_ns: u64,
    /// By how much the replicas may be multiplied at once: 2 in any cluster.
    pub scale_up_factor: f64,
}

impl Default for Legacy {
    fn default() -> Self {
        Self { downscale_stabilization_ns: DEFAULT_DOWNSCALE_STABILIZATION_NS, scale_up_factor: 2.0 }
    }
}

impl Legacy {
    /// What the bounds and the factor leave of a wish.
    #[must_use]
    pub fn limit(&self, current: u32, desired: u32, bounds: Bounds) -> Limited {
        let limit = (self.scale_up_factor * f64::from(current)).max(SMALLEST_SCALE_UP_LIMIT) as u32;
        let limit = limit.min(MOST_REPLICAS);
        let maximum = limit.min(bounds.maximum);
        if desired < bounds.minimum {
            Limited { replicas: bounds.minimum, reason: Reason::TooFewReplicas }
        } else if desired > maximum {
            let reason = if bounds.maximum > limit { Reason::ScaleUpLimit } else { Reason::TooManyReplicas };
            Limited { replicas: maximum, reason }
        } else {
            Limited { replicas: desired, reason: Reason::DesiredWithinRange }
        }
    }
}
