//! What was committed and is not everywhere yet: the records that replicas still have to apply, in order.
//!
//! A record's number is its log sequence number; numbers below [`Log::first`] are applied everywhere and forgotten, so what
//! is kept is as long as the largest lag.

use std::collections::{BTreeMap, VecDeque};

/// A key of a key space.
pub type Key = (u16, u64);

/// One committed write.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// The request that wrote it, for its draws.
    pub request: u64,
    /// When it was in the writer's own log.
    pub committed_ns: u64,
    /// What was written.
    pub key: Option<Key>,
    /// Who wrote it, if somebody reads their own writes.
    pub session: Option<u64>,
}

/// The records that somebody has yet to apply.
#[derive(Clone, Debug, Default)]
pub struct Log {
    first: u64,
    records: VecDeque<Record>,
    /// The last records that were answered, by what was written and by who wrote it; of those that are still here.
    keys: BTreeMap<Key, u64>,
    sessions: BTreeMap<u64, u64>,
}

impl Log {
    /// The number that the next record will have.
    pub fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// A record that is still here.
    pub fn get(&self, number: u64) -> Option<&Record> {
        self.records.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The records from this number on.
    pub fn from(&self, number: u64) -> impl Iterator<Item = &Record> {
        self.records.iter().skip(number.saturating_sub(self.first) as usize)
    }

    /// Adds a record and returns its number.
    pub fn append(&mut self, record: Record) -> u64 {
        self.records.push_back(record);
        self.end() - 1
    }

    /// Whoever wrote this record has been told: from now on a read that does not see it is stale.
    pub fn answered(&mut self, number: u64) {
        let Some(&Record { key, session, .. }) = self.get(number) else { return };
        let raise = |last: &mut u64| *last = number.max(*last);
        if let Some(key) = key {
            self.keys.entry(key).and_modify(raise).or_insert(number);
        }
        if let Some(session) = session {
            self.sessions.entry(session).and_modify(raise).or_insert(number);
        }
    }

    /// Forgets the records below this number.
    pub fn forget_below(&mut self, number: u64) {
        while self.first < number {
            let Some(record) = self.records.pop_front() else { return self.first = number };
            if let Some(key) = record.key
                && self.keys.get(&key) == Some(&self.first)
            {
                self.keys.remove(&key);
            }
            if let Some(session) = record.session
                && self.sessions.get(&session) == Some(&self.first)
            {
                self.sessions.remove(&session);
            }
            self.first += 1;
        }
    }

    /// The records from this number on never were. Returns how many of them had been answered, as far as `was_answered` knows.
    pub fn cut(&mut self, number: u64, was_answered: impl Fn(u64) -> bool) -> u64 {
        let lost = (number..self.end()).filter(|number| was_answered(*number)).count() as u64;
        self.records.truncate(number.saturating_sub(self.first) as usize);
        self.keys.retain(|_, last| *last < number);
        self.sessions.retain(|_, last| *last < number);
        lost
    }

    /// Whether a server that has applied all below `applied` does not see the last write to a key.
    pub fn hides_key(&self, applied: u64, key: Key) -> bool {
        self.keys.get(&key).is_some_and(|last| *last >= applied)
    }

    /// Whether a server that has applied all below `applied` does not see the last write of a session.
    pub fn hides_session(&self, applied: u64, session: u64) -> bool {
        self.sessions.get(&session).is_some_and(|last| *last >= applied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: u64, session: u64) -> Record {
        Record { request: 0, committed_ns: 0, key: Some((0, key)), session: Some(session) }
    }

    #[test]
    fn a_read_is_stale_until_the_last_write_of_its_key_is_applied() {
        let mut log = Log::default();
        for key in [7, 8, 7] {
            let number = log.append(record(key, key));
            log.answered(number);
        }
        assert!(log.hides_key(1, (0, 7)) && log.hides_key(2, (0, 7)) && !log.hides_key(3, (0, 7)));
        assert!(log.hides_key(1, (0, 8)) && !log.hides_key(2, (0, 8)) && !log.hides_key(0, (0, 9)));
    }

    #[test]
    fn what_nobody_was_told_of_hides_from_nobody() {
        let mut log = Log::default();
        let number = log.append(record(1, 1));
        assert!(!log.hides_key(0, (0, 1)));
        log.answered(number);
        assert!(log.hides_key(0, (0, 1)));
    }

    #[test]
    fn what_is_applied_everywhere_takes_no_memory() {
        let mut log = Log::default();
        for key in 0..100 {
            let number = log.append(record(key % 10, key));
            log.answered(number);
        }
        log.forget_below(100);
        assert_eq!((log.end(), log.records.len(), log.keys.len(), log.sessions.len()), (100, 0, 0, 0));
    }

    #[test]
    fn a_cut_takes_back_what_came_after() {
        let mut log = Log::default();
        for key in 0..5 {
            let number = log.append(record(key, key));
            if number != 4 {
                log.answered(number);
            }
        }
        assert_eq!(log.cut(2, |number| number != 4), 2);
        assert_eq!(log.end(), 2);
        assert!(!log.hides_key(0, (0, 3)) && log.hides_key(0, (0, 1)));
    }
}
