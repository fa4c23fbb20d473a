//! What results say about nodes, links and controllers.

use crate::model::compile::{Model, NodeDescription, Plan};
use crate::techniques::NodeSpec;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Spec};

/// All that have an index, in its order.
pub(super) fn describe(model: &Model, plan: &Plan<'_>) -> Vec<NodeDescription> {
    let nodes = model.nodes.iter().map(|(name, spec)| NodeDescription {
        name: name.value.clone(),
        kind: spec.kind(),
        prices: spec.prices(),
        requested: match &spec.value {
            NodeSpec::Clients(clients) => clients.requested().map(str::to_owned).collect(),
            _ => Vec::new(),
        },
        is_transient: spec.is_transient(),
        is_controller: false,
    });
    let links = plan.link_names.values().filter_map(|name| {
        let (_, name, link) = model.links.get_full(name.as_str())?;
        let prices = LinkSpec::prices(&link.value);
        Some(NodeDescription {
            name: name.value.clone(),
            kind: "Link",
            prices,
            requested: Vec::new(),
            is_transient: false,
            is_controller: false,
        })
    });
    let controllers = model.controllers.iter().map(|(name, controller)| NodeDescription {
        name: name.value.clone(),
        kind: controller.kind(),
        prices: controller.prices(),
        requested: Vec::new(),
        is_transient: controller.is_transient(),
        is_controller: true,
    });
    nodes.chain(links).chain(controllers).collect()
}
