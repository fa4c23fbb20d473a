//! Connections that are kept open: who may keep them to whom, and arithmetic that shows before any simulation that there are too
//! few.

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::names;
use crate::diagnostic::span::Spanned;
use crate::model::architecture::link_ends;
use crate::model::check::Subject;
use crate::model::check::capacity::{at_most, opened};
use crate::model::check::graph::Graph;
use crate::model::check::references::{place_of, unknown_node};
use crate::techniques::parts::pool::PoolView;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Reference, Spec};

/// What cannot be: connections to nodes that accept none, transactions that a pooler refuses, pools of pools.
pub fn mistakes<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let nodes = &subject.architecture.nodes;
    for (_, node) in nodes {
        for reference in node.references() {
            if diagnostics.is_full() {
                return;
            }
            if let Reference::Connection(name) = reference
                && let Some(diagnostic) = connection(subject, name, node.connections().pool.is_some())
            {
                diagnostics.push(diagnostic);
            }
        }
    }
    for (name, link) in &subject.architecture.links {
        let Some((from, to)) = link_ends(name) else { continue };
        let (Some(caller), Some(callee)) = (nodes.get(from), nodes.get(to)) else { continue };
        if subject.unread.contains(name.as_str()) || [from, to].iter().any(|end| subject.unread.contains(*end)) {
            continue;
        }
        if let Some(pool) = link.pool() {
            let place = subject.place(pool.span);
            if !callee.connections().are_accepted {
                let title = format!("`{to}` ({}) accepts no connections that stay open", callee.kind());
                let help = "a pool keeps connections to a Database or a PgBouncer";
                diagnostics.push(Diagnostic::error("no-connections", place, title).help(help));
            } else if caller.connections().pool.is_some() {
                let title = format!("`{from}` ({}) is a pool of connections already", caller.kind());
                diagnostics.push(Diagnostic::error("pool-of-a-pool", place, title).help("leave pool out"));
            }
        } else if link.balances() && callee.connections().are_accepted && is_kept_connected(subject, to) {
            let title = format!("connections to `{to}` stay with their server, whatever a policy chooses");
            let help = "leave out policy: a transaction or a pooler keeps connections to this node";
            diagnostics.push(Diagnostic::error("no-choice", subject.place(name.span), title).help(help));
        }
    }
}

/// Whether anybody holds connections to a node.
pub(super) fn is_kept_connected<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    node: &str,
) -> bool {
    let holds = |reference: &Reference<'_>| matches!(reference, Reference::Connection(name) if name.as_str() == node);
    let mut links = subject.architecture.links.iter();
    links.any(|(name, link)| link.pool().is_some() && link_ends(name).is_some_and(|(_, to)| to == node))
        || subject.architecture.nodes.values().any(|node| node.references().iter().any(holds))
}

/// A node that connections are held to, by a pooler or a transaction.
fn connection<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    name: &Spanned<String>,
    is_pooler: bool,
) -> Option<Diagnostic> {
    if subject.unread.contains(name.as_str()) {
        return None;
    }
    let nodes = &subject.architecture.nodes;
    let known: Vec<&str> =
        nodes.iter().filter(|(_, node)| node.connections().are_accepted).map(|(name, _)| name.as_str()).collect();
    let place = place_of(subject, name, name);
    let Some(node) = nodes.get(name.as_str()) else { return Some(unknown_node(place, name, &known)) };
    if !node.connections().are_accepted {
        let title = format!("`{name}` ({}) accepts no connections that stay open", node.kind());
        let help = match known.is_empty() {
            true => "there is neither a Database nor a PgBouncer".to_owned(),
            false => format!("nodes that do: {}", names::list(known)),
        };
        return Some(Diagnostic::error("no-connections", place, title).help(help));
    }
    if is_pooler || !node.connections().refuse_transactions {
        return None;
    }
    let title = format!("`{name}` refuses transactions of several statements");
    let help = "in statement mode each statement has a connection for itself: write pool_mode: Transaction, or leave out Transaction";
    Some(Diagnostic::error("transaction-refused", place, title).help(help))
}

/// What is doubtful: sessions that take all server connections, and transactions that wait for each other.
pub fn doubts<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    sessions(subject, graph, diagnostics);
    nesting(subject, graph, diagnostics);
}

/// Poolers whose clients keep more connections open than sessions can have a server connection.
fn sessions<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    for (to, (name, node)) in subject.architecture.nodes.iter().enumerate() {
        let Some(PoolView { most, is_for_sessions: true, span, .. }) = node.connections().pool else { continue };
        let pooled = graph.links.iter().filter(|((_, callee), _)| *callee == to);
        let mut pooled: Vec<(usize, u64)> = pooled
            .filter_map(|((from, _), position)| {
                let (_, link) = subject.architecture.links.get_index(*position)?;
                link.pool()?;
                Some((*from, opened(subject, graph, *from, to, None)?.0))
            })
            .collect();
        pooled.sort_unstable();
        let total = pooled.iter().map(|(_, count)| *count).fold(0, u64::saturating_add);
        if total <= most {
            continue;
        }
        let title = format!("`{name}` has {most} server connections, but its clients may keep {total} sessions");
        let place = subject.place(if span == Default::default() { name.span } else { span });
        let mut diagnostic = Diagnostic::warning("sessions-without-a-server", place, title)
            .label("a session keeps its server connection until it ends")
            .help("write pool_mode: Transaction, or let the clients' pools be smaller");
        for (from, count) in pooled.iter().take(5) {
            if let Some((caller, _)) = subject.architecture.nodes.get_index(*from) {
                diagnostic = diagnostic.also(subject.place(caller.span), format!("may keep {count} sessions"));
            }
        }
        diagnostics.push(diagnostic);
    }
}

/// Transactions that need several connections of one pool at once: if as many begin as the pool has connections, each waits
/// for the others. `Tn (Cm - 1) + 1` connections are enough for `Tn` workers that need `Cm` each (HikariCP, About Pool Sizing).
fn nesting<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    for (from, (caller, node)) in subject.architecture.nodes.iter().enumerate() {
        for (name, at_once) in node.connections().at_once {
            let Some(to) = graph.directory.index(name) else { continue };
            let link =
                graph.links.get(&(from, to)).and_then(|position| subject.architecture.links.get_index(*position));
            let of_link = link.and_then(|(_, link)| link.pool());
            let of_node = subject.architecture.nodes.get_index(to).and_then(|(_, callee)| callee.connections().pool);
            let Some(pool) = of_link.or(of_node) else { continue };
            let workers = at_most(subject, caller, &node.value).0.workers;
            let replicas = if of_link.is_some() { u64::from(node.replicas().count.max(1)) } else { 1 };
            let at_work = workers.map(|workers| workers.div_ceil(replicas));
            let needed = at_work.map(|workers| workers.saturating_mul(u64::from(at_once) - 1).saturating_add(1));
            if needed.is_some_and(|needed| pool.most >= needed) {
                continue;
            }
            let title = format!(
                "transactions of `{caller}` need {at_once} connections to `{name}` at once and may wait for each other"
            );
            let enough = match needed {
                Some(needed) => format!("{needed} connections are enough for its workers"),
                None => "however many there are, more requests may begin: limit its workers".to_owned(),
            };
            let diagnostic = Diagnostic::warning("nested-connections", place_of(subject, name, name), title)
                .label("a second connection is asked for while the first is held")
                .also(subject.place(pool.span), format!("a pool of {}", pool.most))
                .help(format!("{enough}; or do it all in one transaction"));
            diagnostics.push(diagnostic);
        }
    }
}
