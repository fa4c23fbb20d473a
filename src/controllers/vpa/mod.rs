//! VerticalPodAutoscaler: what a pod should request, learnt from what it used, and when a running pod is replaced to get it.
//!
//! # How it works
//!
//! ```text
//! every recommender_interval: sample the CPU that each pod used and its memory; weights of samples halve every day
//!   out of memory: the pod needs 20% or 100 MiB more than it had
//!   target = 90th percentile + 15%; bounds from the 50th and the 95th, wider as long as little was seen
//!   pods that start get the target; limits follow in proportion, unless only requests are controlled
//!   Recreate: evict pods outside their bounds, killed soon after their start, or old and far enough off; never more than
//!   the tolerated share at once
//!   InPlaceOrRecreate: the same pods get the target while they run; who holds more memory than it would have is evicted after an
//!   hour
//! ```
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the service whose pods are resized |
//! | `update_mode` | | `Recreate` | `Off` only tells, `Initial` changes pods that are created anyway, `InPlaceOrRecreate` those that run |
//! | `controlled_values` | | `RequestsAndLimits` | with `RequestsOnly` limits stay as they are, and are the most that is requested |
//! | `min_allowed`, `max_allowed` | cores, bytes | none | what may be recommended |
//! | `min_replicas` | | 2 | with fewer pods none is evicted |
//! | `eviction_tolerance` | share | 50% | of the pods may be missing at once |
//! | `pod_lifetime_update_threshold` | time | 12 h | before it pods within their bounds are let alone |
//! | `recommender_interval` | time | 1 min | between two looks |
//!
//! # When it helps, when it hurts
//!
//! It finds the size of pods nobody has measured, and cures crashes for want of memory. It needs days of history, restarts
//! pods to change them, and must not hold the same metric as a HorizontalPodAutoscaler.
//!
//! # Law
//!
//! 15 cases of the autoscaler's own tests, exactly (`tests/vpa.rs`). A pod that uses the same at all times gets that and 15%.
//!
//! | file | what happens there |
//! |---|---|
//! | [`buckets`], [`histogram`] | weights of samples that halve with age |
//! | [`aggregation`], [`container`] | what all pods of one container have used, and what each pod adds to it |
//! | [`resources`], [`estimator`] | from percentiles to amounts with margins |
//! | [`recommendation`] | lower bound, target and upper bound of every container |
//! | [`priority`], [`budget`], [`updater`] | which pods are evicted or resized now |
//!
//! Facts are those of kubernetes/autoscaler at 55c37cd, `vertical-pod-autoscaler/pkg/`, retold in our own code. Times are
//! nanoseconds of the simulation, so that no addition of minutes drifts.
//!
//! ```
//! use forescale::controllers::vpa::aggregation::{Aggregation, AggregationSettings};
//! use forescale::controllers::vpa::container::ContainerState;
//! use forescale::controllers::vpa::recommendation::{AllowedRange, Recommender};
//!
//! let mut used = Aggregation::new(AggregationSettings::default());
//! let mut pod = ContainerState::default();
//! for minute in 0..60 {
//!     let time_ns = minute * 60_000_000_000;
//!     pod.add_cpu_sample(&mut used, time_ns, 0.4, None);
//!     pod.add_memory_sample(&mut used, time_ns, 300e6);
//! }
//! let said = Recommender::default().recommend(&[(&used, AllowedRange::default())]);
//! // The bucket of 0.4 cores ends at 0.4143; 414 milli-cores and 15% of them are 476.
//! assert_eq!(said[0].map(|one| one.target.cpu_millicores), Some(476));
//! ```

pub mod aggregation;
pub mod buckets;
pub mod budget;
pub mod container;
pub mod estimator;
pub mod histogram;
mod node;
pub mod priority;
pub mod recommendation;
pub mod resources;
pub mod updater;
mod written;

pub use node::{VpaNode, compile};
pub use written::VerticalPodAutoscaler;
