//! Amounts of data: `"4GiB"`.

use std::fmt;

use bytesize::{ByteSize, Unit};

use super::{Fault, Quantity, split_number, text_quantity};

/// A number of bytes. `GB` is decimal and `GiB` is binary; `Gi` is read as Kubernetes writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes {
    pub bytes: u64,
}

/// 8 EiB: what a signed 64-bit integer can count.
const LARGEST: f64 = i64::MAX as f64;

impl Quantity for Bytes {
    const NOUN: &'static str = "a size";
    const EXAMPLE: &'static str = "4GiB";
    const AROUND: (&'static str, &'static str) = ("", "MB");

    fn read(text: &str) -> Result<Self, Fault> {
        let (value, digits, unit) = split_number(text).ok_or(Fault::Unreadable)?;
        if unit.is_empty() {
            return Err(Fault::Unreadable);
        }
        let parsed: Unit = unit.parse().map_err(|_| Fault::Unreadable)?;
        if let Some(prefix) = unit.strip_suffix('b') {
            return Err(Fault::Because(format!(
                "\"{text}\": a lower-case b means bits; write \"{digits}{prefix}B\" if bytes are meant"
            )));
        }
        if unit == "m" {
            return Err(Fault::Because(format!(
                "\"{text}\": a lower-case m would be a thousandth; write \"{digits}MB\" or \"{digits}MiB\""
            )));
        }
        if value * parsed >= LARGEST {
            return Err(Fault::Because(format!("\"{text}\" is more than 8 EiB, the largest size allowed")));
        }
        // The crate keeps whole numbers exact; exponents it does not know.
        let exact = format!("{}{unit}", digits.replace('_', "")).parse::<ByteSize>();
        Ok(Self { bytes: exact.map_or((value * unit_bytes(unit)).round() as u64, |size| size.as_u64()) })
    }
}

/// Bytes in one `unit`, or zero if it is none.
fn unit_bytes(unit: &str) -> f64 {
    unit.parse::<Unit>().map_or(0.0, |unit| 1.0 * unit)
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the exact ways to write it, the shortest; binary wins a tie because memory is bought that way.
        let units = ["PiB", "TiB", "GiB", "MiB", "KiB", "PB", "TB", "GB", "MB", "kB", "B"];
        let shortest = units
            .iter()
            .filter_map(|unit| {
                let size = unit_bytes(unit) as u64;
                (size > 0 && self.bytes.is_multiple_of(size)).then(|| format!("{}{unit}", self.bytes / size))
            })
            .filter(|text| self.bytes > 0 || text.ends_with("0B"))
            .min_by_key(String::len);
        formatter.write_str(&shortest.unwrap_or_default())
    }
}

text_quantity!(Bytes);
