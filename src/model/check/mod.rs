//! Rules over a whole architecture. Each is one small function with one code.
//!
//! Names come first. Rules that follow names through the graph run only if every name means something.

pub mod capacity;
pub mod cycles;
pub mod directory;
pub mod graph;
pub mod keys;
pub mod links;
pub mod reach;
pub mod references;
pub mod retries;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub mod toy;

use std::collections::BTreeSet;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::document::Document;
use crate::diagnostic::source::Place;
use crate::diagnostic::span::Span;
use crate::model::architecture::Architecture;
use crate::model::check::graph::Graph;
use crate::techniques::technique::{LinkSpec, Mistake, Spec};

/// What the rules look at.
pub struct Subject<'a, N, L, K> {
    /// The text the architecture was read from.
    pub document: &'a Document,
    pub architecture: &'a Architecture<N, L, K>,
    /// Names of things that were written but could not be read, wholly or in part.
    pub unread: &'a BTreeSet<String>,
}

impl<N: Spec, L: LinkSpec, K> Subject<'_, N, L, K> {
    fn place(&self, span: Span) -> Place {
        self.document.place(span)
    }
}

/// Reports everything that is wrong or doubtful about an architecture.
pub fn check<N: Spec, L: LinkSpec, K>(subject: &Subject<'_, N, L, K>, diagnostics: &mut Diagnostics) {
    mistakes(subject, diagnostics);
    references::check(subject, diagnostics);
    keys::unknown(subject, diagnostics);
    links::names(subject, diagnostics);
    reach::no_clients(subject, diagnostics);
    if diagnostics.has_errors() {
        return;
    }
    let graph = Graph::of(subject);
    links::unused(subject, &graph, diagnostics);
    keys::unused(subject, diagnostics);
    reach::unreachable(subject, &graph, diagnostics);
    cycles::check(subject, &graph, diagnostics);
    retries::amplification(subject, &graph, diagnostics);
    if diagnostics.has_errors() {
        return;
    }
    capacity::check(subject, &graph, diagnostics);
}

/// What nodes and links find wrong with themselves.
fn mistakes<N: Spec, L: LinkSpec, K>(subject: &Subject<'_, N, L, K>, diagnostics: &mut Diagnostics) {
    let of_nodes = subject.architecture.nodes.values().flat_map(|node| node.mistakes());
    let of_links = subject.architecture.links.values().flat_map(|link| link.mistakes());
    for Mistake { span, message, help } in of_nodes.chain(of_links) {
        diagnostics.push(Diagnostic::error("invalid-value", subject.place(span), message).help(help));
    }
}
