//! The calendar of pending events: earliest first, and first scheduled first among equal times.
//!
//! Two tiers. The **bottom** is a small array sorted by time from which events are popped. While few events are pending
//! (a queue or two), everything lives there, and nothing beats it. Beyond that, later events wait in a **radix tier**:
//! a hierarchy of slots like a timing wheel's, indexed by the highest group of bits in which an event's time differs
//! from the tier's origin. When the bottom runs dry, the earliest slot is opened: a small slot is sorted into the bottom,
//! a large one is dealt out one level down. Each event moves a bounded number of times through contiguous memory, so
//! the cost per event stays nearly flat from a handful to millions of pending events, where a heap's cache misses grow.
//! Slots are chains of chunks (`slots`), so that what is scheduled goes where something has just been read.
//!
//! References: Ahuja, Mehlhorn, Orlin & Tarjan 1990 (radix heaps); Varghese & Lauck 1987 (hierarchical timing wheels);
//! Tang, Goh & Thng 2005 (ladder queue: sort only what is about to be popped).

mod slots;

use slots::{CHUNK, Slot, Slots};

/// Bits of a time that one level of the radix tier looks at.
const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = (u64::BITS as usize).div_ceil(DIGIT_BITS as usize);
/// A slot with at most this many events is sorted straight into the bottom.
const SORTED_AT_ONCE: usize = CHUNK;
/// A bottom that outgrows this is dealt out to the radix tier.
const BOTTOM_LIMIT: usize = 48;
/// A power of two above the limit, so that a mask keeps an index in bounds.
const BOTTOM_ROOM: usize = 64;
const BOTTOM_MASK: usize = BOTTOM_ROOM - 1;

/// An event and when it happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry<E> {
    /// Nanoseconds since the start of the run.
    pub time_ns: u64,
    pub event: E,
}

/// Pending events in order of time; ties in order of scheduling.
#[derive(Debug)]
pub struct Calendar<E> {
    /// Sorted by descending time, so that the next event is the last one.
    bottom: [Entry<E>; BOTTOM_ROOM],
    bottom_length: usize,
    /// Events before this time belong to the bottom, all others to the radix tier.
    horizon_ns: u64,
    /// The time the radix tier's slots are counted from.
    origin_ns: u64,
    radix: Box<Radix<E>>,
    /// Events of one time, too many for the bottom.
    crowd: Slot,
    /// Events in the radix tier and the crowd.
    far: usize,
    /// When the last event popped happened: nothing earlier is ever scheduled.
    popped_ns: u64,
}

/// Slots by level and digit, with a bit for each slot that holds something.
#[derive(Debug)]
struct Radix<E> {
    levels_occupied: u64,
    slots_occupied: [u64; LEVELS],
    slots: Slots<E>,
}

impl<E: Copy + Default> Default for Calendar<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Copy + Default> Calendar<E> {
    /// A calendar without events.
    pub fn new() -> Self {
        Self {
            bottom: [Entry::default(); BOTTOM_ROOM],
            bottom_length: 0,
            horizon_ns: u64::MAX,
            origin_ns: 0,
            radix: Box::new(Radix {
                levels_occupied: 0,
                slots_occupied: [0; LEVELS],
                slots: Slots::new(LEVELS * SLOTS),
            }),
            crowd: Slot::default(),
            far: 0,
            popped_ns: 0,
        }
    }

    /// Pending events.
    pub fn len(&self) -> usize {
        self.bottom_length + self.far
    }

    /// All pending events, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<E>> {
        let slots = &self.radix.slots;
        self.bottom[..self.bottom_length].iter().chain(slots.held(&self.crowd)).chain(slots.iter())
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Schedules an event at `time_ns`, which must not lie before the last event popped.
    #[inline(always)]
    pub fn push(&mut self, time_ns: u64, event: E) {
        let entry = Entry { time_ns, event };
        if time_ns < self.horizon_ns {
            self.insert_sorted(entry);
        } else {
            self.far += 1;
            self.radix.push(self.origin_ns, entry);
        }
    }

    /// The next event if it happens at or before `limit_ns`.
    #[inline(always)]
    pub fn pop_until(&mut self, limit_ns: u64) -> Option<Entry<E>> {
        if self.bottom_length == 0 && !self.refill() {
            return None;
        }
        let last = self.bottom_length - 1;
        let entry = self.bottom[last & BOTTOM_MASK];
        if entry.time_ns > limit_ns {
            return None;
        }
        self.bottom_length = last;
        self.popped_ns = entry.time_ns;
        Some(entry)
    }

