//! What the latest errors say about the next: how large they usually are, and how much of them lingers.

use super::search::{Range, lowest};

/// Errors larger than this many times the usual one are outages and surges, from which no habit is learnt.
const MOST_TIMES_USUAL: f64 = 5.0;
/// Errors smaller than this share of the forecast are as good as none.
const LEAST_SHARE: f64 = 0.01;
/// Weight of the newest error in the usual one.
const USUAL_WEIGHT: f64 = 0.02;
/// Where nothing has lingered so far, the first surge may, so at least this share of an error is taken to last.
const LEAST_GAIN: f64 = 0.1;
/// At least this share of the level is left a step later.
const LEAST_PERSISTENCE: f64 = 0.97;

/// How large errors usually are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UsualError {
    mean_absolute: Option<f64>,
}

impl UsualError {
    /// The error of a forecast of this load (load - forecast), brought within the bounds of what is usual, which it then
    /// becomes part of.
    pub fn bounded(&mut self, error: f64, load: f64) -> f64 {
        let usual = self.mean_absolute.unwrap_or(error.abs()).max(LEAST_SHARE * (load - error).abs());
        let bound = MOST_TIMES_USUAL * usual;
        let bounded = error.max(-bound).min(bound);
        self.mean_absolute = Some(usual + USUAL_WEIGHT * (bounded.abs() - usual));
        bounded
    }
}

/// Residuals that linger: an autoregression of first order seen through noise, in its one-step form
/// `level = persistence * level + gain * error` (ARMA(1,1); Box and Jenkins, Time Series Analysis, 1970).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LingeringResidual {
    /// The share of an error that is taken to last.
    gain: f64,
    /// The share of the level that is left a step later.
    persistence: f64,
    level: f64,
    usual: UsualError,
}

impl Default for LingeringResidual {
    fn default() -> Self {
        Self::new(0.2, 0.99)
    }
}

impl LingeringResidual {
    /// Halvings of the steps and runs over the residuals that a fit may take.
    const HALVINGS: u32 = 4;
    const RUNS: u32 = 80;

    /// With this gain and persistence, both from 0 to 1, and nothing lingering yet.
    #[must_use]
    pub fn new(gain: f64, persistence: f64) -> Self {
        Self { gain, persistence, level: 0.0, usual: UsualError::default() }
    }

    /// The residual of the step of this load; tells the error of what was expected of it, bounded.
    pub fn observe(&mut self, residual: f64, load: f64) -> f64 {
        let error = residual - self.ahead(1);
        // A surge is followed as it comes: it will be there in the next step too.
        self.level = self.persistence * self.level + self.gain * error;
        self.usual.bounded(error, load)
    }

    /// The residual to be expected this many steps ahead.
    #[must_use]
    pub fn ahead(&self, steps: usize) -> f64 {
        self.persistence.powf(steps as f64) * self.level
    }

    /// One with the same gain and persistence that has seen these residuals and loads.
    #[must_use]
    pub fn rerun(&self, residuals: &[(f64, f64)]) -> Self {
        let mut other = Self::new(self.gain, self.persistence);
        for &(residual, load) in residuals {
            other.observe(residual, load);
        }
        other
    }

    /// One that has seen these residuals and loads, with the gain and persistence that would have served best in them: the
    /// sum of its squared bounded errors is least.
    #[must_use]
    pub fn fitted(&self, residuals: &[(f64, f64)]) -> Self {
        let ranges = [
            Range { lowest: LEAST_GAIN, highest: 1.0, step: 0.1 },
            Range { lowest: LEAST_PERSISTENCE, highest: 1.0, step: 0.01 },
        ];
        let cost = |&[gain, persistence]: &[f64; 2]| {
            let mut other = Self::new(gain, persistence);
            residuals.iter().map(|&(residual, load)| other.observe(residual, load).powi(2)).sum()
        };
        let start = [self.gain, self.persistence];
        let [gain, persistence] = lowest(start, &ranges, Self::HALVINGS, Self::RUNS, cost);
        Self::new(gain, persistence).rerun(residuals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_beyond_the_usual_is_bounded_and_a_lasting_one_becomes_usual() {
        let mut usual = UsualError::default();
        for _ in 0..100 {
            assert_eq!(usual.bounded(2.0, 102.0), 2.0);
        }
        assert_eq!(usual.bounded(-80.0, 20.0), -10.0);
        let found: Vec<f64> = (0..100).map(|_| usual.bounded(500.0, 600.0)).collect();
        assert!(found[0] < 20.0 && found[99] == 500.0);
        assert_eq!(UsualError::default().bounded(0.0, 0.0), 0.0);
    }

    #[test]
    fn what_lingers_is_found_and_fades() {
        let mut residuals = Vec::new();
        let mut value = 100.0;
        for step in 0..400 {
            value = 0.98 * value + if step % 50 == 0 { 50.0 } else { 0.0 };
            residuals.push((value, 1_000.0));
        }
        let found = LingeringResidual::default().fitted(&residuals);
        assert!((found.persistence - 0.98).abs() < 0.02 && found.gain > 0.85, "{found:?}");
        assert!((found.ahead(3) - 0.941 * value).abs() < 0.05 * value);
        assert!(found.ahead(usize::MAX).abs() < 1e-9);
    }

    #[test]
    fn without_residuals_nothing_is_fitted() {
        let found = LingeringResidual::default().fitted(&[]);
        assert_eq!(found, LingeringResidual::default());
        assert_eq!(found.ahead(1), 0.0);
    }
}
