//! The architecture as written, its checks, and its edits.
//!
//! ```text
//! text ──patch──▶ text ──read──▶ Architecture + every diagnostic ──check──▶ an Architecture that can be run
//! ```

pub mod architecture;
pub mod assumptions;
pub mod check;
pub mod compile;
pub mod describe;
pub mod fingerprint;
pub mod number;
pub mod patch;
#[cfg(test)]
mod patch_tests;
pub mod path;
pub mod read;
pub mod resources;
pub mod sharding;

pub use architecture::Architecture;
pub use compile::{Compiled, KeyTables, Model, compile, compile_sharing};
pub use number::Number;
pub use patch::{Edit, patch, patch_partly, value_at};
pub use read::read;
pub use resources::{Resource, resources};
