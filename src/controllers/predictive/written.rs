//! Predictive scaling as written in a model.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::statistics::forecast;
use crate::techniques::parts::signal::{Bound, Bounds, Look, Signal};
use crate::techniques::service::MOST_REPLICAS;
use crate::techniques::technique::{ControllerSpec, Mistake, Reference};
use crate::units::{Duration, Ratio};

/// Longest season in steps: what a week of minutes has.
const MOST_STEPS: u64 = 10_080;
/// Steps that a lead time may have: what is beyond is forecast from step to step at every one of them.
const MOST_STEPS_AHEAD: u64 = 1_000;
/// Between asking for replicas and having them, unless it is written.
pub(super) const LEAD_TIME_NS: u64 = 300_000_000_000;

/// The controller as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictiveScaling {
    pub target: Spanned<String>,
    #[serde(default)]
    pub source: Option<Spanned<String>>,
    #[serde(default)]
    pub metric: Option<Spanned<Signal>>,
    pub load_per_replica: Spanned<f64>,
    #[serde(default)]
    pub min_replicas: Option<Spanned<u32>>,
    pub max_replicas: Spanned<u32>,
    pub method: Spanned<Method>,
    #[serde(default)]
    pub step: Option<Spanned<Duration>>,
    #[serde(default)]
    pub lead_time: Option<Spanned<Duration>>,
    #[serde(default)]
    pub headroom: Option<Spanned<Ratio>>,
    #[serde(default)]
    pub tolerance: Option<Spanned<Ratio>>,
    #[serde(default)]
    pub reactive_floor: Option<bool>,
    #[serde(default)]
    pub interval: Option<Spanned<Duration>>,
    #[serde(default)]
    pub scale_down_window: Option<Spanned<Duration>>,
}

/// How the load to come is found.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Method {
    /// It stays what it is.
    LastValue,
    /// It is what it was a season ago.
    SeasonalNaive { season: Duration },
    /// Level, damped trend and season, exponentially smoothed.
    HoltWinters { season: Duration },
    /// A line and a smooth season, by least squares, corrected by the latest residuals.
    LinearTrendWithSeasonality { season: Duration },
    /// It is known. Nobody knows it.
    Oracle,
}

impl Method {
    fn season(self) -> Option<Duration> {
        match self {
            Self::SeasonalNaive { season }
            | Self::HoltWinters { season }
            | Self::LinearTrendWithSeasonality { season } => Some(season),
            Self::LastValue | Self::Oracle => None,
        }
    }

    /// The forecaster for steps of this length; `None` for one that knows.
    pub(super) fn forecaster(self, step_ns: u64) -> Option<forecast::Forecaster> {
        let steps = |season: Duration| (season.ns / step_ns.max(1)) as usize;
        let method = match self {
            Self::LastValue => forecast::Method::LastValue,
            Self::SeasonalNaive { season } => forecast::Method::SeasonalNaive { season: steps(season) },
            Self::HoltWinters { season } => forecast::Method::HoltWinters { season: steps(season) },
            Self::LinearTrendWithSeasonality { season } => {
                forecast::Method::LinearTrendWithSeasonality { season: steps(season) }
            }
            Self::Oracle => return None,
        };
        Some(method.forecaster())
    }
}

impl PredictiveScaling {
    pub(super) fn step_ns(&self) -> u64 {
        self.step.as_ref().map_or(300_000_000_000, |step| step.ns)
    }

    pub(super) fn minimum(&self) -> u32 {
        self.min_replicas.as_ref().map_or(1, |replicas| replicas.value)
    }

    /// What is forecast.
    pub(super) fn signal(&self) -> Signal {
        self.metric.as_ref().map_or(Signal::RequestsPerSecond, |metric| metric.value)
    }

    /// Whose load is forecast.
    pub(super) fn source(&self) -> &Spanned<String> {
        self.source.as_ref().unwrap_or(&self.target)
    }
}

impl ControllerSpec for PredictiveScaling {
    fn kind(&self) -> &'static str {
        "PredictiveScaling"
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.source.iter().map(Reference::Any).collect()
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        vec![&self.target]
    }

    fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            fewest: Bound { field: "min_replicas", replicas: self.minimum() },
            most: Bound { field: "max_replicas", replicas: self.max_replicas.value },
        })
    }

    fn looks(&self) -> Vec<Look<'_>> {
        if matches!(self.method.value, Method::Oracle) {
            return Vec::new();
        }
        // What was seen a season ago may bring replicas back.
        let span = self.metric.as_ref().map_or(self.source().span, |metric| metric.span);
        vec![Look { node: self.source(), signal: self.signal(), span, wakes: false }]
    }

    fn foresees(&self) -> Option<(&Spanned<String>, Span)> {
        matches!(self.method.value, Method::Oracle).then_some((self.source(), self.method.span))
    }

    fn settling_s(&self) -> f64 {
        self.method.season().map_or(0.0, |season| 2.0 * season.as_s())
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let (minimum, maximum) = (self.minimum(), self.max_replicas.value);
        if !(1..=MOST_REPLICAS).contains(&maximum) {
            let message = "between 1 and 60,000 replicas are allowed";
            found.push(Mistake::new(self.max_replicas.span, message, "write for example max_replicas: 10"));
        } else if minimum > maximum {
            let message = format!("min_replicas {minimum} is above max_replicas {maximum}");
            let span = self.min_replicas.as_ref().map_or(self.max_replicas.span, |replicas| replicas.span);
            found.push(Mistake::new(span, message, format!("write at most {maximum}, or raise max_replicas")));
        }
        if !(self.load_per_replica.is_finite() && self.load_per_replica.value > 1e-9) {
            let message = "a replica takes some load";
            found.push(Mistake::new(self.load_per_replica.span, message, "write for example 50"));
        }
        let shortest = [(&self.step, "\"5m\""), (&self.interval, "\"15s\"")];
        for (time, example) in shortest {
            if let Some(time) = time.as_ref().filter(|time| time.ns < 1_000_000) {
                let message = "nothing is looked at more often than every millisecond";
                found.push(Mistake::new(time.span, message, format!("write for example {example}")));
            }
        }
        if let Some(tolerance) = self.tolerance.as_ref().filter(|tolerance| tolerance.value.value >= 1.0) {
            let message = "a tolerance of all the load leaves every number of replicas as it is";
            found.push(Mistake::new(tolerance.span, message, "write for example tolerance: \"10%\""));
        }
        let lead_ns = self.lead_time.as_ref().map_or(LEAD_TIME_NS, |lead_time| lead_time.ns);
        if lead_ns / self.step_ns().max(1) > MOST_STEPS_AHEAD && !matches!(self.method.value, Method::Oracle) {
            let span = self.lead_time.as_ref().or(self.step.as_ref()).map_or(self.method.span, |time| time.span);
            let message = "a lead time of more than 1,000 steps is further than any forecast goes";
            found.push(Mistake::new(span, message, "write a longer step, or a shorter lead_time"));
        }
        if let Some(season) = self.method.season() {
            let step_ns = self.step_ns().max(1);
            if season.ns % step_ns != 0 || season.ns / step_ns < 2 {
                let message = format!("a season of {season} is no whole number of steps, of at least two");
                found.push(Mistake::new(
                    self.method.span,
                    message,
                    "write for example season: \"1d\" and step: \"5m\"",
                ));
            } else if season.ns / step_ns > MOST_STEPS {
                let message = format!("a season of {season} has more than 10,080 steps");
                found.push(Mistake::new(self.method.span, message, "write a longer step"));
            }
        }
        found
    }
}
