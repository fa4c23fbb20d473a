//! A hand goes from the oldest to the newest entry, and entries stay where they are (Zhang et al., NSDI 2024).
//!
//! ```text
//! inserted(entry):  put at the newest end, not visited
//! used(entry):      visited
//! victim():         from the hand on, or the oldest: while the entry is visited: not visited, go on to the next newer one,
//!                   after the newest to the oldest
//!                   that entry; the hand stands at the next newer one
//! ```

use crate::techniques::parts::store::list::List;
use crate::techniques::parts::store::policy::Victim;
use crate::techniques::parts::store::slab::{NOBODY, Slab};

const VISITED: u32 = 1;

#[derive(Clone, Debug)]
pub struct Sieve {
    pub queue: List,
    hand: u32,
}

impl Default for Sieve {
    fn default() -> Self {
        Self { queue: List::default(), hand: NOBODY }
    }
}

impl Sieve {
    #[inline]
    pub fn used(slab: &mut Slab, slot: u32) {
        slab.entry_mut(slot).set_mark(VISITED);
    }

    pub fn removed(&mut self, slab: &mut Slab, slot: u32) {
        if self.hand == slot {
            self.hand = slab.entry(slot).newer;
        }
        self.queue.unlink(slab, slot);
    }

    pub fn victim(&mut self, slab: &mut Slab) -> Option<Victim> {
        let mut slot = if self.hand == NOBODY { self.queue.oldest } else { self.hand };
        if slot == NOBODY {
            return None;
        }
        while slab.entry(slot).mark() == VISITED {
            let entry = slab.entry_mut(slot);
            entry.set_mark(0);
            slot = if entry.newer == NOBODY { self.queue.oldest } else { entry.newer };
        }
        self.hand = slot;
        self.removed(slab, slot);
        Some(Victim::Gone(slot))
    }
}
