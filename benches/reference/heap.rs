//! The event calendar of the hand-written loops: a 4-ary min-heap of (time, sequence, payload) entries.
//!
//! An entry is one 128-bit integer with the time on top, then the sequence number, then the payload, so that one
//! comparison orders by time and breaks ties in the order of scheduling. The four children of a node share one cache
//! line: the root sits in the last slot of line 0, and the children of the entry at index `i` fill line `i - 2`. Empty
//! slots hold the largest key, so that the smallest of four is found without asking how many there are.

const PAYLOAD_BITS: u32 = 24;
const ROOT: usize = 3;
const EMPTY: u128 = u128::MAX;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u128; 4]);

pub struct Calendar {
    lines: Vec<Line>,
    /// The index after the last entry.
    end: usize,
    /// The sequence number of the next entry, already shifted to its place above the payload.
    sequence: u64,
}

impl Calendar {
    pub fn with_capacity(entries: usize) -> Self {
        let mut lines = Vec::with_capacity(entries / 4 + 2);
        lines.push(Line([EMPTY; 4]));
        Self { lines, end: ROOT, sequence: 0 }
    }

    /// The time and the payload of the earliest entry. The loops never ask an empty calendar.
    #[inline(always)]
    pub fn first(&self) -> (u64, u32) {
        let key = self.lines[0].0[ROOT];
        ((key >> 64) as u64, key as u32 & ((1 << PAYLOAD_BITS) - 1))
    }

    #[inline(always)]
    pub fn push(&mut self, time: u64, payload: u32) {
        let key = self.key(time, payload);
        let mut index = self.end;
        self.end += 1;
        if index / 4 == self.lines.len() {
            self.lines.push(Line([EMPTY; 4]));
        }
        while index > ROOT {
            let parent = index / 4 + 2;
            let above = self.get(parent);
            if above < key {
                break;
            }
            self.set(index, above);
            index = parent;
        }
        self.set(index, key);
    }

    /// Takes the earliest entry out and puts another one in: cheaper than a pop and a push, because one entry moves
    /// down once and none moves up.
    #[inline(always)]
    pub fn replace_first(&mut self, time: u64, payload: u32) {
        let key = self.key(time, payload);
        self.sift_down(key);
    }

    /// Takes the earliest entry out.
    #[inline(always)]
    pub fn remove_first(&mut self) {
        self.end -= 1;
        let last = self.get(self.end);
        self.set(self.end, EMPTY);
        if self.end > ROOT {
            self.sift_down(last);
        }
    }

    #[inline(always)]
    fn sift_down(&mut self, key: u128) {
        let mut index = ROOT;
        while let Some(&Line([first, second, third, fourth])) = self.lines.get(index - 2) {
            let (left, left_slot) = if second < first { (second, 1) } else { (first, 0) };
            let (right, right_slot) = if fourth < third { (fourth, 3) } else { (third, 2) };
            let (least, slot) = if right < left { (right, right_slot) } else { (left, left_slot) };
            if key < least {
                break;
            }
            self.set(index, least);
            index = (index - 2) * 4 + slot;
        }
        self.set(index, key);
    }

    #[inline(always)]
    fn key(&mut self, time: u64, payload: u32) -> u128 {
        debug_assert!(payload < 1 << PAYLOAD_BITS);
        let tie_break = self.sequence | u64::from(payload);
        self.sequence += 1 << PAYLOAD_BITS;
        u128::from(time) << 64 | u128::from(tie_break)
    }

    #[inline(always)]
    fn get(&self, index: usize) -> u128 {
        self.lines[index / 4].0[index % 4]
    }

    #[inline(always)]
    fn set(&mut self, index: usize, key: u128) {
        self.lines[index / 4].0[index % 4] = key;
    }
}
