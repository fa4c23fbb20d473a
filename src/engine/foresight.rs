//! What memory will be needed soon, told to the processor.

use crate::engine::NodeIndex;
use crate::processor::prefetch_at;

/// As many nodes as the innermost caches can hold the state of. With fewer, a hint only costs.
const FEW: usize = 32;

/// Of a node what every visit touches; nodes keep it at their beginning.
const TOUCHED_BYTES: usize = 512;

/// Where the nodes of a model are in memory, for hints about them. No node is ever reached by it.
#[derive(Debug, Default)]
pub(super) struct Foresight {
    start: usize,
    node_bytes: usize,
    count: usize,
}

impl Foresight {
    /// The nodes are here.
    pub fn place<N>(&mut self, nodes: &[N]) {
        self.start = nodes.as_ptr().addr();
        self.node_bytes = size_of::<N>();
        self.count = nodes.len();
    }

    /// Whether there are more nodes than caches hold.
    #[inline(always)]
    pub fn is_worthwhile(&self) -> bool {
        self.count > FEW
    }

    /// The node will be called soon.
    #[inline(always)]
    pub fn expect(&self, node: NodeIndex) {
        let place = self.start.wrapping_add((node.0 as usize).wrapping_mul(self.node_bytes));
        prefetch_at(place, TOUCHED_BYTES);
    }
}
