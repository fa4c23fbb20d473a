//! Vector database: nearest neighbours of a vector, over shards that are searched at once and answered by their slowest.
//!
//! # How it works
//!
//! ```text
//! search: ask `fan_out` shards, each at the least busy of its copies; when the slowest has answered, take `merge` and reply
//! insert: write to all copies of one shard; reply when as many have done it as `write_consistency` says
//! shard:  compute on its node's cores: one `distance_time` for each vector that the graph is walked over
//! ```
//!
//! Copy `c` of shard `s` is on node `(s + c) mod nodes`, which results call `milvus/0`, `milvus/1` and so on. A graph of small worlds
//! (HNSW) over `n` vectors has about `ln n / ln m` layers; a search looks at `m` neighbours in each, and at `2 m` of each of
//! the `ef` candidates of the lowest (Malkov & Yashunin 2018). The true neighbours of a query are drawn where the data is:
//! on any shard alike if vectors are spread by hash; if they are partitioned by cluster, in the query's own cluster with
//! probability `locality`, else one cluster further, and so on. Only those on shards that are asked can be found, and of each
//! shard no more than `ef`: that is the recall told. How many a graph itself misses is not modelled.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `nodes` | nodes | 1 | that hold copies of shards |
//! | `cpu` | cores | 1 | of each node |
//! | `shards` | shards | 1 | that the vectors are divided into |
//! | `replication_factor` | copies | 1 | of each shard, on nodes of their own |
//! | `vectors` | vectors | | in all shards together |
//! | `m` | | 16 | neighbours of a vector in the graph |
//! | `distance_time` | time | | of a core for one distance; a search draws it once for each shard |
//! | `merge` | time | 0 | of the node that gathers, added to each search |
//! | `partition` | | `ByHash` | or `ByCluster(key, locality)` |
//! | `write_consistency` | | `Majority` | copies that must have written: `One`, `Majority`, `All` |
//! | `price` | $/time | 0 | of each node |
//! | `operations` | | | `Search(k, ef, fan_out)` or `Insert(ef_construction)` |
//!
//! # When it helps, when it hurts
//!
//! More shards make each smaller, but the search of a shard hardly shorter, since it grows with the logarithm; so each search
//! costs more in all, and waits for the slowest of more. Shards are for what does not fit on one node, copies are for more
//! searches. Asking fewer shards is cheap exactly as far as neighbours lie together.
//!
//! # Law
//!
//! The slowest of `n` independent exponential searches takes `1 + 1/2 + ... + 1/n` means. Spread by hash, the recall of asking
//! `f` of `n` shards is `f / n`.

mod coordinator;
mod node;
mod partition;

pub use node::VectorDatabaseNode;
pub use partition::Partition;

use serde::Deserialize;

use crate::diagnostic::span::{Named, Span, Spanned};
use crate::distribution::Distribution;
use crate::price::HourlyPrice;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::technique::{
    Capacity, Demand, Mistake, Operations, Prices, Reference, Spec, law_mistakes, mean_s,
};

/// A vector database as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorDatabase {
    #[serde(default)]
    pub nodes: Option<Spanned<u32>>,
    #[serde(default)]
    pub cpu: Option<Spanned<f64>>,
    #[serde(default)]
    pub shards: Option<Spanned<u32>>,
    #[serde(default)]
    pub replication_factor: Option<Spanned<u32>>,
    pub vectors: Spanned<u64>,
    #[serde(default)]
    pub m: Option<Spanned<u32>>,
    pub distance_time: Spanned<Distribution>,
    #[serde(default)]
    pub merge: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub partition: Partition,
    #[serde(default)]
    pub write_consistency: WriteConsistency,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
    pub operations: Spanned<Named<VectorOperation>>,
}

