//! Shards: of which nodes there may be any, keys that have none, and shards that are hot before anything has run.

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::names;
use crate::diagnostic::span::Spanned;
use crate::distribution::KeyLaw;
use crate::model::check::directory::Directory;
use crate::model::check::graph::Graph;
use crate::model::check::pools::is_kept_connected;
use crate::model::check::references::{place_of, unknown_node};
use crate::model::check::{Subject, report};
use crate::model::sharding::shard_name;
use crate::techniques::shards::{MOST_SHARDS, Shards};
use crate::techniques::technique::{ControllerSpec, KeySpec, LinkSpec, Mistake, Resharding, Spec};

/// The techniques that may be sharded.
const SHARDABLE: &[&str] = &["Database", "Cache", "Service"];

/// What is asked for by command, with a key of its own.
const CACHE: &str = "Cache";

/// Mistakes: names, kinds, operations, keys without a shard.
pub fn mistakes<N: Spec, L: LinkSpec, K: KeySpec, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    let directory = Directory::of(subject);
    for (name, shards) in &subject.architecture.shards {
        if diagnostics.is_full() {
            return;
        }
        if subject.unread.contains(name.as_str()) {
            continue;
        }
        let before = diagnostics.iter().count();
        for Mistake { span, message, help } in shards.mistakes() {
            let span = if span == Default::default() { name.span } else { span };
            report(subject.place(span), message, Some(help), diagnostics);
        }
        let place = place_of(subject, name, name);
        let Some(offer) = directory.get(name) else {
            let known = directory.iter().filter(|offer| SHARDABLE.contains(&offer.kind)).map(|offer| offer.name);
            diagnostics.push(unknown_node(place, name, &known.collect::<Vec<_>>()));
            continue;
        };
        if !offer.kind.is_empty() && !SHARDABLE.contains(&offer.kind) {
            let title = format!("`{name}` is a {}, which cannot be sharded here", offer.kind);
            let help = format!("shard one of these: {}", SHARDABLE.join(", "));
            diagnostics.push(Diagnostic::error("not-shardable", place, title).help(help));
            continue;
        }
        if is_kept_connected(subject, name) {
            let title = format!("`{name}` is sharded, and connections to it are kept open");
            let help =
                "a router keeps no connections: leave out the pool, the PgBouncer or the Transaction, or the shards";
            diagnostics.push(Diagnostic::error("not-shardable", place, title).help(help));
            continue;
        }
        key(subject, name, shards, offer.kind, diagnostics);
        for operation in shards.scatter.iter().filter(|operation| !offer.has(operation)) {
            let place = place_of(subject, operation, operation);
            let title = format!("node `{name}` has no operation `{}`", operation.value);
            let help = names::help(operation, "it has", offer.operations.iter().copied());
            diagnostics.push(Diagnostic::error("unknown-operation", place, title).help(help));
        }
        let taken = (0..shards.total() as usize).map(|shard| shard_name(name, shard));
        if let Some(taken) = taken.into_iter().find(|shard| directory.get(shard).is_some()) {
            let title = format!("a node is named `{taken}`, as a shard of `{name}` is");
            let diagnostic = Diagnostic::error("ambiguous-name", place.clone(), title);
            diagnostics.push(diagnostic.help("give that node another name"));
        }
        if diagnostics.iter().count() == before {
            gap(subject, name, shards, diagnostics);
        }
    }
    targets(subject, diagnostics);
    reshardings(subject, &directory, diagnostics);
}

/// A key space to shard by: of a cache, each command names its own.
fn key<N: Spec, L: LinkSpec, K: KeySpec, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    name: &Spanned<String>,
    shards: &Shards,
    kind: &str,
    diagnostics: &mut Diagnostics,
) {
    match &shards.key {
        Some(key) if kind == CACHE => {
            let title = format!("`{name}` is a cache: each of its commands has a key of its own");
            let diagnostic = Diagnostic::error("invalid-value", subject.place(key.span), title);
            diagnostics.push(diagnostic.help("leave `key` out"));
        }
        None if kind != CACHE => {
            let title = format!("nothing says by which key `{name}` is sharded");
            let known: Vec<_> = subject.architecture.keys.keys().map(|key| key.as_str()).collect();
            let help = match known.first() {
                Some(first) => format!("add key: \"{first}\"; key spaces: {}", names::list(known.iter().copied())),
                None => "add key: \"user\", and keys: { \"user\": Zipf(count: 10_000, exponent: 0.9) } at the top"
                    .to_owned(),
            };
            diagnostics.push(Diagnostic::error("missing-field", subject.place(name.span), title).help(help));
        }
        _ => {}
    }
}

/// Keys that have no shard.
fn gap<N: Spec, L: LinkSpec, K: KeySpec, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    name: &Spanned<String>,
    shards: &Shards,
    diagnostics: &mut Diagnostics,
) {
    // Whoever asks a cache, any of the key spaces may come.
    let spaces = subject.architecture.keys.iter();
    let spaces = spaces.filter(|(space, _)| shards.key.as_ref().is_none_or(|key| key.value == space.value));
    for (space, law) in spaces {
        let Some(law) = law.law() else { continue };
        let Some((first, last)) = shards.gap(law.count()) else { continue };
        let which = if first == last { format!("{first} has") } else { format!("{first} to {last} have") };
        let title = format!("keys of `{}` miss their shard: {which} none in `{name}`", space.value);
        let span = shards.placement.as_ref().map_or(shards.count.span, |placement| placement.span);
        let diagnostic = Diagnostic::error("key-without-shard", subject.place(span), title)
            .help(format!("the key space has {} keys, numbered from 0: cover all of them", law.count()));
        diagnostics.push(diagnostic.also(subject.place(space.span), format!("{} keys", law.count())));
        return;
    }
}

