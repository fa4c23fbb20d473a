//! Arithmetic before any simulation: stations that cannot keep up, and pools that cannot fit.
//!
//! Only lower bounds count (see [`crate::techniques::technique::Demand`]), as long as calls succeed and nobody is turned away
//! on the way: what sheds load, or fails often, spares what lies behind it.

use std::fmt;

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use petgraph::visit::EdgeRef;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::model::check::Subject;
use crate::model::check::graph::Graph;
use crate::model::check::shards;
use crate::techniques::technique::{Capacity, ControllerSpec, KeySpec, LinkSpec, Role, Spec};

/// Rounds within a circle of calls whose gain is below one; what is then left out only makes the bound lower.
const ROUNDS: usize = 1000;

/// All rules of this file.
pub fn check<N: Spec, L: LinkSpec, K: KeySpec, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    let visits = visits(graph);
    let held_s = held_s(subject, graph);
    let vertices = graph.vertices_of();
    for (index, (name, node)) in subject.architecture.nodes.iter().enumerate() {
        let sum = |seconds: &dyn Fn(usize) -> f64| -> f64 {
            vertices[index].iter().map(|vertex| seconds(vertex.index())).sum()
        };
        let of = |vertex: usize| &graph.operations[petgraph::graph::NodeIndex::new(vertex)];
        let cores = sum(&|vertex| visits[vertex] * of(vertex).core_s);
        let workers = sum(&|vertex| visits[vertex] * held_s[vertex]);
        let rate = sum(&|vertex| visits[vertex]);
        let (capacity, _) = at_most(subject, name, &node.value);
        let place = subject.place(name.span);
        if let Some(available) = capacity.cores.filter(|available| cores >= *available) {
            let title = format!("`{name}` needs {cores:.2} cores but has {available}");
            let diagnostic = Diagnostic::warning("overloaded-cores", place.clone(), title)
                .label(format!("at least {rate:.1} requests/s arrive here"))
                .help("its queue grows as long as there is room: add cores or replicas, or lower the load");
            diagnostics.push(diagnostic);
        }
        if let Some(available) = capacity.workers.filter(|available| workers >= *available as f64) {
            let worker = capacity.worker;
            let title = format!("`{name}` needs {workers:.1} {worker}s but has {available}");
            let help = format!(
                "by Little's law {worker}s held = rate x time held, waiting for calls included: add {worker}s, shorten what \
                 is waited for, or lower the load"
            );
            let diagnostic = Diagnostic::warning("overloaded-workers", place, title)
                .label(format!("at least {rate:.1} requests/s hold one for {:.3} s each", workers / rate))
                .help(help);
            diagnostics.push(diagnostic);
        }
    }
    shards::doubts(subject, graph, &visits, diagnostics);
    wires(subject, graph, &visits, diagnostics);
    connections(subject, graph, diagnostics);
}

/// What a node has when its controller, if it has one, has given it the most replicas it may, and how many that is.
pub(super) fn at_most<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    name: &str,
    node: &N,
) -> (Capacity, Option<Most>) {
    let capacity = node.capacity();
    let shards = subject.architecture.shards.get(name).map_or(1, |shards| shards.total());
    let capacity = Capacity {
        cores: capacity.cores.map(|cores| cores * f64::from(shards)),
        workers: capacity.workers.map(|workers| workers.saturating_mul(shards.into())),
        ..capacity
    };
    let mine = subject.controllers_of(name).filter_map(|(_, one)| {
        Some(Most { replicas: one.most_replicas()?, field: one.bounds().map(|bounds| bounds.most.field) })
    });
    let Some(most) = mine.max_by_key(|most| most.replicas) else { return (capacity, None) };
    // A database's writer is there in any case, and not counted.
    let beside = node.servers() - node.counted();
    let times = f64::from(most.replicas.saturating_add(beside)) / f64::from(node.servers().max(1));
    let scaled = Capacity {
        cores: capacity.cores.map(|cores| cores * times),
        workers: capacity.workers.map(|workers| (workers as f64 * times).round() as u64),
        ..capacity
    };
    (scaled, Some(most))
}

/// The most replicas that a controller gives a node, and the field that says so if there is one.
pub(super) struct Most {
    replicas: u32,
    field: Option<&'static str>,
}

impl fmt::Display for Most {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(formatter, "at `{field}` {}", self.replicas),
            None => write!(formatter, "with {} replicas", self.replicas),
        }
    }
}

