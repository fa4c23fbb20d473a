//! Where a value stands in the text it was read from.

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use indexmap::IndexMap;
use ron::extensions::Extensions;
use serde::de::{Deserialize, Deserializer};

use crate::diagnostic::source::{Position, offset};

/// A map in the order of the text, whose names know where they stand. Look up by `map.get("name")`.
pub type Named<T> = IndexMap<Spanned<String>, Spanned<T>>;

/// A range of bytes of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// Whether the offset lies in the range or right after it.
    pub fn touches(self, offset: usize) -> bool {
        self.start <= offset && offset <= self.end
    }

    /// Whether the other range lies in this one.
    pub fn covers(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// A value and where it was written. Dereferences to the value, and is equal to others by value alone.
///
/// It works wherever a RON value may stand, nested too, with two exceptions that serde's buffering causes: inside
/// `flatten` and inside untagged enums. A newtype variant may hold a spanned scalar, list or map, but no spanned struct,
/// whose parentheses are the variant's.
#[derive(Clone, Debug, Default)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: Hash> Hash for Spanned<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

/// Maps keyed by spanned text are looked up by text.
impl Borrow<str> for Spanned<String> {
    fn borrow(&self) -> &str {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(formatter)
    }
}

/// A value left as the text it was written in, for example the right side of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verbatim {
    pub text: String,
    pub span: Span,
}

/// A list, or something that stands for one and is written in another way.
#[derive(Clone, Debug)]
pub enum ListOr<T, U> {
    List(Vec<T>),
    Other(U),
}

/// A bare word, or something that is written with brackets.
#[derive(Clone, Debug)]
pub enum WordOr<W, U> {
    Word(W),
    Other(U),
}

/// The dialect of every document: `Some(..)` and the names of newtypes need not be written.
pub fn options() -> ron::Options {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .with_default_extension(Extensions::UNWRAP_NEWTYPES)
        .with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES)
}

/// Why a document could not be read, and the byte offset at which the parser stood.
#[derive(Clone, Debug)]
pub struct Failure {
    pub error: ron::Error,
    pub offset: usize,
}

thread_local! {
    /// Address and length of the document that is being read: an inner value finds its offset by its own address.
    static READING: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    /// What the innermost spanned value that failed found, because serde's error has no room for it.
    static INNER: RefCell<Option<Failure>> = const { RefCell::new(None) };
    /// Bytes read since this thread started. Spanned values within spanned values are read once per level.
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// Bytes this thread has read so far; the difference of two calls measures the work between them.
pub fn work() -> usize {
    WORK.get()
}

/// Reads one value from the whole of a text; spans in it count from the text's start.
///
/// # Errors
/// The first mistake, at the innermost place that is known.
pub fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Failure> {
    WORK.set(WORK.get().wrapping_add(text.len()));
    let outer = READING.replace((text.as_ptr() as usize, text.len()));
    INNER.replace(None);
    let result = options().from_str(text).map_err(|error| {
        INNER.take().unwrap_or_else(|| Failure { offset: offset_of(text, &error), error: error.code })
    });
    READING.set(outer);
    result
}

fn offset_of(text: &str, error: &ron::error::SpannedError) -> usize {
    offset(text, Position { line: error.span.end.line, column: error.span.end.col })
}

/// Where a slice of the document that is being read stands; the empty span if it belongs to no such document.
fn span_of(text: &str) -> Span {
    let (start, length) = READING.get();
    match (text.as_ptr() as usize).checked_sub(start) {
        Some(at) if at + text.len() <= length => Span { start: at, end: at + text.len() },
        _ => Span::default(),
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de ron::value::RawValue = Deserialize::deserialize(deserializer)?;
        let text = raw.trim().get_ron();
        Ok(Self { value: within(text)?, span: span_of(text) })
    }
}

/// Reads a value from a part of the document that is being read.
fn within<'de, T: Deserialize<'de>, E: serde::de::Error>(text: &'de str) -> Result<T, E> {
    WORK.set(WORK.get().wrapping_add(text.len()));
    // Whatever an earlier value left behind did not stop the parse, so it is no mistake.
    INNER.replace(None);
    options().from_str(text).map_err(|error| {
        let at = span_of(text).start + offset_of(text, &error);
        INNER.with_borrow_mut(|inner| {
            inner.get_or_insert_with(|| Failure { error: error.code.clone(), offset: at });
        });
        E::custom(error.code)
    })
}

impl<'de, T: Deserialize<'de>, U: Deserialize<'de>> Deserialize<'de> for ListOr<T, U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de ron::value::RawValue = Deserialize::deserialize(deserializer)?;
        let text = raw.trim().get_ron();
        if text.starts_with('[') {
            within(text).map(Self::List)
        } else if text.starts_with(|first: char| first.is_alphabetic()) {
            within(text).map(Self::Other)
        } else {
            Err(serde::de::Error::custom(format!("a list is wanted here: write [{text}]")))
        }
    }
}

impl<'de, W: Deserialize<'de>, U: Deserialize<'de>> Deserialize<'de> for WordOr<W, U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de ron::value::RawValue = Deserialize::deserialize(deserializer)?;
        let text = raw.trim().get_ron();
        if text.ends_with(')') { within(text).map(Self::Other) } else { within(text).map(Self::Word) }
    }
}

impl<'de> Deserialize<'de> for Verbatim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de ron::value::RawValue = Deserialize::deserialize(deserializer)?;
        let text = raw.trim().get_ron();
        Ok(Self { text: text.to_owned(), span: span_of(text) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Node {
        cores: Option<Spanned<u32>>,
        calls: Spanned<Vec<Spanned<String>>>,
    }

    #[derive(Debug, serde::Deserialize)]
    enum Kind {
        Service(Node),
        Call(Spanned<String>),
    }

    #[test]
    fn nested_spans_point_into_the_document() -> Result<(), Failure> {
        let text =
            "{ /* ü */ \"é\": Service(cores: 4, // four\n calls: /* c */ [\"a.b\", \"ü.c\"] ), \"b\": Call(\"x\") }";
        let kinds: BTreeMap<String, Spanned<Kind>> = read(text)?;
        let at = |span: Span| &text[span.start..span.end];
        match &kinds["é"].value {
            Kind::Service(node) => {
                assert_eq!(node.cores.as_ref().map(|cores| at(cores.span)), Some("4"));
                assert_eq!(at(node.calls.span), "[\"a.b\", \"ü.c\"]");
                assert_eq!(at(node.calls[1].span), "\"ü.c\"");
            }
            Kind::Call(_) => unreachable!("the text says Service"),
        }
        assert_eq!(at(kinds["b"].span), "Call(\"x\")");
        assert!(matches!(&kinds["b"].value, Kind::Call(name) if at(name.span) == "\"x\""));
        Ok(())
    }

    #[test]
    fn an_error_inside_nested_spans_keeps_its_structure_and_place() {
        let text = "{ \"é\": Service(coers: 4, calls: []) }";
        let failure = read::<BTreeMap<String, Spanned<Kind>>>(text).map(|_| ()).unwrap_err();
        assert!(
            matches!(failure.error, ron::Error::NoSuchStructField { ref found, .. } if found == "coers"),
            "{failure:?}"
        );
        assert_eq!(&text[..failure.offset], "{ \"é\": Service(coers");
    }

    #[test]
    fn outside_a_document_the_span_is_empty() {
        let value: Spanned<u32> = ron::from_str("4").expect("a number");
        assert_eq!((value.value, value.span), (4, Span::default()));
    }
}
