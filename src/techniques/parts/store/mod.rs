//! What a cache keeps: entries found by key, a limit on their sizes, and a policy that says which of them goes.
//!
//! ```text
//! get(key):  not there -> miss; expired -> forget it, miss; else tell the policy that it was used, hit
//! set(key):  until it fits, ask the policy for an entry that goes; keep the new one
//! ```
//!
//! Sizes are in whatever unit the limit is: bytes, or 1 for each entry. An entry takes 32 bytes and its place in the index about
//! 13, so that ten million of them fit into half a gigabyte. One file per policy, each of which opens with its pseudocode.

mod arc;
mod clock;
mod eviction;
mod expiry;
mod fifo;
mod index;
mod lfu;
mod list;
mod lru;
mod policy;
mod s3_fifo;
mod sampled;
mod sieve;
mod slab;

pub use eviction::{Eviction, Sampling};
pub use expiry::Cycle;

use crate::random::Stream;
use index::Index;
use policy::{Policy, Victim};
use slab::{Entry, Slab};

/// The time of expiry of what never expires.
pub const NEVER: u64 = u64::MAX;

/// What a lookup found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    Hit {
        /// Until it expires.
        left_ns: u64,
    },
    /// It was there, and has just been forgotten.
    Expired,
    Miss,
}

/// What became of an entry that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is there, and so many others went for it.
    Kept { evicted: u32 },
    /// It does not fit, and nothing may go; so many went before that was found.
    Full { evicted: u32 },
    /// It is larger than all the room there is.
    TooLarge,
}

/// Entries by key.
#[derive(Clone, Debug)]
pub struct Store {
    slab: Slab,
    index: Index,
    policy: Policy,
    room: u64,
    used: u64,
    /// Entries that are there, without those of which only the key is remembered.
    entries: u32,
    /// Where the next round of active expiry begins.
    cursor: u32,
}

impl Store {
    /// An empty store for entries whose sizes add up to `room` at most.
    pub fn new(room: u64, eviction: Eviction, sampling: Sampling) -> Self {
        Self {
            slab: Slab::default(),
            index: Index::default(),
            policy: Policy::new(eviction, room, sampling),
            room,
            used: 0,
            entries: 0,
            cursor: 0,
        }
    }

    /// Gives the policies that draw lots their stream.
    pub fn seed(&mut self, stream: Stream) {
        if let Policy::Sampled(sampled) = &mut self.policy {
            sampled.seed(stream);
        }
    }

