//! What a value of an axis is as a number, if it is one.

use crate::price::HourlyPrice;
use crate::units::{Bandwidth, Bytes, Duration, Rate, Ratio};

/// A value that can be compared with others of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    /// What it measures, for example `a duration`.
    pub(super) kind: &'static str,
    /// In SI base units: per second, seconds, bytes; of a share, one is the whole.
    pub(super) value: f64,
}

impl Number {
    /// Reads RON text: a plain number, or a quantity in quotes.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let of = |kind, value: f64| value.is_finite().then_some(Self { kind, value });
        if let Ok(number) = text.replace('_', "").parse::<f64>() {
            return of("a number", number);
        }
        let quoted = ron::from_str::<String>(text).ok()?;
        if let Ok(rate) = quoted.parse::<Rate>() {
            of("a rate", rate.per_second)
        } else if let Ok(duration) = quoted.parse::<Duration>() {
            of("a duration", duration.as_s())
        } else if let Ok(bytes) = quoted.parse::<Bytes>() {
            of("a size", bytes.bytes as f64)
        } else if let Ok(bandwidth) = quoted.parse::<Bandwidth>() {
            of("a bandwidth", bandwidth.bytes_per_second)
        } else if let Ok(price) = quoted.parse::<HourlyPrice>() {
            of("a price", price.usd_per_hour)
        } else if let Ok(ratio) = quoted.parse::<Ratio>() {
            of("a share", ratio.value)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_kind_are_in_base_units() {
        let read = |text: &str| Number::read(text).map(|number| (number.kind, number.value));
        assert_eq!(read("1_000"), Some(("a number", 1000.0)));
        assert_eq!(read("\"30/min\""), Some(("a rate", 0.5)));
        assert_eq!(read("\"250ms\""), Some(("a duration", 0.25)));
        assert_eq!(read("\"4KiB\""), Some(("a size", 4096.0)));
        assert_eq!(read("\"70%\""), Some(("a share", 0.7)));
        assert_eq!(read("\"$0.5/h\""), Some(("a price", 0.5)));
        assert_eq!(read("RoundRobin"), None);
        assert_eq!(read("inf"), None);
    }
}
