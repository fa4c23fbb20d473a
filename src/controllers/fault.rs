//! Fault: what befalls a node from outside, and when.
//!
//! # How it works
//!
//! ```text
//! at `at`: tell the target what has befallen it; after `duration`: tell it that this is over
//! ```
//!
//! What follows is the target's own affair: a service starts other replicas elsewhere, a volume goes on with the copies that are
//! left, a database promotes a replica. Several faults may overlap; what several slow down is as slow as their product.
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | whom it befalls |
//! | `at` | time | | when |
//! | `duration` | time | for ever | how long |
//! | `what` | | | `Lose(replicas: [0])`, `LoseZone(1)` or `Slow(replicas: [2], factor: 10)`, of the target's parts |
//!
//! # When it helps, when it hurts
//!
//! It shows what an outage costs, and what is left to serve. It says nothing of how often outages come.
//!
//! # Law
//!
//! Parts that are lost do nothing until it is over; slow ones take `factor` times as long for all that they begin meanwhile.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::engine::context::Context;
use crate::engine::control::{Command, Disturbance, Parts};
use crate::engine::record::{Happening, NodeRecord};
use crate::engine::{Evidence, Node, NodeIndex, Timer};
use crate::techniques::technique::{CompileError, Controller, ControllerSpec, Disturbed, Mistake, Wiring};
use crate::units::Duration;

/// Timer kinds.
const BEGINS: u32 = 0;
const ENDS: u32 = 1;

const MOST_FACTOR: f64 = 1e6;

/// A fault as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub target: Spanned<String>,
    pub at: Spanned<Duration>,
    #[serde(default)]
    pub duration: Option<Spanned<Duration>>,
    pub what: Spanned<What>,
}

/// What befalls the target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum What {
    Lose { replicas: Spanned<Vec<u16>> },
    LoseZone(u8),
    Slow { replicas: Spanned<Vec<u16>>, factor: Spanned<f64> },
}

impl What {
    fn disturbance(&self) -> Disturbance {
        let parts = |replicas: &Spanned<Vec<u16>>| Parts::Replicas(replicas.value.as_slice().into());
        match self {
            Self::Lose { replicas } => Disturbance::Lose { parts: parts(replicas) },
            Self::LoseZone(zone) => Disturbance::Lose { parts: Parts::Zone(*zone) },
            Self::Slow { replicas, factor } => Disturbance::Slow { parts: parts(replicas), factor: factor.value },
        }
    }

    /// As a chart tells it.
    fn name(&self) -> &'static str {
        match self {
            Self::Lose { .. } => "lost",
            Self::LoseZone(_) => "zone lost",
            Self::Slow { .. } => "slow",
        }
    }

    fn replicas(&self) -> Option<&Spanned<Vec<u16>>> {
        match self {
            Self::Lose { replicas } | Self::Slow { replicas, .. } => Some(replicas),
            Self::LoseZone(_) => None,
        }
    }
}

impl ControllerSpec for Fault {
    fn kind(&self) -> &'static str {
        "Fault"
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        Vec::new()
    }

    fn disturbs(&self) -> Option<Disturbed<'_>> {
        let span = self.what.replicas().map_or(self.what.span, |replicas| replicas.span);
        Some(Disturbed { node: &self.target, span, disturbance: self.what.disturbance() })
    }

    fn moments(&self) -> Vec<(u64, Span)> {
        vec![(self.at.ns, self.at.span)]
    }

    fn is_transient(&self) -> bool {
        true
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if let Some(duration) = self.duration.as_ref().filter(|duration| duration.ns == 0) {
            let help = "write for example \"5m\", or leave it out if it lasts for ever";
            found.push(Mistake::new(duration.span, "a fault of no duration befalls nobody", help));
        }
        if let Some(replicas) = self.what.replicas() {
            let mut sorted = replicas.value.clone();
            sorted.sort_unstable();
            if sorted.is_empty() {
                let help = "write for example replicas: [0]; they are numbered from zero";
                found.push(Mistake::new(replicas.span, "a fault of no replicas befalls nobody", help));
            }
            if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                let message = format!("{} is written twice", twice[0]);
                found.push(Mistake::new(replicas.span, message, "write each replica once"));
            }
        }
        if let What::Slow { factor, .. } = &self.what.value
            && !(factor.value > 1.0 && factor.value <= MOST_FACTOR)
        {
            let message = "what is slow takes more than once and at most a million times as long";
            found.push(Mistake::new(factor.span, message, "write for example 10"));
        }
        found
    }
}

/// A fault at work.
#[derive(Clone, Debug)]
pub struct FaultNode {
    target: NodeIndex,
    at_ns: u64,
    duration_ns: Option<u64>,
    disturbance: Disturbance,
    name: &'static str,
    happenings: Vec<Happening>,
}

/// Compiles the written form.
pub(super) fn compile(spec: &Fault, wiring: &mut dyn Wiring) -> Result<FaultNode, CompileError> {
    Ok(FaultNode {
        target: wiring.node(&spec.target),
        at_ns: spec.at.ns,
        duration_ns: spec.duration.as_ref().map(|duration| duration.ns),
        disturbance: spec.what.disturbance(),
        name: spec.what.name(),
        happenings: Vec::new(),
    })
}

impl Node for FaultNode {
    fn start(&mut self, context: &mut Context) {
        context.at(self.at_ns, Timer { kind: BEGINS, data: 0 });
        if let Some(duration_ns) = self.duration_ns {
            context.at(self.at_ns.saturating_add(duration_ns), Timer { kind: ENDS, data: 0 });
        }
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, timer: Timer) {
        let disturbance = self.disturbance.clone();
        let (command, what) = match timer.kind {
            BEGINS => (Command::Disturb { disturbance }, self.name),
            _ => (Command::Restore { disturbance }, "over"),
        };
        Happening::remember(&mut self.happenings, context.now_ns(), what);
        context.command(self.target, command);
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, record: &mut NodeRecord) {
        record.happenings.append(&mut self.happenings);
    }
}

impl Controller for FaultNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
