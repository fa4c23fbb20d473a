//! What the house asks of every technique's written form, and what it offers to its compilation.

mod compile_error;
mod demand;

pub use compile_error::CompileError;
pub use demand::{Demand, DemandedCall};

use std::fmt;
use std::path::{Path, PathBuf};

use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::{Distribution, DistributionError, KeyLaw, Sampler};
use crate::engine::control::Disturbance;
use crate::engine::{Destination, Node, NodeIndex};
use crate::random::Purpose;
use crate::techniques::parts::arrivals::Process;
pub use crate::techniques::parts::cache_command::{CacheCommand, Guards, Jitter, LeaseTerms};
use crate::techniques::parts::instance::Instance;
use crate::techniques::parts::placement::movement::Movement;
use crate::techniques::parts::pool::{Connections, PoolView, Protocol};
use crate::techniques::parts::signal::{Bounds, Goal, Look, Signal, Tells};
use crate::units::Bytes;

/// A name in a model that must mean something elsewhere in it.
#[derive(Clone, Copy, Debug)]
pub enum Reference<'a> {
    /// `"node.operation"`: a call to an operation.
    Operation(&'a Spanned<String>),
    /// `"queue.message"`: a message that is handed over to be worked on later.
    Message(&'a Spanned<String>),
    /// A node of the technique `kind`, for example the cache of a cache-aside read.
    Node { name: &'a Spanned<String>, kind: &'static str },
    /// A node of any technique that has operations, for example a load balancer's target.
    Target(&'a Spanned<String>),
    /// A node that accepts connections, to hold one: a database, or a pooler before it.
    Connection(&'a Spanned<String>),
    /// A node of any technique, to look at.
    Any(&'a Spanned<String>),
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

/// What a node has to serve with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Capacity {
    /// Cores over all replicas, or `None` if computing is not what limits the node.
    pub cores: Option<f64>,
    /// Requests in service at once over all replicas, or `None` if unlimited.
    pub workers: Option<u64>,
    /// What a worker is called here.
    pub worker: Worker,
    /// Connections the node accepts at once, or `None` if unlimited.
    pub connections: Option<u64>,
    /// How many may wait for one of them.
    pub waiting: u64,
}

/// What a request in service holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Worker {
    #[default]
    Worker,
    Connection,
    Consumer,
}

impl fmt::Display for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Worker => "worker",
            Self::Connection => "connection",
            Self::Consumer => "consumer",
        })
    }
}

/// A mistake within one node, found without looking at the others.
#[derive(Clone, Debug)]
pub struct Mistake {
    pub span: Span,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Mistake {
    /// A mistake at `span`.
    pub fn new(span: Span, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: help.into() }
    }
}

/// The mistakes of a law written at this place.
pub fn law_mistakes(law: &Spanned<Distribution>) -> Vec<Mistake> {
    let mistake = |error: DistributionError| Mistake::new(law.span, error.message, error.help.unwrap_or_default());
    law.check().into_iter().map(mistake).collect()
}

/// A replica set as a caller that balances sees it.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaView {
    pub count: u32,
    /// Zones over which the replicas are spread: replica `i` is in zone `i % zones`.
    pub zones: u8,
}

