//! Text to a checked architecture.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::diagnostic::diagnostic::Diagnostics;
use crate::diagnostic::document::Document;
use crate::diagnostic::outline::outline;
use crate::diagnostic::parse::parse_partly;
use crate::diagnostic::span::Span;
use crate::model::architecture::Architecture;
use crate::model::check::{Subject, check, instances};
use crate::model::path::key_name;
use crate::techniques::technique::{ControllerSpec, KeySpec, LinkSpec, Spec};

/// Reads and checks a model, and reports every mistake and every doubt. None if there is any mistake.
///
/// A part that cannot be read does not keep the rest from being checked; names that only the unreadable part would
/// explain are not complained about.
pub fn read<N, L, K, C>(document: &Document, diagnostics: &mut Diagnostics) -> Option<Architecture<N, L, K, C>>
where
    N: Spec + DeserializeOwned,
    L: LinkSpec + DeserializeOwned,
    K: KeySpec + DeserializeOwned,
    C: ControllerSpec + DeserializeOwned,
{
    // What was found in other documents must not keep rules from being checked in this one.
    let mut found = Diagnostics::new();
    let mut reading = parse_partly::<Architecture<N, L, K, C>>(document, &mut found);
    if let Some(architecture) = &mut reading.value {
        instances::resolve(architecture);
        let unread = unread_names(document, &reading.skipped);
        check(&Subject { document, architecture, unread: &unread }, &mut found);
    }
    let is_right = !found.has_errors();
    diagnostics.extend(found);
    reading.value.filter(|_| is_right)
}

/// Names of nodes and key spaces of which at least a part could not be read.
pub(super) fn unread_names(document: &Document, skipped: &[Span]) -> BTreeSet<String> {
    let Ok(outline) = outline(document.text()) else {
        return BTreeSet::new();
    };
    let mut names = BTreeSet::new();
    for span in skipped {
        let mut next = outline.entry_at(span.start);
        while let Some(entry) = next {
            names.extend(outline.entries[entry].key.map(|key| key_name(&document.text()[key.start..key.end])));
            next = outline.parent(entry);
        }
    }
    names
}
