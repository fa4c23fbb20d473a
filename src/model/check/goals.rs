//! What controllers hold their targets at: levels that replicas can reach, bounds that fit what is written, and no two
//! controllers against each other.

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::source::Place;
use crate::diagnostic::span::{Span, Spanned};
use crate::model::check::Subject;
use crate::techniques::parts::signal::{Bounds, Goal, Resource, Usage};
use crate::techniques::technique::{ControllerSpec, LinkSpec, Requests, Spec};

/// Levels of a resource that is nowhere used.
pub fn mistakes<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    each(subject, |name, controller, target, node| {
        let Some(Requests { memory_bytes: 0, .. }) = node.requests() else { return };
        // Memory in cores is another mistake.
        let is_of_memory = |goal: &Goal| goal.resource == Resource::Memory && !matches!(goal.level, Usage::Cores(_));
        for goal in controller.goals().into_iter().filter(is_of_memory) {
            let title = format!("`{target}` has no `memory`, so it never uses any");
            let help =
                format!("add memory: Memory(limit: \"512MiB\", base: \"100MiB\") to `{target}`, or write name: Cpu");
            let place = place(subject, name, goal.span);
            diagnostics.push(Diagnostic::error("no-memory", place, title).help(help));
        }
    });
}

/// Levels that are never exceeded, resources that two controllers change, and replicas that are changed at the first look.
pub fn doubts<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    each(subject, |name, controller, target, node| {
        let resizing = subject.controllers_of(target).find(|(_, other)| other.resizes());
        for goal in controller.goals() {
            let place = place(subject, name, goal.span);
            if let Some(diagnostic) = out_of_reach(&goal, target, node, &place) {
                diagnostics.push(diagnostic);
            }
            if let Some((other, _)) = resizing {
                let resource = if goal.resource == Resource::Cpu { "cpu" } else { "memory" };
                let title = format!("`{}` and `{}` both act on the {resource} of `{target}`", **name, **other);
                let help = "Kubernetes does not support this: let one of them look at something else, such as an External \
                            metric, or write update_mode: Off";
                let diagnostic = Diagnostic::warning("same-resource", place, title);
                diagnostics
                    .push(diagnostic.also(subject.place(other.span), "changes what pods request of it").help(help));
            }
        }
        if let Some((title, help)) = controller.bounds().and_then(|bounds| beyond(bounds, node, name, target)) {
            let (place, service) = (place(subject, name, Span::default()), nodes_place(subject, target));
            let diagnostic = Diagnostic::warning("replicas-out-of-bounds", place, title).help(help);
            diagnostics.push(service.into_iter().fold(diagnostic, |one, place| one.also(place, "as it is written")));
        }
    });
}

/// Does something with every controller and each of its targets that could be read.
fn each<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    mut act: impl FnMut(&Spanned<String>, &C, &str, &N),
) {
    for (name, controller) in subject.controllers() {
        for target in controller.targets() {
            let node = subject.architecture.nodes.get(target.as_str());
            if let Some(node) = node.filter(|_| !subject.unread.contains(target.as_str())) {
                act(name, controller, target, node);
            }
        }
    }
}

/// What is not written has the controller's name for its place.
fn place<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    name: &Spanned<String>,
    span: Span,
) -> Place {
    subject.place(if span == Span::default() { name.span } else { span })
}

fn nodes_place<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    node: &str,
) -> Option<Place> {
    subject.architecture.nodes.get_key_value(node).map(|(name, _)| subject.place(name.span))
}

/// A level of cpu that replicas cannot exceed by so much that others are added.
fn out_of_reach<N: Spec>(goal: &Goal, target: &str, node: &N, place: &Place) -> Option<Diagnostic> {
    // What sidecars use has no bound here.
    let requests = node.requests().filter(|requests| requests.cores > 0.0 && node.sidecars().is_empty())?;
    let cores = node.capacity().cores? / f64::from(node.replicas().count.max(1));
    let percent = |share: f64| format!("{}%", (share * 1_000.0).round() / 10.0);
    // Below this level replicas that are fully busy exceed it by more than the tolerance.
    let (level, most, shown, help) = match goal.level {
        Usage::Share(share) => {
            let most = cores / requests.cores;
            let below = (100.0 * most / (1.0 + goal.tolerance)).ceil() - 1.0;
            let shown = format!("{} of what it requests", percent(most));
            let help = format!("write at most Utilization(\"{below}%\"), or a `cpu_request` further below `cpu`");
            (share, most, shown, help)
        }
        Usage::Cores(level) => {
            let below = (100.0 * cores / (1.0 + goal.tolerance)).ceil() - 1.0;
            let help = format!("write at most AverageValue(Cores({})), or more `cpu`", below / 100.0);
            (level, cores, format!("{cores} cores"), help)
        }
        Usage::Bytes(_) => return None,
    };
    if most / level > 1.0 + goal.tolerance + 1e-9 {
        return None;
    }
    let title = format!("`{target}` never uses so much cpu that replicas are added");
    let label = format!("a replica uses at most {shown}, and the tolerance is {}", percent(goal.tolerance));
    Some(Diagnostic::warning("out-of-reach", place.clone(), title).label(label).help(help))
}

/// Replicas that are written and lie beyond what a controller allows.
fn beyond<N: Spec>(bounds: Bounds, node: &N, controller: &str, target: &str) -> Option<(String, String)> {
    let count = node.counted();
    let plural = if count == 1 { "" } else { "s" };
    let (what, bound) = match () {
        () if count > bounds.most.replicas => ("more", bounds.most),
        () if count < bounds.fewest.replicas => ("fewer", bounds.fewest),
        () => return None,
    };
    let title = format!(
        "`{target}` starts with {count} replica{plural}, {what} than the `{}` {} of `{controller}`",
        bound.field, bound.replicas
    );
    let help = format!("write replicas: {} at `{target}`, or another `{}`", bound.replicas, bound.field);
    Some((title, help))
}