/// What a written form finds out about the rest of the model while it is compiled: names become indices here.
pub trait Wiring {
    /// The address of this node's draws for `what`.
    fn purpose(&self, what: &str) -> Purpose;
    /// The index of an operation written as `"node.operation"`, through the link to it if there is one.
    fn destination(&mut self, reference: &Spanned<String>) -> Result<Destination, CompileError>;
    /// The index of a key space.
    fn key_space(&self, name: &str) -> u16;
    /// The name of this node.
    fn name(&self) -> &str;
    /// The service within whose replicas this cache is, if it is.
    fn local_to(&self, cache: &str) -> Option<String>;
    /// How many keys it has.
    fn key_count(&self, name: &str) -> u64;
    /// The operation of a cache that carries out this command.
    fn cache(&mut self, cache: &Spanned<String>, command: CacheCommand) -> Result<Destination, CompileError>;
    /// The commands that others gave to this node, which is a cache; the index of each is its operation.
    fn commands(&self) -> Vec<CacheCommand>;
    /// The names of the operations of a node, by index.
    fn operations(&self, node: &str) -> Vec<String>;
    /// The replicas of a node.
    fn replicas(&self, node: &str) -> ReplicaView;
    /// A distribution ready to draw from.
    fn sampler(&self, law: &Spanned<Distribution>) -> Result<Sampler, CompileError>;
    /// The index of a node.
    fn node(&self, name: &str) -> NodeIndex;
    /// Whether a controller decides how many replicas this node has or how large they are, or does something to them.
    fn is_scaled(&self) -> bool;
    /// Whether a controller changes how large this node's replicas are while they run.
    fn is_resized_in_place(&self) -> bool;
    /// The place of a container in each replica of a service: 0 is the program, named as the service; then its sidecars.
    fn container(&self, service: &str, container: &str) -> Option<usize>;
    /// How a node that accepts connections is spoken to, and the way there.
    fn connections(&self, node: &Spanned<String>) -> Result<(Protocol, NodeIndex), CompileError>;
    /// Whether replicas of this node come and go.
    fn has_life(&self, node: &str) -> bool;
    /// How a node is spoken to, if it is one that others keep connections open to.
    fn sessions(&self, node: &str) -> Option<Protocol>;
    /// As [`Wiring::sessions`], of this node.
    fn sessions_here(&self) -> Option<Protocol>;
    /// The links over which replicas of this node keep connections open.
    fn pools(&self) -> Vec<NodeIndex>;
    /// The nodes that choose among this node's replicas, and must hear which are ready.
    fn watchers(&self) -> Vec<NodeIndex>;
    /// The controller that finds machines for this node's replicas.
    fn scheduler(&self) -> Option<NodeIndex>;
    /// The arrivals of these clients and the requests of each; `None` if they are no clients, or closed.
    ///
    /// # Errors
    /// When a file that says what they are cannot be used.
    fn arrivals(&mut self, clients: &str) -> Result<Option<(Process, u32)>, CompileError>;
    /// Users of all closed workloads together: they are numbered from zero.
    fn population(&self) -> u32;
    /// The nodes that this one is made of beside itself; none for these themselves.
    fn parts(&self) -> Vec<NodeIndex>;
    /// A path written in the model, seen from where the model lies.
    fn path(&self, written: &str) -> PathBuf;
}

/// What a node costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    pub usd_per_replica_hour: f64,
    pub usd_per_request: f64,
    pub usd_per_byte: f64,
}

/// What can befall a node from outside. Nothing can befall one that says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// What one of its parts is called: `replica`, `copy`, `member`.
    pub part: &'static str,
    /// Parts, numbered from zero, that can be lost and that can be slow.
    pub losable: u32,
    pub slowable: u32,
    /// Zones that can be lost, numbered from zero.
    pub zones: u8,
}

/// What a controller does to a node from outside.
#[derive(Clone, Debug)]
pub struct Disturbed<'a> {
    pub node: &'a Spanned<String>,
    /// Where it is written what.
    pub span: Span,
    pub disturbance: Disturbance,
}

