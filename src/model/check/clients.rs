//! Results tell requests by names: of operations, of those who request them, and of both. Each name must mean one thing.

use std::collections::HashSet;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::model::check::Subject;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Reference, Role, Spec};

/// What results call all requests together.
const ALL: &str = "all";

/// Groups of clients whose names results use for something else. A group that is alone has no name in results.
pub fn names<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let clients = || subject.architecture.nodes.iter().filter(|(_, node)| node.role() == Role::Client);
    if clients().nth(1).is_none() {
        return;
    }
    let requested = clients().flat_map(|(name, node)| {
        let operation = |reference| match reference {
            Reference::Operation(operation) => Some((name.as_str(), operation.as_str())),
            _ => None,
        };
        node.references().into_iter().filter_map(operation).collect::<Vec<_>>()
    });
    let mut taken: HashSet<String> = HashSet::from([ALL.to_owned()]);
    for (group, operation) in requested {
        taken.extend([operation.to_owned(), request_name(group, operation)]);
    }
    for (name, _) in clients().filter(|(name, _)| taken.contains(name.as_str())) {
        let title = format!("results tell other requests by the name `{name}`");
        let diagnostic = Diagnostic::error("ambiguous-name", subject.place(name.span), title)
            .help("name these clients after who they are, such as \"mobile users\"");
        diagnostics.push(diagnostic);
    }
}

/// One operation as one group of clients requests it.
pub fn request_name(clients: &str, operation: &str) -> String {
    format!("{clients}: {operation}")
}
