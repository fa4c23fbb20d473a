//! Read replicas as written in a model.

use serde::Deserialize;

use crate::diagnostic::span::{Named, Span, Spanned};
use crate::distribution::Distribution;
use crate::techniques::parts::balancer::Policy;
use crate::techniques::technique::{Mistake, Reference, law_mistakes, mean_s};
use crate::units::Duration;

/// Servers that follow the writer, as a timer and a set name them by their number.
pub const MOST_REPLICAS: u32 = 30;

/// Processes of one replica that apply records at the same time.
const MOST_APPLY_WORKERS: u32 = 1_000;

/// Servers that apply what the writer commits, and answer reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadReplicas {
    /// How many there are, each as large and as dear as the writer.
    pub count: Spanned<u32>,
    /// When a commit is answered.
    #[serde(default)]
    pub replication: Replication,
    /// How many replicas a semi-synchronous commit waits for, of those that are there.
    #[serde(default)]
    pub acknowledgements: Option<Spanned<u32>>,
    /// What a replica must have done with a record until it acknowledges it.
    #[serde(default)]
    pub acknowledge: Acknowledge,
    /// One way between the writer and a replica.
    #[serde(default)]
    pub latency: Option<Spanned<Distribution>>,
    /// A core's time to apply one record.
    #[serde(default)]
    pub apply: Option<Spanned<Distribution>>,
    /// Of a page that a record is about and that the replica does not have in memory. Replicas on a shared volume leave such
    /// records out.
    #[serde(default)]
    pub apply_io: Option<Spanned<Distribution>>,
    /// Records that a replica applies at the same time: PostgreSQL replays with one process, MySQL's
    /// `replica_parallel_workers` says how many.
    #[serde(default)]
    pub apply_workers: Option<Spanned<u32>>,
    /// Among the replicas of an endpoint.
    #[serde(default)]
    pub balancing: Option<Spanned<Policy>>,
    /// Where reads go that do not say.
    #[serde(default = "reader")]
    pub endpoint: Spanned<Endpoint>,
    /// Replicas by the names of endpoints, the first replica being 1.
    #[serde(default)]
    pub endpoints: Named<Vec<u32>>,
    /// What reads may see that do not say.
    #[serde(default)]
    pub consistency: Consistency,
    /// The key space that tells whose writes are one's own; the user if left out.
    #[serde(default)]
    pub session: Option<Spanned<String>>,
    /// Until a replica that comes later has the data of the moment in which it was asked for.
    #[serde(default)]
    pub startup: Option<Spanned<Distribution>>,
    /// What follows when the writer is lost; if left out, all writes wait for it to come back.
    #[serde(default)]
    pub failover: Option<Failover>,
}

/// A replica becomes the writer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failover {
    /// Until the loss is noticed.
    pub detection: Spanned<Distribution>,
    /// Until the nearest replica is the writer, once it has applied all that it has received.
    #[serde(default)]
    pub promotion: Option<Spanned<Distribution>>,
}

/// When the writer answers a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Replication {
    /// At once.
    #[default]
    Asynchronous,
    /// When some have acknowledged it.
    SemiSynchronous,
    /// When all have.
    Synchronous,
}

/// What an acknowledgement means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Acknowledge {
    /// The replica has the record: `remote_write` of PostgreSQL, MySQL's semi-synchronous replication.
    #[default]
    Received,
    /// Its reads see it: `remote_apply`.
    Applied,
}

/// Where a statement goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Endpoint {
    Writer,
    /// Any replica; the writer if there is none.
    Reader,
    /// The replicas of this name.
    Custom(String),
}

/// What a read may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Consistency {
    /// Whatever its replica has.
    #[default]
    Eventual,
    /// Nothing that was outdated for longer; else it goes to another replica, or to the writer.
    BoundedStaleness(Duration),
    /// At least what the same user wrote; else it goes to another replica, or to the writer.
    ReadYourWrites,
}

fn reader() -> Spanned<Endpoint> {
    Spanned::new(Endpoint::Reader, Span::default())
}

impl ReadReplicas {
    /// No replicas.
    pub fn none() -> Self {
        Self {
            count: Spanned::new(0, Span::default()),
            replication: Replication::Asynchronous,
            acknowledgements: None,
            acknowledge: Acknowledge::Received,
            latency: None,
            apply: None,
            apply_io: None,
            apply_workers: None,
            balancing: None,
            endpoint: Spanned::new(Endpoint::Writer, Span::default()),
            endpoints: Named::default(),
            consistency: Consistency::Eventual,
            session: None,
            startup: None,
            failover: None,
        }
    }

