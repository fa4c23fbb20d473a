//! Messages about texts whose brackets, commas and names are wrong before any value is looked at.

use crate::diagnostic::diagnostic::Diagnostic;
use crate::diagnostic::document::Document;
use crate::diagnostic::outline::{DEEPEST, Fault, closing};
use crate::diagnostic::span::Span;
use crate::diagnostic::token::next_token;

/// A text that is too large to be read.
pub fn too_large(document: &Document, limit: usize) -> Diagnostic {
    let mebibytes = limit >> 20;
    Diagnostic::error("too-large", document.place(Span::default()), format!("the text has more than {mebibytes} MiB"))
        .help("split the model, or move traces into files of their own")
}

/// A text without a word.
pub fn empty(document: &Document) -> Diagnostic {
    Diagnostic::error("empty", document.place(Span::default()), "the text is empty")
        .help("an architecture starts with `Architecture(name: ..., nodes: { ... })`")
}

/// Brackets, strings or comments that do not match.
pub fn fault(document: &Document, fault: Fault) -> Diagnostic {
    let text = document.text();
    let letter = |at: usize| text[at..].chars().next().unwrap_or(' ');
    let place = |at: usize| document.place(Span { start: at, end: at + letter(at).len_utf8() });
    match fault {
        Fault::Unclosed(open) => {
            let bracket = letter(open);
            Diagnostic::error("unclosed-bracket", place(open), format!("`{bracket}` is never closed"))
                .label("opened here")
                .help(format!("add the `{}` that belongs to it", closing(bracket)))
        }
        Fault::Unopened(close) => {
            Diagnostic::error("unopened-bracket", place(close), format!("`{}` closes nothing", letter(close)))
                .label("no bracket is open here")
                .help("remove it, or look for a bracket that was closed too early")
        }
        Fault::Mismatched { open, close } => {
            let title = format!("`{}` does not close `{}`", letter(close), letter(open));
            Diagnostic::error("mismatched-bracket", place(close), title)
                .label(format!("expected `{}`", closing(letter(open))))
                .also(place(open), "opened here")
        }
        Fault::Endless { start, comment } => {
            let (what, end) = if comment { ("comment", "*/") } else { ("text", "\"") };
            let diagnostic = Diagnostic::error("endless-text", place(start), format!("this {what} never ends"))
                .label("starts here")
                .help(format!("close it with `{end}`"));
            match first_long_text(text) {
                Some(span) if !comment => {
                    diagnostic.also(document.place(span), "or did this one lose its closing quote?")
                }
                _ => diagnostic,
            }
        }
        Fault::TooDeep(at) => too_deep(document, at),
    }
}

/// The start of the first text that goes on in the next line: a lost quote turns all that follows inside out.
fn first_long_text(text: &str) -> Option<Span> {
    let mut at = 0;
    while let Ok(Some((_, span))) = next_token(text, at) {
        let word = &text[span.start..span.end];
        if let Some(newline) = word.find('\n').filter(|_| word.starts_with('"')) {
            return Some(Span { start: span.start, end: span.start + newline });
        }
        at = span.end;
    }
    None
}

/// Brackets within brackets within brackets.
pub fn too_deep(document: &Document, at: usize) -> Diagnostic {
    let place = document.place(Span { start: at, end: at + 1 });
    Diagnostic::error("too-deep", place, "brackets are nested too deeply")
        .help(format!("at most {DEEPEST} brackets can be open at once, fewer if they have names"))
}

/// A comment as other languages write it.
pub fn hash_comment(document: &Document, span: Span) -> Diagnostic {
    let place = document.place(span);
    Diagnostic::error("syntax", place.clone(), "`#` starts no comment")
        .help("comments start with `//`")
        .suggest(place, "//")
}

/// Two entries without a comma between them.
pub fn missing_comma(document: &Document, at: usize) -> Diagnostic {
    let text = document.text();
    let last = text[..at].char_indices().next_back().map_or(at, |(start, _)| start);
    Diagnostic::error("missing-comma", document.place(Span { start: last, end: at }), "a comma is missing")
        .label("after this")
        .help("separate entries with `,`")
}

/// Two entries of the same name.
pub fn duplicate(document: &Document, name: &str, first: Span, second: Span) -> Diagnostic {
    let shown = name.trim_matches('"');
    Diagnostic::error("duplicate-name", document.place(second), format!("`{shown}` is given twice"))
        .label("given again here")
        .also(document.place(first), "first given here")
        .help("remove one, or give it another name")
}
