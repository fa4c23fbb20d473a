//! What a query does: the statements of a database as written, and their steps.

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::techniques::parts::steps::Step;

/// A kind of query.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Query {
    Read {
        cpu: Spanned<Distribution>,
        #[serde(default)]
        io: Option<Spanned<Distribution>>,
    },
    Write {
        cpu: Spanned<Distribution>,
        #[serde(default)]
        io: Option<Spanned<Distribution>>,
        /// Until the log is on disk.
        #[serde(default)]
        commit: Option<Spanned<Distribution>>,
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

    /// Whether it changes anything.
    pub fn is_write(&self) -> bool {
        matches!(self, Self::Write { .. })
    }
}
