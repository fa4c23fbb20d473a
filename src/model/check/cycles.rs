//! Operations that call each other in a circle.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::diagnostic::Place;
use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::model::check::Subject;
use crate::model::check::graph::{Call, Graph, Vertex};
use crate::techniques::technique::{ControllerSpec, LinkSpec, Spec};

/// An error or a warning.
type Level = fn(&'static str, Place, String) -> Diagnostic;

/// Rounds of the power iteration; circles are short, so it settles long before.
const ROUNDS: usize = 200;

/// Circles in which no time passes, and circles in which each visit causes at least one more.
pub fn check<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    diagnostics: &mut Diagnostics,
) {
    let undelayed =
        graph.operations.filter_map(|_, vertex| Some(vertex.clone()), |_, call| (!call.delayed).then_some(*call));
    let help = "break the circle, or let time pass in it: a Compute or Wait before the call, or a latency on the link";
    for circle in circles(&undelayed) {
        let title = format!("{} in no time at all", in_a_circle(graph, &circle));
        report(subject, graph, &circle, (Diagnostic::error, "zero-delay-cycle", title, help), diagnostics);
    }
    if diagnostics.has_errors() {
        return;
    }
    for circle in circles(&graph.operations) {
        let gain = |times: fn(&Call) -> f64| gain(&graph.operations, &circle, times);
        let (certain, likely) = (gain(|call| call.certain_times), gain(|call| call.times));
        if likely >= 1.0 - 1e-9 {
            let is_certain = certain >= 1.0 - 1e-9;
            let condition = if is_certain { "" } else { " if no call fails" };
            let title = format!("{}: each visit causes {likely:.2} more{condition}", in_a_circle(graph, &circle));
            let help = "let fewer than one visit in a circle cause another, or remove a call";
            let level = if is_certain { Diagnostic::error } else { Diagnostic::warning };
            report(subject, graph, &circle, (level, "endless-recursion", title, help), diagnostics);
        }
    }
}

/// Operations that can reach themselves, in groups. Unlike Tarjan's, petgraph's version of Kosaraju's algorithm does not
/// recurse, so that a long chain cannot overflow the stack.
pub fn circles(operations: &DiGraph<Vertex, Call>) -> Vec<Vec<NodeIndex>> {
    let components = kosaraju_scc(operations).into_iter();
    components.filter(|circle| circle.len() > 1 || operations.contains_edge(circle[0], circle[0])).collect()
}

/// The largest eigenvalue of the mean numbers of calls: how many visits one visit causes, once around.
///
/// Iterating on the matrix plus the identity settles where the matrix alone would swing with the circle's period.
fn gain(operations: &DiGraph<Vertex, Call>, circle: &[NodeIndex], times: fn(&Call) -> f64) -> f64 {
    let position = |vertex: NodeIndex| circle.iter().position(|other| *other == vertex);
    let calls: Vec<_> = circle
        .iter()
        .enumerate()
        .flat_map(|(from, vertex)| {
            operations.edges(*vertex).map(move |edge| (from, edge.target(), times(edge.weight())))
        })
        .filter_map(|(from, to, times)| Some((from, position(to)?, times)))
        .collect();
    let mut visits = vec![1.0; circle.len()];
    let mut growth = 0.0;
    for _ in 0..ROUNDS {
        let mut next = visits.clone();
        for (from, to, times) in &calls {
            next[*to] += visits[*from] * times;
        }
        let total: f64 = next.iter().sum();
        growth = total / visits.iter().sum::<f64>();
        visits = next.into_iter().map(|visits| visits / total).collect();
    }
    growth - 1.0
}

fn in_a_circle(graph: &Graph<'_>, circle: &[NodeIndex]) -> String {
    let names: Vec<_> = circle.iter().rev().take(6).map(|vertex| format!("`{}`", graph.name(*vertex))).collect();
    match names.as_slice() {
        [only] => format!("{only} calls itself"),
        _ if circle.len() > names.len() => format!("{} and others call each other in a circle", names.join(", ")),
        _ => format!("{} call each other in a circle", names.join(" and ")),
    }
}

fn report<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    circle: &[NodeIndex],
    (level, code, title, help): (Level, &'static str, String, &str),
    diagnostics: &mut Diagnostics,
) {
    let mut nodes: Vec<_> = circle.iter().map(|vertex| graph.operations[*vertex].node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut spans =
        nodes.into_iter().filter_map(|node| subject.architecture.nodes.get_index(node)).map(|(name, _)| name.span);
    let Some(first) = spans.next() else { return };
    let mut diagnostic = level(code, subject.place(first), title).label("in the circle").help(help);
    for span in spans.take(5) {
        diagnostic = diagnostic.also(subject.place(span), "in the circle");
    }
    diagnostics.push(diagnostic);
}
