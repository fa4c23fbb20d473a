//! Instances: a node that names one gets its cores and its price.

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::names;
use crate::model::architecture::Architecture;
use crate::model::check::{Subject, report};
use crate::techniques::technique::{ControllerSpec, LinkSpec, Spec};

/// Lets each node that names an instance of the catalogue have what the instance has.
pub fn resolve<N: Spec, L, K, C>(architecture: &mut Architecture<N, L, K, C>) {
    for node in architecture.nodes.values_mut() {
        let named = node.instance().and_then(|name| Some((name.span, architecture.instances.get(name.as_str())?)));
        if let Some((span, instance)) = named {
            let instance = instance.value.clone();
            node.value.resolve(span, &instance);
        }
    }
}

/// Instances that are not in the catalogue, and entries that make no sense.
pub fn check<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let Architecture { nodes, instances, .. } = subject.architecture;
    for mistake in instances.values().flat_map(|instance| instance.mistakes()) {
        report(subject.place(mistake.span), mistake.message, Some(mistake.help), diagnostics);
    }
    for node in nodes.values() {
        let named = node.instance().and_then(|name| Some((name, instances.get(name.as_str())?.memory?)));
        let (Some((name, memory)), Some((limit, span))) = (named, node.memory_limit()) else { continue };
        if limit.bytes > memory.bytes {
            let title = format!("a replica may use {limit}, and its instance `{name}` has {memory}");
            let help = "write a lower limit, or a larger instance: the machine kills what it has no memory for";
            diagnostics.push(Diagnostic::error("too-little-memory", subject.place(span), title).help(help));
        }
    }
    for name in nodes.values().filter_map(|node| node.instance()) {
        if instances.contains_key(name.as_str()) || subject.unread.contains(name.as_str()) {
            continue;
        }
        let place = subject.place(name.span);
        let help = match instances.is_empty() {
            true => {
                format!("add instances: {{ \"{name}\": Instance(cpu: 4, memory: \"16GiB\", price: \"$0.192/h\") }}")
            }
            false => names::help(name, "instances", instances.keys().map(|name| name.value.as_str())),
        };
        let diagnostic = Diagnostic::error("unknown-instance", place, format!("there is no instance `{name}`"));
        diagnostics.push(diagnostic.help(help));
    }
}
