//! Brackets and entries of a text: what an editor knows when it matches brackets.
//!
//! `ron` reads every value. But it stops at the first mistake, and finding what to skip, or where an edit belongs, must
//! work on text that `ron` refuses. So this file knows strings, comments, brackets, commas and colons, and no more.
//! It uses no recursion, and linear time and memory.

use crate::diagnostic::outline_builder::Builder;
use crate::diagnostic::span::Span;
use crate::diagnostic::token::next_token;

/// Deeper brackets than this are refused: nobody could read them, and parsers recurse on them.
pub const DEEPEST: usize = 64;

/// A pair of brackets, or the whole text.
#[derive(Clone, Debug)]
pub struct Group {
    /// `(`, `[` or `{`; a blank for the whole text.
    pub bracket: char,
    /// From the opening bracket to after the closing one.
    pub span: Span,
    /// The entry that the brackets are part of; none for the whole text.
    pub parent: Option<usize>,
    /// Indices of what the brackets hold, in order.
    pub entries: Vec<usize>,
}

/// What stands between commas.
#[derive(Clone, Debug)]
pub struct Entry {
    /// From the first to the last character that is no blank and no comment.
    pub span: Span,
    /// What stands before the colon.
    pub key: Option<Span>,
    /// What stands after the colon, or all of it. Empty if nothing does.
    pub value: Span,
    /// The group that holds the entry.
    pub group: usize,
    /// After the comma that ends the entry, or the end of the entry if there is none.
    pub end: usize,
    /// Brackets in the value, or in the key.
    pub children: Vec<usize>,
}

/// The structure of a text.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The first is the whole text.
    pub groups: Vec<Group>,
    pub entries: Vec<Entry>,
    /// Entries that another one follows without a comma, in order.
    pub missing_commas: Vec<usize>,
}

/// Why a text has no outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A bracket that nothing closes.
    Unclosed(usize),
    /// A closing bracket without an opening one.
    Unopened(usize),
    /// A closing bracket of another kind than the opening one.
    Mismatched { open: usize, close: usize },
    /// A string or a block comment that does not end.
    Endless { start: usize, comment: bool },
    /// Brackets within brackets within brackets.
    TooDeep(usize),
}

/// Finds brackets, entries, keys and values.
///
/// # Errors
/// When strings, comments or brackets do not end, or brackets are too deep.
pub fn outline(text: &str) -> Result<Outline, Fault> {
    let mut builder = Builder::new(text.len());
    let mut position = 0;
    while let Some((token, span)) = next_token(text, position)? {
        builder.add(token, span)?;
        position = span.end;
    }
    builder.finish()
}

/// The bracket that closes one.
pub fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

impl Outline {
    /// The innermost entry that the offset lies in, or right after.
    pub fn entry_at(&self, offset: usize) -> Option<usize> {
        let mut group = 0;
        let mut found = None;
        loop {
            let entries = &self.groups[group].entries;
            let next = entries.partition_point(|entry| self.entries[*entry].span.end < offset);
            let Some(entry) = entries.get(next).copied().filter(|entry| self.entries[*entry].span.touches(offset))
            else {
                return found;
            };
            found = Some(entry);
            let inside = |child: &&usize| {
                let span = self.groups[**child].span;
                span.start < offset && offset < span.end
            };
            match self.entries[entry].children.iter().find(inside) {
                Some(child) => group = *child,
                None => return found,
            }
        }
    }

    /// The innermost brackets around the offset; the whole text if there are none.
    pub fn group_at(&self, offset: usize) -> usize {
        let Some(entry) = self.entry_at(offset) else {
            return 0;
        };
        let children = &self.entries[entry].children;
        let inside = |child: &&usize| {
            let span = self.groups[**child].span;
            span.start < offset && offset < span.end
        };
        children.iter().find(inside).copied().unwrap_or(self.entries[entry].group)
    }

    /// The group that is the value of an entry: `Service(..)`, `{..}`, `[..]`.
    pub fn value_group(&self, entry: usize) -> Option<usize> {
        let entry = &self.entries[entry];
        entry.children.iter().copied().rfind(|child| entry.value.covers(self.groups[*child].span))
    }

    /// Whether the entries of a group have names: fields or a map, and neither a list nor arguments.
    pub fn has_keys(&self, group: usize) -> bool {
        self.groups[group].entries.iter().any(|entry| self.entries[*entry].key.is_some())
    }

    /// The entry that holds this one.
    pub fn parent(&self, entry: usize) -> Option<usize> {
        self.groups[self.entries[entry].group].parent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keys_and_values_are_found() -> Result<(), Fault> {
        let text = "A( // (\n a: \"x,)\", b: { \"k\": [1, 2,], r#\"q\"\"#: 'c' }, )";
        let outline = outline(text)?;
        let at = |span: Span| &text[span.start..span.end];
        let of = |group: usize| {
            outline.groups[group].entries.iter().map(|entry| at(outline.entries[*entry].span)).collect::<Vec<_>>()
        };
        assert_eq!(of(0), [text]);
        assert_eq!(of(1), ["a: \"x,)\"", "b: { \"k\": [1, 2,], r#\"q\"\"#: 'c' }"]);
        assert_eq!(of(2), ["\"k\": [1, 2,]", "r#\"q\"\"#: 'c'"]);
        assert_eq!(of(3), ["1", "2"]);
        let entry = outline.entry_at(text.find("2,]").unwrap_or(0)).map(|entry| at(outline.entries[entry].span));
        assert_eq!(entry, Some("2"));
        Ok(())
    }

    #[test]
    fn a_forgotten_comma_splits_entries() -> Result<(), Fault> {
        let text = "(a: 1 // one\n b: Foo(c: 2 d: 3) e: 4)";
        let outline = outline(text)?;
        let keys: Vec<_> =
            outline.entries.iter().filter_map(|entry| entry.key).map(|key| &text[key.start..key.end]).collect();
        assert_eq!(keys, ["a", "b", "c", "d", "e"]);
        let after: Vec<_> = outline.missing_commas.iter().map(|entry| &text[..outline.entries[*entry].end]).collect();
        assert_eq!(after, ["(a: 1", "(a: 1 // one\n b: Foo(c: 2", "(a: 1 // one\n b: Foo(c: 2 d: 3)"]);
        Ok(())
    }

    #[test]
    fn faults_say_where() {
        let fault = |text: &str| outline(text).err();
        assert_eq!(fault("a(b[c"), Some(Fault::Unclosed(3)));
        assert_eq!(fault("a)"), Some(Fault::Unopened(1)));
        assert_eq!(fault("(]"), Some(Fault::Mismatched { open: 0, close: 1 }));
        assert_eq!(fault("(\"x)"), Some(Fault::Endless { start: 1, comment: false }));
        assert_eq!(fault("/* /* */"), Some(Fault::Endless { start: 0, comment: true }));
        assert_eq!(fault(&"[".repeat(100_000)), Some(Fault::TooDeep(DEEPEST)));
    }
}
