//! Controllers: whom they may control, and that no two decide the same.

use std::collections::BTreeMap;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::source::Place;
use crate::diagnostic::span::Spanned;
use crate::model::check::Subject;
use crate::model::check::directory::Directory;
use crate::model::check::references::{place_of, unknown_node};
use crate::techniques::technique::{ControllerSpec, LinkSpec, Reference, Requests, Spec};

/// Of its replicas there may be more or fewer, but nobody updates, moves or resizes them.
const COUNTED: &str = "Database";

const GIBIBYTE: f64 = 1_073_741_824.0;

/// All rules of this file.
pub fn check<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    names(subject, diagnostics);
    in_place(subject, diagnostics);
    crowded(subject, diagnostics);
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
            let scales = |name: &str| subject.architecture.nodes.get(name).is_some_and(|node| node.scales());
            let services: Vec<&str> =
                directory.iter().filter(|offer| scales(offer.name)).map(|offer| offer.name).collect();
            let place = place_of(subject, target, target);
            let is_counted = subject.architecture.nodes.get(target.as_str()).is_some_and(|node| node.kind() == COUNTED);
            if is_counted && scales(target) && spec.most_replicas().is_none() {
                let title =
                    format!("`{}` does to `{target}` what is not done to the replicas of a {COUNTED}", *controller);
                let help = format!("a {COUNTED} has more or fewer replicas, and that is all");
                diagnostics.push(Diagnostic::error("not-scalable", place, title).help(help));
                continue;
            }
            let Some(offer) = directory.get(target) else {
                diagnostics.push(unknown_node(place, target, &services));
                continue;
            };
            if !offer.kind.is_empty() && !scales(target) {
                let title = format!("`{target}` is a {}, whose replicas do not come and go", offer.kind);
                let what = "only a Service is scaled, or a Database with read_replicas";
                let help = format!("{what}: {}", services.join(", "));
                diagnostics.push(Diagnostic::error("not-scalable", place, title).help(help));
                continue;
            }
            if let Some(node) = subject.architecture.nodes.get(target.as_str()) {
                containers(subject, &node.value, &spec.value, target, diagnostics);
            }
            if let Some(node) = subject.architecture.nodes.get(target.as_str()).filter(|_| spec.is_scheduler()) {
                machines(&node.value, &spec.value, target, &place, diagnostics);
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

/// What a controller looks at must be in the replicas.
fn containers<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    node: &N,
    controller: &C,
    target: &str,
    diagnostics: &mut Diagnostics,
) {
    let known: Vec<&str> = std::iter::once(target).chain(node.sidecars()).collect();
    for container in controller.containers().into_iter().filter(|name| !known.contains(&name.as_str())) {
        let title = format!("replicas of `{target}` have no container `{}`", container.value);
        let help = format!("they have {}; others are added under sidecars", known.join(", "));
        let place = place_of(subject, container, container);
        diagnostics.push(Diagnostic::error("unknown-container", place, title).help(help));
    }
}

/// A replica must fit on a machine, and whoever pays for machines does not pay for replicas.
fn machines<N: Spec, C: ControllerSpec>(
    node: &N,
    controller: &C,
    target: &str,
    place: &Place,
    diagnostics: &mut Diagnostics,
) {
    let refused = node.requests().and_then(|requests| Some((requests, controller.refuses(requests)?)));
    if let Some((Requests { cores, memory_bytes }, sizes)) = refused {
        let gibibytes = memory_bytes as f64 / GIBIBYTE;
        let title =
            format!("a replica of `{target}` requests {cores} cores and {gibibytes:.1} GiB: no machine has so much");
        let help = format!("{sizes}; request less, or add larger machines");
        diagnostics.push(Diagnostic::error("fits-no-machine", place.clone(), title).help(help));
    }
    if node.prices().usd_per_replica_hour > 0.0 {
        let title = format!("`{target}` is paid for twice: by replica, and by the machines it stands on");
        let help = "leave the price of the service out, unless it is for something else, such as a licence";
        diagnostics.push(Diagnostic::warning("paid-twice", place.clone(), title).help(help));
    }
}

/// All replicas that are written must find machines.
fn crowded<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    for (name, spec) in &subject.architecture.controllers {
        let Some(room) = spec.room() else { continue };
        let (mut cores, mut bytes) = (0.0, 0u64);
        for node in spec.targets().into_iter().filter_map(|target| subject.architecture.nodes.get(target.as_str())) {
            let (Some(requests), replicas) = (node.requests(), node.replicas().count) else { continue };
            cores += requests.cores * f64::from(replicas);
            bytes = bytes.saturating_add(requests.memory_bytes.saturating_mul(u64::from(replicas)));
        }
        let is_short = cores > room.cores * (1.0 + 1e-9) || bytes > room.memory_bytes;
        if is_short && !spec.targets().iter().any(|target| subject.unread.contains(target.as_str())) {
            let gibibytes = |bytes: u64| bytes as f64 / GIBIBYTE;
            let title = format!(
                "the replicas that are written request {cores} cores and {:.1} GiB: all machines of `{}` have {} and {:.1}",
                gibibytes(bytes),
                **name,
                room.cores,
                gibibytes(room.memory_bytes)
            );
            let help = "some replicas never start: allow more machines (max_nodes), or write fewer replicas";
            diagnostics.push(Diagnostic::warning("too-few-machines", subject.place(name.span), title).help(help));
        }
    }
}

/// A replica that grows where it runs may not fit on its machine any more; who finds machines does not hear of it.
fn in_place<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let controllers = || subject.architecture.controllers.values();
    for spec in controllers() {
        let Some(span) = spec.resizes_in_place() else { continue };
        for target in spec.targets() {
            let is_same = |other: &&Spanned<String>| other.value == target.value;
            if controllers().any(|other| other.is_scheduler() && other.targets().iter().any(is_same)) {
                let title =
                    format!("replicas of `{}` stand on machines, and cannot be resized while they run", target.value);
                let help = "write Recreate: a resize in place that a machine has no room for is not modelled";
                diagnostics.push(Diagnostic::error("in-place-on-machines", subject.place(span), title).help(help));
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
