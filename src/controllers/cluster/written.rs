//! A ClusterAutoscaler as written in a model: options as of the Cluster Autoscaler and of Karpenter.

use serde::Deserialize;

use crate::controllers::cluster::expander::Expander;
use crate::controllers::cluster::group::NodeGroup;
use crate::controllers::cluster::resources::Resources;
use crate::controllers::cluster::scheduler::Scoring;
use crate::diagnostic::span::{Named, Span, Spanned};
use crate::distribution::Distribution;
use crate::techniques::technique::{ControllerSpec, Mistake, Requests, law_mistakes};
use crate::units::{Duration, Ratio};

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;
/// Nothing is looked at more often than this.
const SHORTEST_INTERVAL_NS: u64 = 1_000_000;

/// The scheduler of pods and the provisioner of machines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterAutoscaler {
    pub targets: Spanned<Vec<Spanned<String>>>,
    pub node_groups: Spanned<Named<NodeGroup>>,
    #[serde(default)]
    pub provisioner: Provisioner,
    #[serde(default)]
    pub scoring: Scoring,
    #[serde(default)]
    pub image_pull: Option<Spanned<Distribution>>,
    #[serde(default)]
    pub expander: Option<Spanned<Expander>>,
    #[serde(default)]
    pub scan_interval: Option<Spanned<Duration>>,
    #[serde(default)]
    pub max_node_provision_time: Option<Spanned<Duration>>,
    #[serde(default)]
    pub consolidation: Consolidation,
    #[serde(default)]
    pub utilization_threshold: Option<Spanned<Ratio>>,
    #[serde(default)]
    pub unneeded_time: Option<Spanned<Duration>>,
    #[serde(default)]
    pub scale_down_delay_after_add: Option<Spanned<Duration>>,
    #[serde(default)]
    pub batch_idle_duration: Option<Spanned<Duration>>,
    #[serde(default)]
    pub batch_max_duration: Option<Spanned<Duration>>,
}

/// Who asks for machines and gives them back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Provisioner {
    /// Groups grow and shrink.
    #[default]
    ClusterAutoscaler,
    /// Each machine is of the type that is cheapest for it.
    Karpenter,
}

/// Which machines go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Consolidation {
    /// Those whose pods fit elsewhere.
    #[default]
    WhenUnderutilized,
    /// Those without pods.
    WhenEmpty,
    Never,
}

/// The options with their defaults.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub provisioner: Provisioner,
    pub scoring: Scoring,
    pub expander: Expander,
    pub consolidation: Consolidation,
    pub scan_interval_ns: u64,
    pub max_node_provision_time_ns: u64,
    pub utilization_threshold: f64,
    pub unneeded_time_ns: u64,
    pub scale_down_delay_after_add_ns: u64,
    pub batch_idle_duration_ns: u64,
    pub batch_max_duration_ns: u64,
}

impl ClusterAutoscaler {
    /// What is written, and what is left out.
    pub fn settings(&self) -> Settings {
        let ns = |written: &Option<Spanned<Duration>>, otherwise_ns: u64| {
            written.as_ref().map_or(otherwise_ns, |written| written.ns)
        };
        let unneeded_ns = match self.provisioner {
            Provisioner::ClusterAutoscaler => 10 * MINUTE_NS,
            Provisioner::Karpenter => 0,
        };
        Settings {
            provisioner: self.provisioner,
            scoring: self.scoring,
            expander: self.expander.as_ref().map_or_else(Expander::default, |expander| expander.value),
            consolidation: self.consolidation,
            scan_interval_ns: ns(&self.scan_interval, 10 * SECOND_NS),
            max_node_provision_time_ns: ns(&self.max_node_provision_time, 15 * MINUTE_NS),
            utilization_threshold: self.utilization_threshold.as_ref().map_or(0.5, |ratio| ratio.value.value),
            unneeded_time_ns: ns(&self.unneeded_time, unneeded_ns),
            scale_down_delay_after_add_ns: ns(&self.scale_down_delay_after_add, 10 * MINUTE_NS),
            batch_idle_duration_ns: ns(&self.batch_idle_duration, SECOND_NS),
            batch_max_duration_ns: ns(&self.batch_max_duration, 10 * SECOND_NS),
        }
    }

