//! Closed workloads: mean value analysis where it is exact, bounds elsewhere.

use std::path::Path;

use super::doubt::{Doubt, Level};
use super::formulas::closed::{Class, highest_throughput, mean_value_analysis, populations};
use super::law::Law;
use super::network::{Flow, Network, Source};
use super::station::{Station, recognise, replicas};
use super::work::Work;
use super::{Kind, Part, Quantity, Theory};
use crate::techniques::NodeSpec;
use crate::techniques::technique::Spec;

/// One node of clients: its users, and what one cycle of theirs causes.
struct Users {
    name: String,
    class: Class,
    sources: Vec<Source>,
    /// Visits per cycle.
    flow: Flow,
}

/// Tells what is known of a model all of whose workloads are closed.
pub fn explain(network: &Network<'_>, clients: &[usize], directory: &Path, theory: &mut Theory) {
    let mut users: Vec<Users> = clients.iter().filter_map(|node| Users::of(network, *node, directory)).collect();
    let population: u32 = users.iter().map(|users| users.class.users).sum();
    let everything = Part::operation("all");
    // Rates are unknown before the analysis, but shares of them are all that stations are recognised by.
    let visited: Vec<(usize, Result<Station, String>)> = (0..network.model.nodes.len())
        .filter_map(|node| Some((node, station(network, node, &users, population)?)))
        .filter(|(_, station)| *station != Ok(Station::Passing))
        .collect();
    let mut unknown = None;
    for (node, station) in &visited {
        let doubt = users.iter().map(|users| &users.flow.doubts[*node]).find(|doubt| doubt.level == Level::Rate);
        let Some(doubt) = doubt else { continue };
        let reason = station.as_ref().err().unwrap_or(&doubt.reason);
        theory.silence(&Part::node(network.name(*node)), reason.clone());
        unknown.get_or_insert_with(|| doubt.reason.clone());
    }
    if let Some(reason) = unknown {
        return theory.silence(&everything, reason);
    }
    if let Some(user) = users.iter().find(|user| user.sources.iter().any(|source| user.flow.may_fail[source.operation]))
    {
        return theory.silence(&everything, format!("requests of `{}` fail at times", user.name));
    }
    let mut reasons = Vec::new();
    let mut queueing = Vec::new();
    for (node, station) in &visited {
        match why_not(network, *node, station, population) {
            Some(reason) => reasons.push((*node, reason)),
            None if matches!(station, Ok(Station::Delay(_))) => {}
            None => queueing.push(*node),
        }
    }
    let hindered = network
        .operations
        .iter()
        .enumerate()
        .filter(|(index, _)| users.iter().any(|users| users.flow.rates[*index] > 0.0))
        .find_map(|(_, operation)| Some((operation.node, operation.work.obstacle.clone()?)));
    if let Some((node, reason)) = hindered.filter(|(node, _)| reasons.iter().all(|(known, _)| known != node)) {
        reasons.push((node, reason));
    }
    for (node, reason) in &reasons {
        theory.silence(&Part::node(network.name(*node)), reason.clone());
    }
    if reasons.is_empty() {
        let classes: Vec<Class> = users.iter().map(|users| users.with_demands(network, &queueing)).collect();
        if populations(&classes) <= super::formulas::closed::MOST_POPULATIONS {
            return exact(network, &users, &classes, &queueing, theory);
        }
        theory.silence(&everything, "there are too many combinations of users for an exact analysis");
    } else {
        theory.silence(&everything, "a part of its way has no closed form");
    }
    let computing: Vec<usize> = visited.iter().map(|(node, _)| *node).collect();
    bounds(network, &mut users, &computing, theory);
}

/// Why a station is none of those for which mean value analysis is exact.
fn why_not(network: &Network<'_>, node: usize, station: &Result<Station, String>, population: u32) -> Option<String> {
    let alone = replicas(network.spec(node)) == 1;
    match station {
        Err(reason) => Some(reason.clone()),
        Ok(Station::Delay(_) | Station::Passing) => None,
        _ if !alone => Some("its replicas are not told apart in a closed network".to_owned()),
        Ok(Station::Sharing { cores }) if *cores <= 1.0 => None,
        Ok(Station::Sharing { .. }) => Some("several cores in a closed network".to_owned()),
        Ok(Station::Servers(servers)) if servers.servers > 1 => Some("several servers in a closed network".to_owned()),
        Ok(Station::Servers(servers)) if servers.places.is_some_and(|places| places < population) => {
            Some("it turns requests away".to_owned())
        }
        Ok(Station::Servers(servers)) if !servers.law.is_exponential => {
            Some("first come first served, but its service is not exponential".to_owned())
        }
        Ok(Station::Servers(_)) => None,
    }
}

