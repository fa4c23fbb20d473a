//! What keeps a model from running though it has no mistakes.

use std::fmt;

use crate::diagnostic::span::Span;

/// Why a checked model cannot be run after all, for example because a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    pub span: Option<Span>,
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl CompileError {
    /// An error that belongs to no place in the text.
    pub fn new(message: impl Into<String>) -> Self {
        Self { span: None, message: message.into(), help: None }
    }

    /// An error at a place in the text.
    pub fn at(span: Span, message: impl Into<String>) -> Self {
        Self { span: Some(span), ..Self::new(message) }
    }

    /// The error with advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
