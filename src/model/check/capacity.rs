//! Arithmetic before any simulation: stations that cannot keep up, and pools that cannot fit.
//!
//! Only lower bounds count (see [`crate::techniques::technique::Demand`]), so a warning here is never a guess.

use petgraph::algo::kosaraju_scc;
use petgraph::visit::EdgeRef;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::model::check::Subject;
use crate::model::check::graph::Graph;
use crate::techniques::technique::{LinkSpec, Role, Spec};

/// Rounds within a circle of calls whose gain is below one; what is then left out only makes the bound lower.
const ROUNDS: usize = 1000;

/// All rules of this file.
pub fn check<N: Spec, L: LinkSpec, K>(
    subject: &Subject<'_, N, L, K>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    let visits = visits(graph);
    let vertices = graph.vertices_of();
    for (index, (name, node)) in subject.architecture.nodes.iter().enumerate() {
        let sum = |seconds: &dyn Fn(usize) -> f64| -> f64 {
            vertices[index].iter().map(|vertex| seconds(vertex.index())).sum()
        };
        let of = |vertex: usize| &graph.operations[petgraph::graph::NodeIndex::new(vertex)];
        let cores = sum(&|vertex| visits[vertex] * of(vertex).core_s);
        let workers = sum(&|vertex| visits[vertex] * of(vertex).held_s);
        let rate = sum(&|vertex| visits[vertex]);
        let capacity = node.capacity();
        let place = subject.place(name.span);
        if let Some(available) = capacity.cores.filter(|available| cores >= *available) {
            let title = format!("`{name}` needs {cores:.2} cores but has {available}");
            let diagnostic = Diagnostic::warning("overloaded-cores", place.clone(), title)
                .label(format!("at least {rate:.1} requests/s arrive here"))
                .help("its queue grows without end: add cores or replicas, or lower the load");
            diagnostics.push(diagnostic);
        }
        if let Some(available) = capacity.workers.filter(|available| workers >= *available as f64) {
            let title = format!("`{name}` needs {workers:.1} workers but has {available}");
            let diagnostic = Diagnostic::warning("overloaded-workers", place, title)
                .label(format!("at least {rate:.1} requests/s hold {:.3} s each", workers / rate))
                .help("by Little's law workers held = rate x time held: add workers or replicas, or lower the load");
            diagnostics.push(diagnostic);
        }
    }
    connections(subject, graph, diagnostics);
}

/// Visits per second of each operation, callers before callees.
fn visits(graph: &Graph<'_>) -> Vec<f64> {
    let mut visits = vec![0.0; graph.operations.node_count()];
    for (vertex, rate) in &graph.offered {
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
fn connections<N: Spec, L: LinkSpec, K>(
    subject: &Subject<'_, N, L, K>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    let nodes = &subject.architecture.nodes;
    for (index, (name, node)) in nodes.iter().enumerate() {
        let Some(limit) = node.capacity().connections else {
            continue;
        };
        let callers = callers(graph, index);
        let workers: Vec<_> = callers
            .iter()
            .filter_map(|caller| nodes.get_index(*caller))
            .map(|(caller, node)| (caller, node.capacity().workers))
            .collect();
        let unlimited = workers.iter().find(|(_, workers)| workers.is_none());
        let total: u64 = workers.iter().filter_map(|(_, workers)| *workers).fold(0, u64::saturating_add);
        let title = match unlimited {
            Some((caller, _)) => {
                format!("`{name}` accepts {limit} connections but `{caller}` may open any number")
            }
            None if total > limit => {
                format!("`{name}` accepts {limit} connections but its callers may open {total}")
            }
            None => continue,
        };
        let mut diagnostic = Diagnostic::warning("too-few-connections", subject.place(name.span), title)
            .label(format!("accepts {limit} connections"))
            .help("lower the callers' workers, put a connection pooler in between, or accept more connections");
        for (caller, workers) in workers.iter().take(5) {
            let count = workers.map_or("any number of".to_owned(), |workers| workers.to_string());
            diagnostic = diagnostic.also(subject.place(caller.span), format!("may open {count} connections"));
        }
        diagnostics.push(diagnostic);
    }
}

/// Servers that call a node, directly or through nodes that only pass requests on.
fn callers(graph: &Graph<'_>, node: usize) -> Vec<usize> {
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
            if passes { seen.push(*from) } else { callers.push(*from) }
        }
    }
    callers
}
