//! Spans of time: `"12ms"`.

use std::fmt;

use super::{Fault, Quantity, split_number, text_quantity};

/// A span of simulated time in whole nanoseconds, between zero and ten years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    pub ns: u64,
}

const NS_PER_S: u64 = 1_000_000_000;

/// Ten years of 365.25 days: longer than any study, and far from overflow when durations are added up.
const LONGEST_NS: u64 = 315_576_000 * NS_PER_S;

impl Duration {
    /// Ten years, the longest duration that can be written.
    pub const LONGEST: Self = Self { ns: LONGEST_NS };

    /// The span in seconds.
    #[must_use]
    pub fn as_s(self) -> f64 {
        self.ns as f64 / NS_PER_S as f64
    }
}

/// Nanoseconds in one `unit`, for example 1,000,000 for `"ms"`.
pub(crate) fn unit_ns(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter look alike; keyboards produce either.
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" | "sec" => NS_PER_S,
        "m" | "min" => 60 * NS_PER_S,
        "h" => 3_600 * NS_PER_S,
        "d" => 86_400 * NS_PER_S,
        "w" => 604_800 * NS_PER_S,
        _ => return None,
    })
}

impl Quantity for Duration {
    const NOUN: &'static str = "a duration";
    const EXAMPLE: &'static str = "12ms";
    const AROUND: (&'static str, &'static str) = ("", "ms");

    fn read(text: &str) -> Result<Self, Fault> {
        let (value, digits, unit) = split_number(text).ok_or(Fault::Unreadable)?;
        let ns = match unit_ns(unit) {
            Some(unit_ns) => decimal_ns(value, digits, unit_ns),
            // Several parts such as "1h 30m". Single units are not left to humantime because it reads "5M" as months.
            None if unit.contains(|letter: char| letter.is_ascii_digit()) => {
                humantime::parse_duration(text).map_err(|_| Fault::Unreadable)?.as_nanos()
            }
            None => return Err(Fault::Unreadable),
        };
        match u64::try_from(ns) {
            Ok(ns) if ns <= LONGEST_NS => Ok(Self { ns }),
            _ => Err(Fault::Because(format!("\"{text}\" is longer than ten years: write at most \"3652d\""))),
        }
    }
}

/// `value` units in nanoseconds, rounded to the nearest. Whole and fractional digits are scaled apart, because a double
/// cannot hold the nanoseconds of more than 104 days.
fn decimal_ns(value: f64, digits: &str, unit_ns: u64) -> u128 {
    let digits = digits.replace('_', "");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, "0"));
    match (whole.parse::<u64>(), format!("0.{fraction}").parse::<f64>()) {
        (Ok(whole), Ok(fraction)) if !digits.contains(['e', 'E']) => {
            u128::from(whole) * u128::from(unit_ns) + (fraction * unit_ns as f64).round() as u128
        }
        _ => (value * unit_ns as f64).round() as u128,
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
            if self.ns > 0 && self.ns.is_multiple_of(seconds * NS_PER_S) {
                return write!(formatter, "{}{unit}", self.ns / (seconds * NS_PER_S));
            }
        }
        let (unit, unit_ns) = match self.ns {
            0 | NS_PER_S.. => ("s", NS_PER_S),
            1_000_000.. => ("ms", 1_000_000),
            1_000.. => ("us", 1_000),
            _ => ("ns", 1),
        };
        let (whole, rest) = (self.ns / unit_ns, self.ns % unit_ns);
        if rest == 0 {
            return write!(formatter, "{whole}{unit}");
        }
        let width = unit_ns.ilog10() as usize;
        let fraction = format!("{rest:0width$}");
        write!(formatter, "{whole}.{}{unit}", fraction.trim_end_matches('0'))
    }
}

text_quantity!(Duration);