    #[inline(always)]
    fn insert_sorted(&mut self, entry: Entry<E>) {
        let length = self.bottom_length;
        let (sorted, room) = self.bottom.split_at_mut(length);
        let Some(mut hole) = room.first_mut() else { return };
        // The new event goes below all that happen later or were scheduled earlier at the same time. A walk along the
        // places themselves needs no index, and so half the instructions.
        for before in sorted.iter_mut().rev() {
            if before.time_ns > entry.time_ns {
                break;
            }
            *hole = *before;
            hole = before;
        }
        *hole = entry;
        self.bottom_length = length + 1;
        if length >= BOTTOM_LIMIT {
            self.spill();
        }
    }

    /// Deals the later half of a bottom that has grown too large out to the radix tier.
    #[cold]
    #[inline(never)]
    fn spill(&mut self) {
        let length = self.bottom_length;
        let (first_ns, middle_ns) = (self.bottom[length - 1].time_ns, self.bottom[length / 2].time_ns);
        if self.far == 0 {
            // The origin must not lie after any event that is still to be scheduled.
            self.origin_ns = self.popped_ns;
        }
        // Equal times stay together; if half of all events are as early as the first, later ones of that time queue
        // behind those that stay.
        let (keep_before_ns, horizon_ns) =
            if middle_ns > first_ns { (middle_ns, middle_ns) } else { (first_ns + 1, first_ns) };
        let later = self.bottom[..length].partition_point(|entry| entry.time_ns >= keep_before_ns);
        for &entry in self.bottom[..later].iter().rev() {
            self.radix.push(self.origin_ns, entry);
        }
        self.far += later;
        self.bottom.copy_within(later..length, 0);
        self.bottom_length = length - later;
        self.horizon_ns = horizon_ns;
    }

    /// Moves the earliest events of the radix tier to the empty bottom. Returns whether there were any. The origin moves
    /// on to the earliest slot, so nothing may be scheduled until one of these events is popped.
    #[inline(never)]
    fn refill(&mut self) -> bool {
        if !self.crowd.is_empty() {
            self.take_from_crowd();
            return true;
        }
        if self.far <= SORTED_AT_ONCE {
            return self.gather();
        }
        loop {
            let level = self.radix.levels_occupied.trailing_zeros() as usize;
            let digit = self.radix.slots_occupied[level].trailing_zeros() as usize;
            let shift = level as u32 * DIGIT_BITS;
            let above = self.origin_ns >> shift >> DIGIT_BITS << DIGIT_BITS;
            self.origin_ns = (above | digit as u64) << shift;
            self.radix.clear_bit(level, digit);
            let slot = self.radix.slots.take(level * SLOTS + digit);
            if level == 0 {
                // Later events of this one time queue in the slot again, behind those taken out now.
                self.horizon_ns = self.origin_ns;
                self.crowd = slot;
                self.take_from_crowd();
                return true;
            }
            if slot.len() <= SORTED_AT_ONCE {
                self.far -= slot.len();
                self.horizon_ns = self.origin_ns.saturating_add(1 << shift);
                self.bottom_length = slot.len();
                self.radix.slots.empty_into(slot, &mut self.bottom);
                sort_descending(&mut self.bottom[..self.bottom_length]);
                return true;
            }
            self.radix.deal_out(self.origin_ns, slot);
        }
    }

    /// Moves the first events of the crowd to the empty bottom.
    fn take_from_crowd(&mut self) {
        self.bottom_length = self.radix.slots.take_chunk(&mut self.crowd, &mut self.bottom);
        self.far -= self.bottom_length;
    }

    /// Moves the few events left in the radix tier to the bottom, which from then on takes all events again.
    fn gather(&mut self) -> bool {
        self.horizon_ns = u64::MAX;
        let mut count = 0;
        while self.radix.levels_occupied != 0 {
            let level = self.radix.levels_occupied.trailing_zeros() as usize;
            while self.radix.slots_occupied[level] != 0 {
                let digit = self.radix.slots_occupied[level].trailing_zeros() as usize;
                self.radix.clear_bit(level, digit);
                let slot = self.radix.slots.take(level * SLOTS + digit);
                for &entry in self.radix.slots.held(&slot) {
                    self.bottom[count & BOTTOM_MASK] = entry;
                    count += 1;
                }
                self.radix.slots.free(slot);
            }
        }
        self.far = 0;
        self.bottom_length = count;
        // Slots come in ascending order and equal times within one slot, so a reversal keeps ties in order.
        self.bottom[..count].reverse();
        sort_descending(&mut self.bottom[..count]);
        count > 0
    }
}

