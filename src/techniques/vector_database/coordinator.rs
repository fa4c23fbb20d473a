//! Takes requests, asks shards and gathers what they answer.

use crate::distribution::Sampler;
use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::{Identity, VisitId};
use crate::engine::{Destination, Evidence, NodeIndex, Outcome, Reply, Timer};
use crate::random::{Purpose, Stream};
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::meter::Meter;
use crate::techniques::technique::{CompileError, Wiring};
use crate::techniques::vector_database::partition::{Circle, Partition};
use crate::techniques::vector_database::{VectorDatabase, VectorOperation};

/// The node of a vector database that its callers talk to.
#[derive(Clone, Debug)]
pub struct Coordinator {
    nodes: Vec<NodeIndex>,
    shards: u32,
    copies: u32,
    /// Copies that must have written.
    needed: u32,
    operations: Vec<VectorOperation>,
    /// The space of clusters, and their circle, if that is how vectors are partitioned.
    clusters: Option<(u16, Circle)>,
    merge: Option<(Sampler, Purpose)>,
    /// Of what is drawn for a request here.
    purpose: Purpose,
    /// Requests on their way, by node.
    outstanding: Vec<u32>,
    /// Whose turn it is among copies that are equally busy.
    turn: u32,
    /// Memory for the shards that a request is for.
    asked: Vec<u32>,
    sent: u64,
    answers: u64,
    found: u64,
    wanted: u64,
    searched: u64,
    searches: u64,
    meter: Meter,
}

/// Mark of a search: it is merged when the last shard has answered.
const SEARCH: u8 = 1;

impl Coordinator {
    /// Compiles the written form.
    pub fn compile(spec: &VectorDatabase, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let merge = match &spec.merge {
            Some(law) => Some((wiring.sampler(law)?, wiring.purpose("merge"))),
            None => None,
        };
        let clusters = match &spec.partition {
            Partition::ByHash => None,
            Partition::ByCluster { key, locality } => {
                let space = wiring.key_space(key);
                Some((space, Circle::of(wiring.key_count(key), spec.shards(), locality.value.value)))
            }
        };
        let nodes = wiring.parts();
        Ok(Self {
            outstanding: vec![0; nodes.len()],
            nodes,
            shards: spec.shards(),
            copies: spec.copies(),
            needed: spec.write_consistency.copies(spec.copies()),
            operations: spec.operations.values().map(|operation| operation.value.clone()).collect(),
            clusters,
            merge,
            purpose: wiring.purpose("neighbours"),
            turn: 0,
            asked: Vec::new(),
            sent: 0,
            answers: 0,
            found: 0,
            wanted: 0,
            searched: 0,
            searches: 0,
            meter: Meter::default(),
        })
    }

    pub fn arrive(&mut self, context: &mut Context, slot: u32) {
        self.meter.arrive(context.now_ns());
        let visit = *context.visit(slot);
        let mut stream = Stream::keyed(visit.key, self.purpose, visit.salt);
        let position = self.clusters.map(|(space, circle)| circle.position(context.key(space, visit.key)));
        self.asked.clear();
        match self.operations[usize::from(visit.operation)] {
            VectorOperation::Search { k, ef, fan_out } => {
                let fan_out = fan_out.unwrap_or(self.shards);
                self.choose(position, fan_out, &mut stream);
                self.count_neighbours(position, k, ef.unwrap_or(k), &mut stream);
                let own = context.visit(slot);
                (own.flags, own.pending) = (SEARCH, fan_out as u16);
                for place in 0..self.asked.len() {
                    let node = self.least_busy_copy(self.asked[place]);
                    self.send(context, slot, node, place as u32);
                }
            }
            VectorOperation::Insert { .. } => {
                self.choose(position, 1, &mut stream);
                context.visit(slot).pending = self.needed as u16;
                let first = self.asked[0];
                for copy in 0..self.copies {
                    self.send(context, slot, self.holder(first, copy), copy);
                }
            }
        }
    }

    /// The shards to ask: the nearest to the query, or as many in a row from any on.
    fn choose(&mut self, position: Option<u64>, count: u32, stream: &mut Stream) {
        match (position, &self.clusters) {
            (Some(position), Some((_, circle))) => circle.nearest(position, count, &mut self.asked),
            _ => {
                let first = stream.below(self.shards.into()) as u32;
                self.asked.extend((0..count).map(|next| (first + next) % self.shards));
            }
        }
    }