/// Controllers whose target is sharded: none of them knows shards.
fn targets<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    for (controller, spec) in subject.controllers() {
        for target in spec.targets() {
            if subject.architecture.shards.contains_key(target.as_str()) {
                let place = place_of(subject, target, target);
                let title = format!("`{target}` is sharded, and `{controller}` does not know its shards");
                let help =
                    "the replicas of each shard are those that are written: leave out the controller, or the shards";
                diagnostics.push(Diagnostic::error("sharded-target", place, title).help(help));
            }
        }
    }
}

/// What gets other shards must be sharded, in a way that knows how to place keys over more of them.
fn reshardings<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    directory: &Directory<'_>,
    diagnostics: &mut Diagnostics,
) {
    let mut seen = Vec::new();
    for (name, resharding) in subject.controllers().filter_map(|(name, one)| Some((name, one.reshards()?))) {
        let Resharding { target, to, operations, movement } = resharding;
        let place = place_of(subject, target, target);
        let Some(offer) = directory.get(target) else { continue };
        let mut report = |place, title: String, help: &str| {
            diagnostics.push(Diagnostic::error("cannot-reshard", place, title).help(help.to_owned()));
        };
        let Some(shards) = subject.architecture.shards.get(target.as_str()) else {
            let title = format!("`{}` has no shards", target.value);
            report(place, title, "add it under shards, or reshard a node that stands there");
            continue;
        };
        let count = shards.count.value;
        let most = MOST_SHARDS - shards.total().saturating_sub(count).min(MOST_SHARDS - 1);
        if offer.kind == CACHE {
            let title = format!("`{}` is a cache, whose entries are not moved", target.value);
            report(place.clone(), title, "give it the other number of shards: what has moved is missed once");
        }
        if shards.placement.as_ref().is_some_and(|placement| placement.names_shards().is_some()) {
            let title = format!("the placement of `{}` names its shards one by one", target.value);
            report(
                place.clone(),
                title,
                "only placements that count shards, such as a ring, know what to do with more",
            );
        }
        if movement.to == count || !(1..=most).contains(&movement.to) {
            let title =
                format!("`{}` has {count} shards, so it can get 1 to {most}, not {}", target.value, movement.to);
            report(subject.place(to), title, "write another number");
        }
        for operation in operations.iter().filter(|operation| !offer.has(operation)) {
            let title = format!("node `{}` has no operation `{}`", target.value, operation.value);
            let help = names::help(operation, "it has", offer.operations.iter().copied());
            report(place_of(subject, operation, operation), title, &help);
        }
        if seen.contains(&target.value.as_str()) {
            let title = format!("`{}` reshards `{}` once more", name.value, target.value);
            report(place, title, "one move is all that a run can hold: leave one of them out");
        }
        seen.push(target.value.as_str());
    }
}

/// Shards that get no key at all, and shards that get more than they can do. Nothing is simulated for that: the popularity
/// of the keys and their placement say how much goes where.
pub fn doubts<N: Spec, L: LinkSpec, K: KeySpec, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    graph: &Graph<'_>,
    visits: &[f64],
    diagnostics: &mut Diagnostics,
) {
    let vertices = graph.vertices_of();
    for (name, shards) in &subject.architecture.shards {
        let node = subject.architecture.nodes.get_full(name.as_str());
        let law = shards.key.as_ref().and_then(|key| subject.architecture.keys.get(key.as_str())?.law());
        let (Some((index, _, node)), Some(law)) = (node, law) else { continue };
        let shares = shards.shares(law);
        empty(subject, name, shards, &shares, law, diagnostics);
        let hottest = shares.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
        let Some((hottest, share)) = hottest else { continue };
        // What each shard computes per second: its share of what is asked by key, and all that is asked of all.
        let cores: f64 = vertices[index]
            .iter()
            .map(|vertex| {
                let operation = &graph.operations[*vertex].operation;
                let part = if shards.is_scattered(operation) { 1.0 } else { *share };
                visits[vertex.index()] * node.demand(operation).core_s * part
            })
            .sum();
        let Some(available) = node.capacity().cores.filter(|available| cores >= *available) else { continue };
        let mean = 1.0 / f64::from(shards.total());
        let title = format!("`{}` is hot: it needs {cores:.2} cores but has {available}", shard_name(name, hottest));
        let label =
            format!("{:.1}% of the keyed requests are for its keys, {:.1} times the mean", 100.0 * share, share / mean);
        let help = "no number of shards divides a key: give heavy keys dedicated shards, or place them otherwise";
        let help = if *share > 1.5 * mean {
            help
        } else {
            "its queue grows as long as there is room: add shards or cores, or lower the load"
        };
        let diagnostic = Diagnostic::warning("hot-shard", subject.place(name.span), title).label(label).help(help);
        diagnostics.push(diagnostic);
    }
}

/// Shards to which no key belongs.
fn empty<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    name: &Spanned<String>,
    shards: &Shards,
    shares: &[f64],
    law: &KeyLaw,
    diagnostics: &mut Diagnostics,
) {
    let idle = shares.iter().filter(|share| **share == 0.0).count();
    let Some(first) = shares.iter().position(|share| *share == 0.0) else { return };
    let others = if idle > 1 { format!(" and {} others", idle - 1) } else { String::new() };
    let title = format!("no key belongs to `{}`{others}", shard_name(name, first));
    let diagnostic = Diagnostic::warning("empty-shard", subject.place(shards.count.span), title).help(format!(
        "there are {} keys: take fewer shards, or let the placement name keys that are there",
        law.count()
    ));
    diagnostics.push(diagnostic);
}
