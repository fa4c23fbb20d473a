//! First-in-first-out lists of events in chunks of memory that all lists share.
//!
//! A chunk that has been emptied is the next one to be filled. With many pending events that is what counts: they are
//! written to memory that is still in the processor's cache because it has just been read, not to the place where a list
//! of its own was filled the last time, long ago. The memory is that of the events that are pending.

use super::Entry;
use crate::processor::prefetch;

/// Events of a chunk: with an entry of three words, twelve cache lines.
pub(super) const CHUNK: usize = 32;

/// The end of a chain of chunks.
const NONE: u32 = u32::MAX;

/// A list of events: a chain of chunks that are full, but for the last one and for what was taken out of the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    first: u32,
    last: u32,
    length: u32,
}

impl Default for Slot {
    fn default() -> Self {
        Self { first: NONE, last: NONE, length: 0 }
    }
}

impl Slot {
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.length as usize
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

type Chunk<E> = [Entry<E>; CHUNK];

/// Many lists of events.
#[derive(Debug)]
pub(super) struct Slots<E> {
    slots: Box<[Slot]>,
    chunks: Vec<Chunk<E>>,
    /// The chunk that follows each one, in a list or among those that are free.
    next: Vec<u32>,
    free: u32,
}

impl<E: Copy + Default> Slots<E> {
    /// So many empty lists.
    pub fn new(count: usize) -> Self {
        Self { slots: vec![Slot::default(); count].into(), chunks: Vec::new(), next: Vec::new(), free: NONE }
    }

    /// Appends an event to a list.
    #[inline(always)]
    pub fn push(&mut self, index: usize, entry: Entry<E>) {
        let place = self.slots[index].len() % CHUNK;
        if place == 0 {
            self.lengthen(index);
        }
        let slot = &mut self.slots[index];
        slot.length += 1;
        self.chunks[slot.last as usize][place] = entry;
    }

    /// Hangs one more chunk onto a list.
    #[inline(never)]
    fn lengthen(&mut self, index: usize) {
        if self.free == NONE {
            self.free = self.chunks.len() as u32;
            self.chunks.push([Entry::default(); CHUNK]);
            self.next.push(NONE);
        }
        let chunk = self.free;
        self.free = std::mem::replace(&mut self.next[chunk as usize], NONE);
        let slot = &mut self.slots[index];
        if slot.is_empty() {
            slot.first = chunk;
        } else {
            self.next[slot.last as usize] = chunk;
        }
        slot.last = chunk;
    }

    /// Takes a whole list out; an empty one takes its place.
    #[inline(always)]
    pub fn take(&mut self, index: usize) -> Slot {
        std::mem::take(&mut self.slots[index])
    }

    /// The events of a list.
    pub fn held<'a>(&'a self, slot: &Slot) -> impl Iterator<Item = &'a Entry<E>> {
        let follow = |chunk: &u32| Some(self.next[*chunk as usize]).filter(|next| *next != NONE);
        let chunks = std::iter::successors(Some(slot.first).filter(|first| *first != NONE), follow);
        chunks.flat_map(|chunk| &self.chunks[chunk as usize]).take(slot.len())
    }

    /// All events.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<E>> {
        self.slots.iter().filter(|slot| !slot.is_empty()).flat_map(|slot| self.held(slot))
    }

    /// Moves the events of the first chunk of a list that was taken out to `target`, the last one first, and says how
    /// many there were.
    #[inline]
    pub fn take_chunk(&mut self, slot: &mut Slot, target: &mut [Entry<E>]) -> usize {
        let count = slot.len().min(CHUNK);
        for (place, &entry) in target.iter_mut().zip(self.chunks[slot.first as usize][..count].iter().rev()) {
            *place = entry;
        }
        self.free_first(slot, count);
        count
    }

    /// The events of the first chunk of a list that was taken out, which then need to be gone through one by one, and its
    /// memory be given back with [`Slots::free_first`]. The next chunk comes into the cache in the meantime.
    #[inline]
    pub fn first(&self, slot: &Slot) -> (u32, usize) {
        if let Some(chunk) = self.chunks.get(self.next[slot.first as usize] as usize) {
            prefetch(chunk);
        }
        (slot.first, slot.len().min(CHUNK))
    }

    /// One event of a chunk.
    #[inline(always)]
    pub fn entry(&self, chunk: u32, place: usize) -> Entry<E> {
        self.chunks[chunk as usize][place % CHUNK]
    }

    /// Gives the memory of the first chunk of a list that was taken out back, with so many events.
    #[inline]
    pub fn free_first(&mut self, slot: &mut Slot, count: usize) {
        let next = std::mem::replace(&mut self.next[slot.first as usize], self.free);
        self.free = std::mem::replace(&mut slot.first, next);
        slot.length -= count as u32;
    }

    /// As [`Slots::take_chunk`] for a list of one chunk.
    #[inline]
    pub fn empty_into(&mut self, mut slot: Slot, target: &mut [Entry<E>]) {
        self.take_chunk(&mut slot, target);
        debug_assert!(slot.is_empty(), "there was one chunk");
    }

    /// Gives the memory of a list that was taken out back.
    pub fn free(&mut self, slot: Slot) {
        if !slot.is_empty() {
            self.next[slot.last as usize] = std::mem::replace(&mut self.free, slot.first);
        }
    }
}
