//! What the nodes of a model have so much of: what a search can give them more of.

use crate::diagnostic::span::Spanned;
use crate::model::Model;
use crate::techniques::NodeSpec;
use crate::techniques::technique::Spec;

/// A field that says how much of something a node has.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub node: String,
    /// For example `replicas`.
    pub field: &'static str,
    pub value: f64,
}

impl Resource {
    /// The path of the field in the model. Dots within a name are no borders.
    pub fn path(&self) -> String {
        format!("nodes.\"{}\".{}", self.node, self.field)
    }
}

/// Every resource, node by node.
pub fn resources(model: &Model) -> Vec<Resource> {
    let resource = |node: &str, (field, value)| Resource { node: node.to_owned(), field, value };
    let of_node = |(name, spec): (&Spanned<String>, &Spanned<NodeSpec>)| -> Vec<Resource> {
        let resources = spec.resources().into_iter();
        resources.map(|one| resource(&name.value, one)).collect()
    };
    model.nodes.iter().flat_map(of_node).collect()
}
