//! Three queues: a small one in which most entries die that are used once, a main one, and the keys of those that died in the
//! small one (Yang et al., SOSP 2023).
//!
//! ```text
//! inserted(entry):  its key is remembered, or small is full and nothing ever had to go: into main; else into small; count 0
//! used(entry):      count + 1
//! victim():         main is larger than nine tenths, or small is empty: from main, else from small
//!   from small:     the oldest; count >= 2: into main, and go on; else it goes, and its key is remembered
//!   from main:      the oldest; count >= 1: put at the newest end with min(count, 3) - 1, and go on; else it goes
//! remembered:       as many as main has room for
//! ```

use crate::techniques::parts::store::list::List;
use crate::techniques::parts::store::policy::Victim;
use crate::techniques::parts::store::slab::Slab;

/// Of the room, for entries that are new.
const SMALL_SHARE: f64 = 0.1;
/// Uses in the small queue that make an entry worth keeping.
const WORTH_KEEPING: u32 = 2;
/// Uses that count in the main queue.
const MOST_USES: u32 = 3;

const IN_MAIN: u32 = 1 << 29;
const COUNT: u32 = IN_MAIN - 1;

#[derive(Clone, Debug)]
pub struct S3Fifo {
    small: List,
    main: List,
    remembered: List,
    small_room: u64,
    main_room: u64,
    has_evicted: bool,
}

impl S3Fifo {
    pub fn new(room: u64) -> Self {
        let small_room = (room as f64 * SMALL_SHARE) as u64;
        Self {
            small: List::default(),
            main: List::default(),
            remembered: List::default(),
            small_room,
            main_room: room - small_room,
            has_evicted: false,
        }
    }

    pub fn clear(&mut self) {
        *self = Self::new(self.small_room + self.main_room);
    }

    #[inline]
    pub fn used(slab: &mut Slab, slot: u32) {
        let entry = slab.entry_mut(slot);
        let mark = entry.mark();
        // Beyond that no rule asks how often.
        if mark & COUNT <= MOST_USES {
            entry.set_mark(mark + 1);
        }
    }

    pub fn inserted(&mut self, slab: &mut Slab, slot: u32, is_remembered: bool) {
        let fits = u64::from(slab.entry(slot).size) <= self.small_room;
        if is_remembered || !fits || (!self.has_evicted && self.small.size >= self.small_room) {
            slab.entry_mut(slot).set_mark(IN_MAIN);
            self.main.push_newest(slab, slot);
        } else {
            slab.entry_mut(slot).set_mark(0);
            self.small.push_newest(slab, slot);
        }
    }

    fn queue_of(&mut self, slab: &Slab, slot: u32) -> &mut List {
        let entry = slab.entry(slot);
        match (entry.is_ghost(), entry.mark() & IN_MAIN != 0) {
            (true, _) => &mut self.remembered,
            (false, true) => &mut self.main,
            (false, false) => &mut self.small,
        }
    }

    pub fn removed(&mut self, slab: &mut Slab, slot: u32) {
        self.queue_of(slab, slot).unlink(slab, slot);
    }

    pub fn resize(&mut self, slab: &Slab, slot: u32, before: u32, after: u32) {
        self.queue_of(slab, slot).resize(before, after);
    }

    pub fn victim(&mut self, slab: &mut Slab) -> Option<Victim> {
        self.has_evicted = true;
        if self.main.size <= self.main_room
            && let Some(slot) = self.evict_from_small(slab)
        {
            self.remembered.push_newest(slab, slot);
            return Some(Victim::Ghost(slot));
        }
        self.evict_from_main(slab).map(Victim::Gone)
    }

    fn evict_from_small(&mut self, slab: &mut Slab) -> Option<u32> {
        loop {
            let slot = self.small.pop_oldest(slab)?;
            if slab.entry(slot).mark() < WORTH_KEEPING {
                return Some(slot);
            }
            slab.entry_mut(slot).set_mark(IN_MAIN);
            self.main.push_newest(slab, slot);
        }
    }

    fn evict_from_main(&mut self, slab: &mut Slab) -> Option<u32> {
        loop {
            let slot = self.main.pop_oldest(slab)?;
            let count = slab.entry(slot).mark() & COUNT;
            if count == 0 {
                return Some(slot);
            }
            slab.entry_mut(slot).set_mark(IN_MAIN | (count.min(MOST_USES) - 1));
            self.main.push_newest(slab, slot);
        }
    }

    pub fn surplus_ghost(&mut self, slab: &mut Slab) -> Option<u32> {
        if self.remembered.size > self.main_room { self.remembered.pop_oldest(slab) } else { None }
    }

    pub fn len(&self) -> usize {
        (self.small.len + self.main.len + self.remembered.len) as usize
    }
}
