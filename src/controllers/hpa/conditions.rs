//! What an autoscaler says about itself: its conditions and their reasons, by the names that Kubernetes shows.

use std::fmt;

/// Why a condition is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The replicas of the target are known.
    SucceededGetScale,
    /// The metrics decide alone.
    ReadyForNewScale,
    /// Recent lower recommendations hold back more replicas.
    ScaleUpStabilized,
    /// Recent higher recommendations keep the replicas.
    ScaleDownStabilized,
    /// The number of replicas was changed.
    SucceededRescale,
    /// The target has no replicas, which switches the autoscaler off.
    ScalingDisabled,
    /// At least one metric proposes a number.
    ValidMetricFound,
    /// The usage of a resource is not known.
    FailedGetResourceMetric,
    /// The usage of a resource by a container is not known.
    FailedGetContainerResourceMetric,
    /// The values of the pods are not known.
    FailedGetPodsMetric,
    /// The value of an object is not known.
    FailedGetObjectMetric,
    /// Values from outside are not known.
    FailedGetExternalMetric,
    /// Nothing limits the replicas.
    DesiredWithinRange,
    /// The maximum limits the replicas.
    TooManyReplicas,
    /// The minimum limits the replicas.
    TooFewReplicas,
    /// The rate of more replicas is limited.
    ScaleUpLimit,
    /// The rate of fewer replicas is limited.
    ScaleDownLimit,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names are those of Kubernetes.
        fmt::Debug::fmt(self, formatter)
    }
}

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Whether what the condition is called holds.
    pub holds: bool,
    /// Why.
    pub reason: Reason,
}

/// The conditions, each missing until it is first known. They stay as they are until they are known anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `AbleToScale`: whether the number of replicas can be changed now.
    pub able_to_scale: Option<Condition>,
    /// `ScalingActive`: whether metrics propose a number.
    pub scaling_active: Option<Condition>,
    /// `ScalingLimited`: whether a limit keeps the replicas from what the metrics propose.
    pub scaling_limited: Option<Condition>,
}

impl Conditions {
    pub(super) fn set_able(&mut self, reason: Reason) {
        self.able_to_scale = Some(Condition { holds: true, reason });
    }

    pub(super) fn set_active(&mut self, holds: bool, reason: Reason) {
        self.scaling_active = Some(Condition { holds, reason });
    }

    pub(super) fn set_limited(&mut self, holds: bool, reason: Reason) {
        self.scaling_limited = Some(Condition { holds, reason });
    }
}
