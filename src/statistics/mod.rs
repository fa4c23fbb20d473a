//! What can be said from samples, and how surely: latency histograms, confidence intervals, tests of one thing and of many,
//! shares and ranks, the knee of a curve and where it needs another point, where to look in many dimensions, and what to
//! expect where nobody looked.

pub mod ancova;
pub mod drift;
pub mod estimate;
pub mod forecast;
pub mod histogram;
pub mod holm;
pub mod knee;
pub mod kriging;
pub mod latin_hypercube;
pub mod partial;
pub mod proportion;
pub mod rank;
pub mod refinement;
pub mod total;
pub mod wilson;
