//! When requests of an open workload are sent: arrival processes. They never look at the system, so every variant of a
//! model meets the same arrivals.

use std::path::Path;
use std::sync::Arc;

use rand_distr::{Distribution as _, Exp1};
use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::Distribution;
use crate::distribution::Sampler;
use crate::files;
use crate::random::Stream;
use crate::techniques::technique::{CompileError, Mistake, Wiring, law_mistakes, mean_s};
use crate::units::{Duration, Rate, Ratio};

const TRACE_HELP: &str = "a trace is a CSV file with the columns t_seconds and count; its path is seen from the model";

/// The highest rate that may be written.
pub const HIGHEST_RATE_PER_S: f64 = 1e9;

/// Requests that a burst process is expected to send in one round through its states, at least.
const LEAST_REQUESTS_PER_ROUND: f64 = 1e-6;

/// Bins that a trace may have.
const LONGEST_TRACE: usize = 10_000_000;

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
                if mean_s(law) < 1e-9 {
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

    /// Whether the process runs through a course of its own once, so that there is no long run.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Stages { .. } | Self::Spike { .. } | Self::Trace { .. })
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

/// An arrival process at work.
#[derive(Clone, Debug)]
#[repr(u8)]
pub enum Process {
    Poisson(Poisson),
    Constant {
        gap_ns: f64,
        sent: f64,
    },
    Renewal(Sampler),
    /// `(time in ns, rate per second)`, linear in between, constant afterwards.
    Corners(Vec<(f64, f64)>),
    Diurnal(Diurnal),
    Bursts(Bursts),
    Trace(Replay),
}

impl Process {
    /// When the next request is sent after one at `now_ns`, or `None` if there is no next one.
    #[inline(always)]
    pub fn next_ns(&mut self, now_ns: u64, stream: &mut Stream) -> Option<u64> {
        match self {
            Self::Poisson(poisson) => Some(now_ns.saturating_add(poisson.gap_ns(stream))),
            Self::Renewal(law) => Some(now_ns.saturating_add(law.sample_ns(stream))),
            other => other.next_changing_ns(now_ns, stream),
        }
    }

    #[inline(never)]
    fn next_changing_ns(&mut self, now_ns: u64, stream: &mut Stream) -> Option<u64> {
        match self {
            Self::Constant { gap_ns, sent } => {
                *sent += 1.0;
                Some((*gap_ns * *sent) as u64)
            }
            Self::Corners(corners) => {
                // The next request comes when the rate has added up to an exponential amount since the last.
                let amount: f64 = Exp1.sample(stream);
                time_of_amount(corners, now_ns as f64, amount).map(|time_ns| time_ns as u64)
            }
            Self::Diurnal(diurnal) => diurnal.next_ns(now_ns as f64, stream).map(|time_ns| time_ns as u64),
            Self::Bursts(bursts) => bursts.next_ns(now_ns, stream),
            Self::Trace(replay) => replay.next_ns(stream),
            Self::Poisson(_) | Self::Renewal(_) => None,
        }
    }
}

/// Exponential gaps, drawn by the block: nobody else takes from the stream, and a tight loop of its own keeps the
/// sampler's rare branches and its latency out of the event loop.
#[derive(Clone, Debug)]
pub struct Poisson {
    mean_ns: f64,
    units: Box<[f64; BLOCK]>,
    next: usize,
}

const BLOCK: usize = 64;

impl Poisson {
    fn new(mean_ns: f64) -> Self {
        Self { mean_ns, units: Box::new([0.0; BLOCK]), next: BLOCK }
    }

    #[inline(always)]
    fn gap_ns(&mut self, stream: &mut Stream) -> u64 {
        if self.next >= BLOCK {
            self.draw(stream);
        }
        let unit = self.units[self.next % BLOCK];
        self.next += 1;
        // By way of i64, for which the processor has an instruction; it saturates, and a gap is never negative.
        ((unit * self.mean_ns) as i64) as u64
    }

    #[cold]
    #[inline(never)]
    fn draw(&mut self, stream: &mut Stream) {
        self.units.fill_with(|| Exp1.sample(stream));
        self.next = 0;
    }
}

/// When the rate has added up to `amount` requests after `from_ns`, or `None` if it never does. Between two corners the
/// rate is linear, so the time is the root of a quadratic equation.
fn time_of_amount(corners: &[(f64, f64)], from_ns: f64, amount: f64) -> Option<f64> {
    let mut left = amount * 1e9;
    let mut time_ns = from_ns;
    let mut next = corners.partition_point(|&(time, _)| time <= time_ns);
    while let Some(&(end_ns, end_rate)) = corners.get(next) {
        let (start_ns, start_rate) = corners[next.saturating_sub(1)];
        let length_ns = end_ns - start_ns;
        let slope = if length_ns > 0.0 { (end_rate - start_rate) / length_ns } else { 0.0 };
        let rate = start_rate + slope * (time_ns - start_ns);
        let stretch = 0.5 * (rate + end_rate) * (end_ns - time_ns);
        if left < stretch {
            // The form with the root in the denominator loses no digits when the slope is small.
            let root = (rate * rate + 2.0 * slope * left).max(0.0).sqrt();
            return Some((time_ns + 2.0 * left / (rate + root)).min(end_ns));
        }
        left -= stretch;
        time_ns = end_ns;
        next += 1;
    }
    let (_, last_rate) = *corners.last()?;
    (last_rate > 0.0).then(|| time_ns + left / last_rate)
}

/// A rate that swings with the hours of the day.
#[derive(Clone, Debug)]
pub struct Diurnal {
    rate: f64,
    amplitude: f64,
    period_ns: f64,
    peak_ns: f64,
}

impl Diurnal {
    /// Lewis & Shedler 1979: candidates at a rate that is never exceeded, kept in proportion to the rate at their time.
    ///
    /// The bound is that of a part of the period, so that a night with hardly a request costs few candidates; but one
    /// bound for all is best if requests are so rare that whole periods pass between them.
    fn next_ns(&self, now_ns: f64, stream: &mut Stream) -> Option<f64> {
        const PARTS: f64 = 1024.0;
        const BUSY: f64 = 1e5;
        let is_busy = self.rate * self.period_ns * 1e-9 > BUSY;
        let mut time_ns = now_ns;
        while time_ns < u64::MAX as f64 {
            let (bound, part_end_ns) = if is_busy {
                let part_ns = self.period_ns / PARTS;
                let part = (time_ns / part_ns).floor();
                let (start_ns, end_ns) = (part * part_ns, (part + 1.0) * part_ns);
                // Around the peak a part rises above its ends, by less than this.
                let ends = self.rate_per_s(start_ns).max(self.rate_per_s(end_ns));
                (ends + 1e-5 * self.rate * self.amplitude, end_ns.max(time_ns + 1.0))
            } else {
                (self.rate * (1.0 + self.amplitude), f64::INFINITY)
            };
            let gap: f64 = Exp1.sample(stream);
            let candidate_ns = time_ns + gap * 1e9 / bound;
            if candidate_ns >= part_end_ns {
                time_ns = part_end_ns;
                continue;
            }
            time_ns = candidate_ns;
            if stream.unit() * bound < self.rate_per_s(time_ns) {
                return Some(time_ns);
            }
        }
        None
    }

    fn rate_per_s(&self, time_ns: f64) -> f64 {
        let phase = std::f64::consts::TAU * (time_ns - self.peak_ns) / self.period_ns;
        self.rate * (1.0 + self.amplitude * phase.cos())
    }
}

/// A Markov-modulated Poisson process whose states follow each other in a circle.
#[derive(Clone, Debug)]
pub struct Bursts {
    /// `(rate per second, mean duration in ns)`
    states: Vec<(f64, f64)>,
    state: usize,
    until_ns: f64,
}

impl Bursts {
    fn next_ns(&mut self, now_ns: u64, stream: &mut Stream) -> Option<u64> {
        let mut time_ns = now_ns as f64;
        if self.until_ns == 0.0 {
            self.until_ns = self.stay(stream);
        }
        loop {
            let (rate, _) = self.states[self.state];
            if rate > 0.0 {
                let gap: f64 = Exp1.sample(stream);
                let candidate = time_ns + gap * 1e9 / rate;
                if candidate <= self.until_ns {
                    return Some(candidate as u64);
                }
            }
            // Exponential gaps have no memory, so the draw that crosses the end of the state is simply forgotten.
            time_ns = self.until_ns;
            self.state = (self.state + 1) % self.states.len();
            self.until_ns += self.stay(stream);
            if !self.until_ns.is_finite() || self.until_ns > u64::MAX as f64 {
                return None;
            }
        }
    }

    fn stay(&self, stream: &mut Stream) -> f64 {
        let stay: f64 = Exp1.sample(stream);
        (stay * self.states[self.state].1).max(1.0)
    }
}

/// One interval of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    start_ns: f64,
    length_ns: f64,
    count: f64,
}

