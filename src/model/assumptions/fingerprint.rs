//! What of a model's text decides its numbers: all but its assumptions.

use std::borrow::Cow;

use crate::diagnostic::outline::outline;
use crate::model::path::{Target, follow};

/// A model's text without the field `assumptions`, as if it had been added at the end of a line and taken away again.
///
/// Points that were studied before somebody wrote assumptions down are then found again.
pub fn without_assumptions(text: &str) -> Cow<'_, str> {
    // Most models have none, and need not be looked through.
    let Some(outline) = text.contains("assumptions").then(|| outline(text).ok()).flatten() else {
        return Cow::Borrowed(text);
    };
    let Ok(Target::Entry(entry)) = follow(text, &outline, "assumptions") else { return Cow::Borrowed(text) };
    let group = &outline.groups[outline.entries[entry].group];
    let before = group.entries.iter().take_while(|one| **one != entry).last();
    let from = before.map_or(group.span.start + 1, |before| outline.entries[*before].end);
    Cow::Owned(format!("{}{}", &text[..from], &text[outline.entries[entry].end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_was_added_leaves_no_trace() {
        for (with, without) in [
            ("A(\n  name: \"a\",\n  assumptions: { \"x\": Guess },\n)", "A(\n  name: \"a\",\n)"),
            ("A(\n  assumptions: {},\n  name: \"a\",\n)", "A(\n  name: \"a\",\n)"),
            ("A(name: \"assumptions\")", "A(name: \"assumptions\")"),
            ("A(nodes: { \"assumptions\": B })", "A(nodes: { \"assumptions\": B })"),
            ("A(", "A("),
        ] {
            assert_eq!(without_assumptions(with), without);
        }
    }
}
