//! What load comes next, judged by what has come: forecasts of one series of loads per step of fixed length.
//!
//! A forecaster is fed one observation per step and asked for the load some steps ahead. It knows nothing but what it was
//! fed, so no forecast can look ahead. Until it has seen enough it tells the last value, and says so. Loads are never below
//! zero, and neither are forecasts.
//!
//! | file | what happens there |
//! |---|---|
//! | [`naive`] | the last value, and the value a season ago: what every other method must beat |
//! | [`holt_winters`] | level, damped trend and season, each smoothed |
//! | [`trend_season`] | least squares of a trend and a smooth season, corrected by the latest residuals |
//! | [`least_squares`], [`residual`], [`search`] | parts of them |
//! | [`errors`] | how far off forecasts were |
//!
//! ```
//! use forescale::statistics::forecast::{Basis, Method};
//!
//! let mut forecaster = Method::SeasonalNaive { season: 24 }.forecaster();
//! for hour in 0..30 {
//!     forecaster.observe(f64::from(hour % 24));
//! }
//! // Hour 5 of the second day has been seen; in three hours it is hour 8.
//! let said = forecaster.forecast(3).expect("something was seen");
//! assert_eq!((said.value, said.basis), (8.0, Basis::Method));
//! ```

pub mod errors;
pub mod holt_winters;
pub mod least_squares;
pub mod naive;
pub mod residual;
pub mod search;
pub mod trend_season;

use holt_winters::HoltWinters;
use naive::Naive;
use trend_season::TrendSeason;

/// A method as written; a `season` is a number of steps, such as those of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The load stays what it is.
    #[default]
    LastValue,
    /// The load is what it was a season ago.
    SeasonalNaive { season: usize },
    /// Level, damped trend and season, exponentially smoothed.
    HoltWinters { season: usize },
    /// A straight line and a smooth season, fitted to the last seasons by least squares, and corrected by the latest residuals.
    LinearTrendWithSeasonality { season: usize },
}

impl Method {
    /// The method at work, before the first observation.
    #[must_use]
    pub fn forecaster(self) -> Forecaster {
        match self {
            Self::LastValue => Forecaster::Naive(Naive::new(None)),
            Self::SeasonalNaive { season } => Forecaster::Naive(Naive::new(Some(season))),
            Self::HoltWinters { season } => Forecaster::HoltWinters(HoltWinters::new(season)),
            Self::LinearTrendWithSeasonality { season } => Forecaster::TrendSeason(TrendSeason::new(season)),
        }
    }
}

/// What a forecast rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The method that was asked for.
    Method,
    /// The last value, because the method has not seen enough.
    LastValue,
}

/// A load to be expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Load per step, not below zero.
    pub value: f64,
    /// What it rests on.
    pub basis: Basis,
}

impl Forecast {
    /// From what a method says, if it can say something, and the last value.
    fn new(said: Option<f64>, last: Option<f64>) -> Option<Self> {
        match said.filter(|value| value.is_finite()) {
            Some(value) => Some(Self { value: value.max(0.0), basis: Basis::Method }),
            None => last.map(|value| Self { value, basis: Basis::LastValue }),
        }
    }
}

/// A method at work.
#[derive(Clone, Debug)]
pub enum Forecaster {
    /// Last value or seasonal naive.
    Naive(Naive),
    /// Holt-Winters.
    HoltWinters(HoltWinters),
    /// Trend and season.
    TrendSeason(TrendSeason),
}

impl Forecaster {
    /// The load of the next step. One below zero counts as zero; one that is no finite number is missing, and the forecast
    /// takes its place so that the season stays in step.
    pub fn observe(&mut self, load: f64) {
        let load = if load.is_finite() { load.max(0.0) } else { self.forecast(1).map_or(0.0, |said| said.value) };
        match self {
            Self::Naive(method) => method.observe(load),
            Self::HoltWinters(method) => method.observe(load),
            Self::TrendSeason(method) => method.observe(load),
        }
    }

