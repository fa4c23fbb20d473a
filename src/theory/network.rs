//! Operations, who calls whom, and how much comes where.

use std::collections::BTreeMap;
use std::path::Path;

use super::doubt::Doubt;
use super::work::{Item, Work};
use crate::model::Model;
use crate::model::architecture::link_ends;
use crate::techniques::NodeSpec;
use crate::techniques::link::Link;
use crate::techniques::parts::balancer::Policy;
use crate::techniques::technique::{LinkSpec, Operations, Role, Spec};

/// Rounds after which rates that still grow are taken as they are.
const ROUNDS: usize = 10_000;

/// An operation of a node.
#[derive(Clone, Debug)]
pub struct Operation {
    pub node: usize,
    pub work: Work,
    pub steps: Vec<Step>,
}

/// What an operation does in turn, with indices for names.
#[derive(Clone, Debug)]
pub enum Step {
    Own,
    Call(Call),
}

#[derive(Clone, Debug)]
pub struct Call {
    pub to: usize,
    pub times: f64,
    /// Both ways over the link.
    pub delay_s: f64,
    pub doubt: Doubt,
    /// Whether the caller may see a failure although the callee does not fail.
    pub may_fail: bool,
    /// Who chooses the replica.
    chooser: Chooser,
}

/// Who chooses a replica: a link, a balancer, or the node itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Chooser {
    Link(usize),
    Node(usize),
}

/// A model as a network of queues.
pub struct Network<'m> {
    pub model: &'m Model,
    pub operations: Vec<Operation>,
    index: BTreeMap<(usize, String), usize>,
}

/// What comes where.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Visits per second, by operation.
    pub rates: Vec<f64>,
    /// What is not known of them, by node.
    pub doubts: Vec<Doubt>,
    /// Whether a call of the operation may fail.
    pub may_fail: Vec<bool>,
}

/// Requests of clients.
#[derive(Clone, Debug)]
pub struct Source {
    /// The operation as clients write it.
    pub name: String,
    pub operation: usize,
    pub rate: f64,
    pub link: Option<usize>,
    pub doubt: Doubt,
}

impl<'m> Network<'m> {
    /// Reads the network out of a checked model. Files that it names are looked for from `directory`.
    pub fn of(model: &'m Model, directory: &Path) -> Self {
        let mut network = Self { model, operations: Vec::new(), index: BTreeMap::new() };
        for (node, spec) in model.nodes.values().enumerate() {
            for name in network.names(node) {
                network.index.insert((node, name.clone()), network.operations.len());
                let work = Work::of(spec, &name, directory);
                network.operations.push(Operation { node, work, steps: Vec::new() });
            }
        }
        for index in 0..network.operations.len() {
            let items = std::mem::take(&mut network.operations[index].work.items);
            let node = network.operations[index].node;
            let step = |item: &Item| match item {
                Item::Own => Some(Step::Own),
                Item::Call { to, times, doubt } => network.call(node, to, *times, doubt.clone()).map(Step::Call),
            };
            let mut steps: Vec<Step> = items.iter().filter_map(step).collect();
            if network.operations[index].work.takes_time && !steps.iter().any(|step| matches!(step, Step::Own)) {
                // Waiting alone.
                steps.insert(0, Step::Own);
            }
            // One stay, whichever of its parts it consists of.
            steps.dedup_by(|next, before| matches!((next, before), (Step::Own, Step::Own)));
            network.operations[index].steps = steps;
            network.operations[index].work.items = items;
        }
        network
    }

