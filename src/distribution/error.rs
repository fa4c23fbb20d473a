//! What can be wrong with a distribution although its text could be read.

use std::fmt;

/// A mistake in a distribution, and what to write instead where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionError {
    pub message: String,
    pub help: Option<String>,
}

impl DistributionError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for DistributionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(formatter, "{}: {help}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl std::error::Error for DistributionError {}
