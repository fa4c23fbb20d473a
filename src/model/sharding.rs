//! What sharding makes of a model: copies of the nodes that are sharded, and routers in their place. Nodes that are made of
//! others are compiled in the same way.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::distribution::KeyLaw;
use crate::engine::NodeIndex;
use crate::model::{Compiled, Model};
use crate::techniques::NodeSpec;
use crate::techniques::parts::placement::movement::{Movement, Transfer};
use crate::techniques::shards::{Moving, Route, ShardRouterNode, Shards, Standby};
use crate::techniques::technique::{CacheCommand, CompileError, ControllerSpec, Operations, Spec, Wiring};

/// What a node's copies are called: `postgres/0` and so on.
pub fn shard_name(node: &str, shard: usize) -> String {
    format!("{node}/{shard}")
}

/// How many of this node there are at the start.
pub fn copies(model: &Model, node: &str) -> u32 {
    let parts = || model.nodes.get(node).map_or(0, |spec| spec.parts());
    model.shards.get(node).map_or_else(|| parts().max(1), |shards| shards.total())
}

/// The data of a node that moves to other shards.
pub fn movement(model: &Model, node: &str) -> Option<Movement> {
    let reshards = model.controllers.values().filter_map(|controller| controller.reshards());
    reshards.filter(|resharding| resharding.target.value == node).map(|resharding| resharding.movement).next()
}

/// The shards of a node that are not there all the time, by number: they begin or end with a resharding.
pub fn standby(model: &Model, node: &str) -> Range<u32> {
    let (Some(shards), Some(Movement { to, .. })) = (model.shards.get(node), movement(model, node)) else {
        return 0..0;
    };
    match to.checked_sub(shards.count.value) {
        Some(more) => shards.total()..shards.total() + more,
        None => to..shards.count.value,
    }
}

/// How many nodes one is made of, those that are not always there included.
fn compiled(model: &Model, node: &str) -> u32 {
    copies(model, node).max(standby(model, node).end)
}

/// Whether a node only stands for others that do its work.
pub fn is_divided(model: &Model, name: &str, node: &NodeSpec) -> bool {
    model.shards.contains_key(name) || node.parts() > 0
}

/// The indices of what each divided node is made of, from `first` on.
pub fn indices(model: &Model, first: usize) -> BTreeMap<&str, Vec<NodeIndex>> {
    let mut next = first as u32;
    let mut indices = BTreeMap::new();
    for (name, _) in model.nodes.iter().filter(|(name, spec)| is_divided(model, name, spec)) {
        let end = next + compiled(model, name);
        indices.insert(name.value.as_str(), (next..end).map(NodeIndex).collect());
        next = end;
    }
    indices
}

/// Where the operations of a sharded node go, by index. Those of a cache are the commands that others gave.
fn routes(model: &Model, node: &NodeSpec, shards: &Shards, commands: &[CacheCommand]) -> Vec<Route> {
    let is_cache = matches!(node, NodeSpec::Cache(_));
    let by_key = |space: u16| {
        let law = model.keys.get_index(usize::from(space));
        let shard = shards.shard(law.map_or(1, |(_, law)| KeyLaw::count(law)), is_cache);
        Route::ByKey { space, shard: Box::new(shard) }
    };
    if is_cache {
        return commands.iter().map(|command| by_key(command.space())).collect();
    }
    let key = shards.key.as_ref().and_then(|key| model.keys.get_index_of(key.as_str()));
    let route = |operation: &str| match shards.is_scattered(operation) {
        true => Route::Scatter,
        false => by_key(key.unwrap_or(0) as u16),
    };
    match node.operations() {
        Operations::Named(names) => names.into_iter().map(route).collect(),
        _ => Vec::new(),
    }
}

/// The router of a sharded node.
///
/// # Errors
/// When a law cannot be used after all.
pub fn router(
    model: &Model,
    (name, node): (&str, &NodeSpec),
    shards: &Shards,
    indices: &[NodeIndex],
    wiring: &mut dyn Wiring,
) -> Result<ShardRouterNode, CompileError> {
    let routes = routes(model, node, shards, &wiring.commands());
    let moving = match movement(model, name) {
        Some(movement) => Some(moving(model, (name, node), shards, &movement, wiring)?),
        None => None,
    };
    ShardRouterNode::compile(shards, indices.to_vec(), routes, moving, wiring)
}

fn moving(
    model: &Model,
    (name, node): (&str, &NodeSpec),
    shards: &Shards,
    movement: &Movement,
    wiring: &dyn Wiring,
) -> Result<Moving, CompileError> {
    let law = shards.key.as_ref().and_then(|key| model.keys.get(key.as_str()));
    let keys = law.map_or(1, |law| KeyLaw::count(law));
    let mut after = shards.clone();
    after.count.value = movement.to;
    let transfer =
        Transfer::of(movement, keys, shards.count.value, shards.shard(keys, false), after.shard(keys, false));
    let standby = standby(model, name);
    let is_given_up = movement.to < shards.count.value;
    let before: Vec<u32> = (0..shards.total()).collect();
    let afterwards = match is_given_up {
        true => before.iter().copied().filter(|shard| !standby.contains(shard)).collect(),
        false => (0..standby.end).collect(),
    };
    let of_each = Standby {
        shards: standby.end - standby.start,
        cores: node.capacity().cores.unwrap_or(0.0),
        replicas: node.servers(),
        usd_per_hour: node.prices().usd_per_replica_hour,
        is_given_up,
    };
    let operations = match node.operations() {
        Operations::Named(names) => names.into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Moving::compile(movement, transfer, (before, afterwards), of_each, &operations, wiring)
}

/// The sum over all nodes, each shard of one counting as one.
pub(super) fn of_all(model: &Model, value: impl Fn(&NodeSpec) -> f64) -> f64 {
    model.nodes.iter().map(|(name, spec)| f64::from(copies(model, name)) * value(spec)).sum()
}

/// A cache holds no more entries than there are keys.
pub(super) fn cache_entries(model: &Model) -> u64 {
    let keys = model.keys.values().map(|law| law.count()).fold(0, u64::saturating_add);
    let entries = model.nodes.iter().map(|(name, spec)| match &spec.value {
        NodeSpec::Cache(cache) => {
            let owner = cache.local_to.as_ref().and_then(|service| model.nodes.get(service.as_str()));
            let places = owner.map_or(1, |service| u64::from(service.replicas().count.max(1)));
            let places = places.saturating_mul(copies(model, name).into());
            cache.capacity_entries().min(keys).saturating_mul(places)
        }
        _ => 0,
    });
    entries.fold(0, u64::saturating_add)
}

impl Compiled {
    /// A node and its shards, if it stands for any: all that may be busy, cost or let wait for it.
    pub fn parts(&self, index: usize) -> Vec<usize> {
        std::iter::once(index).chain(self.descriptions[index].shards.iter().copied()).collect()
    }

    /// As [`Self::parts`], without shards that are not always there: the node counts for how long these are.
    pub fn standing_parts(&self, index: usize) -> Vec<usize> {
        let mut parts = self.parts(index);
        parts.retain(|part| *part == index || !self.descriptions[*part].is_standby);
        parts
    }
}
