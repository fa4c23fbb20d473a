//! A group of instances as EC2 Auto Scaling counts them: those that have warmed up, those that come, and those that go.

use crate::controllers::parts::bounds;
use crate::diagnostic::span::Spanned;
use crate::engine::NodeIndex;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample, Phase, ReplicaSample};
use crate::techniques::technique::Mistake;

/// A new instance, until told otherwise.
pub const INSTANCE_WARMUP_NS: u64 = 300_000_000_000;

/// A service, and how many instances it may have.
#[derive(Clone, Debug)]
pub struct Group {
    pub target: NodeIndex,
    pub minimum: u32,
    pub maximum: u32,
    /// From being ready until an instance counts.
    pub warmup_ns: u64,
}

impl Group {
    /// Whether an instance takes part in metrics, and in the capacity that is there. What stood at time zero has warmed up.
    pub fn is_warm(&self, now_ns: u64, replica: &ReplicaSample) -> bool {
        let is_over = replica.transition_ns == 0 || replica.transition_ns.saturating_add(self.warmup_ns) <= now_ns;
        replica.phase == Phase::Ready && is_over
    }

    /// How many of them there are.
    pub fn warm(&self, now_ns: u64, sample: &NodeSample) -> u32 {
        sample.replicas.iter().filter(|replica| self.is_warm(now_ns, replica)).count() as u32
    }

    /// Whether a scale-out is in progress: instances that were asked for have not warmed up yet.
    pub fn is_growing(&self, now_ns: u64, sample: &NodeSample) -> bool {
        self.warm(now_ns, sample) < sample.desired
    }

    /// Asks for so many instances, as far as the bounds allow. Returns whether that changes anything.
    pub fn scale(&self, context: &mut Context, sample: &NodeSample, capacity: u32) -> bool {
        let replicas = capacity.min(self.maximum).max(self.minimum);
        if replicas != sample.desired {
            context.command(self.target, Command::Scale { replicas });
        }
        replicas != sample.desired
    }
}

/// What is wrong with the bounds of a group; `is_measured` says whether its metrics are those of instances.
pub fn mistakes(minimum: &Spanned<u32>, maximum: &Spanned<u32>, is_measured: bool) -> Vec<Mistake> {
    let bounds = bounds::mistakes(("min_capacity", Some(minimum), 0), ("max_capacity", Some(maximum), 0));
    let help = "write 1 or more; a Custom metric of another node can bring back the first instance";
    let message = "without instances nothing could be measured that brings them back";
    let none = (minimum.value == 0 && is_measured).then(|| Mistake::new(minimum.span, message, help));
    bounds.into_iter().chain(none).collect()
}
