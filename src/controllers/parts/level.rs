//! The value of a metric as a model writes it: `"70%"` of what there is, or a plain number.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// What a metric is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// Of the whole, which is 1.
    Share(f64),
    Number(f64),
}

impl Level {
    /// The share or the number.
    pub fn value(self) -> f64 {
        let (Self::Share(value) | Self::Number(value)) = self;
        value
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Level;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a share such as \"70%\", or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Level, E> {
        let percent = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        let percent = percent.filter(|percent| percent.is_finite());
        let message =
            || E::custom(format!("\"{text}\" is no level of a metric: write \"70%\", or a number without quotes"));
        percent.map(|percent| Level::Share(percent / 100.0)).ok_or_else(message)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Level, E> {
        if number.is_finite() { Ok(Level::Number(number)) } else { Err(E::custom("a level of a metric is finite")) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Level, E> {
        Ok(Level::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Level, E> {
        Ok(Level::Number(number as f64))
    }
}
