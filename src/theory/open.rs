//! Open workloads: stations one by one, and the mean time of what clients request.

use super::doubt::{Doubt, Level};
use super::law::Law;
use super::network::{Flow, Network, Source, Step};
use super::queues::{Answer, Arrivals, answer, load};
use super::station::{Station, is_bounded, recognise, replicas};
use super::work::Work;
use super::{Kind, Part, Quantity, Theory};
use crate::distribution::Distribution;
use crate::techniques::NodeSpec;
use crate::techniques::parts::arrivals::Arrivals as WrittenArrivals;
use crate::techniques::parts::balancer::Policy;
use crate::techniques::technique::Spec;
use crate::units::Duration;

/// One node that requests come to.
struct Visited {
    station: Result<Station, String>,
    /// Whether only so many requests find room, whatever else is known of the station.
    is_bounded: bool,
    /// Visits per second and replica, and mean seconds of computing of each.
    rate: f64,
    computing_s: f64,
    policy: Option<Policy>,
}

struct Open<'n, 'm> {
    network: &'n Network<'m>,
    sources: Vec<Source>,
    flow: Flow,
    visited: Vec<Option<Visited>>,
    /// Where independent gaps that are not exponential arrive as they were sent.
    renewal: Option<(usize, Distribution)>,
}

/// Tells what is known of a model all of whose workloads are open.
pub fn explain(network: &Network<'_>, clients: &[usize], theory: &mut Theory) {
    let open = Open::of(network, clients);
    let answers: Vec<Option<Answer>> = (0..open.visited.len()).map(|node| open.node(node, theory)).collect();
    open.operations(&answers, theory);
}

/// How clients send: what keeps it from being a Poisson process, and the law of independent gaps.
fn spacing(network: &Network<'_>, node: usize) -> (Doubt, Option<Distribution>) {
    let NodeSpec::Clients(clients) = network.spec(node) else { return (Doubt::default(), None) };
    let name = network.name(node);
    if clients.batch.as_ref().is_some_and(|batch| batch.value > 1) {
        return (Doubt::uneven(format!("`{name}` sends in batches")), None);
    }
    let gaps = match clients.arrivals.as_ref().map(|arrivals| &arrivals.value) {
        None | Some(WrittenArrivals::Poisson) => return (Doubt::default(), None),
        Some(WrittenArrivals::Renewal(law)) => Some(law.value.clone()),
        Some(WrittenArrivals::Constant) => {
            let rate = clients.rate.as_ref().map_or(0.0, |rate| rate.per_second);
            Some(Distribution::Constant(Duration { ns: (1e9 / rate).round() as u64 }))
        }
        Some(_) => return (Doubt::uneven(format!("`{name}` does not send at the same rate at all times")), None),
    };
    (Doubt::shape(format!("`{name}` does not send as a Poisson process")), gaps)
}

impl<'n, 'm> Open<'n, 'm> {
    fn of(network: &'n Network<'m>, clients: &[usize]) -> Self {
        let mut sources = Vec::new();
        let mut gaps = None;
        for node in clients {
            let (doubt, law) = spacing(network, *node);
            sources.extend(network.sources(*node, &network.spec(*node).offered(), &doubt));
            gaps = gaps.or(law);
        }
        let rough = network.flow(&sources, &|_| None, &|_| None);
        let visited: Vec<Option<Visited>> =
            (0..network.model.nodes.len()).map(|node| Visited::of(network, node, &rough, &sources)).collect();
        let name = |node: usize| network.name(node);
        let broken = |node: usize| match visited[node].as_ref()?.trouble()? {
            Trouble::Unstable => Some(format!("`{}` is unstable", name(node))),
            Trouble::Loses => Some(format!("`{}` turns requests away", name(node))),
        };
        let spoils = |node: usize| {
            let spoils = visited[node].as_ref().is_some_and(|visited| visited.spoils(replicas(network.spec(node))));
            spoils.then(|| format!("requests do not leave `{}` as a Poisson process", name(node)))
        };
        let flow = network.flow(&sources, &broken, &spoils);
        let mut open = Self { network, sources, flow, visited, renewal: None };
        open.renewal = gaps.and_then(|gaps| Some((open.first_station()?, gaps)));
        open
    }

