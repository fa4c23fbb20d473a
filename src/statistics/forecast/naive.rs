//! The two forecasts that cost nothing: the last value, and the value a season ago.

use std::collections::VecDeque;

use super::Forecast;

/// The last value, or that of a season ago.
#[derive(Clone, Debug)]
pub struct Naive {
    /// Steps of a season; none if the last value is asked for.
    season: Option<usize>,
    /// The loads of the last season, oldest first.
    seen: VecDeque<f64>,
}

impl Naive {
    /// Before the first observation; a season of zero steps is one of one.
    #[must_use]
    pub fn new(season: Option<usize>) -> Self {
        Self { season: season.map(|steps| steps.max(1)), seen: VecDeque::new() }
    }

    /// The load of the next step.
    pub fn observe(&mut self, load: f64) {
        if self.seen.len() >= self.season.unwrap_or(1) {
            self.seen.pop_front();
        }
        self.seen.push_back(load);
    }

    /// The load to be expected this many steps ahead, at least one.
    #[must_use]
    pub fn forecast(&self, steps_ahead: usize) -> Option<Forecast> {
        let last = self.seen.back().copied();
        let season = self.season.unwrap_or(1);
        let full = self.seen.len() == season;
        let said = self.seen.get((steps_ahead.max(1) - 1) % season).copied().filter(|_| full);
        Forecast::new(said, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_ago_is_looked_up_for_any_distance() {
        let mut naive = Naive::new(Some(4));
        for load in [9.0, 1.0, 2.0, 3.0, 4.0] {
            naive.observe(load);
        }
        let said: Vec<Option<f64>> = (1..=9).map(|ahead| naive.forecast(ahead).map(|said| said.value)).collect();
        let expected = [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 1.0].map(Some);
        assert_eq!(said, expected);
    }

    #[test]
    fn the_last_value_is_said_for_any_distance() {
        let mut naive = Naive::new(None);
        assert_eq!(naive.forecast(1), None);
        naive.observe(5.0);
        naive.observe(6.0);
        assert_eq!(naive.forecast(100).map(|said| said.value), Some(6.0));
    }
}
