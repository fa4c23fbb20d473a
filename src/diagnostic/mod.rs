//! Messages about text a user wrote: where, what is wrong, what to write instead.
//!
//! | file | what it holds |
//! |---|---|
//! | [`source`] | files and arguments as written, and places in them |
//! | [`span`] | values that remember where they stood |
//! | [`document`] | the text that is read, possibly edited, each byte knowing its origin |
//! | [`outline`] | brackets and entries of a text, found even where the text is wrong |
//! | [`token`] | the words that an outline is made of |
//! | [`mod@parse`] | text to value, with every mistake rather than the first |
//! | [`fault`] | brackets and commas gone wrong, as friendly messages |
//! | [`explain`] | a parser's error as a friendly message |
//! | [`habits`] | what people write who know a field from elsewhere |
//! | [`names`] | "did you mean" |
//! | [`diagnostic`] | the message as plain data, and a collection of them |
//! | [`report`] | messages as text for people and as JSON for tools |

#[allow(clippy::module_inception)]
pub mod diagnostic;
pub mod document;
pub mod explain;
pub mod fault;
pub mod habits;
pub mod names;
pub mod outline;
mod outline_builder;
pub mod parse;
pub mod report;
pub mod source;
pub mod span;
pub mod token;

pub use diagnostic::{Diagnostic, Diagnostics, Label, Level};
pub use document::Document;
pub use parse::parse;
pub use source::{Place, Source};
pub use span::{ListOr, Span, Spanned, Verbatim};
