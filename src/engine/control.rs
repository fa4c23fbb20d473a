//! What controllers say to nodes and see of them: plain data that the engine carries from one to the other.
//!
//! A controller (an autoscaler, a scheduler of machines, a deployment) is a node that no request reaches. It asks for
//! samples of other nodes, and sends commands. Neither takes time; a controller that learns late keeps old samples.

use std::sync::Arc;

use crate::engine::NodeIndex;

/// What a node is told to do. A node that has no use for a command ignores it.
#[derive(Clone, Debug)]
pub enum Command {
    /// Have this many replicas.
    Scale { replicas: u32 },
    /// Let this replica be so large, while it runs; or those that start from now on, if none is named.
    Resize { replica: Option<ReplicaId>, size: ReplicaSize },
    /// End this replica in good order, so that another takes its place.
    Evict { replica: ReplicaId },
    /// End this replica at once: the machine beneath it is gone.
    Kill { replica: ReplicaId },
    /// Replace every replica by one of a new version, with at most so many more than wanted and so many fewer ready.
    Roll { surge: Allowance, unavailable: Allowance },
    /// To those who choose among a node's replicas: these are ready now.
    Endpoints { node: NodeIndex, ready: Arc<[u16]> },
    /// To the scheduler of machines: a replica of the sender looks for a place.
    Place { node: NodeIndex, replica: ReplicaId, cores: f64, memory_bytes: u64 },
    /// To the other end of a connection: its owner needs it no more.
    Disconnect { connection: u16 },
    /// To the other end of a connection: a transaction over it has ended, and its owner keeps the connection.
    EndTransaction { connection: u16 },
    /// To who keeps connections open for each replica of the sender: the one at this place is there, or is there no more.
    Pool { place: u16, is_there: bool },
    /// Something befalls the node from outside, and stays until the same is restored.
    Disturb { disturbance: Disturbance },
    /// What befell the node is over.
    Restore { disturbance: Disturbance },
    /// To the router of a sharded node: begin to move data to other shards.
    Reshard,
    /// From the scheduler of machines: the replica has a place, and its image is there.
    Placed { replica: ReplicaId },
    /// To the scheduler of machines: the replica needs its place no longer.
    Left { node: NodeIndex, replica: ReplicaId },
}

/// What befalls a node from outside, whichever technique it is. Several may overlap.
#[derive(Clone, Debug, PartialEq)]
pub enum Disturbance {
    /// These parts are gone.
    Lose { parts: Parts },
    /// These parts take so many times as long for whatever they do.
    Slow { parts: Parts, factor: f64 },
}

/// Some of the equal parts of a node: replicas of a service, servers of a database, copies of a volume.
#[derive(Clone, Debug, PartialEq)]
pub enum Parts {
    /// By number.
    Replicas(Arc<[u16]>),
    /// All that stand in a zone: part `i` of them all stands in zone `i % zones`.
    Zone(u8),
}

impl Parts {
    /// Whether this part is among them, where all are spread over so many zones.
    pub fn contains(&self, part: usize, zones: u8) -> bool {
        match self {
            Self::Replicas(replicas) => replicas.iter().any(|replica| usize::from(*replica) == part),
            Self::Zone(zone) => part % usize::from(zones.max(1)) == usize::from(*zone),
        }
    }
}

/// How large a replica is to be. `None` leaves what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReplicaSize {
    pub requested_cores: Option<f64>,
    pub requested_memory_bytes: Option<u64>,
    /// Whether what it may use follows what it requests, in proportion.
    pub limits_follow: bool,
}

/// A number of replicas, or a share of those wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    Count(u32),
    Share(f64),
}

impl Allowance {
    /// Of so many wanted, rounded up.
    pub fn rounded_up(self, wanted: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => (share * f64::from(wanted)).ceil() as u32,
        }
    }

    /// Of so many wanted, rounded down.
    pub fn rounded_down(self, wanted: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => (share * f64::from(wanted)).floor() as u32,
        }
    }
}

/// Names a replica for as long as the run lasts; a later one at the same place has another name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId {
    /// The place among the replicas, which callers know it by.
    pub place: u16,
    /// How many replicas the node had had before.
    pub number: u32,
}

impl ReplicaId {
    /// As the data of a timer.
    pub fn word(self) -> u64 {
        u64::from(self.number) << 16 | u64::from(self.place)
    }

    /// The replica that [`ReplicaId::word`] was made of.
    pub fn from_word(word: u64) -> Self {
        Self { place: word as u16, number: (word >> 16) as u32 }
    }
}

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It looks for a machine.
    Pending,
    /// It boots, or starts again after a crash.
    Starting,
    /// It takes requests.
    #[default]
    Ready,
    /// It takes no new requests and ends those it has.
    Draining,
}

/// A container beside that which answers requests, in each replica of a node. It has cores of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sidecar {
    pub requested_cores: f64,
    /// Cores that it uses without any request.
    pub idle_cores: f64,
    /// Core nanoseconds for each request that the replica answers.
    pub busy_per_request_ns: u64,
    /// What it holds, and requests.
    pub memory_bytes: u64,
}

impl Sidecar {
    /// Cores in use on the average between two looks at a replica, `window_ns` apart.
    pub fn used_cores(&self, before: &ReplicaSample, now: &ReplicaSample, window_ns: u64) -> f64 {
        let answered = now.completed.saturating_sub(before.completed) as f64;
        self.idle_cores + answered * self.busy_per_request_ns as f64 / window_ns as f64
    }
}

/// One replica at one moment, its sidecars left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplicaSample {
    pub id: ReplicaId,
    pub phase: Phase,
    pub created_ns: u64,
    /// When it was given its machine.
    pub started_ns: Option<u64>,
    /// When it last became ready or ceased to be.
    pub transition_ns: u64,
    /// Core nanoseconds of computing since it was created.
    pub busy_ns: u128,
    pub cores: f64,
    pub requested_cores: f64,
    pub memory_bytes: u64,
    pub memory_limit_bytes: u64,
    pub requested_memory_bytes: u64,
    pub waiting: u32,
    /// Requests here, those that wait included.
    pub in_system: u32,
    /// Requests answered since it was created.
    pub completed: u64,
    /// Times it was killed because its memory was full.
    pub out_of_memory: u32,
}

/// One node at one moment. Counts are since time zero.
#[derive(Clone, Debug, Default)]
pub struct NodeSample {
    pub arrivals: u64,
    pub completed: u64,
    pub failed: u64,
    pub waiting: u64,
    pub in_system: u64,
    /// Core nanoseconds of computing.
    pub busy_ns: u128,
    /// Replicas wanted.
    pub desired: u32,
    pub replicas: Vec<ReplicaSample>,
    /// Of each replica.
    pub sidecars: Arc<[Sidecar]>,
}

impl NodeSample {
    /// As new, with its memory kept.
    pub fn clear(&mut self) {
        let mut replicas = std::mem::take(&mut self.replicas);
        replicas.clear();
        *self = Self { replicas, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_survive_being_a_word() {
        let replica = ReplicaId { place: 65_534, number: u32::MAX };
        assert_eq!(ReplicaId::from_word(replica.word()), replica);
    }

    #[test]
    fn shares_of_replicas_are_rounded_as_deployments_do() {
        assert_eq!(Allowance::Share(0.25).rounded_up(10), 3);
        assert_eq!(Allowance::Share(0.25).rounded_down(10), 2);
        assert_eq!(Allowance::Count(2).rounded_up(10), 2);
    }
}
