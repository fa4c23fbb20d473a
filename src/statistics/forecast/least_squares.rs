//! A straight line and a season through whole seasons of loads, by least squares.
//!
//! Over whole seasons the slope is that within the phases: how much later seasons lie above earlier ones at the same phase,
//! whatever the season looks like. The season is a sum of sines and cosines with 1 to K periods a season (harmonic regression;
//! Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989), which are orthogonal to each other and
//! to the mean, so that each coefficient is a projection of the phases' means and no equations are solved.
//!
//! What the harmonics leave of the phases' means may be noise, or a season with edges, such as a job on the hour. As much of it
//! is kept as its variance exceeds that of noise: `1 - noise / found`, the positive-part shrinkage of James and Stein (1961).

use std::f64::consts::TAU;

/// A fitted line and season; step 0 is the first load it was fitted to.
#[derive(Clone, Debug)]
pub struct TrendAndSeason {
    slope_per_step: f64,
    /// Load by phase where the line is zero.
    phases: Vec<f64>,
}

impl TrendAndSeason {
    /// Fitted to as many whole seasons as there are, counted from the first load, with up to this many harmonics; none with
    /// fewer than two seasons.
    #[must_use]
    pub fn fit(loads: &[f64], season: usize, harmonics: usize) -> Option<Self> {
        let seasons = loads.len().checked_div(season).filter(|&seasons| seasons >= 2)?;
        let harmonics = Harmonics::new(season, harmonics);
        let whole = &loads[..seasons * season];
        let middle = (seasons - 1) as f64 / 2.0;
        let (mut product, mut square) = (0.0, 0.0);
        let mut means = vec![0.0; season];
        for (index, loads) in whole.chunks_exact(season).enumerate() {
            let from_middle = (index as f64 - middle) * season as f64;
            for (load, mean) in loads.iter().zip(&mut means) {
                product += from_middle * load;
                square += from_middle.powi(2);
                *mean += load / seasons as f64;
            }
        }
        let slope_per_step = product / square;
        for (phase, mean) in means.iter_mut().enumerate() {
            *mean -= slope_per_step * (phase as f64 + middle * season as f64);
        }
        let smooth = harmonics.smoothed(&means);
        let kept = kept_share(whole, &means, &smooth, slope_per_step, &harmonics);
        let phases = means.iter().zip(smooth).map(|(mean, smooth)| smooth + kept * (mean - smooth)).collect();
        Some(Self { slope_per_step, phases })
    }

    /// The load at this step after the first that was fitted.
    #[must_use]
    pub fn at(&self, step: usize) -> f64 {
        self.phases[step % self.phases.len()] + self.slope_per_step * step as f64
    }

    /// By how much the load grows a step.
    #[must_use]
    pub fn slope_per_step(&self) -> f64 {
        self.slope_per_step
    }

    /// The load by phase where the line is zero.
    #[must_use]
    pub fn phases(&self) -> &[f64] {
        &self.phases
    }
}

/// The share of what the harmonics leave of the phases' means that is no noise.
fn kept_share(whole: &[f64], means: &[f64], smooth: &[f64], slope_per_step: f64, harmonics: &Harmonics) -> f64 {
    let season = means.len();
    let seasons = (whole.len() / season) as f64;
    let rough = |values: &[f64], smooth: &[f64]| -> f64 {
        values.iter().zip(smooth).map(|(value, smooth)| (value - smooth).powi(2)).sum()
    };
    // Noise is how much seasons differ from each other, but for what is smooth: that is no roughness of their mean either.
    let differing = |(index, loads): (usize, &[f64])| {
        let line = |phase: usize| slope_per_step * (index * season + phase) as f64;
        let off: Vec<f64> =
            loads.iter().zip(means).enumerate().map(|(phase, (load, mean))| load - mean - line(phase)).collect();
        rough(&off, &harmonics.smoothed(&off))
    };
    let noise: f64 = whole.chunks_exact(season).enumerate().map(differing).sum();
    let of_mean = noise / (seasons - 1.0) / seasons;
    let found = rough(means, smooth);
    if found > of_mean { 1.0 - of_mean / found } else { 0.0 }
}