    fn passes(&self, node: usize) -> bool {
        matches!(self.visited[node].as_ref().map(|visited| &visited.station), Some(Ok(Station::Passing)))
    }

    /// The operation that a request gets to through nodes that only pass it on, in no time.
    fn followed(&self, mut operation: usize) -> usize {
        for _ in 0..self.visited.len() {
            let here = &self.network.operations[operation];
            match here.steps.as_slice() {
                [Step::Call(call)]
                    if self.passes(here.node)
                        && call.times == 1.0
                        && call.delay_s == 0.0
                        && call.doubt == Doubt::default() =>
                {
                    operation = call.to;
                }
                _ => break,
            }
        }
        operation
    }

    /// The node that all requests of the only source come to first, and nothing else.
    fn first_station(&self) -> Option<usize> {
        let [source] = self.sources.as_slice() else { return None };
        let node = self.network.operations[self.followed(source.operation)].node;
        let total: f64 = self.network.visited(node, &self.flow).iter().map(|one| self.flow.rates[*one]).sum();
        let is_all = (total / source.rate - 1.0).abs() < 1e-9 && self.network.source_delay_s(source) == 0.0;
        (is_all && !self.passes(node)).then_some(node)
    }

    /// How requests come to one replica of a node.
    fn arrivals(&self, node: usize, visited: &Visited) -> Result<Arrivals<'_>, String> {
        let doubt = &self.flow.doubts[node];
        let all = match (&self.renewal, doubt.level) {
            (_, Level::Poisson) => Arrivals::Poisson,
            (Some((first, gaps)), Level::Shape) if *first == node => {
                Arrivals::Renewal(gaps, Law::of(gaps, std::path::Path::new("")))
            }
            (_, Level::Shape) => Arrivals::Other,
            (_, Level::Uneven | Level::Rate) => return Err(doubt.reason.clone()),
        };
        let count = replicas(self.network.spec(node));
        match (&visited.policy, all) {
            _ if count == 1 || matches!(visited.station, Ok(Station::Delay(_) | Station::Passing)) => Ok(all),
            (Some(Policy::Random), Arrivals::Poisson) => Ok(Arrivals::Poisson),
            (Some(Policy::RoundRobin), Arrivals::Poisson) => Ok(Arrivals::Stages(count)),
            (Some(Policy::Random | Policy::RoundRobin), _) => Ok(Arrivals::Other),
            (Some(_), _) => Err("the policy by which its replicas are chosen has no closed form here".to_owned()),
            (None, _) => Err("several choose its replicas, each in its own way".to_owned()),
        }
    }

    /// Tells what is known of one node.
    fn node(&self, node: usize, theory: &mut Theory) -> Option<Answer> {
        let visited = self.visited[node].as_ref()?;
        let part = Part::node(self.network.name(node));
        let doubt = &self.flow.doubts[node];
        if visited.station == Ok(Station::Passing) {
            return Some(Answer { kind: Kind::Exact, ..answer(&Station::Passing, 0.0, 0.0, Arrivals::Poisson).ok()? });
        }
        if doubt.level == Level::Rate {
            theory.silence(&part, doubt.reason.clone());
            return None;
        }
        let count = f64::from(replicas(self.network.spec(node)));
        let operations = self.network.visited(node, &self.flow);
        let core_s: f64 =
            operations.iter().map(|one| self.flow.rates[*one] * self.network.operations[*one].work.core_s).sum();
        let cores = self.network.spec(node).capacity().cores.filter(|_| core_s > 0.0);
        let needed = cores.map_or(0.0, |cores| core_s / cores);
        let load = visited.load().unwrap_or(0.0).max(if visited.may_lose() { 0.0 } else { needed });
        if load >= 1.0 {
            theory.tell(&part, Quantity::Utilization, "utilization law", Kind::Unstable, load);
            return None;
        }
        let found = match &visited.station {
            Ok(station) => self
                .arrivals(node, visited)
                .and_then(|arrivals| answer(station, visited.rate, visited.computing_s, arrivals)),
            Err(reason) => Err(reason.clone()),
        };
        let found = match found {
            Ok(found) => Some(found),
            Err(reason) => {
                theory.silence(&part, reason);
                None
            }
        };
        let rejected = found.as_ref().and_then(|found| found.rejected);
        if cores.is_some() && (rejected.is_some() || !visited.may_lose()) {
            let utilization = needed * (1.0 - rejected.unwrap_or(0.0));
            theory.tell(&part, Quantity::Utilization, "utilization law", Kind::Exact, utilization);
        }
        let found = found?;
        let rate: f64 = operations.iter().map(|one| self.flow.rates[*one]).sum();
        let mut tell = |quantity, value| theory.tell(&part, quantity, &found.formula, found.kind, value);
        if let Some(rejected) = found.rejected {
            tell(Quantity::Throughput, visited.rate * count * (1.0 - rejected));
            tell(Quantity::ErrorRatio, rejected);
        }
        if let Some((mean_s, p99_s)) = found.shown_wait_s {
            tell(Quantity::WaitMean, mean_s);
            p99_s.into_iter().for_each(|p99_s| tell(Quantity::WaitP99, p99_s));
        }
        let works = || operations.iter().map(|one| (self.flow.rates[*one], &self.network.operations[*one].work));
        if works().all(|(_, work)| !work.calls() && work.takes_time) {
            tell(Quantity::LatencyMean, works().map(|(one, work)| one * found.own_s(work)).sum::<f64>() / rate);
            found.quantiles_s.into_iter().for_each(|[_, _, p99_s]| tell(Quantity::LatencyP99, p99_s));
        }
        Some(found)
    }

    /// Tells what is known of what clients request.
    fn operations(&self, answers: &[Option<Answer>], theory: &mut Theory) {
        let operations = &self.network.operations;
        let own_s = |one: usize| Some(answers[operations[one].node].as_ref()?.own_s(&operations[one].work));
        let times_s = self.network.times_s(&own_s);
        let mut names: Vec<&str> = self.sources.iter().map(|source| source.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let groups: Vec<(&str, Vec<&Source>)> = std::iter::once(("all", self.sources.iter().collect()))
            .chain(
                names
                    .iter()
                    .filter(|_| names.len() > 1)
                    .map(|name| (*name, self.sources.iter().filter(|source| source.name == *name).collect())),
            )
            .collect();
        for (name, sources) in groups {
            self.group(name, &sources, answers, &times_s, theory);
        }
    }

    fn group(
        &self,
        name: &str,
        sources: &[&Source],
        answers: &[Option<Answer>],
        times_s: &[Option<f64>],
        theory: &mut Theory,
    ) {
        let part = Part::operation(name);
        let rate: f64 = sources.iter().map(|source| source.rate).sum();
        let ends: Vec<usize> = sources.iter().map(|source| self.followed(source.operation)).collect();
        let is_direct = sources.iter().all(|source| self.network.source_delay_s(source) == 0.0);
        let doubted = sources.iter().find(|source| source.doubt.level == Level::Rate);
        // All of it at one station, whatever else passes it on.
        let node = self.network.operations[ends[0]].node;
        let is_alone = |end: &usize| {
            let operation = &self.network.operations[*end];
            operation.node == node && !operation.work.calls() && operation.work.takes_time
        };
        let only = answers[node].as_ref().filter(|_| is_direct && doubted.is_none() && ends.iter().all(is_alone));
        if let Some(rejected) = only.and_then(|only| only.rejected) {
            let formula = only.map_or("", |only| only.formula.as_str());
            theory.tell(&part, Quantity::Throughput, formula, Kind::Exact, rate * (1.0 - rejected));
            theory.tell(&part, Quantity::ErrorRatio, formula, Kind::Exact, rejected);
        } else if let Some(source) = doubted {
            return theory.silence(&part, source.doubt.reason.clone());
        } else if let Some(source) = sources.iter().find(|source| self.flow.may_fail[source.operation]) {
            return theory.silence(&part, format!("`{}` fails at times, or never ends", source.name));
        } else {
            theory.tell(&part, Quantity::Throughput, "what comes leaves", Kind::Exact, rate);
        }
        let time =
            |source: &&Source| Some(source.rate * (times_s[source.operation]? + self.network.source_delay_s(source)));
        let Some(total) = sources.iter().map(time).sum::<Option<f64>>() else {
            return theory.silence(&part, "a part of its way has no closed form");
        };
        let kinds = self.reached(sources).into_iter().filter_map(|node| answers[node].as_ref().map(|one| one.kind));
        let is_exact = kinds.into_iter().all(|kind| kind == Kind::Exact);
        let kind = if is_exact { Kind::Exact } else { Kind::Approximation };
        let formula = only.map_or("sum of means", |only| only.formula.as_str());
        theory.tell(&part, Quantity::LatencyMean, formula, kind, total / rate);
        if let Some((only, [p50_s, p95_s, p99_s])) = only.and_then(|only| Some((only, only.quantiles_s?))) {
            for (quantity, value) in
                [(Quantity::LatencyP50, p50_s), (Quantity::LatencyP95, p95_s), (Quantity::LatencyP99, p99_s)]
            {
                theory.tell(&part, quantity, &only.formula, only.kind, value);
            }
        }
    }

    /// Nodes that these requests get to.
    fn reached(&self, sources: &[&Source]) -> Vec<usize> {
        let mut seen = vec![false; self.network.operations.len()];
        let mut next: Vec<usize> = sources.iter().map(|source| source.operation).collect();
        while let Some(one) = next.pop() {
            if !std::mem::replace(&mut seen[one], true) {
                next.extend(self.network.operations[one].calls().map(|call| call.to));
            }
        }
        (0..seen.len()).filter(|one| seen[*one]).map(|one| self.network.operations[one].node).collect()
    }
}

