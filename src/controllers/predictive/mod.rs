//! PredictiveScaling: replicas for the load that is forecast, in time for them to start.
//!
//! # How it works
//!
//! ```text
//! every step:     feed the forecaster with the load of the step that ends; hold earlier forecasts against it
//! every interval: ahead = largest forecast for any moment from now to the end of the lead time
//!                 now   = load since the last look (the reactive floor, unless it is switched off)
//!                 replicas = ceil(max(ahead x (1 + headroom), now) / load_per_replica), within the bounds;
//!                 fewer only if nothing more was wanted within the scale_down_window
//! ```
//!
//! What the forecaster knows ends with the last step, and the lead time begins now: so it is looked as many steps ahead as
//! it takes from that end to the end of the lead time, one or two for a lead time of one step.
//!
//! The forecaster is fitted while the model runs, to what has been seen. Only `Oracle` is told the rate at which clients will
//! send: it bounds what any forecast can win, and exists nowhere.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the service to scale |
//! | `source` | node | the target | whose load is forecast; for an `Oracle` open clients |
//! | `metric` | | `RequestsPerSecond` | what is forecast |
//! | `load_per_replica` | | | how much of it a replica is to have |
//! | `min_replicas`, `max_replicas` | | 1, - | the bounds |
//! | `method` | | | `LastValue`, `SeasonalNaive`, `HoltWinters`, `LinearTrendWithSeasonality` (each with its `season`), `Oracle` |
//! | `step` | time | 5 min | of the series that is forecast |
//! | `lead_time` | time | 5 min | between asking for replicas and having them |
//! | `headroom` | share | 0% | on top of the forecast |
//! | `tolerance` | share | 0% | by which load may differ from what the replicas are for without a change |
//! | `reactive_floor` | | true | whether replicas for the load of now are kept in any case |
//! | `interval` | time | 15 s | between two decisions |
//! | `scale_down_window` | time | 5 min | for which a lower number must have been enough |
//!
//! # When it helps, when it hurts
//!
//! Load that repeats itself is met before it comes, where reacting is late by the lead time. Load that does not repeat
//! itself is not foreseen: then it is as good as its reactive floor, and forecasts that are too high are paid for.
//!
//! # Law
//!
//! With the method `LastValue` and no lead time it is a reactive controller. The forecasts at a moment depend on nothing
//! later (`tests/forecast.rs`); replicas for load that comes every day at the same time are asked for a lead time before it
//! (`tests/scalers/predictive.rs`).

mod horizon;
mod node;
mod written;

pub use node::{PredictiveNode, compile};
pub use written::{Method, PredictiveScaling};
