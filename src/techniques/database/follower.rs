//! A replica as its log has it: what it has received, what it applies, and what its reads see.

use std::collections::BTreeSet;

/// Applies the writer's records in order.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Tells messages to an earlier server at this place, or of an earlier writer, apart.
    pub epoch: u16,
    /// The first record that it has not received.
    pub received: u64,
    /// The first record that no worker of it has taken up.
    pub taken: u64,
    /// The first record that its reads do not see.
    pub applied: u64,
    /// Records beyond that which other workers have ended already.
    ahead: BTreeSet<u64>,
    /// Workers that have nothing to do.
    pub idle: Vec<u32>,
    /// Whether its workers are there.
    pub applies: bool,
    /// It takes reads from when it has applied all below this.
    pub serves_from: u64,
    pub is_serving: bool,
    /// When the last message to it arrives, and the last one from it: connections keep the order.
    pub last_to_ns: u64,
    pub last_from_ns: u64,
}

impl Follower {
    /// A server that has the data of all records below `number`.
    pub fn new(epoch: u16, number: u64) -> Self {
        Self {
            epoch,
            received: number,
            taken: number,
            applied: number,
            ahead: BTreeSet::new(),
            idle: Vec::new(),
            applies: false,
            serves_from: number,
            is_serving: false,
            last_to_ns: 0,
            last_from_ns: 0,
        }
    }

    /// The next record for a worker, if one is here.
    pub fn take(&mut self) -> Option<u64> {
        if self.taken >= self.received {
            return None;
        }
        self.taken += 1;
        Some(self.taken - 1)
    }

    /// A worker has ended a record. Returns the records that reads see from now on.
    pub fn end(&mut self, number: u64) -> std::ops::Range<u64> {
        let before = self.applied;
        if number != before {
            self.ahead.insert(number);
            return before..before;
        }
        self.applied += 1;
        while self.ahead.remove(&self.applied) {
            self.applied += 1;
        }
        before..self.applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_see_records_in_order_however_many_workers_apply_them() {
        let mut follower = Follower::new(0, 10);
        follower.received = 13;
        assert_eq!(
            [follower.take(), follower.take(), follower.take(), follower.take()],
            [Some(10), Some(11), Some(12), None]
        );
        assert_eq!(follower.end(11), 10..10);
        assert_eq!(follower.end(10), 10..12);
        assert_eq!(follower.end(12), 12..13);
        assert!(follower.ahead.is_empty());
    }
}