/// What a vector database is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum VectorOperation {
    /// The `k` nearest neighbours.
    Search {
        k: u32,
        /// Candidates that are kept on the way; never fewer than `k`, which is the default.
        #[serde(default)]
        ef: Option<u32>,
        /// Shards that are asked; all by default.
        #[serde(default)]
        fan_out: Option<u32>,
    },
    /// One more vector.
    Insert {
        /// Candidates that are kept while its neighbours are looked for.
        #[serde(default = "usual_ef_construction")]
        ef_construction: u32,
    },
}

/// As hnswlib has it.
fn usual_ef_construction() -> u32 {
    200
}

/// Copies that must have written before an insert is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum WriteConsistency {
    One,
    #[default]
    Majority,
    All,
}

impl WriteConsistency {
    fn copies(self, of: u32) -> u32 {
        match self {
            Self::One => 1,
            Self::Majority => of / 2 + 1,
            Self::All => of,
        }
    }
}

/// Nodes that one database may have.
const MOST_NODES: u32 = 200;
const MOST_SHARDS: u32 = 1_000;
/// Neighbours and candidates: more would be no graph any more.
const MOST_CANDIDATES: u32 = 100_000;

fn value(of: &Option<Spanned<u32>>, otherwise: u32) -> u32 {
    of.as_ref().map_or(otherwise, |one| one.value)
}

impl VectorDatabase {
    fn nodes(&self) -> u32 {
        value(&self.nodes, 1)
    }

    fn cpu(&self) -> f64 {
        self.cpu.as_ref().map_or(1.0, |cpu| cpu.value)
    }

    fn shards(&self) -> u32 {
        value(&self.shards, 1)
    }

    fn copies(&self) -> u32 {
        value(&self.replication_factor, 1)
    }

    /// Vectors whose distance is worked out to walk over one shard with so many candidates.
    pub fn distances(&self, candidates: u32) -> f64 {
        let m = f64::from(value(&self.m, 16));
        let held = (self.vectors.value as f64 / f64::from(self.shards().max(1))).max(1.0);
        let layers = held.ln() / m.ln();
        // Nobody looks at a vector twice.
        (m * layers + 2.0 * m * f64::from(candidates)).min(held)
    }

    /// The law of the computing that one shard does for an operation.
    fn computing(&self, operation: &VectorOperation) -> Distribution {
        let candidates = match operation {
            VectorOperation::Search { k, ef, .. } => ef.map_or(*k, |ef| ef.max(*k)),
            VectorOperation::Insert { ef_construction } => *ef_construction,
        };
        Distribution::Scaled { by: self.distances(candidates), law: Box::new(self.distance_time.value.clone()) }
    }

    /// Shards and copies that carry out one request.
    fn visited(&self, operation: &VectorOperation) -> u32 {
        match operation {
            VectorOperation::Search { fan_out, .. } => fan_out.map_or(self.shards(), |some| some.min(self.shards())),
            VectorOperation::Insert { .. } => self.copies(),
        }
    }
}

impl Spec for VectorDatabase {
    fn can_fail(&self) -> bool {
        false
    }

