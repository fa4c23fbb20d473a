//! A VerticalPodAutoscaler as written in a model.

use serde::Deserialize;

use crate::controllers::vpa::budget::BudgetSettings;
use crate::controllers::vpa::recommendation::AllowedRange;
use crate::controllers::vpa::updater::{self, Updater};
use crate::diagnostic::span::{Span, Spanned};
use crate::techniques::technique::{ControllerSpec, Mistake};
use crate::units::{Bytes, Duration, Ratio};

/// The recommender, the updater and what admits pods, in one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerticalPodAutoscaler {
    pub target: Spanned<String>,
    #[serde(default)]
    pub update_mode: Option<Spanned<UpdateMode>>,
    #[serde(default)]
    pub controlled_values: ControlledValues,
    #[serde(default)]
    pub min_allowed: Option<Spanned<Amounts>>,
    #[serde(default)]
    pub max_allowed: Option<Spanned<Amounts>>,
    #[serde(default)]
    pub min_replicas: Option<Spanned<u32>>,
    #[serde(default)]
    pub eviction_tolerance: Option<Spanned<Ratio>>,
    #[serde(default)]
    pub pod_lifetime_update_threshold: Option<Spanned<Duration>>,
    #[serde(default)]
    pub recommender_interval: Option<Spanned<Duration>>,
}

/// When recommendations reach the pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum UpdateMode {
    /// Never; they are only told.
    Off,
    /// When a pod is created for another reason.
    Initial,
    /// Pods are evicted for it.
    #[default]
    Recreate,
    /// Pods get it while they run, and are evicted if that fails for an hour.
    InPlaceOrRecreate,
}

/// What recommendations change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ControlledValues {
    /// Limits follow the requests in proportion.
    #[default]
    RequestsAndLimits,
    /// Limits stay, and no more is requested than they allow.
    RequestsOnly,
}

/// Amounts of what a pod requests.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    #[serde(default)]
    pub cpu: Option<f64>,
    #[serde(default)]
    pub memory: Option<Bytes>,
}

impl Amounts {
    fn cpu_millicores(self) -> Option<u64> {
        self.cpu.map(|cores| (cores * 1_000.0) as u64)
    }

    fn memory_bytes(self) -> Option<u64> {
        self.memory.map(|memory| memory.bytes)
    }
}

impl VerticalPodAutoscaler {
    fn mode(&self) -> UpdateMode {
        self.update_mode.as_ref().map_or_else(UpdateMode::default, |mode| mode.value)
    }

    /// What may be recommended.
    pub(super) fn allowed(&self) -> AllowedRange {
        let (least, most) = (self.min_allowed.as_ref(), self.max_allowed.as_ref());
        AllowedRange {
            minimum_cpu_millicores: least.and_then(|amounts| amounts.cpu_millicores()),
            maximum_cpu_millicores: most.and_then(|amounts| amounts.cpu_millicores()),
            minimum_memory_bytes: least.and_then(|amounts| amounts.memory_bytes()),
            maximum_memory_bytes: most.and_then(|amounts| amounts.memory_bytes()),
        }
    }

    /// Which pods are evicted.
    pub(super) fn updater(&self) -> Updater {
        let (usual, budget) = (Updater::default(), BudgetSettings::default());
        let lifetime = self.pod_lifetime_update_threshold.as_ref();
        Updater {
            mode: match self.mode() {
                UpdateMode::Off => updater::UpdateMode::Off,
                UpdateMode::Initial => updater::UpdateMode::Initial,
                UpdateMode::Recreate => updater::UpdateMode::Recreate,
                UpdateMode::InPlaceOrRecreate => updater::UpdateMode::InPlaceOrRecreate,
            },
            minimum_lifetime_ns: lifetime.map_or(usual.minimum_lifetime_ns, |lifetime| lifetime.ns),
            budget: BudgetSettings {
                minimum_replicas: self
                    .min_replicas
                    .as_ref()
                    .map_or(budget.minimum_replicas, |replicas| replicas.value as usize),
                eviction_tolerance_fraction: self
                    .eviction_tolerance
                    .as_ref()
                    .map_or(budget.eviction_tolerance_fraction, |tolerance| tolerance.value.value),
            },
            ..usual
        }
    }
}

impl ControllerSpec for VerticalPodAutoscaler {
    fn kind(&self) -> &'static str {
        "VerticalPodAutoscaler"
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        vec![&self.target]
    }

    fn resizes(&self) -> bool {
        self.mode() != UpdateMode::Off
    }

    fn resizes_in_place(&self) -> Option<Span> {
        self.update_mode.as_ref().filter(|mode| mode.value == UpdateMode::InPlaceOrRecreate).map(|mode| mode.span)
    }

    fn settling_s(&self) -> f64 {
        let lifetime_ns = self.updater().minimum_lifetime_ns;
        // Before that pods within their bounds are let alone, and only told about in any case.
        let updates = matches!(self.mode(), UpdateMode::Recreate | UpdateMode::InPlaceOrRecreate);
        if updates { lifetime_ns as f64 * 1e-9 } else { 0.0 }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        for amounts in [&self.min_allowed, &self.max_allowed].into_iter().flatten() {
            if amounts.cpu.is_some_and(|cores| !(0.001..=100_000.0).contains(&cores)) {
                let message = "a pod requests between 0.001 and 100,000 cores";
                found.push(Mistake::new(amounts.span, message, "write for example cpu: 0.5"));
            }
        }
        if let (Some(least), Some(most)) = (&self.min_allowed, &self.max_allowed) {
            let cpu = least.cpu.zip(most.cpu).is_some_and(|(least, most)| least > most);
            let memory = least.memory.zip(most.memory).is_some_and(|(least, most)| least > most);
            if cpu || memory {
                let message = "min_allowed is above max_allowed";
                found.push(Mistake::new(least.span, message, "write at most what max_allowed says"));
            }
        }
        if let Some(tolerance) =
            self.eviction_tolerance.as_ref().filter(|share| !(0.0..=1.0).contains(&share.value.value))
        {
            let message = "a share of the pods lies between 0 and 100%";
            found.push(Mistake::new(tolerance.span, message, "write for example \"50%\""));
        }
        if let Some(interval) = self.recommender_interval.as_ref().filter(|interval| interval.ns < 1_000_000_000) {
            let message = "usage is sampled at most every second";
            found.push(Mistake::new(interval.span, message, "write for example \"1m\""));
        }
        found
    }
}
