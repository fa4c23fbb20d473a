//! What a value of a model is as a number, if it is one, and how such a number is written.

use crate::price::{HourlyPrice, RequestPrice, StoragePrice, TransferPrice};
use crate::units::{Bandwidth, Bytes, Duration, Rate, Ratio};

/// A value that can be compared with others of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// What it measures, for example `a duration`.
    pub kind: &'static str,
    /// In SI base units: per second, seconds, bytes; of a share, one is the whole.
    pub value: f64,
}

impl Number {
    /// Reads RON text: a plain number, or a quantity in quotes.
    pub fn read(text: &str) -> Option<Self> {
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
        } else if let Ok(price) = quoted.parse::<RequestPrice>() {
            of("a price per request", price.usd_per_request)
        } else if let Ok(price) = quoted.parse::<TransferPrice>() {
            of("a price per amount of data", price.usd_per_byte)
        } else if let Ok(price) = quoted.parse::<StoragePrice>() {
            of("a price per amount of data and time", price.usd_per_byte_hour)
        } else if let Ok(ratio) = quoted.parse::<Ratio>() {
            of("a share", ratio.value)
        } else {
            None
        }
    }

    /// RON text that reads back as this number, up to the grain of its kind: whole nanoseconds, whole bytes.
    pub fn written(self) -> String {
        let Self { kind, value } = self;
        match kind {
            "a rate" => format!("\"{value}/s\""),
            "a duration" => format!("\"{}ns\"", (value * 1e9).round()),
            "a size" => format!("\"{}B\"", value.round()),
            "a bandwidth" => format!("\"{value}B/s\""),
            "a price" => format!("\"${value}/h\""),
            "a price per request" => format!("\"${value}/1\""),
            "a price per amount of data" => format!("\"${value}/B\""),
            "a price per amount of data and time" => format!("\"${value}/B-h\""),
            "a share" => format!("\"{}%\"", value * 100.0),
            _ => format!("{value}"),
        }
    }

    /// Whether two values measure the same: a share may be written as a plain number.
    pub fn is_like(self, other: Self) -> bool {
        let plain = |kind: &str| kind == "a number" || kind == "a share";
        self.kind == other.kind || (plain(self.kind) && plain(other.kind))
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

    #[test]
    fn what_is_written_reads_back() {
        let texts = [
            "0.0000004",
            "1_000",
            "\"30/min\"",
            "\"250ms\"",
            "\"4KiB\"",
            "\"1Gbit/s\"",
            "\"$70/month\"",
            "\"$0.20/1M\"",
            "\"$0.09/GB\"",
            "\"$0.10/GB-month\"",
            "\"7%\"",
            "\"1e-9/s\"",
        ];
        for text in texts {
            let number = Number::read(text).expect("a number");
            let again = Number::read(&number.written()).unwrap_or_else(|| panic!("{text}: {}", number.written()));
            assert_eq!(again.kind, number.kind, "{text}");
            assert!((again.value / number.value - 1.0).abs() < 1e-9, "{text}: {again:?} {number:?}");
        }
    }
}
