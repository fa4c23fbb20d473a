//! Shards: a node divided by key into several, behind a router that takes its name.
//!
//! # How it works
//!
//! ```text
//! arrive:  take `routing_time`; draw the request's key, look up its shard, call the same operation there
//! scatter: call the operation on all shards at once; when the slowest has answered, take `merge` and reply
//! ```
//!
//! They stand under `shards`, by the name of a Database, a Service or a Cache, of which each shard is a whole one:
//! `postgres/0`, `postgres/1` and so on. Each draws what the node would draw, so one shard is no shard. A cache is sharded by
//! the key of each command, as Redis Cluster is. Keys of rank below `ranks_below` go to the dedicated shards, which come on
//! top of `count`, in turn; all others are placed.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `count` | shards | | of the placement; dedicated ones come on top |
//! | `key` | key space | | by which requests are placed; a cache needs none |
//! | `placement` | | `ConsistentHashing`, of a cache `RedisCluster` | see [`Placement`] |
//! | `ids` | | `ByPopularity` | what a key's id tells of its rank: `Shuffled` tells nothing |
//! | `key_name` | | `"*"` | what is hashed where names are: the star is the id |
//! | `dedicated` | | none | shards of heavy keys alone |
//! | `scatter` | operations | none | that go to all shards |
//! | `routing_time` | time | 0 | added to each request |
//! | `merge` | time | 0 | added to each scattered request after the last answer |
//!
//! # When it helps, when it hurts
//!
//! Writes scale with the number of shards, which replicas cannot do, as long as no key is so popular that its shard is hot: no
//! number of shards divides a key. What must look at all shards waits for the slowest and loads all of them, so it
//! gains nothing from more of them. Modulo moves nearly all keys when the number changes, a ring one in `n + 1`.
//!
//! # Law
//!
//! The load of a shard is the sum of its keys' popularities. Poisson arrivals stay Poisson at each shard, so `n` equal shards
//! of one server each are `n` M/M/1 queues. The slowest of `n` independent exponential answers takes `1 + 1/2 + ... + 1/n`
//! means.

mod moving;
mod resolve;
mod router;

pub use moving::{Moving, Standby};
pub use router::{Route, ShardRouterNode};

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::techniques::parts::placement::Placement;
use crate::techniques::parts::placement::ids::Ids;

/// How a node is sharded, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shards {
    pub count: Spanned<u32>,
    #[serde(default)]
    pub key: Option<Spanned<String>>,
    #[serde(default)]
    pub placement: Option<Spanned<Placement>>,
    #[serde(default)]
    pub ids: Ids,
    #[serde(default)]
    pub key_name: Option<Spanned<String>>,
    #[serde(default)]
    pub dedicated: Option<Spanned<Dedicated>>,
    #[serde(default)]
    pub scatter: Vec<Spanned<String>>,
    #[serde(default)]
    pub routing_time: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub merge: Option<Spanned<Distribution>>,
}

/// Shards that heavy keys have to themselves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dedicated {
    /// Keys of rank below this are heavy.
    pub ranks_below: u64,
    pub shards: u32,
}

/// Shards that one node may have.
pub const MOST_SHARDS: u32 = 1_000;
