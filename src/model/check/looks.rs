//! What controllers look at: whether it can ever tell them what they have to know.

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::names;
use crate::model::check::Subject;
use crate::model::check::directory::Directory;
use crate::techniques::parts::signal::{Look, Signal, Tells};
use crate::techniques::technique::{ControllerSpec, LinkSpec, Reference, Spec, Worker};

/// What a controller could look at instead.
const OTHERS: [Signal; 2] = [Signal::RequestsInProgress, Signal::RequestsPerSecond];

/// Controllers that end the last replica for ever, and those that would have to know what nobody has written.
pub fn mistakes<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let directory = Directory::of(subject);
    for (_, controller) in subject.controllers() {
        for target in controller.targets() {
            if let Some(diagnostic) = never_wakes(subject, &directory, controller, target) {
                diagnostics.push(diagnostic);
            }
        }
        if let Some(diagnostic) = foresight(subject, controller) {
            diagnostics.push(diagnostic);
        }
    }
}

/// Signals that say nothing, and those that more replicas cannot move.
pub fn doubts<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let directory = Directory::of(subject);
    for (_, controller) in subject.controllers() {
        for look in controller.looks() {
            let silent = always_zero(subject, &look);
            let targets = controller.targets().into_iter();
            let consumers =
                targets.filter_map(|target| fixed_consumers(subject, &directory, controller, &look, target));
            silent.into_iter().chain(consumers).for_each(|diagnostic| diagnostics.push(diagnostic));
        }
    }
}

/// A target without replicas of which nothing is seen that would bring one back.
fn never_wakes<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    directory: &Directory<'_>,
    controller: &C,
    target: &str,
) -> Option<Diagnostic> {
    let fewest = controller.bounds()?.fewest;
    if fewest.replicas > 0 || directory.get(target).is_none() || subject.unread.contains(target) {
        return None;
    }
    let pulling = pulling(subject, directory, target);
    let is_asleep = |look: &Look<'_>| {
        let Some(node) = subject.architecture.nodes.get(look.node.as_str()) else { return false };
        let is_of_target = directory.provider(look.node).is_some_and(|provider| provider.name == target);
        let is_read = !subject.unread.contains(look.node.as_str());
        is_read
            && match node.tells(look.signal) {
                Tells::Always => is_of_target && pulling.is_some(),
                Tells::WithReplicas => is_of_target,
                Tells::Never => true,
            }
    };
    let looks: Vec<Look<'_>> = controller.looks().into_iter().filter(|look| look.wakes).collect();
    let first = looks.first().filter(|_| looks.iter().all(is_asleep))?;
    let title = format!("without replicas of `{target}`, `{:?}` of `{}` is zero", first.signal, *first.node);
    let keep = format!("or let `{target}` keep a replica (`{}`)", fewest.field);
    let help = match pulling {
        Some(queue) => format!("look at `{queue}`, where messages wait until there is a replica, {keep}"),
        None => format!(
            "write `without_replicas: Hold` at `{target}`, or look at a Queue in front of it, or at RequestsPerSecond, {keep}"
        ),
    };
    let diagnostic = Diagnostic::error("never-wakes", subject.place(first.span), title);
    Some(diagnostic.label("nothing brings the first one back").help(help))
}

/// The queue whose messages wait for ready replicas of the target, if nothing else sends it anything.
fn pulling<'a, N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'a, N, L, K, C>,
    directory: &Directory<'_>,
    target: &str,
) -> Option<&'a str> {
    let nodes = subject.architecture.nodes.iter();
    let mut feeding = nodes.filter(|(_, node)| sends_to(directory, &node.value, target)).peekable();
    let first = feeding.peek().map(|(name, _)| name.value.as_str());
    let all_pull = feeding.all(|(_, node)| node.decouples() && node.watches() == Some(target));
    first.filter(|_| all_pull)
}

