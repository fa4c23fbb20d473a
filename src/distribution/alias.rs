//! Choosing among weighted alternatives in constant time.

use std::sync::Arc;

use super::DistributionError;
use crate::random::Stream;

/// An alias table (Walker 1977, built as by Vose 1991): one uniform word picks among any number of weighted
/// alternatives. Eight bytes per alternative; probabilities are exact to 2^-32 of a cell. Clones share the table.
#[derive(Clone, Debug)]
pub struct AliasTable {
    cells: Arc<[Cell]>,
}

/// Below `threshold` the cell stands for itself, else for `alias`.
#[derive(Clone, Copy, Debug)]
struct Cell {
    threshold: u32,
    alias: u32,
}

impl AliasTable {
    /// A table over the indices of `weights`, which need not add up to 1.
    ///
    /// # Errors
    /// No weights, a negative or infinite weight, weights that are all zero, or more than 2^32 - 1 of them.
    pub fn new(weights: &[f64]) -> Result<Self, DistributionError> {
        let count = u32::try_from(weights.len()).map_err(|_| DistributionError::new("too many weights"))?;
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            return Err(DistributionError::new(format!("{weight} cannot be a weight")).help("weights are 0 or more"));
        }
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(DistributionError::new("no weight is above zero"));
        }

        let scale = f64::from(count) / total;
        let mut scaled: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut cells: Vec<Cell> = (0..count).map(|alias| Cell { threshold: u32::MAX, alias }).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) = (0..count).partition(|i| scaled[*i as usize] < 1.0);
        while let (Some(&giver), Some(taker)) = (large.last(), small.pop()) {
            let share = scaled[taker as usize];
            cells[taker as usize] = Cell { threshold: (share * 4_294_967_296.0) as u32, alias: giver };
            let left = scaled[giver as usize] + share - 1.0;
            scaled[giver as usize] = left;
            if left < 1.0 {
                large.pop();
                small.push(giver);
            }
        }
        // What is left over in either list has weight 1 up to rounding, so its cell keeps standing for itself; but an
        // alternative of weight zero must never be drawn, whatever rounding did.
        let heaviest = (0..count).max_by(|a, b| weights[*a as usize].total_cmp(&weights[*b as usize])).unwrap_or(0);
        for leftover in small {
            if weights[leftover as usize] == 0.0 {
                cells[leftover as usize] = Cell { threshold: 0, alias: heaviest };
            }
        }
        Ok(Self { cells: cells.into() })
    }

    /// The number of alternatives.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Never true: a table has at least one alternative.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The index of an alternative, chosen by weight. Takes one word.
    #[inline]
    #[must_use]
    pub fn sample(&self, stream: &mut Stream) -> usize {
        // The high half of the product is a uniform cell; what remains of the word is uniform inside the cell.
        let product = u128::from(stream.next_word()) * self.cells.len() as u128;
        let index = (product >> 64) as usize;
        let within = (product >> 32) as u32;
        let cell = self.cells[index];
        if within < cell.threshold { index } else { cell.alias as usize }
    }
}
