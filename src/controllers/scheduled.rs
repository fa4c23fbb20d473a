//! Scheduled scaling: so many replicas at such a time of the day or the week.
//!
//! # How it works
//!
//! ```text
//! every period: at each action's time, scale the target to the action's replicas
//! ```
//!
//! Time zero of a run is the beginning of a period, and with schedules of cron Monday, midnight. The last action of a period holds at
//! time zero.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the service to scale |
//! | `period` | time | 1 day | after which the actions come round again |
//! | `actions` | | | `(at: "7h", replicas: 20)`, in the order of time, or `(schedule: "0 7 * * MON-FRI", replicas: 20)` as cron has it |
//!
//! # When it helps, when it hurts
//!
//! It is there before the load comes, if the load comes by the clock. It does not see what really comes.
//!
//! # Law
//!
//! Replica-hours are those of the schedule, whatever arrives.

use serde::Deserialize;

use crate::controllers::parts::cron::{Cron, MINUTE_NS, WEEK};
use crate::diagnostic::span::{Span, Spanned};
use crate::engine::context::Context;
use crate::engine::control::Command;
use crate::engine::record::NodeRecord;
use crate::engine::{Evidence, Node, NodeIndex, Timer};
use crate::techniques::technique::{CompileError, Controller, ControllerSpec, Mistake, Wiring};
use crate::units::Duration;

const DAY_NS: u64 = 86_400_000_000_000;
const WEEK_NS: u64 = WEEK as u64 * MINUTE_NS;

/// Schedules that one list may have, each of which may be due in every minute of the week.
const MOST_SCHEDULES: usize = 100;

/// A schedule as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    pub target: Spanned<String>,
    #[serde(default)]
    pub period: Option<Spanned<Duration>>,
    pub actions: Spanned<Vec<Action>>,
}

/// So many replicas from then on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Since the beginning of the period.
    #[serde(default)]
    pub at: Option<Duration>,
    /// As cron has it: the time of the week.
    #[serde(default)]
    pub schedule: Option<Spanned<String>>,
    pub replicas: u32,
}

/// An action as it is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    at_ns: u64,
    replicas: u32,
}

impl Scheduled {
    fn period_ns(&self) -> u64 {
        if self.is_cron() { WEEK_NS } else { self.period.as_ref().map_or(DAY_NS, |period| period.ns) }
    }

    fn is_cron(&self) -> bool {
        self.actions.iter().any(|action| action.schedule.is_some())
    }

    /// What is due in a period, in the order of time. Of what is due at once the last that is written holds.
    fn due(&self) -> Vec<Due> {
        let mut found = Vec::new();
        for action in self.actions.iter() {
            let replicas = action.replicas;
            found.extend(action.at.map(|at| Due { at_ns: at.ns, replicas }));
            let cron = action.schedule.as_ref().and_then(|schedule| Cron::parse(schedule).ok());
            let moments = cron.into_iter().flat_map(Cron::moments);
            found.extend(moments.map(|minute| Due { at_ns: u64::from(minute) * MINUTE_NS, replicas }));
        }
        found.sort_by_key(|due| due.at_ns);
        found.reverse();
        found.dedup_by_key(|due| due.at_ns);
        found.reverse();
        found
    }

    /// Mistakes of actions that are schedules of cron.
    fn cron_mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        for schedule in self.actions.iter().filter_map(|action| action.schedule.as_ref()) {
            if let Err(message) = Cron::parse(schedule) {
                let help = "write minute, hour, * * and days of the week, for example \"0 7 * * MON-FRI\"";
                found.push(Mistake::new(schedule.span, message, help));
            }
        }
        if self.actions.iter().any(|action| action.at.is_some()) {
            let message = "some actions have a time of the period, others a schedule of the week";
            found.push(Mistake::new(self.actions.span, message, "write all of them with schedule"));
        }
        if let Some(period) = &self.period {
            let message = "schedules of cron come round every week";
            found.push(Mistake::new(period.span, message, "leave the period out"));
        }
        if self.actions.len() > MOST_SCHEDULES {
            let message = format!("{} schedules are more than anybody keeps in mind", self.actions.len());
            found.push(Mistake::new(self.actions.span, message, format!("write at most {MOST_SCHEDULES}")));
        }
        found
    }
}