    /// Draws where the nearest neighbours are, and counts those that can be found.
    fn count_neighbours(&mut self, position: Option<u64>, k: u32, ef: u32, stream: &mut Stream) {
        self.searches += 1;
        self.searched += self.asked.len() as u64;
        self.wanted += u64::from(k);
        if self.asked.len() == self.shards as usize {
            self.found += u64::from(k);
            return;
        }
        let mut found = 0;
        for _ in 0..k {
            let shard = match (position, &self.clusters) {
                (Some(position), Some((_, circle))) => circle.neighbour(position, stream),
                _ => stream.below(self.shards.into()) as u32,
            };
            found += u32::from(self.asked.contains(&shard));
        }
        // Each shard returns its `ef` best at most, which are at least as many as are looked for.
        debug_assert!(found <= k && k <= ef);
        self.found += u64::from(found);
    }

    /// The node that has this copy of a shard.
    fn holder(&self, shard: u32, copy: u32) -> usize {
        (shard as usize + copy as usize) % self.nodes.len()
    }

    fn least_busy_copy(&mut self, shard: u32) -> usize {
        self.turn = self.turn.wrapping_add(1);
        let from = self.turn % self.copies;
        let copies = (0..self.copies).map(|next| self.holder(shard, (from + next) % self.copies));
        copies.min_by_key(|node| self.outstanding[*node]).unwrap_or(0)
    }

    fn send(&mut self, context: &mut Context, slot: u32, node: usize, place: u32) {
        let visit = *context.visit(slot);
        // Each shard has work of its own to do, so it draws apart.
        let salt = if place == 0 { visit.salt } else { resalt(visit.salt, place) };
        let destination = Destination { node: self.nodes[node], operation: visit.operation };
        let token = context.id(slot).token();
        context.call(destination, token, node as u8, Identity { salt, ..visit.identity() });
        self.outstanding[node] += 1;
        self.sent += 1;
    }

    pub fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.answers += 1;
        self.outstanding[usize::from(reply.branch)] -= 1;
        // An insert may have been answered while the last copies still wrote.
        let Some(slot) = context.visits().find(VisitId::from_token(reply.token)) else { return };
        let visit = context.visit(slot);
        if matches!(reply.outcome, Outcome::Failed(_)) {
            return self.finish(context, slot, reply.outcome);
        }
        visit.pending -= 1;
        if visit.pending > 0 {
            return;
        }
        match &self.merge {
            Some((law, purpose)) if visit.flags == SEARCH => {
                let delay_ns = law.sample_ns(&mut Stream::keyed(visit.key, *purpose, visit.salt));
                context.after(delay_ns, Timer { kind: 0, data: u64::from(slot) });
            }
            _ => self.finish(context, slot, Outcome::Done),
        }
    }

    /// A search that is merged has no other end, so its slot is still its own.
    pub fn merged(&mut self, context: &mut Context, timer: Timer) {
        self.finish(context, timer.data as u32, Outcome::Done);
    }

    fn finish(&mut self, context: &mut Context, slot: u32, outcome: Outcome) {
        let now_ns = context.now_ns();
        let entered_ns = context.visit(slot).entered_ns;
        self.meter.answer(!matches!(outcome, Outcome::Failed(_)), now_ns - entered_ns, 0);
        self.meter.leave(now_ns, entered_ns);
        context.reply(slot, outcome);
    }

    pub fn sample(&self, sample: &mut NodeSample) {
        self.meter.sample(sample);
    }

    pub fn audit(&self, now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        let outstanding: u64 = self.outstanding.iter().map(|count| u64::from(*count)).sum();
        if self.sent != self.answers + outstanding || outstanding != evidence.awaited {
            let (sent, answers) = (self.sent, self.answers);
            return Err(format!("{sent} sent to shards, {answers} answered, {} awaited", evidence.awaited));
        }
        self.meter.audit(now_ns, evidence)
    }

    pub fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        self.meter.observe(now_ns, record);
        let share = |name, numerator: u64, denominator: u64| Share {
            name,
            numerator: numerator.into(),
            denominator: denominator.into(),
        };
        record.shares = vec![
            share("recall_ratio", self.found, self.wanted),
            share("shards_per_search", self.searched, self.searches),
        ];
    }
}
