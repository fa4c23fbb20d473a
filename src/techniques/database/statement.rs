//! What a query does: the statements of a database as written, and their steps.

use serde::Deserialize;

use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::techniques::database::read_replicas::{Consistency, Endpoint};
use crate::techniques::parts::steps::Step;
use crate::units::Duration;

/// A kind of query. All but `Read` and `Write` as they are without a table say what they touch, and its cost follows.
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
    /// One row by its key.
    PointRead {
        table: Spanned<String>,
        cpu: Spanned<Distribution>,
        /// A page from the disk.
        #[serde(default)]
        io: Option<Spanned<Distribution>>,
        #[serde(default)]
        endpoint: Option<Spanned<Endpoint>>,
        #[serde(default)]
        consistency: Option<Spanned<Consistency>>,
    },
    /// Rows side by side, from that of the key on.
    RangeRead {
        table: Spanned<String>,
        rows: Spanned<u64>,
        cpu: Spanned<Distribution>,
        /// A core's time for each row, beside `cpu`.
        #[serde(default)]
        cpu_per_row: Option<Duration>,
        /// All pages that are read from the disk, at once.
        #[serde(default)]
        io: Option<Spanned<Distribution>>,
        #[serde(default)]
        endpoint: Option<Spanned<Endpoint>>,
        #[serde(default)]
        consistency: Option<Spanned<Consistency>>,
    },
    /// All rows, of the table or of some of its partitions.
    Aggregate {
        table: Spanned<String>,
        /// How many partitions it is confined to; all if left out.
        #[serde(default)]
        partitions: Option<Spanned<u32>>,
        cpu: Spanned<Distribution>,
        #[serde(default)]
        cpu_per_row: Option<Duration>,
        #[serde(default)]
        io: Option<Spanned<Distribution>>,
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
        /// The key space of what is written; that of the table if there is one.
        #[serde(default)]
        key: Option<Spanned<String>>,
        /// The table whose row is written.
        #[serde(default)]
        table: Option<Spanned<String>>,
        /// Whether it holds its row from its beginning to its commit; new rows are nobody else's.
        #[serde(default)]
        locks_row: bool,
    },
}

/// The part of a table that a statement touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Row,
    Rows(u64),
    /// So many of them; all if none are named.
    Partitions(Option<u32>),
}

impl Query {
    /// What the query does, step by step, if it does no more than to compute and to wait.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Compute(self.cpu().clone())];
        steps.extend(self.waits());
        steps
    }

    /// What it waits for after it has computed.
    pub fn waits(&self) -> Vec<Step> {
        self.io().into_iter().chain(self.commit()).map(|law| Step::Wait(law.clone())).collect()
    }

    pub fn cpu(&self) -> &Spanned<Distribution> {
        let (Self::Read { cpu, .. }
        | Self::PointRead { cpu, .. }
        | Self::RangeRead { cpu, .. }
        | Self::Aggregate { cpu, .. }
        | Self::Write { cpu, .. }) = self;
        cpu
    }

    pub fn io(&self) -> Option<&Spanned<Distribution>> {
        let (Self::Read { io, .. }
        | Self::PointRead { io, .. }
        | Self::RangeRead { io, .. }
        | Self::Aggregate { io, .. }
        | Self::Write { io, .. }) = self;
        io.as_ref()
    }

    pub fn commit(&self) -> Option<&Spanned<Distribution>> {
        match self {
            Self::Write { commit, .. } => commit.as_ref(),
            _ => None,
        }
    }

    pub fn is_write(&self) -> bool {
        matches!(self, Self::Write { .. })
    }

    /// Whether it holds its row until its commit.
    pub fn locks_row(&self) -> bool {
        matches!(self, Self::Write { locks_row: true, .. })
    }

    /// The key space of what it reads or writes, if it names one.
    pub fn key(&self) -> Option<&Spanned<String>> {
        match self {
            Self::Read { key, .. } | Self::Write { key, .. } => key.as_ref(),
            _ => None,
        }
    }

    /// The table, and what it touches of it.
    pub fn access(&self) -> Option<(&Spanned<String>, Access)> {
        match self {
            Self::Read { .. } => None,
            Self::PointRead { table, .. } => Some((table, Access::Row)),
            Self::RangeRead { table, rows, .. } => Some((table, Access::Rows(rows.value))),
            Self::Aggregate { table, partitions, .. } => {
                Some((table, Access::Partitions(partitions.as_ref().map(|partitions| partitions.value))))
            }
            Self::Write { table, .. } => table.as_ref().map(|table| (table, Access::Row)),
        }
    }

    /// A core's time for each row that it looks through, in nanoseconds.
    pub fn row_ns(&self) -> u64 {
        match self {
            Self::RangeRead { cpu_per_row, .. } | Self::Aggregate { cpu_per_row, .. } => {
                cpu_per_row.map_or(0, |time| time.ns)
            }
            _ => 0,
        }
    }

    /// Where it goes, if it says so.
    pub fn endpoint(&self) -> Option<&Spanned<Endpoint>> {
        match self {
            Self::Read { endpoint, .. }
            | Self::PointRead { endpoint, .. }
            | Self::RangeRead { endpoint, .. }
            | Self::Aggregate { endpoint, .. } => endpoint.as_ref(),
            Self::Write { .. } => None,
        }
    }

    /// What it may see, if it says so.
    pub fn consistency(&self) -> Option<&Spanned<Consistency>> {
        match self {
            Self::Read { consistency, .. }
            | Self::PointRead { consistency, .. }
            | Self::RangeRead { consistency, .. }
            | Self::Aggregate { consistency, .. } => consistency.as_ref(),
            Self::Write { .. } => None,
        }
    }
}
