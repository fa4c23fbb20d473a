//! Text as somebody wrote it, and places in it.

use std::sync::Arc;

use crate::diagnostic::span::Span;

/// A text as it was written: a file, or an argument of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What messages call it: a path, or `--set`.
    pub name: String,
    pub text: String,
}

/// A range of bytes of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub source: Arc<Source>,
    pub span: Span,
}

/// A line and a column, both counted from one; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// All of a text that is no file.
    pub fn whole(name: impl Into<String>, text: impl Into<String>) -> Self {
        let source = Arc::new(Source { name: name.into(), text: text.into() });
        let span = Span { start: 0, end: source.text.len() };
        Self { source, span }
    }

    /// The text at this place.
    pub fn text(&self) -> &str {
        self.source.text.get(self.span.start..self.span.end).unwrap_or_default()
    }

    /// Where it starts.
    pub fn start(&self) -> Position {
        position(&self.source.text, self.span.start)
    }

    /// Where it ends: the position after the last character.
    pub fn end(&self) -> Position {
        position(&self.source.text, self.span.end)
    }

    /// A part of this place, given by offsets from its start.
    pub fn part(&self, start: usize, end: usize) -> Self {
        let limit = self.span.end;
        let span = Span { start: (self.span.start + start).min(limit), end: (self.span.start + end).min(limit) };
        Self { source: Arc::clone(&self.source), span }
    }
}

/// The line and column of a byte offset; an offset inside a character counts as the character's start.
pub fn position(text: &str, offset: usize) -> Position {
    let before = &text[..floor_char_boundary(text, offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: 1 + before.bytes().filter(|byte| *byte == b'\n').count(),
        column: 1 + before[line_start..].chars().count(),
    }
}

/// The byte offset of a line and column, the end of the text if there is no such place.
pub fn offset(text: &str, position: Position) -> usize {
    let mut start = 0;
    for _ in 1..position.line {
        match text[start..].find('\n') {
            Some(newline) => start += newline + 1,
            None => return text.len(),
        }
    }
    text[start..].char_indices().nth(position.column.saturating_sub(1)).map_or(text.len(), |(at, _)| start + at)
}

/// The largest character boundary that is not after the offset.
pub fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_both_directions_agree() {
        let text = "a: \"é\",\nβ: 2";
        for (offset_of, _) in text.char_indices() {
            assert_eq!(offset(text, position(text, offset_of)), offset_of);
        }
        assert_eq!(position(text, text.find('2').unwrap_or(0)), Position { line: 2, column: 4 });
        assert_eq!(offset(text, Position { line: 9, column: 9 }), text.len());
    }
}
