//! Any bytes are read or explained, without a panic and within bounded time.
#![no_main]

use forescale::controllers::AnyController;
use forescale::diagnostic::report::{Style, json, text};
use forescale::diagnostic::{Diagnostics, Document};
use forescale::distribution::KeyLaw;
use forescale::model::read;
use forescale::techniques::NodeSpec;
use forescale::techniques::link::Link;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &str| {
    let mut diagnostics = Diagnostics::new();
    let document = Document::new("fuzz.ron", content);
    let architecture = read::<NodeSpec, Link, KeyLaw, AnyController>(&document, &mut diagnostics);
    assert_eq!(architecture.is_some(), !diagnostics.has_errors());
    text(&diagnostics, Style::default());
    json(&diagnostics);
});
