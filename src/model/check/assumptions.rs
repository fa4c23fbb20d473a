//! Assumptions are about something that is there, and in ranges that make sense.

use crate::diagnostic::outline::{Outline, outline};
use crate::diagnostic::parse::parse_partly;
use crate::diagnostic::span::Spanned;
use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::model::assumptions::{Resolved, resolve};
use crate::model::check::Subject;
use crate::model::compile::Model;
use crate::model::path::{Target, follow, key_name};
use crate::model::read::unread_names;
use crate::techniques::technique::Spec;

/// More than anybody writes down.
const MOST: usize = 1_000;

/// Follows every assumption.
///
/// Of a model that was edited, what it says itself is only judged as it stands in its file, by [`check_file`]: a variant may
/// take away what an assumption is about, and then leaves nothing to assume.
pub fn check<N: Spec, L, K, C>(subject: &Subject<'_, N, L, K, C>, diagnostics: &mut Diagnostics) {
    let (document, declared) = (subject.document, &subject.architecture.assumptions);
    if declared.is_empty() {
        return;
    }
    if let Some((path, _)) = declared.get_index(MOST) {
        let title = "more than 1,000 assumptions";
        let diagnostic = Diagnostic::error("too-many-assumptions", document.place(path.span), title);
        diagnostics.push(diagnostic.help("laws of times are varied without being named: leave those out"));
        return;
    }
    let Ok(outline) = outline(document.text()) else { return };
    let mut known: Vec<(Resolved, &str)> = Vec::new();
    for (path, assumption) in declared {
        if document.is_edited() && document.is_of_first(path.span) {
            continue;
        }
        match resolve(document, &outline, path, &assumption.value) {
            Ok(resolved) => known.push((resolved, &path.value)),
            // Who has to mend a node has not written what it is about yet.
            Err(_) if is_unread(subject, &outline, path) => {}
            Err(mistake) => diagnostics.push(*mistake),
        }
    }
    known.sort_by_key(|(one, _)| one.assumed.span);
    for (one, _) in &known {
        one.doubt.iter().for_each(|doubt| diagnostics.push(doubt.clone()));
    }
    for pair in known.windows(2) {
        let ((first, outer), (second, inner)) = (&pair[0], &pair[1]);
        if second.assumed.span.start >= first.assumed.span.end {
            continue;
        }
        let title = match first.assumed.span == second.assumed.span {
            true => format!("`{inner}` and `{outer}` are the same"),
            false => format!("`{inner}` lies within `{outer}`, which is varied as a whole"),
        };
        let diagnostic = Diagnostic::error("overlapping-assumptions", second.assumed.origin.clone(), title);
        diagnostics.push(
            diagnostic.also(first.assumed.origin.clone(), "varied here too").help("say it once: leave one of them out"),
        );
    }
}

/// Checks the assumptions of a model as it stands in its file. What else is wrong with it is left to others.
pub fn check_file(document: &Document, diagnostics: &mut Diagnostics) {
    if !document.text().contains("assumptions") {
        return;
    }
    let reading = parse_partly::<Model>(document, &mut Diagnostics::new());
    if let Some(architecture) = &reading.value {
        let unread = unread_names(document, &reading.skipped);
        check(&Subject { document, architecture, unread: &unread }, diagnostics);
    }
}

/// Whether a path leads into something that could not be read.
fn is_unread<N: Spec, L, K, C>(subject: &Subject<'_, N, L, K, C>, outline: &Outline, path: &Spanned<String>) -> bool {
    let text = subject.document.text();
    let Ok(Target::Entry(entry)) = follow(text, outline, &path.value) else { return false };
    let holders = std::iter::successors(Some(entry), |entry| outline.parent(*entry));
    let mut keys = holders.filter_map(|entry| outline.entries[entry].key);
    keys.any(|key| subject.unread.contains(&key_name(&text[key.start..key.end])))
}
