//! Latencies by the million in a few kilobytes.

use crate::processor::prefetch;
use crate::statistics::total::Total;

/// 128 cells per power of two: a quantile is within 0.78% of its cell, and within 0.4% in practice.
const GROUPING_POWER: u8 = 7;

/// Cells of one power of two.
const GROUP: usize = 1 << GROUPING_POWER;

/// Up to 2^56 ns, 2.3 years, are told apart.
const MAX_VALUE_POWER: u8 = 56;

const LARGEST_NS: u64 = (1 << MAX_VALUE_POWER) - 1;

const CELLS: usize = cell_index(LARGEST_NS) + 1;

/// Powers of two above a value that made cells necessary for which cells are made too, so that few values make more
/// necessary: most laws have their first value within a factor of eight of nearly all others.
const GROUPS_AHEAD: usize = 3;

/// What a narrow cell that runs over hands to its wide one.
const CARRY: u64 = 1 << u8::BITS;

/// A histogram of durations with logarithmic cells, an exact sum, and exact extremes.
///
/// Many stations are many histograms, which should all find room in the processor's caches. So a cell is a byte that hands
/// what it cannot hold to a wide cell, and there are cells only for the powers of two up to the largest value so far: about
/// 2 KiB for latencies of milliseconds, eight times as much for the wide cells of a station with many visits, and no memory
/// at all before the first value. Merging is integer addition, so the order of merging does not matter.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    /// Counts by cell, modulo 256.
    narrow: Box<[u8]>,
    count: u64,
    sum_ns: Total,
    min_ns: u64,
    max_ns: u64,
    rare: Option<Box<Rare>>,
}

/// What few values of a histogram come to.
#[derive(Clone, Debug, Default)]
struct Rare {
    /// Multiples of 256 by cell; as long as `narrow`, or shorter.
    wide: Vec<u64>,
    overflow: u64,
}

const _: () = assert!(size_of::<LatencyHistogram>() == 64, "a histogram but for its cells is as large as a cache line");

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { narrow: Box::default(), count: 0, sum_ns: Total::default(), min_ns: u64::MAX, max_ns: 0, rare: None }
    }
}

impl LatencyHistogram {
    /// Adds one duration. Durations above 2.3 years go to the last cell and are counted by [`Self::overflow`].
    #[inline(always)]
    pub fn record(&mut self, ns: u64) {
        self.count += 1;
        self.sum_ns.add(u128::from(ns));
        // Extremes are rare, so that branches cost less here than conditional moves and stores.
        if ns > self.max_ns {
            self.max_ns = ns;
        }
        if ns < self.min_ns {
            self.min_ns = ns;
        }
        // The check of the bounds tells all exceptions from the common case: no memory yet, a value beyond the range.
        match self.narrow.get_mut(cell_index(ns)) {
            Some(cell) if *cell < u8::MAX => *cell += 1,
            _ => self.record_exception(ns),
        }
    }

    /// A hint: this duration will soon be added.
    #[inline(always)]
    pub fn expect(&self, ns: u64) {
        if let Some(cell) = self.narrow.get(cell_index(ns)) {
            prefetch(cell);
        }
    }

    /// A value of a power of two that had none so far, a value beyond the range, or one too many for a narrow cell.
    #[cold]
    #[inline(never)]
    fn record_exception(&mut self, ns: u64) {
        if ns > LARGEST_NS {
            self.rare.get_or_insert_default().overflow += 1;
        }
        let index = cell_index(ns).min(CELLS - 1);
        if index >= self.narrow.len() {
            self.grow_to((index / GROUP + 1 + GROUPS_AHEAD) * GROUP);
        }
        self.add_to_cell(index, 1);
    }

    /// Makes sure that there are this many cells, or all.
    fn grow_to(&mut self, cells: usize) {
        let cells = cells.min(CELLS);
        if cells > self.narrow.len() {
            let mut narrow = Vec::with_capacity(cells);
            narrow.extend_from_slice(&self.narrow);
            narrow.resize(cells, 0);
            self.narrow = narrow.into_boxed_slice();
        }
    }

    fn add_to_cell(&mut self, index: usize, count: u64) {
        let held = u64::from(self.narrow[index]) + count;
        self.narrow[index] = held as u8;
        if held >= CARRY {
            self.add_to_wide(index, held & !(CARRY - 1));
        }
    }

    fn add_to_wide(&mut self, index: usize, count: u64) {
        let wide = &mut self.rare.get_or_insert_default().wide;
        if index >= wide.len() {
            wide.resize(self.narrow.len(), 0);
        }
        wide[index] += count;
    }

