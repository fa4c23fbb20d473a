//! Two lists, of entries used once and more often, share the room; the keys of those that went say which list should have had
//! more of it (Megiddo & Modha, FAST 2003).
//!
//! ```text
//! inserted(entry):  its key was remembered as used once: once should have more; as used often: less; either way into often
//!                   else into once
//! used(entry):      newest of often
//! victim():         once has more than it should (or as much, and the new key was remembered as used often): the oldest of once,
//!                   else the oldest of often; its key is remembered
//! remembered:       once with its keys as many as fit, both lists with theirs twice as many
//! ```

use crate::techniques::parts::store::list::List;
use crate::techniques::parts::store::policy::Victim;
use crate::techniques::parts::store::slab::Slab;

const OFTEN: u32 = 1;

#[derive(Clone, Debug)]
pub struct Arc {
    room: u64,
    once: List,
    often: List,
    once_remembered: List,
    often_remembered: List,
    /// What `once` should have.
    target: f64,
    /// Whether the new key was remembered as used often.
    returns_to_often: bool,
}

impl Arc {
    pub fn new(room: u64) -> Self {
        Self {
            room,
            once: List::default(),
            often: List::default(),
            once_remembered: List::default(),
            often_remembered: List::default(),
            target: 0.0,
            returns_to_often: false,
        }
    }

    pub fn clear(&mut self) {
        *self = Self::new(self.room);
    }

    /// A remembered key comes back.
    pub fn returns(&mut self, slab: &mut Slab, ghost: u32, size: u32) {
        let (once, often) = (self.once_remembered.size as f64, self.often_remembered.size as f64);
        let size = f64::from(size);
        self.returns_to_often = slab.entry(ghost).mark() == OFTEN;
        if self.returns_to_often {
            self.target = (self.target - size * (once / often).max(1.0)).max(0.0);
            self.often_remembered.unlink(slab, ghost);
        } else {
            self.target = (self.target + size * (often / once).max(1.0)).min(self.room as f64);
            self.once_remembered.unlink(slab, ghost);
        }
    }

    pub fn inserted(&mut self, slab: &mut Slab, slot: u32, is_remembered: bool) {
        self.returns_to_often = false;
        if is_remembered {
            slab.entry_mut(slot).set_mark(OFTEN);
            self.often.push_newest(slab, slot);
        } else {
            self.once.push_newest(slab, slot);
        }
    }

    pub fn used(&mut self, slab: &mut Slab, slot: u32) {
        self.removed(slab, slot);
        slab.entry_mut(slot).set_mark(OFTEN);
        self.often.push_newest(slab, slot);
    }

    pub fn removed(&mut self, slab: &mut Slab, slot: u32) {
        self.queue_of(slab, slot).unlink(slab, slot);
    }

    pub fn resize(&mut self, slab: &Slab, slot: u32, before: u32, after: u32) {
        self.queue_of(slab, slot).resize(before, after);
    }

    fn queue_of(&mut self, slab: &Slab, slot: u32) -> &mut List {
        let entry = slab.entry(slot);
        match (entry.is_ghost(), entry.mark() == OFTEN) {
            (false, false) => &mut self.once,
            (false, true) => &mut self.often,
            (true, false) => &mut self.once_remembered,
            (true, true) => &mut self.often_remembered,
        }
    }

    pub fn victim(&mut self, slab: &mut Slab) -> Option<Victim> {
        let once = self.once.size as f64;
        let is_over = once > self.target || (self.returns_to_often && once == self.target);
        let from_once = self.once.len > 0 && (is_over || self.often.len == 0);
        let (queue, remembered) = if from_once {
            (&mut self.once, &mut self.once_remembered)
        } else {
            (&mut self.often, &mut self.often_remembered)
        };
        let slot = queue.pop_oldest(slab)?;
        remembered.push_newest(slab, slot);
        Some(Victim::Ghost(slot))
    }

    pub fn surplus_ghost(&mut self, slab: &mut Slab) -> Option<u32> {
        if self.once.size + self.once_remembered.size > self.room
            && let Some(slot) = self.once_remembered.pop_oldest(slab)
        {
            return Some(slot);
        }
        let all = self.once.size + self.often.size + self.once_remembered.size + self.often_remembered.size;
        if all > 2 * self.room { self.often_remembered.pop_oldest(slab) } else { None }
    }

    pub fn len(&self) -> usize {
        (self.once.len + self.often.len + self.once_remembered.len + self.often_remembered.len) as usize
    }
}
