//! Plain structs that several techniques are made of. A part knows no technique.

pub mod arrivals;
pub mod balancer;
pub mod cache_command;
pub mod conditions;
pub mod copies;
pub mod executor;
pub mod instance;
pub mod meter;
pub mod placement;
pub mod pod;
pub mod pool;
pub mod processor;
pub mod program;
pub mod signal;
pub mod steps;
pub mod store;
