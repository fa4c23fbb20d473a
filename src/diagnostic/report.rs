//! Messages as people read them and as tools read them.

use annotate_snippets::{AnnotationKind, Group, Level as Heading, Patch, Renderer, Snippet};
use serde::Serialize;

use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics, Label, Level};
use crate::diagnostic::source::{Place, floor_char_boundary};

/// How the text for people looks. Both are explicit, so that the same input gives the same bytes everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to write ANSI colours.
    pub color: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 120, color: false }
    }
}

/// All messages as text, errors first, with a closing count. Empty if there is nothing to say.
pub fn text(diagnostics: &Diagnostics, style: Style) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() }.term_width(style.width);
    let mut report = String::new();
    for diagnostic in diagnostics.sorted() {
        report.push_str(&renderer.render(&groups(diagnostic)));
        report.push_str("\n\n");
    }
    report.push_str(&summary(diagnostics));
    report.push('\n');
    report
}

/// How many there are, for example `2 errors and 1 warning`.
pub fn summary(diagnostics: &Diagnostics) -> String {
    let count = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{number} {noun}s")),
    };
    let warnings = diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Warning).count();
    let counts = [count(diagnostics.errors(), "error"), count(warnings, "warning")];
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    match diagnostics.omitted {
        0 => counts.join(" and "),
        omitted => format!("{}; {omitted} of them not shown", counts.join(" and ")),
    }
}

fn groups(diagnostic: &Diagnostic) -> Vec<Group<'_>> {
    let heading = match diagnostic.level {
        Level::Error => Heading::ERROR,
        Level::Warning => Heading::WARNING,
    };
    let mut group = heading.primary_title(&*diagnostic.title).id(diagnostic.code).elements(snippets(diagnostic));
    if let (Some(help), None) = (&diagnostic.help, &diagnostic.suggestion) {
        group = group.element(Heading::HELP.message(&**help));
    }
    let mut groups = vec![group];
    if let Some(suggestion) = &diagnostic.suggestion {
        let place = &suggestion.place;
        let title = diagnostic.help.as_deref().unwrap_or("write this instead");
        let patch = Patch::new(range(place), &*suggestion.replacement);
        groups.push(Heading::HELP.secondary_title(title).element(snippet(place).patch(patch)));
    }
    groups
}

/// One snippet per source, the primary one first.
fn snippets(diagnostic: &Diagnostic) -> Vec<Snippet<'_, annotate_snippets::Annotation<'_>>> {
    let primary = &diagnostic.primary;
    let mut snippets =
        vec![(&primary.place, snippet(&primary.place).annotation(annotation(primary, AnnotationKind::Primary)))];
    for label in &diagnostic.secondary {
        let same = snippets.iter().position(|(place, _)| place.source == label.place.source);
        match same {
            Some(index) => {
                let (place, snippet) = snippets.swap_remove(index);
                snippets.insert(index, (place, snippet.annotation(annotation(label, AnnotationKind::Context))));
            }
            None => {
                let added = snippet(&label.place).annotation(annotation(label, AnnotationKind::Context));
                snippets.push((&label.place, added));
            }
        }
    }
    snippets.into_iter().map(|(_, snippet)| snippet).collect()
}

fn snippet<'a, T: Clone>(place: &'a Place) -> Snippet<'a, T> {
    Snippet::source(&*place.source.text).path(&*place.source.name)
}

fn annotation(label: &Label, kind: AnnotationKind) -> annotate_snippets::Annotation<'_> {
    let annotation = kind.span(range(&label.place));
    if label.text.is_empty() { annotation } else { annotation.label(&*label.text) }
}

/// A range that is safe to cut the text with, and of its first line only: what is wrong with a block is said at its head.
fn range(place: &Place) -> std::ops::Range<usize> {
    let text = &place.source.text;
    let start = floor_char_boundary(text, place.span.start);
    let end = floor_char_boundary(text, place.span.end.max(start));
    let line_end = text[start..end].find('\n').map_or(end, |newline| start + newline);
    start..line_end
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    level: &'static str,
    code: &'static str,
    message: &'a str,
    label: &'a str,
    help: Option<&'a str>,
    replacement: Option<&'a str>,
}

/// All messages as a JSON array, errors first. Lines and columns count from one, columns in characters.
pub fn json(diagnostics: &Diagnostics) -> serde_json::Value {
    let list = diagnostics.sorted().into_iter().map(|diagnostic| {
        let place = &diagnostic.primary.place;
        let (start, end) = (place.start(), place.end());
        let record = JsonDiagnostic {
            file: &place.source.name,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            level: match diagnostic.level {
                Level::Error => "error",
                Level::Warning => "warning",
            },
            code: diagnostic.code,
            message: &diagnostic.title,
            label: &diagnostic.primary.text,
            help: diagnostic.help.as_deref(),
            replacement: diagnostic.suggestion.as_ref().map(|suggestion| suggestion.replacement.as_str()),
        };
        serde_json::to_value(record).unwrap_or(serde_json::Value::Null)
    });
    serde_json::Value::Array(list.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_renderers_say_where_and_what() {
        let place = Place::whole("shop.ron", "é: 4\nb: 5\n");
        let other = Place::whole("--set", "b=5");
        let mut diagnostics = Diagnostics::new();
        diagnostics.push(
            Diagnostic::error("wrong-type", place.part(3, 4).part(1, 1), "a title")
                .label("a label")
                .also(place.part(6, 7), "see here")
                .also(other, "and there")
                .help("a help"),
        );
        let text = text(&diagnostics, Style::default());
        for part in
            ["error[wrong-type]: a title", "shop.ron:1:4", "a label", "see here", "and there", "a help", "1 error"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let json = json(&diagnostics);
        assert_eq!((json[0]["line"].as_u64(), json[0]["column"].as_u64()), (Some(1), Some(4)));
    }
}
