//! What queueing theory says of a model, without simulating it.
//!
//! ```text
//! model ──work, network──▶ operations as demands and calls ──station──▶ which textbook queue each node is, or why none
//!       ──open / closed──▶ predictions (exact, approximate, bounds) and a reason for each part without one
//! ```
//!
//! A formula is called exact only where all its conditions hold: Poisson arrivals reach a station through stations that
//! leave them Poisson (Burke 1956 for M/M/c; Kelly 1979 for shared cores and plain delays), nothing is lost, tried again or
//! given up on the way. This room knows models and formulas, and nothing of how they are run.

mod closed;
mod doubt;
pub mod formulas;
mod law;
mod network;
mod open;
mod queues;
mod station;
mod work;

use std::path::Path;

use crate::model::Model;
use crate::techniques::NodeSpec;
use crate::techniques::technique::{Reference, Role, Spec};

/// All that theory says of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Theory {
    pub predictions: Vec<Prediction>,
    pub silences: Vec<Silence>,
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    pub part: Part,
    pub quantity: Quantity,
    /// The queue or the law it comes from, such as `M/M/4`.
    pub formula: String,
    pub kind: Kind,
    pub value: f64,
}

/// What a number is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Node(String),
    /// An operation as clients request it, or `all`.
    Operation(String),
}

/// A quantity that results have too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    Utilization,
    Throughput,
    ErrorRatio,
    WaitMean,
    WaitP99,
    LatencyMean,
    LatencyP50,
    LatencyP95,
    LatencyP99,
}

/// How much a number claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Exact,
    Approximation,
    UpperBound,
    LowerBound,
    /// The value is the share of its capacity that the part would need: more than there is.
    Unstable,
}

/// A part without a closed form, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    pub part: Part,
    pub reason: String,
}

impl Theory {
    fn tell(&mut self, part: &Part, quantity: Quantity, formula: &str, kind: Kind, value: f64) {
        if value.is_finite() {
            let (part, formula) = (part.clone(), formula.to_owned());
            self.predictions.push(Prediction { part, quantity, formula, kind, value });
        }
    }

    fn silence(&mut self, part: &Part, reason: impl Into<String>) {
        self.silences.push(Silence { part: part.clone(), reason: reason.into() });
    }
}

impl Part {
    fn node(name: &str) -> Self {
        Self::Node(name.to_owned())
    }

    fn operation(name: &str) -> Self {
        Self::Operation(name.to_owned())
    }

    pub fn name(&self) -> &str {
        let (Self::Node(name) | Self::Operation(name)) = self;
        name
    }
}

/// What theory says of a checked model. Files that it names are looked for from `directory`.
pub fn explain(model: &Model, directory: &Path) -> Theory {
    let mut theory = Theory::default();
    let clients: Vec<usize> = (0..model.nodes.len()).filter(|node| model.nodes[*node].role() == Role::Client).collect();
    let everything = Part::operation("all");
    if clients.iter().any(|node| model.nodes[*node].is_transient()) {
        theory.silence(&everything, "the load runs through a course once, so there is no long run");
        return theory;
    }
    let comes_and_goes = |node: &NodeSpec| matches!(node, NodeSpec::Service(service) if service.has_life());
    if !model.controllers.is_empty() || model.nodes.values().any(|node| comes_and_goes(node)) {
        theory.silence(&everything, "replicas come and go");
        return theory;
    }
    if !model.shards.is_empty() {
        theory.silence(&everything, "a node is sharded by key");
        return theory;
    }
    let is_connected = |node: &NodeSpec| match node {
        NodeSpec::Database(database) => database.connect.is_some(),
        _ => node.references().iter().any(|reference| matches!(reference, Reference::Connection(_))),
    };
    if model.links.values().any(|link| link.pool.is_some()) || model.nodes.values().any(|node| is_connected(node)) {
        theory.silence(&everything, "connections are opened, or kept open between requests");
        return theory;
    }
    let closed = clients.iter().filter(|node| model.nodes[**node].population() > 0).count();
    let network = network::Network::of(model, directory);
    if closed == 0 {
        open::explain(&network, &clients, &mut theory);
    } else if closed == clients.len() {
        closed::explain(&network, &clients, directory, &mut theory);
    } else {
        theory.silence(&everything, "open and closed workloads are mixed");
    }
    theory
}
