//! What rules over the whole graph ask about connections.

use crate::diagnostic::span::{Span, Spanned};

/// Connections of a node that stay open, as it is written.
#[derive(Clone, Debug, Default)]
pub struct Connections<'a> {
    /// Whether callers can keep connections to this node.
    pub are_accepted: bool,
    /// Whether a transaction of several statements is refused over them.
    pub refuse_transactions: bool,
    /// What the node keeps itself, to the one whose operations it passes on.
    pub pool: Option<PoolView>,
    /// Nodes that requests here need several connections to at once, and how many.
    pub at_once: Vec<(&'a Spanned<String>, u32)>,
}

/// Connections that are kept open.
#[derive(Clone, Copy, Debug)]
pub struct PoolView {
    /// At most, in all pools of the node or for each replica of a caller.
    pub most: u64,
    /// Idle ones that are kept besides those in use.
    pub least: u64,
    /// Whether each is for one client until that disconnects.
    pub is_for_sessions: bool,
    /// Where it is written how many.
    pub span: Span,
}
