//! Controllers that scale by events and alarms, and functions that scale by requests: what they do and when.

#[path = "../behaviour/run.rs"]
#[allow(dead_code, reason = "the tests of behaviour need more of it")]
mod run;

mod course;
mod function;
mod keda;
mod predictive;
mod scheduled;
mod step_scaling;
mod target_tracking;
