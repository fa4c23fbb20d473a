//! Somebody must start requests, and they should get everywhere.

use std::collections::HashSet;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::span::Span;
use crate::model::check::Subject;
use crate::model::check::graph::Graph;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Role, Spec};

/// An architecture without anybody who starts a request: nothing would happen.
pub fn no_clients<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let nodes = &subject.architecture.nodes;
    // A client may be among the nodes that could not be read.
    if !subject.unread.is_empty() || nodes.values().any(|node| node.role() == Role::Client) {
        return;
    }
    let span = nodes.keys().next().map_or(subject.architecture.name.span, |name| name.span);
    let diagnostic = Diagnostic::error(
        "no-clients",
        subject.place(Span { start: span.start, end: span.end }),
        "nobody starts requests",
    )
    .help("add a node that does, for example \"users\": Clients(...)");
    diagnostics.push(diagnostic);
}

/// Servers that no client's requests reach.
pub fn unreachable<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    let clients = graph.roles.iter().enumerate().filter(|(_, role)| **role == Role::Client);
    let mut to_visit: Vec<usize> = clients.map(|(index, _)| index).collect();
    let mut reached: HashSet<usize> = to_visit.iter().copied().collect();
    while let Some(from) = to_visit.pop() {
        for (_, to) in graph.neighbors.range((from, 0)..=(from, usize::MAX)) {
            if reached.insert(*to) {
                to_visit.push(*to);
            }
        }
    }
    for (index, name) in subject.architecture.nodes.keys().enumerate() {
        if graph.roles[index] == Role::Server && !reached.contains(&index) {
            let title = format!("no request reaches `{name}`");
            let diagnostic = Diagnostic::warning("unreachable", subject.place(name.span), title)
                .help("remove the node, or the call to it is missing");
            diagnostics.push(diagnostic);
        }
    }
}
