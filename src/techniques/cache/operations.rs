//! Operations of caches that stand in front of something themselves: a content delivery network, a cache that loads and writes.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::techniques::parts::steps::{self, Step};
use crate::techniques::technique::{Mistake, Reference};
use crate::units::{Duration, Ratio};

/// An operation of a cache.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum CacheOperation {
    /// Answers from memory; on a miss runs `load` first.
    ReadThrough {
        key: Spanned<String>,
        #[serde(default)]
        ttl: Option<Spanned<Duration>>,
        #[serde(default)]
        ttl_jitter: Option<Spanned<Ratio>>,
        /// An older entry is still served, while `load` runs in the background.
        #[serde(default)]
        soft_ttl: Option<Spanned<Duration>>,
        /// Who misses what is being loaded waits for that.
        #[serde(default)]
        single_flight: bool,
        load: Vec<Step>,
    },
    /// Runs `write`, and keeps what was written.
    WriteThrough {
        key: Spanned<String>,
        #[serde(default)]
        ttl: Option<Spanned<Duration>>,
        write: Vec<Step>,
    },
    /// Keeps what is written, and runs `write` later, once for all that is written to a key until then.
    WriteBehind {
        key: Spanned<String>,
        #[serde(default)]
        ttl: Option<Spanned<Duration>>,
        flush_delay: Spanned<Duration>,
        write: Vec<Step>,
    },
}

impl CacheOperation {
    pub fn key(&self) -> &Spanned<String> {
        let (Self::ReadThrough { key, .. } | Self::WriteThrough { key, .. } | Self::WriteBehind { key, .. }) = self;
        key
    }

    pub fn ttl(&self) -> &Option<Spanned<Duration>> {
        let (Self::ReadThrough { ttl, .. } | Self::WriteThrough { ttl, .. } | Self::WriteBehind { ttl, .. }) = self;
        ttl
    }

    /// What it does elsewhere, now or later.
    pub fn inner(&self) -> &[Step] {
        match self {
            Self::ReadThrough { load: steps, .. }
            | Self::WriteThrough { write: steps, .. }
            | Self::WriteBehind { write: steps, .. } => steps,
        }
    }

    pub fn references(&self) -> Vec<Reference<'_>> {
        let mut found = steps::references(self.inner());
        found.push(Reference::Key(self.key()));
        found
    }

    pub fn mistakes(&self, span: Span) -> Vec<Mistake> {
        let mut found = steps::mistakes(self.inner(), span);
        match self {
            Self::ReadThrough { ttl, ttl_jitter, soft_ttl, .. } => {
                found.extend(steps::mistakes_of_times(ttl, ttl_jitter, soft_ttl));
            }
            Self::WriteThrough { ttl, .. } | Self::WriteBehind { ttl, .. } => {
                found.extend(steps::mistakes_of_times(ttl, &None, &None));
            }
        }
        if let Self::WriteBehind { flush_delay, .. } = self
            && flush_delay.ns == 0
        {
            let help = "write for example \"1s\", or use WriteThrough";
            found.push(Mistake::new(flush_delay.span, "what is written behind is written later", help));
        }
        found
    }

    /// What a visit does before the node itself keeps anything. `command` is what one command takes.
    pub fn steps(&self, cache: &str, command: &[Step]) -> Vec<Step> {
        match self {
            Self::ReadThrough { key, ttl, ttl_jitter, soft_ttl, single_flight, load } => vec![Step::CacheAside {
                cache: Spanned { value: cache.to_owned(), span: key.span },
                key: key.clone(),
                ttl: ttl.clone(),
                miss: load.clone(),
                ttl_jitter: ttl_jitter.clone(),
                soft_ttl: soft_ttl.clone(),
                single_flight: *single_flight,
                lease: None,
            }],
            Self::WriteThrough { write, .. } => write.iter().chain(command).cloned().collect(),
            Self::WriteBehind { .. } => command.to_vec(),
        }
    }
}
