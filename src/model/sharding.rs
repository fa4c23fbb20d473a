//! What sharding makes of a model: copies of the nodes that are sharded, and routers in their place.

use std::collections::BTreeMap;

use crate::distribution::KeyLaw;
use crate::engine::NodeIndex;
use crate::model::Model;
use crate::techniques::NodeSpec;
use crate::techniques::shards::{Route, Shards};
use crate::techniques::technique::{CacheCommand, Operations, Spec};

/// What a node's copies are called: `postgres/0` and so on.
pub fn shard_name(node: &str, shard: usize) -> String {
    format!("{node}/{shard}")
}

/// How many of this node there are.
pub fn copies(model: &Model, node: &str) -> u32 {
    model.shards.get(node).map_or(1, |shards| shards.total())
}

/// The indices of all shards of each node, from `first` on.
pub fn indices(model: &Model, first: usize) -> BTreeMap<&str, Vec<NodeIndex>> {
    let mut next = first as u32;
    let mut indices = BTreeMap::new();
    for (name, shards) in &model.shards {
        let end = next + shards.total();
        indices.insert(name.value.as_str(), (next..end).map(NodeIndex).collect());
        next = end;
    }
    indices
}

/// Where the operations of a sharded node go, by index. Those of a cache are the commands that others gave.
pub fn routes(model: &Model, node: &NodeSpec, shards: &Shards, commands: &[CacheCommand]) -> Vec<Route> {
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
