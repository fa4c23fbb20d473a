//! What the written form means, and what may be wrong with it.

use crate::distribution::KeyLaw;
use crate::techniques::parts::placement::ids::{Ids, Shuffle};
use crate::techniques::parts::placement::key_name::KeyName;
use crate::techniques::parts::placement::popularity;
use crate::techniques::parts::placement::{Placement, Shard};
use crate::techniques::shards::{Dedicated, MOST_SHARDS, Shards};
use crate::techniques::technique::{Mistake, Reference, law_mistakes};

impl Shards {
    /// Shards in all, dedicated ones included.
    pub fn total(&self) -> u32 {
        self.count.value.saturating_add(self.dedicated.as_ref().map_or(0, |dedicated| dedicated.shards))
    }

    /// Whether the operation goes to all shards.
    pub fn is_scattered(&self, operation: &str) -> bool {
        self.scatter.iter().any(|name| name.value == operation)
    }

    /// The way from ranks of a space of so many keys to shards.
    pub fn shard(&self, keys: u64, is_cache: bool) -> Shard {
        let count = self.count.value;
        let placer = match self.placement.as_ref() {
            Some(placement) => placement.placer(count),
            None if is_cache => Placement::RedisCluster.placer(count),
            None => Placement::ConsistentHashing { virtual_nodes: None }.placer(count),
        };
        let key_name = self.key_name.as_ref().and_then(|name| KeyName::of(name));
        Shard {
            shuffle: (self.ids == Ids::Shuffled).then(|| Shuffle::of(keys)),
            key_name: key_name.unwrap_or_default(),
            placer,
            dedicated: self.dedicated.as_ref().map(|dedicated| (dedicated.ranks_below, count, dedicated.shards)),
        }
    }

    /// The share of requests that each shard gets if keys follow this law.
    pub fn shares(&self, law: &KeyLaw) -> Vec<f64> {
        popularity::shares(law, &self.shard(law.count(), false), self.total())
    }

    /// The first and the last key of the lowest stretch of keys that have no shard.
    pub fn gap(&self, keys: u64) -> Option<(u64, u64)> {
        self.placement.as_ref().and_then(|placement| placement.gap(keys))
    }

    /// Every name that the shards refer to but the operations.
    pub fn references(&self) -> Vec<Reference<'_>> {
        self.key.iter().map(Reference::Key).collect()
    }

    /// Mistakes that the shards alone show.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let span = self.count.span;
        if self.count.value == 0 || self.total() > MOST_SHARDS {
            let message = format!("a node has 1 to {MOST_SHARDS} shards, not {}", self.total());
            found.push(Mistake::new(span, message, "write for example count: 8"));
            return found;
        }
        if let Some(placement) = &self.placement {
            let of_placement = placement.mistakes(self.count.value).into_iter();
            found.extend(of_placement.map(|mut mistake| {
                let is_nowhere = mistake.span == Default::default();
                mistake.span = if is_nowhere { placement.span } else { mistake.span };
                mistake
            }));
        }
        if let Some(Dedicated { ranks_below, shards }) = self.dedicated.as_ref().map(|dedicated| &dedicated.value)
            && (*shards == 0 || *ranks_below == 0)
        {
            let span = self.dedicated.as_ref().map(|dedicated| dedicated.span).unwrap_or_default();
            let help = "write for example Dedicated(ranks_below: 200, shards: 4), or leave it out";
            found.push(Mistake::new(span, "dedicated shards need at least one shard and one key", help));
        }
        if let Some(name) = self.key_name.as_ref().filter(|name| KeyName::of(name).is_none()) {
            let message = format!("`{}` must hold one star, which stands for the id", name.value);
            found.push(Mistake::new(name.span, message, "write for example \"user:*\""));
        }
        found.extend([&self.routing_time, &self.merge].into_iter().flatten().flat_map(law_mistakes));
        if let Some(merge) = self.merge.as_ref().filter(|_| self.scatter.is_empty()) {
            let help = "name the operations that go to all shards, such as scatter: [\"report\"], or leave `merge` out";
            found.push(Mistake::new(merge.span, "nothing is merged if nothing is scattered", help));
        }
        found
    }
}
