//! PgBouncer: a pooler that lets many client connections share few connections of a database.
//!
//! # How it works
//!
//! ```text
//! connect:   more than `max_client_conn` -> refuse ("no more connections allowed")
//! statement: read by the event loop (`processing`); then a server connection: the client's own, or an idle one, or another if
//!            the pool has fewer than `default_pool_size`; else wait, and fail after `query_wait_timeout`
//! result:    passed back by the event loop (`processing`); the server connection is free again after the statement, the
//!            transaction, or the session of the client, as `pool_mode` says
//! server:    connections are opened one after the other; a refused one is tried again after `server_login_retry`
//! ```
//!
//! A call by a node without a pool is a session of its own. A `Transaction`, and the pool of a link, keep a client connection.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the database whose operations are offered |
//! | `pool_mode` | | `Session` | when a server connection is free for others; see [`PoolMode`] |
//! | `default_pool_size` | connections | 20 | to the database, of each process |
//! | `min_pool_size` | connections | 0 | that are kept open however little there is to do |
//! | `reserve_pool_size` | connections | 0 | further ones, while a client has waited for `reserve_pool_timeout` |
//! | `reserve_pool_timeout` | time | 5 s | |
//! | `max_client_conn` | connections | 100 | of clients, of each process |
//! | `max_db_connections` | connections | unlimited | to the database, the reserve included, of each process |
//! | `query_wait_timeout` | time | 120 s | waiting longer for a server connection fails; 0 switches it off |
//! | `server_idle_timeout` | time | 10 min | idle server connections are closed after this; 0 switches it off |
//! | `server_lifetime` | time | 1 h | older server connections are closed when they are idle; 0 switches it off |
//! | `server_login_retry` | time | 15 s | pause after the database refused a connection |
//! | `processing` | time | 0 | of the event loop, for each message: a statement is two |
//! | `replicas` | processes | 1 | each with its event loop and its pool; clients connect to them in turn |
//! | `price` | $/time | 0 | of each process |
//!
//! # When it helps, when it hurts
//!
//! With transactions that share connections, a database serves thousands of clients with as many backends as its cores keep
//! busy. With sessions, clients that keep idle connections keep those of the database too. The event loop is one core: beyond
//! what that does, more clients only wait longer.
//!
//! # Law
//!
//! With `Transaction` and open connections, it is an M/M/c queue of `default_pool_size` servers; `max_client_conn` makes it an
//! M/M/c/K. Where the event loop is what limits, `N` clients wait `N` times its time for a transaction.

mod clients;
mod event_loop;
mod node;

pub use node::PgBouncerNode;

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::price::HourlyPrice;
use crate::techniques::parts::pool::{Connections, Least, PoolView, Rules, lifetime_mistake};
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::technique::{
    Capacity, Demand, Mistake, Operations, Prices, Reference, ReplicaView, Spec, Worker, law_mistakes, mean_s,
};
use crate::units::Duration;

/// A pooler as written, with the words of its configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PgBouncer {
    pub target: Spanned<String>,
    #[serde(default)]
    pub pool_mode: PoolMode,
    #[serde(default)]
    pub default_pool_size: Option<Spanned<u32>>,
    #[serde(default)]
    pub min_pool_size: Option<Spanned<u32>>,
    #[serde(default)]
    pub reserve_pool_size: Option<Spanned<u32>>,
    #[serde(default)]
    pub reserve_pool_timeout: Option<Spanned<Duration>>,
    #[serde(default)]
    pub max_client_conn: Option<Spanned<u32>>,
    #[serde(default)]
    pub max_db_connections: Option<Spanned<u32>>,
    #[serde(default)]
    pub query_wait_timeout: Option<Spanned<Duration>>,
    #[serde(default)]
    pub server_idle_timeout: Option<Spanned<Duration>>,
    #[serde(default)]
    pub server_lifetime: Option<Spanned<Duration>>,
    #[serde(default)]
    pub server_login_retry: Option<Spanned<Duration>>,
    #[serde(default)]
    pub processing: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub replicas: Option<Spanned<u32>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
}

/// When another client may have a server connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum PoolMode {
    /// When its client has disconnected.
    #[default]
    Session,
    /// When the transaction has ended.
    Transaction,
    /// When the statement has ended. Transactions of several statements are refused.
    Statement,
}

const DEFAULT_POOL_SIZE: u32 = 20;
const RESERVE_POOL_TIMEOUT_NS: u64 = 5_000_000_000;
const MAX_CLIENT_CONN: u32 = 100;
const QUERY_WAIT_TIMEOUT_NS: u64 = 120_000_000_000;
const SERVER_IDLE_TIMEOUT_NS: u64 = 600_000_000_000;
const SERVER_LIFETIME_NS: u64 = 3_600_000_000_000;
const SERVER_LOGIN_RETRY_NS: u64 = 15_000_000_000;

const SHORTEST_PAUSE_NS: u64 = 1_000_000;

/// Connections are known by numbers of 16 bits.
const MOST_CONNECTIONS: u64 = 65_000;

impl PgBouncer {
    fn processes(&self) -> u32 {
        self.replicas.as_ref().map_or(1, |replicas| replicas.value)
    }

    fn limit(&self) -> u32 {
        self.max_db_connections.as_ref().map_or(u32::MAX, |limit| limit.value)
    }

    fn pool_size(&self) -> u32 {
        self.default_pool_size.as_ref().map_or(DEFAULT_POOL_SIZE, |size| size.value).min(self.limit())
    }

