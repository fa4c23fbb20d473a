//! The text that is read. Edits may have been made to it, so every byte knows where it was really written.

use std::sync::Arc;

use crate::diagnostic::source::{Place, Source};
use crate::diagnostic::span::Span;

/// A text to read, in pieces that remember their origin.
#[derive(Clone, Debug)]
pub struct Document {
    text: String,
    /// In the order of the text, without gaps, none empty unless the document is.
    pieces: Vec<Piece>,
}

/// A range of the document and where it comes from.
#[derive(Clone, Debug)]
struct Piece {
    span: Span,
    origin: Place,
    /// Whether the bytes are the origin's own. If not, they were made on behalf of the origin as a whole.
    verbatim: bool,
}

/// What to put into a document.
#[derive(Clone, Debug)]
pub struct Insertion {
    pub text: String,
    pub origin: Place,
}

impl Document {
    /// A document as it stands in a file.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::from_place(Place::whole(name, text))
    }

    /// A document that is part of another text.
    pub fn from_place(origin: Place) -> Self {
        let text = origin.text().to_owned();
        let span = Span { start: 0, end: text.len() };
        Self { text, pieces: vec![Piece { span, origin, verbatim: true }] }
    }

    /// The text to read, edits included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name of the file that the document started from.
    pub fn name(&self) -> &str {
        self.pieces.first().map_or("", |piece| &piece.origin.source.name)
    }

    /// Whether anything was put into the text that the document started from.
    pub fn is_edited(&self) -> bool {
        self.pieces.len() > 1
    }

    /// Whether a range was written in the text that the document started from.
    pub fn is_of_first(&self, span: Span) -> bool {
        self.is_of(&self.place(span).source)
    }

    /// Whether the document started from this source.
    pub fn is_of(&self, source: &Arc<Source>) -> bool {
        self.pieces.first().is_some_and(|piece| Arc::ptr_eq(&piece.origin.source, source))
    }

    /// Where a range of the text was written. A range over several origins is cut to the part that starts it.
    pub fn place(&self, span: Span) -> Place {
        let index =
            self.pieces.partition_point(|piece| piece.span.end <= span.start).min(self.pieces.len().saturating_sub(1));
        let Some(first) = self.pieces.get(index) else {
            return Place {
                source: Arc::new(Source { name: String::new(), text: String::new() }),
                span: Span::default(),
            };
        };
        if !first.verbatim {
            return self.made_from(span, &first.origin);
        }
        let start = first.origin_of(span.start);
        let end = self.origin_of_end(span, first).unwrap_or(first.origin.span.end);
        Place { source: Arc::clone(&first.origin.source), span: Span { start, end: end.max(start) } }
    }

    /// The part of `origin` that a made text repeats, such as the last name of an edit's path, or else all of it.
    fn made_from(&self, span: Span, origin: &Place) -> Place {
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        match origin.text().rfind(text) {
            Some(at) if !text.is_empty() => origin.part(at, at + text.len()),
            _ => origin.clone(),
        }
    }

    /// The end of a range in the source that its start belongs to, if it lies there too.
    fn origin_of_end(&self, span: Span, first: &Piece) -> Option<usize> {
        let last = self.pieces.iter().find(|piece| piece.span.touches(span.end) && span.end > piece.span.start)?;
        let same = last.verbatim && last.origin.source == first.origin.source;
        same.then(|| last.origin_of(span.end))
    }

    /// The document with a range of it replaced.
    pub fn replace(&self, span: Span, insertions: &[Insertion]) -> Self {
        let mut edited = Self { text: String::with_capacity(self.text.len()), pieces: Vec::new() };
        edited.append(self, Span { start: 0, end: span.start });
        for insertion in insertions {
            let verbatim = insertion.text == insertion.origin.text();
            edited.push(&insertion.text, insertion.origin.clone(), verbatim);
        }
        edited.append(self, Span { start: span.end, end: self.text.len() });
        edited
    }

    fn append(&mut self, from: &Self, span: Span) {
        for piece in &from.pieces {
            let start = piece.span.start.max(span.start);
            let end = piece.span.end.min(span.end);
            if start < end {
                let mut origin = piece.origin.clone();
                if piece.verbatim {
                    origin.span = Span { start: piece.origin_of(start), end: piece.origin_of(end) };
                }
                self.push(&from.text[start..end], origin, piece.verbatim);
            }
        }
    }

    fn push(&mut self, text: &str, origin: Place, verbatim: bool) {
        if !text.is_empty() {
            let start = self.text.len();
            self.text.push_str(text);
            self.pieces.push(Piece { span: Span { start, end: self.text.len() }, origin, verbatim });
        }
    }
}

impl Piece {
    fn origin_of(&self, offset: usize) -> usize {
        (self.origin.span.start + offset.saturating_sub(self.span.start)).min(self.origin.span.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(document: &Document, needle: &str) -> Span {
        let start = document.text().find(needle).expect("the text is there");
        Span { start, end: start + needle.len() }
    }

    #[test]
    fn spans_of_edited_text_lead_back_to_where_it_was_written() {
        let document = Document::new("shop.ron", "(cores: 4, memory: 2)");
        let argument = Place::whole("--set", "cores=16");
        let edited =
            document.replace(find(&document, "4"), &[Insertion { text: "16".into(), origin: argument.part(6, 8) }]);
        assert_eq!(edited.text(), "(cores: 16, memory: 2)");
        let value = edited.place(find(&edited, "16"));
        assert_eq!((value.source.name.as_str(), value.text()), ("--set", "16"));
        let after = edited.place(find(&edited, "memory"));
        assert_eq!((after.source.name.as_str(), after.text()), ("shop.ron", "memory"));
        let across = edited.place(Span { start: 0, end: edited.text().len() });
        assert_eq!((across.source.name.as_str(), across.text()), ("shop.ron", "(cores: 4, memory: 2)"));
    }

    #[test]
    fn made_text_leads_to_the_part_of_its_origin_that_it_repeats() {
        let document = Document::new("a.ron", "()");
        let origin = Place::whole("--set", "a=1");
        let edited = document.replace(Span { start: 1, end: 1 }, &[Insertion { text: "a: 1".into(), origin }]);
        assert_eq!(edited.place(find(&edited, "1")).text(), "1");
        assert_eq!(edited.place(find(&edited, "a: 1")).text(), "a=1");
    }
}
