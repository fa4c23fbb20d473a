//! What can be varied: a law of times, or a number.

use crate::diagnostic::outline::Outline;
use crate::diagnostic::span::{Span, options};
use crate::distribution::Distribution;
use crate::model::number::Number;
use crate::model::path::{index_of, key_name, passes};

/// Something that a factor or another value can be put to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    Law,
    Number(Number),
}

/// What an entry holds, and where it stands: its value, or the only argument of it as in `Compute(Exponential("4ms"))`.
pub(super) fn quantity(text: &str, outline: &Outline, entry: usize) -> Option<(Quantity, Span)> {
    let mut entry = entry;
    loop {
        let span = outline.entries[entry].value;
        let value = text.get(span.start..span.end)?;
        if law(value).is_some() {
            return Some((Quantity::Law, span));
        }
        if let Some(number) = Number::read(value) {
            return Some((Quantity::Number(number), span));
        }
        let group = &outline.groups[outline.value_group(entry)?];
        match group.entries.as_slice() {
            [only] if group.bracket == '(' && outline.entries[*only].key.is_none() => entry = *only,
            _ => return None,
        }
    }
}

/// The law that a text is, if it is one.
pub(super) fn law(text: &str) -> Option<Distribution> {
    // Other techniques, steps and numbers are told apart by their first word, before anything else is read.
    let is_like_one = text.starts_with(|first: char| first.is_ascii_uppercase()) && text.ends_with(')');
    is_like_one.then(|| options().from_str(text).ok()).flatten()
}

/// The path that leads to an entry, in one spelling whoever asks.
pub(super) fn path_of(text: &str, outline: &Outline, entry: usize) -> String {
    let mut segments = Vec::new();
    let mut next = Some(entry);
    while let Some(entry) = next {
        next = outline.parent(entry);
        // The architecture itself has no name, and a lone argument goes by what it is the argument of.
        if next.is_none() || passes(outline, entry) {
            continue;
        }
        segments.push(match outline.entries[entry].key {
            Some(key) => quoted(key_name(&text[key.start..key.end])),
            None => index_of(outline, entry).to_string(),
        });
    }
    segments.reverse();
    segments.join(".")
}

fn quoted(name: String) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::outline::outline;
    use crate::model::path::{Target, follow};

    const MODEL: &str = r#"Architecture(nodes: {
        "web.v2": Service(operations: { "page": [
            Call("db.read"),
            Compute(LogNormal(mean: "5ms", cv: 1)),
            Choose([(0.7, [ Wait(Exponential("1ms")) ]), (0.3, [ Fail("1%") ])]),
        ] }),
    }, links: { "web.v2 -> db": Link(latency: Constant("1ms"), timeout: "2s") })"#;

    #[test]
    fn paths_lead_to_laws_and_numbers_and_back() {
        let outline = outline(MODEL).expect("brackets match");
        let cases = [
            ("nodes.web.v2.operations.page.1", "nodes.\"web.v2\".operations.page.1", "LogNormal(mean: \"5ms\", cv: 1)"),
            ("nodes.web.v2.operations.page.1.mean", "nodes.\"web.v2\".operations.page.1.mean", "\"5ms\""),
            (
                "nodes.web.v2.operations.page.2.0.1.0",
                "nodes.\"web.v2\".operations.page.2.0.1.0",
                "Exponential(\"1ms\")",
            ),
            ("nodes.web.v2.operations.page.2.1.1.0", "nodes.\"web.v2\".operations.page.2.1.1.0", "\"1%\""),
            ("links.web.v2->db.latency", "links.\"web.v2 -> db\".latency", "Constant(\"1ms\")"),
            ("links.web.v2 -> db.timeout", "links.\"web.v2 -> db\".timeout", "\"2s\""),
        ];
        for (path, spelling, held) in cases {
            let Ok(Target::Entry(entry)) = follow(MODEL, &outline, path) else { panic!("{path} leads nowhere") };
            let (_, span) = quantity(MODEL, &outline, entry).unwrap_or_else(|| panic!("{path} holds nothing"));
            assert_eq!(&MODEL[span.start..span.end], held);
            assert_eq!(path_of(MODEL, &outline, entry), spelling);
            assert_eq!(follow(MODEL, &outline, spelling), Ok(Target::Entry(entry)), "{spelling}");
        }
        for path in ["nodes.web.v2", "nodes.web.v2.operations", "nodes.web.v2.operations.page.0"] {
            let Ok(Target::Entry(entry)) = follow(MODEL, &outline, path) else { panic!("{path} leads nowhere") };
            assert_eq!(quantity(MODEL, &outline, entry), None, "{path}");
        }
    }
}
