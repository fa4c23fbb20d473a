//! Who keeps connections to whom, and whose replicas come and go.

use std::collections::BTreeSet;

use crate::controllers::AnyController;
use crate::engine::NodeIndex;
use crate::model::architecture::link_ends;
use crate::model::compile::{Model, Plan};
use crate::techniques::parts::pool::Protocol;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Reference, Spec};

impl Plan<'_> {
    /// How a node is spoken to that accepts connections.
    pub(super) fn protocol(&self, node: &str) -> Option<Protocol> {
        let accepts = self.model.nodes.get(node).is_some_and(|spec| spec.connections().are_accepted);
        accepts.then(|| Protocol::new(self.operations(node).len()))
    }

    /// Whether a controller does something to a node's replicas.
    pub(super) fn is_scaled(&self, node: &str) -> bool {
        let disturbs = |controller: &AnyController| controller.disturbs().is_some_and(|it| **it.node == *node);
        let is_disturbed = self.model.controllers.values().any(|controller| disturbs(controller));
        is_disturbed || self.controllers_of(node).next().is_some()
    }

    /// Whether anybody keeps connections to a node between requests.
    pub(super) fn is_kept_connected(&self, node: &str) -> bool {
        self.kept_connected.contains(node)
    }

    pub(super) fn has_pool(&self, link: NodeIndex) -> bool {
        self.model.links.get(self.link_names[&link].as_str()).is_some_and(|link| link.pool().is_some())
    }
}

/// The nodes that others keep connections to: links with a pool, poolers, transactions.
pub(super) fn kept_connected(model: &Model) -> BTreeSet<String> {
    let of_links = model.links.iter().filter(|(_, link)| LinkSpec::pool(&link.value).is_some());
    let of_links = of_links.filter_map(|(name, _)| link_ends(name)).map(|(_, to)| to.to_owned());
    let references = model.nodes.values().flat_map(|spec| spec.references());
    let held = references.filter_map(|reference| match reference {
        Reference::Connection(name) => Some(name.value.clone()),
        _ => None,
    });
    of_links.chain(held).collect()
}
