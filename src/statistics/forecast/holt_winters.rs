//! Holt-Winters: level, damped trend and season, each smoothed exponentially.
//!
//! The additive form with damped trend in error correction (Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential
//! Smoothing, 2008, ETS(A,Ad,A)): with `e` the error of the forecast `level + damping * trend + season`,
//! `level' = level + damping * trend + a e`, `trend' = damping * trend + a b e` and `season' = season + g (1 - a) e`.
//!
//! Two things are our own, and both matter on real loads. States start from the whole window by least squares, not from its
//! first two seasons, whose noise would last as long as `g` is small. And an outage or a surge moves level and trend as it
//! comes, but the season and the choice of parameters only within the bounds of what is usual: it will not be back tomorrow.

use std::collections::VecDeque;

use super::Forecast;
use super::least_squares::TrendAndSeason;
use super::residual::UsualError;
use super::search::{Range, lowest};

/// Seasons that parameters are fitted to: a week, where a season is a day.
const SEASONS: usize = 7;
/// Harmonics of the season that states start from.
const HARMONICS: usize = 8;
/// Halvings of the steps and runs over the window that a fit may take.
const HALVINGS: u32 = 4;
const RUNS: u32 = 80;
/// A level that never had to move would not follow the first surge either, so it takes up at least this share of an error.
const LEAST_LEVEL: f64 = 0.1;

/// How fast each part follows, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Share of an error that the level takes up (a).
    pub level: f64,
    /// Share of the level's change that the trend takes up (b).
    pub trend: f64,
    /// Share of what the level leaves of an error that the season takes up (g).
    pub season: f64,
    /// Share of the trend that is left a step later.
    pub damping: f64,
}

impl Smoothing {
    const START: [f64; 4] = [0.2, 0.05, 0.1, 0.95];
    const RANGES: [Range; 4] = [
        Range { lowest: LEAST_LEVEL, highest: 1.0, step: 0.1 },
        Range { lowest: 0.0, highest: 1.0, step: 0.05 },
        Range { lowest: 0.0, highest: 1.0, step: 0.1 },
        Range { lowest: 0.7, highest: 1.0, step: 0.05 },
    ];

    fn from_array([level, trend, season, damping]: [f64; 4]) -> Self {
        Self { level, trend, season, damping }
    }

    fn to_array(self) -> [f64; 4] {
        [self.level, self.trend, self.season, self.damping]
    }
}

/// The parts at one step.
#[derive(Clone, Debug)]
struct State {
    level: f64,
    trend_per_step: f64,
    seasonal: Vec<f64>,
    /// Of the step to come.
    phase: usize,
    usual: UsualError,
}

impl State {
    /// Before the first of these loads; none with fewer than two seasons of them.
    fn before(loads: &[f64], season: usize) -> Option<Self> {
        let fit = TrendAndSeason::fit(loads, season, HARMONICS)?;
        let mean = fit.phases().iter().sum::<f64>() / season as f64;
        let seasonal = fit.phases().iter().map(|load| load - mean).collect();
        let trend_per_step = fit.slope_per_step();
        Some(Self { level: mean - trend_per_step, trend_per_step, seasonal, phase: 0, usual: UsualError::default() })
    }

    /// Tells the error of what was expected of this load, bounded.
    fn observe(&mut self, smoothing: &Smoothing, load: f64) -> f64 {
        let drift = smoothing.damping * self.trend_per_step;
        let error = load - self.level - drift - self.seasonal[self.phase];
        let bounded = self.usual.bounded(error, load);
        self.level += drift + smoothing.level * error;
        self.trend_per_step = drift + smoothing.level * smoothing.trend * error;
        self.seasonal[self.phase] += smoothing.season * (1.0 - smoothing.level) * bounded;
        self.phase = (self.phase + 1) % self.seasonal.len();
        bounded
    }

    fn ahead(&self, smoothing: &Smoothing, steps: usize) -> f64 {
        let season = self.seasonal.len();
        let damping = smoothing.damping;
        // damping + damping^2 + ... once for each step
        let drifts =
            if damping < 1.0 { damping * (1.0 - damping.powf(steps as f64)) / (1.0 - damping) } else { steps as f64 };
        let phase = (self.phase + (steps.max(1) - 1) % season) % season;
        self.level + drifts * self.trend_per_step + self.seasonal[phase]
    }
}

/// Holt-Winters at work.
#[derive(Clone, Debug)]
pub struct HoltWinters {
    season: usize,
    /// The loads of the last seasons, oldest first.
    window: VecDeque<f64>,
    /// Observations so far.
    steps: usize,
    state: Option<(Smoothing, State)>,
}

impl HoltWinters {
    /// Before the first observation; a season of zero steps is one of one.
    #[must_use]
    pub fn new(season: usize) -> Self {
        Self { season: season.max(1), window: VecDeque::new(), steps: 0, state: None }
    }

