//! What the autoscaler knows of pods, and which of them it counts.
//!
//! Source: the grouping of pods in kubernetes/kubernetes `pkg/controller/podautoscaler/replica_calculator.go`.

use crate::controllers::hpa::metrics::{MetricError, PodMetric, PodMetrics, Resource};

/// How far a pod has come in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Accepted, but not all of its containers have been started.
    Pending,
    /// At least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, at least one badly.
    Failed,
    /// Its node cannot be reached.
    Unknown,
}

/// Whether a pod says that it can take requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It cannot.
    Unready,
    /// Its node has not been heard of.
    Unknown,
}

/// The condition `Ready` of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyCondition {
    /// What it is now.
    pub readiness: Readiness,
    /// When it became so.
    pub last_transition_ns: u64,
}

/// What one container requests; utilisation is a percentage of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// In milli-cores.
    pub cpu_milli: Option<i64>,
    /// In milli-bytes.
    pub memory_milli: Option<i64>,
}

impl Requests {
    fn of(self, resource: Resource) -> Option<i64> {
        match resource {
            Resource::Cpu => self.cpu_milli,
            Resource::Memory => self.memory_milli,
        }
    }
}

/// One pod. Pods of one template share the requests of their containers.
#[derive(Clone, Copy, Debug)]
pub struct Pod<'a> {
    /// Tells pods apart; metrics are found by it.
    pub identifier: u64,
    /// How far it has come.
    pub phase: Phase,
    /// Whether it has been told to end.
    pub is_deleting: bool,
    /// When its node took it over.
    pub start_ns: Option<u64>,
    /// Whether it is ready, if anything is known of that.
    pub ready: Option<ReadyCondition>,
    /// What its containers request.
    pub containers: &'a [Requests],
}

impl Pod<'_> {
    /// What the pod requests of a resource in milli-units: all containers together, or the one at this place.
    ///
    /// # Errors
    /// When a container in question requests nothing, or there is none at this place.
    pub fn request_milli(&self, resource: Resource, container: Option<usize>) -> Result<i64, MetricError> {
        let request = |place: usize, requests: Requests| {
            let missing = MetricError::MissingRequest { resource, container: place, pod: self.identifier };
            requests.of(resource).ok_or(missing)
        };
        if let Some(place) = container {
            let missing = MetricError::NoSuchContainer { container: place, pod: self.identifier };
            return request(place, *self.containers.get(place).ok_or(missing)?);
        }
        let places = self.containers.iter().enumerate();
        places
            .map(|(place, requests)| request(place, *requests))
            .try_fold(0i64, |sum, one| Ok(sum.saturating_add(one?)))
    }

    /// Whether the pod runs and is ready; values that belong to no single pod are divided among these.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        let is_ready = self.ready.is_some_and(|ready| ready.readiness == Readiness::Ready);
        self.phase == Phase::Running && is_ready
    }

    /// Whether the CPU usage of the pod says nothing about its load, because it is starting.
    fn is_starting(&self, metric: PodMetric, grace: Grace, now_ns: u64) -> bool {
        let (Some(ready), Some(start_ns)) = (self.ready, self.start_ns) else { return true };
        let is_unready = ready.readiness == Readiness::Unready;
        if start_ns.saturating_add(grace.cpu_initialization_period_ns) > now_ns {
            // A window that began before the pod became ready holds the work of its start.
            is_unready || metric.timestamp_ns < ready.last_transition_ns.saturating_add(metric.window_ns)
        } else {
            // A pod that was ready once and is no longer may be unready because of its load, so it counts.
            is_unready && start_ns.saturating_add(grace.initial_readiness_delay_ns) > ready.last_transition_ns
        }
    }
}

/// How long the CPU usage of a pod is doubted after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// For so long the usage counts only if it was measured while the pod was ready; 5 min unless told otherwise.
    pub cpu_initialization_period_ns: u64,
    /// Readiness that changed within this time after the start is taken for the first one; 30 s unless told otherwise.
    pub initial_readiness_delay_ns: u64,
}

impl Default for Grace {
    fn default() -> Self {
        Self { cpu_initialization_period_ns: 300_000_000_000, initial_readiness_delay_ns: 30_000_000_000 }
    }
}

/// Pods by what is done with them. Each pod is in one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// How many have a metric that counts.
    pub ready_count: usize,
    /// Pending or starting: nothing is known of their load.
    pub unready: Vec<u64>,
    /// There should be a metric, and there is none.
    pub missing: Vec<u64>,
    /// Deleted or failed: they take no part.
    pub ignored: Vec<u64>,
}

impl Groups {
    /// Sorts pods into groups; only for CPU does it matter whether a running pod is ready.
    #[must_use]
    pub fn new(pods: &[Pod], metrics: &PodMetrics, resource: Option<Resource>, grace: Grace, now_ns: u64) -> Self {
        let mut groups = Self::default();
        for pod in pods {
            if pod.is_deleting || pod.phase == Phase::Failed {
                groups.ignored.push(pod.identifier);
            } else if pod.phase == Phase::Pending {
                groups.unready.push(pod.identifier);
            } else if let Some(&metric) = metrics.get(&pod.identifier) {
                if resource == Some(Resource::Cpu) && pod.is_starting(metric, grace, now_ns) {
                    groups.unready.push(pod.identifier);
                } else {
                    groups.ready_count += 1;
                }
            } else {
                groups.missing.push(pod.identifier);
            }
        }
        groups
    }
}
