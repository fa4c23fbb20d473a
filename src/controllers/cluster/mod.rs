//! ClusterAutoscaler: the machines beneath the replicas of services, which machine each replica stands on, and when machines
//! come and go, as Kubernetes and its Cluster Autoscaler do it, or Karpenter.
//!
//! # How it works
//!
//! ```text
//! a replica is new:  of the ready machines with room for its requests, the one with the best score takes it     [scheduler]
//!                    first of its service there -> the image is pulled -> it starts; no room -> it waits
//! every scan_interval, Cluster Autoscaler:
//!   replicas wait that would not fit on machines on their way ->
//!     for each group: how many machines take how many of them (first-fit decreasing)                              [packing]
//!     one group is chosen and grows, up to max_nodes                                                      [expander, adding]
//!   none does -> machines below utilization_threshold whose replicas fit elsewhere, for unneeded_time, and
//!     scale_down_delay_after_add after the last machine was asked for: all empty ones (10 at once), else one    [unneeded]
//! Karpenter:
//!   no more waiting replicas for batch_idle_duration, or batch_max_duration over ->
//!     replicas are packed, and each machine is of the cheapest type that holds its part                         [karpenter]
//!   every scan_interval: empty machines go; else the one with the fewest replicas that fit elsewhere, or that
//!     fit there but for what one cheaper machine takes, which comes first
//! a machine goes:    no new replicas; those it has are evicted; gone when they are, or when its time is over       [leaving]
//! a spot machine is interrupted: the same, and at the end of the notice what is left is killed
//! ```
//!
//! Source: the documentation of kubernetes/autoscaler (`cluster-autoscaler/FAQ.md`) and of Karpenter, and the behaviour of their
//! code. The code is our own. Not modelled: disruption budgets of pods, affinities, priorities and preemption of pods; Karpenter's
//! consolidation of several machines into one.
//!
//! The machines that the written replicas need are there at time zero, packed, and so are images. A group is kept at `min_nodes`.
//! A machine that is not there after `max_node_provision_time` is given up, and its group is passed over for 5 minutes, doubled
//! up to 30 (Cluster Autoscaler only). What Cluster Autoscaler evicts has 10 minutes to end.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `targets` | nodes | | the services whose replicas stand on these machines |
//! | `node_groups` | | | by name: `NodeGroup`, machines of one type |
//! | `provisioner` | | `ClusterAutoscaler` | or `Karpenter`: who asks for machines and gives them back |
//! | `scoring` | | `LeastAllocated` | or `MostAllocated`: of machines with room, the emptiest or the fullest |
//! | `image_pull` | time | 0 | before the first replica of a service on a machine; one pull at a time on each machine |
//! | `expander` | | `LeastWaste` | the group that grows: or `MostPods`, `Price`, `Priority`, `Random` (Cluster Autoscaler) |
//! | `scan_interval` | time | 10 s | between two looks |
//! | `max_node_provision_time` | time | 15 min | after which a machine that has not come is given up |
//! | `consolidation` | | `WhenUnderutilized` | machines that go: or only `WhenEmpty`, or `Never` |
//! | `utilization_threshold` | share | 50% | of requests, below which a machine may go (Cluster Autoscaler) |
//! | `unneeded_time` | time | 10 min, 0 | for which it must be so; Karpenter's consolidateAfter: since its replicas last changed |
//! | `scale_down_delay_after_add` | time | 10 min | in which no machine goes after one was asked for (Cluster Autoscaler) |
//! | `batch_idle_duration` | time | 1 s | without a new waiting replica, before machines are asked for (Karpenter) |
//! | `batch_max_duration` | time | 10 s | after the first waiting replica, at the latest (Karpenter) |
//!
//! Of a `NodeGroup`: `cpu`, `memory`, `max_nodes`; `min_nodes` (0), `price` (0), `provisioning` (0), `system_cpu` and `system_memory`
//! (0), `max_pods` (110), `priority` (0, the highest wins), `spot: Spot(interruptions: "0.05/h", notice: "2m")`.
//!
//! # When it helps, when it hurts
//!
//! It pays only for machines that replicas need. A surge waits for whatever boots: scan, machine, image, replica, one after the
//! other. Room on machines that are there is what makes replicas fast, and it is paid for. Spot machines are cheap, and take all
//! their replicas with them.
//!
//! # Law
//!
//! Machines are paid from when they are asked for until they are gone: the cost is the price list times their hours, exactly. No
//! machine holds more than it has, and no replica waits while a machine has room for it.

mod adding;
pub mod expander;
pub mod group;
mod inventory;
pub mod karpenter;
mod leaving;
mod node;
pub mod packing;
mod placing;
pub mod resources;
pub mod scheduler;
pub mod unneeded;
mod written;

pub use node::{ClusterNode, compile};
pub use written::ClusterAutoscaler;