    pub fn spec(&self, node: usize) -> &'m NodeSpec {
        &self.model.nodes[node].value
    }

    pub fn name(&self, node: usize) -> &'m str {
        self.model.nodes.get_index(node).map_or("", |(name, _)| name.value.as_str())
    }

    fn link(&self, position: usize) -> &'m Link {
        &self.model.links[position].value
    }

    /// The names of a node's operations; a node that is called by its name alone has one without a name.
    fn names(&self, node: usize) -> Vec<String> {
        let mut spec = self.spec(node);
        for _ in 0..=self.model.nodes.len() {
            match spec.operations() {
                Operations::Named(names) => return names.into_iter().map(str::to_owned).collect(),
                Operations::SameAs(target) => match self.model.nodes.get(target.value.as_str()) {
                    Some(found) => spec = &found.value,
                    None => break,
                },
                Operations::None if spec.role() == Role::Server => return vec![String::new()],
                Operations::None => break,
            }
        }
        Vec::new()
    }

    /// The operation that a model calls `"node.operation"`.
    pub fn find(&self, reference: &str) -> Option<usize> {
        let node = |name: &str| self.model.nodes.get_index_of(name);
        let cuts = reference.match_indices('.').map(|(cut, _)| (&reference[..cut], &reference[cut + 1..]));
        let mut found = cuts.filter_map(|(name, rest)| self.index.get(&(node(name)?, rest.to_owned())).copied());
        found.next().or_else(|| self.index.get(&(node(reference)?, String::new())).copied())
    }

    /// The link between two nodes, as its position.
    fn link_between(&self, from: usize, to: usize) -> Option<usize> {
        let ends = (self.name(from), self.name(to));
        self.model.links.keys().position(|name| link_ends(name) == Some(ends))
    }

    fn call(&self, from: usize, reference: &str, times: f64, mut doubt: Doubt) -> Option<Call> {
        let to = self.find(reference)?;
        let target = self.operations[to].node;
        let position = self.link_between(from, target);
        let is_balancer = matches!(self.spec(from), NodeSpec::LoadBalancer(_));
        let (mut delay_s, mut may_fail, mut by_link) = (0.0, false, None);
        if let Some(position) = position {
            let link = self.link(position);
            delay_s = link.delay_s();
            may_fail = link.gives_up();
            doubt.raise(&self.link_doubt(position));
            by_link = link.policy.as_ref().map(|_| position);
        }
        let chooser = by_link.map_or(Chooser::Node(if is_balancer { from } else { target }), Chooser::Link);
        Some(Call { to, times, delay_s, doubt, may_fail, chooser })
    }

    /// What a link does to the requests that pass over it.
    fn link_doubt(&self, position: usize) -> Doubt {
        let link = self.link(position);
        let name = self.model.links.get_index(position).map_or("", |(name, _)| name.value.as_str());
        if link.attempts() > 1 {
            Doubt::rate(format!("calls over `{name}` are tried again when they fail"))
        } else if link.gives_up() {
            Doubt::rate(format!("calls over `{name}` are given up after a timeout"))
        } else if link.cross_zone_latency.is_some() {
            Doubt::rate(format!("calls over `{name}` take longer between zones"))
        } else if link.bandwidth.is_some() {
            Doubt::uneven(format!("calls over `{name}` wait for bandwidth"))
        } else {
            Doubt::default()
        }
    }

    /// The requests of one node of clients, `rate` of them per second, with what is not known of their spacing.
    pub fn sources(&self, clients: usize, offered: &[(String, f64)], doubt: &Doubt) -> Vec<Source> {
        let source = |(reference, rate): &(String, f64)| {
            let operation = self.find(reference)?;
            let link = self.link_between(clients, self.operations[operation].node);
            let doubt = link.map_or_else(|| doubt.clone(), |link| doubt.clone().raised(self.link_doubt(link)));
            Some(Source { name: reference.clone(), operation, rate: *rate, link, doubt })
        };
        offered.iter().filter(|(_, rate)| *rate > 0.0).filter_map(source).collect()
    }

    /// The time that a source's requests spend on their first link, both ways.
    pub fn source_delay_s(&self, source: &Source) -> f64 {
        source.link.map_or(0.0, |link| self.link(link).delay_s())
    }

    /// How the replicas of a node are chosen among the calls that come; None if by several at once, or not alike.
    pub fn policy(&self, node: usize, flow: &Flow, sources: &[Source]) -> Option<Policy> {
        let mut choosers: Vec<Chooser> = Vec::new();
        for (operation, _) in self.operations.iter().zip(&flow.rates).filter(|(_, rate)| **rate > 0.0) {
            choosers.extend(
                operation.calls().filter(|call| self.operations[call.to].node == node).map(|call| call.chooser),
            );
        }
        for source in sources.iter().filter(|source| self.operations[source.operation].node == node) {
            let policy = source.link.filter(|link| self.link(*link).policy.is_some());
            choosers.push(policy.map_or(Chooser::Node(node), Chooser::Link));
        }
        choosers.sort_unstable();
        choosers.dedup();
        let policy = |chooser: &Chooser| match chooser {
            Chooser::Link(position) => self.link(*position).policy.as_ref().map(|policy| policy.value.clone()),
            Chooser::Node(node) => match self.spec(*node) {
                NodeSpec::LoadBalancer(balancer) => balancer.policy.as_ref().map(|policy| policy.value.clone()),
                NodeSpec::Service(service) => service.balancing.as_ref().map(|policy| policy.value.clone()),
                _ => None,
            },
        };
        let policies: Vec<Policy> = choosers.iter().map(|chooser| policy(chooser).unwrap_or_default()).collect();
        match policies.as_slice() {
            [one] => Some(one.clone()),
            several if several.iter().all(|one| matches!(one, Policy::Random)) => Some(Policy::Random),
            _ => None,
        }
    }

    /// What comes where, when these requests are sent. `broken` says why what a node makes of its requests is unknown, and
    /// `spoils` why requests leave a node otherwise than as a Poisson process, if either does.
    pub fn flow(
        &self,
        sources: &[Source],
        broken: &dyn Fn(usize) -> Option<String>,
        spoils: &dyn Fn(usize) -> Option<String>,
    ) -> Flow {
        let count = self.operations.len();
        let rates = self.rates(sources);
        let mut may_fail: Vec<bool> =
            self.operations.iter().map(|one| one.work.may_fail || broken(one.node).is_some()).collect();
        let mut arriving = vec![Doubt::default(); count];
        for source in sources {
            arriving[source.operation].raise(&source.doubt);
        }
        // What leaves an operation when it is done.
        let mut leaving = vec![Doubt::default(); count];
        let mut doubts = vec![Doubt::default(); self.model.nodes.len()];
        let mut changed = true;
        while changed {
            changed = false;
            for index in (0..count).filter(|index| rates[*index] > 0.0) {
                let operation = &self.operations[index];
                let mut doubt = arriving[index].clone();
                for step in &operation.steps {
                    match step {
                        Step::Own => {
                            changed |= doubts[operation.node].raise(&doubt);
                            if let Some(reason) = broken(operation.node) {
                                doubt.raise(&Doubt::rate(reason));
                            } else if let Some(reason) = spoils(operation.node) {
                                doubt.raise(&Doubt::shape(reason));
                            } else if doubts[operation.node].level > doubt.level {
                                // Others disturb the queue that all of them share.
                                doubt.raise(&doubts[operation.node].clone());
                            }
                        }
                        Step::Call(call) => {
                            changed |= arriving[call.to].raise(&doubt.clone().raised(call.doubt.clone()));
                            if may_fail[call.to] || call.may_fail {
                                changed |= !std::mem::replace(&mut may_fail[index], true);
                                let failing = self.operations[call.to].node;
                                let reason = broken(failing).unwrap_or_else(|| {
                                    format!("what reaches it comes only if `{}` succeeded", self.name(failing))
                                });
                                doubt.raise(&Doubt::rate(reason));
                            }
                            doubt.raise(&leaving[call.to]);
                        }
                    }
                }
                changed |= leaving[index].raise(&doubt);
            }
        }
        Flow { rates, doubts, may_fail }
    }

    /// Visits per second of each operation, if no call fails.
    fn rates(&self, sources: &[Source]) -> Vec<f64> {
        let mut offered = vec![0.0; self.operations.len()];
        for source in sources {
            offered[source.operation] += source.rate;
        }
        let mut rates = offered.clone();
        let mut fresh = offered;
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; self.operations.len()];
            for (operation, rate) in self.operations.iter().zip(&fresh).filter(|(_, rate)| **rate > 0.0) {
                for call in operation.calls() {
                    next[call.to] += rate * call.times;
                }
            }
            rates.iter_mut().zip(&next).for_each(|(rate, more)| *rate += more);
            if rates.iter().zip(&next).all(|(rate, more)| *more <= rate * 1e-15) {
                break;
            }
            fresh = next;
        }
        rates
    }

    /// Operations of a node that are visited.
    pub fn visited(&self, node: usize, flow: &Flow) -> Vec<usize> {
        (0..self.operations.len()).filter(|one| self.operations[*one].node == node && flow.rates[*one] > 0.0).collect()
    }

    /// The time of every operation from arrival to reply, when its own part takes `own_s` and that of the calls is added;
    /// None where a part is unknown.
    pub fn times_s(&self, own_s: &dyn Fn(usize) -> Option<f64>) -> Vec<Option<f64>> {
        let own: Vec<Option<f64>> = (0..self.operations.len())
            .map(|one| own_s(one).filter(|_| self.operations[one].work.obstacle.is_none()))
            .collect();
        let mut times: Vec<Option<f64>> = own.iter().map(|one| one.map(|_| 0.0)).collect();
        for _ in 0..ROUNDS {
            let next: Vec<Option<f64>> = own
                .iter()
                .zip(&self.operations)
                .map(|(own, operation)| {
                    operation
                        .calls()
                        .try_fold((*own)?, |sum, call| Some(sum + call.times * (times[call.to]? + call.delay_s)))
                })
                .collect();
            let is_settled = |(old, new): (&Option<f64>, &Option<f64>)| match (old, new) {
                (Some(old), Some(new)) => (new - old).abs() <= 1e-14 * new,
                (old, new) => old.is_none() && new.is_none(),
            };
            let is_done = times.iter().zip(&next).all(is_settled);
            times = next;
            if is_done {
                break;
            }
        }
        times
    }
}

impl Operation {
    /// What it calls, in turn.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(call),
            Step::Own => None,
        })
    }
}
