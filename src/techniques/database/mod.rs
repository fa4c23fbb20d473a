//! Database: a server that runs queries over a limited number of connections, and replicas that answer reads.
//!
//! # How it works
//!
//! ```text
//! query:  connection free -> open it (`connect`), run; room to wait -> wait; else reject ("too many clients already")
//!         over a connection that a pool, a pooler or a transaction keeps open -> run
//! run:    compute on the shared cores (`cpu`), wait for the disk (`io`); a write also waits for its commit
//!
//! read:   to a replica of its endpoint that is fresh enough, or to the writer
//! commit: a record for each replica, which applies them in order on its own cores; until then its reads do not see it
//! ```
//!
//! Lag is a queue of records: it grows when records come faster than `apply_workers` do them, or when reads take the cores.
//! A read is stale if its replica has not applied the last answered write of its key.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `instance` | | none | of the model's catalogue: gives `cores` and `price` where they are left out |
//! | `cores` | cores | the instance's | shared by all queries that compute |
//! | `max_connections` | connections | 100 | queries in progress at once, and what others keep open besides; as PostgreSQL's setting |
//! | `connect` | time | 0 | of a core, to open a connection: a process is forked, a password checked |
//! | `queue` | queries | 0 | that may wait for a connection instead of being rejected |
//! | `contention`, `coherency` | | 0 | coefficients of the Universal Scalability Law: locks and latches |
//! | `price` | $/time | 0 | of the server |
//! | `io_price` | $/query | 0 | of each query's storage access |
//! | `read_replicas` | | none | [`ReadReplicas`]: servers as large as the writer that follow it |
//! | `operations` | | | `Read(cpu, io)` or `Write(cpu, io, commit)`, each with `key`; a read with `endpoint`, `consistency` |
//!
//! # When it helps, when it hurts
//!
//! More cores help until contention eats them. More connections than cores keep up with do not help: beyond that each
//! query only runs slower, and with coherency above zero all of them together get less done.
//! Replicas take reads from the writer, and nothing of its writes: each of them applies all of these too.
//!
//! # Law
//!
//! With `max_connections` = `cores`, no I/O and room to wait, it is an M/G/c queue. The lag of a replica that answers nothing
//! is the time in an M/G/1 queue of records. With records `L` on their way, a read of a key that is written at the rate
//! `w` is stale with probability `1 - exp(-w L)`.

mod cluster;
mod connections;
mod follower;
mod log;
mod node;
mod read_replicas;
mod statement;

pub use node::DatabaseNode;
pub use read_replicas::{Acknowledge, Consistency, Endpoint, Failover, ReadReplicas, Replication};
pub use statement::Query;

use serde::Deserialize;

use crate::diagnostic::span::{Named, Span, Spanned};
use crate::distribution::Distribution;
use crate::price::{HourlyPrice, RequestPrice};
use crate::techniques::parts::instance::Instance;
use crate::techniques::parts::pool::Connections;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::parts::steps;
use crate::techniques::technique::{
    Capacity, Demand, Exposure, Mistake, Operations, Prices, Reference, Spec, Worker, law_mistakes, mean_s,
};

/// A database as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    #[serde(default)]
    pub instance: Option<Spanned<String>>,
    #[serde(default)]
    pub cores: Option<Spanned<f64>>,
    #[serde(default)]
    pub max_connections: Option<Spanned<u32>>,
    #[serde(default)]
    pub connect: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub queue: Option<Spanned<u32>>,
    #[serde(default)]
    pub contention: Option<Spanned<f64>>,
    #[serde(default)]
    pub coherency: Option<Spanned<f64>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
    #[serde(default)]
    pub io_price: Option<RequestPrice>,
    #[serde(default)]
    pub read_replicas: Option<Spanned<ReadReplicas>>,
    pub operations: Spanned<Named<Query>>,
}

/// PostgreSQL's default.
const DEFAULT_CONNECTIONS: u32 = 100;

impl Database {
    /// Cores, of its own or of its instance.
    pub fn cores(&self) -> f64 {
        self.cores.as_ref().map_or(1.0, |cores| cores.value)
    }

    /// Whether it is one server that only computes and waits.
    pub fn is_plain(&self) -> bool {
        self.read_replicas.is_none()
    }

    /// What is wrong with what this statement says of replicas.
    fn replica_mistakes(&self, query: &Query) -> Vec<Mistake> {
        let Some(replicas) = &self.read_replicas else {
            let span = query.endpoint().map(|endpoint| endpoint.span);
            let span = span.or(query.consistency().map(|consistency| consistency.span));
            let mistake = |span| {
                let message = "a database without read replicas answers all statements itself";
                Mistake::new(span, message, "add read_replicas: ReadReplicas(count: 2), or leave this out")
            };
            return span.map(mistake).into_iter().collect();
        };
        let endpoint = query.endpoint();
        endpoint.and_then(|endpoint| replicas.endpoint_mistake(endpoint, endpoint.span)).into_iter().collect()
    }

