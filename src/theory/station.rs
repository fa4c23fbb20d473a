//! Which queue of the textbooks a node is.

use super::formulas::queue::MultiServer;
use super::law::Law;
use super::work::Work;
use crate::techniques::NodeSpec;
use crate::techniques::service::{Discipline, Scheduling};
use crate::techniques::technique::{ReplicaView, Spec};

/// A limit that is met more rarely than this is none.
const NEGLIGIBLE: f64 = 1e-6;

/// One replica of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Station {
    /// Requests pass in no time.
    Passing,
    /// Everybody is served at once, for as long as the law says.
    Delay(Law),
    /// Everybody shares the cores.
    Sharing { cores: f64 },
    /// A queue in front of servers.
    Servers(Servers),
}

/// A queue in front of servers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Servers {
    pub servers: u32,
    pub law: Law,
    /// Requests present at most, if that is limited.
    pub places: Option<u32>,
    pub order: Order,
    /// Whether all of the wait is a wait for a worker, which is what results call waiting.
    pub shows_wait: bool,
    /// How many times longer than written a computation takes on less than a core.
    pub stretch: f64,
}

/// Who is served next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    FirstComeFirstServed,
    /// Another order that does not look at the lengths: the same mean, other quantiles.
    Blind,
    /// Cores are shared once workers are found: the same mean for exponential service.
    Shared,
}

/// What a node has, whatever technique it is.
struct Means {
    cores: f64,
    workers: Option<u32>,
    queue: Option<u32>,
    scheduling: Scheduling,
    discipline: Discipline,
    slows_down: bool,
}

impl Means {
    fn of(spec: &NodeSpec) -> Option<Self> {
        let above_zero = |value: &Option<crate::diagnostic::span::Spanned<f64>>| {
            value.as_ref().is_some_and(|value| value.value > 0.0)
        };
        Some(match spec {
            NodeSpec::Service(service) => Self {
                cores: service.cpu.as_ref().map_or(1.0, |cpu| cpu.value),
                workers: service.workers.as_ref().map(|workers| workers.value),
                queue: service.queue.as_ref().map(|queue| queue.value),
                scheduling: service.scheduling,
                discipline: service.discipline,
                slows_down: above_zero(&service.contention) || above_zero(&service.coherency),
            },
            NodeSpec::Database(database) if database.is_plain() => Self {
                cores: database.cores(),
                workers: database.capacity().workers.and_then(|workers| u32::try_from(workers).ok()),
                queue: Some(database.queue.as_ref().map_or(0, |queue| queue.value)),
                scheduling: Scheduling::ProcessorSharing,
                discipline: Discipline::FirstComeFirstServed,
                slows_down: above_zero(&database.contention) || above_zero(&database.coherency),
            },
            NodeSpec::LoadBalancer(balancer) if balancer.max_connections.is_none() => Self {
                cores: 1.0,
                workers: None,
                queue: None,
                scheduling: Scheduling::ProcessorSharing,
                discipline: Discipline::FirstComeFirstServed,
                slows_down: false,
            },
            _ => return None,
        })
    }
}

/// Whether only so many requests find room in a node.
pub fn is_bounded(spec: &NodeSpec) -> bool {
    Means::of(spec).is_some_and(|means| means.workers.is_some() && means.queue.is_some())
}

