//! What stands in an architecture diagram: one file per technique, and the register that lists them.
//!
//! Adding a technique takes one file, one `mod` line and one line of the register below.

pub mod parts;
pub mod technique;

pub mod cache;
pub mod clients;
pub mod database;
pub mod function;
pub mod link;
pub mod load_balancer;
pub mod periodic_scheduler;
pub mod pg_bouncer;
pub mod queue;
pub mod quorum_storage;
pub mod raft_group;
pub mod service;
pub mod shards;
pub mod vector_database;

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::NodeRecord;
use crate::engine::{Evidence, Node, Reply, Timer, Token, Workload};
use crate::units::Bytes;
use parts::instance::Instance;
use parts::pool::Connections;
use parts::signal::{Signal, Tells};
use technique::{
    Capacity, CompileError, Controller, Demand, Exposure, Mistake, Operations, Prices, Reference, ReplicaView,
    Requests, Role, Spec, Wiring,
};

/// One line of `forescale list`.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueEntry {
    /// As written in a model.
    pub name: &'static str,
    pub summary: &'static str,
}

/// Makes, from one line per technique: the written form of any node, the running form of any node, and the catalogue.
macro_rules! register {
    ($($name:ident($module:ident, $node:ident): $summary:literal,)*) => {
        /// A node as written in a model.
        #[derive(Clone, Debug, Deserialize)]
        // There are only as many as a model has nodes.
        #[allow(clippy::large_enum_variant)]
        pub enum NodeSpec {
            $($name($module::$name),)*
        }

        /// A node at work. Links are nodes too, put between two others by the compiler.
        /// The tag stands first, because working it out from a niche costs more than the dispatch itself.
        #[derive(Clone, Debug)]
        #[repr(u8)]
        pub enum AnyNode {
            $($name($module::$node),)*
            Link(link::LinkNode),
            ShardRouter(Box<shards::ShardRouterNode>),
            Controller(Box<dyn Controller>),
        }

        /// All techniques that may stand under `nodes`.
        pub const CATALOGUE: &[CatalogueEntry] = &[
            $(CatalogueEntry { name: stringify!($name), summary: $summary },)*
        ];

        impl NodeSpec {
            fn spec(&self) -> &dyn Spec {
                match self {
                    $(Self::$name(spec) => spec,)*
                }
            }

            fn spec_mut(&mut self) -> &mut dyn Spec {
                match self {
                    $(Self::$name(spec) => spec,)*
                }
            }

            /// The running form of this node.
            pub fn compile(&self, wiring: &mut dyn Wiring) -> Result<AnyNode, CompileError> {
                match self {
                    $(Self::$name(spec) => Ok(AnyNode::$name($module::$node::compile(spec, wiring)?)),)*
                }
            }
        }

        impl Node for AnyNode {
            fn start(&mut self, context: &mut Context) {
                match self {
                    $(Self::$name(node) => node.start(context),)*
                    Self::Link(node) => node.start(context),
                    Self::ShardRouter(node) => node.start(context),
                    Self::Controller(node) => node.start(context),
                }
            }

            #[inline(always)]
            fn arrive(&mut self, context: &mut Context, slot: u32) {
                match self {
                    $(Self::$name(node) => node.arrive(context, slot),)*
                    Self::Link(node) => node.arrive(context, slot),
                    Self::ShardRouter(node) => node.arrive(context, slot),
                    Self::Controller(node) => node.arrive(context, slot),
                }
            }

            #[inline(always)]
            fn reply(&mut self, context: &mut Context, reply: Reply) {
                match self {
                    $(Self::$name(node) => node.reply(context, reply),)*
                    Self::Link(node) => node.reply(context, reply),
                    Self::ShardRouter(node) => node.reply(context, reply),
                    Self::Controller(node) => node.reply(context, reply),
                }
            }

            #[inline(always)]
            fn timer(&mut self, context: &mut Context, timer: Timer) {
                match self {
                    $(Self::$name(node) => node.timer(context, timer),)*
                    Self::Link(node) => node.timer(context, timer),
                    Self::ShardRouter(node) => node.timer(context, timer),
                    Self::Controller(node) => node.timer(context, timer),
                }
            }

            fn command(&mut self, context: &mut Context, command: Command) {
                match self {
                    $(Self::$name(node) => node.command(context, command),)*
                    Self::Link(node) => node.command(context, command),
                    Self::ShardRouter(node) => node.command(context, command),
                    Self::Controller(node) => node.command(context, command),
                }
            }

            fn sample(&self, now_ns: u64, sample: &mut NodeSample) {
                match self {
                    $(Self::$name(node) => node.sample(now_ns, sample),)*
                    Self::Link(node) => node.sample(now_ns, sample),
                    Self::ShardRouter(node) => node.sample(now_ns, sample),
                    Self::Controller(node) => node.sample(now_ns, sample),
                }
            }

            fn sampled(&mut self, context: &mut Context, token: Token, sample: &NodeSample) {
                match self {
                    $(Self::$name(node) => node.sampled(context, token, sample),)*
                    Self::Link(node) => node.sampled(context, token, sample),
                    Self::ShardRouter(node) => node.sampled(context, token, sample),
                    Self::Controller(node) => node.sampled(context, token, sample),
                }
            }

            fn workload(&self) -> Option<Workload> {
                match self {
                    $(Self::$name(node) => node.workload(),)*
                    Self::Link(node) => node.workload(),
                    Self::ShardRouter(node) => node.workload(),
                    Self::Controller(node) => node.workload(),
                }
            }

            fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
                match self {
                    $(Self::$name(node) => node.audit(now_ns, evidence),)*
                    Self::Link(node) => node.audit(now_ns, evidence),
                    Self::ShardRouter(node) => node.audit(now_ns, evidence),
                    Self::Controller(node) => node.audit(now_ns, evidence),
                }
            }

            fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
                match self {
                    $(Self::$name(node) => node.observe(now_ns, record),)*
                    Self::Link(node) => node.observe(now_ns, record),
                    Self::ShardRouter(node) => node.observe(now_ns, record),
                    Self::Controller(node) => node.observe(now_ns, record),
                }
            }
        }
    };
}

