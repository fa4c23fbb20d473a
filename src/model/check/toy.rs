//! Small written forms that tests of the rules use instead of the real techniques.

use crate::diagnostic::span::Spanned;
use crate::distribution::DistributionError;
use crate::techniques::technique::{
    Capacity, ControllerSpec, Demand, KeySpec, LinkSpec, Mistake, Operations, Reference, Role, Spec,
};
use indexmap::IndexMap;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Toy {
    Clients(Clients),
    Service(Service),
    LoadBalancer(LoadBalancer),
    Cache(Cache),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    pub rate: Option<f64>,
    pub calls: Vec<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub cores: Spanned<f64>,
    pub workers: Option<u64>,
    pub connections: Option<u64>,
    pub policy: Option<Policy>,
    pub operations: IndexMap<String, Vec<Step>>,
}

#[derive(Clone, Debug, Deserialize)]
pub enum Policy {
    RoundRobin,
    PowerOfChoices(u32),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Step {
    Compute(Spanned<f64>),
    Call(Spanned<String>),
    Maybe(Spanned<(f64, Spanned<String>)>),
    Parallel(Spanned<Vec<Vec<Step>>>),
    CacheAside { cache: Spanned<String>, key: Spanned<String> },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    pub target: Spanned<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    #[serde(default)]
    pub command_s: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    #[serde(default)]
    pub latency_s: f64,
    #[serde(default)]
    pub retries: u32,
    #[serde(default)]
    pub wire_s: f64,
    #[serde(default)]
    pub gives_up: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub enum Keys {
    Uniform { count: u64 },
}

fn references(steps: &[Step]) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    for step in steps {
        match step {
            Step::Call(name) => found.push(Reference::Operation(name)),
            Step::Maybe(choice) => found.push(Reference::Operation(&choice.1)),
            Step::Parallel(branches) => found.extend(branches.iter().flat_map(|branch| references(branch))),
            Step::CacheAside { cache, key } => {
                found.extend([Reference::Node { name: cache, kind: "Cache" }, Reference::Key(key)]);
            }
            Step::Compute(_) => {}
        }
    }
    found
}

fn demand(steps: &[Step]) -> Demand {
    let mut demand = Demand::default();
    for step in steps {
        match step {
            Step::Compute(seconds) => {
                demand.core_s += seconds.value;
                demand.held_s += seconds.value;
            }
            Step::Call(name) => demand.call(name, 1.0),
            Step::Maybe(choice) => demand.call(&choice.1, choice.0),
            Step::CacheAside { cache, .. } => demand.call(cache, 1.0),
            Step::Parallel(_) => {}
        }
    }
    demand
}

impl Spec for Toy {
    fn operations(&self) -> Operations<'_> {
        match self {
            Self::Service(service) => Operations::Named(service.operations.keys().map(String::as_str).collect()),
            Self::LoadBalancer(balancer) => Operations::SameAs(&balancer.target),
            _ => Operations::None,
        }
    }

    fn references(&self) -> Vec<Reference<'_>> {
        match self {
            Self::Clients(clients) => clients.calls.iter().map(Reference::Operation).collect(),
            Self::Service(service) => service.operations.values().flat_map(|steps| references(steps)).collect(),
            Self::LoadBalancer(LoadBalancer { target }) => vec![Reference::Target(target)],
            Self::Cache(_) => Vec::new(),
        }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        match self {
            Self::Service(service) if service.cores.value <= 0.0 => vec![Mistake {
                span: service.cores.span,
                message: "a service needs more than no cores".to_owned(),
                help: "write 1 or more".to_owned(),
            }],
            _ => Vec::new(),
        }
    }

    fn demand(&self, operation: &str) -> Demand {
        match self {
            Self::Service(service) => service.operations.get(operation).map(|steps| demand(steps)).unwrap_or_default(),
            Self::Cache(cache) => Demand { core_s: cache.command_s, held_s: cache.command_s, ..Demand::default() },
            _ => Demand::default(),
        }
    }

    fn capacity(&self) -> Capacity {
        match self {
            Self::Service(service) => Capacity {
                cores: Some(service.cores.value),
                workers: service.workers,
                connections: service.connections,
                ..Capacity::default()
            },
            Self::Cache(cache) => {
                Capacity { cores: Some(1.0).filter(|_| cache.command_s > 0.0), ..Capacity::default() }
            }
            _ => Capacity::default(),
        }
    }

    fn offered(&self) -> Vec<(String, f64)> {
        match self {
            Self::Clients(Clients { rate: Some(rate), calls }) => {
                calls.iter().map(|call| (call.value.clone(), rate / calls.len() as f64)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Clients(_) => "Clients",
            Self::Service(_) => "Service",
            Self::LoadBalancer(_) => "LoadBalancer",
            Self::Cache(_) => "Cache",
        }
    }

    fn role(&self) -> Role {
        match self {
            Self::Clients(_) => Role::Client,
            _ => Role::Server,
        }
    }
}

impl KeySpec for Keys {
    fn mistakes(&self) -> Vec<DistributionError> {
        Vec::new()
    }
}

impl LinkSpec for Link {
    fn mistakes(&self) -> Vec<Mistake> {
        Vec::new()
    }
    fn attempts(&self) -> u32 {
        1 + self.retries
    }
    fn delay_s(&self) -> f64 {
        self.latency_s
    }
    fn wire_s(&self) -> f64 {
        self.wire_s
    }
    fn gives_up(&self) -> bool {
        self.gives_up
    }
}

/// A controller that is never written.
#[derive(Clone, Debug, Deserialize)]
pub enum Nobody {}

impl ControllerSpec for Nobody {
    fn kind(&self) -> &'static str {
        match *self {}
    }

    fn references(&self) -> Vec<Reference<'_>> {
        match *self {}
    }

    fn mistakes(&self) -> Vec<Mistake> {
        match *self {}
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        match *self {}
    }
}
