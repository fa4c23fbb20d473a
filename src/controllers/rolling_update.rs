//! RollingUpdate: a new version takes the place of every replica, a few at a time, as a Kubernetes Deployment does it.
//!
//! # How it works
//!
//! ```text
//! at each of `at`: mark all replicas as old; while old ones are there
//!   start new ones, at most `max_surge` more than wanted altogether
//!   end old ones that are not ready, and ready ones while at least wanted - `max_unavailable` are ready
//! ```
//!
//! # Parameters
//!
//! | parameter | unit | default | meaning |
//! |---|---|---|---|
//! | `target` | node | | the service that is updated |
//! | `at` | time | | when updates begin |
//! | `max_surge` | replicas or share | 25% | above the number wanted, rounded up |
//! | `max_unavailable` | replicas or share | 25% | below the number wanted, rounded down |
//!
//! # When it helps, when it hurts
//!
//! With a surge and nothing unavailable, capacity never falls below what is wanted; new replicas are still cold. Without a
//! surge it costs nothing and takes capacity away.
//!
//! # Law
//!
//! At no time are there more than wanted + `max_surge` replicas that are not on their way out, nor fewer ready ones than
//! wanted - `max_unavailable` because of the update.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::engine::context::Context;
use crate::engine::control::{Allowance, Command};
use crate::engine::record::NodeRecord;
use crate::engine::{Evidence, Node, NodeIndex, Timer};
use crate::techniques::technique::{CompileError, Controller, ControllerSpec, Mistake, Wiring};
use crate::units::{Duration, Ratio};

const DEFAULT: Allowance = Allowance::Share(0.25);

/// Updates as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollingUpdate {
    pub target: Spanned<String>,
    pub at: Spanned<Vec<Spanned<Duration>>>,
    #[serde(default)]
    pub max_surge: Option<Spanned<Amount>>,
    #[serde(default)]
    pub max_unavailable: Option<Spanned<Amount>>,
}

/// A number of replicas, or a share of those wanted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub enum Amount {
    Replicas(u32),
    Share(Ratio),
}

impl Amount {
    fn allowance(self) -> Allowance {
        match self {
            Self::Replicas(count) => Allowance::Count(count),
            Self::Share(share) => Allowance::Share(share.value),
        }
    }
}

fn allowance(written: Option<&Spanned<Amount>>) -> Allowance {
    written.map_or(DEFAULT, |amount| amount.value.allowance())
}

impl ControllerSpec for RollingUpdate {
    fn kind(&self) -> &'static str {
        "RollingUpdate"
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        vec![&self.target]
    }

    fn moments(&self) -> Vec<(u64, Span)> {
        self.at.iter().map(|at| (at.ns, at.span)).collect()
    }

    fn is_transient(&self) -> bool {
        true
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.at.is_empty() {
            found.push(Mistake::new(self.at.span, "nothing is ever updated", "write for example at: [\"10m\"]"));
        }
        let is_zero = |allowance: Allowance| allowance == Allowance::Count(0) || allowance == Allowance::Share(0.0);
        let (surge, unavailable) = (self.max_surge.as_ref(), self.max_unavailable.as_ref());
        if is_zero(allowance(surge))
            && is_zero(allowance(unavailable))
            && let Some(written) = unavailable
        {
            let message = "with neither more nor fewer replicas nothing can be replaced";
            found.push(Mistake::new(written.span, message, "write max_surge or max_unavailable above zero"));
        }
        for amount in [surge, unavailable].into_iter().flatten() {
            if let Amount::Share(share) = amount.value
                && !(0.0..=1.0).contains(&share.value)
            {
                let message = "a share of the replicas lies between 0 and 100%";
                found.push(Mistake::new(amount.span, message, "write for example Share(\"25%\")"));
            }
        }
        found
    }
}

/// Updates at work.
#[derive(Clone, Debug)]
pub struct RollingUpdateNode {
    target: NodeIndex,
    at_ns: Vec<u64>,
    surge: Allowance,
    unavailable: Allowance,
}

/// Compiles the written form.
pub(super) fn compile(spec: &RollingUpdate, wiring: &mut dyn Wiring) -> Result<RollingUpdateNode, CompileError> {
    Ok(RollingUpdateNode {
        target: wiring.node(&spec.target),
        at_ns: spec.at.iter().map(|at| at.ns).collect(),
        surge: allowance(spec.max_surge.as_ref()),
        unavailable: allowance(spec.max_unavailable.as_ref()),
    })
}

impl Node for RollingUpdateNode {
    fn start(&mut self, context: &mut Context) {
        for &at_ns in &self.at_ns {
            context.at(at_ns, Timer { kind: 0, data: 0 });
        }
    }

    fn arrive(&mut self, _context: &mut Context, _slot: u32) {}

    fn timer(&mut self, context: &mut Context, _timer: Timer) {
        context.command(self.target, Command::Roll { surge: self.surge, unavailable: self.unavailable });
    }

    fn audit(&self, _now_ns: u64, _evidence: &Evidence) -> Result<(), String> {
        Ok(())
    }

    fn observe(&mut self, _now_ns: u64, _record: &mut NodeRecord) {}
}

impl Controller for RollingUpdateNode {
    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