/// What a node is for all users together; None if nobody comes.
fn station(network: &Network<'_>, node: usize, users: &[Users], population: u32) -> Option<Result<Station, String>> {
    let mut works: Vec<(f64, &Work)> = Vec::new();
    for (index, operation) in network.operations.iter().enumerate().filter(|(_, operation)| operation.node == node) {
        let visits: f64 = users.iter().map(|users| users.flow.rates[index]).sum();
        if visits > 0.0 {
            // So few that no limit is taken to be met: limits count by the population alone.
            works.push((visits * 1e-9, &operation.work));
        }
    }
    if works.is_empty() {
        return None;
    }
    Some(recognise(network.spec(node), &works, Some(population)).and_then(|station| match station {
        Station::Sharing { .. } if is_limited(network.spec(node), population) => {
            Err("its limit of requests in service may be met".to_owned())
        }
        Station::Servers(mut servers) => {
            let capacity = network.spec(node).capacity();
            let room = capacity.connections.map(|connections| connections + capacity.waiting);
            let queue = match network.spec(node) {
                NodeSpec::Service(service) => service.queue.as_ref().map(|queue| u64::from(queue.value)),
                _ => None,
            };
            let room = room.or(queue.map(|queue| queue + capacity.workers.unwrap_or(0)));
            servers.places = room.filter(|room| *room < u64::from(population)).map(|room| room as u32);
            Ok(Station::Servers(servers))
        }
        other => Ok(other),
    }))
}

fn is_limited(spec: &NodeSpec, population: u32) -> bool {
    spec.capacity().workers.is_some_and(|workers| workers < u64::from(population))
}

impl Users {
    fn of(network: &Network<'_>, node: usize, directory: &Path) -> Option<Self> {
        let NodeSpec::Clients(clients) = network.spec(node) else { return None };
        let think_s = clients.think.as_ref().map_or(0.0, |think| Law::of(think, directory).mean_s);
        let total: f64 = clients.mix.values().map(|weight| weight.value).sum();
        let shares: Vec<(String, f64)> =
            clients.mix.iter().map(|(name, weight)| (name.value.clone(), weight.value / total)).collect();
        let sources = network.sources(node, &shares, &Doubt::default());
        let flow = network.flow(&sources, &|_| None, &|_| None);
        let class = Class { users: spec_users(clients), delay: think_s, demands: Vec::new() };
        Some(Self { name: network.name(node).to_owned(), class, sources, flow })
    }

    /// The class with its demands at these stations; all else that takes time is delay.
    fn with_demands(&self, network: &Network<'_>, stations: &[usize]) -> Class {
        let mut demands = vec![0.0; stations.len()];
        let mut delay = self.class.delay;
        delay += self.sources.iter().map(|source| source.rate * network.source_delay_s(source)).sum::<f64>();
        for (index, operation) in network.operations.iter().enumerate() {
            let visits = self.flow.rates[index];
            let (computing, waiting) = (operation.work.computing.mean_s, operation.work.waiting.mean_s);
            delay += visits * operation.calls().map(|call| call.times * call.delay_s).sum::<f64>();
            match stations.iter().position(|node| *node == operation.node) {
                // A server is held for all of the visit; shared cores only while it computes.
                Some(station) if holds(network.spec(operation.node)) => {
                    demands[station] += visits * (computing * slowness(network.spec(operation.node)) + waiting);
                }
                Some(station) => {
                    demands[station] += visits * computing * slowness(network.spec(operation.node));
                    delay += visits * waiting;
                }
                None => delay += visits * (computing + waiting),
            }
        }
        Class { users: self.class.users, delay, demands }
    }
}

fn spec_users(clients: &crate::techniques::clients::Clients) -> u32 {
    clients.users.as_ref().map_or(0, |users| users.value)
}

/// Whether the only server of a station is a worker, held while a visit waits.
fn holds(spec: &NodeSpec) -> bool {
    spec.capacity().workers == Some(1)
}

/// How many times longer than written a computation takes alone.
fn slowness(spec: &NodeSpec) -> f64 {
    spec.capacity().cores.map_or(1.0, |cores| (f64::from(replicas(spec)) / cores).max(1.0))
}