    /// Adds all that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.grow_to(other.narrow.len());
        for (index, &count) in other.narrow.iter().enumerate().filter(|&(_, &count)| count > 0) {
            self.add_to_cell(index, u64::from(count));
        }
        if let Some(rare) = &other.rare {
            for (index, &count) in rare.wide.iter().enumerate().filter(|&(_, &count)| count > 0) {
                self.add_to_wide(index, count);
            }
            self.rare.get_or_insert_default().overflow += rare.overflow;
        }
        self.count += other.count;
        self.sum_ns.add(other.sum_ns.get());
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// The histogram so far; an empty one takes its place.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many durations were above 2.3 years.
    #[must_use]
    pub fn overflow(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.overflow)
    }

    /// The exact sum of all durations.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns.get()
    }

    /// The exact mean, or `None` if empty.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns.get() as f64 / self.count as f64)
    }

    /// The exact smallest duration, or `None` if empty.
    #[must_use]
    pub fn min_ns(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min_ns)
    }

    /// The exact largest duration, or `None` if empty.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_ns)
    }

    /// The duration below which the share `quantile` lies, in nanoseconds; `None` if empty or if `quantile` is not
    /// between 0 and 1.
    ///
    /// Inside a cell the values are taken to be spread evenly: the answer is interpolated between the cell's bounds by
    /// the share of the cell's count that lies below. A cell's bound alone would be biased by half a cell, 0.4%. The
    /// exact extremes bound the outermost cells, so a constant comes out exactly.
    #[must_use]
    pub fn quantile_ns(&self, quantile: f64) -> Option<f64> {
        if self.count == 0 || !(0.0..=1.0).contains(&quantile) {
            return None;
        }
        let wanted = quantile * self.count as f64;
        let mut below = 0u64;
        for cell in self.cells() {
            let reached = below + cell.count;
            if reached as f64 >= wanted {
                let share = (wanted - below as f64) / cell.count as f64;
                return Some(cell.low + share * (cell.high - cell.low));
            }
            below = reached;
        }
        Some(self.max_ns as f64)
    }

    /// The first and the last duration that cannot be told from this one, in nanoseconds: the bounds of its cell, within the
    /// exact extremes. `None` if empty.
    #[must_use]
    pub fn resolution_ns(&self, ns: f64) -> Option<(f64, f64)> {
        let (first, last) = cell_bounds(cell_index((ns as u64).min(LARGEST_NS)) as u64);
        (self.count > 0).then(|| ((first as f64).max(self.min_ns as f64), (last as f64).min(self.max_ns as f64)))
    }

    /// The share of durations above `threshold_ns`, between 0 and 1, interpolated inside the cell of the threshold;
    /// `None` if empty.
    #[must_use]
    pub fn share_above(&self, threshold_ns: u64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let threshold = threshold_ns as f64;
        let above: f64 = self
            .cells()
            .map(|cell| {
                let share = if threshold < cell.low {
                    1.0
                } else if threshold >= cell.high {
                    0.0
                } else {
                    (cell.high - threshold) / (cell.high - cell.low)
                };
                share * cell.count as f64
            })
            .sum();
        Some(above / self.count as f64)
    }

    /// The cells that hold something, in ascending order, cut at the exact extremes.
    fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        let wide = self.rare.as_ref().map_or(&[][..], |rare| &rare.wide);
        let (min, max) = (self.min_ns as f64, self.max_ns as f64);
        self.narrow.iter().enumerate().filter_map(move |(index, &narrow)| {
            let count = u64::from(narrow) + wide.get(index).copied().unwrap_or(0);
            if count == 0 {
                return None;
            }
            let (first, last) = cell_bounds(index as u64);
            // Values beyond the range were clamped into the last cell, which therefore reaches up to the maximum.
            let last = if last == LARGEST_NS { self.max_ns } else { last };
            Some(Cell { low: (first as f64).max(min), high: (last as f64).min(max), count })
        })
    }
}

struct Cell {
    low: f64,
    high: f64,
    count: u64,
}

/// The cell of a value, [`CELLS`] or more if it is beyond the range: the inverse of [`cell_bounds`].
#[inline(always)]
const fn cell_index(ns: u64) -> usize {
    const IN_A_POWER: u64 = 1 << GROUPING_POWER;
    // Below 2^8 the power is zero and the cell is the value itself.
    let power = (ns | IN_A_POWER).ilog2() as u64 - GROUPING_POWER as u64;
    (power * IN_A_POWER + (ns >> power)) as usize
}

/// The first and the last value of the cell `index`: exact up to 2^8, then 2^7 cells per power of two.
fn cell_bounds(index: u64) -> (u64, u64) {
    const CELLS: u64 = 1 << GROUPING_POWER;
    if index < 2 * CELLS {
        return (index, index);
    }
    let power = index / CELLS - 1;
    let first = (CELLS + index % CELLS) << power;
    (first, first + (1 << power) - 1)
}

#[cfg(test)]
mod tests;
