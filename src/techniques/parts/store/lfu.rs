//! The entry that was used least often goes; of equals the one whose count is oldest.
//!
//! ```text
//! inserted(entry):  count 1
//! used(entry):      count + 1, newest of those with that count
//! victim():         of the lowest count, the oldest
//! ```

use std::collections::BTreeMap;

use crate::techniques::parts::store::list::List;
use crate::techniques::parts::store::policy::Victim;
use crate::techniques::parts::store::slab::Slab;

/// A count fits into a mark.
const MOST: u32 = (1 << 30) - 1;

#[derive(Clone, Debug, Default)]
pub struct Lfu {
    /// Entries by how often they were used; no list is empty.
    by_count: BTreeMap<u32, List>,
}

impl Lfu {
    pub fn inserted(&mut self, slab: &mut Slab, slot: u32) {
        slab.entry_mut(slot).set_mark(1);
        self.by_count.entry(1).or_default().push_newest(slab, slot);
    }

    pub fn used(&mut self, slab: &mut Slab, slot: u32) {
        self.removed(slab, slot);
        let count = (slab.entry(slot).mark() + 1).min(MOST);
        slab.entry_mut(slot).set_mark(count);
        self.by_count.entry(count).or_default().push_newest(slab, slot);
    }

    pub fn removed(&mut self, slab: &mut Slab, slot: u32) {
        let count = slab.entry(slot).mark();
        let Some(queue) = self.by_count.get_mut(&count) else { return };
        queue.unlink(slab, slot);
        if queue.len == 0 {
            self.by_count.remove(&count);
        }
    }

    pub fn resize(&mut self, slab: &Slab, slot: u32, before: u32, after: u32) {
        if let Some(queue) = self.by_count.get_mut(&slab.entry(slot).mark()) {
            queue.resize(before, after);
        }
    }

    pub fn victim(&mut self, slab: &mut Slab) -> Option<Victim> {
        let slot = self.by_count.first_key_value()?.1.oldest;
        self.removed(slab, slot);
        Some(Victim::Gone(slot))
    }

    pub fn len(&self) -> usize {
        self.by_count.values().map(|queue| queue.len as usize).sum()
    }
}