impl<E: Copy + Default> Radix<E> {
    #[inline(always)]
    fn push(&mut self, origin_ns: u64, entry: Entry<E>) {
        let difference = entry.time_ns ^ origin_ns;
        let level = ((63 - (difference | 1).leading_zeros()) / DIGIT_BITS) as usize;
        let digit = (entry.time_ns >> (level as u32 * DIGIT_BITS)) as usize % SLOTS;
        self.levels_occupied |= 1 << level;
        self.slots_occupied[level] |= 1 << digit;
        self.slots.push(level * SLOTS + digit, entry);
    }

    /// Deals the events of a slot that has been taken out to lower levels.
    fn deal_out(&mut self, origin_ns: u64, mut slot: Slot) {
        while !slot.is_empty() {
            let (chunk, count) = self.slots.first(&slot);
            for place in 0..count {
                self.push(origin_ns, self.slots.entry(chunk, place));
            }
            self.slots.free_first(&mut slot, count);
        }
    }

    #[inline(always)]
    fn clear_bit(&mut self, level: usize, digit: usize) {
        self.slots_occupied[level] &= !(1 << digit);
        if self.slots_occupied[level] == 0 {
            self.levels_occupied &= !(1 << level);
        }
    }
}

/// Stable insertion sort: the arrays are short and often nearly sorted.
fn sort_descending<E: Copy>(entries: &mut [Entry<E>]) {
    for sorted in 1..entries.len() {
        let entry = entries[sorted];
        let mut index = sorted;
        while index > 0 && entries[index - 1].time_ns < entry.time_ns {
            entries[index] = entries[index - 1];
            index -= 1;
        }
        entries[index] = entry;
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;
    use crate::random::{Purpose, Seed};

    /// Holds `pending` events for `steps` pops and compares every pop with a binary heap of `(time, sequence)`.
    fn agrees_with_a_heap(pending: usize, steps: usize, spread_ns: u64, name: &str) {
        let mut stream = Seed::new(1, 0).stream(Purpose::named(name));
        let mut calendar = Calendar::new();
        let mut heap = BinaryHeap::new();
        let mut now = 0;
        for (sequence, step) in (0u64..).zip(0..pending + steps) {
            if step >= pending {
                let entry = calendar.pop_until(u64::MAX).expect("events are pending");
                let Reverse((time, order)) = heap.pop().expect("events are pending");
                assert_eq!((entry.time_ns, entry.event), (time, order));
                now = entry.time_ns;
            }
            // A third of the delays are zero or large, so that ties and high levels are met.
            let delay = match stream.below(6) {
                0 => 0,
                1 => stream.below(spread_ns.saturating_mul(1000)),
                _ => stream.below(spread_ns),
            };
            calendar.push(now + delay, sequence);
            heap.push(Reverse((now + delay, sequence)));
            assert_eq!(calendar.len(), heap.len());
            if sequence % 997 == 0 {
                assert_eq!(calendar.iter().count(), heap.len());
            }
        }
        while let Some(Reverse((time, order))) = heap.pop() {
            let entry = calendar.pop_until(u64::MAX).expect("events are pending");
            assert_eq!((entry.time_ns, entry.event), (time, order));
        }
        assert!(calendar.pop_until(u64::MAX).is_none());
    }

    #[test]
    fn pops_in_the_order_of_time_and_scheduling_for_every_size() {
        for pending in [1, 2, 17, 60, 64, 65, 200, 5_000] {
            for spread_ns in [1, 3, 64, 5_000, 1 << 30] {
                agrees_with_a_heap(pending, 20_000, spread_ns, &format!("{pending}/{spread_ns}"));
            }
        }
    }

    #[test]
    fn an_event_beyond_the_limit_stays() {
        let mut calendar = Calendar::new();
        calendar.push(5, ());
        assert!(calendar.pop_until(4).is_none());
        assert_eq!(calendar.pop_until(5).map(|entry| entry.time_ns), Some(5));
        assert!(calendar.is_empty());
    }

    #[test]
    fn a_crowd_at_one_time_comes_in_the_order_of_scheduling() {
        let mut calendar = Calendar::new();
        for index in 0..1000u64 {
            calendar.push(7, index);
        }
        for index in 0..1500 {
            assert_eq!(calendar.pop_until(7).map(|entry| entry.event), Some(index));
            if index < 500 {
                calendar.push(7, 1000 + index);
            }
            assert_eq!(calendar.len() as u64, if index < 500 { 1000 } else { 1499 - index });
        }
        assert!(calendar.is_empty());
    }

    #[test]
    fn times_at_the_end_of_the_range_are_kept_in_order() {
        let mut calendar = Calendar::new();
        for index in 0..200u64 {
            calendar.push(u64::MAX - 1 - index % 100, index);
        }
        let mut last = 0;
        for _ in 0..200 {
            let entry = calendar.pop_until(u64::MAX).expect("200 events were scheduled");
            assert!(entry.time_ns >= last);
            last = entry.time_ns;
        }
    }
}
