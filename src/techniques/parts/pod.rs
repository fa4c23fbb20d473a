//! What a service says of the life of its replicas, as written in a model.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::engine::control;
use crate::techniques::technique::Mistake;
use crate::units::{Bytes, Duration};

/// The memory of a replica: what it holds, and what it may hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Beyond it the replica is killed and starts again.
    pub limit: Bytes,
    /// What a machine keeps free for it; the limit if left out.
    #[serde(default)]
    pub request: Option<Bytes>,
    /// Of a replica that does nothing.
    #[serde(default)]
    pub base: Bytes,
    /// For each request that is here, those that wait included.
    #[serde(default)]
    pub per_request: Bytes,
    /// Never given back after each request.
    #[serde(default)]
    pub leak: Bytes,
}

/// A container beside the program, such as a proxy or a shipper of logs. It uses cores of its own and delays no request;
/// what a request waits for on its way through a proxy is a `Wait` of the operation.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Cores that a machine keeps free for it, and that its utilization is told against.
    pub cpu_request: f64,
    /// Cores that it uses all the time.
    #[serde(default)]
    pub idle_cpu: f64,
    /// Its computing for each request that the replica answers.
    #[serde(default)]
    pub cpu_per_request: Option<Duration>,
    /// What it holds, and requests.
    #[serde(default)]
    pub memory: Bytes,
}

/// Replicas that have just started are slow: code is not compiled yet, pools and caches are empty.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// The first request computes this many times longer.
    pub factor: f64,
    /// After so many requests there is no difference any more; in between it falls evenly.
    pub requests: u32,
}

/// What happens to a request while there is no replica that could take it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum WithoutReplicas {
    /// It fails at once.
    #[default]
    Reject,
    /// It waits for one, as Knative's activator and the interceptor of KEDA's HTTP add-on let it.
    Hold,
}

impl Memory {
    /// What a machine keeps free for it.
    pub fn requested_bytes(&self) -> u64 {
        self.request.unwrap_or(self.limit).bytes
    }

    /// Mistakes in it, reported at `span`.
    pub fn mistakes(&self, span: Span) -> Vec<Mistake> {
        let mut found = Vec::new();
        if self.limit.bytes == 0 {
            found.push(Mistake::new(span, "without memory no replica starts", "write for example limit: \"512MiB\""));
        } else if self.base.bytes >= self.limit.bytes {
            let message = "a replica that does nothing holds as much memory as its limit, and is killed as it starts";
            found.push(Mistake::new(span, message, "raise the limit, or lower the base"));
        }
        if let Some(request) = self.request.filter(|request| request.bytes > self.limit.bytes) {
            let message = format!("the request of {request} is above the limit of {}", self.limit);
            found.push(Mistake::new(span, message, "request at most the limit"));
        }
        found
    }
}

impl Sidecar {
    /// As controllers see it.
    pub fn compiled(&self) -> control::Sidecar {
        control::Sidecar {
            requested_cores: self.cpu_request,
            idle_cores: self.idle_cpu,
            busy_per_request_ns: self.cpu_per_request.map_or(0, |time| time.ns),
            memory_bytes: self.memory.bytes,
        }
    }

    /// Mistakes in it.
    pub fn mistakes(written: &Spanned<Self>) -> Vec<Mistake> {
        let mut found = Vec::new();
        if !(0.001..=1_000.0).contains(&written.cpu_request) {
            let message = "a container requests between 0.001 and 1,000 cores";
            found.push(Mistake::new(written.span, message, "write for example cpu_request: 0.1"));
        }
        if !(0.0..=1_000.0).contains(&written.idle_cpu) {
            let message = "a container uses between 0 and 1,000 cores";
            found.push(Mistake::new(written.span, message, "write for example idle_cpu: 0.01"));
        }
        found
    }
}

impl WarmUp {
    /// Mistakes in it.
    pub fn mistakes(written: &Spanned<Self>) -> Vec<Mistake> {
        let mut found = Vec::new();
        if !(1.0..=1_000.0).contains(&written.factor) {
            let message = "the first request takes between 1 and 1,000 times as long";
            found.push(Mistake::new(written.span, message, "write for example factor: 3"));
        }
        if written.requests == 0 {
            let message = "a warm-up over no requests changes nothing";
            found.push(Mistake::new(written.span, message, "write for example requests: 500, or leave warm_up out"));
        }
        found
    }
}
