//! What one visit to an operation does, in the words of queueing theory.

use std::path::Path;

use super::doubt::Doubt;
use super::law::{Law, Share};
use crate::diagnostic::span::Spanned;
use crate::distribution::Distribution;
use crate::techniques::NodeSpec;
use crate::techniques::parts::steps::Step;
use crate::techniques::technique::Spec;

/// What happens in turn.
#[derive(Clone, Debug)]
pub enum Item {
    /// The node's own cores or workers serve the visit.
    Own,
    /// Another operation is called, so many times on average.
    Call { to: String, times: f64, doubt: Doubt },
}

/// One operation.
#[derive(Clone, Debug, Default)]
pub struct Work {
    pub computing: Law,
    pub waiting: Law,
    pub both: Law,
    /// Mean seconds of a core's time.
    pub core_s: f64,
    /// Steps that compute.
    pub computations: u32,
    /// Whether the visit takes time here, whatever it calls.
    pub takes_time: bool,
    pub items: Vec<Item>,
    /// Why the time of a visit is not the sum of the times of its parts.
    pub obstacle: Option<String>,
    /// Whether it may fail by itself.
    pub may_fail: bool,
}

impl Work {
    /// What a visit to this operation does.
    pub fn of(spec: &NodeSpec, operation: &str, directory: &Path) -> Self {
        match spec {
            NodeSpec::Service(service) => {
                let steps = service.operations.iter().find(|(name, _)| name.value == operation);
                steps.map(|(_, steps)| Self::of_steps(steps, directory)).unwrap_or_default()
            }
            NodeSpec::Database(database) if database.is_plain() => {
                let query = database.operations.iter().find(|(name, _)| name.value == operation);
                query.map(|(_, query)| Self::of_steps(&query.steps(), directory)).unwrap_or_default()
            }
            NodeSpec::LoadBalancer(balancer) if balancer.max_connections.is_none() => {
                let processing: Option<Spanned<Distribution>> = balancer.processing.clone();
                let call = Spanned { value: format!("{}.{operation}", *balancer.target), span: balancer.target.span };
                let steps: Vec<Step> = processing.map(Step::Wait).into_iter().chain([Step::Call(call)]).collect();
                Self::of_steps(&steps, directory)
            }
            other => {
                let kind = other.kind();
                let reason = format!("no closed form is known here for a {kind}");
                let doubt = Doubt::rate(format!("what reaches it comes through a {kind}"));
                let calls = other.demand(operation).calls.into_iter();
                let items = calls.map(|call| Item::Call { to: call.to, times: call.times, doubt: doubt.clone() });
                Self { takes_time: true, obstacle: Some(reason), items: items.collect(), ..Self::default() }
            }
        }
    }

    fn of_steps(steps: &[Step], directory: &Path) -> Self {
        let law = |share| Law::of_steps(steps, share, directory);
        let mut work = Self {
            computing: law(Share::Computing),
            waiting: law(Share::Waiting),
            both: law(Share::Both),
            core_s: crate::techniques::parts::steps::demand(steps).core_s,
            ..Self::default()
        };
        work.walk(steps, 1.0, &mut Doubt::default(), directory);
        work
    }

    /// Goes through the steps that a share `reach` of the visits gets to. Returns the share that gets to the end.
    fn walk(&mut self, steps: &[Step], mut reach: f64, doubt: &mut Doubt, directory: &Path) -> f64 {
        for step in steps {
            match step {
                Step::Compute(law) => {
                    self.computations += 1;
                    self.takes_time |= Law::of(law, directory).mean_s > 0.0;
                    self.items.push(Item::Own);
                }
                Step::Wait(law) => self.takes_time |= Law::of(law, directory).mean_s > 0.0,
                Step::Call(name) | Step::Publish(name) => self.call(name, reach, doubt),
                Step::Store { cache, .. } | Step::Invalidate { cache, .. } => self.call(cache, reach, doubt),
                Step::CacheAside { cache, miss, .. } => {
                    self.call(cache, reach, doubt);
                    let reason = format!("what reaches it depends on how often `{}` hits", **cache);
                    self.hinder("how long it takes depends on a cache");
                    self.walk(miss, reach, &mut doubt.clone().raised(Doubt::rate(reason)), directory);
                }
                Step::Parallel(branches) if branches.len() == 1 => {
                    reach = self.walk(&branches[0], reach, doubt, directory);
                }
                Step::Parallel(branches) => {
                    self.hinder("its branches run in parallel");
                    doubt.raise(&Doubt::shape("parallel branches send requests together"));
                    for branch in branches.iter() {
                        self.walk(branch, reach, doubt, directory);
                    }
                }
                Step::Choose(choices) => {
                    let ends = choices.iter().map(|(probability, choice)| {
                        self.walk(choice, reach * probability.value, &mut doubt.clone(), directory)
                    });
                    reach = ends.sum();
                }
                Step::ChooseByKey { then, otherwise, .. } => {
                    self.hinder("which way a request goes depends on its key");
                    let doubt =
                        doubt.clone().raised(Doubt::rate("what reaches it depends on the keys of the requests"));
                    self.walk(then, reach, &mut doubt.clone(), directory);
                    self.walk(otherwise, reach, &mut doubt.clone(), directory);
                }
                Step::Transaction { steps, .. } => {
                    self.hinder("it holds a connection between its statements");
                    reach = self.walk(steps, reach, doubt, directory);
                }
                Step::Repeat { times, steps } => reach = self.repeat(steps, times.value, reach, doubt, directory),
                Step::Fail(probability) if probability.value.value > 0.0 => {
                    self.may_fail = true;
                    self.hinder("it fails at times");
                    reach *= 1.0 - probability.value.value;
                }
                Step::Fail(_) => {}
                Step::Reply => {
                    self.hinder("it replies before its work is done");
                    doubt.raise(&Doubt::shape("what reaches it is sent after the reply"));
                }
            }
        }
        reach
    }

    fn repeat(&mut self, steps: &[Step], times: u32, reach: f64, doubt: &mut Doubt, directory: &Path) -> f64 {
        let share = self.walk(steps, 1.0 * reach, doubt, directory) / reach.max(f64::MIN_POSITIVE);
        let rounds = f64::from(times);
        if times > 1 {
            // The share that each further round is reached by, summed up.
            let all = share.powf(rounds);
            let later = if share < 1.0 { (share - all) / (1.0 - share) } else { rounds - 1.0 };
            self.walk(steps, reach * later, doubt, directory);
        }
        reach * share.powf(rounds)
    }

    fn call(&mut self, to: &Spanned<String>, times: f64, doubt: &Doubt) {
        if times > 0.0 {
            self.items.push(Item::Call { to: to.value.clone(), times, doubt: doubt.clone() });
        }
    }

    fn hinder(&mut self, reason: &str) {
        self.obstacle.get_or_insert_with(|| reason.to_owned());
    }

    /// Whether it calls anybody.
    pub fn calls(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Call { .. }))
    }
}
