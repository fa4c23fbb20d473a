//! Text to value, with every mistake rather than the first.
//!
//! serde stops at the first mistake. So the entry around it (a field, a list's item) is blanked out, which keeps all
//! offsets, and the text is read again; what is missing only because it was blanked out is not reported.

use serde::de::DeserializeOwned;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::document::Document;
use crate::diagnostic::explain::{self, Context};
use crate::diagnostic::fault;
use crate::diagnostic::names::closest;
use crate::diagnostic::outline::{Outline, outline};
use crate::diagnostic::span::{Failure, Span, read, work};
use crate::diagnostic::token::{Token, next_token};

/// Larger documents are refused, in bytes. An architecture of a thousand services has a hundredth of it.
pub const LARGEST: usize = 4 << 20;

/// A text is read again at most this often,
const RETRIES: usize = 50;
/// and only until this many bytes have been read in all, so that the time is bounded for large texts too.
const WORK: usize = 64 << 20;

/// What could be read of a document.
#[derive(Debug)]
pub struct Reading<T> {
    /// The value, made without the entries that are wrong; none if too little was left to make one.
    pub value: Option<T>,
    /// The entries that were left out, as ranges of the document.
    pub skipped: Vec<Span>,
}

/// Reads a document and reports every mistake in it. None if there is any.
pub fn parse<T: DeserializeOwned>(document: &Document, diagnostics: &mut Diagnostics) -> Option<T> {
    let before = diagnostics.errors();
    let reading = parse_partly(document, diagnostics);
    reading.value.filter(|_| diagnostics.errors() == before)
}

/// Reads as much of a document as is right, so that the sense of the rest can be checked too.
pub fn parse_partly<T: DeserializeOwned>(document: &Document, diagnostics: &mut Diagnostics) -> Reading<T> {
    let text = without_hash_comments(document, diagnostics);
    let outline = match admit(document, &text) {
        Ok(outline) => outline,
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            return Reading { value: None, skipped: Vec::new() };
        }
    };
    let mut attempt = Attempt { document, text, is_skipped: vec![false; outline.entries.len()], outline };
    attempt.add_missing_commas(diagnostics);
    attempt.skip_duplicates(diagnostics);
    let value = attempt.read_until_right(diagnostics);
    Reading { value, skipped: attempt.skipped() }
}

/// The document's text, in which comments that start with `#` are reported and blanked out: their words would else be
/// taken for names and values, and nothing that is said about those would be of use.
fn without_hash_comments(document: &Document, diagnostics: &mut Diagnostics) -> String {
    let mut text = document.text().to_owned();
    let mut at = 0;
    while text.len() <= LARGEST {
        let Ok(Some((token, span))) = next_token(&text, at) else {
            break;
        };
        at = span.end;
        if token == Token::Other && text[span.start..].starts_with('#') && !text[span.start..].starts_with("#!") {
            diagnostics.push(fault::hash_comment(document, span));
            let end = text[span.start..].find('\n').map_or(text.len(), |newline| span.start + newline);
            text.replace_range(span.start..end, &" ".repeat(end - span.start));
        }
    }
    text
}

/// Refuses texts that no attempt could read.
fn admit(document: &Document, text: &str) -> Result<Outline, Box<Diagnostic>> {
    if text.len() > LARGEST {
        return Err(Box::new(fault::too_large(document, LARGEST)));
    }
    let outline = outline(text).map_err(|fault| fault::fault(document, fault))?;
    if outline.entries.is_empty() {
        return Err(Box::new(fault::empty(document)));
    }
    Ok(outline)
}

struct Attempt<'a> {
    document: &'a Document,
    outline: Outline,
    /// The document's text without the entries that are wrong.
    text: String,
    is_skipped: Vec<bool>,
}

