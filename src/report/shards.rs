//! Shards may be many: tables and charts show what they are together, and the busiest of them. Results hold them all.

use crate::experiment::study::{Node, Point};

/// What nodes are that only stand for others.
const DIVIDED: [&str; 2] = ["Shards", "VectorDatabase"];

/// Whether this node is a shard of another.
pub(super) fn is_shard(point: &Point, node: &Node) -> bool {
    sharded(node)
        .is_some_and(|name| point.nodes.iter().any(|one| DIVIDED.contains(&one.kind.as_str()) && one.name == name))
}

/// The name of the node that this one is a shard of, if its own name is a shard's.
fn sharded(node: &Node) -> Option<&str> {
    let (name, shard) = node.name.rsplit_once('/')?;
    shard.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
}

/// All nodes but those shards that are not the busiest of theirs.
pub(super) fn worth_a_row(point: &Point) -> Vec<&Node> {
    let busy = |node: &Node| node.utilization.map_or(0.0, |share| share.value);
    let is_busier = |one: &Node, other: &Node| busy(one).total_cmp(&busy(other)).is_gt();
    let shards: Vec<&Node> = point.nodes.iter().filter(|node| is_shard(point, node)).collect();
    let is_beaten = |node: &Node| {
        let place = shards.iter().position(|one| one.name == node.name);
        let rivals = shards.iter().enumerate().filter(|(_, one)| sharded(one) == sharded(node));
        place.is_some_and(|own| {
            rivals.into_iter().any(|(at, one)| is_busier(one, node) || (at < own && !is_busier(node, one)))
        })
    };
    point.nodes.iter().filter(|node| !is_beaten(node)).collect()
}
