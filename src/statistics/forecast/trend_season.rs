//! A straight line and a season, fitted to the last seasons by least squares, and corrected by the residuals that linger.
//!
//! By itself the fit knows the usual day and not today: on a series with quiet weekends it is worse than the last value. What
//! today is like is in the latest residuals, which are taken to fade (regression with ARMA errors; Box and Jenkins, Time
//! Series Analysis, 1970).

use std::collections::VecDeque;

use super::Forecast;
use super::least_squares::TrendAndSeason;
use super::residual::LingeringResidual;

/// Seasons that the fit looks back on: two weeks, where a season is a day.
const SEASONS: usize = 14;
/// Harmonics of the smooth season: down to three hours, where a season is a day.
const HARMONICS: usize = 8;
/// How often in a season line and season are fitted anew; the residuals' parameters are once in a season.
const FITS_PER_SEASON: usize = 4;

/// Trend and season at work.
#[derive(Clone, Debug)]
pub struct TrendSeason {
    season: usize,
    /// The loads of the last seasons, oldest first.
    window: VecDeque<f64>,
    /// Observations so far.
    steps: usize,
    fit: Option<(TrendAndSeason, usize)>,
    residual: LingeringResidual,
}

impl TrendSeason {
    /// Before the first observation; a season of zero steps is one of one.
    #[must_use]
    pub fn new(season: usize) -> Self {
        let residual = LingeringResidual::default();
        Self { season: season.max(1), window: VecDeque::new(), steps: 0, fit: None, residual }
    }

    /// The load of the next step.
    pub fn observe(&mut self, load: f64) {
        if self.window.len() >= self.season.saturating_mul(SEASONS) {
            self.window.pop_front();
        }
        self.window.push_back(load);
        self.steps += 1;
        if let Some((fit, next_step)) = &mut self.fit {
            self.residual.observe(load - fit.at(*next_step), load);
            *next_step += 1;
        }
        if self.steps.is_multiple_of((self.season / FITS_PER_SEASON).max(1)) {
            self.refit();
        }
    }

    /// The load to be expected this many steps ahead, at least one.
    #[must_use]
    pub fn forecast(&self, steps_ahead: usize) -> Option<Forecast> {
        let said = self.fit.as_ref().map(|(fit, next_step)| {
            fit.at(next_step.saturating_add(steps_ahead.max(1) - 1)) + self.residual.ahead(steps_ahead)
        });
        Forecast::new(said, self.window.back().copied())
    }

    fn refit(&mut self) {
        let loads: &[f64] = self.window.make_contiguous();
        // The newest whole seasons, so that the fit ends with the last observation.
        let loads = &loads[loads.len() % self.season..];
        let Some(fit) = TrendAndSeason::fit(loads, self.season, HARMONICS) else { return };
        let residuals: Vec<(f64, f64)> =
            loads.iter().enumerate().map(|(step, &load)| (load - fit.at(step), load)).collect();
        let season_ends = self.steps.is_multiple_of(self.season);
        self.residual = if season_ends { self.residual.fitted(&residuals) } else { self.residual.rerun(&residuals) };
        self.fit = Some((fit, loads.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::super::{Basis, Method};
    use super::*;

    #[test]
    fn a_quiet_day_is_forecast_from_what_is_left_of_the_usual_one() {
        let usual = |step: usize| 100.0 + 50.0 * (TAU * step as f64 / 48.0).sin();
        let mut method = TrendSeason::new(48);
        let quiet_from = 48 * 14;
        for step in 0..quiet_from + 10 {
            // Every seventh day has 60 less, so the method knows that residuals last.
            let quiet = step / 48 % 7 == 0;
            method.observe(usual(step) - if quiet { 45.0 } else { 0.0 });
        }
        let found = method.forecast(4).map(|said| said.value).unwrap_or_default();
        let expected = usual(quiet_from + 13) - 45.0;
        assert!((found - expected).abs() < 12.0, "{found} for {expected}");
    }

    #[test]
    fn before_two_seasons_it_says_the_last_value() {
        let mut forecaster = Method::LinearTrendWithSeasonality { season: 24 }.forecaster();
        for step in 0..60 {
            forecaster.observe(f64::from(step % 24));
            let said = forecaster.forecast(1).expect("something was seen");
            assert_eq!(said.basis, if step < 47 { Basis::LastValue } else { Basis::Method }, "{step}");
        }
    }
}
