//! Events per time: `"500/s"`.

use std::fmt;

use super::{Fault, Quantity, split_number, text_quantity};

/// Events per second, finite and not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate {
    pub per_second: f64,
}

impl Quantity for Rate {
    const NOUN: &'static str = "a rate";
    const EXAMPLE: &'static str = "500/s";
    const AROUND: (&'static str, &'static str) = ("", "/s");

    fn read(text: &str) -> Result<Self, Fault> {
        let (value, _, rest) = split_number(text).ok_or(Fault::Unreadable)?;
        let (prefix, time) = rest.split_once('/').ok_or(Fault::Unreadable)?;
        let factor = match prefix.trim() {
            "" => 1.0,
            "k" | "K" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "m" => {
                return Err(Fault::Because(format!(
                    "\"{text}\": a lower-case m would be a thousandth: write \"M\" for a million"
                )));
            }
            _ => return Err(Fault::Unreadable),
        };
        let seconds = match time.trim() {
            "s" | "sec" | "second" => 1.0,
            "m" | "min" | "minute" => 60.0,
            "h" | "hour" => 3_600.0,
            "d" | "day" => 86_400.0,
            _ => return Err(Fault::Unreadable),
        };
        let per_second = value * factor / seconds;
        if per_second.is_finite() {
            Ok(Self { per_second })
        } else {
            Err(Fault::Because(format!("\"{text}\" is too large for a rate")))
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A rate written per minute, hour or day comes back in those words if it is whole there.
        for (unit, seconds) in [("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("d", 86_400.0)] {
            let whole = (self.per_second * seconds).round();
            if whole / seconds == self.per_second {
                return write!(formatter, "{whole}/{unit}");
            }
        }
        write!(formatter, "{}/s", self.per_second)
    }
}

text_quantity!(Rate);