    fn connections(&self) -> u32 {
        self.max_connections.as_ref().map_or(DEFAULT_CONNECTIONS, |connections| connections.value)
    }
}

impl Spec for Database {
    fn kind(&self) -> &'static str {
        "Database"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::Named(self.operations.keys().map(|name| name.value.as_str()).collect())
    }

    fn references(&self) -> Vec<Reference<'_>> {
        let keys = self.operations.values().filter_map(|query| query.key()).map(Reference::Key);
        keys.chain(self.read_replicas.iter().flat_map(|replicas| replicas.references())).collect()
    }

    fn instance(&self) -> Option<&Spanned<String>> {
        self.instance.as_ref()
    }

    fn resolve(&mut self, span: Span, instance: &Instance) {
        instance.fill_in(span, &mut self.cores, &mut self.price);
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.operations.is_empty() {
            let help = "add operations: { \"read\": Read(cpu: Exponential(\"2ms\")) }";
            found.push(Mistake::new(self.operations.span, "a database without operations does nothing", help));
        }
        for query in self.operations.values() {
            found.extend(steps::mistakes(&query.steps(), self.operations.span));
            found.extend(self.replica_mistakes(query));
        }
        found.extend(self.read_replicas.iter().flat_map(|replicas| replicas.mistakes()));
        match &self.cores {
            Some(cores) if !(0.001..=100_000.0).contains(&cores.value) => {
                let message = "a server has between 0.001 and 100,000 cores";
                found.push(Mistake::new(cores.span, message, "write for example 8"));
            }
            None if self.instance.is_none() => {
                let message = "nothing says how many cores this database has";
                found.push(Mistake::new(Span::default(), message, "add cores: 8, or instance: \"db.m6g.2xlarge\""));
            }
            _ => {}
        }
        if let Some(law) = &self.connect {
            found.extend(law_mistakes(law));
            if self.read_replicas.is_some() {
                let message = "connecting to a database with read replicas takes no time here";
                found.push(Mistake::new(law.span, message, "leave connect out, or read_replicas"));
            }
        }
        if let Some(connections) = self.max_connections.as_ref().filter(|connections| connections.value == 0) {
            found.push(Mistake::new(
                connections.span,
                "without connections nothing is ever served",
                "write for example 100",
            ));
        }
        for coefficient in [&self.contention, &self.coherency].into_iter().flatten() {
            if !(0.0..=1.0).contains(&coefficient.value) {
                let message = "coefficients of the Universal Scalability Law lie between 0 and 1";
                found.push(Mistake::new(coefficient.span, message, "write for example 0.03"));
            }
        }
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let found = self.operations.iter().find(|(name, _)| name.value == operation);
        found.map(|(_, query)| steps::demand(&query.steps())).unwrap_or_default()
    }

    fn connections(&self) -> Connections<'_> {
        Connections { are_accepted: self.read_replicas.is_none(), ..Connections::default() }
    }

    fn capacity(&self) -> Capacity {
        let servers = u64::from(self.servers());
        let connections = u64::from(self.connections()) * servers;
        Capacity {
            cores: Some(self.cores() * servers as f64),
            workers: Some(connections),
            worker: Worker::Connection,
            connections: Some(connections),
            waiting: self.queue.as_ref().map_or(0, |queue| u64::from(queue.value)) * servers,
        }
    }

    fn servers(&self) -> u32 {
        1 + self.read_replicas.as_ref().map_or(0, |replicas| replicas.count.value)
    }

    fn scales(&self) -> bool {
        self.read_replicas.is_some()
    }

    fn exposure(&self) -> Exposure {
        let servers = if self.read_replicas.is_some() { self.servers() } else { 0 };
        Exposure { part: "server", losable: servers, slowable: servers, zones: 0 }
    }

    fn startup_s(&self) -> f64 {
        let startup = self.read_replicas.as_ref().and_then(|replicas| replicas.startup.as_ref());
        startup.map_or(0.0, |law| mean_s(law))
    }

    fn tells(&self, signal: Signal) -> Tells {
        let waits = self.queue.as_ref().is_some_and(|queue| queue.value > 0);
        if signal == Signal::QueueLength && !waits { Tells::Never } else { Tells::Always }
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        let replicas = self.read_replicas.as_ref().map(|one| ("read_replicas.count", f64::from(one.count.value)));
        let own = [("cores", self.cores()), ("max_connections", f64::from(self.connections()))];
        own.into_iter().chain(replicas).collect()
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            usd_per_request: self.io_price.as_ref().map_or(0.0, |price| price.usd_per_request),
            ..Prices::default()
        }
    }
}
