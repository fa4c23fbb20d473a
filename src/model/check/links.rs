//! Links join two nodes of which the first calls the second.

use std::collections::HashMap;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::model::architecture::link_ends;
use crate::model::check::Subject;
use crate::model::check::graph::Graph;
use crate::model::check::references::{place_of, unknown_node};
use crate::techniques::technique::{ControllerSpec, LinkSpec, Spec};

/// Names of links that are no pair of nodes, or the same pair twice.
pub fn names<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let nodes = &subject.architecture.nodes;
    let mut seen = HashMap::new();
    for name in subject.architecture.links.keys() {
        if diagnostics.is_full() {
            return;
        }
        let Some(ends) = link_ends(name) else {
            let diagnostic =
                Diagnostic::error("invalid-link", subject.place(name.span), format!("`{name}` is no name of a link"))
                    .label("expected `from -> to`")
                    .help("name the node that calls, an arrow, and the node that is called");
            diagnostics.push(diagnostic);
            continue;
        };
        if let Some(first) = seen.insert(ends, name.span) {
            let title = format!("the link `{} -> {}` is given twice", ends.0, ends.1);
            let diagnostic = Diagnostic::error("duplicate-name", subject.place(name.span), title)
                .label("given again here")
                .also(subject.place(first), "first given here");
            diagnostics.push(diagnostic);
        }
        for end in [ends.0, ends.1] {
            if !nodes.contains_key(end) && !subject.unread.contains(end) {
                let known: Vec<_> = nodes.keys().map(|node| node.as_str()).collect();
                diagnostics.push(unknown_node(place_of(subject, name, end), end, &known));
            }
        }
    }
}

/// Links between nodes that do not call each other: they change nothing.
pub fn unused<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    for (ends, position) in &graph.links {
        if graph.neighbors.contains(ends) {
            continue;
        }
        let Some((name, _)) = subject.architecture.links.get_index(*position) else {
            continue;
        };
        let node = |index: usize| graph.directory.iter().nth(index).map_or("", |offer| offer.name);
        let (from, to) = (node(ends.0), node(ends.1));
        let diagnostic =
            Diagnostic::warning("unused-link", subject.place(name.span), format!("`{from}` never calls `{to}`"))
                .label("this link changes nothing");
        let reversed = graph.neighbors.contains(&(ends.1, ends.0));
        diagnostics.push(match reversed {
            true => diagnostic.help(format!("`{to}` calls `{from}`: did you mean `{to} -> {from}`?")),
            false => diagnostic.help("remove the link, or the call that it is for is missing"),
        });
    }
}
