//! Connections that stay open between the queries that go over them: who keeps them, and who counts them.
//!
//! A connection is open from when its owner opened it until the owner closes it, whether a query runs or not. Owners are
//! [`Pools`]: of each replica of a caller, or of a pooler between both; and transactions, which hold one between their
//! statements. The other end counts what is open in [`Sessions`]. How both speak with each other is the [`Protocol`].

mod pools;
mod protocol;
mod sessions;
mod view;
mod written;

pub use pools::{Act, Least, Pools, Rules};
pub use protocol::{Protocol, Wish};
pub use sessions::Sessions;
pub use view::{Connections, PoolView};
pub use written::{Pool, lifetime_mistake};

use crate::engine::{Failure, Outcome};

/// Whether a connection is of no use any more after a query over it ended like this: its caller did not wait for the end, or
/// the other end is gone. A query that only failed leaves its connection as it was.
pub fn breaks(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed(Failure::TimedOut | Failure::Rejected | Failure::Killed))
}
