//! How far it is looked ahead: from now, though what is known ends with the last step.

use crate::statistics::forecast::Forecaster;

/// The lengths that decide how far.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// Of a step of the series.
    pub step_ns: u64,
    /// Between asking for replicas and having them.
    pub lead_ns: u64,
}

impl Horizon {
    /// Steps from the last one that has ended to the one in which the lead time ends that begins now; at least one, for the
    /// step that is under way. A moment at which one step ends belongs to the next.
    pub fn steps_ahead(self, ended_ns: u64, now_ns: u64) -> usize {
        let beyond_ns = now_ns.saturating_sub(ended_ns).saturating_add(self.lead_ns);
        (beyond_ns / self.step_ns) as usize + 1
    }

    /// How many steps before a step ends it is first looked at: a lead time before it begins, with what is known by then.
    pub fn first_seen_ahead(self) -> usize {
        self.lead_ns.div_ceil(self.step_ns) as usize + 1
    }
}

/// A forecaster, when it saw something last, and what it says until it sees more.
#[derive(Clone, Debug)]
pub struct Outlook {
    forecaster: Forecaster,
    ended_ns: u64,
    /// The largest load of the next one, two, ... steps, as far as somebody asked.
    highest: Vec<f64>,
}

impl Outlook {
    /// Nothing has been seen.
    pub fn new(forecaster: Forecaster) -> Self {
        Self { forecaster, ended_ns: 0, highest: Vec::new() }
    }

    /// A step ended now, with this load.
    pub fn observe(&mut self, now_ns: u64, load: f64) {
        self.forecaster.observe(load);
        self.ended_ns = now_ns;
        self.highest.clear();
    }

    /// The load so many steps after the last.
    pub fn forecast(&self, steps: usize) -> Option<f64> {
        self.forecaster.forecast(steps).map(|forecast| forecast.value)
    }

    /// The largest load from now to the end of the lead time.
    pub fn highest(&mut self, horizon: Horizon, now_ns: u64) -> Option<f64> {
        let steps = horizon.steps_ahead(self.ended_ns, now_ns);
        while self.highest.len() < steps {
            let next = self.forecast(self.highest.len() + 1)?;
            self.highest.push(self.highest.last().map_or(next, |highest| highest.max(next)));
        }
        self.highest.get(steps - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::forecast::Method;

    /// Each step is looked at from exactly a lead time before it begins.
    #[test]
    fn a_step_is_seen_a_lead_time_before_it_begins_and_not_earlier() {
        for (step_ns, lead_ns) in [(300, 300), (300, 0), (60, 300), (900, 100), (7, 300), (300, 301), (300, 299)] {
            let horizon = Horizon { step_ns, lead_ns };
            for now_ns in 0..4 * (step_ns + lead_ns) {
                let ended_ns = now_ns / step_ns * step_ns;
                let last = ended_ns / step_ns + horizon.steps_ahead(ended_ns, now_ns) as u64;
                let begins_ns = (last - 1) * step_ns;
                assert!(begins_ns <= now_ns + lead_ns, "{horizon:?} at {now_ns} looks at {begins_ns}");
                assert!(begins_ns + step_ns > now_ns + lead_ns, "{horizon:?} at {now_ns} looks at {begins_ns} only");
            }
            // The earliest look at a step: its forecast is the one that is held against what came.
            let begins_ns = 50 * step_ns;
            let now_ns = begins_ns - lead_ns;
            let ended_ns = now_ns / step_ns * step_ns;
            assert_eq!(horizon.steps_ahead(ended_ns, now_ns), horizon.first_seen_ahead(), "{horizon:?}");
        }
    }

    #[test]
    fn the_largest_load_on_the_way_counts() {
        let mut outlook = Outlook::new(Method::SeasonalNaive { season: 4 }.forecaster());
        for (step, load) in [1.0, 9.0, 2.0, 3.0].into_iter().enumerate() {
            outlook.observe(100 * (step as u64 + 1), load);
        }
        let horizon = |lead_ns| Horizon { step_ns: 100, lead_ns };
        let found = [0, 99, 100, 300].map(|lead_ns| outlook.highest(horizon(lead_ns), 400));
        assert_eq!(found, [Some(1.0), Some(1.0), Some(9.0), Some(9.0)]);
        // Half a step later the same lead time reaches further.
        assert_eq!(outlook.highest(horizon(60), 440), Some(9.0));
        outlook.observe(500, 1.0);
        outlook.observe(600, 9.0);
        assert_eq!(outlook.highest(horizon(100), 600), Some(3.0), "what has been is no longer ahead");
    }
}
