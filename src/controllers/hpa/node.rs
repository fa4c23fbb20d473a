//! A HorizontalPodAutoscaler at work: brings the algorithm its metrics as late as a cluster does, and carries out what it
//! decides.

use crate::controllers::hpa::metrics::{Measurements, PodMetric, PodMetrics, Resource};
use crate::controllers::hpa::milli;
use crate::controllers::hpa::sync::{SYNC_PERIOD_NS, Syncs, identifier};
use crate::controllers::hpa::written::{HorizontalPodAutoscaler, Metric};
use crate::controllers::parts::clock::{Clock, written_ns};
use crate::controllers::parts::scraper::Scraper;
use crate::controllers::parts::signal::Signal;
use crate::engine::context::Context;
use crate::engine::control::{NodeSample, ReplicaSample, Sidecar};
use crate::engine::record::NodeRecord;
use crate::engine::{Evidence, Node, Timer, Token};
use crate::techniques::technique::{CompileError, Controller, Wiring};

const METRIC_RESOLUTION_NS: u64 = 15_000_000_000;
const SCRAPE_INTERVAL_NS: u64 = 30_000_000_000;

/// Timer kinds, and what a sample was asked for.
const SYNC: u32 = 0;
const RESOURCES: u32 = 1;
/// And the place of the metric's source above this.
const SCRAPE: u32 = 2;

/// The autoscaler of one service.
#[derive(Clone, Debug)]
pub struct HpaNode {
    syncs: Syncs,
    sync: Clock,
    pipeline: Pipeline,
}

/// What brings the metrics.
#[derive(Clone, Debug)]
struct Pipeline {
    /// The metrics server's looks at the pods.
    resources: (Scraper, Clock),
    /// The looks of the monitoring system, by node.
    sources: Vec<(Scraper, Clock)>,
    /// Where each metric comes from: a place among the sources, and what is looked at there.
    metrics: Vec<Option<(usize, Signal)>>,
}

/// Compiles the written form.
pub fn compile(spec: &HorizontalPodAutoscaler, wiring: &mut dyn Wiring) -> Result<HpaNode, CompileError> {
    let target = wiring.node(&spec.target);
    let scrape_ns = written_ns(&spec.scrape_interval, SCRAPE_INTERVAL_NS);
    let mut sources: Vec<(Scraper, Clock)> = Vec::new();
    let mut metrics = Vec::new();
    for metric in spec.metrics.iter() {
        let (node, signal) = match &metric.value {
            Metric::Resource { .. } | Metric::ContainerResource { .. } => {
                metrics.push(None);
                continue;
            }
            Metric::Pods { metric, .. } => (target, metric.value),
            Metric::Object { described_object: source, metric, .. } | Metric::External { source, metric, .. } => {
                (wiring.node(source), metric.value)
            }
        };
        let known = sources.iter().position(|(scraper, _)| scraper.node == node);
        let place = known.unwrap_or_else(|| {
            let timer = Timer { kind: SCRAPE + sources.len() as u32, data: 0 };
            let clock = Clock::new(scrape_ns, wiring.purpose(&format!("scrape {}", sources.len())), timer);
            sources.push((Scraper::new(node), clock));
            sources.len() - 1
        });
        metrics.push(Some((place, signal)));
    }
    let resolution_ns = written_ns(&spec.metric_resolution, METRIC_RESOLUTION_NS);
    let resources = Clock::new(resolution_ns, wiring.purpose("resources"), Timer { kind: RESOURCES, data: 0 });
    let sync_ns = written_ns(&spec.sync_period, SYNC_PERIOD_NS);
    Ok(HpaNode {
        syncs: Syncs::new(target, spec.autoscaler(&|name| wiring.container(&spec.target, name).unwrap_or(0))),
        sync: Clock::new(sync_ns, wiring.purpose("sync"), Timer { kind: SYNC, data: 0 }),
        pipeline: Pipeline { resources: (Scraper::new(target), resources), sources, metrics },
    })
}

