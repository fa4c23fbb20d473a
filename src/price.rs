//! Prices as a cloud's price list writes them: `"$0.096/h"`, `"$0.20/1M"`, `"$0.09/GB"`.

use std::fmt;

use crate::units::{Fault, Quantity, split_number, text_quantity};

/// Hours of a month in price lists: 8760 / 12.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// The price of having something for an hour: `"$0.096/h"`, `"$70/month"`, `"$0.0000133/s"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct HourlyPrice {
    pub usd_per_hour: f64,
}

/// The price of one request: `"$0.20/1M"`, `"$0.005/1k"`, `"$0.01/request"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct RequestPrice {
    pub usd_per_request: f64,
}

/// The price of moving data: `"$0.09/GB"` (decimal), `"$0.01/GiB"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct TransferPrice {
    pub usd_per_byte: f64,
}

/// The price of keeping data: `"$0.10/GB-month"` (decimal), `"$0.000002/GiB-h"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct StoragePrice {
    pub usd_per_byte_hour: f64,
}

/// Splits `"$0.20/1M"` into dollars and what they buy.
fn split_price(text: &str) -> Result<(f64, &str), Fault> {
    let amount = text.strip_prefix('$').ok_or(Fault::Unreadable)?;
    let (usd, _, rest) = split_number(amount.trim_start()).ok_or(Fault::Unreadable)?;
    let bought = rest.strip_prefix('/').ok_or(Fault::Unreadable)?;
    Ok((usd, bought.trim()))
}

impl Quantity for HourlyPrice {
    const NOUN: &'static str = "a price per time";
    const EXAMPLE: &'static str = "$0.096/h";
    const AROUND: (&'static str, &'static str) = ("$", "/h");

    fn read(text: &str) -> Result<Self, Fault> {
        let (usd, time) = split_price(text)?;
        let hours = match time {
            "s" | "sec" | "second" => 1.0 / 3_600.0,
            "min" | "minute" => 1.0 / 60.0,
            "h" | "hour" => 1.0,
            "d" | "day" => 24.0,
            "month" | "mo" => HOURS_PER_MONTH,
            "year" | "yr" => 12.0 * HOURS_PER_MONTH,
            "m" => {
                return Err(Fault::Because(format!("\"{text}\": write \"/month\" or \"/min\", m may mean either")));
            }
            _ => return Err(Fault::Unreadable),
        };
        finite(usd / hours, text).map(|usd_per_hour| Self { usd_per_hour })
    }
}

impl Quantity for RequestPrice {
    const NOUN: &'static str = "a price per request";
    const EXAMPLE: &'static str = "$0.20/1M";
    const AROUND: (&'static str, &'static str) = ("$", "/1M");

    fn read(text: &str) -> Result<Self, Fault> {
        let (usd, bought) = split_price(text)?;
        let bought = bought.trim_end_matches("requests").trim_end_matches("request").trim_end();
        let (count, prefix) = match split_number(bought) {
            Some((count, _, prefix)) => (count, prefix),
            None => (1.0, bought),
        };
        let factor = match prefix {
            "" => 1.0,
            "k" | "K" | "thousand" => 1e3,
            "M" | "million" => 1e6,
            _ => return Err(Fault::Unreadable),
        };
        finite(usd / (count * factor), text).map(|usd_per_request| Self { usd_per_request })
    }
}

impl Quantity for TransferPrice {
    const NOUN: &'static str = "a price per amount of data";
    const EXAMPLE: &'static str = "$0.09/GB";
    const AROUND: (&'static str, &'static str) = ("$", "/GB");

    fn read(text: &str) -> Result<Self, Fault> {
        let (usd, unit) = split_price(text)?;
        if unit.ends_with('b') {
            return Err(Fault::Because(format!("\"{text}\": a lower-case b means bits; data is priced in \"GB\"")));
        }
        let factor = match unit {
            "B" => 1.0,
            "kB" | "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "TB" => 1e12,
            "KiB" => 1024.0,
            "MiB" => 1_048_576.0,
            "GiB" => 1_073_741_824.0,
            "TiB" => 1_099_511_627_776.0,
            _ => return Err(Fault::Unreadable),
        };
        finite(usd / factor, text).map(|usd_per_byte| Self { usd_per_byte })
    }
}

impl Quantity for StoragePrice {
    const NOUN: &'static str = "a price per amount of data and time";
    const EXAMPLE: &'static str = "$0.10/GB-month";
    const AROUND: (&'static str, &'static str) = ("$", "/GB-month");

    fn read(text: &str) -> Result<Self, Fault> {
        let (size, time) = text.split_once('-').ok_or(Fault::Unreadable)?;
        // Size and time are read as in the prices of either.
        let per_byte = TransferPrice::read(size.trim())?.usd_per_byte;
        let hours = 1.0 / HourlyPrice::read(&format!("$1/{}", time.trim()))?.usd_per_hour;
        finite(per_byte / hours, text).map(|usd_per_byte_hour| Self { usd_per_byte_hour })
    }
}

fn finite(usd: f64, text: &str) -> Result<f64, Fault> {
    if usd.is_finite() { Ok(usd) } else { Err(Fault::Because(format!("\"{text}\" is not a finite price"))) }
}

/// Writes `value` in the first unit in which a short number reads back as the same value, else in the last one.
fn write_price(formatter: &mut fmt::Formatter<'_>, value: f64, units: &[(&str, f64)]) -> fmt::Result {
    for (unit, factor) in units {
        let scaled = value * factor;
        for candidate in [(scaled * 1e9).round() / 1e9, scaled] {
            if candidate / factor == value {
                return write!(formatter, "${candidate}/{unit}");
            }
        }
    }
    match units.last() {
        Some((unit, factor)) => write!(formatter, "${}/{unit}", value * factor),
        None => Ok(()),
    }
}

impl fmt::Display for HourlyPrice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_price(formatter, self.usd_per_hour, &[("h", 1.0)])
    }
}

impl fmt::Display for RequestPrice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_price(formatter, self.usd_per_request, &[("1M", 1e6), ("request", 1.0)])
    }
}

impl fmt::Display for TransferPrice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_price(formatter, self.usd_per_byte, &[("GB", 1e9), ("B", 1.0)])
    }
}

impl fmt::Display for StoragePrice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_price(formatter, self.usd_per_byte_hour, &[("GB-month", 1e9 * HOURS_PER_MONTH), ("GB-h", 1e9)])
    }
}

text_quantity!(HourlyPrice);
text_quantity!(RequestPrice);
text_quantity!(TransferPrice);
text_quantity!(StoragePrice);
