//! Whether controllers that act by the clock come to act at all in a study of a given length.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::experiment::pipeline::Horizon;
use crate::experiment::plan::model_file::ModelFile;
use crate::model::{Edit, Model, patch_partly, read};
use crate::techniques::technique::{ControllerSpec, Spec};
use crate::units::Duration;

/// Warns of what a model does only after the end, and of what has no long run. What is wrong with it otherwise is told elsewhere.
pub fn check_moments(file: &ModelFile, edits: &[Edit], horizon: &Horizon, diagnostics: &mut Diagnostics) {
    let document = patch_partly(&file.document, edits, &mut Diagnostics::new());
    let Some(model) = read(&document, &mut Diagnostics::new()) else { return };
    let model: Model = model;
    let of_nodes = model.nodes.iter().flat_map(|(name, node)| node.moments().into_iter().map(move |one| (name, one)));
    let Horizon::Terminating { duration_ns, .. } = *horizon else {
        for (name, (_, does, span)) in of_nodes {
            let title = format!("`{}` {does} once, and the long run of that is nothing", **name);
            let help = "look at a given time: horizon: Terminating(duration: ..), or --duration";
            push(Diagnostic::warning("no-long-run", document.place(span), title).help(help), diagnostics);
        }
        return;
    };
    let of_controllers = model.controllers.iter().flat_map(|(name, controller)| {
        controller.moments().into_iter().map(move |(moment_ns, span)| (name, (moment_ns, "acts", span)))
    });
    for (name, (moment_ns, does, span)) in of_nodes.chain(of_controllers).filter(|(_, (at, ..))| *at >= duration_ns) {
        let (moment, end) = (Duration { ns: moment_ns }, Duration { ns: duration_ns });
        let title = format!("`{}` {does} at {moment}, but the study ends after {end}", **name);
        let help = "write an earlier time, or let the study last longer";
        push(Diagnostic::warning("after-the-end", document.place(span), title).help(help), diagnostics);
    }
}

/// What the model itself says is the same in every variant, and told once.
fn push(diagnostic: Diagnostic, diagnostics: &mut Diagnostics) {
    let is_told = |known: &Diagnostic| {
        let (known_place, place) = (&known.primary.place, &diagnostic.primary.place);
        known.title == diagnostic.title
            && known_place.span == place.span
            && known_place.source.name == place.source.name
    };
    if !diagnostics.iter().any(is_told) {
        diagnostics.push(diagnostic);
    }
}
