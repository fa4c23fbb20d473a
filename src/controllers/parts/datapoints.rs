//! What CloudWatch is told of a group of instances: a value for each period, some time after the period has ended.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::controllers::parts::clock::Clock;
use crate::controllers::parts::group::Group;
use crate::controllers::parts::level::Level;
use crate::controllers::parts::scraper::Scraper;
use crate::controllers::parts::signal::Signal;
use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::control::{NodeSample, Phase};
use crate::engine::{NodeIndex, Timer};
use crate::techniques::parts::signal::Look;
use crate::techniques::technique::{Mistake, Reference, Wiring};

/// Until a period's value can be seen, unless told otherwise.
pub const METRIC_DELAY_NS: u64 = 60_000_000_000;

/// A metric of a group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Metric {
    /// Of the instances that have warmed up, on average.
    CpuUtilization,
    /// Requests in a period, divided by the instances that are ready.
    RequestCountPerTarget,
    /// A quantity of any node.
    Custom { source: Spanned<String>, metric: Spanned<Signal> },
}

impl Metric {
    /// The node whose quantity it is, unless it is one of the instances.
    pub fn reference(&self) -> Option<Reference<'_>> {
        match self {
            Self::Custom { source, .. } => Some(Reference::Any(source)),
            Self::CpuUtilization | Self::RequestCountPerTarget => None,
        }
    }

    /// The look at that node.
    pub fn look(&self) -> Option<Look<'_>> {
        match self {
            Self::Custom { source, metric } => {
                Some(Look { node: source, signal: metric.value, span: metric.span, wakes: true })
            }
            Self::CpuUtilization | Self::RequestCountPerTarget => None,
        }
    }

    /// What is wrong with comparing it with this.
    pub fn mistake(&self, level: &Spanned<Level>) -> Option<Mistake> {
        let (message, help) = match (self, level.value) {
            (Self::CpuUtilization, Level::Number(_)) => ("CPU utilization is a share of the cores", "write \"60%\""),
            (Self::RequestCountPerTarget, Level::Share(_)) => {
                ("requests are counted, for each instance and period", "write for example 1000")
            }
            (Self::Custom { .. }, Level::Share(_)) => {
                ("this metric is a number, and not a share", "write for example 100")
            }
            _ => return None,
        };
        Some(Mistake::new(level.span, message, help))
    }
}

/// The value of one period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datapoint {
    pub value: f64,
    /// The instances that it is the average of.
    pub instances: u32,
}

/// A metric over time.
#[derive(Clone, Debug)]
pub struct Datapoints {
    metric: Metric,
    scraper: Scraper,
    clock: Clock,
    publication: Timer,
    delay_ns: u64,
    unpublished: VecDeque<Datapoint>,
}

impl Datapoints {
    /// Of a metric of the group `target`. One timer ends a period, the other publishes its value.
    pub fn new(
        metric: &Metric,
        target: NodeIndex,
        period_ns: u64,
        delay_ns: u64,
        [end, publication]: [Timer; 2],
        wiring: &mut dyn Wiring,
    ) -> Self {
        let node = match metric {
            Metric::Custom { source, .. } => wiring.node(source),
            Metric::CpuUtilization | Metric::RequestCountPerTarget => target,
        };
        let purpose = wiring.purpose(&format!("periods {}", end.data));
        Self {
            metric: metric.clone(),
            scraper: Scraper::new(node),
            clock: Clock::new(period_ns, purpose, end),
            publication,
            delay_ns,
            unpublished: VecDeque::new(),
        }
    }

    /// Waits for the end of the first period.
    pub fn start(&self, context: &mut Context) {
        self.clock.start(context);
    }

    /// A period has ended, and the next one begins. Returns the node to look at.
    pub fn end(&self, context: &mut Context) -> NodeIndex {
        self.clock.wait(context);
        self.scraper.node
    }

    /// The node as it is at the end of a period. A period without an instance to tell of has no value.
    pub fn keep(&mut self, context: &mut Context, sample: &NodeSample, group: &Group) {
        self.scraper.keep(context.now_ns(), sample);
        if let Some(datapoint) = self.measure(context.now_ns(), group) {
            self.unpublished.push_back(datapoint);
            context.after(self.delay_ns, self.publication);
        }
    }

    /// The oldest value that nobody has seen.
    pub fn publish(&mut self) -> Option<Datapoint> {
        self.unpublished.pop_front()
    }

    fn measure(&self, now_ns: u64, group: &Group) -> Option<Datapoint> {
        match &self.metric {
            Metric::CpuUtilization => {
                let (mut sum, mut instances) = (0.0, 0);
                for (before, now, time_ns) in self.scraper.replicas() {
                    if group.is_warm(now_ns, now) {
                        sum += (now.busy_ns - before.busy_ns) as f64 / (time_ns as f64 * now.cores);
                        instances += 1;
                    }
                }
                (instances > 0).then(|| Datapoint { value: sum / f64::from(instances), instances })
            }
            Metric::RequestCountPerTarget => {
                let (before, now) = self.scraper.both()?;
                let ready = now.sample.replicas.iter().filter(|replica| replica.phase == Phase::Ready).count() as u32;
                let requests = (now.sample.arrivals - before.sample.arrivals) as f64;
                (ready > 0).then(|| Datapoint { value: requests / f64::from(ready), instances: ready })
            }
            Metric::Custom { metric, .. } => Some(Datapoint { value: metric.of_node(&self.scraper)?, instances: 1 }),
        }
    }
}