fn exact(network: &Network<'_>, users: &[Users], classes: &[Class], stations: &[usize], theory: &mut Theory) {
    let Some(found) = mean_value_analysis(classes) else { return };
    let everything = Part::operation("all");
    let formula = "mean value analysis";
    let mut tell = |part: &Part, quantity, value| theory.tell(part, quantity, formula, Kind::Exact, value);
    for (position, node) in stations.iter().enumerate() {
        let part = Part::node(network.name(*node));
        let busy: f64 =
            classes.iter().zip(&found.throughputs).map(|(class, cycles)| class.demands[position] * cycles).sum();
        let held = holds(network.spec(*node));
        let waits = network.operations.iter().any(|one| one.node == *node && one.work.waiting.mean_s > 0.0);
        if !(held && waits) {
            tell(&part, Quantity::Utilization, busy);
        }
        let mut visits = 0.0;
        for (users, cycles) in users.iter().zip(&found.throughputs) {
            let here = network.operations.iter().zip(&users.flow.rates).filter(|(one, _)| one.node == *node);
            visits += here.map(|(_, visits)| visits * cycles).sum::<f64>();
        }
        let own = network.operations.iter().filter(|one| one.node == *node);
        if own.clone().all(|one| !one.work.calls()) && (held || !waits) {
            tell(&part, Quantity::LatencyMean, found.present[position] / visits);
        }
    }
    let mut names: Vec<&str> =
        users.iter().flat_map(|users| &users.sources).map(|source| source.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let (mut all, mut all_time) = (0.0, 0.0);
    let mut rows = Vec::new();
    for name in &names {
        let (mut rate, mut time) = (0.0, 0.0);
        for ((users, cycles), stretches) in users.iter().zip(&found.throughputs).zip(&found.stretches) {
            let own_s = |one: usize| {
                let operation = &network.operations[one];
                let spec = network.spec(operation.node);
                let (computing, waiting) = (operation.work.computing.mean_s, operation.work.waiting.mean_s);
                Some(match stations.iter().position(|node| *node == operation.node) {
                    Some(station) if holds(spec) => (computing * slowness(spec) + waiting) * stretches[station],
                    Some(station) => computing * slowness(spec) * stretches[station] + waiting,
                    None => computing + waiting,
                })
            };
            let times_s = network.times_s(&own_s);
            for source in users.sources.iter().filter(|source| source.name == *name) {
                let source_rate = cycles * source.rate;
                rate += source_rate;
                time += source_rate * (times_s[source.operation].unwrap_or(f64::NAN) + network.source_delay_s(source));
            }
        }
        all += rate;
        all_time += time;
        rows.push((Part::operation(name), rate, time));
    }
    for (part, rate, time) in
        std::iter::once((everything, all, all_time)).chain(rows.into_iter().filter(|_| names.len() > 1))
    {
        tell(&part, Quantity::Throughput, rate);
        tell(&part, Quantity::LatencyMean, time / rate);
    }
}

/// Tells the asymptotic bounds of the only class of users.
fn bounds(network: &Network<'_>, users: &mut [Users], stations: &[usize], theory: &mut Theory) {
    let [users] = users else { return };
    let specs: Vec<&NodeSpec> = stations.iter().map(|node| network.spec(*node)).collect();
    let is_known = |spec: &&NodeSpec| match spec {
        NodeSpec::Database(database) => database.is_plain(),
        other => matches!(other, NodeSpec::Service(_) | NodeSpec::LoadBalancer(_)),
    };
    if !specs.iter().all(is_known) {
        return;
    }
    // What runs in parallel, or after the reply, does not add up to the time of a cycle.
    let adds_up = network
        .operations
        .iter()
        .zip(&users.flow.rates)
        .all(|(operation, visits)| *visits == 0.0 || operation.work.obstacle.is_none());
    let is_limited = |spec: &&NodeSpec| {
        matches!(spec, NodeSpec::Database(database) if {
            let capacity = database.capacity();
            capacity.workers.unwrap_or(u64::MAX).saturating_add(capacity.waiting) < u64::from(users.class.users)
        }) || matches!(spec, NodeSpec::Service(service) if service.queue.is_some())
    };
    if !adds_up || specs.iter().any(is_limited) {
        return;
    }
    let mut class = users.with_demands(network, &[]);
    let highest_alone = highest_throughput(&class, &[]);
    class.demands = vec![0.0; stations.len()];
    for (operation, visits) in network.operations.iter().zip(&users.flow.rates) {
        if let Some(station) = stations.iter().position(|node| *node == operation.node) {
            class.demands[station] += visits * operation.work.core_s;
        }
    }
    let cores: Vec<f64> = specs.iter().map(|spec| spec.capacity().cores.unwrap_or(f64::INFINITY)).collect();
    class.delay = 0.0;
    let highest = highest_throughput(&Class { users: u32::MAX, ..class }, &cores).min(highest_alone);
    let formula = "asymptotic bounds";
    let everything = Part::operation("all");
    theory.tell(&everything, Quantity::Throughput, formula, Kind::UpperBound, highest);
    let alone = f64::from(users.class.users) / highest_alone - users.class.delay;
    let least = (f64::from(users.class.users) / highest - users.class.delay).max(alone);
    theory.tell(&everything, Quantity::LatencyMean, formula, Kind::LowerBound, least);
}
