//! Where a value stands in the text it was read from.

use std::cell::Cell;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error as _};

/// A range of bytes of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// A value and where it was written. Dereferences to the value.
#[derive(Clone, Debug, Default)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

thread_local! {
    /// The address at which the document that is being read starts.
    static DOCUMENT_START: Cell<usize> = const { Cell::new(0) };
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &'de ron::value::RawValue = Deserialize::deserialize(deserializer)?;
        let text = raw.trim().get_ron();
        let start = (text.as_ptr() as usize).wrapping_sub(DOCUMENT_START.get());
        let value = raw.into_rust().map_err(|error| D::Error::custom(error.code))?;
        Ok(Self { value, span: Span { start, end: start + text.len() } })
    }
}
