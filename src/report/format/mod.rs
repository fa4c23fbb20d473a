//! Numbers as an engineer writes them: `12.3 ms`, `4.50 k/s`, `$0.096`, `87.3%`, and `23.4 ± 0.6 ms`.
//!
//! An interval is written with its half width, and both carry the same number of decimals: as many as the half width
//! deserves. More would claim knowledge that the experiment does not have.

#[cfg(test)]
mod tests;

use crate::experiment::study::Interval;

/// What stands in a table where there is no number.
pub const ABSENT: &str = "–";

/// Significant digits of a number that comes without an interval.
const DIGITS: i32 = 3;

/// More decimals than this are never written: they would be rounding noise.
const DECIMALS_MAX: i32 = 12;

/// What a number measures, and so how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Time in seconds, written in the unit that suits its size.
    Seconds,
    /// Events per second.
    PerSecond,
    /// A plain number, such as a number of users.
    Count,
    /// Money in United States dollars.
    Dollars,
    /// A share between 0 and 1, written in percent.
    Ratio,
}

/// One way to write a quantity: values of at least `from` are divided by `size` and followed by `suffix`.
struct Unit {
    from: f64,
    size: f64,
    prefix: &'static str,
    suffix: &'static str,
}

const fn unit(size: f64, suffix: &'static str) -> Unit {
    Unit { from: size, size, prefix: "", suffix }
}

/// Units from the largest to the smallest. The last one also serves everything below it.
const SECONDS: &[Unit] = &[unit(1.0, " s"), unit(1e-3, " ms"), unit(1e-6, " µs"), unit(1e-9, " ns")];
const PER_SECOND: &[Unit] = &[unit(1e9, " G/s"), unit(1e6, " M/s"), unit(1e3, " k/s"), unit(1.0, " /s")];
const COUNT: &[Unit] = &[unit(1e9, "G"), unit(1e6, "M"), unit(1e3, "k"), unit(1.0, "")];
// A thousand dollars is read more easily as $1234 than as $1.23k.
const DOLLARS: &[Unit] = &[
    Unit { from: 1e9, size: 1e9, prefix: "$", suffix: "G" },
    Unit { from: 1e6, size: 1e6, prefix: "$", suffix: "M" },
    Unit { from: 1e4, size: 1e3, prefix: "$", suffix: "k" },
    Unit { from: 1.0, size: 1.0, prefix: "$", suffix: "" },
];
const RATIO: &[Unit] = &[unit(0.01, "%")];

