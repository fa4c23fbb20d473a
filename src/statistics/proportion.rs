//! Shares of events that are rare, from so few of them that no normal law is near.
//!
//! Clopper & Pearson (Biometrika 1934) invert the binomial test, so their interval covers at least as often as it says,
//! however few events there were. Events that come in clusters are worth fewer: with a design effect D, the variance of the
//! share over that of independent events (Kish 1965), n trials tell as much as n / D independent ones do. Korn & Graubard
//! (Survey Methodology 1998) put these effective counts, which need not be whole, into the same formula.

use statrs::function::beta::checked_beta_reg;

use super::estimate::{CONFIDENCE, ratio_interval, student_t_quantile};

/// Above so many events the normal law is as good.
const MANY: f64 = 1_000.0;

/// The exact 95% interval of a share with `events` among `trials`, both perhaps not whole; between 0 and 1.
///
/// `None` if there are no trials, more events than trials, or so many of both kinds that an interval by the normal law is
/// as good.
#[must_use]
pub fn binomial_interval(events: f64, trials: f64) -> Option<(f64, f64)> {
    let others = trials - events;
    if !(trials > 0.0 && trials.is_finite() && events >= 0.0 && others >= 0.0) || events.min(others) > MANY {
        return None;
    }
    let tail = (1.0 - CONFIDENCE) / 2.0;
    // No event at all has the chance (1 - share)^trials.
    let one_sided = -(tail.ln() / trials).exp_m1();
    let low = match events {
        0.0 => 0.0,
        _ if others == 0.0 => 1.0 - one_sided,
        _ => beta_quantile(tail, events, others + 1.0)?,
    };
    let high = match others {
        0.0 => 1.0,
        _ if events == 0.0 => one_sided,
        _ => beta_quantile(1.0 - tail, events + 1.0, others)?,
    };
    Some((low, high))
}

/// By halving: the chance that is left of a share grows with it. The mean is close for a beginning.
fn beta_quantile(probability: f64, a: f64, b: f64) -> Option<f64> {
    const PRECISION: f64 = 1e-12;
    let below = |share: f64| checked_beta_reg(a, b, share).ok();
    let (mut low, mut high) = (0.0, a / (a + b));
    while high < 1.0 && below(high)? < probability {
        (low, high) = (high, (2.0 * high).min(1.0));
    }
    while high - low > PRECISION * high {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if below(middle)? < probability { low = middle } else { high = middle }
    }
    Some(low + (high - low) / 2.0)
}

/// How many times larger the variance of a share is than if its events were independent of each other, from their numbers
/// in independent replications; at least one. `None` without a share between zero and one.
#[must_use]
pub fn design_effect(events: &[f64], trials: &[f64]) -> Option<f64> {
    let share = ratio_interval(events, trials)?;
    let standard_error = share.half_width / student_t_quantile(0.5 + 0.5 * CONFIDENCE, events.len() as f64 - 1.0)?;
    let independent = share.value * (1.0 - share.value) / trials.iter().sum::<f64>();
    (independent > 0.0).then(|| (standard_error.powi(2) / independent).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: f64, expected: f64, relative: f64) {
        assert!((found / expected - 1.0).abs() < relative, "{found}, not {expected}");
    }

    #[test]
    fn intervals_match_the_tables() {
        // Clopper & Pearson 1934; Fleiss, Levin & Paik 2003 give the same to their digits.
        for (events, trials, low, high) in
            [(1.0, 10.0, 0.002_529, 0.445_016), (5.0, 10.0, 0.187_086, 0.812_914), (2.0, 100.0, 0.002_431, 0.070_384)]
        {
            let found = binomial_interval(events, trials).expect("an interval");
            assert_close(found.0, low, 5e-4);
            assert_close(found.1, high, 5e-4);
            let (low, high) = binomial_interval(trials - events, trials).expect("an interval");
            assert_close(1.0 - high, found.0, 1e-6);
            assert_close(1.0 - low, found.1, 1e-6);
        }
    }

    /// Garwood 1936: with so many trials the bounds are those of a Poisson mean.
    #[test]
    fn few_events_among_very_many_trials_are_poisson() {
        let trials = 1e8;
        for (events, low, high) in [(0.0, 0.0, 3.688_879), (1.0, 0.025_318, 5.571_643), (10.0, 4.795_389, 18.390_356)] {
            let found = binomial_interval(events, trials).expect("an interval");
            assert!((found.0 * trials - low).abs() < 1e-4 && (found.1 * trials - high).abs() < 1e-4, "{found:?}");
        }
    }

    #[test]
    fn what_makes_no_share_has_no_interval() {
        for (events, trials) in [(0.0, 0.0), (2.0, 1.0), (-1.0, 5.0), (f64::NAN, 5.0), (1.0, f64::INFINITY), (5e3, 1e4)]
        {
            assert_eq!(binomial_interval(events, trials), None);
        }
        let (low, high) = binomial_interval(5e3, 5e3).expect("an interval");
        assert!(low > 0.999 && high == 1.0);
        assert!(binomial_interval(0.4, 7.3).is_some(), "effective counts are not whole");
    }

    #[test]
    fn clusters_have_a_design_effect() {
        let trials = [1_000.0; 20];
        let mut alone = [1.0; 20];
        alone[..6].copy_from_slice(&[0.0, 2.0, 0.0, 2.0, 3.0, 0.0]);
        let clusters = alone.map(|events| 10.0 * events);
        let (few, many) = (design_effect(&alone, &trials), design_effect(&clusters, &trials));
        assert_eq!(few, Some(1.0));
        assert!(many.is_some_and(|many| many > 3.0), "{many:?}");
        assert_eq!(design_effect(&[0.0; 20], &trials), None);
        assert_eq!(design_effect(&trials, &trials), None);
    }
}
