//! Shares and multiples: `"70%"`.

use std::fmt;

use super::{Fault, Quantity, split_number, text_quantity};

/// A ratio, finite and not negative: `"70%"` and `0.7` are the same. It may exceed 1; where it is a share or a
/// probability, the reader of the model checks that.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Ratio {
    pub value: f64,
}

/// A number without a percent sign above this is taken for a forgotten sign: nobody means 7000%.
const LARGEST_BARE: f64 = 10.0;

impl Quantity for Ratio {
    const NOUN: &'static str = "a ratio";
    const EXAMPLE: &'static str = "70%";
    const AROUND: (&'static str, &'static str) = ("", "%");

    fn read(text: &str) -> Result<Self, Fault> {
        match split_number(text).ok_or(Fault::Unreadable)? {
            (value, _, "%") => Ok(Self { value: value / 100.0 }),
            (value, _, "") => bare(value).map_err(Fault::Because),
            _ => Err(Fault::Unreadable),
        }
    }

    fn from_number(number: f64) -> Option<Result<Self, String>> {
        Some(bare(number))
    }
}

fn bare(value: f64) -> Result<Ratio, String> {
    if value <= LARGEST_BARE {
        Ok(Ratio { value })
    } else {
        Err(format!("{value} as a ratio is {}%: write \"{value}%\" if per cent are meant", value * 100.0))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 0.07 x 100 is 7.000000000000001: the shorter number is right if it reads back as the same ratio.
        let percent = (self.value * 1e8).round() / 1e6;
        let percent = if percent / 100.0 == self.value { percent } else { self.value * 100.0 };
        write!(formatter, "{percent}%")
    }
}

text_quantity!(Ratio);