/// What keeps later stations from being known.
enum Trouble {
    Unstable,
    Loses,
}

impl Visited {
    fn of(network: &Network<'_>, node: usize, flow: &Flow, sources: &[Source]) -> Option<Self> {
        let operations = network.visited(node, flow);
        let count = f64::from(replicas(network.spec(node)));
        let rate = operations.iter().map(|one| flow.rates[*one]).sum::<f64>() / count;
        if rate <= 0.0 {
            return None;
        }
        let works: Vec<(f64, &Work)> =
            operations.iter().map(|one| (flow.rates[*one] / count, &network.operations[*one].work)).collect();
        let computing_s = works.iter().map(|(rate, work)| rate * work.computing.mean_s).sum::<f64>() / rate;
        let station = recognise(network.spec(node), &works, None);
        let is_bounded = is_bounded(network.spec(node));
        Some(Self { station, is_bounded, rate, computing_s, policy: network.policy(node, flow, sources) })
    }

    fn load(&self) -> Option<f64> {
        load(self.station.as_ref().ok()?, self.rate, self.computing_s)
    }

    /// Whether requests may be turned away here.
    fn may_lose(&self) -> bool {
        match &self.station {
            Ok(Station::Servers(servers)) => servers.places.is_some(),
            Ok(_) => false,
            Err(_) => true,
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        if self.load().is_some_and(|load| load >= 1.0) {
            return Some(Trouble::Unstable);
        }
        let loses = match &self.station {
            Ok(Station::Servers(servers)) => servers.places.is_some(),
            Ok(_) => false,
            Err(_) => self.is_bounded,
        };
        loses.then_some(Trouble::Loses)
    }

    /// Whether requests that come as a Poisson process leave otherwise.
    fn spoils(&self, replicas: u32) -> bool {
        let splits = replicas > 1 && !matches!(self.policy, Some(Policy::Random));
        match &self.station {
            Ok(Station::Passing | Station::Delay(_)) => false,
            Ok(Station::Sharing { .. }) => splits,
            Ok(Station::Servers(servers)) => splits || !servers.law.is_exponential,
            Err(_) => true,
        }
    }
}
