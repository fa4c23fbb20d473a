//! What a model takes for granted: which of its numbers were measured, which come from a vendor, which are guesses, and how
//! far off each may be.
//!
//! | file | what it holds |
//! |---|---|
//! | `written` | assumptions as the model's author writes them |
//! | `quantity` | what a path leads to that can be varied: a law of times, or a number |
//! | `range` | how far it is varied |
//! | `resolve` | a written assumption with what it leads to, or what is wrong with it |
//! | `found` | all assumptions of a model, those too that nobody wrote down |
//! | `fingerprint` | the text without them: they change no simulated number |

mod fingerprint;
mod found;
mod quantity;
mod range;
mod resolve;
mod written;

pub use fingerprint::without_assumptions;
pub use found::{Assumed, assumptions};
pub use quantity::Quantity;
pub use range::Range;
pub use resolve::{Resolved, resolve};
pub use written::{Assumption, Provenance, Stated, StatedRange};
