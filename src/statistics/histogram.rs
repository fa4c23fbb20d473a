//! Latencies by the million in a few kilobytes.

use histogram::{Config, Histogram, Histogram32};

/// 128 cells per power of two: a quantile is within 0.78% of its cell, and within 0.4% in practice.
const GROUPING_POWER: u8 = 7;

/// Up to 2^44 ns, 4.9 hours, are told apart.
const MAX_VALUE_POWER: u8 = 44;

const LARGEST_NS: u64 = (1 << MAX_VALUE_POWER) - 1;

/// A histogram of durations with logarithmic cells, an exact sum, and exact extremes.
///
/// It owns no memory before the first value, 19 KiB after it, and 57 KiB after four thousand million values. Merging is
/// integer addition, so the order of merging does not matter.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    /// Values that `narrow` can still take before one of its 32-bit counters could overflow. Zero before the first value:
    /// one comparison tells both exceptions from the common case.
    room: u32,
    narrow: Option<Histogram32>,
    wide: Option<Histogram>,
    count: u64,
    overflow: u64,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { room: 0, narrow: None, wide: None, count: 0, overflow: 0, sum_ns: 0, min_ns: u64::MAX, max_ns: 0 }
    }
}

impl LatencyHistogram {
    /// Adds one duration. Durations above 4.9 hours go to the last cell and are counted by [`Self::overflow`].
    #[inline]
    pub fn record(&mut self, ns: u64) {
        if self.room == 0 {
            self.make_room();
        }
        self.room -= 1;
        self.count += 1;
        self.overflow += u64::from(ns > LARGEST_NS);
        self.sum_ns += u128::from(ns);
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
        // The crate's own `increment` works out the cell from a configuration in memory; here it is made of constants.
        let cell = self.narrow.as_mut().and_then(|narrow| narrow.as_mut_slice().get_mut(cell_index(ns)));
        debug_assert!(cell.is_some(), "there is room, and the value was clamped to the range");
        if let Some(cell) = cell {
            *cell += 1;
        }
    }

    /// Allocates the 32-bit counters, or empties them into 64-bit ones before any can overflow.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self) {
        match &mut self.narrow {
            None => self.narrow = Some(Histogram32::with_config(&config())),
            Some(narrow) => {
                let wide = self.wide.get_or_insert_with(|| Histogram::with_config(&config()));
                add_counters(wide, narrow.as_slice());
                narrow.reset();
            }
        }
        self.room = u32::MAX;
    }

    /// Adds all that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if let Some(theirs) = &other.narrow {
            let held = u32::MAX - other.room;
            if self.room < held || self.narrow.is_none() {
                self.make_room();
            }
            // A full `other` leaves no room for the next value, which `record` notices.
            self.room -= held;
            if let Some(ours) = &mut self.narrow {
                for (mine, their) in ours.as_mut_slice().iter_mut().zip(theirs.as_slice()) {
                    *mine += their;
                }
            }
        }
        if let Some(theirs) = &other.wide {
            let wide = self.wide.get_or_insert_with(|| Histogram::with_config(&config()));
            add_counters(wide, theirs.as_slice());
        }
        self.count += other.count;
        self.overflow += other.overflow;
        self.sum_ns += other.sum_ns;
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

    /// How many durations were above 4.9 hours.
    #[must_use]
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    /// The exact sum of all durations.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// The exact mean, or `None` if empty.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64)
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
        let narrow = self.narrow.as_ref().map_or(&[][..], Histogram32::as_slice);
        let wide = self.wide.as_ref().map_or(&[][..], Histogram::as_slice);
        let (min, max) = (self.min_ns as f64, self.max_ns as f64);
        (0..narrow.len().max(wide.len())).filter_map(move |index| {
            let count = u64::from(narrow.get(index).copied().unwrap_or(0)) + wide.get(index).copied().unwrap_or(0);
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

/// The cell of a value, the last one if it is beyond the range: the inverse of [`cell_bounds`].
#[inline(always)]
fn cell_index(ns: u64) -> usize {
    const CELLS: u64 = 1 << GROUPING_POWER;
    let ns = ns.min(LARGEST_NS);
    // Below 2^8 the power is zero and the cell is the value itself.
    let power = u64::from((ns | CELLS).ilog2()) - u64::from(GROUPING_POWER);
    (power * CELLS + (ns >> power)) as usize
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

fn add_counters(wide: &mut Histogram, narrow: &[impl Copy + Into<u64>]) {
    for (mine, their) in wide.as_mut_slice().iter_mut().zip(narrow) {
        *mine += (*their).into();
    }
}

fn config() -> Config {
    // Evaluated when compiling: the powers are constants, and a wrong pair does not build.
    const CONFIG: Config = match Config::new(GROUPING_POWER, MAX_VALUE_POWER) {
        Ok(config) => config,
        Err(_) => panic!("the powers do not fit together"),
    };
    CONFIG
}

#[cfg(test)]
mod tests;