impl ControllerSpec for Scheduled {
    fn kind(&self) -> &'static str {
        "Scheduled"
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        vec![&self.target]
    }

    fn most_replicas(&self) -> Option<u32> {
        self.actions.iter().map(|action| action.replicas).max()
    }

    fn moments(&self) -> Vec<(u64, Span)> {
        self.due().first().map(|due| (due.at_ns, self.actions.span)).into_iter().collect()
    }

    fn cycle_s(&self) -> f64 {
        self.period_ns() as f64 * 1e-9
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let span = self.actions.span;
        if self.actions.is_empty() {
            let help = "add actions: [ (at: \"8h\", replicas: 20), (at: \"20h\", replicas: 5) ]";
            found.push(Mistake::new(span, "a schedule without actions does nothing", help));
        }
        if self.is_cron() {
            found.extend(self.cron_mistakes());
            return found;
        }
        let times: Vec<Duration> = self.actions.iter().filter_map(|action| action.at).collect();
        if times.len() < self.actions.len() {
            let message = "an action has no time";
            found.push(Mistake::new(span, message, "add at: \"7h\", or schedule: \"0 7 * * MON-FRI\""));
        }
        if !times.windows(2).all(|pair| pair[0].ns < pair[1].ns) {
            found.push(Mistake::new(span, "the actions are not in the order of time", "write the earlier ones first"));
        }
        let late = times.iter().find(|at| at.ns >= self.period_ns());
        if let Some(at) = late.filter(|_| self.period_ns() > 0) {
            let message = format!("an action at {at} lies beyond the period");
            found.push(Mistake::new(span, message, "write a time within the period, or a longer period"));
        }
        if let Some(period) = self.period.as_ref().filter(|period| period.ns == 0) {
            found.push(Mistake::new(period.span, "a period of no time never ends", "write for example \"1d\""));
        }
        found
    }
}

/// A schedule at work.
#[derive(Clone, Debug)]
pub struct ScheduledNode {
    target: NodeIndex,
    period_ns: u64,
    actions: Vec<Due>,
    /// The next action of the current period, and when that began.
    next: usize,
    period_start_ns: u64,
}

/// Compiles the written form.
pub(super) fn compile(spec: &Scheduled, wiring: &mut dyn Wiring) -> Result<ScheduledNode, CompileError> {
    Ok(ScheduledNode {
        target: wiring.node(&spec.target),
        period_ns: spec.period_ns().max(1),
        actions: spec.due(),
        next: 0,
        period_start_ns: 0,
    })
}

impl ScheduledNode {
    fn wait_for_next(&self, context: &mut Context) {
        if let Some(action) = self.actions.get(self.next) {
            let time_ns = self.period_start_ns.saturating_add(action.at_ns).max(context.now_ns());
            context.at(time_ns, Timer { kind: 0, data: 0 });
        }
    }
}

impl Node for ScheduledNode {
    fn start(&mut self, context: &mut Context) {
        if let Some(action) = self.actions.last() {
            context.command(self.target, Command::Scale { replicas: action.replicas });
        }
        self.wait_for_next(context);
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, _timer: Timer) {
        if let Some(action) = self.actions.get(self.next) {
            context.command(self.target, Command::Scale { replicas: action.replicas });
        }
        self.next += 1;
        if self.next >= self.actions.len() {
            self.next = 0;
            self.period_start_ns = self.period_start_ns.saturating_add(self.period_ns);
        }
        self.wait_for_next(context);
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, _record: &mut NodeRecord) {}
}

impl Controller for ScheduledNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