/// Whether a node calls operations of the target, directly or by who passes them on.
fn sends_to<N: Spec>(directory: &Directory<'_>, node: &N, target: &str) -> bool {
    node.references().into_iter().any(|reference| {
        let callee = match reference {
            Reference::Operation(name) => directory.split(name).map(|(node, _)| node),
            Reference::Target(name) | Reference::Connection(name) => Some(name.value.as_str()),
            _ => None,
        };
        callee.and_then(|callee| directory.provider(callee)).is_some_and(|provider| provider.name == target)
    })
}

/// An oracle of what is left to chance, or to others.
fn foresight<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    controller: &C,
) -> Option<Diagnostic> {
    let (source, span) = controller.foresees()?;
    let nodes = &subject.architecture.nodes;
    let node = nodes.get(source.as_str()).filter(|_| !subject.unread.contains(source.as_str()))?;
    if node.is_foreseeable() {
        return None;
    }
    let known: Vec<&str> =
        nodes.iter().filter(|(_, node)| node.is_foreseeable()).map(|(name, _)| name.value.as_str()).collect();
    let help = match known.first() {
        Some(clients) => format!("write source: \"{clients}\"; open clients: {}", names::list(known.iter().copied())),
        None => {
            "name Clients with a rate as its source, and arrivals such as Poisson, Stages, Spike or Trace".to_owned()
        }
    };
    let title = format!("an oracle knows the rate of open clients, and not that of `{}`", **source);
    Some(
        Diagnostic::error("unforeseeable", subject.place(span), title)
            .label("when its requests come is written nowhere")
            .help(help),
    )
}

/// A quantity that the node never has.
fn always_zero<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    look: &Look<'_>,
) -> Option<Diagnostic> {
    let node = subject.architecture.nodes.get(look.node.as_str())?;
    if node.tells(look.signal) != Tells::Never {
        return None;
    }
    let title = format!("`{:?}` of `{}` is always zero", look.signal, **look.node);
    let why = match look.signal {
        Signal::QueueLength => "nobody ever waits there".to_owned(),
        _ => format!("a {} tells nothing of it", node.kind()),
    };
    let help = match OTHERS.into_iter().find(|other| node.tells(*other) != Tells::Never) {
        Some(other) => format!("write {other:?}"),
        None => "look at the node that calls it".to_owned(),
    };
    Some(Diagnostic::warning("always-zero", subject.place(look.span), title).label(why).help(help))
}

/// A queue that hands out no more messages at once when its consumer gets replicas.
fn fixed_consumers<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    directory: &Directory<'_>,
    controller: &C,
    look: &Look<'_>,
    target: &str,
) -> Option<Diagnostic> {
    let nodes = &subject.architecture.nodes;
    let (name, queue) = nodes.get_key_value(look.node.as_str())?;
    let service = nodes.get(target).filter(|_| sends_to(directory, &queue.value, target))?;
    let consumers = queue.capacity().workers.filter(|_| queue.capacity().worker == Worker::Consumer)?;
    // What the service can work on at once at most; without limit on workers, as much as it has cores.
    let (capacity, replicas) = (service.capacity(), f64::from(service.replicas().count.max(1)));
    let each = capacity.workers.map_or(capacity.cores.unwrap_or(1.0).ceil(), |workers| workers as f64) / replicas;
    let most = controller.most_replicas()?;
    if consumers as f64 >= each * f64::from(most) {
        return None;
    }
    let plural = if consumers == 1 { "" } else { "s" };
    let title = format!("`{}` has {consumers} consumer{plural}, however many replicas `{target}` has", **name);
    let help = format!(
        "write `prefetch: {}` in place of `consumers`: so many messages at once for each ready replica",
        each.ceil()
    );
    let diagnostic = Diagnostic::warning("fixed-consumers", subject.place(look.span), title);
    Some(diagnostic.also(subject.place(name.span), format!("works on at most {consumers} at once")).help(help))
}
