//! Locks of rows: a write holds that of its row until its commit, and others of the same row wait in order. A statement
//! holds one lock, so nobody waits in a circle.

use std::collections::{BTreeMap, VecDeque};

use crate::techniques::database::log::Key;

/// The rows that are locked, and who waits for each.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    held: BTreeMap<Key, VecDeque<(u64, u64)>>,
    /// Locks asked for, and the time that was waited for them.
    asked: u64,
    waited_ns: u128,
}

impl Locks {
    /// A visit asks for a row. Returns whether it has it at once.
    pub fn ask(&mut self, now_ns: u64, key: Key, visit: u64) -> bool {
        self.asked += 1;
        if let Some(waiting) = self.held.get_mut(&key) {
            waiting.push_back((visit, now_ns));
            return false;
        }
        self.held.insert(key, VecDeque::new());
        true
    }

    /// A row is free. Returns who has it next.
    pub fn release(&mut self, now_ns: u64, key: Key) -> Option<u64> {
        let waiting = self.held.get_mut(&key)?;
        let Some((visit, since_ns)) = waiting.pop_front() else {
            self.held.remove(&key);
            return None;
        };
        self.waited_ns += u128::from(now_ns - since_ns);
        Some(visit)
    }

    /// Whoever held or waited is gone.
    pub fn clear(&mut self) {
        self.held.clear();
    }

    /// Locks asked for, and nanoseconds waited.
    pub fn waits(&self) -> (u64, u128) {
        (self.asked, self.waited_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_from_one_to_the_next_in_order() {
        let (mut locks, row, other) = (Locks::default(), (0, 7), (0, 8));
        assert!(locks.ask(0, row, 1) && locks.ask(0, other, 2));
        assert!(!locks.ask(1, row, 3) && !locks.ask(2, row, 4));
        assert_eq!(locks.release(10, row), Some(3));
        assert_eq!(locks.release(20, row), Some(4));
        assert_eq!((locks.release(30, row), locks.release(30, row)), (None, None));
        assert_eq!(locks.waits(), (4, 9 + 18));
        assert!(locks.ask(40, row, 5));
    }
}
