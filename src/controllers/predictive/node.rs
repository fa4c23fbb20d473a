//! Predictive scaling at work.

use std::collections::VecDeque;

use crate::controllers::parts::clock::Clock;
use crate::controllers::parts::scraper::Scraper;
use crate::controllers::parts::signal::Signal;
use crate::controllers::predictive::horizon::{Horizon, Outlook};
use crate::controllers::predictive::written::{LEAD_TIME_NS, Method, PredictiveScaling};
use crate::diagnostic::span::Spanned;
use crate::engine::context::Context;
use crate::engine::control::{Command, NodeSample};
use crate::engine::record::{NodeRecord, Share};
use crate::engine::{Evidence, Node, NodeIndex, Timer, Token};
use crate::techniques::parts::arrivals::Process;
use crate::techniques::technique::{CompileError, Controller, Wiring};
use crate::units::Duration;

const INTERVAL_NS: u64 = 15_000_000_000;
const SCALE_DOWN_WINDOW_NS: u64 = 300_000_000_000;

/// Timer kinds, and what a sample was asked for.
const STEP: u32 = 0;
const LOOK: u32 = 1;
/// The target's own state, after a look.
const DECIDE: u32 = 2;

/// What a quotient may be above the whole number that it is.
const ROUNDING: f64 = 1e-9;

/// In millionths, so that sums over replications are whole numbers.
const MICRO: f64 = 1e6;

/// Where the load to come is known from.
#[derive(Clone, Debug)]
enum Foresight {
    /// What has been seen.
    Forecast(Outlook),
    /// The rate at which clients will send.
    Oracle { arrivals: Process, requests: f64 },
}

/// The controller of one service.
#[derive(Clone, Debug)]
pub struct PredictiveNode {
    target: NodeIndex,
    source: NodeIndex,
    metric: Signal,
    load_per_replica: f64,
    minimum: u32,
    maximum: u32,
    horizon: Horizon,
    headroom: f64,
    /// How far the load may be from what the replicas are for, as a share of it, without a change.
    tolerance: f64,
    has_floor: bool,
    scale_down_window_ns: u64,
    foresight: Foresight,
    steps: Scraper,
    looks: (Scraper, Clock),
    /// What was wanted lately, and when.
    wanted: VecDeque<(u64, u32)>,
    /// Forecasts whose time is still to come: of the step that ends then, how much.
    told: VecDeque<(u64, f64)>,
    /// Millionths: too high, too low, and what came.
    over: u128,
    under: u128,
    came: u128,
}

/// Compiles the written form.
///
/// # Errors
/// When an oracle is to know what nobody has written.
pub fn compile(spec: &PredictiveScaling, wiring: &mut dyn Wiring) -> Result<PredictiveNode, CompileError> {
    let ns = |time: &Option<Spanned<Duration>>, otherwise: u64| time.as_ref().map_or(otherwise, |time| time.ns);
    let (target, source) = (wiring.node(&spec.target), wiring.node(spec.source()));
    let foresight = match spec.method.value.forecaster(spec.step_ns()) {
        Some(forecaster) => Foresight::Forecast(Outlook::new(forecaster)),
        None => match wiring.arrivals(spec.source())? {
            Some((arrivals, requests)) if arrivals.rate_per_s(0.0).is_some() => {
                Foresight::Oracle { arrivals, requests: f64::from(requests) }
            }
            _ => {
                return Err(CompileError::at(spec.method.span, "an oracle knows the rate of open clients only"));
            }
        },
    };
    let clock = Clock::new(ns(&spec.interval, INTERVAL_NS), wiring.purpose("looks"), Timer { kind: LOOK, data: 0 });
    Ok(PredictiveNode {
        target,
        source,
        metric: spec.signal(),
        load_per_replica: spec.load_per_replica.value,
        minimum: spec.minimum(),
        maximum: spec.max_replicas.value,
        horizon: Horizon { step_ns: spec.step_ns().max(1), lead_ns: ns(&spec.lead_time, LEAD_TIME_NS) },
        headroom: spec.headroom.as_ref().map_or(0.0, |headroom| headroom.value.value),
        tolerance: spec.tolerance.as_ref().map_or(0.0, |tolerance| tolerance.value.value),
        has_floor: spec.reactive_floor.unwrap_or(true) && !matches!(spec.method.value, Method::Oracle),
        scale_down_window_ns: ns(&spec.scale_down_window, SCALE_DOWN_WINDOW_NS),
        foresight,
        steps: Scraper::new(source),
        looks: (Scraper::new(source), clock),
        wanted: VecDeque::new(),
        told: VecDeque::new(),
        over: 0,
        under: 0,
        came: 0,
    })
}

