//! What controllers look at, by the names that a model uses, and what they may hope to see.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};

/// A quantity of a node, or of each of its replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Signal {
    /// Requests that wait for a worker or for a replica; messages that wait for a consumer.
    QueueLength,
    /// Requests that wait or are worked on; of a queue, messages that are not acknowledged: the consumers' lag.
    RequestsInProgress,
    /// Requests that arrive, per second, between the last two looks.
    RequestsPerSecond,
}

/// When a quantity of a node may be above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    Always,
    /// Only while the node has replicas.
    WithReplicas,
    Never,
}

/// A controller looks at a quantity of a node.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub node: &'a Spanned<String>,
    pub signal: Signal,
    /// Where the signal is written.
    pub span: Span,
    /// Whether it may bring the first replica back. What is measured of replicas cannot.
    pub wakes: bool,
}

/// A number of replicas, and the field that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub field: &'static str,
    pub replicas: u32,
}

/// The fewest and the most replicas that a controller leaves its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub fewest: Bound,
    pub most: Bound,
}

/// A resource of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Resource {
    Cpu,
    Memory,
}

/// A controller holds what replicas use of a resource at a level.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub resource: Resource,
    /// Where the level is written.
    pub span: Span,
    pub level: Usage,
    /// By this share the level must be exceeded until replicas are added.
    pub tolerance: f64,
}

/// How much a replica uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Usage {
    /// Of what it requests.
    Share(f64),
    Cores(f64),
    Bytes(u64),
}