    fn reserve(&self) -> u32 {
        let reserve = self.reserve_pool_size.as_ref().map_or(0, |size| size.value);
        reserve.min(self.limit() - self.pool_size())
    }

    fn client_connections(&self) -> u32 {
        self.max_client_conn.as_ref().map_or(MAX_CLIENT_CONN, |limit| limit.value)
    }

    /// What the pool of each process keeps to.
    fn rules(&self) -> Rules {
        let or = |written: &Option<Spanned<Duration>>, default: u64| written.as_ref().map_or(default, |time| time.ns);
        let unless_zero = |time_ns: u64| Some(time_ns).filter(|time_ns| *time_ns > 0);
        let retry_ns = or(&self.server_login_retry, SERVER_LOGIN_RETRY_NS);
        let least = self.min_pool_size.as_ref().map_or(0, |size| size.value);
        Rules {
            most: self.pool_size(),
            reserve: self.reserve(),
            reserve_after_ns: or(&self.reserve_pool_timeout, RESERVE_POOL_TIMEOUT_NS),
            least: Least::Total(least.min(self.pool_size())),
            wait_timeout_ns: unless_zero(or(&self.query_wait_timeout, QUERY_WAIT_TIMEOUT_NS)),
            idle_timeout_ns: unless_zero(or(&self.server_idle_timeout, SERVER_IDLE_TIMEOUT_NS)),
            lifetime_ns: unless_zero(or(&self.server_lifetime, SERVER_LIFETIME_NS)),
            lifetime_spread: 0.0,
            opening_at_once: 1,
            pauses_ns: (retry_ns, retry_ns),
            fails_without_any: true,
        }
    }
}

impl Spec for PgBouncer {
    fn kind(&self) -> &'static str {
        "PgBouncer"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::SameAs(&self.target)
    }

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Connection(&self.target)]
    }

    fn connections(&self) -> Connections<'_> {
        let span = self.default_pool_size.as_ref().map(|size| size.span).unwrap_or_default();
        let most = u64::from(self.pool_size() + self.reserve()) * u64::from(self.processes());
        let pool = PoolView { most, least: 0, is_for_sessions: self.pool_mode == PoolMode::Session, span };
        Connections {
            are_accepted: true,
            refuse_transactions: self.pool_mode == PoolMode::Statement,
            pool: Some(pool),
            ..Connections::default()
        }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let zero = |value: &Option<Spanned<u32>>, message: &str, help: &str| {
            let value = value.as_ref().filter(|value| value.value == 0)?;
            Some(Mistake::new(value.span, message, help))
        };
        found.extend(zero(&self.default_pool_size, "without server connections nothing passes", "write 1 or more"));
        found.extend(zero(&self.max_client_conn, "without client connections nothing passes", "write 1 or more"));
        found.extend(zero(
            &self.max_db_connections,
            "without connections to the database nothing passes",
            "leave max_db_connections out where there is no limit",
        ));
        found.extend(zero(&self.replicas, "without a process nothing passes", "write 1 or more"));
        let sizes = [&self.max_client_conn, &self.default_pool_size, &self.reserve_pool_size];
        for size in sizes.into_iter().flatten() {
            if u64::from(size.value) * u64::from(self.processes()) > MOST_CONNECTIONS {
                let message = "all processes together have at most 65,000 connections of each kind";
                found.push(Mistake::new(size.span, message, "write fewer, or fewer replicas"));
            }
        }
        if let Some(least) = self.min_pool_size.as_ref().filter(|least| least.value > self.pool_size()) {
            let message = format!("a pool of {} connections never has {}", self.pool_size(), least.value);
            found.push(Mistake::new(least.span, message, "write at most default_pool_size, which is 20 if left out"));
        }
        found.extend(self.server_lifetime.as_ref().and_then(lifetime_mistake));
        if let Some(retry) = self.server_login_retry.as_ref().filter(|retry| retry.ns < SHORTEST_PAUSE_NS) {
            let message = "a refused connection is tried again after a millisecond at the earliest";
            found.push(Mistake::new(retry.span, message, "write for example \"15s\""));
        }
        if let Some(law) = &self.processing {
            found.extend(law_mistakes(law));
        }
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let processing_s = 2.0 * self.processing.as_ref().map_or(0.0, |law| mean_s(law));
        let mut demand = Demand { core_s: processing_s, held_s: processing_s, ..Demand::default() };
        demand.call(&format!("{}.{operation}", *self.target), 1.0);
        demand
    }

    fn replicas(&self) -> ReplicaView {
        ReplicaView { count: self.processes(), zones: 1 }
    }

    fn capacity(&self) -> Capacity {
        let processes = u64::from(self.processes());
        Capacity {
            cores: self.processing.as_ref().map(|_| processes as f64),
            workers: Some(u64::from(self.pool_size() + self.reserve()) * processes),
            worker: Worker::Connection,
            connections: Some(u64::from(self.client_connections()) * processes),
            waiting: 0,
        }
    }

    fn tells(&self, _signal: Signal) -> Tells {
        Tells::Always
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("default_pool_size", f64::from(self.pool_size())),
            ("max_client_conn", f64::from(self.client_connections())),
            ("replicas", f64::from(self.processes())),
        ]
    }

    fn prices(&self) -> Prices {
        let usd_per_replica_hour = self.price.as_ref().map_or(0.0, |price| price.usd_per_hour);
        Prices { usd_per_replica_hour, ..Prices::default() }
    }
}
