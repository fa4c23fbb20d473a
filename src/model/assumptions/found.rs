//! All assumptions of a model: those that are written down, and every law of times that is not.

use crate::diagnostic::outline::{Outline, outline};
use crate::diagnostic::span::{Named, Span};
use crate::diagnostic::{Document, Place};
use crate::model::assumptions::quantity::{law, path_of, quantity};
use crate::model::assumptions::{Assumption, Provenance, Quantity, Range, resolve};
use crate::model::path::{Target, descend, follow};
use crate::techniques::technique::{is_from_file, mean_s};

/// Something that a model takes for granted.
#[derive(Clone, Debug)]
pub struct Assumed {
    /// In one spelling, however it was written.
    pub path: String,
    pub provenance: Provenance,
    /// Whether the model says so; what it does not mention is a guess.
    pub is_declared: bool,
    pub quantity: Quantity,
    /// Where it stands in the document.
    pub span: Span,
    pub range: Range,
    /// Where it was declared, or else where it stands.
    pub origin: Place,
}

/// Every assumption of a document that was read without a mistake, in the order of what they are about. None lies within
/// another.
///
/// A law of which a part is declared is not varied as a whole besides: its author has said what is uncertain of it.
pub fn assumptions(document: &Document, declared: &Named<Assumption>) -> Vec<Assumed> {
    let text = document.text();
    let Ok(outline) = outline(text) else { return Vec::new() };
    let resolved = declared.iter().filter_map(|(path, one)| resolve(document, &outline, path, one).ok());
    let mut all: Vec<Assumed> = resolved.map(|one| one.assumed).collect();
    all.sort_by_key(|one| one.span);
    let ends: Vec<Span> = all.iter().map(|one| one.span).collect();
    for (entry, span) in laws(text, &outline) {
        let after = ends.partition_point(|one| one.end <= span.start);
        if ends.get(after).is_some_and(|one| one.start < span.end) {
            continue;
        }
        let (path, origin) = (path_of(text, &outline, entry), document.place(span));
        let provenance = Provenance::Guess;
        let range = Range::Factor { low: 1.0 / provenance.factor(), high: provenance.factor() };
        let quantity = Quantity::Law;
        all.push(Assumed { path, provenance, is_declared: false, quantity, span, range, origin });
    }
    all.sort_by_key(|one| one.span);
    all
}

/// Every law of times in nodes, links and shards that is not within another: the entry that holds it, and where it stands. A law
/// that takes no time cannot be off by a factor.
fn laws(text: &str, outline: &Outline) -> Vec<(usize, Span)> {
    let mut found = Vec::new();
    let roots = ["shards", "links", "nodes"].into_iter().filter_map(|root| match follow(text, outline, root) {
        Ok(Target::Entry(entry)) => Some(entry),
        _ => None,
    });
    let mut stack: Vec<usize> = roots.collect();
    while let Some(entry) = stack.pop() {
        if let Some((Quantity::Law, span)) = quantity(text, outline, entry) {
            let takes_time = |law| is_from_file(&law) || mean_s(&law) > 0.0;
            if law(&text[span.start..span.end]).is_some_and(takes_time) {
                found.push((entry, span));
            }
        } else if let Some(group) = descend(outline, entry) {
            stack.extend(outline.groups[group].entries.iter().rev());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::model::{Model, read};

    fn found(assumptions: &str) -> Vec<(String, Provenance, Range)> {
        let text = format!(
            r#"Architecture(name: "shop", nodes: {{
                "users": Clients(users: 5, think: Exponential("1s"), mix: {{ "web.page": 1 }}),
                "web": Service(operations: {{ "page": [
                    Compute(Mixture([(0.5, Constant("1ms")), (0.5, Exponential("9ms"))])),
                    Repeat(times: 2, steps: [ Wait(Constant("0s")), Call("db.read") ]),
                ] }}),
                "db": Database(cores: 2, contention: 0.01, operations: {{ "read": Read(cpu: Exponential("2ms")) }}),
            }}, links: {{ "web -> db": Link(latency: Constant("1ms"), timeout: "2s") }}, {assumptions})"#
        );
        let (document, mut diagnostics) = (Document::new("shop.ron", text), Diagnostics::new());
        let model: Option<Model> = read(&document, &mut diagnostics);
        let model = model.unwrap_or_else(|| panic!("{diagnostics:?}"));
        let all = super::assumptions(&document, &model.assumptions);
        all.into_iter().map(|one| (one.path, one.provenance, one.range)).collect()
    }

    #[test]
    fn every_law_that_takes_time_is_a_guess_unless_it_is_declared() {
        let paths = |found: Vec<(String, Provenance, Range)>| found.into_iter().map(|one| one.0).collect::<Vec<_>>();
        let all = [
            "nodes.users.think",
            "nodes.web.operations.page.0",
            "nodes.db.operations.read.cpu",
            "links.web -> db.latency",
        ];
        assert_eq!(paths(found("")), all);
        let declared = found("assumptions: { \"nodes.users.think\": Measured, \"nodes.db.contention\": Guess }");
        assert_eq!(declared[0].1, Provenance::Measured);
        assert_eq!(declared.len(), 5);
        assert_eq!((declared[2].0.as_str(), declared[2].1), ("nodes.db.contention", Provenance::Guess));
        assert_eq!(declared[2].2, Range::Factor { low: 0.5, high: 2.0 });
    }

    #[test]
    fn a_part_that_is_declared_stands_for_its_law() {
        let found = found(
            "assumptions: { \"nodes.web.operations.page.0.1.1\": Vendor(factor: (0.5, 4)), \
             \"links.web -> db.timeout\": Guess(between: (\"1s\", \"4s\")) }",
        );
        assert_eq!(found[1].0, "nodes.web.operations.page.0.1.1");
        assert_eq!((found[1].1, found[1].2), (Provenance::Vendor, Range::Factor { low: 0.5, high: 4.0 }));
        assert_eq!(found[4].2, Range::Between { low: 1.0, high: 4.0 });
        assert_eq!(found.len(), 5, "{found:?}");
    }
}