impl Quantity {
    fn units(self) -> &'static [Unit] {
        match self {
            Quantity::Seconds => SECONDS,
            Quantity::PerSecond => PER_SECOND,
            Quantity::Count => COUNT,
            Quantity::Dollars => DOLLARS,
            Quantity::Ratio => RATIO,
        }
    }

    /// The unit in which `value` is best read. Zero is read in the base unit.
    fn unit_of(self, value: f64) -> &'static Unit {
        let units = self.units();
        // A value that rounds up to the next unit belongs there: "1.00 s", not "1000 ms".
        let size = value.abs() * 1.0005;
        let base = units.iter().find(|unit| unit.size == 1.0).unwrap_or(&units[0]);
        if size == 0.0 { base } else { units.iter().find(|unit| size >= unit.from).unwrap_or(&units[units.len() - 1]) }
    }

    /// The value alone, to three significant digits.
    pub fn value(self, value: f64) -> String {
        if !value.is_finite() {
            return ABSENT.to_owned();
        }
        let value = self.steadied(value);
        let unit = self.unit_of(value);
        let scaled = value / unit.size;
        let decimals = if scaled == 0.0 { 0 } else { DIGITS - 1 - magnitude(scaled) };
        // Of 99.996% and 100%, what they lack of all tells one from the other.
        let lack = self.lack(value) / unit.size;
        let decimals = if lack > 0.0 { decimals.max(-magnitude(lack)) } else { decimals };
        self.compose(unit, &fixed(scaled, decimals.clamp(0, DECIMALS_MAX)))
    }

    /// The value and the half width of its interval, `23.4 ± 0.6 ms`.
    ///
    /// The half width carries one significant digit, or two when the first is a 1, where one would round by up to a third.
    /// An interval that is not symmetric is written with its wider half.
    pub fn interval(self, interval: Interval) -> String {
        let half = (interval.high - interval.value).max(interval.value - interval.low);
        if !interval.value.is_finite() || !half.is_finite() || half <= self.noise(interval.value) {
            return self.value(interval.value);
        }
        let unit = self.unit_of(interval.value);
        let (scaled, half) = (interval.value / unit.size, half / unit.size);
        let decimals = (-magnitude(half) + i32::from(leads_with_one(half))).clamp(0, DECIMALS_MAX);
        // A half width far below what anybody reads is not worth its digits: 23.4 is shown as 23.4 ± 0.0. Of a share near none or
        // near all, what it is away from there is what is read; closer than its half width, that is the half width.
        let read = match self {
            Quantity::Ratio => scaled.abs().min(self.lack(interval.value) / unit.size).max(half),
            _ => scaled,
        };
        let decimals = decimals.min((DIGITS + 1 - magnitude(read)).clamp(0, DECIMALS_MAX));
        self.compose(unit, &format!("{} ± {}", fixed(scaled, decimals), fixed(half, decimals)))
    }

    /// A difference and the half width of its interval, with its sign: `+23.4 ± 0.6 ms`, `-$212 ± 9`.
    pub fn difference(self, difference: Interval) -> String {
        let text = self.interval(difference);
        if difference.value > 0.0 { format!("+{text}") } else { text }
    }

    /// Money is a sum of prices, and a sum has rounding noise in its last digits: sums that are equal on paper must be
    /// written alike, also where the digit that decides the rounding is a 5. So only twelve digits are looked at.
    fn steadied(self, value: f64) -> f64 {
        match self {
            Quantity::Dollars => format!("{value:.11e}").parse().unwrap_or(value),
            _ => value,
        }
    }

    /// The half width below which an interval is rounding noise: of a sum of prices, or of a share.
    fn noise(self, value: f64) -> f64 {
        match self {
            Quantity::Dollars => value.abs() * 1e-12,
            Quantity::Ratio => 1e-10,
            _ => 0.0,
        }
    }

    /// How far a share is from all, if it is less than that by more than rounding; zero of everything else.
    fn lack(self, value: f64) -> f64 {
        let lack = (1.0 - value.abs()).abs();
        if self == Quantity::Ratio && lack > self.noise(value) { lack } else { 0.0 }
    }

    /// [`Quantity::interval`], or [`ABSENT`].
    pub fn optional(self, interval: Option<Interval>) -> String {
        interval.map_or_else(|| ABSENT.to_owned(), |interval| self.interval(interval))
    }

    /// A label on an axis: no digit too many, in the unit that suits `reference`. Labels of a linear axis share the
    /// reference, so that they share the unit; on a logarithmic axis each label is its own reference.
    pub fn tick(self, value: f64, reference: f64) -> String {
        if !value.is_finite() {
            return ABSENT.to_owned();
        }
        if value == 0.0 && self != Quantity::Dollars && self != Quantity::Ratio {
            return "0".to_owned();
        }
        let unit = self.unit_of(reference);
        let scaled = value / unit.size;
        let decimals = (DIGITS - magnitude(scaled)).clamp(0, DECIMALS_MAX);
        self.compose(unit, &without_trailing_zeros(&fixed(scaled, decimals)))
    }

    fn compose(self, unit: &Unit, number: &str) -> String {
        match number.strip_prefix('-') {
            Some(magnitude) if !unit.prefix.is_empty() => {
                format!("-{}{magnitude}{}", unit.prefix, unit.suffix)
            }
            _ => format!("{}{number}{}", unit.prefix, unit.suffix),
        }
    }
}

/// The power of ten of the first digit of a number, after rounding to three digits.
fn magnitude(number: f64) -> i32 {
    let size = number.abs() * 1.0005;
    if size > 0.0 && size.is_finite() { size.log10().floor() as i32 } else { 0 }
}

/// Whether the first digit of a positive number is a 1, after rounding to two digits.
fn leads_with_one(number: f64) -> bool {
    let leading = number / 10f64.powi(magnitude(number));
    (leading * 10.0).round() < 20.0
}

/// A number with a fixed count of decimals, or in scientific notation where it would be too long to read.
fn fixed(number: f64, decimals: i32) -> String {
    if number.abs() >= 1e7 {
        return format!("{number:.2e}");
    }
    let text = format!("{number:.*}", decimals.max(0) as usize);
    // A negative number that rounds to nothing is nothing.
    if text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.')) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

/// `1.50` as `1.5` and `2.00e9` as `2e9`: only zeros after the point are needless.
fn without_trailing_zeros(text: &str) -> String {
    let (number, exponent) = text.split_at(text.find('e').unwrap_or(text.len()));
    if number.contains('.') {
        format!("{}{exponent}", number.trim_end_matches('0').trim_end_matches('.'))
    } else {
        text.to_owned()
    }
}