    /// Entries that are there, expired ones included that nobody has asked for.
    pub fn len(&self) -> u32 {
        self.entries
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The sizes of all entries.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// What their sizes may add up to.
    pub fn room(&self) -> u64 {
        self.room
    }

    /// Bytes of memory that the simulation uses for it.
    pub fn memory_bytes(&self) -> usize {
        self.slab.memory_bytes() + self.index.memory_bytes()
    }

    fn find(&self, key: u64) -> Option<u32> {
        self.index.find(key, &self.slab)
    }

    /// Looks an entry up, which counts as a use of it.
    #[inline]
    pub fn get(&mut self, key: u64, now_ns: u64) -> Lookup {
        let Some(slot) = self.find(key) else { return Lookup::Miss };
        let entry = self.slab.entry(slot);
        if entry.is_ghost() {
            return Lookup::Miss;
        }
        if entry.expires_ns <= now_ns {
            self.forget(slot);
            return Lookup::Expired;
        }
        let left_ns = entry.expires_ns - now_ns;
        self.policy.used(&mut self.slab, slot, now_ns);
        Lookup::Hit { left_ns }
    }

    /// Whether an entry is there that has not expired; no use of it.
    pub fn contains(&self, key: u64, now_ns: u64) -> bool {
        self.find(key).is_some_and(|slot| {
            let entry = self.slab.entry(slot);
            !entry.is_ghost() && entry.expires_ns > now_ns
        })
    }

    /// Keeps an entry until `expires_ns`, in the place of an earlier one of the same key.
    pub fn set(&mut self, key: u64, size: u32, expires_ns: u64, now_ns: u64) -> Stored {
        let found = self.find(key);
        let resident = found.filter(|&slot| !self.slab.entry(slot).is_ghost());
        if u64::from(size) > self.room {
            if let Some(slot) = resident {
                self.forget(slot);
            }
            return Stored::TooLarge;
        }
        match resident {
            Some(slot) => self.overwrite(slot, size, expires_ns, now_ns),
            None => self.insert(key, found, size, expires_ns, now_ns),
        }
    }

    fn overwrite(&mut self, slot: u32, size: u32, expires_ns: u64, now_ns: u64) -> Stored {
        let before = self.slab.entry(slot).size;
        if size != before {
            self.policy.resize(&self.slab, slot, before, size);
            self.used = self.used - u64::from(before) + u64::from(size);
            self.slab.entry_mut(slot).size = size;
        }
        let may_expire = self.slab.entry(slot).may_expire();
        self.slab.entry_mut(slot).expires_ns = expires_ns;
        if may_expire != (expires_ns != NEVER) {
            self.policy.expiry_changed(&mut self.slab, slot);
        }
        self.policy.used(&mut self.slab, slot, now_ns);
        match self.make_room(0, now_ns) {
            Ok(evicted) => Stored::Kept { evicted },
            Err(evicted) => {
                // It has grown, and nothing else may go.
                if let Some(slot) = self.find(self.slab.entry(slot).key) {
                    self.forget(slot);
                }
                Stored::Full { evicted }
            }
        }
    }

    fn insert(&mut self, key: u64, ghost: Option<u32>, size: u32, expires_ns: u64, now_ns: u64) -> Stored {
        if let Some(ghost) = ghost {
            self.policy.returns(&mut self.slab, ghost, size);
            self.remove_slot(ghost);
        }
        let evicted = match self.make_room(u64::from(size), now_ns) {
            Ok(evicted) => evicted,
            Err(evicted) => return Stored::Full { evicted },
        };
        let slot = self.slab.insert(Entry::new(key, size, expires_ns));
        self.index.insert(slot, &self.slab);
        self.used += u64::from(size);
        self.entries += 1;
        self.policy.inserted(&mut self.slab, slot, ghost.is_some(), now_ns);
        while let Some(ghost) = self.policy.surplus_ghost(&mut self.slab) {
            self.remove_slot(ghost);
        }
        Stored::Kept { evicted }
    }

    /// Lets entries go until so much more fits; how many went, as an error if that is not enough.
    #[inline]
    fn make_room(&mut self, size: u64, now_ns: u64) -> Result<u32, u32> {
        let mut evicted = 0;
        while self.used + size > self.room {
            let Some(victim) = self.policy.victim(&mut self.slab, &self.index, now_ns) else { return Err(evicted) };
            let (Victim::Gone(slot) | Victim::Ghost(slot)) = victim;
            self.used -= u64::from(self.slab.entry(slot).size);
            self.entries -= 1;
            evicted += 1;
            match victim {
                Victim::Gone(slot) => self.remove_slot(slot),
                Victim::Ghost(slot) => self.slab.entry_mut(slot).become_ghost(),
            }
        }
        Ok(evicted)
    }

    /// Forgets an entry. Returns whether it was there.
    pub fn remove(&mut self, key: u64) -> bool {
        match self.find(key).filter(|&slot| !self.slab.entry(slot).is_ghost()) {
            Some(slot) => {
                self.forget(slot);
                true
            }
            None => false,
        }
    }

    /// Forgets everything, as a process does that ends.
    pub fn clear(&mut self) {
        self.slab = Slab::default();
        self.index = Index::default();
        self.policy.clear();
        (self.used, self.entries, self.cursor) = (0, 0, 0);
    }

    fn forget(&mut self, slot: u32) {
        self.policy.removed(&mut self.slab, slot);
        self.used -= u64::from(self.slab.entry(slot).size);
        self.entries -= 1;
        self.remove_slot(slot);
    }

    fn remove_slot(&mut self, slot: u32) {
        self.index.remove(slot, &self.slab);
        self.slab.remove(slot);
    }

    /// Checks that what is counted is what is there.
    pub fn audit(&self) -> Result<(), String> {
        let live = || self.slab.live().map(|slot| (slot, self.slab.entry(slot)));
        let residents = live().filter(|(_, entry)| !entry.is_ghost());
        let (entries, used) =
            residents.fold((0, 0), |(entries, used), (_, entry)| (entries + 1, used + u64::from(entry.size)));
        if (entries, used) != (self.entries, self.used) {
            return Err(format!("{entries} entries of {used}, but {} of {} counted", self.entries, self.used));
        }
        if used > self.room {
            return Err(format!("{used} used in a cache with room for {}", self.room));
        }
        let all = live().count();
        if all != self.index.len() || live().any(|(slot, entry)| self.find(entry.key) != Some(slot)) {
            return Err(format!("{all} keys are kept, but the index finds others"));
        }
        match self.policy.members() {
            Some(members) if members != all => Err(format!("{all} keys are kept, but the policy knows {members}")),
            _ => Ok(()),
        }
    }
}
