//! Entries in one array, whose places are used again.

use crate::techniques::parts::store::NEVER;

/// No entry: the end of a list.
pub const NOBODY: u32 = u32::MAX;

/// Of a place without an entry.
const FREE: u32 = 1 << 31;
/// Of an entry of which only the key is remembered.
const GHOST: u32 = 1 << 30;
const FLAGS: u32 = FREE | GHOST;

/// One entry: half a cache line.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub key: u64,
    pub expires_ns: u64,
    pub size: u32,
    /// Links of the policy's list, or whatever else a policy keeps here that has none.
    pub newer: u32,
    pub older: u32,
    /// The upper two bits are flags, the others the policy's own.
    mark: u32,
}

const _: () = assert!(size_of::<Entry>() == 32, "an entry is half a cache line");

impl Entry {
    pub fn new(key: u64, size: u32, expires_ns: u64) -> Self {
        Self { key, expires_ns, size, newer: NOBODY, older: NOBODY, mark: 0 }
    }

    /// The policy's own word, of 30 bits.
    #[inline(always)]
    pub fn mark(&self) -> u32 {
        self.mark & !FLAGS
    }

    #[inline(always)]
    pub fn set_mark(&mut self, mark: u32) {
        self.mark = (self.mark & FLAGS) | mark;
    }

    pub fn is_ghost(&self) -> bool {
        self.mark & GHOST != 0
    }

    pub fn become_ghost(&mut self) {
        self.mark |= GHOST;
    }

    pub fn may_expire(&self) -> bool {
        self.expires_ns != NEVER
    }

    fn is_free(&self) -> bool {
        self.mark & FREE != 0
    }
}

/// All entries.
#[derive(Clone, Debug)]
pub struct Slab {
    entries: Vec<Entry>,
    free: u32,
}

impl Default for Slab {
    fn default() -> Self {
        Self { entries: Vec::new(), free: NOBODY }
    }
}

impl Slab {
    #[inline(always)]
    pub fn entry(&self, slot: u32) -> &Entry {
        &self.entries[slot as usize]
    }

    #[inline(always)]
    pub fn entry_mut(&mut self, slot: u32) -> &mut Entry {
        &mut self.entries[slot as usize]
    }

    pub fn insert(&mut self, entry: Entry) -> u32 {
        if self.free != NOBODY {
            let slot = self.free;
            self.free = self.entries[slot as usize].newer;
            self.entries[slot as usize] = entry;
            return slot;
        }
        if self.entries.len() == self.entries.capacity() {
            // By a quarter instead of twice as much: memory is what large caches run out of.
            self.entries.reserve_exact((self.entries.len() / 4).max(64));
        }
        self.entries.push(entry);
        (self.entries.len() - 1) as u32
    }

    pub fn remove(&mut self, slot: u32) {
        self.entries[slot as usize] = Entry { newer: self.free, mark: FREE, ..Entry::new(0, 0, NEVER) };
        self.free = slot;
    }

    /// Places, with or without an entry.
    pub fn places(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Whether an entry is at this place that is not only remembered.
    pub fn is_resident(&self, slot: u32) -> bool {
        self.entries[slot as usize].mark & FLAGS == 0
    }

    /// The places that have an entry, if only a remembered one.
    pub fn live(&self) -> impl Iterator<Item = u32> {
        (0..self.places()).filter(|&slot| !self.entry(slot).is_free())
    }

    pub fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}
