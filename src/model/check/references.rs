//! Every name must mean something: nodes, their operations, their kind.

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::names;
use crate::diagnostic::source::Place;
use crate::diagnostic::span::{Span, Spanned};
use crate::model::check::Subject;
use crate::model::check::directory::Directory;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Operations, Reference, Spec};

/// Follows every reference of every node.
pub fn check<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let directory = Directory::of(subject);
    for node in subject.architecture.nodes.values() {
        for reference in node.references() {
            // A name costs time to look for; whoever has a hundred mistakes mends these first.
            if diagnostics.is_full() {
                return;
            }
            let diagnostic = match reference {
                Reference::Operation(name) => operation(subject, &directory, name),
                Reference::Message(name) => message(subject, &directory, name),
                Reference::Node { name, kind } => of_kind(subject, &directory, name, kind),
                Reference::Target(name) => target(subject, &directory, name),
                Reference::Connection(_) | Reference::Any(_) | Reference::Key(_) => None,
            };
            if let Some(diagnostic) = diagnostic {
                diagnostics.push(diagnostic);
            }
        }
        if let Operations::SameAs(name) = node.operations()
            && directory.goes_round(name)
        {
            diagnostics.push(goes_round(subject, name));
        }
    }
}

/// `"node.operation"`
fn operation<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    directory: &Directory<'_>,
    name: &Spanned<String>,
) -> Option<Diagnostic> {
    let Some((node, operation)) = directory.split(name) else {
        return Some(no_operation(subject, directory, name));
    };
    if subject.unread.contains(node) {
        return None;
    }
    if directory.get(node).is_none() {
        let known =
            directory.iter().filter(|offer| directory.provider(offer.name).is_some_and(|offer| offer.has(operation)));
        let mut known: Vec<_> = known.map(|offer| offer.name).collect();
        if names::closest(node, known.iter().copied()).is_none() {
            known = directory.iter().map(|offer| offer.name).collect();
        }
        return Some(unknown_node(place_of(subject, name, node), node, &known));
    }
    let provider = directory.provider(node)?;
    if provider.has(operation) || subject.unread.contains(provider.name) {
        return None;
    }
    let place = place_of(subject, name, operation);
    let title = format!("node `{node}` has no operation `{operation}`");
    let diagnostic = Diagnostic::error("unknown-operation", place.clone(), title);
    if provider.operations.is_empty() {
        return Some(
            diagnostic
                .label("it has none")
                .help(format!("{} is not called by operation", described(provider.kind, node))),
        );
    }
    let diagnostic = diagnostic.label("unknown operation").help(names::help(
        operation,
        "it has",
        provider.operations.iter().copied(),
    ));
    Some(suggest(diagnostic, place, operation, &provider.operations))
}

/// `"queue.message"`: an operation of any other node would make the publisher wait until all work is done, which is what
/// publishing is to avoid.
fn message<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    directory: &Directory<'_>,
    name: &Spanned<String>,
) -> Option<Diagnostic> {
    if let Some(diagnostic) = operation(subject, directory, name) {
        return Some(diagnostic);
    }
    let (node, _) = directory.split(name)?;
    let kind = directory.provider(node)?.kind;
    // Of a node that could not be read, nobody knows the kind.
    if kind.is_empty() || kind == "Queue" || subject.unread.contains(node) {
        return None;
    }
    let place = place_of(subject, name, node);
    let title = format!("`{node}` is {}, but only a Queue takes messages", article(kind));
    let help = format!("write `Call(\"{name}\")` to wait for the reply, or publish to a Queue that has it done");
    Some(Diagnostic::error("wrong-kind", place, title).label("no queue").help(help))
}

