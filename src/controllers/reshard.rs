//! Reshard: a sharded node gets more shards or fewer while it works, and its data moves.
//!
//! # How it works
//!
//! ```text
//! at `at`: work out which keys change their shard; shard by shard, piece by piece, chunk by chunk:
//!   call `read` on the old shard, then `write` on the new one, one chunk after the other, not faster than `bandwidth`
//! ```
//!
//! Keys of a piece that has moved are asked for on their new shard, those of later pieces on the old one. Of the piece that is being
//! moved, keys are redirected once they are gone (`Ask`), or their requests wait until all of it has moved (`Block`). New shards
//! are paid for from `at` on, shards that are given up until all has moved.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | that is sharded; caches do not move their entries |
//! | `at` | time | | when it begins |
//! | `to` | shards | | that the placement has afterwards; dedicated ones stay as they are |
//! | `data_size` | bytes | | on all shards of the placement together, the same for each key |
//! | `bandwidth` | bytes/s | | that is moved at most |
//! | `chunk` | bytes | 8 MiB | that are copied at once |
//! | `read`, `write` | operations | none | that a chunk costs the old and the new shard; no load if left out |
//! | `while_moving` | | `Ask` | or `Block` |
//! | `redirect` | time | 0 | of one that is sent on: a round trip of the caller |
//!
//! # When it helps, when it hurts
//!
//! Shards are added because others are busy, and moving makes them busier first. Modulo moves nearly everything, a ring one part in
//! `n + 1`, so it is over sooner by as much.
//!
//! # Law
//!
//! It takes at least the bytes that move over `bandwidth`.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::Distribution;
use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::record::NodeRecord;
use crate::engine::{Evidence, Node, NodeIndex, Timer};
use crate::techniques::parts::placement::movement::{Movement, WhileMoving};
use crate::techniques::technique::{
    CompileError, Controller, ControllerSpec, Mistake, Reference, Resharding, Wiring, law_mistakes,
};
use crate::units::{Bandwidth, Bytes, Duration};

const DEFAULT_CHUNK: u64 = 8 << 20;
/// Chunks of one move: more would be nothing but events.
const MOST_CHUNKS: u64 = 10_000_000;

/// Resharding as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshard {
    pub target: Spanned<String>,
    pub at: Spanned<Duration>,
    pub to: Spanned<u32>,
    pub data_size: Spanned<Bytes>,
    pub bandwidth: Spanned<Bandwidth>,
    #[serde(default)]
    pub chunk: Option<Spanned<Bytes>>,
    #[serde(default)]
    pub read: Option<Spanned<String>>,
    #[serde(default)]
    pub write: Option<Spanned<String>>,
    #[serde(default)]
    pub while_moving: WhileMoving,
    #[serde(default)]
    pub redirect: Option<Spanned<Distribution>>,
}

impl ControllerSpec for Reshard {
    fn kind(&self) -> &'static str {
        "Reshard"
    }

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Any(&self.target)]
    }

    // It changes no replicas.
    fn targets(&self) -> Vec<&Spanned<String>> {
        Vec::new()
    }

    fn reshards(&self) -> Option<Resharding<'_>> {
        let movement = Movement {
            to: self.to.value,
            data_bytes: self.data_size.bytes,
            bytes_per_second: self.bandwidth.bytes_per_second,
            chunk_bytes: self.chunk.as_ref().map_or(DEFAULT_CHUNK, |chunk| chunk.bytes),
            read: self.read.as_ref().map(|read| read.value.clone()),
            write: self.write.as_ref().map(|write| write.value.clone()),
            while_moving: self.while_moving,
            redirect: self.redirect.clone(),
        };
        let operations = self.read.iter().chain(&self.write).collect();
        Some(Resharding { target: &self.target, to: self.to.span, operations, movement })
    }

    fn moments(&self) -> Vec<(u64, Span)> {
        vec![(self.at.ns, self.at.span)]
    }

    fn is_transient(&self) -> bool {
        true
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.bandwidth.bytes_per_second <= 0.0 {
            found.push(Mistake::new(self.bandwidth.span, "nothing moves without bandwidth", "write \"50MB/s\""));
        }
        let chunk = self.chunk.as_ref().map_or(DEFAULT_CHUNK, |chunk| chunk.bytes);
        if chunk == 0 || self.data_size.bytes / chunk > MOST_CHUNKS {
            let span = self.chunk.as_ref().map_or(self.data_size.span, |chunk| chunk.span);
            let message = format!("data is moved in at most {MOST_CHUNKS} chunks of at least a byte");
            found.push(Mistake::new(span, message, "write for example chunk: \"64MiB\""));
        }
        found.extend(self.redirect.iter().flat_map(law_mistakes));
        if let Some(redirect) = self.redirect.as_ref().filter(|_| self.while_moving == WhileMoving::Block) {
            let help = "leave out `redirect`, or `while_moving`";
            found.push(Mistake::new(redirect.span, "nobody is redirected who waits until the move is over", help));
        }
        found
    }
}

/// Resharding at work: it says when; the router moves the data.
#[derive(Clone, Debug)]
pub struct ReshardNode {
    target: NodeIndex,
    at_ns: u64,
}

/// Compiles the written form.
pub(super) fn compile(spec: &Reshard, wiring: &mut dyn Wiring) -> Result<ReshardNode, CompileError> {
    Ok(ReshardNode { target: wiring.node(&spec.target), at_ns: spec.at.ns })
}

impl Node for ReshardNode {
    fn start(&mut self, context: &mut Context) {
        context.at(self.at_ns, Timer { kind: 0, data: 0 });
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, _timer: Timer) {
        context.command(self.target, Command::Reshard);
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, _record: &mut NodeRecord) {}
}

impl Controller for ReshardNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
