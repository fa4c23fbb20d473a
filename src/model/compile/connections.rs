//! Who keeps connections to whom, and whose replicas come and go.

use crate::controllers::AnyController;
use crate::engine::NodeIndex;
use crate::model::compile::Plan;
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
        let holds = |reference: Reference<'_>| matches!(reference, Reference::Connection(name) if name.value == node);
        let mut links = self.links.iter().filter(|((_, to), _)| *to == node);
        links.any(|(_, index)| self.has_pool(*index))
            || self.model.nodes.values().any(|spec| spec.references().into_iter().any(holds))
    }

    pub(super) fn has_pool(&self, link: NodeIndex) -> bool {
        self.model.links.get(self.link_names[&link].as_str()).is_some_and(|link| link.pool().is_some())
    }
}
