//! What a query does: the statements of a database as written, and their steps.

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::techniques::database::read_replicas::{Consistency, Endpoint};
use crate::techniques::parts::steps::Step;

/// A kind of query.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Query {
    Read {
        cpu: Spanned<Distribution>,
        #[serde(default)]
        io: Option<Spanned<Distribution>>,
        /// The key space of what is read.
        #[serde(default)]
        key: Option<Spanned<String>>,
        /// The replicas that answer it.
        #[serde(default)]
        endpoint: Option<Spanned<Endpoint>>,
        #[serde(default)]
        consistency: Option<Spanned<Consistency>>,
    },
    Write {
        cpu: Spanned<Distribution>,
        #[serde(default)]
        io: Option<Spanned<Distribution>>,
        /// Until the log is on disk.
        #[serde(default)]
        commit: Option<Spanned<Distribution>>,
        /// The key space of what is written.
        #[serde(default)]
        key: Option<Spanned<String>>,
    },
}

impl Query {
    /// What the query does, step by step.
    pub fn steps(&self) -> Vec<Step> {
        let (Self::Read { cpu, io, .. } | Self::Write { cpu, io, .. }) = self;
        let mut steps = vec![Step::Compute(cpu.clone())];
        steps.extend(io.clone().map(Step::Wait));
        if let Self::Write { commit: Some(commit), .. } = self {
            steps.push(Step::Wait(commit.clone()));
        }
        steps
    }

    pub fn is_write(&self) -> bool {
        matches!(self, Self::Write { .. })
    }

    /// The key space of what it reads or writes.
    pub fn key(&self) -> Option<&Spanned<String>> {
        let (Self::Read { key, .. } | Self::Write { key, .. }) = self;
        key.as_ref()
    }

    /// Where it goes, if it says so.
    pub fn endpoint(&self) -> Option<&Spanned<Endpoint>> {
        match self {
            Self::Read { endpoint, .. } => endpoint.as_ref(),
            Self::Write { .. } => None,
        }
    }

    /// What it may see, if it says so.
    pub fn consistency(&self) -> Option<&Spanned<Consistency>> {
        match self {
            Self::Read { consistency, .. } => consistency.as_ref(),
            Self::Write { .. } => None,
        }
    }
}
