//! The least recently used entry goes.
//!
//! ```text
//! used(entry), inserted(entry):  move to the newest end
//! victim():                      the oldest
//! ```

use crate::techniques::parts::store::list::List;
use crate::techniques::parts::store::policy::Victim;
use crate::techniques::parts::store::slab::Slab;

#[derive(Clone, Debug, Default)]
pub struct Lru {
    pub queue: List,
}

impl Lru {
    #[inline]
    pub fn used(&mut self, slab: &mut Slab, slot: u32) {
        self.queue.renew(slab, slot);
    }

    #[inline]
    pub fn victim(&mut self, slab: &mut Slab) -> Option<Victim> {
        self.queue.pop_oldest(slab).map(Victim::Gone)
    }
}
