//! Writes that were answered and are still to be made.

use std::collections::BTreeMap;

use crate::engine::visit::Identity;

/// A write that waits.
#[derive(Clone, Copy, Debug)]
pub struct Write {
    pub key: u64,
    pub identity: Identity,
    /// The operation that makes it.
    pub operation: u16,
    pub since_ns: u64,
}

/// All of a cache, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct WriteBehind {
    waiting: BTreeMap<u64, Write>,
    by_key: BTreeMap<u64, u64>,
    /// Writes that were asked for; of these, those that went into one that was waiting; and those that were lost.
    pub asked: u64,
    pub coalesced: u64,
    pub lost: u64,
    made: u64,
}

impl WriteBehind {
    /// One more write. Returns its number, unless one to the same key waits already, which it becomes part of.
    pub fn push(&mut self, write: Write) -> Option<u64> {
        self.asked += 1;
        if let Some(number) = self.by_key.get(&write.key) {
            self.coalesced += 1;
            if let Some(waiting) = self.waiting.get_mut(number) {
                waiting.identity = write.identity;
            }
            return None;
        }
        let number = self.asked;
        self.by_key.insert(write.key, number);
        self.waiting.insert(number, write);
        Some(number)
    }

    /// The time of a write has come, if it was not lost.
    pub fn take(&mut self, number: u64) -> Option<Write> {
        let write = self.waiting.remove(&number)?;
        self.by_key.remove(&write.key);
        self.made += 1;
        Some(write)
    }

    /// What came after this moment is lost.
    pub fn lose_since(&mut self, since_ns: u64) {
        let before = self.waiting.len();
        self.waiting.retain(|_, write| write.since_ns < since_ns);
        let waiting = &self.waiting;
        self.by_key.retain(|_, number| waiting.contains_key(number));
        self.lost += (before - self.waiting.len()) as u64;
    }

    /// Checks that every write was made, went into another, was lost or waits.
    pub fn audit(&self) -> Result<(), String> {
        let known = self.made + self.coalesced + self.lost + self.waiting.len() as u64;
        if self.asked != known || self.waiting.len() != self.by_key.len() {
            return Err(format!("{} writes were asked for, but {known} are known", self.asked));
        }
        Ok(())
    }
}
