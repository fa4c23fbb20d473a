//! Faults: whether what they do can befall their target at all.

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::names;
use crate::engine::control::{Disturbance, Parts};
use crate::model::check::Subject;
use crate::model::check::references::{article, place_of, unknown_node};
use crate::techniques::technique::{ControllerSpec, Disturbed, Exposure, LinkSpec, Spec};

/// What a fault takes away.
#[derive(Clone, Copy)]
enum Kind {
    Lose,
    LoseZone,
    Slow,
}

impl Kind {
    fn of(disturbance: &Disturbance) -> Self {
        match disturbance {
            Disturbance::Lose { parts: Parts::Zone(_) } => Self::LoseZone,
            Disturbance::Lose { .. } => Self::Lose,
            Disturbance::Slow { .. } => Self::Slow,
        }
    }

    /// Of how many things one can be named.
    fn count(self, exposure: Exposure) -> u32 {
        match self {
            Self::Lose => exposure.losable,
            Self::LoseZone => u32::from(exposure.zones),
            Self::Slow => exposure.slowable,
        }
    }

    fn cannot(self) -> &'static str {
        match self {
            Self::Lose => "has no part that can be lost",
            Self::LoseZone => "cannot lose a zone",
            Self::Slow => "has no part that can be slow",
        }
    }
}

/// The target of every fault is there, and has the parts that are named.
pub fn check<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    diagnostics: &mut Diagnostics,
) {
    for (_, controller) in subject.controllers() {
        if diagnostics.is_full() {
            return;
        }
        let disturbed = controller.disturbs().filter(|it| !subject.unread.contains(it.node.as_str()));
        if let Some(diagnostic) = disturbed.and_then(|disturbed| mistake(subject, &disturbed)) {
            diagnostics.push(diagnostic);
        }
    }
}

fn mistake<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
    subject: &Subject<'_, N, L, K, C>,
    disturbed: &Disturbed<'_>,
) -> Option<Diagnostic> {
    let Disturbed { node: name, span, ref disturbance } = *disturbed;
    let nodes = &subject.architecture.nodes;
    let kind = Kind::of(disturbance);
    let exposed: Vec<&str> =
        nodes.iter().filter(|(_, node)| kind.count(node.exposure()) > 0).map(|(name, _)| name.value.as_str()).collect();
    let place = place_of(subject, name, name);
    let Some(node) = nodes.get(name.as_str()) else { return Some(unknown_node(place, name, &exposed)) };
    let exposure = node.exposure();
    let mut count = kind.count(exposure);
    if count == 0 {
        let title = format!("`{}` is {}, which {}", **name, article(node.kind()), kind.cannot());
        let help = match exposed.as_slice() {
            [] => "no node of this model can be disturbed so".to_owned(),
            exposed => format!("this can befall {}", names::list(exposed.iter().copied())),
        };
        return Some(Diagnostic::error("not-exposed", place, title).help(help));
    }
    let (named, what) = match disturbance {
        Disturbance::Lose { parts: Parts::Zone(zone) } | Disturbance::Slow { parts: Parts::Zone(zone), .. } => {
            (u32::from(*zone), "zone")
        }
        Disturbance::Lose { parts: Parts::Replicas(parts) }
        | Disturbance::Slow { parts: Parts::Replicas(parts), .. } => {
            // A controller may add replicas.
            let most = subject.controllers_of(name).filter_map(|(_, one)| one.most_replicas()).max();
            count = count.max(most.unwrap_or(0));
            (u32::from(parts.iter().copied().max()?), exposure.part)
        }
    };
    if named < count {
        return None;
    }
    let title = format!("`{}` has no {what} {named}", **name);
    let help = match count {
        1 => format!("it has one {what}, number 0"),
        _ => format!("its {count} are numbered from 0 to {}", count - 1),
    };
    Some(Diagnostic::error("unknown-part", subject.place(span), title).help(help))
}
