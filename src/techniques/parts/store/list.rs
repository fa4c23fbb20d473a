//! A list of entries, linked through the entries themselves.

use crate::techniques::parts::store::slab::{NOBODY, Slab};

#[derive(Clone, Copy, Debug)]
pub struct List {
    pub newest: u32,
    pub oldest: u32,
    pub len: u32,
    /// The sizes of its entries.
    pub size: u64,
}

impl Default for List {
    fn default() -> Self {
        Self { newest: NOBODY, oldest: NOBODY, len: 0, size: 0 }
    }
}

impl List {
    #[inline]
    pub fn push_newest(&mut self, slab: &mut Slab, slot: u32) {
        let entry = slab.entry_mut(slot);
        entry.newer = NOBODY;
        entry.older = self.newest;
        self.size += u64::from(entry.size);
        self.len += 1;
        match self.newest {
            NOBODY => self.oldest = slot,
            newest => slab.entry_mut(newest).newer = slot,
        }
        self.newest = slot;
    }

    #[inline]
    pub fn unlink(&mut self, slab: &mut Slab, slot: u32) {
        let entry = *slab.entry(slot);
        match entry.newer {
            NOBODY => self.newest = entry.older,
            newer => slab.entry_mut(newer).older = entry.older,
        }
        match entry.older {
            NOBODY => self.oldest = entry.newer,
            older => slab.entry_mut(older).newer = entry.newer,
        }
        self.size -= u64::from(entry.size);
        self.len -= 1;
    }

    /// Makes an entry of the list its newest.
    #[inline]
    pub fn renew(&mut self, slab: &mut Slab, slot: u32) {
        if self.newest != slot {
            self.unlink(slab, slot);
            self.push_newest(slab, slot);
        }
    }

    /// Takes the oldest entry out.
    #[inline]
    pub fn pop_oldest(&mut self, slab: &mut Slab) -> Option<u32> {
        let slot = self.oldest;
        (slot != NOBODY).then(|| {
            self.unlink(slab, slot);
            slot
        })
    }

    pub fn resize(&mut self, before: u32, after: u32) {
        self.size = self.size - u64::from(before) + u64::from(after);
    }
}