/// Seconds for which a visit to each operation holds a worker: its own, and those of the calls that it waits for. Calls in
/// a circle, calls that the caller may give up and what happens after an early reply are left out, so this is a lower
/// bound.
fn held_s<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
) -> Vec<f64> {
    let mut held_s: Vec<f64> = graph.operations.node_weights().map(|vertex| vertex.held_s).collect();
    // Callees before callers.
    for component in kosaraju_scc(&graph.operations) {
        let calls = component.iter().flat_map(|vertex| graph.operations.edges(*vertex));
        for call in calls.filter(|call| call.weight().is_awaited && !component.contains(&call.target())) {
            let link = call.weight().link.and_then(|position| subject.architecture.links.get_index(position));
            if link.is_some_and(|(_, link)| link.gives_up()) {
                continue;
            }
            let way_s = link.map_or(0.0, |(_, link)| link.delay_s());
            let callee_s = if graph.operations[call.target()].is_awaited { held_s[call.target().index()] } else { 0.0 };
            held_s[call.source().index()] += call.weight().times * (way_s + callee_s);
        }
    }
    held_s
}

/// Links whose wire cannot carry what is sent over it.
fn wires<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    visits: &[f64],
    diagnostics: &mut Diagnostics,
) {
    for (position, (name, link)) in subject.architecture.links.iter().enumerate() {
        let over = graph.operations.edge_references().filter(|call| call.weight().link == Some(position));
        let rate: f64 = over.map(|call| visits[call.source().index()] * call.weight().times).sum();
        // What clients send themselves is no call of an operation.
        let sent = graph.offered.iter().filter(|(_, _, link)| *link == Some(position)).map(|(_, rate, _)| rate);
        let rate = rate + sent.sum::<f64>();
        let utilization = rate * link.wire_s();
        if utilization >= 1.0 {
            let title = format!("`{name}` needs {:.0}% of its bandwidth", 100.0 * utilization);
            let diagnostic = Diagnostic::warning("overloaded-link", subject.place(name.span), title)
                .label(format!("at least {rate:.1} calls/s pass here"))
                .help("its queue grows as long as there is room: widen the link, send less, or lower the load");
            diagnostics.push(diagnostic);
        }
    }
}

/// Visits per second of each operation, callers before callees.
fn visits(graph: &Graph<'_>) -> Vec<f64> {
    let mut visits = vec![0.0; graph.operations.node_count()];
    for (vertex, rate, _) in &graph.offered {
        visits[vertex.index()] += rate;
    }
    for component in kosaraju_scc(&graph.operations).into_iter().rev() {
        // New visits go round the circle, fewer each time, and leave it on the way.
        let mut fresh: Vec<_> = component.iter().map(|vertex| (*vertex, visits[vertex.index()])).collect();
        for _ in 0..ROUNDS {
            let mut inside = std::collections::BTreeMap::new();
            for (vertex, rate) in fresh.into_iter().filter(|(_, rate)| *rate > 0.0) {
                for edge in graph.operations.edges(vertex) {
                    let caused = rate * edge.weight().times;
                    visits[edge.target().index()] += caused;
                    if component.len() > 1 || edge.target() == vertex {
                        *inside.entry(edge.target()).or_insert(0.0) += caused;
                    }
                }
            }
            inside.retain(|vertex, rate| *rate > 1e-9 && component.contains(vertex));
            if inside.is_empty() {
                break;
            }
            fresh = inside.into_iter().collect();
        }
    }
    visits
}

/// Nodes that accept fewer connections than their callers can open.
fn connections<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    let nodes = &subject.architecture.nodes;
    let most = most_at_once(subject, graph);
    for (index, (name, node)) in nodes.iter().enumerate() {
        let capacity = node.capacity();
        let Some(limit) = capacity.connections else {
            continue;
        };
        let callers = callers(subject, graph, index).into_iter();
        let opened =
            |caller| Some(opened(subject, graph, caller, index, most[caller])).filter(|_| caller < nodes.len());
        let opened: Vec<_> = callers.filter_map(|caller| Some((nodes.get_index(caller)?.0, opened(caller)?))).collect();
        // Nobody waits to connect: the room is for queries.
        let is_pooled = opened.iter().any(|(_, count)| matches!(count, Some((_, true))));
        let capacity = Capacity { waiting: if is_pooled { 0 } else { capacity.waiting }, ..capacity };
        let workers: Vec<_> = opened.iter().map(|(caller, count)| (*caller, count.map(|(count, _)| count))).collect();
        // However many come, those that find room to wait are not turned away.
        let unlimited = workers.iter().find(|(_, workers)| workers.is_none()).filter(|_| capacity.waiting == 0);
        let total: u64 = workers.iter().filter_map(|(_, workers)| *workers).fold(0, u64::saturating_add);
        let title = match unlimited {
            Some((caller, _)) => {
                format!("`{name}` accepts {limit} connections but `{caller}` may open any number")
            }
            None if total > limit.saturating_add(capacity.waiting) => {
                format!("`{name}` accepts {limit} connections but its callers may open {total}")
            }
            None => continue,
        };
        let mut diagnostic = Diagnostic::warning("too-few-connections", subject.place(name.span), title)
            .label(format!("accepts {limit} connections"))
            .help(match is_pooled {
                false => "lower the callers' workers, let connections wait in a queue, or accept more of them",
                true => "let the callers' pools be smaller, put a PgBouncer in between, or accept more connections",
            });
        for ((caller, workers), (_, count_of)) in workers.iter().zip(&opened).take(5) {
            let count = workers.map_or("any number of".to_owned(), |workers| workers.to_string());
            let scaled = nodes.get(caller.as_str()).map(|node| at_most(subject, caller, node));
            let is_pool = matches!(count_of, Some((_, true)));
            let most = scaled.filter(|(scaled, _)| is_pool || scaled.workers == *workers).and_then(|(_, most)| most);
            let when = most.filter(|_| workers.is_some()).map_or(String::new(), |most| format!(" {most}"));
            diagnostic = diagnostic.also(subject.place(caller.span), format!("may open {count} connections{when}"));
        }
        diagnostics.push(diagnostic);
    }
}