impl Attempt<'_> {
    fn read_until_right<T: DeserializeOwned>(&mut self, diagnostics: &mut Diagnostics) -> Option<T> {
        let start = work();
        for _ in 0..=RETRIES {
            let failure = match read(&self.text) {
                Ok(value) => return Some(value),
                Err(failure) => failure,
            };
            let (entry, diagnostic) = self.judge(&failure);
            if let Some(diagnostic) = diagnostic {
                diagnostics.push(diagnostic);
            }
            self.skip(self.removable(entry?)?);
            if work().wrapping_sub(start) > WORK {
                return None;
            }
        }
        None
    }

    /// The entry that a failure belongs to, and what to tell about it unless an earlier message told it.
    fn judge(&self, failure: &Failure) -> (Option<usize>, Option<Diagnostic>) {
        let context = Context { document: self.document, outline: &self.outline, offset: failure.offset };
        if let ron::Error::MissingStructField { field, outer } = &failure.error {
            let group = self.outline.group_at(failure.offset);
            let told = self.outline.groups[group].entries.iter().any(|entry| self.stood_for(*entry, field));
            let diagnostic = (!told).then(|| explain::missing_field(&context, group, field, outer.as_deref()));
            return (self.outline.groups[group].parent, diagnostic);
        }
        let entry = self.outline.entry_at(failure.offset).and_then(|entry| self.kept(entry));
        let maybe_caused = matches!(
            failure.error,
            ron::Error::Message(_)
                | ron::Error::InvalidValueForType { .. }
                | ron::Error::ExpectedDifferentLength { .. }
        );
        let caused = maybe_caused && entry.is_some_and(|entry| self.holds_skipped(entry));
        let diagnostic = (!caused).then(|| explain::failure(&context, entry, &failure.error));
        (entry, diagnostic)
    }

    /// Whether a skipped entry was probably meant to be this field.
    fn stood_for(&self, entry: usize, field: &str) -> bool {
        if !self.is_skipped[entry] {
            return false;
        }
        let entry = &self.outline.entries[entry];
        let written = entry.key.unwrap_or(entry.span);
        let written = &self.document.text()[written.start..written.end];
        // A field that lost its colon is known by its first word.
        let key = written.split(|letter: char| letter.is_whitespace() || letter == '=').next().unwrap_or_default();
        key == field || closest(key, [field]).is_some()
    }

    /// The innermost entry around this one that was not skipped.
    fn kept(&self, mut entry: usize) -> Option<usize> {
        while self.is_skipped[entry] {
            entry = self.outline.parent(entry)?;
        }
        Some(entry)
    }

    fn holds_skipped(&self, entry: usize) -> bool {
        let span = self.outline.entries[entry].span;
        self.skipped().into_iter().any(|skipped| span.covers(skipped))
    }

    /// The innermost entry around this one that can be missing without changing what its neighbours mean: items of
    /// lists, entries of maps, fields (also one that lost its colon). Arguments that are known by position cannot.
    fn removable(&self, mut entry: usize) -> Option<usize> {
        loop {
            let group = self.outline.entries[entry].group;
            let bracket = self.outline.groups[group].bracket;
            if !self.is_skipped[entry]
                && (matches!(bracket, '{' | '[') || (bracket == '(' && self.outline.has_keys(group)))
            {
                return Some(entry);
            }
            entry = self.outline.parent(entry)?;
        }
    }

    fn skip(&mut self, entry: usize) {
        self.is_skipped[entry] = true;
        let entry = &self.outline.entries[entry];
        let span = Span { start: entry.span.start, end: entry.end };
        let blank: String = self.text[span.start..span.end]
            .chars()
            .flat_map(|letter| std::iter::repeat_n(if letter == '\n' { '\n' } else { ' ' }, letter.len_utf8()))
            .collect();
        self.text.replace_range(span.start..span.end, &blank);
    }

    fn skipped(&self) -> Vec<Span> {
        let entries = self.outline.entries.iter().zip(&self.is_skipped);
        entries.filter(|(_, skipped)| **skipped).map(|(entry, _)| entry.span).collect()
    }

    /// Reports forgotten commas and puts them into the blank after the value, or skips the entry if there is no blank.
    fn add_missing_commas(&mut self, diagnostics: &mut Diagnostics) {
        for entry in std::mem::take(&mut self.outline.missing_commas) {
            let at = self.outline.entries[entry].end;
            diagnostics.push(fault::missing_comma(self.document, at));
            if self.text.as_bytes().get(at).is_some_and(u8::is_ascii_whitespace) {
                self.text.replace_range(at..=at, ",");
                self.outline.entries[entry].end = at + 1;
            } else {
                self.skip(entry);
            }
        }
    }

    /// Two entries of one name: the second would silently win.
    fn skip_duplicates(&mut self, diagnostics: &mut Diagnostics) {
        for group in 0..self.outline.groups.len() {
            let mut first = std::collections::HashMap::new();
            for entry in self.outline.groups[group].entries.clone() {
                let Some(key) = self.outline.entries[entry].key else {
                    continue;
                };
                let name = &self.document.text()[key.start..key.end];
                match first.get(name) {
                    Some(earlier) if !name.is_empty() => {
                        diagnostics.push(fault::duplicate(self.document, name, *earlier, key));
                        self.skip(entry);
                    }
                    _ => {
                        first.insert(name.to_owned(), key);
                    }
                }
            }
        }
    }
}
