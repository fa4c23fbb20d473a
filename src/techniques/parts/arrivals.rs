//! When requests of an open workload are sent: arrival processes. They never look at the system, so every variant of a
//! model meets the same arrivals.

mod bursts;
mod diurnal;
mod poisson;
mod process;
mod trace;

pub use process::Process;

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::Distribution;
use crate::techniques::parts::arrivals::bursts::Bursts;
use crate::techniques::parts::arrivals::diurnal::Diurnal;
use crate::techniques::parts::arrivals::poisson::Poisson;
use crate::techniques::parts::arrivals::trace::{Replay, TRACE_HELP, read_trace};
use crate::techniques::technique::{CompileError, Mistake, Wiring, is_from_file, law_mistakes, mean_s};
use crate::units::{Duration, Rate, Ratio};

/// The highest rate that may be written.
pub const HIGHEST_RATE_PER_S: f64 = 1e9;

/// Requests that a burst process is expected to send in one round through its states, at least.
const LEAST_REQUESTS_PER_ROUND: f64 = 1e-6;

/// An arrival process as written. `rate` of the clients scales all but `Renewal` and `Stages`, which say their own, and
/// `Trace`, which it scales only if given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Arrivals {
    /// Independent users: exponential gaps.
    #[default]
    Poisson,
    /// Equal gaps.
    Constant,
    /// Independent gaps with this law, which sets the rate.
    Renewal(Spanned<Distribution>),
    /// The rate moves linearly from target to target, as k6's ramping-arrival-rate does, and then stays.
    Stages { start_rate: Rate, stages: Spanned<Vec<RateStage>> },
    /// A sine around the rate: `rate (1 + amplitude sin(2 pi (t - peak_at) / period + pi / 2))`.
    Diurnal { amplitude: Spanned<Ratio>, period: Spanned<Duration>, peak_at: Option<Duration> },
    /// `factor` times the rate from `start` for `duration`, ramped up and down linearly within `ramp`.
    Spike { factor: Spanned<f64>, start: Duration, duration: Duration, ramp: Option<Duration> },
    /// Bursts (a Markov-modulated Poisson process): states visited in turn, each for an exponential time, in which the
    /// rate is `factor` times the clients' rate.
    Mmpp { states: Spanned<Vec<BurstState>> },
    /// Counts per interval from a CSV file with the columns `t_seconds` and `count`: as many requests as counted, at
    /// random moments of the interval.
    Trace { file: Spanned<String>, time_scale: Option<f64> },
}

/// One stage of a ramp.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateStage {
    pub duration: Duration,
    pub target: Rate,
}

/// One state of a burst process.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurstState {
    pub factor: f64,
    pub mean_duration: Duration,
}

impl Arrivals {
    /// Mistakes in the process alone.
    pub fn mistakes(&self, rate: Option<&Spanned<Rate>>, span: Span) -> Vec<Mistake> {
        let mut found = Vec::new();
        let needs_rate = !matches!(self, Self::Renewal(_) | Self::Stages { .. } | Self::Trace { .. });
        if needs_rate && rate.is_none() {
            found.push(Mistake::new(span, "these arrivals need a rate", "add rate: \"500/s\""));
        }
        if let (Some(rate), Self::Renewal(_) | Self::Stages { .. }) = (rate, self) {
            let help = "leave the rate out, or use another arrival process";
            found.push(Mistake::new(rate.span, "this arrival process sets the rate itself", help));
        }
        let highest = rate.map_or(0.0, |rate| rate.per_second) * self.highest_factor();
        if highest > HIGHEST_RATE_PER_S && !matches!(self, Self::Poisson | Self::Constant) {
            let message = format!("the rate would reach {highest:.1e}/s, above 1e9/s");
            found.push(Mistake::new(span, message, "lower the rate or the factor"));
        }
        match self {
            Self::Renewal(law) => {
                found.extend(law_mistakes(law));
                if !is_from_file(law) && mean_s(law) < 1e-9 {
                    let message = "gaps of zero mean infinitely many requests";
                    found.push(Mistake::new(law.span, message, "write a mean above 1ns"));
                }
            }
            Self::Stages { stages, .. } if stages.is_empty() => {
                found.push(Mistake::new(
                    stages.span,
                    "there is no stage",
                    "write for example [(duration: \"5m\", target: \"500/s\")]",
                ));
            }
            Self::Stages { start_rate, stages } => {
                let rates = || stages.iter().map(|stage| stage.target).chain([*start_rate]);
                if rates().any(|rate| rate.per_second > HIGHEST_RATE_PER_S) {
                    let message = "a rate of these stages is above 1e9/s";
                    found.push(Mistake::new(stages.span, message, "write for example \"500/s\""));
                } else if rates().all(|rate| rate.per_second <= 0.0) {
                    let message = "the rate is zero at all times: nobody sends requests";
                    found.push(Mistake::new(stages.span, message, "let one target be above zero, such as \"500/s\""));
                }
            }
            Self::Diurnal { amplitude, .. } if !(0.0..=1.0).contains(&amplitude.value.value) => {
                let message = "the amplitude of a daily rhythm lies between 0 and 1";
                found.push(Mistake::new(amplitude.span, message, "write for example \"60%\""));
            }
            Self::Diurnal { period, .. } if period.ns == 0 => {
                found.push(Mistake::new(period.span, "a period of zero repeats endlessly", "write \"1d\""));
            }
            Self::Spike { factor, .. } if !factor.is_finite() || **factor < 0.0 => {
                found.push(Mistake::new(factor.span, "a factor is a number from 0 up", "write for example 10"));
            }
            Self::Mmpp { states } => {
                let bad =
                    |state: &BurstState| !state.factor.is_finite() || state.factor < 0.0 || state.mean_duration.ns == 0;
                if states.is_empty() || states.iter().any(bad) || states.iter().all(|state| state.factor == 0.0) {
                    let message = "burst states need factors from 0 up, one above 0, and durations above 0";
                    let help = "write for example (factor: 5, mean_duration: \"10s\")";
                    found.push(Mistake::new(states.span, message, help));
                } else if let Some(rate) = rate
                    && self.mean_rate_per_s(Some(rate.per_second)).unwrap_or(0.0) * self.settling_s()
                        < LEAST_REQUESTS_PER_ROUND
                {
                    let message = "the burst states change a million times between two requests";
                    found.push(Mistake::new(states.span, message, "write longer durations, or use Poisson"));
                }
            }
            _ => {}
        }
        found
    }

