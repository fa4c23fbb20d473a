//! Rules over a whole architecture. Each is one small function with one code.
//!
//! Names come first. Rules that follow names through the graph run only if every name means something.

pub mod assumptions;
pub mod capacity;
pub mod clients;
pub mod controllers;
pub mod cycles;
pub mod directory;
pub mod faults;
pub mod goals;
pub mod graph;
pub mod instances;
pub mod keys;
pub mod links;
pub mod looks;
pub mod pools;
pub mod reach;
pub mod references;
pub mod retries;
pub mod shards;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub mod toy;

use std::collections::BTreeSet;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::document::Document;
use crate::diagnostic::source::Place;
use crate::diagnostic::span::{Span, Spanned};
use crate::model::architecture::Architecture;
use crate::model::check::graph::Graph;
use crate::techniques::technique::{ControllerSpec, KeySpec, LinkSpec, Mistake, Spec};

/// What the rules look at.
pub struct Subject<'a, N, L, K, C> {
    /// The text the architecture was read from.
    pub document: &'a Document,
    pub architecture: &'a Architecture<N, L, K, C>,
    /// Names of things that were written but could not be read, wholly or in part.
    pub unread: &'a BTreeSet<String>,
}

impl<N: Spec, L: LinkSpec, K, C: ControllerSpec> Subject<'_, N, L, K, C> {
    fn place(&self, span: Span) -> Place {
        self.document.place(span)
    }

    /// The controllers that could be read as a whole, by name.
    fn controllers(&self) -> impl Iterator<Item = (&Spanned<String>, &C)> {
        let all = self.architecture.controllers.iter();
        all.filter(|(name, _)| !self.unread.contains(name.as_str())).map(|(name, one)| (name, &one.value))
    }

    /// Those of them whose target this node is.
    fn controllers_of<'s>(&'s self, node: &'s str) -> impl Iterator<Item = (&'s Spanned<String>, &'s C)> {
        self.controllers().filter(move |(_, one)| one.targets().iter().any(|target| target.as_str() == node))
    }
}

/// Reports everything that is wrong or doubtful about an architecture.
pub fn check<N: Spec, L: LinkSpec, K: KeySpec, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    mistakes(subject, diagnostics);
    references::check(subject, diagnostics);
    pools::mistakes(subject, diagnostics);
    keys::unknown(subject, diagnostics);
    links::names(subject, diagnostics);
    controllers::check(subject, diagnostics);
    faults::check(subject, diagnostics);
    looks::mistakes(subject, diagnostics);
    goals::mistakes(subject, diagnostics);
    instances::check(subject, diagnostics);
    shards::mistakes(subject, diagnostics);
    reach::no_clients(subject, diagnostics);
    clients::names(subject, diagnostics);
    assumptions::check(subject, diagnostics);
    if diagnostics.has_errors() {
        return;
    }
    let graph = Graph::of(subject);
    links::unused(subject, &graph, diagnostics);
    keys::unused(subject, diagnostics);
    looks::doubts(subject, diagnostics);
    goals::doubts(subject, diagnostics);
    reach::unreachable(subject, &graph, diagnostics);
    cycles::check(subject, &graph, diagnostics);
    retries::amplification(subject, &graph, diagnostics);
    if diagnostics.has_errors() {
        return;
    }
    capacity::check(subject, &graph, diagnostics);
    pools::doubts(subject, &graph, diagnostics);
}

/// What nodes, links and key spaces find wrong with themselves.
fn mistakes<N: Spec, L: LinkSpec, K: KeySpec, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let Architecture { nodes, links, keys, controllers, .. } = subject.architecture;
    // What a part that could not be read would have said is not missed.
    let of_nodes = nodes.iter().filter(|(name, _)| !subject.unread.contains(name.as_str()));
    let of_nodes = of_nodes.flat_map(|(name, node)| node.mistakes().into_iter().map(|mistake| (name.span, mistake)));
    let of_links = links.iter().filter(|(name, _)| !subject.unread.contains(name.as_str()));
    let of_links = of_links.flat_map(|(name, link)| link.mistakes().into_iter().map(|mistake| (name.span, mistake)));
    let of_controllers = controllers.iter().filter(|(name, _)| !subject.unread.contains(name.as_str()));
    let of_controllers =
        of_controllers.flat_map(|(name, one)| one.mistakes().into_iter().map(|mistake| (name.span, mistake)));
    for (name, Mistake { span, message, help }) in of_nodes.chain(of_links).chain(of_controllers) {
        // What is missing stands nowhere: the name of what misses it is marked.
        let span = if span == Span::default() { name } else { span };
        report(subject.place(span), message, Some(help), diagnostics);
    }
    for law in keys.values() {
        for mistake in law.mistakes() {
            report(subject.place(law.span), mistake.message, mistake.help, diagnostics);
        }
    }
}

fn report(place: Place, message: String, help: Option<String>, diagnostics: &mut Diagnostics) {
    let mut diagnostic = Diagnostic::error("invalid-value", place, message);
    if let Some(help) = help.filter(|help| !help.is_empty()) {
        diagnostic = diagnostic.help(help);
    }
    diagnostics.push(diagnostic);
}