/// Sines and cosines with a whole number of periods a season.
struct Harmonics {
    /// Cosine and sine by phase of one period.
    circle: Vec<(f64, f64)>,
    count: usize,
}

impl Harmonics {
    /// Those that a season of so many steps cannot tell apart are left out.
    fn new(season: usize, count: usize) -> Self {
        let angle = |phase: usize| TAU * phase as f64 / season as f64;
        let circle = (0..season).map(|phase| (angle(phase).cos(), angle(phase).sin())).collect();
        Self { circle, count: count.min(season.saturating_sub(1) / 2) }
    }

    /// The sum of harmonics nearest to these values, one for each phase.
    fn smoothed(&self, values: &[f64]) -> Vec<f64> {
        let season = self.circle.len();
        let mut smooth = vec![values.iter().sum::<f64>() / season as f64; season];
        for harmonic in 1..=self.count {
            let points = (0..season).map(|phase| self.circle[phase * harmonic % season]);
            let (mut along, mut across) = (0.0, 0.0);
            for ((cosine, sine), value) in points.clone().zip(values) {
                along += value * cosine;
                across += value * sine;
            }
            let half = season as f64 / 2.0;
            for ((cosine, sine), smooth) in points.zip(&mut smooth) {
                *smooth += (along * cosine + across * sine) / half;
            }
        }
        smooth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from -1 to 1 without a pattern.
    fn noise(step: usize) -> f64 {
        let mixed = (step as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn series(seasons: usize, load: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..seasons * 48).map(load).collect()
    }

    #[test]
    fn a_line_and_a_smooth_season_are_found_exactly() {
        let load = |step: usize| {
            let angle = TAU * step as f64 / 48.0;
            100.0 + 0.3 * step as f64 + 20.0 * angle.sin() - 7.0 * (3.0 * angle).cos()
        };
        let fit = TrendAndSeason::fit(&series(3, load), 48, 4).expect("three seasons");
        assert!((fit.slope_per_step() - 0.3).abs() < 1e-12);
        for step in 0..500 {
            assert!((fit.at(step) - load(step)).abs() < 1e-9, "{step}");
        }
    }

    #[test]
    fn a_season_with_edges_is_kept_where_every_season_has_them() {
        let load = |step: usize| if step % 48 == 5 { 90.0 } else { 10.0 };
        let fit = TrendAndSeason::fit(&series(4, load), 48, 4).expect("four seasons");
        assert!((fit.at(5 + 48 * 9) - 90.0).abs() < 1e-9 && (fit.at(6) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn noise_is_not_taken_for_a_season() {
        let load = |step: usize| 50.0 + 10.0 * (TAU * step as f64 / 48.0).sin() + 5.0 * noise(step);
        let loads = series(4, load);
        let fit = TrendAndSeason::fit(&loads, 48, 2).expect("four seasons");
        let truth = |step: usize| 50.0 + 10.0 * (TAU * step as f64 / 48.0).sin();
        let off = |at: &dyn Fn(usize) -> f64| (0..48).map(|step| (at(step) - truth(step)).powi(2)).sum::<f64>();
        let of_means = off(&|step| (0..4).map(|season| loads[step + 48 * season]).sum::<f64>() / 4.0);
        assert!(off(&|step| fit.at(step)) < 0.5 * of_means);
    }

    #[test]
    fn less_than_two_seasons_fit_nothing_and_any_season_does_no_harm() {
        assert!(TrendAndSeason::fit(&[1.0; 95], 48, 4).is_none());
        assert!(TrendAndSeason::fit(&[1.0; 95], 0, 4).is_none());
        assert!(TrendAndSeason::fit(&[1.0; 95], usize::MAX, 4).is_none());
        let line = TrendAndSeason::fit(&[1.0, 2.0, 3.0, 4.0], 1, 4).expect("seasons of one step");
        assert!((line.at(9) - 10.0).abs() < 1e-12);
    }
}
