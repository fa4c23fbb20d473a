//! Several writers that do not ask each other: who has written what lately, and whether the others can know.

use std::collections::BTreeMap;

use crate::distribution::Sampler;
use crate::random::Purpose;

/// The last write of each key.
#[derive(Clone, Debug)]
pub struct Writers {
    pub count: u64,
    /// From a write's acknowledgement until the other writers know of it.
    pub lag: Option<(Sampler, Purpose)>,
    /// Times that a refused write is tried again.
    pub retries: u32,
    last: BTreeMap<u64, Last>,
    pub conflicts: u64,
    pub writes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    writer: u64,
    in_progress: u32,
    known_ns: u64,
}

impl Writers {
    /// So many, none of which has written yet.
    pub fn new(count: u32, lag: Option<(Sampler, Purpose)>, retries: u32) -> Self {
        Self { count: u64::from(count), lag, retries, last: BTreeMap::new(), conflicts: 0, writes: 0 }
    }

    /// A writer writes a key. Returns whether that is refused, because it does not know of the last write of another.
    pub fn begin(&mut self, now_ns: u64, key: u64, writer: u64) -> bool {
        self.writes += 1;
        let last = self.last.entry(key).or_insert(Last { writer, in_progress: 0, known_ns: 0 });
        if last.writer != writer {
            if last.in_progress > 0 || now_ns < last.known_ns {
                self.conflicts += 1;
                return true;
            }
            last.writer = writer;
        }
        last.in_progress += 1;
        false
    }

    /// A write that was not refused has ended, and others know of it from then on.
    pub fn end(&mut self, key: u64, known_ns: u64) {
        if let Some(last) = self.last.get_mut(&key) {
            last.in_progress -= 1;
            last.known_ns = last.known_ns.max(known_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_refused_until_its_writer_knows_of_the_last_one() {
        let mut writers = Writers::new(2, None, 0);
        assert!(!writers.begin(0, 5, 0));
        assert!(writers.begin(1, 5, 1));
        assert!(!writers.begin(1, 5, 0));
        assert!(!writers.begin(1, 6, 1));
        writers.end(5, 10);
        assert!(writers.begin(9, 5, 1), "another write of the first writer is in progress");
        writers.end(5, 12);
        assert!(writers.begin(11, 5, 1));
        assert!(!writers.begin(12, 5, 1));
        assert_eq!((writers.conflicts, writers.writes), (3, 7));
    }
}
