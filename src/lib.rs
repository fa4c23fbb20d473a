//! forescale predicts how latency and cost respond to scaling techniques.
//!
//! The rooms of the house, from the roof down. A `use crate::` arrow points down this list, never up
//! (`tests/tidy.rs` holds that law):
//!
//! | room | what happens there |
//! |---|---|
//! | [`cli`] | one file per verb; text in, plain data out |
//! | [`report`] | tables and charts, drawn from stored results only |
//! | [`experiment`] | plan, run in parallel, estimate: the waist of the hourglass |
//! | [`theory`] | which closed forms of queueing theory hold for a model, and what they say |
//! | [`model`] | the architecture as written, its checks, and its compilation to indices |
//! | [`controllers`] | what changes an architecture while it runs: one file or folder per controller |
//! | [`techniques`] | one file per technique, and the register that lists them |
//! | [`engine`] | the event loop; knows no technique, no file, no text |
//! | [`distribution`], [`statistics`], [`random`] | chance and what is learnt from it |
//! | [`diagnostic`] | source spans and messages about them |
//! | [`units`], [`price`] | text such as `"12ms"` and `"$0.096/h"` as numbers |
//! | [`files`] | files that users name, within bounds |
//! | [`processor`] | what processors can do and the language has no safe word for |

pub mod cli;
pub mod controllers;
pub mod diagnostic;
pub mod distribution;
pub mod engine;
pub mod experiment;
pub mod files;
pub mod model;
pub mod price;
pub mod processor;
pub mod random;
pub mod report;
pub mod statistics;
pub mod techniques;
pub mod theory;
pub mod units;