/// How many connections a caller of a node may have open at once, and whether it keeps them; `in_service` is how many
/// requests it has. None where that is any number.
pub(super) fn opened<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    caller: usize,
    callee: usize,
    in_service: Option<u64>,
) -> Option<(u64, bool)> {
    let (name, node) = subject.architecture.nodes.get_index(caller)?;
    if let Some(pool) = node.connections().pool {
        return Some((pool.most, true));
    }
    let link = graph.links.get(&(caller, callee)).and_then(|position| subject.architecture.links.get_index(*position));
    let Some(pool) = link.and_then(|(_, link)| link.pool()) else { return in_service.map(|count| (count, false)) };
    let replicas = u64::from(node.replicas().count.max(1));
    let most = at_most(subject, name, &node.value).1.map_or(0, |most| u64::from(most.replicas)).max(replicas);
    // So many are idle beside those in use.
    let kept = in_service.map_or(u64::MAX, |count| count.saturating_add(pool.least.saturating_mul(most)));
    Some((pool.most.saturating_mul(most).min(kept), true))
}

/// Servers that call a node, directly or through nodes that only pass requests on, however many.
fn callers<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    node: usize,
) -> Vec<usize> {
    let mut seen = vec![node];
    let mut callers = Vec::new();
    let mut next = 0;
    while let Some(callee) = seen.get(next).copied() {
        next += 1;
        for (from, _) in graph.neighbors.iter().filter(|(_, to)| *to == callee) {
            if graph.roles[*from] != Role::Server || seen.contains(from) || callers.contains(from) {
                continue;
            }
            let passes = graph.directory.iter().nth(*from).is_some_and(|offer| offer.passes_to.is_some());
            let spec = subject.architecture.nodes.get_index(*from).map(|(_, spec)| spec);
            let is_open = passes && spec.is_some_and(|spec| spec.capacity().workers.is_none());
            if is_open { seen.push(*from) } else { callers.push(*from) }
        }
    }
    callers
}

/// The most requests that can be in service at each node at once: as many as it has workers, and no more than its callers
/// can send it. None where that is any number.
fn most_at_once<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
) -> Vec<Option<u64>> {
    let specs: Vec<&N> = subject.architecture.nodes.values().map(|node| &node.value).collect();
    let mut nodes = DiGraph::<(), ()>::new();
    let indices: Vec<_> = specs.iter().map(|_| nodes.add_node(())).collect();
    for (from, to) in &graph.neighbors {
        nodes.add_edge(indices[*from], indices[*to], ());
    }
    // Replicas that are written are there at first, even where they are more than a controller allows.
    let of_all = subject.architecture.nodes.iter();
    let of_all = of_all.map(|(name, node)| at_most(subject, name, &node.value).0.workers.max(node.capacity().workers));
    let mut most: Vec<Option<u64>> = of_all.collect();
    // Callers before callees. Who stands in a circle sends to itself, and a queue's consumers work whether anybody waits
    // for them or not.
    for component in kosaraju_scc(&nodes).into_iter().rev() {
        let [vertex] = *component.as_slice() else { continue };
        let index = vertex.index();
        if graph.roles[index] == Role::Client {
            most[index] = Some(u64::from(specs[index].population())).filter(|users| *users > 0);
        } else if !specs[index].decouples() && !graph.neighbors.contains(&(index, index)) {
            let mut callers = nodes.neighbors_directed(vertex, Direction::Incoming);
            let sent = callers.try_fold(0u64, |sum, caller| Some(sum.saturating_add(most[caller.index()]?)));
            most[index] = match (most[index], sent) {
                (Some(own), Some(sent)) => Some(own.min(sent)),
                (own, sent) => own.or(sent),
            };
        }
    }
    most
}
