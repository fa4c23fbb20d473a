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
//! With `storage` all servers share one volume: a commit is a write to it, a page that is not in memory a read from it, replicas apply
//! only what concerns pages that they have in memory, and a lost writer takes nothing with it.
//! Pages are looked for in memory by the keys of requests, the least recently used go first, and what misses is read from the disk.
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
//! | `memory`, `connection_memory` | bytes | instance's, 0 | of each server: what connections leave is for pages; none if all pages are in memory |
//! | `iops` | 1/time | unlimited | operations of each server's disk; others wait for their turn |
//! | `tables` | | none | [`Table`]: rows on pages, by key, in partitions |
//! | `storage` | node | none | a [`QuorumStorage`](super::quorum_storage) in place of disks: commits and missing pages go there |
//! | `checkpoint` | | none | [`Checkpoint`]: what was written goes to the disk, every so often |
//! | `read_replicas` | | none | [`ReadReplicas`]: servers as large as the writer that follow it |
//! | `operations` | | | [`Query`]: `Read(cpu, io)`, `Write(cpu, io, commit)`; `PointRead`, `RangeRead`, `Aggregate` of a table |
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

mod buffers;
mod cluster;
mod connections;
mod disk;
mod follower;
mod locks;
mod log;
mod node;
mod read_replicas;
mod statement;
mod table;

pub use node::DatabaseNode;
pub use read_replicas::{Acknowledge, Consistency, Endpoint, Failover, ReadReplicas, Replication};
pub use statement::Query;
pub use table::{Checkpoint, Table};

use serde::Deserialize;

