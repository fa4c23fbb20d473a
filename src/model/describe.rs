//! What results say about the nodes of a model.

use std::collections::BTreeMap;

use crate::engine::NodeIndex;
use crate::model::Model;
use crate::model::sharding::{self, shard_name};
use crate::techniques::NodeSpec;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Prices, Spec};

/// What results say about a node.
#[derive(Clone, Debug)]
pub struct NodeDescription {
    pub name: String,
    /// The technique, for example `Service`.
    pub kind: &'static str,
    pub prices: Prices,
    /// The operations that clients request, by index; empty for all other nodes.
    pub requested: Vec<String>,
    /// Whether the requests it starts run through a course once, so that there is no long run.
    pub is_transient: bool,
    /// Whether no request ever reaches it.
    pub is_controller: bool,
    /// The nodes that this one only stands for: its shards.
    pub shards: Vec<usize>,
    /// Whether it is a shard that is not there all the time; the node that stands for it counts for how long it is.
    pub is_standby: bool,
}

/// Every node in the order of its index: those that are written, links, controllers, shards.
pub(super) fn describe<'a>(
    model: &Model,
    links: impl Iterator<Item = &'a String>,
    sharded: &BTreeMap<&str, Vec<NodeIndex>>,
) -> Vec<NodeDescription> {
    let written = |name: String, spec: &NodeSpec| NodeDescription {
        name,
        kind: spec.kind(),
        prices: spec.prices(),
        requested: match spec {
            NodeSpec::Clients(clients) => clients.requested().map(str::to_owned).collect(),
            _ => Vec::new(),
        },
        is_transient: spec.is_transient(),
        is_controller: false,
        shards: Vec::new(),
        is_standby: false,
    };
    let nodes = model.nodes.iter().map(|(name, spec)| match sharded.get(name.as_str()) {
        None => written(name.value.clone(), spec),
        Some(shards) => NodeDescription {
            kind: if spec.parts() > 0 { spec.kind() } else { "Shards" },
            prices: Prices::default(),
            shards: shards.iter().map(|index| index.0 as usize).collect(),
            ..written(name.value.clone(), spec)
        },
    });
    let shards = model.nodes.iter().flat_map(|(name, spec)| {
        let count = sharded.get(name.as_str()).map_or(0, Vec::len);
        let standby = sharding::standby(model, name);
        (0..count).map(move |shard| {
            let whole = written(shard_name(name, shard), spec);
            let is_standby = standby.contains(&(shard as u32));
            // The router tells for how long it is paid for.
            let usd_per_replica_hour = if is_standby { 0.0 } else { whole.prices.usd_per_replica_hour };
            NodeDescription { is_standby, prices: Prices { usd_per_replica_hour, ..whole.prices }, ..whole }
        })
    });
    let links = links.filter_map(|name| {
        let (_, name, link) = model.links.get_full(name.as_str())?;
        let prices = LinkSpec::prices(&link.value);
        Some(NodeDescription {
            name: name.value.clone(),
            kind: "Link",
            prices,
            requested: Vec::new(),
            is_transient: false,
            is_controller: false,
            shards: Vec::new(),
            is_standby: false,
        })
    });
    let controllers = model.controllers.iter().map(|(name, controller)| NodeDescription {
        name: name.value.clone(),
        kind: controller.kind(),
        prices: controller.prices(),
        requested: Vec::new(),
        is_transient: controller.is_transient(),
        is_controller: true,
        shards: Vec::new(),
        is_standby: false,
    });
    nodes.chain(links).chain(controllers).chain(shards).collect()
}
