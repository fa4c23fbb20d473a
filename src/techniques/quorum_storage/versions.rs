//! Which copy has which write of which key.

use std::collections::BTreeMap;

/// Writes in the order in which they began. Only keys of which some copy lacks the newest write are remembered.
#[derive(Clone, Debug)]
pub struct Versions {
    entries: BTreeMap<u64, Entry>,
    last: u64,
    copies: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    /// The newest write that has begun, and the newest that was acknowledged.
    begun: u64,
    acknowledged: u64,
    /// The newest write that each copy has.
    held: Box<[u64]>,
}

impl Versions {
    /// All copies have everything.
    pub fn new(copies: u16) -> Self {
        Self { entries: BTreeMap::new(), last: 0, copies: usize::from(copies) }
    }

    /// A write begins. Returns its number.
    pub fn begin(&mut self, key: u64) -> u64 {
        let before = self.last;
        self.last += 1;
        let copies = self.copies;
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            begun: before,
            acknowledged: before,
            held: vec![before; copies].into(),
        });
        entry.begun = self.last;
        self.last
    }

    /// A copy has a write.
    pub fn apply(&mut self, key: u64, copy: u16, write: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let held = &mut entry.held[usize::from(copy)];
        *held = (*held).max(write);
        if entry.is_everywhere() {
            self.entries.remove(&key);
        }
    }

    /// A write is acknowledged.
    pub fn acknowledge(&mut self, key: u64, write: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.acknowledged = entry.acknowledged.max(write);
        }
    }

    /// The newest write of a key that is acknowledged; 0 if every copy has it.
    pub fn acknowledged(&self, key: u64) -> u64 {
        self.entries.get(&key).map_or(0, |entry| entry.acknowledged)
    }

    /// The newest write of a key that a copy has: more than any number if all have the same.
    pub fn held(&self, key: u64, copy: u16) -> u64 {
        self.entries.get(&key).map_or(u64::MAX, |entry| entry.held[usize::from(copy)])
    }

    /// Whether a copy has every acknowledged write of a key.
    pub fn is_complete(&self, key: u64, copy: u16) -> bool {
        self.entries.get(&key).is_none_or(|entry| entry.held[usize::from(copy)] >= entry.acknowledged)
    }

    /// A copy has fetched whatever these others have.
    pub fn catch_up(&mut self, copy: u16, others: &[u16]) {
        self.entries.retain(|_, entry| {
            let newest = others.iter().map(|other| entry.held[usize::from(*other)]).max().unwrap_or(0);
            let held = &mut entry.held[usize::from(copy)];
            *held = (*held).max(newest);
            !entry.is_everywhere()
        });
    }
}

impl Entry {
    fn is_everywhere(&self) -> bool {
        self.held.iter().all(|held| *held >= self.begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_every_copy_has_alike_are_forgotten() {
        let mut versions = Versions::new(3);
        let first = versions.begin(7);
        versions.apply(7, 0, first);
        assert_eq!((versions.acknowledged(7), versions.is_complete(7, 1)), (0, true));
        versions.acknowledge(7, first);
        assert_eq!((versions.held(7, 0), versions.is_complete(7, 0), versions.is_complete(7, 1)), (1, true, false));
        versions.apply(7, 1, first);
        versions.apply(7, 2, first);
        assert_eq!((versions.held(7, 2), versions.entries.len()), (u64::MAX, 0));
    }

    #[test]
    fn a_later_write_wins_whatever_order_they_come_in() {
        let mut versions = Versions::new(2);
        let (first, second) = (versions.begin(1), versions.begin(1));
        versions.apply(1, 0, second);
        versions.apply(1, 0, first);
        assert_eq!(versions.held(1, 0), second);
        versions.catch_up(1, &[0]);
        assert_eq!(versions.held(1, 1), u64::MAX);
    }
}
