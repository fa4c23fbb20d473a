//! Assumptions as written.
//!
//! ```ron
//! assumptions: {
//!     "nodes.users.think": Measured,
//!     "nodes.postgres.operations.read.cpu": Guess(factor: (0.5, 3)),
//!     "nodes.postgres.contention": Vendor(between: (0.0002, 0.001)),
//! }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::span::{Spanned, Verbatim, WordOr};

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Provenance {
    /// From the system itself.
    Measured,
    /// From a data sheet, a benchmark or a manual: right for somebody else's conditions.
    Vendor,
    /// From nowhere but experience.
    Guess,
}

/// Where a number comes from, and perhaps how far off it may be.
pub type Assumption = WordOr<Provenance, Stated>;

/// A provenance with a range.
#[derive(Clone, Debug, Deserialize)]
pub enum Stated {
    Measured(StatedRange),
    Vendor(StatedRange),
    Guess(StatedRange),
}

/// One of both, or neither for the range that the provenance has by itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedRange {
    /// Multiples of what is written: `(0.5, 2)` is from half of it to twice as much.
    #[serde(default)]
    pub factor: Option<Spanned<(f64, f64)>>,
    /// Values, in the unit of what is written: `("400ms", "2s")`.
    #[serde(default)]
    pub between: Option<Spanned<(Verbatim, Verbatim)>>,
}

impl Provenance {
    /// The default range, from one over this to this times what is written.
    ///
    /// What was measured last week is another number next week: about a tenth. A vendor's number was measured too, elsewhere.
    /// And what is guessed is right if it is right within a factor of two.
    pub fn factor(self) -> f64 {
        match self {
            Self::Measured => 1.1,
            Self::Vendor => 1.25,
            Self::Guess => 2.0,
        }
    }

    /// As a table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Vendor => "vendor",
            Self::Guess => "guess",
        }
    }
}

/// The provenance, and the range if one is stated.
pub(super) fn parts(assumption: &Assumption) -> (Provenance, Option<&StatedRange>) {
    match assumption {
        WordOr::Word(provenance) => (*provenance, None),
        WordOr::Other(Stated::Measured(range)) => (Provenance::Measured, Some(range)),
        WordOr::Other(Stated::Vendor(range)) => (Provenance::Vendor, Some(range)),
        WordOr::Other(Stated::Guess(range)) => (Provenance::Guess, Some(range)),
    }
}