    /// Key spaces it refers to.
    pub fn references(&self) -> Vec<Reference<'_>> {
        let of_balancing = self.balancing.iter().flat_map(|policy| policy.references());
        of_balancing.chain(self.session.as_ref().map(Reference::Key)).collect()
    }

    pub fn workers(&self) -> u32 {
        self.apply_workers.as_ref().map_or(1, |workers| workers.value)
    }

    /// Mean seconds of a core for each record.
    pub fn apply_s(&self) -> f64 {
        self.apply.as_ref().map_or(0.0, |law| mean_s(law))
    }

    /// Mean seconds until a commit is answered after it was sent; a lower bound.
    pub fn commit_s(&self) -> f64 {
        let waits = self.replication != Replication::Asynchronous && self.count.value > 0;
        // Where only the first of several answers counts, none of them is sure to take long.
        let is_sure = self.replication == Replication::Synchronous || self.count.value == 1;
        if waits && is_sure { 2.0 * self.latency.as_ref().map_or(0.0, |law| mean_s(law)) } else { 0.0 }
    }

    /// Mistakes in it.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.count.value > MOST_REPLICAS {
            let message = format!("a writer has at most {MOST_REPLICAS} read replicas here, not {}", self.count.value);
            found.push(Mistake::new(self.count.span, message, "providers allow 5 to 15"));
        }
        let laws = [&self.latency, &self.apply, &self.apply_io, &self.startup].into_iter().flatten();
        found.extend(laws.flat_map(law_mistakes));
        if let Some(failover) = &self.failover {
            found.extend(std::iter::once(&failover.detection).chain(&failover.promotion).flat_map(law_mistakes));
        }
        if let Some(workers) =
            self.apply_workers.as_ref().filter(|workers| !(1..=MOST_APPLY_WORKERS).contains(&workers.value))
        {
            let message = format!("a replica applies its log with 1 to {MOST_APPLY_WORKERS} workers");
            found.push(Mistake::new(workers.span, message, "write for example 4"));
        }
        if let Some(acknowledgements) = &self.acknowledgements {
            if self.replication != Replication::SemiSynchronous {
                let message = "only a semi-synchronous commit waits for some acknowledgements and not for others";
                let help = "add replication: SemiSynchronous, or leave acknowledgements out";
                found.push(Mistake::new(acknowledgements.span, message, help));
            } else if acknowledgements.value == 0 {
                let message = "a commit that waits for no acknowledgement is asynchronous";
                found.push(Mistake::new(acknowledgements.span, message, "write 1, or replication: Asynchronous"));
            }
        }
        if let Some(policy) = &self.balancing {
            found.extend(policy.mistakes(policy.span));
        }
        for (name, replicas) in self.endpoints.iter() {
            if replicas.is_empty() {
                let message = format!("the endpoint {:?} leads to no replica", name.value);
                found.push(Mistake::new(name.span, message, "list replicas by number: [1, 2]"));
            }
            if let Some(replica) = replicas.iter().find(|replica| !(1..=MOST_REPLICAS).contains(replica)) {
                let message = format!("there is no replica {replica}: the first one is 1");
                found.push(Mistake::new(name.span, message, "list replicas by number: [1, 2]"));
            } else if let Some(replica) = replicas.iter().find(|replica| **replica > self.count.value) {
                let message = format!("replica {replica} is not there: {} are", self.count.value);
                found.push(Mistake::new(name.span, message, "raise count, or list other replicas"));
            }
        }
        found.extend(self.endpoint_mistake(&self.endpoint.value, self.endpoint.span));
        found
    }

    /// What is wrong with this endpoint, named at `span`.
    pub fn endpoint_mistake(&self, endpoint: &Endpoint, span: Span) -> Option<Mistake> {
        let Endpoint::Custom(name) = endpoint else { return None };
        if self.endpoints.keys().any(|known| known.value == *name) {
            return None;
        }
        let known: Vec<&str> = self.endpoints.keys().map(|name| name.value.as_str()).collect();
        let help = if known.is_empty() {
            format!("add endpoints: {{ {name:?}: [1] }} to read_replicas")
        } else {
            format!("there are Writer, Reader, and Custom of {}", known.join(", "))
        };
        Some(Mistake::new(span, format!("there is no endpoint {name:?}"), help))
    }
}