/// A trace at work.
#[derive(Clone, Debug)]
pub struct Replay {
    bins: Arc<[Bin]>,
    bin: usize,
    /// Requests still to be sent in the current bin, and the time of the last one.
    left: u64,
    time_ns: f64,
    scale: f64,
}

impl Replay {
    fn new(bins: Vec<Bin>, rate_per_s: f64) -> Self {
        let seconds: f64 = bins.iter().map(|bin| bin.length_ns * 1e-9).sum();
        let count: f64 = bins.iter().map(|bin| bin.count).sum();
        let scale = if rate_per_s > 0.0 && count > 0.0 { rate_per_s * seconds / count } else { 1.0 };
        Self { bins: bins.into(), bin: usize::MAX, left: 0, time_ns: 0.0, scale }
    }

    fn next_ns(&mut self, stream: &mut Stream) -> Option<u64> {
        while self.left == 0 {
            self.bin = self.bin.wrapping_add(1);
            let bin = self.bins.get(self.bin)?;
            let wanted = bin.count * self.scale;
            // A scaled count is rounded at random so that its mean is kept.
            self.left = wanted.floor() as u64 + u64::from(stream.unit() < wanted.fract());
            self.time_ns = bin.start_ns;
        }
        let bin = self.bins[self.bin];
        // The smallest of `left` uniform moments in the rest of the interval.
        let rest = bin.start_ns + bin.length_ns - self.time_ns;
        let share = 1.0 - (1.0 - stream.unit()).powf(1.0 / self.left as f64);
        self.time_ns += rest * share;
        self.left -= 1;
        Some(self.time_ns as u64)
    }
}

