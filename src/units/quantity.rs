//! What all quantities written as text share: splitting number from unit, and messages that say what to write.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Visitor};

/// Why a text is not the quantity that is wanted there, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityError {
    message: String,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for QuantityError {}

/// How a reader of one kind of quantity fails.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The text has not the shape of this kind; it may be of another.
    Unreadable,
    /// The text has the right shape but says something impossible.
    Because(String),
}

/// A kind of quantity.
pub(crate) trait Quantity: Sized {
    /// With its article, for example `a duration`.
    const NOUN: &'static str;
    /// A correct text.
    const EXAMPLE: &'static str;
    /// What stands before and after the number of [`Self::EXAMPLE`].
    const AROUND: (&'static str, &'static str);

    /// Reads trimmed text that does not start with a minus sign.
    fn read(text: &str) -> Result<Self, Fault>;

    /// Accepts a number without quotes, if this kind can do without a unit.
    fn from_number(_number: f64) -> Option<Result<Self, String>> {
        None
    }
}

/// Splits `text` into its leading decimal number (value, digits as written) and the trimmed rest. Underscores between
/// digits are allowed, as in RON. `None` if there is no number or if it is not finite.
pub(crate) fn split_number(text: &str) -> Option<(f64, &str, &str)> {
    let bytes = text.as_bytes();
    let run_of_digits =
        |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
    let mut end = run_of_digits(0);
    if end == 0 || bytes[0] == b'_' {
        return None;
    }
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = run_of_digits(end + 1);
    }
    if bytes.get(end).is_some_and(|byte| matches!(byte, b'e' | b'E')) {
        // An exponent must have digits: otherwise the letter begins the unit, as in "5EiB".
        let sign = usize::from(bytes.get(end + 1).is_some_and(|byte| matches!(byte, b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = run_of_digits(end + 1 + sign);
        }
    }
    let (digits, rest) = text.split_at(end);
    let value: f64 = digits.replace('_', "").parse().ok()?;
    value.is_finite().then_some((value, digits, rest.trim_start()))
}

/// Reads `text` as a `Q`, or explains why it is none.
pub(crate) fn read<Q: Quantity>(text: &str) -> Result<Q, QuantityError> {
    let text = text.trim();
    let shown = shorten(text);
    let unsigned = text.strip_prefix('$').unwrap_or(text).strip_prefix('-');
    if unsigned.is_some_and(|rest| rest.trim_start().starts_with(|first: char| first.is_ascii_digit())) {
        return Err(QuantityError { message: format!("\"{shown}\" is negative: write {} of 0 or more", Q::NOUN) });
    }
    Q::read(text).map_err(|fault| QuantityError {
        message: match fault {
            Fault::Because(message) => message,
            Fault::Unreadable => explain::<Q>(text, &shown),
        },
    })
}

fn explain<Q: Quantity>(text: &str, shown: &str) -> String {
    if split_number(text).is_some_and(|(_, _, rest)| rest.is_empty()) {
        return needs_unit::<Q>(shown, &format!("\"{shown}\""));
    }
    match super::kind_of(text) {
        Some(kind) if !Q::NOUN.starts_with(kind) => {
            format!("\"{shown}\" is {kind}; {} is wanted, such as \"{}\"", Q::NOUN, Q::EXAMPLE)
        }
        _ => format!("\"{shown}\" is not {}: write for example \"{}\"", Q::NOUN, Q::EXAMPLE),
    }
}

fn needs_unit<Q: Quantity>(number: &str, instead_of: &str) -> String {
    let (before, after) = Q::AROUND;
    format!("{} needs a unit: write \"{before}{number}{after}\" instead of {instead_of}", Q::NOUN)
}

/// Keeps a text that is quoted in a message to one line's length.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    let escaped: String = text.chars().take(LONGEST + 1).flat_map(char::escape_debug).collect();
    if text.chars().count() <= LONGEST { escaped } else { escaped + "…" }
}

/// Reads a quantity from any self-describing format, so that a bare number meets a helpful message.
pub(crate) struct QuantityVisitor<Q>(PhantomData<Q>);

impl<Q> QuantityVisitor<Q> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<Q: Quantity> QuantityVisitor<Q> {
    fn number<E: Error>(number: f64, shown: &str) -> Result<Q, E> {
        if number.is_nan() || number.is_infinite() || number < 0.0 {
            return Err(E::custom(format!("{shown} is not {}: write for example \"{}\"", Q::NOUN, Q::EXAMPLE)));
        }
        match Q::from_number(number) {
            Some(result) => result.map_err(E::custom),
            None => Err(E::custom(needs_unit::<Q>(shown, shown))),
        }
    }
}

impl<Q: Quantity> Visitor<'_> for QuantityVisitor<Q> {
    type Value = Q;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} such as \"{}\"", Q::NOUN, Q::EXAMPLE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        read(text).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Q, E> {
        Self::number(number as f64, &number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Q, E> {
        Self::number(number as f64, &number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Q, E> {
        Self::number(number, &number.to_string())
    }
}

/// Implements `FromStr` and `Deserialize` for a [`Quantity`].
macro_rules! text_quantity {
    ($type:ty) => {
        impl std::str::FromStr for $type {
            type Err = $crate::units::QuantityError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::units::quantity_from_text(text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // The format must say what stands there: asked for text, RON would answer a bare number with
                // "expected string" and the engineer would not learn that only the unit is missing.
                deserializer.deserialize_any($crate::units::QuantityVisitor::<$type>::new())
            }
        }
    };
}
pub(crate) use text_quantity;