impl Measurements for Pipeline {
    fn resource_usage(&self, resource: Resource, container: Option<usize>) -> Result<PodMetrics, String> {
        let scraper = &self.resources.0;
        let timestamp_ns = scraper.latest().map_or(0, |scrape| scrape.time_ns);
        let sidecars = scraper.latest().map_or(&[][..], |scrape| &scrape.sample.sidecars);
        let usage = |(before, now, window_ns): (&ReplicaSample, &ReplicaSample, u64)| {
            let of_program = match resource {
                Resource::Cpu => (now.busy_ns - before.busy_ns) as f64 / window_ns as f64,
                Resource::Memory => now.memory_bytes as f64,
            };
            let of_sidecar = |sidecar: &Sidecar| match resource {
                Resource::Cpu => sidecar.used_cores(before, now, window_ns),
                Resource::Memory => sidecar.memory_bytes as f64,
            };
            let containers = std::iter::once(of_program).chain(sidecars.iter().map(of_sidecar)).enumerate();
            let counted = containers.filter(|(place, _)| container.is_none_or(|wanted| wanted == *place));
            // The metrics server tells whole milli-cores, rounded up.
            let in_milli = |amount: f64| match resource {
                Resource::Cpu => (amount * 1_000.0).ceil() as i64,
                Resource::Memory => milli(amount),
            };
            let value_milli = counted.map(|(_, amount)| in_milli(amount)).sum();
            (identifier(now), PodMetric { value_milli, timestamp_ns, window_ns })
        };
        Ok(scraper.replicas().map(usage).collect())
    }

    fn pod_values(&self, name: &str) -> Result<PodMetrics, String> {
        let (scraper, signal) = self.source(name).ok_or("unknown")?;
        let timestamp_ns = scraper.latest().map_or(0, |scrape| scrape.time_ns);
        let metric = |value: f64| PodMetric { value_milli: milli(value), timestamp_ns, window_ns: 0 };
        let values = signal.of_replicas(scraper);
        Ok(values.iter().map(|(replica, value)| (identifier(replica), metric(*value))).collect())
    }

    fn object_value(&self, name: &str) -> Result<i64, String> {
        let (scraper, signal) = self.source(name).ok_or("unknown")?;
        signal.of_node(scraper).map(milli).ok_or_else(|| "nothing was scraped yet".to_owned())
    }

    fn external_values(&self, name: &str) -> Result<Vec<i64>, String> {
        self.object_value(name).map(|value| vec![value])
    }
}

impl Pipeline {
    /// Where the metric at this place, which is its name, comes from.
    fn source(&self, name: &str) -> Option<(&Scraper, Signal)> {
        let place: usize = name.parse().ok()?;
        let (source, signal) = (*self.metrics.get(place)?)?;
        Some((&self.sources.get(source)?.0, signal))
    }
}

impl Node for HpaNode {
    fn start(&mut self, context: &mut Context) {
        self.sync.start(context);
        self.pipeline.resources.1.start(context);
        self.pipeline.sources.iter().for_each(|(_, clock)| clock.start(context));
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let (node, clock) = match timer.kind {
            SYNC => (self.syncs.target, self.sync),
            RESOURCES => (self.syncs.target, self.pipeline.resources.1),
            kind => {
                let Some((scraper, clock)) = self.pipeline.sources.get((kind - SCRAPE) as usize) else { return };
                (scraper.node, *clock)
            }
        };
        context.ask(node, Token(u64::from(timer.kind)));
        clock.wait(context);
    }

    fn sampled(&mut self, context: &mut Context, token: Token, sample: &NodeSample) {
        let now_ns = context.now_ns();
        match token.0 as u32 {
            SYNC => self.syncs.sync(context, sample, &self.pipeline),
            RESOURCES => self.pipeline.resources.0.keep(now_ns, sample),
            kind => {
                if let Some((scraper, _)) = self.pipeline.sources.get_mut((kind - SCRAPE) as usize) {
                    scraper.keep(now_ns, sample);
                }
            }
        }
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, record: &mut NodeRecord) {
        self.syncs.observe(record);
    }
}

impl Controller for HpaNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