/// A reference to an operation that has no dot.
fn no_operation<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    directory: &Directory<'_>,
    name: &Spanned<String>,
) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("no-operation", subject.place(name.span), format!("`{name}` names no operation"))
            .label("expected `node.operation`");
    match directory.provider(name).and_then(|provider| provider.operations.first().map(|first| (provider, first))) {
        Some((provider, first)) => diagnostic
            .help(format!("write `{name}.{first}`; it has {}", names::list(provider.operations.iter().copied()))),
        None => diagnostic.help("write the node, a dot, and one of its operations"),
    }
}

/// A node of a certain technique.
fn of_kind<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    directory: &Directory<'_>,
    name: &Spanned<String>,
    kind: &'static str,
) -> Option<Diagnostic> {
    if subject.unread.contains(name.as_str()) {
        return None;
    }
    let alike: Vec<_> =
        directory.iter().filter(|offer| offer.kind.is_empty() || offer.kind == kind).map(|offer| offer.name).collect();
    let place = place_of(subject, name, name);
    match directory.get(name) {
        None => Some(unknown_node(place, name, &alike)),
        Some(offer) if offer.kind.is_empty() || offer.kind == kind => None,
        Some(offer) => {
            let title = format!("`{name}` is {}, but {} is needed here", article(offer.kind), article(kind));
            let known = if alike.is_empty() {
                format!("there is no {kind}")
            } else {
                format!("{kind}: {}", names::list(alike))
            };
            Some(Diagnostic::error("wrong-kind", place, title).help(known))
        }
    }
}

/// A node that has operations, whichever.
fn target<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    directory: &Directory<'_>,
    name: &Spanned<String>,
) -> Option<Diagnostic> {
    if subject.unread.contains(name.as_str()) {
        return None;
    }
    let known = directory.iter().filter(|offer| !offer.operations.is_empty() || offer.passes_to.is_some());
    let known: Vec<_> = known.map(|offer| offer.name).collect();
    let place = place_of(subject, name, name);
    let Some(offer) = directory.get(name) else {
        return Some(unknown_node(place, name, &known));
    };
    if known.contains(&offer.name) {
        return None;
    }
    let title = format!("{} has no operations", described(offer.kind, name));
    Some(Diagnostic::error("wrong-kind", place, title).help(format!("nodes with operations: {}", names::list(known))))
}

/// A node that passes requests on in a circle.
fn goes_round<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    name: &Spanned<String>,
) -> Diagnostic {
    Diagnostic::error(
        "target-cycle",
        subject.place(name.span),
        "requests are passed on in a circle, or by too many nodes in a row",
    )
    .label("never arrives")
    .help("let the last one of a row, of at most 32, name a node that has operations of its own")
}

/// A node that is not there.
pub fn unknown_node(place: Place, name: &str, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error("unknown-node", place.clone(), format!("there is no node `{name}`"))
        .label("unknown node")
        .help(names::help(name, "nodes", known.iter().copied()));
    suggest(diagnostic, place, name, known)
}

fn suggest(diagnostic: Diagnostic, place: Place, name: &str, known: &[&str]) -> Diagnostic {
    // A part of a name is replaced only where the text shows just that part.
    match names::closest(name, known.iter().copied()).filter(|_| place.text() == name) {
        Some(close) => diagnostic.suggest(place, close),
        None => diagnostic,
    }
}

/// Where a part of a written name stands, without quotes; the whole name if escapes hide the part.
pub fn place_of<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    name: &Spanned<String>,
    part: &str,
) -> Place {
    let span = name.span;
    let written = subject.document.text().get(span.start..span.end).unwrap_or_default();
    let at = if name.starts_with(part) { written.find(part) } else { written.rfind(part) };
    match at {
        Some(at) if !part.is_empty() && written.contains(name.as_str()) => {
            subject.place(Span { start: span.start + at, end: span.start + at + part.len() })
        }
        _ => subject.place(span),
    }
}

fn described(kind: &str, name: &str) -> String {
    if kind.is_empty() { format!("`{name}`") } else { format!("`{name}` ({kind})") }
}

/// A kind with its article.
pub fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['A', 'E', 'I', 'O', 'U']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}