impl PredictiveNode {
    /// A step has ended: learn from it, and hold against it what was forecast.
    fn learn(&mut self, now_ns: u64) {
        let Some(load) = self.metric.of_node(&self.steps) else { return };
        while let Some((time_ns, forecast)) = self.told.front().copied().filter(|(time_ns, _)| *time_ns <= now_ns) {
            self.told.pop_front();
            if time_ns == now_ns {
                let error = forecast - load;
                self.over += (error.max(0.0) * MICRO) as u128;
                self.under += ((-error).max(0.0) * MICRO) as u128;
                self.came += (load * MICRO) as u128;
            }
        }
        let Foresight::Forecast(outlook) = &mut self.foresight else { return };
        outlook.observe(now_ns, load);
        // What replicas would have to be asked for now, to be there in time.
        let steps = self.horizon.first_seen_ahead();
        if let Some(forecast) = outlook.forecast(steps) {
            self.told.push_back((now_ns + steps as u64 * self.horizon.step_ns, forecast));
        }
    }

    /// The largest load within the lead time.
    fn load_ahead(&mut self, now_ns: u64) -> Option<f64> {
        match &mut self.foresight {
            Foresight::Forecast(outlook) => outlook.highest(self.horizon, now_ns),
            // The rate is piecewise smooth: looked at where a step would end, and at a hundredth of the lead time.
            Foresight::Oracle { arrivals, requests } => {
                let moments =
                    (0..=100).map(|part| now_ns as f64 + self.horizon.lead_ns as f64 * f64::from(part) / 100.0);
                moments.filter_map(|time_ns| arrivals.rate_per_s(time_ns)).reduce(f64::max).map(|rate| rate * *requests)
            }
        }
    }

    /// Replicas for this load; those that are wanted already if it is nearly what they are for.
    fn replicas_for(&self, load: f64, desired: u32) -> u32 {
        let planned = self.load_per_replica * f64::from(desired);
        if (load - planned).abs() <= self.tolerance * planned && self.tolerance > 0.0 {
            return desired;
        }
        (load / self.load_per_replica - ROUNDING).ceil().min(f64::from(self.maximum)) as u32
    }

    fn decide(&mut self, context: &mut Context, desired: u32) {
        let now_ns = context.now_ns();
        let floor = if self.has_floor { self.metric.of_node(&self.looks.0) } else { None };
        let ahead = self.load_ahead(now_ns).map(|load| load * (1.0 + self.headroom));
        let Some(load) = [floor, ahead].into_iter().flatten().reduce(f64::max) else { return };
        let replicas = self.replicas_for(load, desired).clamp(self.minimum, self.maximum);
        self.wanted.push_back((now_ns, replicas));
        while self.wanted.front().is_some_and(|(time_ns, _)| time_ns + self.scale_down_window_ns < now_ns) {
            self.wanted.pop_front();
        }
        let lately = self.wanted.iter().map(|(_, replicas)| *replicas).max().unwrap_or(replicas);
        let replicas = if replicas < desired { lately.min(desired) } else { replicas };
        if replicas != desired {
            context.command(self.target, Command::Scale { replicas });
        }
    }
}

impl Node for PredictiveNode {
    fn start(&mut self, context: &mut Context) {
        self.looks.1.start(context);
        context.ask(self.source, Token(u64::from(STEP)));
        context.after(self.horizon.step_ns, Timer { kind: STEP, data: 0 });
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        context.ask(self.source, Token(u64::from(timer.kind)));
        if timer.kind == STEP {
            context.after(self.horizon.step_ns, timer);
        } else {
            context.ask(self.target, Token(u64::from(DECIDE)));
            self.looks.1.wait(context);
        }
    }

    fn sampled(&mut self, context: &mut Context, token: Token, sample: &NodeSample) {
        let now_ns = context.now_ns();
        match token.0 as u32 {
            STEP => {
                self.steps.keep(now_ns, sample);
                self.learn(now_ns);
            }
            LOOK => self.looks.0.keep(now_ns, sample),
            _ => self.decide(context, sample.desired),
        }
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, record: &mut NodeRecord) {
        if matches!(self.foresight, Foresight::Forecast(_)) {
            let share = |name, numerator| Share { name, numerator, denominator: self.came };
            record.shares.push(share("over_forecast_ratio", self.over));
            record.shares.push(share("under_forecast_ratio", self.under));
            record.shares.push(share("forecast_error_ratio", self.over + self.under));
        }
    }
}

impl Controller for PredictiveNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
