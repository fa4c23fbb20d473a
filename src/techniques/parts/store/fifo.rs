//! The entry that came first goes, however often it was used.
//!
//! ```text
//! inserted(entry):  move to the newest end
//! used(entry):      nothing
//! victim():         the oldest
//! ```

use crate::techniques::parts::store::list::List;
use crate::techniques::parts::store::policy::Victim;
use crate::techniques::parts::store::slab::Slab;

#[derive(Clone, Debug, Default)]
pub struct Fifo {
    pub queue: List,
}

impl Fifo {
    pub fn victim(&mut self, slab: &mut Slab) -> Option<Victim> {
        self.queue.pop_oldest(slab).map(Victim::Gone)
    }
}
