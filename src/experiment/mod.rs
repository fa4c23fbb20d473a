//! Plans, their runs, and what is concluded from them: the waist of the hourglass.
//!
//! ```text
//! plan (model x variants x axes) ──▶ pipeline, per point: replications, longer until precise ──▶ estimate ──▶ finding ──▶ compare ──▶ study
//! ```

pub mod agreement;
pub mod backlog;
pub mod baseline;
pub mod capacity;
pub mod compare;
pub mod estimate;
pub mod events;
pub mod find;
pub mod finding;
pub mod gate;
pub mod metric;
pub mod outside;
pub mod pipeline;
pub mod plan;
pub mod rare;
pub mod refine;
pub mod run;
pub mod sensitivity;
pub mod store;
pub mod study;
pub mod verdict;
pub mod windows;
pub mod written;
