//! An arrival process at work: from one request to the moment of the next.

use rand_distr::{Distribution as _, Exp1};

use crate::distribution::Sampler;
use crate::random::Stream;
use crate::techniques::parts::arrivals::bursts::Bursts;
use crate::techniques::parts::arrivals::diurnal::Diurnal;
use crate::techniques::parts::arrivals::poisson::Poisson;
use crate::techniques::parts::arrivals::trace::Replay;

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

    /// Requests per second that are to be expected at a time; `None` where that is a matter of chance.
    pub fn rate_per_s(&self, time_ns: f64) -> Option<f64> {
        match self {
            Self::Poisson(poisson) => Some(1e9 / poisson.mean_gap_ns()),
            Self::Constant { gap_ns, .. } => Some(1e9 / gap_ns),
            Self::Renewal(law) => Some(1.0 / law.mean_s()),
            Self::Corners(corners) => Some(rate_at(corners, time_ns)),
            Self::Diurnal(diurnal) => Some(diurnal.rate_per_s(time_ns)),
            Self::Trace(replay) => Some(replay.rate_per_s(time_ns)),
            Self::Bursts(_) => None,
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

/// The rate at a time.
fn rate_at(corners: &[(f64, f64)], time_ns: f64) -> f64 {
    let next = corners.partition_point(|&(time, _)| time <= time_ns);
    let before = next.checked_sub(1).and_then(|before| corners.get(before));
    match (before, corners.get(next)) {
        (Some(&(start_ns, start)), Some(&(end_ns, end))) => {
            start + (end - start) * (time_ns - start_ns) / (end_ns - start_ns)
        }
        (Some(&(_, rate)), None) | (None, Some(&(_, rate))) => rate,
        (None, None) => 0.0,
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
