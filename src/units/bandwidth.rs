//! Data per time: `"1Gbit/s"`.

use std::fmt;

use bytesize::Unit;

use super::{Fault, Quantity, split_number, text_quantity};

/// Bytes per second, finite and not negative. `Gbit/s`, `Gb/s` and `Gbps` count bits; `GB/s` and `GBps` count bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Bandwidth {
    pub bytes_per_second: f64,
}

impl Quantity for Bandwidth {
    const NOUN: &'static str = "a bandwidth";
    const EXAMPLE: &'static str = "1Gbit/s";
    const AROUND: (&'static str, &'static str) = ("", "MB/s");

    fn read(text: &str) -> Result<Self, Fault> {
        let (value, _, rest) = split_number(text).ok_or(Fault::Unreadable)?;
        let amount = rest.strip_suffix("/s").or_else(|| rest.strip_suffix("ps")).ok_or(Fault::Unreadable)?;
        let (prefix, bytes_per_unit) = match amount {
            _ if amount.ends_with("bit") => (&amount[..amount.len() - 3], 0.125),
            _ if amount.ends_with('b') => (&amount[..amount.len() - 1], 0.125),
            _ if amount.ends_with('B') => (&amount[..amount.len() - 1], 1.0),
            _ => return Err(Fault::Unreadable),
        };
        if prefix == "m" {
            return Err(Fault::Because(format!(
                "\"{text}\": a lower-case m would be a thousandth; write \"M\" for a million"
            )));
        }
        let unit: Unit = format!("{prefix}B").parse().map_err(|_| Fault::Unreadable)?;
        let bytes_per_second = value * unit * bytes_per_unit;
        if bytes_per_second.is_finite() {
            Ok(Self { bytes_per_second })
        } else {
            Err(Fault::Because(format!("\"{text}\" is too large for a bandwidth")))
        }
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [("TB/s", 1e12), ("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3)] {
            let value = self.bytes_per_second / size;
            if value >= 1.0 && value * size == self.bytes_per_second {
                return write!(formatter, "{value}{unit}");
            }
        }
        write!(formatter, "{}B/s", self.bytes_per_second)
    }
}

text_quantity!(Bandwidth);
