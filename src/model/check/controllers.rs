//! Controllers: whom they may control, and that no two decide the same.

use std::collections::BTreeMap;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::model::check::Subject;
use crate::model::check::directory::Directory;
use crate::model::check::references::{place_of, unknown_node};
use crate::techniques::technique::{ControllerSpec, LinkSpec, Reference, Spec};

/// The only technique whose replicas come and go.
const SCALABLE: &str = "Service";

/// All rules of this file.
pub fn check<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    names(subject, diagnostics);
    let directory = Directory::of(subject);
    // Who decides how many replicas a service has, and who finds machines for them.
    let mut deciders = BTreeMap::new();
    for (controller, spec) in &subject.architecture.controllers {
        for target in spec.targets() {
            if diagnostics.is_full() {
                return;
            }
            if subject.unread.contains(target.as_str()) {
                continue;
            }
            let services: Vec<&str> =
                directory.iter().filter(|offer| offer.kind == SCALABLE).map(|offer| offer.name).collect();
            let place = place_of(subject, target, target);
            let Some(offer) = directory.get(target) else {
                diagnostics.push(unknown_node(place, target, &services));
                continue;
            };
            if !offer.kind.is_empty() && offer.kind != SCALABLE {
                let title = format!("`{target}` is a {}, whose replicas do not come and go", offer.kind);
                let help = format!("only a Service is scaled: {}", services.join(", "));
                diagnostics.push(Diagnostic::error("not-scalable", place, title).help(help));
                continue;
            }
            let role = match (spec.most_replicas(), spec.is_scheduler()) {
                (Some(_), _) => "decides how many replicas",
                (None, true) => "finds machines for the replicas",
                (None, false) => continue,
            };
            if let Some(other) = deciders.insert((role, target.value.clone()), controller.value.clone()) {
                let title = format!("`{other}` already {role} `{target}` has");
                let title = if spec.is_scheduler() { format!("`{other}` already {role} of `{target}`") } else { title };
                let help = "leave one of them out; several metrics belong into one controller";
                diagnostics.push(Diagnostic::error("two-controllers", place, title).help(help));
            }
        }
        for reference in spec.references() {
            let (Reference::Any(name) | Reference::Target(name)) = reference else { continue };
            if directory.get(name).is_none() && !subject.unread.contains(name.as_str()) {
                let known: Vec<&str> = directory.iter().map(|offer| offer.name).collect();
                diagnostics.push(unknown_node(place_of(subject, name, name), name, &known));
            }
        }
    }
}

/// Results tell nodes and controllers by name.
fn names<N: Spec, L: LinkSpec, K, C: ControllerSpec>(subject: &Subject<'_, N, L, K, C>, diagnostics: &mut Diagnostics) {
    for name in subject.architecture.controllers.keys() {
        if subject.architecture.nodes.contains_key(name.as_str()) {
            let title = format!("a node is named `{name}` too");
            let help = format!("write for example \"{name}-autoscaler\"");
            diagnostics.push(Diagnostic::error("ambiguous-name", subject.place(name.span), title).help(help));
        }
    }
}