/// What one replica of this node is when its operations come at these rates (of one replica), or why it is nothing known.
/// `population` is the most requests that can be present, if that is known.
pub fn recognise(spec: &NodeSpec, works: &[(f64, &Work)], population: Option<u32>) -> Result<Station, String> {
    let Some(means) = Means::of(spec) else {
        return Err(format!("no closed form is known here for a {}", spec.kind()));
    };
    let law = |of: fn(&Work) -> Law| Law::mixture(works.iter().map(|(rate, work)| (*rate, of(work))));
    let rate: f64 = works.iter().map(|(rate, _)| rate).sum();
    let workers = means.workers.filter(|workers| population.is_none_or(|population| population > *workers));
    if workers.is_some() && works.iter().any(|(_, work)| work.calls()) {
        return Err("its workers are held while calls are waited for".to_owned());
    }
    if !works.iter().any(|(_, work)| work.takes_time) {
        return Ok(Station::Passing);
    }
    if let Some(reason) = works.iter().filter(|(_, work)| work.takes_time).find_map(|(_, work)| work.obstacle.as_ref())
    {
        return Err(reason.clone());
    }
    let (computing, waiting, both) = (law(|work| work.computing), law(|work| work.waiting), law(|work| work.both));
    let order = match means.discipline {
        Discipline::FirstComeFirstServed => Order::FirstComeFirstServed,
        Discipline::LastComeFirstServed => Order::Blind,
        // Blind to lengths is not blind to classes: each has latencies of its own, and none leaves as a Poisson process.
        Discipline::Priority => return Err("priorities give each class of requests latencies of its own".to_owned()),
    };
    if computing.mean_s == 0.0 && workers.is_none() {
        return Ok(Station::Delay(both));
    }
    if means.slows_down && computing.mean_s > 0.0 {
        return Err("its cores slow each other down".to_owned());
    }
    let whole_cores = (means.cores.fract() == 0.0).then_some(means.cores as u32);
    let places = |workers: u32| means.queue.map(|queue| workers.saturating_add(queue));
    let servers = |servers: u32, law: Law, places: Option<u32>, order: Order, shows_wait: bool| {
        let stretch = 1.0;
        let mut found = Servers { servers, law, places, order, shows_wait, stretch };
        if population.is_some_and(|population| found.places.is_some_and(|places| places >= population)) {
            found.places = None;
        }
        found.check(rate).map(Station::Servers)
    };
    // Cores for every worker, so that a worker is a server.
    if let Some(workers) = workers
        && (f64::from(workers) <= means.cores || computing.mean_s == 0.0)
    {
        return servers(workers, both, places(workers), order, true);
    }
    if workers == Some(1) && waiting.mean_s == 0.0 {
        let stretch = 1.0 / means.cores;
        return servers(1, computing.stretched(stretch), places(1), order, true).map(|station| match station {
            Station::Servers(servers) => Station::Servers(Servers { stretch, ..servers }),
            other => other,
        });
    }
    let places = workers.and_then(places);
    let computes_once = works.iter().all(|(_, work)| work.computations == 1 && !work.calls());
    if means.scheduling == Scheduling::RunToCompletion {
        let (Some(cores), true, true) = (whole_cores, computes_once, waiting.mean_s == 0.0) else {
            return Err("its event loops wait in between".to_owned());
        };
        let order =
            if workers.is_none() || order == Order::FirstComeFirstServed { Order::FirstComeFirstServed } else { order };
        return servers(cores, computing, places, order, false);
    }
    let Some(workers) = workers else { return Ok(Station::Sharing { cores: means.cores }) };
    if let (Some(cores), true, 0.0) = (whole_cores, computing.is_exponential && computes_once, waiting.mean_s) {
        return servers(cores, computing, places, Order::Shared, false);
    }
    if limit_is_met(workers, means.cores, rate * computing.mean_s, rate * waiting.mean_s) > NEGLIGIBLE {
        return Err(format!("its limit of {workers} requests in service is met at times"));
    }
    Ok(Station::Sharing { cores: means.cores })
}

impl Servers {
    /// Leaves out a limit that is hardly ever met, and gives up on one that has no formula.
    fn check(mut self, rate: f64) -> Result<Self, String> {
        let Some(places) = self.places else { return Ok(self) };
        let utilization = rate * self.law.mean_s / f64::from(self.servers);
        let queue = MultiServer { servers: self.servers, rate, service: self.law.mean_s };
        if self.law.is_exponential {
            if utilization < 1.0 && queue.finds_at_least(u64::from(places)) < NEGLIGIBLE {
                self.places = None;
            }
            return Ok(self);
        }
        if places > self.servers {
            return Err(format!("at most {} wait for workers whose service is not exponential", places - self.servers));
        }
        Ok(self)
    }
}

/// A bound on the share of requests that find so many present, computing on shared cores or waiting on their own.
fn limit_is_met(limit: u32, cores: f64, computing: f64, waiting: f64) -> f64 {
    if computing >= cores {
        return 1.0;
    }
    let half = (f64::from(limit) / 2.0).floor();
    let servers = (cores.floor() as u32).max(1);
    let service = if f64::from(servers) > cores { 1.0 / cores } else { 1.0 };
    if computing * service >= f64::from(servers) {
        return 1.0;
    }
    let shared = MultiServer { servers, rate: computing, service }.finds_at_least(half as u64);
    // Chernoff's bound of a Poisson number.
    let alone = if waiting <= 0.0 {
        0.0
    } else if half <= waiting {
        1.0
    } else {
        (half - waiting + half * (waiting / half).ln()).exp()
    };
    shared + alone
}

/// How many replicas the node has.
pub fn replicas(spec: &NodeSpec) -> u32 {
    let ReplicaView { count, .. } = spec.replicas();
    count.max(1)
}
