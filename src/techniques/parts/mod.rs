//! Plain structs that several techniques are made of. A part knows no technique.

pub mod arrivals;
pub mod balancer;
pub mod cache_command;
pub mod compile_error;
pub mod conditions;
pub mod copies;
pub mod demand;
pub mod executor;
pub mod instance;
pub mod meter;
pub mod placement;
pub mod pod;
pub mod processor;
pub mod program;
pub mod signal;
pub mod steps;
pub mod store;
