//! A pool of connections as written in a model, with the words of HikariCP's documentation.

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::techniques::parts::pool::pools::{Least, Rules};
use crate::techniques::technique::Mistake;
use crate::units::Duration;

/// The connections that each replica of a caller keeps open.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Connections, idle ones included.
    #[serde(default)]
    pub max_size: Option<Spanned<u32>>,
    /// So many idle connections are kept; as many as `max_size` if left out.
    #[serde(default)]
    pub min_idle: Option<Spanned<u32>>,
    /// How long a caller waits for a connection.
    #[serde(default)]
    pub connection_timeout: Option<Spanned<Duration>>,
    /// Idle connections beyond `min_idle` are closed after this.
    #[serde(default)]
    pub idle_timeout: Option<Spanned<Duration>>,
    /// A connection this old is closed when it is next idle.
    #[serde(default)]
    pub max_lifetime: Option<Spanned<Duration>>,
}

const MAX_SIZE: u32 = 10;
const CONNECTION_TIMEOUT_NS: u64 = 30_000_000_000;
const IDLE_TIMEOUT_NS: u64 = 600_000_000_000;
const MAX_LIFETIME_NS: u64 = 1_800_000_000_000;

/// Pauses after a connection was refused: 10 ms, doubled up to 5 s.
const FIRST_PAUSE_NS: u64 = 10_000_000;
const LONGEST_PAUSE_NS: u64 = 5_000_000_000;

/// Lifetimes differ by up to this share, so that connections that were opened together are not closed together.
const LIFETIME_SPREAD: f64 = 0.025;

impl Pool {
    /// Connections of each replica at most.
    pub fn most(&self) -> u32 {
        self.max_size.as_ref().map_or(MAX_SIZE, |size| size.value)
    }

    /// Connections of each replica that are kept however little there is to do.
    pub fn least(&self) -> u32 {
        self.min_idle.as_ref().map_or(self.most(), |idle| idle.value)
    }

    /// What the pools of all replicas keep to.
    pub fn rules(&self) -> Rules {
        let or = |written: &Option<Spanned<Duration>>, default: u64| written.as_ref().map_or(default, |time| time.ns);
        // As in HikariCP's own settings, zero switches a timeout off.
        let unless_zero = |time_ns: u64| Some(time_ns).filter(|time_ns| *time_ns > 0);
        Rules {
            most: self.most(),
            reserve: 0,
            reserve_after_ns: 0,
            least: Least::Idle(self.least()),
            wait_timeout_ns: Some(or(&self.connection_timeout, CONNECTION_TIMEOUT_NS)),
            idle_timeout_ns: unless_zero(or(&self.idle_timeout, IDLE_TIMEOUT_NS)),
            lifetime_ns: unless_zero(or(&self.max_lifetime, MAX_LIFETIME_NS)),
            lifetime_spread: LIFETIME_SPREAD,
            opening_at_once: u32::MAX,
            pauses_ns: (FIRST_PAUSE_NS, LONGEST_PAUSE_NS),
            fails_without_any: false,
        }
    }

    /// Mistakes that the pool alone shows.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if let Some(size) = self.max_size.as_ref().filter(|size| !(1..=60_000).contains(&size.value)) {
            let message = "a pool has between 1 and 60,000 connections";
            found.push(Mistake::new(size.span, message, "write for example 10"));
        }
        if let Some(idle) = self.min_idle.as_ref().filter(|idle| idle.value > self.most()) {
            let message = format!("a pool of {} connections cannot keep {} of them idle", self.most(), idle.value);
            found.push(Mistake::new(idle.span, message, "write at most max_size, which is 10 if left out"));
        }
        if let Some(timeout) = self.connection_timeout.as_ref().filter(|timeout| timeout.ns == 0) {
            let message = "with a timeout of zero nobody ever waits for a connection";
            found.push(Mistake::new(timeout.span, message, "write for example \"30s\""));
        }
        found.extend(self.max_lifetime.as_ref().and_then(lifetime_mistake));
        found
    }
}

/// Connections that are closed as soon as they are opened keep everybody busy and serve nobody.
pub fn lifetime_mistake(lifetime: &Spanned<Duration>) -> Option<Mistake> {
    let message = "a connection lives for ten milliseconds at least";
    let is_short = (1..SHORTEST_LIFETIME_NS).contains(&lifetime.ns);
    is_short.then(|| Mistake::new(lifetime.span, message, "write for example \"30m\", or \"0s\" for no end"))
}

const SHORTEST_LIFETIME_NS: u64 = 10_000_000;
