//! Whether controllers that act by the clock come to act at all in a study of a given length.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::experiment::pipeline::Horizon;
use crate::experiment::plan::model_file::ModelFile;
use crate::model::{Edit, Model, patch_partly, read};
use crate::techniques::technique::ControllerSpec;
use crate::units::Duration;

/// Warns of what a model does only after the end. What is wrong with it otherwise is told elsewhere.
pub fn check_moments(file: &ModelFile, edits: &[Edit], horizon: &Horizon, diagnostics: &mut Diagnostics) {
    let Horizon::Terminating { duration_ns, .. } = *horizon else { return };
    let document = patch_partly(&file.document, edits, &mut Diagnostics::new());
    let Some(model) = read(&document, &mut Diagnostics::new()) else { return };
    let model: Model = model;
    for (name, controller) in &model.controllers {
        for (moment_ns, span) in controller.moments().into_iter().filter(|(moment_ns, _)| *moment_ns >= duration_ns) {
            let (moment, end) = (Duration { ns: moment_ns }, Duration { ns: duration_ns });
            let title = format!("`{}` acts at {moment}, but the study ends after {end}", **name);
            let diagnostic = Diagnostic::warning("after-the-end", document.place(span), title);
            diagnostics.push(diagnostic.help("write an earlier time, or let the study last longer"));
        }
    }
}