use crate::diagnostic::span::{Named, Span, Spanned};
use crate::distribution::Distribution;
use crate::price::{HourlyPrice, RequestPrice};
use crate::techniques::parts::instance::Instance;
use crate::techniques::parts::pool::Connections;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::parts::steps::{self, Step};
use crate::techniques::technique::{
    Capacity, Demand, Exposure, Mistake, Operations, Prices, Reference, Spec, Worker, law_mistakes, mean_s,
};
use crate::units::{Bytes, Rate};
use statement::Access;
use table::{Layout, PAGE_BYTES};

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
    /// Of each server, for pages and connections; if left out, all pages are in memory.
    #[serde(default)]
    pub memory: Option<Bytes>,
    #[serde(default)]
    pub connection_memory: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub iops: Option<Spanned<Rate>>,
    #[serde(default)]
    pub tables: Named<Table>,
    /// A volume beneath all servers.
    #[serde(default)]
    pub storage: Option<Spanned<String>>,
    #[serde(default)]
    pub checkpoint: Option<Spanned<Checkpoint>>,
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
        let is_plain = |query: &Query| query.access().is_none() && !query.locks_row();
        self.read_replicas.is_none()
            && self.iops.is_none()
            && self.storage.is_none()
            && self.tables.is_empty()
            && self.checkpoint.is_none()
            && self.operations.values().all(|query| is_plain(query))
    }

    /// Memory of each server that is left for pages.
    fn buffer_bytes(&self) -> u64 {
        let Some(memory) = self.memory else { return u64::MAX };
        let each = self.connection_memory.as_ref().map_or(0, |memory| memory.bytes);
        memory.bytes.saturating_sub(each.saturating_mul(u64::from(self.connections())))
    }

    /// The table that a statement names.
    fn table(&self, query: &Query) -> Option<&Table> {
        let (name, _) = query.access()?;
        self.tables.iter().find(|(known, _)| known.value == name.value).map(|(_, table)| &table.value)
    }

    /// The key space of what a statement is about. What looks at all rows is about none.
    fn key_of<'a>(&'a self, query: &'a Query) -> Option<&'a Spanned<String>> {
        let of_table = || match query.access() {
            None | Some((_, Access::Partitions(_))) => None,
            Some(_) => self.table(query).map(|table| &table.key),
        };
        query.key().or_else(of_table)
    }

    /// Mean seconds of a core for the rows that a statement looks through.
    fn scan_s(&self, query: &Query) -> f64 {
        let Some((table, (_, access))) = self.table(query).zip(query.access()) else { return 0.0 };
        let rows = match access {
            Access::Row => 0,
            Access::Rows(rows) => rows,
            Access::Partitions(partitions) => Layout::new(table, 0, 1).part(partitions).1,
        };
        rows as f64 * query.row_ns() as f64 * 1e-9
    }

    /// What is wrong with memory, disks and tables.
    fn table_mistakes(&self) -> Vec<Mistake> {
        let mut found: Vec<Mistake> = self.tables.values().flat_map(|table| table.mistakes()).collect();
        for query in self.operations.values() {
            let Some((name, access)) = query.access() else {
                if query.locks_row() && query.key().is_none() {
                    let message = "nothing says which row this write locks";
                    found.push(Mistake::new(query.cpu().span, message, "add key, or table"));
                }
                continue;
            };
            let Some(table) = self.table(query) else {
                let known: Vec<&str> = self.tables.keys().map(|name| name.value.as_str()).collect();
                let help = if known.is_empty() {
                    "add tables: { \"orders\": Table(rows: 5_000_000, row_size: \"200B\", key: \"user\") }".to_owned()
                } else {
                    format!("there are {}", known.join(", "))
                };
                found.push(Mistake::new(name.span, format!("there is no table {:?}", name.value), help));
                continue;
            };
            match access {
                Access::Rows(0) => {
                    found.push(Mistake::new(name.span, "a range of no rows reads nothing", "write 1 or more rows"));
                }
                Access::Partitions(Some(touched)) if !(1..=table.partitions()).contains(&touched) => {
                    let message = format!("{:?} has {} partitions, not {touched}", name.value, table.partitions());
                    found.push(Mistake::new(name.span, message, "write at most as many as the table has"));
                }
                _ => {}
            }
        }
        if let Some(memory) = &self.connection_memory {
            if self.memory.is_none() {
                let message = "nothing says how much memory there is for connections and pages";
                found.push(Mistake::new(memory.span, message, "add memory: \"32GiB\", or an instance that has some"));
            } else if self.buffer_bytes() < PAGE_BYTES {
                let message = "all connections together take the whole memory, and leave none for pages";
                found.push(Mistake::new(memory.span, message, "lower max_connections or connection_memory"));
            }
        }
        if let Some(rate) = self.iops.as_ref().filter(|rate| !(0.1..=1e7).contains(&rate.per_second)) {
            let message = "a disk does between 0.1 and 10,000,000 operations a second";
            found.push(Mistake::new(rate.span, message, "write for example \"3000/s\""));
        }
        if let Some(checkpoint) = &self.checkpoint {
            found.extend(Checkpoint::mistakes(checkpoint));
            if self.iops.is_none() {
                let message = "a checkpoint disturbs nobody whose disk has no limit";
                found.push(Mistake::new(checkpoint.span, message, "add iops: \"3000/s\", or leave it out"));
            }
        }
        found
    }

    /// What a volume beneath the servers makes meaningless.
    fn storage_mistakes(&self) -> Vec<Mistake> {
        let Some(storage) = &self.storage else { return Vec::new() };
        let own = [self.iops.as_ref().map(|rate| rate.span), self.checkpoint.as_ref().map(|one| one.span)];
        let of_disks = own.into_iter().flatten().map(|span| {
            let message = format!("the servers have no disks of their own beside `{}`", **storage);
            Mistake::new(span, message, "leave this out; the volume has disks")
        });
        let laws = self.operations.values().flat_map(|query| query.io().into_iter().chain(query.commit()));
        let of_laws = laws.map(|law| {
            let message = format!("`{}` says how long reading and committing take", **storage);
            Mistake::new(law.span, message, "leave it out; write the laws of the volume there")
        });
        of_disks.chain(of_laws).collect()
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
        let keys = self.operations.values().filter_map(|query| query.key());
        let keys = keys.chain(self.tables.values().map(|table| &table.key)).map(Reference::Key);
        let storage = self.storage.iter().map(|name| Reference::Node { name, kind: "QuorumStorage" });
        let of_replicas = self.read_replicas.iter().flat_map(|replicas| replicas.references());
        keys.chain(of_replicas).chain(storage).collect()
    }

    fn instance(&self) -> Option<&Spanned<String>> {
        self.instance.as_ref()
    }

    fn resolve(&mut self, span: Span, instance: &Instance) {
        instance.fill_in(span, &mut self.cores, &mut self.price);
        instance.fill_in_memory(&mut self.memory);
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
        found.extend(self.table_mistakes());
        found.extend(self.storage_mistakes());
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
            if !self.is_plain() {
                let message = "connecting to a database with replicas, tables, disks or a storage takes no time here";
                found.push(Mistake::new(law.span, message, "leave connect out"));
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
        let Some((_, query)) = found else { return Demand::default() };
        let mut demand = if self.is_plain() {
            steps::demand(&query.steps())
        } else {
            // What comes from the disk, and how often, is not known before.
            let commit = query.commit().map(|law| Step::Wait(law.clone()));
            let steps: Vec<Step> = std::iter::once(Step::Compute(query.cpu().clone())).chain(commit).collect();
            steps::demand(&steps)
        };
        let scan_s = self.scan_s(query);
        if let Some(storage) = self.storage.as_ref().filter(|_| query.is_write()) {
            demand.call(&format!("{}.write", **storage), 1.0);
        }
        demand.core_s += scan_s;
        demand.held_s += scan_s;
        demand
    }

    fn connections(&self) -> Connections<'_> {
        Connections { are_accepted: self.is_plain(), ..Connections::default() }
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

    fn counted(&self) -> u32 {
        self.servers() - 1
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