    /// The load of the next step.
    pub fn observe(&mut self, load: f64) {
        if self.window.len() >= self.season.saturating_mul(SEASONS) {
            self.window.pop_front();
        }
        self.window.push_back(load);
        self.steps += 1;
        if let Some((smoothing, state)) = &mut self.state {
            state.observe(smoothing, load);
        }
        if self.steps.is_multiple_of(self.season) {
            self.refit();
        }
    }

    /// The load to be expected this many steps ahead, at least one.
    #[must_use]
    pub fn forecast(&self, steps_ahead: usize) -> Option<Forecast> {
        let said = self.state.as_ref().map(|(smoothing, state)| state.ahead(smoothing, steps_ahead));
        Forecast::new(said, self.window.back().copied())
    }

    /// How fast each part follows, as last fitted; none before two seasons.
    #[must_use]
    pub fn smoothing(&self) -> Option<Smoothing> {
        self.state.as_ref().map(|(smoothing, _)| *smoothing)
    }

    /// The smoothing whose squared one-step errors over the window would have been least, and the state it leads to.
    fn refit(&mut self) {
        let start = self.smoothing().map_or(Smoothing::START, Smoothing::to_array);
        let loads: &[f64] = self.window.make_contiguous();
        let Some(before) = State::before(loads, self.season) else { return };
        let run = |at: &[f64; 4]| {
            let mut state = before.clone();
            let smoothing = Smoothing::from_array(*at);
            let squares: f64 = loads.iter().map(|&load| state.observe(&smoothing, load).powi(2)).sum();
            (squares, smoothing, state)
        };
        let best = lowest(start, &Smoothing::RANGES, HALVINGS, RUNS, |at| run(at).0);
        let (_, smoothing, state) = run(&best);
        self.state = Some((smoothing, state));
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn usual(step: usize) -> f64 {
        // Not a sum of the harmonics, so that there are errors to learn from.
        100.0 + 50.0 * (TAU * step as f64 / 48.0).sin() + ((step * 7_919) % 11) as f64
    }

    fn after(steps: usize, load: impl Fn(usize) -> f64) -> HoltWinters {
        let mut method = HoltWinters::new(48);
        (0..steps).for_each(|step| method.observe(load(step)));
        method
    }

    fn value(method: &HoltWinters, steps_ahead: usize) -> f64 {
        method.forecast(steps_ahead).map(|said| said.value).unwrap_or_default()
    }

    #[test]
    fn one_burst_is_not_expected_again_a_season_later() {
        let smoothing = Smoothing { level: 0.2, trend: 0.0, season: 0.5, damping: 1.0 };
        let loads: Vec<f64> = (0..48 * 9).map(usual).collect();
        let mut quiet = State::before(&loads[..48 * 8], 48).expect("eight seasons");
        loads[..48 * 8].iter().for_each(|&load| _ = quiet.observe(&smoothing, load));
        let mut bursty = quiet.clone();
        for (step, &load) in loads[48 * 8..].iter().enumerate() {
            quiet.observe(&smoothing, load);
            bursty.observe(&smoothing, if step == 20 { 2_000.0 } else { load });
        }
        // Of a burst of 1,900 the season takes up no more than of an error that is five times the usual 3.
        let off = bursty.seasonal[20] - quiet.seasonal[20];
        assert!((0.0..20.0).contains(&off), "{off}");
    }

    #[test]
    fn a_lasting_surge_is_followed() {
        let method = after(48 * 8 + 40, |step| usual(step) + if step >= 48 * 8 { 1_000.0 } else { 0.0 });
        let expected = usual(48 * 8 + 42) + 1_000.0;
        assert!((value(&method, 3) / expected - 1.0).abs() < 0.15, "{} for {expected}", value(&method, 3));
    }

    #[test]
    fn a_new_season_is_learnt() {
        // From the eighth day on the peak is at another time of the day.
        let method = after(48 * 30, |step| usual(step + if step >= 48 * 8 { 12 } else { 0 }));
        for ahead in 1..=48 {
            let expected = usual(48 * 30 + ahead - 1 + 12);
            assert!((value(&method, ahead) - expected).abs() < 15.0, "{ahead}");
        }
    }

    #[test]
    fn a_trend_is_damped_as_the_formula_says() {
        let smoothing = Smoothing { level: 0.1, trend: 0.1, season: 0.1, damping: 0.9 };
        let state =
            State { level: 10.0, trend_per_step: 2.0, seasonal: vec![0.0; 3], phase: 0, usual: UsualError::default() };
        assert!((state.ahead(&smoothing, 3) - (10.0 + 2.0 * (0.9 + 0.81 + 0.729))).abs() < 1e-12);
        let undamped = Smoothing { damping: 1.0, ..smoothing };
        assert_eq!(state.ahead(&undamped, 3), 16.0);
        assert!(state.ahead(&smoothing, usize::MAX).is_finite());
    }
}
