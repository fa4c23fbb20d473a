//! The syncs of an autoscaler with one service: what it sees of the replicas, and what it tells the service.

use crate::controllers::hpa::limits::State;
use crate::controllers::hpa::metrics::Measurements;
use crate::controllers::hpa::milli;
use crate::controllers::hpa::pods::{self, Pod, Readiness, ReadyCondition, Requests};
use crate::controllers::hpa::reconcile::{Autoscaler, Target};
use crate::engine::NodeIndex;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample, Phase, ReplicaSample, Sidecar};
use crate::engine::record::{NodeRecord, Share};

/// Between two syncs, unless told otherwise.
pub const SYNC_PERIOD_NS: u64 = 15_000_000_000;

/// An autoscaler, the service that it scales, and what it remembers.
#[derive(Clone, Debug)]
pub struct Syncs {
    pub target: NodeIndex,
    autoscaler: Autoscaler,
    state: State,
    count: u64,
    /// Syncs at which the bounds kept it from what it wanted.
    at_maximum: u64,
}

/// What tells a pod apart.
pub fn identifier(replica: &ReplicaSample) -> u64 {
    u64::from(replica.id.number)
}

impl Syncs {
    /// Before the first sync.
    pub fn new(target: NodeIndex, autoscaler: Autoscaler) -> Self {
        Self { target, autoscaler, state: State::default(), count: 0, at_maximum: 0 }
    }

    /// One sync: decides from a sample of the target, and scales it.
    pub fn sync(&mut self, context: &mut Context, sample: &NodeSample, measurements: &dyn Measurements) {
        let each = 1 + sample.sidecars.len();
        let of_program = |replica: &ReplicaSample| Requests {
            cpu_milli: Some(milli(replica.requested_cores)),
            memory_milli: (replica.requested_memory_bytes > 0).then(|| milli(replica.requested_memory_bytes as f64)),
        };
        let of_sidecar = |sidecar: &Sidecar| Requests {
            cpu_milli: Some(milli(sidecar.requested_cores)),
            memory_milli: Some(milli(sidecar.memory_bytes as f64)),
        };
        let of_replica = |replica| std::iter::once(of_program(replica)).chain(sample.sidecars.iter().map(of_sidecar));
        let containers: Vec<Requests> = sample.replicas.iter().flat_map(of_replica).collect();
        let pods: Vec<Pod<'_>> = sample
            .replicas
            .iter()
            .zip(containers.chunks_exact(each))
            .map(|(replica, containers)| Pod {
                identifier: identifier(replica),
                phase: if replica.phase == Phase::Pending { pods::Phase::Pending } else { pods::Phase::Running },
                is_deleting: replica.phase == Phase::Draining,
                start_ns: replica.started_ns,
                ready: Some(ReadyCondition {
                    readiness: if replica.phase == Phase::Ready { Readiness::Ready } else { Readiness::Unready },
                    last_transition_ns: replica.transition_ns,
                }),
                containers,
            })
            .collect();
        let status_replicas = pods.iter().filter(|pod| !pod.is_deleting).count() as u32;
        let target = Target { specified_replicas: sample.desired, status_replicas, pods: &pods };
        let outcome = self.autoscaler.reconcile(&mut self.state, target, measurements, context.now_ns());
        self.count += 1;
        let wants = outcome.proposals.iter().flatten().map(|proposal| proposal.replicas).max();
        self.at_maximum += u64::from(wants.is_some_and(|wants| wants > self.autoscaler.bounds.maximum));
        if outcome.desired_replicas != sample.desired {
            context.command(self.target, Command::Scale { replicas: outcome.desired_replicas });
        }
    }

    /// Fills in a record.
    pub fn observe(&self, record: &mut NodeRecord) {
        record.shares.push(Share {
            name: "at_maximum_ratio",
            numerator: self.at_maximum.into(),
            denominator: self.count.into(),
        });
    }
}
