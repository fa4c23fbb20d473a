//! Whatever is written in a model, reading it ends soon and with a message, never with a panic.

use forescale::controllers::AnyController;
use forescale::diagnostic::report::{Style, json, text};
use forescale::diagnostic::span::work;
use forescale::diagnostic::{Diagnostics, Document};
use forescale::distribution::KeyLaw;
use forescale::model::{Edit, patch, read};
use forescale::techniques::NodeSpec;
use forescale::techniques::link::Link;
use proptest::prelude::*;

const MODEL: &str = include_str!("valid/shop.ron");

/// Pieces that mutations insert: what the grammar cares about, and what it should not meet.
const PIECES: [&str; 24] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "'",
    "/*",
    "*/",
    "//",
    "r#\"",
    "-1",
    "1e999",
    "ü",
    "\u{2028}",
    "\\",
    "Service(",
    "\"web.read\"",
    "..",
    "#![enable(implicit_some)]",
    "\0",
];

#[derive(Clone, Debug)]
enum Mutation {
    Insert(usize, usize),
    Delete(usize, usize),
    Copy(usize, usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..MODEL.len();
    prop_oneof![
        (at.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (at.clone(), 1..30_usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        (at.clone(), 1..200_usize, at).prop_map(|(from, length, to)| Mutation::Copy(from, length, to)),
    ]
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn mutated(mutations: &[Mutation]) -> String {
    let mut text = MODEL.to_owned();
    for mutation in mutations {
        match *mutation {
            Mutation::Insert(at, piece) => text.insert_str(boundary(&text, at), PIECES[piece]),
            Mutation::Delete(at, length) => {
                let (start, end) = (boundary(&text, at), boundary(&text, at + length));
                text.replace_range(start..end, "");
            }
            Mutation::Copy(from, length, to) => {
                let piece = text[boundary(&text, from)..boundary(&text, from + length)].to_owned();
                text.insert_str(boundary(&text, to), &piece);
            }
        }
    }
    text
}

/// Reads, renders, and holds what every reading must: refused if and only if an error was reported.
fn read_and_render(content: &str) {
    let document = Document::new("mutated.ron", content);
    let mut diagnostics = Diagnostics::new();
    let architecture = read::<NodeSpec, Link, KeyLaw, AnyController>(&document, &mut diagnostics);
    assert_eq!(architecture.is_some(), !diagnostics.has_errors(), "{content}");
    let rendered = text(&diagnostics, Style { width: 80, color: true });
    assert_eq!(rendered.is_empty(), diagnostics.is_empty());
    assert!(json(&diagnostics).is_array());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_models_are_read_or_explained(mutations in prop::collection::vec(mutation(), 1..6)) {
        read_and_render(&mutated(&mutations));
    }

    #[test]
    fn arbitrary_text_is_explained(content in "\\PC{0,200}") {
        read_and_render(&content);
    }

    #[test]
    fn arbitrary_edits_are_made_or_explained(path in "[a-z\\.\"\\[\\]0-9 >-]{0,30}", value in "\\PC{0,12}") {
        let edits = [
            Edit::from_argument("--set", &format!("{path}={value}")),
            Edit::from_argument("--set", &format!("nodes.web.{path}={value}")),
        ];
        for edit in edits.into_iter().flatten() {
            match patch(&Document::new("shop.ron", MODEL), &[edit]) {
                Ok(document) => {
                    let mut diagnostics = Diagnostics::new();
                    drop(read::<NodeSpec, Link, KeyLaw, AnyController>(&document, &mut diagnostics));
                    text(&diagnostics, Style::default());
                }
                Err(diagnostics) => prop_assert!(diagnostics.has_errors()),
            }
        }
    }
}

#[test]
fn the_valid_model_is_valid() {
    let mut diagnostics = Diagnostics::new();
    let architecture =
        read::<NodeSpec, Link, KeyLaw, AnyController>(&Document::new("shop.ron", MODEL), &mut diagnostics);
    assert!(architecture.is_some() && diagnostics.is_empty(), "{}", text(&diagnostics, Style::default()));
}

/// Texts made to cost time, memory or stack. Each must be done with in well under the seconds allowed here, also in a
/// build without optimisation.
#[test]
fn hostile_texts_end_soon() {
    let node = |step: &str| {
        format!("Architecture(name: \"x\", nodes: {{ \"a\": Service(cpu: 1, operations: {{ \"r\": [{step}] }}) }})")
    };
    let nested = |depth: usize| {
        node(&format!("{}Compute(Constant(\"1ms\")){}", "Parallel([[".repeat(depth), "]])".repeat(depth)))
    };
    let many_faults: Vec<_> = (0..20_000).map(|number| format!("\"n{number}\": Service(coers: 1)")).collect();
    let many_names: Vec<_> = (0..3_000).map(|number| format!("Call(\"node_{number}.operation\")")).collect();
    let chain: Vec<_> = (0..4_000)
        .map(|number| {
            format!(
                "\"n{number}\": Service(cpu: 1, operations: {{ \"r\": [Compute(Constant(\"1ms\")), Call(\"n{}.r\")] }})",
                number + 1
            )
        })
        .collect();
    let texts = [
        "(".repeat(100_000),
        "[".repeat(60) + &"]".repeat(60),
        "[{(".repeat(50_000),
        format!("Architecture(name: {})", "Some(".repeat(50_000)),
        "/*".repeat(200_000),
        "\"".repeat(200_001),
        "r#".repeat(100_000) + "\"",
        ",".repeat(1 << 20),
        "a: ".repeat(100_000),
        "x".repeat(5 << 20),
        nested(10),
        nested(19),
        nested(40),
        format!("Architecture(name: \"x\", nodes: {{ {} }})", many_faults.join(", ")),
        node(&many_names.join(", ")),
        format!(
            "Architecture(name: \"x\", nodes: {{ \"c\": Clients(rate: \"1/s\", mix: {{ \"n0.r\": 1 }}), {} }})",
            chain.join(", ")
        ),
    ];
    for content in texts {
        let before = work();
        read_and_render(&content);
        // The reader gives up after 64 MiB of total reading; a retry or two may be on the way then.
        let read = work() - before;
        assert!(
            read < 256 << 20,
            "{read} bytes read for {} bytes: {}",
            content.len(),
            &content[..60.min(content.len())]
        );
    }
}
