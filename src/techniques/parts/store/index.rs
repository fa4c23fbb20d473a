//! Finds entries by key: a table with linear probing whose places hold 32 bits of a key's hash and the place of its entry.
//!
//! The hash says where an entry should stand, so that the table can be repaired and grown without looking at the entries.

use crate::techniques::parts::store::slab::Slab;

const EMPTY: u64 = u64::MAX;
const SMALLEST: usize = 16;

#[derive(Clone, Debug)]
pub struct Index {
    /// The hash in the upper half, the entry's place in the lower one.
    places: Vec<u64>,
    /// By how much a hash is shifted to give a place.
    shift: u32,
    len: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self::with_places(SMALLEST)
    }
}

/// Multiplicative hashing with the golden ratio (Knuth, The Art of Computer Programming 3, 6.4).
#[inline(always)]
fn hash(key: u64) -> u32 {
    ((key ^ (key >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

impl Index {
    fn with_places(places: usize) -> Self {
        Self { places: vec![EMPTY; places], shift: 32 - places.trailing_zeros(), len: 0 }
    }

    /// Keys in it.
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn home(&self, hash: u32) -> usize {
        (hash >> self.shift) as usize
    }

    #[inline(always)]
    fn next(&self, place: usize) -> usize {
        (place + 1) & (self.places.len() - 1)
    }

    #[inline(always)]
    pub fn find(&self, key: u64, slab: &Slab) -> Option<u32> {
        let hash = hash(key);
        let mut place = self.home(hash);
        loop {
            let word = self.places[place];
            if word == EMPTY {
                return None;
            }
            if (word >> 32) as u32 == hash && slab.entry(word as u32).key == key {
                return Some(word as u32);
            }
            place = self.next(place);
        }
    }

    /// Adds an entry whose key is not there.
    pub fn insert(&mut self, slot: u32, slab: &Slab) {
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        self.put(u64::from(hash(slab.entry(slot).key)) << 32 | u64::from(slot));
        self.len += 1;
    }

    fn put(&mut self, word: u64) {
        let mut place = self.home((word >> 32) as u32);
        while self.places[place] != EMPTY {
            place = self.next(place);
        }
        self.places[place] = word;
    }

    #[cold]
    fn grow(&mut self) {
        let mut larger = Self::with_places(self.places.len() * 2);
        self.places.iter().filter(|word| **word != EMPTY).for_each(|word| larger.put(*word));
        *self = Self { len: self.len, ..larger };
    }

    /// Takes an entry out whose key is there, and moves those up that probed past it.
    pub fn remove(&mut self, slot: u32, slab: &Slab) {
        let word = u64::from(hash(slab.entry(slot).key)) << 32 | u64::from(slot);
        let mut hole = self.home((word >> 32) as u32);
        while self.places[hole] != word {
            hole = self.next(hole);
        }
        let mask = self.places.len() - 1;
        let mut place = self.next(hole);
        while self.places[place] != EMPTY {
            let home = self.home((self.places[place] >> 32) as u32);
            // It may move up unless that would put it before where it should stand.
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(hole) & mask {
                self.places[hole] = self.places[place];
                hole = place;
            }
            place = self.next(place);
        }
        self.places[hole] = EMPTY;
        self.len -= 1;
    }

    pub fn memory_bytes(&self) -> usize {
        self.places.len() * size_of::<u64>()
    }
}
