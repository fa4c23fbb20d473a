//! A VerticalPodAutoscaler at work: samples what pods use, recommends, and evicts those that are too far off.

use std::collections::BTreeMap;

use crate::controllers::parts::clock::Clock;
use crate::controllers::parts::scraper::Scraper;
use crate::controllers::vpa::aggregation::{Aggregation, AggregationSettings};
use crate::controllers::vpa::container::ContainerState;
use crate::controllers::vpa::recommendation::{AllowedRange, Recommendation, Recommender};
use crate::controllers::vpa::resources::Resources;
use crate::controllers::vpa::updater::{Action, Pod, Resize, Updater};
use crate::controllers::vpa::written::{ControlledValues, VerticalPodAutoscaler};
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample, Phase, ReplicaId, ReplicaSample, ReplicaSize};
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::{Evidence, Node, NodeIndex, Timer, Token};
use crate::techniques::technique::{CompileError, Controller, Wiring};

const RECOMMENDER_INTERVAL_NS: u64 = 60_000_000_000;

/// What is known of one pod.
#[derive(Clone, Debug, Default)]
struct Known {
    container: ContainerState,
    /// Kills for want of memory that were told, and how long its process had run at the last.
    kills: u32,
    killed_after_ns: Option<u64>,
    process_started_ns: u64,
    /// Since when it should be larger or smaller where it runs, and is not.
    resizing_since_ns: Option<u64>,
}

/// The autoscaler of one service.
#[derive(Clone, Debug)]
pub struct VpaNode {
    target: NodeIndex,
    clock: Clock,
    scraper: Scraper,
    recommender: Recommender,
    allowed: AllowedRange,
    updater: Updater,
    controlled_values: ControlledValues,
    used: Aggregation,
    /// By the pod's number.
    pods: BTreeMap<u32, Known>,
    recommended: Option<Recommendation>,
    /// Of the target.
    millicores: Gauge,
    memory_bytes: Gauge,
}

/// Compiles the written form.
pub fn compile(spec: &VerticalPodAutoscaler, wiring: &mut dyn Wiring) -> Result<VpaNode, CompileError> {
    let target = wiring.node(&spec.target);
    let interval_ns = spec.recommender_interval.as_ref().map_or(RECOMMENDER_INTERVAL_NS, |interval| interval.ns);
    Ok(VpaNode {
        target,
        clock: Clock::new(interval_ns, wiring.purpose("recommender"), Timer { kind: 0, data: 0 }),
        scraper: Scraper::new(target),
        recommender: Recommender::default(),
        allowed: spec.allowed(),
        updater: spec.updater(),
        controlled_values: spec.controlled_values,
        used: Aggregation::new(AggregationSettings::default()),
        pods: BTreeMap::new(),
        recommended: None,
        millicores: Gauge::default(),
        memory_bytes: Gauge::default(),
    })
}

fn requests(replica: &ReplicaSample) -> Resources {
    Resources::new(replica.requested_cores, replica.requested_memory_bytes as f64)
}

impl VpaNode {
    /// Takes in what the pods used since the last look.
    fn learn(&mut self, now_ns: u64, sample: &NodeSample) {
        self.pods.retain(|number, _| sample.replicas.iter().any(|replica| replica.id.number == *number));
        for (before, now, time_ns) in self.scraper.replicas() {
            let known = self.pods.entry(now.id.number).or_default();
            if requests(before) != requests(now) {
                known.resizing_since_ns = None;
            }
            let cores = (now.busy_ns - before.busy_ns) as f64 / time_ns as f64;
            known.container.add_cpu_sample(&mut self.used, now_ns, cores, Some(now.requested_cores));
        }
        for replica in sample.replicas.iter().filter(|replica| replica.requested_memory_bytes > 0) {
            let known = self.pods.entry(replica.id.number).or_default();
            // Until its first kill the process has run since the pod started.
            if known.kills == 0 {
                known.process_started_ns = replica.started_ns.unwrap_or(replica.created_ns);
            }
            if replica.out_of_memory > known.kills {
                known.kills = replica.out_of_memory;
                known.killed_after_ns = Some(now_ns.saturating_sub(known.process_started_ns));
                known.process_started_ns = now_ns;
                known.container.record_oom(&mut self.used, now_ns, replica.requested_memory_bytes as f64);
            }
            if replica.phase == Phase::Ready {
                known.container.add_memory_sample(&mut self.used, now_ns, replica.memory_bytes as f64);
            }
        }
    }

