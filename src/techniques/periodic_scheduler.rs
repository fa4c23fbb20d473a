//! PeriodicScheduler: starts tasks by the clock, as Celery beat and cron do. There must be one of it.
//!
//! # How it works
//!
//! ```text
//! at every multiple of a task's period: each copy of the scheduler sends the task
//! ```
//!
//! Copies do not know of each other, so each task is sent once by every copy. All but the first are duplicates, which are
//! counted, and worked on like the others.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `replicas` | | 1 | copies; more than one send duplicates |
//! | `tasks` | | | operation or message, and `every` how long it is sent |
//! | `price` | $/time | 0 | of each copy |
//!
//! # When it helps, when it hurts
//!
//! A second copy makes nothing safer: it doubles the work, and what the work does to others is done twice.
//!
//! # Law
//!
//! Of `n` copies, `(n - 1) / n` of the tasks are duplicates.

use serde::Deserialize;

use crate::diagnostic::span::{Named, Spanned};
use crate::engine::context::Context;
use crate::engine::control::NodeSample;
use crate::engine::gauge::Gauge;
use crate::engine::record::{NodeRecord, Share};
use crate::engine::visit::Identity;
use crate::engine::{Destination, Evidence, Node, Outcome, Reply, Timer, Token, Workload};
use crate::price::HourlyPrice;
use crate::random::Purpose;
use crate::techniques::parts::executor::resalt;
use crate::techniques::parts::signal::{Signal, Tells};
use crate::techniques::technique::{CompileError, Demand, Mistake, Operations, Prices, Reference, Role, Spec, Wiring};
use crate::units::Duration;

const HOUR_NS: u128 = 3_600_000_000_000;
/// Copies that may be written.
const MOST_REPLICAS: u32 = 1_000;

/// A scheduler as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodicScheduler {
    #[serde(default)]
    pub replicas: Option<Spanned<u32>>,
    pub tasks: Spanned<Named<Task>>,
    #[serde(default)]
    pub price: Option<HourlyPrice>,
}

/// When a task is sent.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub every: Duration,
}

impl PeriodicScheduler {
    fn count(&self) -> u32 {
        self.replicas.as_ref().map_or(1, |replicas| replicas.value)
    }
}

impl Spec for PeriodicScheduler {
    fn can_fail(&self) -> bool {
        false
    }

    fn kind(&self) -> &'static str {
        "PeriodicScheduler"
    }

    fn role(&self) -> Role {
        Role::Client
    }

    fn operations(&self) -> Operations<'_> {
        Operations::None
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.tasks.keys().map(Reference::Operation).collect()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.tasks.is_empty() {
            let help = "add tasks: { \"queue.cleanup\": (every: \"5m\") }";
            found.push(Mistake::new(self.tasks.span, "a scheduler without tasks does nothing", help));
        }
        for task in self.tasks.values().filter(|task| task.every.ns < 1_000_000) {
            let message = "a task is sent at most every millisecond";
            found.push(Mistake::new(task.span, message, "write for example (every: \"30s\")"));
        }
        if let Some(replicas) = self.replicas.as_ref().filter(|count| !(1..=MOST_REPLICAS).contains(&count.value)) {
            let message = "a scheduler has between 1 and 1,000 copies";
            found.push(Mistake::new(replicas.span, message, "write 1: more only send duplicates"));
        }
        found
    }

    fn demand(&self, _operation: &str) -> Demand {
        Demand::default()
    }

    fn tells(&self, signal: Signal) -> Tells {
        if signal == Signal::RequestsPerSecond { Tells::Always } else { Tells::Never }
    }

    fn offered(&self) -> Vec<(String, f64)> {
        let rate = |task: &Task| f64::from(self.count()) / task.every.as_s();
        self.tasks.iter().map(|(name, task)| (name.value.clone(), rate(task))).collect()
    }

    fn prices(&self) -> Prices {
        Prices {
            usd_per_replica_hour: self.price.as_ref().map_or(0.0, |price| price.usd_per_hour),
            ..Prices::default()
        }
    }
}

/// A scheduler at work.
#[derive(Clone, Debug)]
pub struct PeriodicSchedulerNode {
    tasks: Vec<(Destination, u64)>,
    replicas: u32,
    purpose: Purpose,
    sent: u64,
    duplicates: u64,
    completed: u64,
    failed: u64,
    in_progress: Gauge,
}

impl PeriodicSchedulerNode {
    /// Compiles the written form.
    pub fn compile(spec: &PeriodicScheduler, wiring: &mut dyn Wiring) -> Result<Self, CompileError> {
        let task = |(name, task): (&Spanned<String>, &Spanned<Task>)| Ok((wiring.destination(name)?, task.every.ns));
        let tasks = spec.tasks.iter().map(task).collect::<Result<_, CompileError>>()?;
        Ok(Self {
            tasks,
            replicas: spec.count(),
            purpose: wiring.purpose("tasks"),
            sent: 0,
            duplicates: 0,
            completed: 0,
            failed: 0,
            in_progress: Gauge::default(),
        })
    }
}

impl Node for PeriodicSchedulerNode {
    fn start(&mut self, context: &mut Context) {
        for (index, (_, every_ns)) in self.tasks.iter().enumerate() {
            context.after(*every_ns, Timer { kind: index as u32, data: 0 });
        }
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let Some(&(destination, every_ns)) = self.tasks.get(timer.kind as usize) else { return };
        let key = context.seed().request(self.purpose.child(u64::from(timer.kind)), timer.data);
        for copy in 0..self.replicas {
            // What a duplicate does takes a time of its own.
            let salt = if copy == 0 { 0 } else { resalt(0, copy) };
            let identity = Identity { key, user: copy, salt, priority: 0, zone: 0 };
            self.sent += 1;
            self.in_progress.add(context.now_ns(), 1);
            context.call(destination, Token(0), 0, identity);
        }
        self.duplicates += u64::from(self.replicas - 1);
        context.after(every_ns, Timer { data: timer.data + 1, ..timer });
    }

    fn reply(&mut self, context: &mut Context, reply: Reply) {
        self.in_progress.subtract(context.now_ns(), 1);
        if matches!(reply.outcome, Outcome::Failed(_)) {
            self.failed += 1;
        } else {
            self.completed += 1;
        }
    }

    fn workload(&self) -> Option<Workload> {
        Some(Workload::Open)
    }

    fn sample(&self, _now_ns: u64, sample: &mut NodeSample) {
        sample.arrivals = self.sent;
        sample.completed = self.completed;
        sample.failed = self.failed;
    }

    fn audit(&self, _now_ns: u64, evidence: &Evidence) -> Result<(), String> {
        let answered = self.completed + self.failed;
        if self.sent != answered + evidence.awaited || self.in_progress.level() != evidence.awaited {
            return Err(format!("{} sent, {answered} answered, {} awaited", self.sent, evidence.awaited));
        }
        Ok(())
    }

    fn observe(&mut self, now_ns: u64, record: &mut NodeRecord) {
        record.counters.arrivals = self.sent;
        record.counters.completed = self.completed;
        record.counters.failed = self.failed;
        record.counters.left = self.completed + self.failed;
        record.counters.in_system_ns = self.in_progress.integral(now_ns);
        record.counters.replica_ns = u128::from(self.replicas) * u128::from(now_ns);
        let duplicates = u128::from(self.duplicates);
        record.shares = vec![
            Share { name: "duplicate_ratio", numerator: duplicates, denominator: self.sent.into() },
            Share {
                name: "duplicate_tasks_per_hour",
                numerator: duplicates * HOUR_NS,
                denominator: u128::from(now_ns),
            },
        ];
    }
}
