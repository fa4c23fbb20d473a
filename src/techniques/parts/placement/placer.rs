//! A placement ready to use, and with it the dedicated shards of heavy keys.

use std::sync::Arc;

use crate::random::mix;
use crate::techniques::parts::placement::ids::Shuffle;
use crate::techniques::parts::placement::ketama::Continuum;
use crate::techniques::parts::placement::key_name::KeyName;
use crate::techniques::parts::placement::list::Lists;
use crate::techniques::parts::placement::range::Ranges;
use crate::techniques::parts::placement::ring::Ring;
use crate::techniques::parts::placement::{jump, kafka, modulo, redis_cluster, rendezvous};

/// One of the algorithms, over a number of shards.
#[derive(Clone, Debug)]
pub enum Placer {
    Modulo {
        shards: u32,
    },
    Range(Ranges),
    List(Lists),
    Ring(Ring),
    Ketama(Continuum),
    Jump {
        shards: u32,
    },
    Maglev(Arc<[u32]>),
    Rendezvous {
        shards: u32,
    },
    RedisCluster {
        shards: u32,
    },
    /// The owner of each slot of Redis Cluster, where these are not dealt out in equal ranges.
    Slots(Arc<[u16]>),
    Murmur2 {
        shards: u32,
    },
}

impl Placer {
    /// The shard of the key with this id, if it has one. `name` is memory for the names of keys.
    #[inline]
    pub fn shard(&self, id: u64, key_name: &KeyName, name: &mut Vec<u8>) -> Option<u32> {
        if matches!(self, Self::Ketama(_) | Self::RedisCluster { .. } | Self::Slots(_) | Self::Murmur2 { .. }) {
            key_name.write(id, name);
        }
        Some(match self {
            Self::Modulo { shards } => modulo::shard(id, *shards),
            Self::Range(ranges) => return ranges.shard(id),
            Self::List(lists) => return lists.shard(id),
            Self::Ring(ring) => ring.position(mix(id)),
            Self::Ketama(continuum) => continuum.position(name),
            Self::Jump { shards } => jump::shard(mix(id), *shards),
            Self::Maglev(table) => table[(mix(id) % table.len().max(1) as u64) as usize],
            Self::Rendezvous { shards } => rendezvous::shard(mix(id), *shards),
            Self::RedisCluster { shards } => redis_cluster::owner(redis_cluster::slot(name), *shards),
            Self::Slots(owners) => owners[usize::from(redis_cluster::slot(name))].into(),
            Self::Murmur2 { shards } => kafka::partition(name, *shards),
        })
    }
}

/// The way from the rank of a key to its shard.
#[derive(Clone, Debug)]
pub struct Shard {
    pub shuffle: Option<Shuffle>,
    pub key_name: KeyName,
    pub placer: Placer,
    /// Keys of rank below the first number have the shards from the second on to themselves; the third is how many.
    pub dedicated: Option<(u64, u32, u32)>,
}

impl Shard {
    /// The shard of the key with this rank: a directory names the shards of heavy keys, the placement those of the others.
    #[inline]
    pub fn of(&self, rank: u64, name: &mut Vec<u8>) -> Option<u32> {
        match self.dedicated {
            Some((ranks_below, first, count)) if rank < ranks_below => Some(first + modulo::shard(rank, count)),
            _ => {
                let id = self.shuffle.map_or(rank, |shuffle| shuffle.id(rank));
                self.placer.shard(id, &self.key_name, name)
            }
        }
    }
}