    /// The load to be expected this many steps after the last observation; none for zero steps or before the first.
    #[must_use]
    pub fn forecast(&self, steps_ahead: usize) -> Option<Forecast> {
        if steps_ahead == 0 {
            return None;
        }
        match self {
            Self::Naive(method) => method.forecast(steps_ahead),
            Self::HoltWinters(method) => method.forecast(steps_ahead),
            Self::TrendSeason(method) => method.forecast(steps_ahead),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn methods(season: usize) -> [Method; 4] {
        [
            Method::LastValue,
            Method::SeasonalNaive { season },
            Method::HoltWinters { season },
            Method::LinearTrendWithSeasonality { season },
        ]
    }

    fn load(step: usize) -> f64 {
        200.0 + 0.05 * step as f64 + 80.0 * (TAU * step as f64 / 96.0).sin() + 20.0 * (TAU * step as f64 / 48.0).cos()
    }

    #[test]
    fn a_sinusoid_on_a_line_is_forecast_nearly_exactly() {
        for method in &methods(96)[2..] {
            let mut forecaster = method.forecaster();
            for step in 0..96 * 5 + 17 {
                forecaster.observe(load(step));
                for ahead in [1, 3, 12, 96] {
                    let said = forecaster.forecast(ahead).expect("something was seen");
                    let expected = load(step + ahead);
                    if said.basis == Basis::Method {
                        assert!((said.value - expected).abs() < 1e-3 * expected, "{method:?} {step} {ahead} {said:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_comes_later_changes_no_forecast() {
        for method in methods(24) {
            for seen in [1, 23, 24, 47, 48, 49, 100, 170] {
                let mut one = method.forecaster();
                let mut other = method.forecaster();
                let said = |forecaster: &mut Forecaster, later: f64| -> Vec<Option<Forecast>> {
                    let mut found = Vec::new();
                    for step in 0..200 {
                        forecaster.observe(if step < seen { load(7 * step) } else { later });
                        found.push(forecaster.forecast(5));
                    }
                    found.truncate(seen);
                    found
                };
                assert_eq!(said(&mut one, 0.0), said(&mut other, 1e9), "{method:?} after {seen}");
            }
        }
    }

    #[test]
    fn before_enough_was_seen_the_last_value_is_said_and_so_it_is_called() {
        for (method, enough) in methods(10).into_iter().zip([1, 10, 20, 20]) {
            let mut forecaster = method.forecaster();
            assert_eq!(forecaster.forecast(1), None);
            for step in 1..30 {
                forecaster.observe(step as f64);
                let said = forecaster.forecast(2).expect("something was seen");
                if step < enough {
                    assert_eq!((said.value, said.basis), (step as f64, Basis::LastValue), "{method:?}");
                } else {
                    assert_eq!(said.basis, Basis::Method, "{method:?} after {step}");
                }
            }
        }
    }

    /// Though nothing but what is usual came before, and nothing lingered.
    #[test]
    fn a_lasting_surge_is_followed() {
        for method in &methods(96)[2..] {
            let mut forecaster = method.forecaster();
            let noise = |step: usize| (step * 7_919 % 11) as f64;
            for step in 0..96 * 8 + 40 {
                forecaster.observe(load(step) + noise(step) + if step >= 96 * 8 { 1_000.0 } else { 0.0 });
            }
            let said = forecaster.forecast(3).expect("something was seen").value;
            assert!(said > load(96 * 8 + 42) + 450.0, "{method:?} {said}");
        }
    }

    #[test]
    fn forecasts_are_not_below_zero() {
        for method in methods(24) {
            let mut forecaster = method.forecaster();
            for step in 0..120 {
                forecaster.observe(1_000.0 - 9.0 * step as f64);
                let said = forecaster.forecast(24).expect("something was seen");
                assert!(said.value >= 0.0, "{method:?} {said:?}");
            }
        }
    }

    #[test]
    fn a_missing_load_is_bridged_and_keeps_the_season_in_step() {
        for method in &methods(96)[1..] {
            let mut forecaster = method.forecaster();
            for step in 0..96 * 4 {
                forecaster.observe(if step > 96 * 2 && step % 13 == 0 { f64::NAN } else { load(step) });
            }
            let said = forecaster.forecast(6).expect("something was seen");
            assert!((said.value - load(96 * 4 + 5)).abs() < 12.0, "{method:?} {said:?}");
        }
    }

    #[test]
    fn no_season_load_or_distance_makes_it_fail() {
        for season in [0, 1, 2, 3, usize::MAX] {
            for method in methods(season) {
                let mut forecaster = method.forecaster();
                for load in [0.0, f64::MAX, -1.0, f64::INFINITY, 0.0, f64::MIN_POSITIVE, 1e300, 5.0, f64::NAN, 3.0] {
                    forecaster.observe(load);
                    assert_eq!(forecaster.forecast(0), None);
                    for ahead in [1, 7, usize::MAX] {
                        assert!(forecaster.forecast(ahead).is_some_and(|said| said.value >= 0.0), "{method:?}");
                    }
                }
            }
        }
    }
}