/// Reads the columns `t_seconds` and `count`; the intervals are as long as the distance to the next row.
fn read_trace(path: &Path, time_scale: f64) -> Result<Vec<Bin>, String> {
    #[derive(Deserialize)]
    struct Row {
        t_seconds: f64,
        count: f64,
    }
    let shown = path.display();
    if !(time_scale > 0.0 && time_scale.is_finite()) {
        return Err(format!("the time scale {time_scale} is not above zero"));
    }
    let file = files::open(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let mut reader = csv::Reader::from_reader(file);
    let mut bins: Vec<Bin> = Vec::new();
    for row in reader.deserialize() {
        let row: Row = row.map_err(|error| format!("{shown}: {error}"))?;
        let start_ns = row.t_seconds * 1e9 * time_scale;
        let orderly = bins.last().is_none_or(|last| start_ns > last.start_ns);
        if !(start_ns >= 0.0 && start_ns.is_finite() && row.count >= 0.0 && row.count.is_finite() && orderly) {
            return Err(format!(
                "{shown}: t_seconds must grow and count must not be negative (row {})",
                bins.len() + 1
            ));
        }
        if let Some(last) = bins.last_mut() {
            last.length_ns = start_ns - last.start_ns;
        }
        bins.push(Bin { start_ns, length_ns: 0.0, count: row.count });
        if bins.len() > LONGEST_TRACE {
            return Err(format!("{shown}: more than {LONGEST_TRACE} rows"));
        }
    }
    let [.., before, last] = bins.as_mut_slice() else {
        return Err(format!("{shown}: a trace needs at least two rows"));
    };
    last.length_ns = before.length_ns;
    let total: f64 = bins.iter().map(|bin| bin.count).sum();
    if total <= 0.0 {
        return Err(format!("{shown}: every count is zero, so nobody sends requests"));
    }
    if bins.iter().any(|bin| bin.count > HIGHEST_RATE_PER_S * bin.length_ns * 1e-9) {
        return Err(format!("{shown}: a count stands for more than 1e9 requests/s"));
    }
    Ok(bins)
}
