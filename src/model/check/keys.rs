//! Key spaces: those that are used must be there, those that are there should be used.

use std::collections::HashSet;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::names;
use crate::model::check::Subject;
use crate::model::check::references::place_of;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Reference, Spec};

/// The code of the doubt about a key space that nobody draws from.
pub const UNUSED: &str = "unused-key";

/// References to key spaces that the architecture does not have.
pub fn unknown<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    if subject.unread.contains("keys") {
        return;
    }
    let keys = &subject.architecture.keys;
    let of_shards = subject.architecture.shards.values().flat_map(|shards| shards.references());
    for reference in subject.architecture.nodes.values().flat_map(|node| node.references()).chain(of_shards) {
        let Reference::Key(name) = reference else {
            continue;
        };
        if keys.contains_key(name.as_str()) || subject.unread.contains(name.as_str()) || diagnostics.is_full() {
            continue;
        }
        let known: Vec<_> = keys.keys().map(|key| key.as_str()).collect();
        let place = place_of(subject, name, name);
        let diagnostic = Diagnostic::error("unknown-key", place.clone(), format!("there is no key space `{name}`"))
            .label("unknown key space");
        let close = names::closest(name, known.iter().copied()).filter(|_| place.text() == name.as_str());
        diagnostics.push(match (close, known.is_empty()) {
            (Some(close), _) => {
                diagnostic.help(names::help(name, "key spaces", known.iter().copied())).suggest(place, close)
            }
            (None, false) => diagnostic.help(names::help(name, "key spaces", known.iter().copied())),
            (None, true) => diagnostic.help(format!(
                "declare it: keys: {{ \"{name}\": Zipf(count: 10_000, exponent: 0.9) }} at the top of the architecture"
            )),
        });
    }
}

/// Key spaces that nobody draws from.
pub fn unused<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let references = subject.architecture.nodes.values().flat_map(|node| node.references());
    let of_shards = subject.architecture.shards.values().flat_map(|shards| shards.references());
    let used: HashSet<&str> = references
        .chain(of_shards)
        .filter_map(|reference| match reference {
            Reference::Key(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    for name in subject.architecture.keys.keys().filter(|name| !used.contains(name.as_str())) {
        let diagnostic =
            Diagnostic::warning(UNUSED, subject.place(name.span), format!("this model does not use the key space `{name}`"))
                .help("remove it, or name it where a cache or a balancer asks for a key; if an experiment does, check both files in one call");
        diagnostics.push(diagnostic);
    }
}
