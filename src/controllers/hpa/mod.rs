//! HorizontalPodAutoscaler: the replicas that hold metrics at their targets, as Kubernetes (`autoscaling/v2`) finds them.
//!
//! # How it works
//!
//! ```text
//! every metric_resolution: the metrics server looks at what pods use; every scrape_interval: custom metrics are scraped
//! every sync_period:
//!   each metric proposes ceil(replicas x measured / target), unless the ratio is within the tolerance of one   [calculator]
//!   pods without metrics, or still starting, damp the proposal; the largest proposal wins                  [pods, reconcile]
//!   recent recommendations hold it back, a rate and the bounds limit it           [stabilization, behavior, legacy, limits]
//! ```
//!
//! Source: the behaviour of kubernetes/kubernetes `pkg/controller/podautoscaler/{horizontal,replica_calculator}.go`. The code
//! is our own. `tests/hpa.rs` holds it against 62 cases of the controller's own tests. Without `behavior` the controller
//! limits changes in the old way (at most to twice the replicas or to four, down after five minutes), though its documentation
//! shows the defaults of a `behavior` that is written.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the service to scale |
//! | `min_replicas` | | 1 | the fewest; 0 needs an Object or External metric |
//! | `max_replicas` | | | the most |
//! | `metrics` | | cpu at 80% | `Resource`, `Pods`, `Object`, `External` |
//! | `behavior` | | none | `scale_up` and `scale_down`: `stabilization_window`, `select_policy`, `policies`, `tolerance` |
//! | `tolerance` | share | 10% | by which a ratio may differ from one without a change |
//! | `sync_period` | time | 15 s | between two decisions |
//! | `cpu_initialization_period` | time | 5 min | in which the CPU of starting pods is doubted |
//! | `initial_readiness_delay` | time | 30 s | in which a change of readiness is taken for the first |
//! | `metric_resolution` | time | 15 s | of the metrics server: usage is that between its last two looks |
//! | `scrape_interval` | time | 30 s | of the monitoring system that custom metrics come from |
//!
//! # When it helps, when it hurts
//!
//! It follows load that changes more slowly than metrics arrive and pods start. Against a surge it is late by both, and a
//! CPU target cannot ask for more than target and utilization allow in one step: at 100% use of a 50% target, twice the pods.
//! Queue length has no such ceiling.
//!
//! # Law
//!
//! 62 cases of the controller's own tests, exactly. Under constant load the replicas settle where the metric is within the
//! tolerance of its target.
//!
//! Times are nanoseconds since the start of the simulation. Quantities are integers in milli-units, as the controller
//! computes them (milli-cores, milli-bytes, thousandths of a custom metric): its truncations decide the result.

pub mod behavior;
pub mod calculator;
pub mod conditions;
pub mod events;
pub mod legacy;
pub mod limits;
pub mod metrics;
mod node;
pub mod pods;
pub mod reconcile;
pub mod settling;
pub mod stabilization;
pub mod sync;
mod written;

pub use node::{HpaNode, compile};
pub use written::{HorizontalPodAutoscaler, WrittenBehavior};

#[cfg(test)]
mod tests;

/// The most replicas that the controller can count: its numbers of replicas are 32 bits with a sign.
pub const MOST_REPLICAS: u32 = i32::MAX.cast_unsigned();

/// A number of replicas from one that may be negative or beyond what the controller can count.
fn replicas_from(wide: i64) -> u32 {
    u32::try_from(wide.max(0)).unwrap_or(MOST_REPLICAS).min(MOST_REPLICAS)
}

/// In thousandths, as the controller computes.
pub fn milli(value: f64) -> i64 {
    (value * 1_000.0).round() as i64
}