/// What a machine keeps free for one replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Requests {
    pub cores: f64,
    pub memory_bytes: u64,
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
    /// Seconds that a new replica takes to be there, on average.
    fn startup_s(&self) -> f64 {
        0.0
    }
    /// How many nodes this one is made of beside itself, if it is made of several.
    fn parts(&self) -> u32 {
        0
    }
    /// The names of the containers beside the program in each replica.
    fn sidecars(&self) -> Vec<&str> {
        Vec::new()
    }
    /// The replicas that a caller balances over.
    fn replicas(&self) -> ReplicaView {
        ReplicaView { count: 1, zones: 1 }
    }
    /// The servers that are paid for as the node starts.
    fn servers(&self) -> u32 {
        self.replicas().count
    }
    /// Those of them that controllers count.
    fn counted(&self) -> u32 {
        self.replicas().count
    }
    /// Whether controllers may say how many replicas it has.
    fn scales(&self) -> bool {
        false
    }
    /// What the node serves with.
    fn capacity(&self) -> Capacity {
        Capacity::default()
    }
    /// What the node has so much of, and serves more with if it has more: the fields that say so, and how much there is.
    fn resources(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
    /// What the node costs.
    fn prices(&self) -> Prices {
        Prices::default()
    }
    /// When something happens to its load by the clock, what, and where that is written.
    fn moments(&self) -> Vec<(u64, &'static str, Span)> {
        Vec::new()
    }
    /// The memory that each replica may use, and where that is written.
    fn memory_limit(&self) -> Option<(Bytes, Span)> {
        None
    }
    /// What each replica asks a machine for, if the node's replicas stand on machines.
    fn requests(&self) -> Option<Requests> {
        None
    }
    /// Requests that this node starts by itself: operation and mean rate per second at its lowest sustained level, for
    /// open workloads only (a closed workload adapts to what it gets).
    fn offered(&self) -> Vec<(String, f64)> {
        Vec::new()
    }
    /// Requests that closed workloads of this node have in progress at most.
    fn population(&self) -> u32 {
        0
    }
    /// The longest of the node's own time constants in seconds, such as a time to live: what happens within it says
    /// nothing yet about the long run.
    fn settling_s(&self) -> f64 {
        0.0
    }
    /// The longest of the node's times after which something comes round again, in seconds: a time to live, a day.
    fn cycle_s(&self) -> f64 {
        0.0
    }
    /// Whether the requests that this node starts run through a course once (a ramp, a spike, a recorded day), so that
    /// there is no long run to estimate.
    fn is_transient(&self) -> bool {
        false
    }
    /// Whether its replicas come and go without a controller.
    fn has_life(&self) -> bool {
        false
    }
    /// Which connections that stay open there are at this node.
    fn connections(&self) -> Connections<'_> {
        Connections::default()
    }
    /// Whether a visit may fail here though all calls that it makes succeed: turned away, given up, or by a mistake. Who
    /// does not know says yes.
    fn can_fail(&self) -> bool {
        true
    }
    /// What can befall the node from outside.
    fn exposure(&self) -> Exposure {
        Exposure::default()
    }
    /// The node among whose replicas this one chooses itself.
    fn watches(&self) -> Option<&str> {
        None
    }
    /// The instance of the catalogue that the node is on.
    fn instance(&self) -> Option<&Spanned<String>> {
        None
    }
    /// Takes from the instance, named at `span`, what the node does not write itself.
    fn resolve(&mut self, span: Span, instance: &Instance) {
        let _ = (span, instance);
    }
    /// Whether callers get their reply before the work that follows is done, as a queue's publishers do.
    fn decouples(&self) -> bool {
        false
    }
    /// When this quantity, which controllers look at, may be above zero.
    fn tells(&self, signal: Signal) -> Tells {
        let _ = signal;
        Tells::Always
    }
    /// Whether it is written at what rate this node starts requests at each moment.
    fn is_foreseeable(&self) -> bool {
        false
    }
    /// The technique's name as it is written in a model, for example `Service`.
    fn kind(&self) -> &'static str;
    /// The part the node plays.
    fn role(&self) -> Role {
        Role::Server
    }
}

/// The part a node plays in an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Starts requests by itself.
    Client,
    /// Serves requests of others.
    Server,
}

/// What the house asks of the written form of a link between two nodes.
pub trait LinkSpec {
    /// Names the link refers to.
    fn references(&self) -> Vec<Reference<'_>> {
        Vec::new()
    }
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
    /// How long a call occupies the busier direction of the wire, in seconds.
    fn wire_s(&self) -> f64 {
        0.0
    }
    /// Whether the caller chooses among replicas.
    fn balances(&self) -> bool {
        false
    }
    /// Connections that each replica of the caller keeps open.
    fn pool(&self) -> Option<PoolView> {
        None
    }
    /// Whether callers may stop waiting before the reply.
    fn gives_up(&self) -> bool {
        false
    }
    /// What transfers cost.
    fn prices(&self) -> Prices {
        Prices::default()
    }
}

/// Other shards for a node.
#[derive(Clone, Debug)]
pub struct Resharding<'a> {
    pub target: &'a Spanned<String>,
    /// Where it is written how many there are afterwards.
    pub to: Span,
    /// The operations that data is moved by.
    pub operations: Vec<&'a Spanned<String>>,
    pub movement: Movement,
}

