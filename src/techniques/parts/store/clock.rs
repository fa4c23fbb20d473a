//! The oldest entry that was not used since the hand passed it goes (Corbató 1968).
//!
//! ```text
//! inserted(entry):  move to the newest end, unreferenced
//! used(entry):      referenced
//! victim():         while the oldest is referenced: unreferenced, move to the newest end
//!                   the oldest
//! ```

use crate::techniques::parts::store::list::List;
use crate::techniques::parts::store::policy::Victim;
use crate::techniques::parts::store::slab::Slab;

const REFERENCED: u32 = 1;

#[derive(Clone, Debug, Default)]
pub struct Clock {
    pub queue: List,
}

impl Clock {
    #[inline]
    pub fn used(slab: &mut Slab, slot: u32) {
        slab.entry_mut(slot).set_mark(REFERENCED);
    }

    pub fn victim(&mut self, slab: &mut Slab) -> Option<Victim> {
        loop {
            let slot = self.queue.pop_oldest(slab)?;
            if slab.entry(slot).mark() != REFERENCED {
                return Some(Victim::Gone(slot));
            }
            slab.entry_mut(slot).set_mark(0);
            self.queue.push_newest(slab, slot);
        }
    }
}
