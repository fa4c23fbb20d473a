//! Retries in front of retries multiply: three attempts on each of three hops are 27 calls at the end.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use petgraph::visit::EdgeRef;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::span::Span;
use crate::model::check::Subject;
use crate::model::check::graph::Graph;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Spec};

/// Attempts on one path from which a warning is due: a short fault is then felt as nine times the load.
const TOO_MANY: f64 = 9.0;

/// What leads to a node at worst: attempts per request, and the last link with retries on the way.
#[derive(Clone, Debug, Default)]
struct Worst {
    attempts: f64,
    links: Vec<usize>,
}

/// Paths on which the attempts of several links multiply to many.
pub fn amplification<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    let links = &subject.architecture.links;
    let decouples: Vec<bool> = subject.architecture.nodes.values().map(|node| node.decouples()).collect();
    let mut nodes = DiGraph::<(), f64>::new();
    let indices: Vec<_> = graph.roles.iter().map(|_| nodes.add_node(())).collect();
    for (from, to) in &graph.neighbors {
        let link = graph.links.get(&(*from, *to)).and_then(|position| links.get_index(*position));
        nodes.add_edge(indices[*from], indices[*to], link.map_or(1.0, |(_, link)| f64::from(link.attempts())));
    }
    let mut worst = vec![Worst { attempts: 1.0, links: Vec::new() }; indices.len()];
    // Callers before callees; within a circle the order is arbitrary and calls back are left out.
    for vertex in kosaraju_scc(&nodes).into_iter().rev().flatten() {
        let mut here = worst[vertex.index()].clone();
        // Whoever hands work to a queue has its answer, and does not try again for what happens behind.
        if decouples.get(vertex.index()).copied().unwrap_or(false) {
            here = Worst { attempts: 1.0, links: Vec::new() };
        }
        for edge in nodes.edges(vertex) {
            let (attempts, next) = (here.attempts * edge.weight(), edge.target().index());
            if attempts <= worst[next].attempts {
                continue;
            }
            let mut path = here.links.clone();
            let link = graph.links.get(&(vertex.index(), next)).filter(|_| *edge.weight() > 1.0);
            path.extend(link);
            // A path is told where its last link with retries ends, once.
            if link.is_some() && path.len() >= 2 && attempts >= TOO_MANY {
                report(subject, attempts, &path, diagnostics);
            }
            worst[next] = Worst { attempts, links: path };
        }
    }
}

fn report<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    attempts: f64,
    path: &[usize],
    diagnostics: &mut Diagnostics,
) {
    let mut links = path.iter().rev().filter_map(|position| subject.architecture.links.get_index(*position));
    let Some((last, link)) = links.next() else {
        return;
    };
    let place = |span: Span| subject.place(span);
    let title = format!("retries multiply: one request may become {attempts:.0} calls over `{last}`");
    let mut diagnostic = Diagnostic::warning("retry-amplification", place(last.span), title)
        .label(format!("up to {} attempts each", link.attempts()))
        .help("retry on one hop only, or lower max_attempts");
    for (name, link) in links.take(5) {
        diagnostic = diagnostic.also(place(name.span), format!("up to {} attempts", link.attempts()));
    }
    diagnostics.push(diagnostic);
}