    /// What is recommended, within what the user allows and, if limits stay, within them.
    fn recommendation(&self, pattern: Option<&ReplicaSample>) -> Option<Recommendation> {
        let mut allowed = self.allowed;
        if let Some(replica) = pattern.filter(|_| self.controlled_values == ControlledValues::RequestsOnly) {
            let least = |limit: u64, most: Option<u64>| Some(most.map_or(limit, |most| most.min(limit)));
            allowed.maximum_cpu_millicores = least((replica.cores * 1e3) as u64, allowed.maximum_cpu_millicores);
            if replica.memory_limit_bytes > 0 {
                allowed.maximum_memory_bytes = least(replica.memory_limit_bytes, allowed.maximum_memory_bytes);
            }
        }
        self.recommender.recommend(&[(&self.used, allowed)]).first().copied().flatten()
    }

    fn update(&mut self, context: &mut Context, sample: &NodeSample) {
        let now_ns = context.now_ns();
        let staying: Vec<&ReplicaSample> =
            sample.replicas.iter().filter(|replica| replica.phase != Phase::Draining).collect();
        self.recommended = self.recommendation(staying.first().copied());
        let Some(recommendation) = self.recommended else { return };
        self.millicores.set(now_ns, recommendation.target.cpu_millicores);
        self.memory_bytes.set(now_ns, recommendation.target.memory_bytes);
        let Some(pattern) = staying.first().filter(|_| self.updater.mode.sets_requests_of_new_pods()) else { return };
        let has_memory = pattern.requested_memory_bytes > 0;
        let size = ReplicaSize {
            requested_cores: Some(recommendation.target.cpu_cores()),
            requested_memory_bytes: has_memory.then_some(recommendation.target.memory_bytes),
            limits_follow: self.controlled_values == ControlledValues::RequestsAndLimits,
        };
        let resize = |replica: Option<ReplicaId>| Command::Resize { replica, size };
        context.command(self.target, resize(None));
        let pod = |replica: &&ReplicaSample| {
            let known = self.pods.get(&replica.id.number);
            let mut requested = requests(replica);
            if !has_memory {
                requested.memory_bytes = recommendation.target.memory_bytes;
            }
            Pod {
                requests: vec![Some(requested)],
                // What has booted runs, whether it is ready or not.
                started_ns: replica.started_ns.filter(|_| replica.phase != Phase::Pending),
                killed_after_ns: known.and_then(|known| known.killed_after_ns),
                resize: known.and_then(|known| known.resizing_since_ns).map(|since_ns| Resize::InProgress { since_ns }),
            }
        };
        let pods: Vec<Pod> = staying.iter().map(pod).collect();
        for action in self.updater.actions(&pods, sample.desired as usize, &[Some(recommendation)], now_ns) {
            let (Action::Evict(index) | Action::ResizeInPlace(index)) = action;
            let Some(replica) = staying.get(index) else { continue };
            if matches!(action, Action::Evict(_)) {
                context.command(self.target, Command::Evict { replica: replica.id });
                continue;
            }
            context.command(self.target, resize(Some(replica.id)));
            let known = self.pods.entry(replica.id.number).or_default();
            known.resizing_since_ns = Some(now_ns);
        }
    }
}

impl Node for VpaNode {
    fn start(&mut self, context: &mut Context) {
        self.clock.start(context);
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, _timer: Timer) {
        context.ask(self.target, Token(0));
        self.clock.wait(context);
    }

    fn sampled(&mut self, context: &mut Context, _token: Token, sample: &NodeSample) {
        let now_ns = context.now_ns();
        self.scraper.keep(now_ns, sample);
        self.learn(now_ns, sample);
        self.update(context, sample);
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        let millicores = Share {
            name: "recommended_cores",
            numerator: self.millicores.integral(now_ns),
            denominator: 1_000 * u128::from(now_ns),
        };
        let memory = Share {
            name: "recommended_memory_bytes",
            numerator: self.memory_bytes.integral(now_ns),
            denominator: u128::from(now_ns),
        };
        record.shares.extend([millicores, memory]);
    }
}

impl Controller for VpaNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