    fn kind(&self) -> &'static str {
        "VectorDatabase"
    }

    fn operations(&self) -> Operations<'_> {
        Operations::Named(self.operations.keys().map(|name| name.value.as_str()).collect())
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.partition.references()
    }

    fn parts(&self) -> u32 {
        self.nodes()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut count = |field: &Option<Spanned<u32>>, most: u32, what: &str, help: &str| {
            if let Some(field) = field.as_ref().filter(|field| !(1..=most).contains(&field.value)) {
                found.push(Mistake::new(field.span, format!("{what} 1 to {most}, not {}", field.value), help));
            }
        };
        count(&self.nodes, MOST_NODES, "the nodes of a vector database are", "write for example nodes: 3");
        count(&self.shards, MOST_SHARDS, "the shards of a vector database are", "write for example shards: 6");
        if let Some(copies) =
            self.replication_factor.as_ref().filter(|copies| !(1..=self.nodes()).contains(&copies.value))
        {
            let message =
                format!("{} copies of a shard need as many nodes, but there are {}", copies.value, self.nodes());
            found.push(Mistake::new(copies.span, message, "write 1 up to the number of nodes"));
        }
        if let Some(cpu) = self.cpu.as_ref().filter(|cpu| !(0.001..=100_000.0).contains(&cpu.value)) {
            found.push(Mistake::new(cpu.span, "a node has between 0.001 and 100,000 cores", "write for example 8"));
        }
        if let Some(m) = self.m.as_ref().filter(|m| !(2..=1_000).contains(&m.value)) {
            found.push(Mistake::new(m.span, "a vector has 2 to 1,000 neighbours in the graph", "write for example 16"));
        }
        if self.vectors.value == 0 {
            found.push(Mistake::new(
                self.vectors.span,
                "without vectors nothing is found",
                "write for example 10_000_000",
            ));
        }
        found.extend(law_mistakes(&self.distance_time));
        found.extend(self.merge.iter().flat_map(law_mistakes));
        found.extend(self.partition.mistakes());
        if self.operations.is_empty() {
            let help = "add operations: { \"search\": Search(k: 10, ef: 100) }";
            found.push(Mistake::new(self.operations.span, "a vector database without operations does nothing", help));
        }
        for operation in self.operations.values() {
            found.extend(self.mistake(&operation.value, operation.span));
        }
        found
    }

    fn demand(&self, operation: &str) -> Demand {
        let Some((_, operation)) = self.operations.iter().find(|(name, _)| name.value == operation) else {
            return Demand::default();
        };
        let one_s = mean_s(&self.computing(operation));
        let merge_s = self.merge.as_ref().map_or(0.0, |law| mean_s(law));
        let is_search = matches!(operation.value, VectorOperation::Search { .. });
        // The slowest of several takes longer than one on average: a lower bound.
        let held_s = one_s + if is_search { merge_s } else { 0.0 };
        Demand { core_s: one_s * f64::from(self.visited(operation)), held_s, ..Demand::default() }
    }

    fn capacity(&self) -> Capacity {
        Capacity { cores: Some(self.cpu() * f64::from(self.nodes())), ..Capacity::default() }
    }

    fn tells(&self, signal: Signal) -> Tells {
        if signal == Signal::QueueLength { Tells::Never } else { Tells::Always }
    }

    fn resources(&self) -> Vec<(&'static str, f64)> {
        let counts = [("nodes", self.nodes()), ("replication_factor", self.copies())];
        counts.into_iter().map(|(field, count)| (field, f64::from(count))).chain([("cpu", self.cpu())]).collect()
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            ..Prices::default()
        }
    }
}

impl VectorDatabase {
    fn mistake(&self, operation: &VectorOperation, span: Span) -> Option<Mistake> {
        match operation {
            VectorOperation::Search { k, ef, .. }
                if !(1..=MOST_CANDIDATES).contains(k) || ef.is_some_and(|ef| ef < *k) =>
            {
                let message =
                    format!("a search keeps at least as many candidates as it looks for, 1 to {MOST_CANDIDATES}");
                Some(Mistake::new(span, message, "write for example Search(k: 10, ef: 100)"))
            }
            VectorOperation::Search { ef: Some(ef), .. } if *ef > MOST_CANDIDATES => Some(Mistake::new(
                span,
                format!("a search keeps at most {MOST_CANDIDATES} candidates"),
                "write a smaller `ef`",
            )),
            VectorOperation::Search { fan_out: Some(fan_out), .. } if !(1..=self.shards()).contains(fan_out) => {
                let message = format!("{fan_out} shards are to be asked, but there are {}", self.shards());
                Some(Mistake::new(
                    span,
                    message,
                    "write 1 up to the number of shards, or leave `fan_out` out to ask all",
                ))
            }
            VectorOperation::Insert { ef_construction } if !(1..=MOST_CANDIDATES).contains(ef_construction) => {
                let message = format!("an insert keeps 1 to {MOST_CANDIDATES} candidates");
                Some(Mistake::new(span, message, "write for example ef_construction: 200"))
            }
            _ => None,
        }
    }
}