register! {
    Clients(clients, ClientsNode): "who sends requests: open arrival processes or closed users that think",
    LoadBalancer(load_balancer, LoadBalancerNode): "a hop that spreads requests over the replicas of its target",
    Service(service, ServiceNode): "replicas of a program: cores, workers, an accept queue, operations made of steps",
    Database(database, DatabaseNode): "a server with cores and a connection limit that runs reads and writes, and its read replicas",
    PgBouncer(pg_bouncer, PgBouncerNode): "a pooler that lets many client connections share few connections of a database",
    Cache(cache, CacheNode): "a keyed store with time to live and least-recently-used eviction",
    PeriodicScheduler(periodic_scheduler, PeriodicSchedulerNode): "starts tasks by the clock; a second copy sends duplicates",
    Queue(queue, QueueNode): "messages wait for consumers, so that publishers need not",
    VectorDatabase(vector_database, VectorDatabaseNode): "nearest neighbours over shards: scatter, gather from the slowest, copies, recall",
    QuorumStorage(quorum_storage, QuorumStorageNode): "copies over zones that agree by counting: Aurora's volume, Dynamo's stores",
    RaftGroup(raft_group, RaftGroupNode): "members that agree on one log through a leader they elect: etcd, Consul, Vault",
    Function(function, FunctionNode): "code without servers: an environment for each request, started when none is idle",
}

/// Techniques that stand on an edge, under `links`.
pub const LINK_CATALOGUE: &[CatalogueEntry] = &[CatalogueEntry {
    name: "Link",
    summary: "latency, bandwidth, timeout, retries with backoff and jitter, the caller's own balancing",
}];

/// What stands beside the nodes, under `shards`.
pub const SHARDS_CATALOGUE: &[CatalogueEntry] = &[CatalogueEntry {
    name: "Shards",
    summary: "divides a node by key: modulo, range, list, rings, jump, Maglev, rendezvous, dedicated shards, scatter-gather",
}];

impl Spec for NodeSpec {
    fn operations(&self) -> Operations<'_> {
        self.spec().operations()
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.spec().references()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        self.spec().mistakes()
    }

    fn demand(&self, operation: &str) -> Demand {
        self.spec().demand(operation)
    }

    fn replicas(&self) -> ReplicaView {
        self.spec().replicas()
    }

    fn servers(&self) -> u32 {
        self.spec().servers()
    }

    fn counted(&self) -> u32 {
        self.spec().counted()
    }

    fn scales(&self) -> bool {
        self.spec().scales()
    }

    fn capacity(&self) -> Capacity {
        self.spec().capacity()
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        self.spec().resources()
    }

    fn prices(&self) -> Prices {
        self.spec().prices()
    }

    fn requests(&self) -> Option<Requests> {
        self.spec().requests()
    }

    fn offered(&self) -> Vec<(String, f64)> {
        self.spec().offered()
    }

    fn population(&self) -> u32 {
        self.spec().population()
    }

    fn settling_s(&self) -> f64 {
        self.spec().settling_s()
    }

    fn cycle_s(&self) -> f64 {
        self.spec().cycle_s()
    }

    fn is_transient(&self) -> bool {
        self.spec().is_transient()
    }

    fn can_fail(&self) -> bool {
        self.spec().can_fail()
    }

    fn has_life(&self) -> bool {
        self.spec().has_life()
    }

    fn connections(&self) -> Connections<'_> {
        self.spec().connections()
    }

    fn exposure(&self) -> Exposure {
        self.spec().exposure()
    }

    fn moments(&self) -> Vec<(u64, &'static str, Span)> {
        self.spec().moments()
    }

    fn memory_limit(&self) -> Option<(Bytes, Span)> {
        self.spec().memory_limit()
    }

    fn watches(&self) -> Option<&str> {
        self.spec().watches()
    }

    fn startup_s(&self) -> f64 {
        self.spec().startup_s()
    }

    fn parts(&self) -> u32 {
        self.spec().parts()
    }

    fn sidecars(&self) -> Vec<&str> {
        self.spec().sidecars()
    }

    fn instance(&self) -> Option<&Spanned<String>> {
        self.spec().instance()
    }

    fn resolve(&mut self, span: Span, instance: &Instance) {
        self.spec_mut().resolve(span, instance);
    }

    fn decouples(&self) -> bool {
        self.spec().decouples()
    }

    fn tells(&self, signal: Signal) -> Tells {
        self.spec().tells(signal)
    }

    fn is_foreseeable(&self) -> bool {
        self.spec().is_foreseeable()
    }

    fn kind(&self) -> &'static str {
        self.spec().kind()
    }

    fn role(&self) -> Role {
        self.spec().role()
    }
}
