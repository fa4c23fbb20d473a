//! A text as a baseline, or what is wrong with it.

use std::path::Path;

use serde_json::Value;

use crate::diagnostic::source::{Position, offset};
use crate::diagnostic::{Diagnostic, Diagnostics, Document, Place, Span};
use crate::experiment::baseline::{BASELINE_SCHEMA, Baseline, DOCUMENT, digest_without_itself};

const TAKE_ANOTHER: &str = "take it from version control again, or save it anew: forescale gate EXPERIMENT --save-baseline \
                            FILE, with the model as it was";

impl Baseline {
    /// Whether a document is meant to be a baseline: a JSON object, which no model is, or what is left of one.
    pub fn is_meant(document: &Document) -> bool {
        document.text().trim_start().starts_with('{')
            || Path::new(document.name()).extension().is_some_and(|it| it == "json")
    }

    /// Whether a text is a baseline, sound or not, of this layout or another.
    pub fn is_marked(text: &str) -> bool {
        serde_json::from_str::<Value>(text).is_ok_and(|value| value["document"] == DOCUMENT)
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// When the document is something else, was damaged, or was made by a newer forescale.
    pub fn read(document: &Document) -> Result<Self, Diagnostics> {
        let (name, whole) = (document.name(), || Place::whole(document.name(), ""));
        let wrong = |place, message: String, help: &str| -> Diagnostics {
            Diagnostic::error("invalid-baseline", place, message).help(help).into()
        };
        let unreadable = |fate: &str, error: serde_json::Error| {
            let position = Position { line: error.line().max(1), column: error.column().max(1) };
            let at = offset(document.text(), position);
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or(&reason);
            let message = format!("the baseline {name} {fate}: {reason}");
            wrong(document.place(Span { start: at, end: at }), message, TAKE_ANOTHER)
        };
        let value: Value = serde_json::from_str(document.text()).map_err(|error| unreadable("is damaged", error))?;
        if value["document"] != DOCUMENT {
            let holds = |key| value.get(key).is_some();
            let what = match () {
                () if holds("variants") || holds("studies") => ": these are results of `forescale run`",
                () if holds("checks") => ": these are the checks of a gate",
                () => "",
            };
            let help = "name a model, or what `forescale gate EXPERIMENT --save-baseline FILE` has written";
            return Err(wrong(whole(), format!("{name} is no baseline{what}"), help));
        }
        if let Some(schema) = value["schema"].as_u64().filter(|schema| *schema > BASELINE_SCHEMA.into()) {
            let message = format!(
                "the baseline {name} has the layout {schema} of a newer forescale; this one knows {BASELINE_SCHEMA}"
            );
            let help = "use that forescale, or save the baseline anew with this one and the model as it was";
            return Err(wrong(whole(), message, help));
        }
        if value["digest"].as_str() != Some(&digest_without_itself(value.clone())) {
            let message = format!("the baseline {name} is damaged: its content is not what was written");
            return Err(wrong(whole(), message, TAKE_ANOTHER));
        }
        let maker =
            format!("of forescale {} cannot be understood by this one", value["version"].as_str().unwrap_or("?"));
        serde_json::from_str(document.text()).map_err(|error| unreadable(&maker, error))
    }
}