    /// What the other provisioner alone looks at, by name and place.
    fn without_meaning(&self) -> Vec<(&'static str, Span)> {
        fn span<T>(written: &Option<Spanned<T>>) -> Option<Span> {
            written.as_ref().map(|written| written.span)
        }
        let written = match self.provisioner {
            Provisioner::ClusterAutoscaler => vec![
                ("batch_idle_duration", span(&self.batch_idle_duration)),
                ("batch_max_duration", span(&self.batch_max_duration)),
            ],
            Provisioner::Karpenter => vec![
                ("expander", span(&self.expander)),
                ("utilization_threshold", span(&self.utilization_threshold)),
                ("scale_down_delay_after_add", span(&self.scale_down_delay_after_add)),
            ],
        };
        written.into_iter().filter_map(|(name, span)| Some((name, span?))).collect()
    }
}

impl ControllerSpec for ClusterAutoscaler {
    fn kind(&self) -> &'static str {
        "ClusterAutoscaler"
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        self.targets.iter().collect()
    }

    fn is_scheduler(&self) -> bool {
        true
    }

    fn refuses(&self, requests: Requests) -> Option<String> {
        let pod = Resources::of_pod(requests.cores, requests.memory_bytes);
        let fits = |group: &Spanned<NodeGroup>| pod.fits_into(group.allocatable());
        (!self.node_groups.is_empty() && !self.node_groups.values().any(fits)).then(|| {
            let sizes = self.node_groups.iter().map(|(name, group)| {
                let left = group.allocatable();
                let gibibytes = left.memory_bytes as f64 / 1_073_741_824.0;
                format!("`{name}` leaves {} cores and {gibibytes:.1} GiB", left.cpu_milli as f64 / 1_000.0)
            });
            sizes.collect::<Vec<_>>().join(", ")
        })
    }

    fn room(&self) -> Option<Requests> {
        let of_group = |group: &Spanned<NodeGroup>| {
            let (machine, machines) = (group.allocatable(), u64::from(group.max_nodes.value));
            (machine.cpu_milli.saturating_mul(machines), machine.memory_bytes.saturating_mul(machines))
        };
        let sum = |all: (u64, u64), one: (u64, u64)| (all.0.saturating_add(one.0), all.1.saturating_add(one.1));
        let (cpu_milli, memory_bytes) = self.node_groups.values().map(of_group).fold((0, 0), sum);
        Some(Requests { cores: cpu_milli as f64 / 1_000.0, memory_bytes })
    }

    fn settling_s(&self) -> f64 {
        let settings = self.settings();
        let delay_ns = match (settings.consolidation, settings.provisioner) {
            (Consolidation::Never, _) => 0,
            (_, Provisioner::ClusterAutoscaler) => {
                settings.unneeded_time_ns.max(settings.scale_down_delay_after_add_ns)
            }
            (_, Provisioner::Karpenter) => settings.unneeded_time_ns,
        };
        delay_ns as f64 * 1e-9
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.targets.is_empty() {
            let message = "without a service there is nothing to find machines for";
            found.push(Mistake::new(self.targets.span, message, "write for example targets: [\"web\"]"));
        }
        if self.node_groups.is_empty() {
            let help = "write for example { \"general\": NodeGroup(cpu: 4, memory: \"16GiB\", max_nodes: 20) }";
            found.push(Mistake::new(self.node_groups.span, "without a group there are no machines", help));
        }
        for group in self.node_groups.values() {
            found.extend(group.mistakes());
        }
        if let Some(law) = &self.image_pull {
            found.extend(law_mistakes(law));
        }
        for (name, span) in self.without_meaning() {
            let message = format!("{:?} does not look at {name}", self.provisioner);
            found.push(Mistake::new(span, message, format!("leave {name} out, or choose the other provisioner")));
        }
        if let Some(ratio) =
            self.utilization_threshold.as_ref().filter(|ratio| !(0.0..=1.0).contains(&ratio.value.value))
        {
            let message = "a machine is used between 0% and 100%";
            found.push(Mistake::new(ratio.span, message, "write for example \"50%\""));
        }
        if let Some(interval) = self.scan_interval.as_ref().filter(|interval| interval.ns < SHORTEST_INTERVAL_NS) {
            let message = "nothing is looked at more often than every millisecond";
            found.push(Mistake::new(interval.span, message, "write for example \"10s\""));
        }
        if let Some(time) = self.max_node_provision_time.as_ref().filter(|time| time.ns == 0) {
            let message = "a machine that is given up at once never comes";
            found.push(Mistake::new(time.span, message, "write for example \"15m\""));
        }
        found
    }
}
