//! Physical quantities as an engineer writes them: `"12ms"`, `"500/s"`, `"4GiB"`, `"1Gbit/s"`, `"70%"`.
//!
//! | type | written | holds |
//! |---|---|---|
//! | [`Duration`] | `"12ms"`, `"1.5s"`, `"1h 30m"`, `"2d"` | whole nanoseconds, at most ten years |
//! | [`Rate`] | `"500/s"`, `"30/min"`, `"1.2k/s"` | events per second |
//! | [`Bytes`] | `"4GiB"`, `"512MB"` | bytes |
//! | [`Bandwidth`] | `"1Gbit/s"`, `"100MB/s"` | bytes per second |
//! | [`Ratio`] | `"70%"`, `0.7` | a plain number, 1 being the whole |
//!
//! A bare number where a unit is needed, another quantity, a negative number and an overflow are errors whose text says
//! what to write instead. `Display` writes a canonical form; durations and sizes read back from it exactly, the others to
//! within a relative error of 1e-14.

mod bandwidth;
mod bytes;
mod duration;
mod quantity;
mod rate;
mod ratio;

pub use bandwidth::Bandwidth;
pub use bytes::Bytes;
pub use duration::Duration;
pub use quantity::QuantityError;
pub use rate::Rate;
pub use ratio::Ratio;

pub(crate) use duration::unit_ns;
pub(crate) use quantity::{Fault, Quantity, QuantityVisitor, read as quantity_from_text, split_number, text_quantity};

/// What kind of quantity `text` is, for messages about a quantity in the wrong place.
fn kind_of(text: &str) -> Option<&'static str> {
    fn reads_as<Q: Quantity>(text: &str) -> Option<&'static str> {
        Q::read(text).ok().map(|_| Q::NOUN)
    }
    if text.starts_with('$') {
        return Some("a price");
    }
    reads_as::<Duration>(text)
        .or_else(|| reads_as::<Rate>(text))
        .or_else(|| reads_as::<Bytes>(text))
        .or_else(|| reads_as::<Bandwidth>(text))
        .or_else(|| reads_as::<Ratio>(text))
}

#[cfg(test)]
mod tests;
