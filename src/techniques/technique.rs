//! What the house asks of every technique's written form.

use crate::diagnostic::span::Spanned;

/// A name in a model that must mean something elsewhere in it.
#[derive(Clone, Copy, Debug)]
pub enum Reference<'a> {
    /// `"node.operation"`: a call to an operation.
    Operation(&'a Spanned<String>),
    /// A node of the technique `kind`, for example the cache of a cache-aside read.
    Node { name: &'a Spanned<String>, kind: &'static str },
    /// A node of any technique that has operations, for example a load balancer's target.
    Target(&'a Spanned<String>),
    /// A key space of the architecture.
    Key(&'a Spanned<String>),
}

/// The operations a node offers to its callers.
#[derive(Clone, Debug)]
pub enum Operations<'a> {
    /// None: nobody calls this node by operation (clients; a cache, which is named by cache-aside steps).
    None,
    /// These.
    Named(Vec<&'a str>),
    /// Whatever that node offers: a load balancer passes through.
    SameAs(&'a Spanned<String>),
}

/// What one visit to an operation is sure to cause, on average: the ground of warnings that need no simulation.
/// Everything here is a lower bound (a cache is taken to hit, an optional branch counts by its probability).
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// Mean seconds of a core's time.
    pub core_s: f64,
    /// Mean seconds during which a worker is held besides, not counting calls.
    pub wait_s: f64,
    /// Operations called and how many times on average.
    pub calls: Vec<(String, f64)>,
}

/// What a node has to serve with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Capacity {
    /// Cores over all replicas, or `None` if computing is not what limits the node.
    pub cores: Option<f64>,
    /// Requests in service at once over all replicas, or `None` if unlimited.
    pub workers: Option<u64>,
    /// Connections the node accepts at once, or `None` if unlimited.
    pub connections: Option<u64>,
}

/// A mistake within one node, found without looking at the others.
#[derive(Clone, Debug)]
pub struct Mistake {
    pub span: crate::diagnostic::span::Span,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// The written form of a technique.
pub trait Spec {
    /// Operations that other nodes may call.
    fn operations(&self) -> Operations<'_>;
    /// Every name the node refers to.
    fn references(&self) -> Vec<Reference<'_>>;
    /// Mistakes that this node alone shows: zero capacities, probabilities that do not add up, minimum above maximum.
    fn mistakes(&self) -> Vec<Mistake>;
    /// What one visit to this operation causes.
    fn demand(&self, operation: &str) -> Demand;
    /// What the node serves with.
    fn capacity(&self) -> Capacity {
        Capacity::default()
    }
    /// Requests that this node starts by itself: operation and mean rate per second at its lowest sustained level, for
    /// open workloads only (a closed workload adapts to what it gets).
    fn offered(&self) -> Vec<(String, f64)> {
        Vec::new()
    }
    /// The technique's name as it is written in a model, for example `Service`.
    fn kind(&self) -> &'static str {
        ""
    }
    /// The part the node plays. Closed workloads offer no fixed rate, so they must say that they are clients.
    fn role(&self) -> Role {
        if self.offered().is_empty() { Role::Server } else { Role::Client }
    }
}

/// The part a node plays in an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Starts requests by itself.
    Client,
    /// Serves requests of others.
    Server,
    /// Serves no requests: an autoscaler, a fault.
    Controller,
}

/// What the house asks of the written form of a link between two nodes.
pub trait LinkSpec {
    /// Mistakes that this link alone shows.
    fn mistakes(&self) -> Vec<Mistake>;
    /// How often one call is sent at most, the first time included.
    fn attempts(&self) -> u32 {
        1
    }
    /// The least time that a call over this link takes, in seconds.
    fn delay_s(&self) -> f64 {
        0.0
    }
}
