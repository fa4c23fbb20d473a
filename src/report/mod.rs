//! Tables and charts, drawn from plain data: nothing here runs a simulation.

mod capacity;
pub mod chart;
mod find;
pub mod format;
pub mod gate;
pub mod json;
pub mod long;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod table;

mod rows;
mod sensitivity;
mod shards;
#[cfg(test)]
mod synthetic;
mod text;
