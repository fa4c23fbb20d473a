//! What stands in an architecture diagram: one file per technique.

pub mod technique;