/// What the house asks of the written form of a controller.
pub trait ControllerSpec {
    /// The name as it is written in a model, for example `HorizontalPodAutoscaler`.
    fn kind(&self) -> &'static str;
    /// Every name the controller refers to.
    fn references(&self) -> Vec<Reference<'_>> {
        Vec::new()
    }
    /// Mistakes that this controller alone shows.
    fn mistakes(&self) -> Vec<Mistake>;
    /// The nodes whose replicas it creates, ends or changes.
    fn targets(&self) -> Vec<&Spanned<String>>;
    /// What it does to a node from outside, as the world does and no autoscaler.
    fn disturbs(&self) -> Option<Disturbed<'_>> {
        None
    }
    /// The node that it gives other shards, and how their data moves.
    fn reshards(&self) -> Option<Resharding<'_>> {
        None
    }
    /// The containers of its target that it looks at, by name.
    fn containers(&self) -> Vec<&Spanned<String>> {
        Vec::new()
    }
    /// How many replicas it leaves its target at all times, if it is held within bounds.
    fn bounds(&self) -> Option<Bounds> {
        None
    }
    /// The most replicas that it gives its target, if it decides how many there are. Only one controller may.
    fn most_replicas(&self) -> Option<u32> {
        self.bounds().map(|bounds| bounds.most.replicas)
    }
    /// What it looks at to decide how many replicas there are.
    fn looks(&self) -> Vec<Look<'_>> {
        Vec::new()
    }
    /// What it holds replicas at by adding others.
    fn goals(&self) -> Vec<Goal> {
        Vec::new()
    }
    /// Whether it changes how much the replicas of its targets request.
    fn resizes(&self) -> bool {
        false
    }
    /// Where it says that it does so while they run, if it does.
    fn resizes_in_place(&self) -> Option<Span> {
        None
    }
    /// When it acts by the clock, and where that is written; of what comes round again, only the first time.
    fn moments(&self) -> Vec<(u64, Span)> {
        Vec::new()
    }
    /// The node whose requests it must know ahead, and where that is asked for.
    fn foresees(&self) -> Option<(&Spanned<String>, Span)> {
        None
    }
    /// What all machines together have for replicas, if it finds machines for them.
    fn room(&self) -> Option<Requests> {
        None
    }
    /// Whether it finds machines for the replicas of its targets.
    fn is_scheduler(&self) -> bool {
        false
    }
    /// If replicas that request this would never find a machine: what the machines have.
    fn refuses(&self, requests: Requests) -> Option<String> {
        let _ = requests;
        None
    }
    /// What it costs itself.
    fn prices(&self) -> Prices {
        Prices::default()
    }
    /// The longest of its own time constants in seconds.
    fn settling_s(&self) -> f64 {
        0.0
    }
    /// After how many seconds it does the same again, or has gone once through what it does.
    fn cycle_s(&self) -> f64 {
        self.settling_s()
    }
    /// Whether it does something once, so that there is no long run.
    fn is_transient(&self) -> bool {
        false
    }
}

/// What the house asks of the written form of a key space.
pub trait KeySpec {
    /// Mistakes that this key space alone shows.
    fn mistakes(&self) -> Vec<DistributionError>;
    /// How popular the keys are, if that is known.
    fn law(&self) -> Option<&KeyLaw> {
        None
    }
}

impl KeySpec for KeyLaw {
    fn mistakes(&self) -> Vec<DistributionError> {
        self.check()
    }

    fn law(&self) -> Option<&KeyLaw> {
        (!matches!(self, Self::Trace { .. })).then_some(self)
    }
}

/// The mean of a written law in seconds, or 0 if it is not known before the simulation: files are not looked into, since a
/// written form does not know where it lies.
pub fn mean_s(law: &Distribution) -> f64 {
    if is_from_file(law) { 0.0 } else { law.compile(Path::new("")).map_or(0.0, |sampler| sampler.mean_s()) }
}

/// Whether a file says what the law is.
pub fn is_from_file(law: &Distribution) -> bool {
    law.files().next().is_some()
}

/// A node that no request reaches: it looks at others now and then, and tells them what to do.
pub trait Controller: Node + fmt::Debug + Send + Sync {
    /// A copy, for another run.
    fn boxed(&self) -> Box<dyn Controller>;
}

impl Clone for Box<dyn Controller> {
    fn clone(&self) -> Self {
        self.as_ref().boxed()
    }
}
