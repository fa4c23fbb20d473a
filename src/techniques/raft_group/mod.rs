//! RaftGroup: members that agree on one log through a leader, as etcd, Consul and Vault do.
//!
//! # How it works
//!
//! ```text
//! write:    the leader appends to its own log and to those of its followers; done when a majority has it
//! read:     Lease:     by the leader alone
//!           ReadIndex: by the leader, after a majority has confirmed that it still leads
//! election: who hears nothing of a leader for its `election_timeout` asks the others for their votes; each votes once a term, and
//!           for nobody whose log is shorter than its own; a majority of votes makes a leader, a split one another election
//! ```
//!
//! A leader that cannot reach a majority steps down after an election timeout. A member that comes back gets what it has missed
//! with the next append.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `members`, `zones` | | 3, 3 (or all members) | member `i` stands in zone `i % zones`; member 0 leads at first |
//! | `reads` | | `Lease` | or `ReadIndex` |
//! | `read`, `append` | time | | of the leader for a read; of each member's disk for an entry of the log |
//! | `latency` | time | 0 | one way between two members |
//! | `cross_zone_latency` | time | 0 | added each way between members in different zones |
//! | `disks` | | unlimited | reads and appends that a member works on at once |
//! | `heartbeat` | time | 50 ms | between two signs of life of the leader |
//! | `election_timeout` | time | 150 to 300 ms | since the last of these |
//! | `without_leader` | | `Wait` | or `Fail`: what becomes of requests, those in progress too, while nobody leads |
//! | `price` | $/time | 0 | of each member |
//!
//! # When it helps, when it hurts
//!
//! Any minority may be lost. Each write waits for the fastest majority, all of them go through one leader, and more members make
//! writes slower, not faster. Shorter timeouts find a lost leader sooner, and split more votes.
//!
//! # Law
//!
//! Without queues a write takes the time of the fastest majority of `members`: with exponential times of mean `m` and
//! `q` the majority, `m (1/members + ... + 1/(members - q + 1))`.

mod election;
mod node;

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::Distribution;
use crate::price::HourlyPrice;
use crate::techniques::technique::{
    Capacity, Demand, Exposure, Mistake, Operations, Prices, Reference, Spec, law_mistakes, mean_s,
};
use crate::units::Duration;

pub use node::RaftGroupNode;

/// A Raft group as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaftGroup {
    #[serde(default)]
    pub members: Option<Spanned<u32>>,
    #[serde(default)]
    pub zones: Option<Spanned<u8>>,
    #[serde(default)]
    pub reads: RaftReads,
    pub read: Spanned<Distribution>,
    pub append: Spanned<Distribution>,
    #[serde(default)]
    pub latency: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub cross_zone_latency: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub disks: Option<Spanned<u32>>,
    #[serde(default)]
    pub heartbeat: Option<Spanned<Duration>>,
    #[serde(default)]
    pub election_timeout: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub without_leader: WithoutLeader,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
}

/// What a read asks before it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum RaftReads {
    /// Nobody: nobody else can have been elected within the lease that followers gave the leader.
    #[default]
    Lease,
    /// A majority, whether this is still the leader.
    ReadIndex,
}

/// What becomes of requests while nobody leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum WithoutLeader {
    /// They wait, and begin again with the next leader.
    #[default]
    Wait,
    /// They fail.
    Fail,
}

/// The operations, by index.
const OPERATIONS: [&str; 2] = ["read", "write"];
const WRITE: u16 = 1;

/// Groups are small: each member slows every write down.
const MOST_MEMBERS: u32 = 31;

const HEARTBEAT_NS: u64 = 50_000_000;
/// The timeouts that the Raft paper suggests.
const ELECTION_TIMEOUT_NS: (u64, u64) = (150_000_000, 300_000_000);

impl RaftGroup {
    fn members(&self) -> u32 {
        self.members.as_ref().map_or(3, |members| members.value)
    }

    fn zones(&self) -> u8 {
        self.zones.as_ref().map_or(self.members().clamp(1, 3) as u8, |zones| zones.value)
    }

    fn heartbeat_ns(&self) -> u64 {
        self.heartbeat.as_ref().map_or(HEARTBEAT_NS, |heartbeat| heartbeat.ns)
    }
}

impl Spec for RaftGroup {
    fn kind(&self) -> &'static str {
        "RaftGroup"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::Named(OPERATIONS.to_vec())
    }

    fn references(&self) -> Vec<Reference<'_>> {
        Vec::new()
    }

    fn can_fail(&self) -> bool {
        self.without_leader == WithoutLeader::Fail
    }

    fn exposure(&self) -> Exposure {
        Exposure { part: "member", losable: self.members(), slowable: self.members(), zones: self.zones() }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let members = self.members();
        if let Some(written) = self.members.as_ref().filter(|members| !(1..=MOST_MEMBERS).contains(&members.value)) {
            let message = format!("a group has between 1 and {MOST_MEMBERS} members");
            found.push(Mistake::new(written.span, message, "write for example 3 or 5"));
        } else if !(1..=members).contains(&u32::from(self.zones())) {
            let span = self.zones.as_ref().map_or(Span::default(), |zones| zones.span);
            let message = format!("there are {} zones for {members} members", self.zones());
            found.push(Mistake::new(span, message, format!("write zones between 1 and {members}")));
        }
        let laws = [&self.latency, &self.cross_zone_latency, &self.election_timeout];
        for law in [&self.read, &self.append].into_iter().chain(laws.into_iter().flatten()) {
            found.extend(law_mistakes(law));
        }
        if let Some(disks) = self.disks.as_ref().filter(|disks| disks.value == 0) {
            found.push(Mistake::new(disks.span, "without disks nothing is ever stored", "write 1 or more"));
        }
        if let Some(heartbeat) = self.heartbeat.as_ref().filter(|heartbeat| heartbeat.ns == 0) {
            found.push(Mistake::new(
                heartbeat.span,
                "heartbeats have a pause between them",
                "write for example \"50ms\"",
            ));
        }
        let timeout_s = self.election_timeout.as_ref().map(|law| (law.span, mean_s(law)));
        if let Some((span, timeout_s)) =
            timeout_s.filter(|(_, timeout_s)| *timeout_s <= self.heartbeat_ns() as f64 * 1e-9)
        {
            let message = format!("followers that wait {timeout_s} s would depose a leader between two heartbeats");
            found.push(Mistake::new(
                span,
                message,
                "write several times the heartbeat, such as Uniform(\"150ms\", \"300ms\")",
            ));
        }
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let (read_s, append_s) = (mean_s(&self.read), mean_s(&self.append));
        // The leader takes part in everything, and is the one that has no more to give.
        let core_s = f64::from(self.members()) * if operation == "write" { append_s } else { read_s };
        let held_s = if operation == "write" { 0.0 } else { read_s };
        Demand { core_s, held_s, ..Demand::default() }
    }

    fn capacity(&self) -> Capacity {
        let disks = self.disks.as_ref().map(|disks| f64::from(disks.value) * f64::from(self.members()));
        Capacity { cores: disks, ..Capacity::default() }
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        self.disks.iter().map(|disks| ("disks", f64::from(disks.value))).collect()
    }

    fn prices(&self) -> Prices {
        let usd_per_hour = self.price.as_ref().map_or(0.0, |price| price.usd_per_hour);
        Prices { usd_per_replica_hour: usd_per_hour * f64::from(self.members()), ..Prices::default() }
    }
}
