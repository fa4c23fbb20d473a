//! Placement: which shard a key belongs to. One algorithm, one file; all are pure functions of the key and the number of
//! shards, and know no engine.
//!
//! | placement | balance | keys that move when a shard is added |
//! |---|---|---|
//! | [`modulo`] | exact | nearly all: `n / (n + 1)` |
//! | [`range`], [`list`] | as written | as written |
//! | [`ring`] with virtual nodes, [`ketama`] | within some percent | `1 / (n + 1)` |
//! | [`jump`] | as good as a hash can | `1 / (n + 1)` |
//! | [`maglev`] | within the table's size | a little more than `1 / (n + 1)` |
//! | [`rendezvous`] | as good as a hash can | `1 / (n + 1)` |
//! | [`redis_cluster`] | exact in slots | those of the slots that are moved |
//! | [`kafka`] | as good as a hash can | nearly all |

pub mod ids;
pub mod jump;
pub mod kafka;
pub mod ketama;
pub mod key_name;
pub mod list;
pub mod maglev;
pub mod modulo;
pub mod movement;
pub mod placer;
pub mod popularity;
pub mod range;
pub mod redis_cluster;
pub mod rendezvous;
pub mod ring;

pub use placer::{Placer, Shard};

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::techniques::technique::Mistake;

/// A placement as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Placement {
    /// The id of the key modulo the number of shards.
    Modulo,
    /// Ids from the first number up to, but not including, the second belong to the shard at this place in the list.
    Range(Spanned<Vec<(u64, u64)>>),
    /// These ids belong to the shard at this place in the list, such as the zones of a city.
    List {
        values: Spanned<Vec<Vec<u64>>>,
        /// The shard of all ids that are in no list.
        #[serde(default)]
        default: Option<Spanned<u32>>,
    },
    /// A hash ring with so many points for each shard.
    ConsistentHashing {
        #[serde(default)]
        virtual_nodes: Option<Spanned<u32>>,
    },
    /// The ring that clients of memcached share: 160 points for each shard, by MD5.
    Ketama,
    /// Jump consistent hash.
    Jump,
    /// A lookup table of this size, a prime, in which all shards have about the same number of places.
    Maglev {
        #[serde(default)]
        table_size: Option<Spanned<u32>>,
    },
    /// The shard whose hash with the key is largest.
    Rendezvous,
    /// 16,384 slots by CRC16, dealt out to the shards in equal ranges.
    RedisCluster,
    /// Kafka's default partitioner: murmur2 of the key modulo the number of shards.
    Murmur2,
}

/// Points of a shard on the ring.
const DEFAULT_VIRTUAL_NODES: u32 = 128;
const MOST_VIRTUAL_NODES: u32 = 10_000;
/// The smaller of the two sizes that Maglev's authors use.
const DEFAULT_TABLE_SIZE: u32 = 65_537;
const LARGEST_TABLE: u32 = 1_000_003;

impl Placement {
    /// The placer over this many shards.
    pub fn placer(&self, shards: u32) -> Placer {
        match self {
            Self::Modulo => Placer::Modulo { shards },
            Self::Range(ranges) => Placer::Range(range::Ranges::of(ranges)),
            Self::List { values, default } => {
                Placer::List(list::Lists::of(values, default.as_ref().map(|default| default.value)))
            }
            Self::ConsistentHashing { virtual_nodes } => {
                let points = virtual_nodes.as_ref().map_or(DEFAULT_VIRTUAL_NODES, |points| points.value);
                Placer::Ring(ring::Ring::of(0..shards, points))
            }
            Self::Ketama => Placer::Ketama(ketama::Continuum::of((0..shards).map(|shard| format!("shard-{shard}:0")))),
            Self::Jump => Placer::Jump { shards },
            Self::Maglev { table_size } => {
                let size = table_size.as_ref().map_or(DEFAULT_TABLE_SIZE, |size| size.value);
                Placer::Maglev(maglev::lookup_table(shards, size).into())
            }
            Self::Rendezvous => Placer::Rendezvous { shards },
            Self::RedisCluster => Placer::RedisCluster { shards },
            Self::Murmur2 => Placer::Murmur2 { shards },
        }
    }

    /// How many shards the placement itself names, if it does, and where.
    pub fn names_shards(&self) -> Option<(u32, Span)> {
        match self {
            Self::Range(ranges) => Some((ranges.len() as u32, ranges.span)),
            Self::List { values, .. } => Some((values.len() as u32, values.span)),
            _ => None,
        }
    }

    /// Mistakes that the placement alone shows.
    pub fn mistakes(&self, shards: u32) -> Vec<Mistake> {
        let mut found = Vec::new();
        if let Some((named, span)) = self.names_shards().filter(|(named, _)| *named != shards) {
            let message = format!("the placement names {named} shards, but count is {shards}");
            found.push(Mistake::new(span, message, "give each shard one entry, in the order of the shards"));
        }
        match self {
            Self::Range(ranges) => {
                if let Some((from, to)) = ranges.iter().find(|(from, to)| from >= to) {
                    let message = format!("no id lies from {from} up to, but not including, {to}");
                    found.push(Mistake::new(ranges.span, message, "write the smaller number first"));
                } else if let Some((id, first, second)) = range::overlap(ranges) {
                    let message = format!("id {id} belongs to shard {first} and to shard {second}");
                    found.push(Mistake::new(ranges.span, message, "let each range begin where the one before ends"));
                }
            }
            Self::List { values, default } => {
                if let Some((id, first, second)) = list::twice(values) {
                    let message = format!("id {id} belongs to shard {first} and to shard {second}");
                    found.push(Mistake::new(values.span, message, "name each id once"));
                }
                if let Some(default) = default.as_ref().filter(|default| default.value >= shards) {
                    let message = format!("there is no shard {}: they are numbered from 0", default.value);
                    found.push(Mistake::new(default.span, message, format!("write 0 to {}", shards.saturating_sub(1))));
                }
            }
            Self::ConsistentHashing { virtual_nodes: Some(points) }
                if !(1..=MOST_VIRTUAL_NODES).contains(&points.value) =>
            {
                let message = format!("a shard has 1 to {MOST_VIRTUAL_NODES} points on the ring");
                found.push(Mistake::new(points.span, message, "write for example virtual_nodes: 128"));
            }
            Self::Maglev { table_size: Some(size) }
                if !(shards..=LARGEST_TABLE).contains(&size.value) || !maglev::is_prime(size.value) =>
            {
                let message = format!("{} is no prime between the number of shards and {LARGEST_TABLE}", size.value);
                let help = "write 65537, or another prime: only then does every row of the table get its turn";
                found.push(Mistake::new(size.span, message, help));
            }
            _ => {}
        }
        found
    }

    /// Ids below `keys` that belong to no shard: the first and the last of the lowest stretch of them.
    pub fn gap(&self, keys: u64) -> Option<(u64, u64)> {
        match self {
            Self::Range(ranges) => range::gap(ranges, keys),
            Self::List { values, default: None } => list::gap(values, keys),
            _ => None,
        }
    }
}