    /// Mean requests per second, if it is the same at all times in the long run.
    pub fn mean_rate_per_s(&self, rate: Option<f64>) -> Option<f64> {
        match self {
            Self::Poisson | Self::Constant | Self::Diurnal { .. } => rate,
            Self::Renewal(law) => Some(mean_s(law).recip()).filter(|rate| rate.is_finite()),
            Self::Mmpp { states } => {
                let total: f64 = states.iter().map(|state| state.mean_duration.ns as f64).sum();
                let weighted: f64 = states.iter().map(|state| state.factor * state.mean_duration.ns as f64).sum();
                rate.map(|rate| rate * weighted / total)
            }
            Self::Stages { .. } | Self::Spike { .. } | Self::Trace { .. } => None,
        }
    }

    /// When a spike begins.
    pub fn spike_start_ns(&self) -> Option<u64> {
        match self {
            Self::Spike { start, .. } => Some(start.ns),
            _ => None,
        }
    }

    /// Whether the process runs through a course of its own once, so that there is no long run.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Stages { .. } | Self::Spike { .. } | Self::Trace { .. })
    }

    /// Whether the rate to be expected at each moment is known: bursts come by chance.
    pub fn is_foreseeable(&self) -> bool {
        !matches!(self, Self::Mmpp { .. })
    }

    /// How far above the clients' rate the process goes.
    fn highest_factor(&self) -> f64 {
        match self {
            Self::Spike { factor, .. } => factor.max(1.0),
            Self::Mmpp { states } => states.iter().map(|state| state.factor).fold(0.0, f64::max),
            _ => 1.0,
        }
    }

    /// How long the process takes to show all it does, in seconds.
    pub fn settling_s(&self) -> f64 {
        match self {
            Self::Diurnal { period, .. } => period.as_s(),
            Self::Mmpp { states } => states.iter().map(|state| state.mean_duration.as_s()).sum(),
            _ => 0.0,
        }
    }

    /// After how long the process begins again, in seconds; zero if it never does.
    pub fn cycle_s(&self) -> f64 {
        match self {
            Self::Diurnal { period, .. } => period.as_s(),
            _ => 0.0,
        }
    }

    /// The process with its own stream of draws.
    pub fn compile(&self, rate: Option<f64>, wiring: &dyn Wiring) -> Result<Process, CompileError> {
        let rate = rate.unwrap_or(0.0);
        Ok(match self {
            Self::Poisson => Process::Poisson(Poisson::new(1e9 / rate)),
            Self::Constant => Process::Constant { gap_ns: 1e9 / rate, sent: 0.0 },
            Self::Renewal(law) => Process::Renewal(wiring.sampler(law)?),
            Self::Stages { start_rate, stages } => {
                let mut corners = vec![(0.0, start_rate.per_second)];
                for stage in stages.iter() {
                    let time = corners.last().map_or(0.0, |corner| corner.0) + stage.duration.ns as f64;
                    corners.push((time, stage.target.per_second));
                }
                Process::Corners(corners)
            }
            Self::Diurnal { amplitude, period, peak_at } => Process::Diurnal(Diurnal {
                rate,
                amplitude: amplitude.value.value,
                period_ns: period.ns as f64,
                peak_ns: peak_at.as_ref().map_or(0.5 * period.ns as f64, |peak| peak.ns as f64),
            }),
            Self::Spike { factor, start, duration, ramp } => {
                let (start, duration) = (start.ns as f64, duration.ns as f64);
                let ramp = ramp.as_ref().map_or(0.0, |ramp| ramp.ns as f64).min(duration / 2.0);
                let high = rate * **factor;
                let end = start + duration;
                let corners = vec![(0.0, rate), (start, rate), (start + ramp, high), (end - ramp, high), (end, rate)];
                Process::Corners(corners)
            }
            Self::Mmpp { states } => Process::Bursts(Bursts {
                states: states.iter().map(|state| (rate * state.factor, state.mean_duration.ns as f64)).collect(),
                state: 0,
                until_ns: 0.0,
            }),
            Self::Trace { file, time_scale } => {
                let bins = read_trace(&wiring.path(file), time_scale.unwrap_or(1.0))
                    .map_err(|message| CompileError::at(file.span, message).help(TRACE_HELP))?;
                Process::Trace(Replay::new(bins, rate))
            }
        })
    }
}
