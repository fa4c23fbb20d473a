//! How far off forecasts were, and a trial of a method on a series.

use super::Method;

/// Errors of forecasts, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    count: u64,
    absolute: f64,
    signed: f64,
    /// Errors as shares of what came, and how many there are: nothing is a share of zero.
    shares: (f64, u64),
}

/// What is said of the errors of forecasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorReport {
    /// Forecasts that were held against what came.
    pub count: u64,
    /// Mean of |forecast - load|, in the load's unit.
    pub mean_absolute_error: f64,
    /// Mean of |forecast - load| / load over the steps with a load, in percent; none if no step had one.
    pub mean_absolute_percentage_error: Option<f64>,
    /// Mean of forecast - load, in the load's unit: above zero if too much was forecast.
    pub bias: f64,
}

impl Errors {
    /// Adds a forecast and the load that came.
    pub fn add(&mut self, forecast: f64, came: f64) {
        let error = forecast - came;
        if !error.is_finite() {
            return;
        }
        self.count += 1;
        self.absolute += error.abs();
        self.signed += error;
        if came > 0.0 {
            self.shares.0 += error.abs() / came;
            self.shares.1 += 1;
        }
    }

    /// What is said of them; none if there are none.
    #[must_use]
    pub fn report(&self) -> Option<ErrorReport> {
        let count = self.count as f64;
        let (shares, with_load) = self.shares;
        (self.count > 0).then(|| ErrorReport {
            count: self.count,
            mean_absolute_error: self.absolute / count,
            mean_absolute_percentage_error: (with_load > 0).then(|| 100.0 * shares / with_load as f64),
            bias: self.signed / count,
        })
    }
}

/// Feeds a series to a method step by step and holds its forecasts for the steps from `first` on against what came, for each
/// number of steps ahead; none where nothing could be compared.
#[must_use]
pub fn trial(method: Method, loads: &[f64], first: usize, steps_ahead: &[usize]) -> Vec<Option<ErrorReport>> {
    let mut forecaster = method.forecaster();
    let mut errors = vec![Errors::default(); steps_ahead.len()];
    for (step, &load) in loads.iter().enumerate() {
        forecaster.observe(load);
        for (errors, &ahead) in errors.iter_mut().zip(steps_ahead) {
            let aim = step.saturating_add(ahead);
            let came = loads.get(aim).filter(|_| aim >= first);
            if let Some((said, &came)) = came.and_then(|came| Some((forecaster.forecast(ahead)?, came))) {
                errors.add(said.value, came);
            }
        }
    }
    errors.iter().map(Errors::report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_means_and_shares_leave_out_steps_without_load() {
        let mut errors = Errors::default();
        assert_eq!(errors.report(), None);
        for (forecast, came) in [(12.0, 10.0), (5.0, 10.0), (3.0, 0.0), (f64::NAN, 1.0)] {
            errors.add(forecast, came);
        }
        let found = errors.report().expect("three errors");
        assert_eq!((found.count, found.bias), (3, 0.0));
        assert!((found.mean_absolute_error - 10.0 / 3.0).abs() < 1e-12);
        assert!(found.mean_absolute_percentage_error.is_some_and(|percent| (percent - 35.0).abs() < 1e-12));
    }

    #[test]
    fn a_trial_compares_each_step_from_the_first_on_once() {
        let loads = [1.0, 2.0, 4.0, 8.0, 16.0];
        let found = trial(Method::LastValue, &loads, 3, &[1, 2, 9]);
        assert_eq!(found[0].map(|one| (one.count, one.mean_absolute_error)), Some((2, 6.0)));
        assert_eq!(found[1].map(|one| (one.count, one.bias)), Some((2, -9.0)));
        assert_eq!(found[2], None);
    }
}
