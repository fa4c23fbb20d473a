//! Database: one primary server that runs queries over a limited number of connections.
//!
//! # How it works
//!
//! ```text
//! query:  connection free -> run; room to wait -> wait; else reject ("too many clients already")
//! run:    compute on the shared cores (`cpu`), wait for the disk (`io`); a write also waits for its commit
//! ```
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `instance` | | none | of the model's catalogue: gives `cores` and `price` where they are left out |
//! | `cores` | cores | the instance's | shared by all queries that compute |
//! | `max_connections` | connections | 100 | queries in progress at once, as PostgreSQL's setting of that name |
//! | `queue` | queries | 0 | that may wait for a connection instead of being rejected |
//! | `contention`, `coherency` | | 0 | coefficients of the Universal Scalability Law: locks and latches |
//! | `price` | $/time | 0 | of the server |
//! | `io_price` | $/query | 0 | of each query's storage access |
//! | `operations` | | | `Read(cpu, io)` or `Write(cpu, io, commit)` |
//!
//! # When it helps, when it hurts
//!
//! More cores help until contention eats them. More connections than cores keep up with do not help: beyond that each
//! query only runs slower, and with coherency above zero all of them together get less done.
//!
//! # Law
//!
//! With `max_connections` = `cores`, no I/O and room to wait, it is an M/G/c queue.

mod node;
mod statement;

pub use node::DatabaseNode;
pub use statement::Query;

use serde::Deserialize;

use crate::diagnostic::span::{Named, Span, Spanned};
use crate::price::{HourlyPrice, RequestPrice};
use crate::techniques::parts::instance::Instance;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::parts::steps;
use crate::techniques::technique::{Capacity, Demand, Mistake, Operations, Prices, Reference, Spec, Worker};

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
    pub queue: Option<Spanned<u32>>,
    #[serde(default)]
    pub contention: Option<Spanned<f64>>,
    #[serde(default)]
    pub coherency: Option<Spanned<f64>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
    #[serde(default)]
    pub io_price: Option<RequestPrice>,
    pub operations: Spanned<Named<Query>>,
}

/// PostgreSQL's default.
const DEFAULT_CONNECTIONS: u32 = 100;

impl Database {
    /// Cores, of its own or of its instance.
    pub fn cores(&self) -> f64 {
        self.cores.as_ref().map_or(1.0, |cores| cores.value)
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
        Vec::new()
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
        }
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

    fn capacity(&self) -> Capacity {
        let connections = u64::from(self.connections());
        Capacity {
            cores: Some(self.cores()),
            workers: Some(connections),
            worker: Worker::Connection,
            connections: Some(connections),
            waiting: self.queue.as_ref().map_or(0, |queue| u64::from(queue.value)),
        }
    }

    fn tells(&self, signal: Signal) -> Tells {
        let waits = self.queue.as_ref().is_some_and(|queue| queue.value > 0);
        if signal == Signal::QueueLength && !waits { Tells::Never } else { Tells::Always }
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        vec![("cores", self.cores()), ("max_connections", f64::from(self.connections()))]
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            usd_per_request: self.io_price.as_ref().map_or(0.0, |price| price.usd_per_request),
            ..Prices::default()
        }
    }
}
