//! What can be said from samples, and how surely: latency histograms, confidence intervals, a test for drift.

pub mod drift;
pub mod estimate;
pub mod histogram;
