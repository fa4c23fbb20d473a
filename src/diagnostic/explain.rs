//! A parser's error as a message that an engineer understands.

use crate::diagnostic::diagnostic::Diagnostic;
use crate::diagnostic::document::Document;
use crate::diagnostic::fault::too_deep;
use crate::diagnostic::habits::{habit, in_usual_unit};
use crate::diagnostic::names::{closest, help};
use crate::diagnostic::outline::Outline;
use crate::diagnostic::source::{Place, floor_char_boundary};
use crate::diagnostic::span::Span;
use crate::diagnostic::token::next_token;
use crate::units::Duration;

/// Where the parser stood.
pub struct Context<'a> {
    pub document: &'a Document,
    pub outline: &'a Outline,
    pub offset: usize,
}

/// A field that must be there.
pub fn missing_field(context: &Context<'_>, group: usize, field: &str, outer: Option<&str>) -> Diagnostic {
    let text = context.document.text();
    let group = &context.outline.groups[group];
    let head = group.parent.map(|parent| context.outline.entries[parent].value.start).unwrap_or_default();
    let written = text.get(head..group.span.start).unwrap_or_default();
    let name =
        written.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).rfind(|part| !part.is_empty());
    let place = match name {
        Some(name) => {
            let start = head + written.rfind(name).unwrap_or_default();
            Span { start, end: start + name.len() }
        }
        None => Span { start: group.span.start, end: group.span.start + 1 },
    };
    let title = match name.or(outer) {
        Some(name) => format!("`{name}` has no `{field}`"),
        None => format!("`{field}` is missing"),
    };
    Diagnostic::error("missing-field", context.document.place(place), title)
        .label(format!("`{field}` must be given"))
        .help(format!("add `{field}: ...` between the brackets"))
}

/// Any other failure of the parser within an entry.
pub fn failure(context: &Context<'_>, entry: Option<usize>, error: &ron::Error) -> Diagnostic {
    use ron::Error;
    let span = subject(context, entry);
    let place = context.document.place(span);
    let found = &context.document.text()[span.start..span.end];
    if let Some(diagnostic) = habit(context, entry, error, found, &place) {
        return diagnostic;
    }
    match error {
        Error::NoSuchStructField { expected, found, outer } => {
            let owner = outer.as_ref().map(|outer| format!(" of `{outer}`")).unwrap_or_default();
            unknown(context, "unknown-field", found, &format!("unknown field `{found}`{owner}"), "fields", expected)
        }
        Error::NoSuchEnumVariant { expected, found, .. } => unknown(
            context,
            "unknown-variant",
            found,
            &format!("`{found}` is not known here"),
            "possible here",
            expected,
        ),
        Error::Message(message) => advice(place, &sentence(&in_usual_unit(context, entry, message))),
        Error::InvalidValueForType { expected, found } => {
            Diagnostic::error("wrong-type", place, format!("expected {expected}, found {found}"))
                .label(format!("expected {expected}"))
        }
        Error::ExpectedString if is_word(found) => {
            Diagnostic::error("wrong-type", place.clone(), format!("expected text, found {}", describe(found)))
                .help("write text, and numbers with units, in quotes")
                .suggest(place, format!("\"{found}\""))
        }
        Error::ExpectedRawValue => argument(context),
        Error::ExpectedDifferentStructName { expected, .. } => struct_name(context, entry, expected),
        Error::ExpectedNamedStructLike(expected) if !found.starts_with(['"', '[', '{']) => {
            struct_name(context, entry, expected)
        }
        Error::ExpectedNamedStructLike(_) | Error::ExpectedStructLike if found.starts_with('{') => {
            Diagnostic::error("wrong-type", place, "expected fields in round brackets, found a map")
                .help("write `(name: value, ...)`, names without quotes")
        }
        Error::ExpectedDifferentLength { expected, .. } if expected.starts_with("tuple variant") => {
            length(place, expected)
        }
        Error::ExpectedIdentifier | Error::InvalidIdentifier(_) | Error::SuggestRawIdentifier(_)
            if lost_field_names(context, entry).is_some() =>
        {
            let name = lost_field_names(context, entry).unwrap_or_default();
            field_names(place, name, found)
        }
        Error::ExpectedIdentifier if text_of(found).parse::<Duration>().is_ok() => law(place, text_of(found), found),
        Error::InvalidIdentifier(_) | Error::SuggestRawIdentifier(_) if is_a_number(found) => {
            match is_law(context, entry) {
                true => law(place, &format!("{found}ms"), found),
                false => no_name(context, entry, place, found),
            }
        }
        Error::ExpectedIdentifier if found.starts_with('"') => {
            Diagnostic::error("wrong-type", place.clone(), format!("expected a name, found the text {found}"))
                .help("this name stands without quotes")
                .suggest(place, found.trim_matches('"'))
        }
        Error::ExpectedComma if lost_colon(context, entry).is_some() => {
            let (span, name, value) = lost_colon(context, entry).unwrap_or_default();
            let place = context.document.place(span);
            Diagnostic::error("missing-colon", place.clone(), format!("a colon is missing after `{name}`"))
                .help("write `name: value`")
                .suggest(place, format!("{name}: {value}"))
        }
        Error::ExpectedComma if found.parse::<f64>().is_ok() => {
            Diagnostic::error("wrong-type", place, format!("expected a whole number, found {}", describe(found)))
                .label("expected a whole number")
        }
        Error::IntegerOutOfBounds if found.starts_with('-') => {
            Diagnostic::error("wrong-type", place, format!("{} is negative", describe(found)))
                .label("expected a whole number of 0 or more")
        }
        Error::ExpectedOption | Error::ExpectedString | Error::UnexpectedChar(_) | Error::ExpectedComma
            if is_law(context, entry) && found.parse::<Duration>().is_ok() =>
        {
            law(place, found, found)
        }
        Error::ExpectedComma if found.starts_with(char::is_alphabetic) && is_word(found) && found.contains('.') => {
            Diagnostic::error("wrong-type", place.clone(), format!("expected text, found {}", describe(found)))
                .help("write names of operations in quotes")
                .suggest(place, format!("\"{found}\""))
        }
        Error::ExpectedComma if found.starts_with(|letter: char| letter.is_ascii_digit()) && is_word(found) => {
            Diagnostic::error("wrong-type", place.clone(), format!("`{found}` is neither a number nor text"))
                .help("write numbers with units in quotes")
                .suggest(place, format!("\"{found}\""))
        }
        Error::TrailingCharacters if found.parse::<f64>().is_ok() => {
            Diagnostic::error("wrong-type", place, format!("expected a whole number, found {}", describe(found)))
                .label("expected a whole number")
        }
        Error::IntegerOutOfBounds => {
            Diagnostic::error("wrong-type", place, format!("{} is out of range", describe(found)))
                .label("larger than this may be")
        }
        Error::ExpectedOption | Error::ExpectedString | Error::UnexpectedChar(_) | Error::ExpectedComma
            if is_quantity(found) =>
        {
            Diagnostic::error("wrong-type", place.clone(), format!("`{found}` is neither a number nor text"))
                .help("write numbers with units in quotes")
                .suggest(place, format!("\"{found}\""))
        }
        Error::UnexpectedChar(_) | Error::Eof if stands_before_nothing(context, entry) => {
            Diagnostic::error("wrong-type", place, format!("`{found}` has no value"))
                .label("a value must follow the colon")
        }
        Error::TrailingCharacters => {
            Diagnostic::error("trailing-text", place, "something follows where the text should end")
                .help("remove it, or look for a bracket that was closed too early")
        }
        Error::ExceededRecursionLimit => too_deep(context.document, span.start),
        Error::ExpectedMapColon => {
            Diagnostic::error("syntax", place, "a colon is missing after the name").help("write `name: value`")
        }
        Error::ExpectedComma => Diagnostic::error("missing-comma", place, "a comma is missing before this")
            .help("separate entries with `,`"),
        error => match expectation(error) {
            Some(expected) => {
                Diagnostic::error("wrong-type", place, format!("expected {expected}, found {}", describe(found)))
                    .label(format!("expected {expected}"))
            }
            None => Diagnostic::error("syntax", place, sentence(&error.to_string())),
        },
    }
}

/// A message that ends with what to write instead has that as its help.
fn advice(place: Place, message: &str) -> Diagnostic {
    let diagnostic = |title: &str| Diagnostic::error("invalid-value", place.clone(), title);
    if let Some((title, _)) = message.split_once(": write ") {
        return diagnostic(title).help(&message[title.len() + 2..]);
    }
    match message.split_once(", such as ") {
        Some((title, example)) => diagnostic(title).help(format!("write for example {example}")),
        None => diagnostic(message),
    }
}

/// Steps and laws that take one law in their brackets.
const HOLD_A_LAW: [&str; 3] = ["Compute", "Wait", "Renewal"];

/// Fields that hold a law.
const ARE_LAWS: [&str; 8] =
    ["think", "latency", "cross_zone_latency", "command_time", "processing", "io", "commit", "law"];

/// Laws whose brackets hold fields, each as it may be written.
const EXAMPLES: [(&str, &str); 12] = [
    ("Uniform", "Uniform(count: 10_000)"),
    ("Zipf", "Zipf(count: 10_000, exponent: 0.9)"),
    ("HeavyHitters", "HeavyHitters(count: 10_000, heavy: [0.2, 0.1])"),
    ("LogNormal", "LogNormal(mean: \"12ms\", p99: \"60ms\")"),
    ("TruncatedNormal", "TruncatedNormal(mean: \"10ms\", standard_deviation: \"3ms\")"),
    ("Gamma", "Gamma(mean: \"5ms\", cv: 0.5)"),
    ("Erlang", "Erlang(stages: 4, mean: \"5ms\")"),
    ("Weibull", "Weibull(mean: \"5ms\", shape: 0.7)"),
    ("BoundedPareto", "BoundedPareto(minimum: \"1ms\", maximum: \"1s\", shape: 1.5)"),
    ("HyperExponential", "HyperExponential(mean: \"5ms\", cv: 2)"),
    ("Scaled", "Scaled(by: 1.5, law: Exponential(\"5ms\"))"),
    ("Csv", "Csv(file: \"latency.csv\", column: \"latency_ms\", unit: \"ms\")"),
];

/// The name before the brackets in which an entry stands.
pub(super) fn head<'a>(context: &Context<'a>, entry: usize) -> &'a str {
    let entry = &context.outline.entries[entry];
    let group = &context.outline.groups[entry.group];
    let from = group.parent.map(|parent| context.outline.entries[parent].value.start).unwrap_or_default();
    let written = context.document.text().get(from..group.span.start).unwrap_or_default().trim_end();
    let start = written.rfind(|letter: char| !(letter.is_alphanumeric() || letter == '_')).map_or(0, |at| at + 1);
    written.get(start..).unwrap_or_default()
}

/// Whether a law must stand at this entry.
fn is_law(context: &Context<'_>, entry: Option<usize>) -> bool {
    let Some(index) = entry else {
        return false;
    };
    match context.outline.entries[index].key {
        Some(key) => ARE_LAWS.contains(&&context.document.text()[key.start..key.end]),
        None => HOLD_A_LAW.contains(&head(context, index)),
    }
}

/// The name before brackets that hold a value without a field's name, where only fields with names may stand.
fn lost_field_names<'a>(context: &Context<'a>, entry: Option<usize>) -> Option<&'a str> {
    let index = entry?;
    let entry = &context.outline.entries[index];
    let name = head(context, index);
    let is_nameless = entry.key.is_none() && context.outline.groups[entry.group].bracket == '(';
    (is_nameless && EXAMPLES.iter().any(|(known, _)| *known == name)).then_some(name)
}

fn field_names(place: Place, name: &str, found: &str) -> Diagnostic {
    let example = EXAMPLES.iter().find(|(known, _)| *known == name).map_or("", |(_, example)| *example);
    let diagnostic =
        Diagnostic::error("wrong-type", place, format!("the fields of `{name}` have names, found {}", describe(found)))
            .label("a field's name is missing");
    diagnostic.help(format!("write for example `{example}`"))
}

/// A time stands where a law of times must stand.
fn law(place: Place, time: &str, found: &str) -> Diagnostic {
    Diagnostic::error("wrong-type", place.clone(), format!("expected a law of times, found {}", describe(found)))
        .label("a law is missing around this")
        .help(format!("write `Constant(\"{time}\")` for always the same, or `Exponential(\"{time}\")` for a mean"))
        .suggest(place, format!("Constant(\"{time}\")"))
}

/// A number stands where a name must stand.
fn no_name(context: &Context<'_>, entry: Option<usize>, place: Place, found: &str) -> Diagnostic {
    let title = format!("expected a name, found {}", describe(found));
    let diagnostic = Diagnostic::error("wrong-type", place.clone(), title).label("expected a name");
    let parent = entry.and_then(|entry| context.outline.parent(entry));
    let key = parent.and_then(|parent| context.outline.entries[parent].key);
    match key.map(|key| &context.document.text()[key.start..key.end]) {
        Some("keys") => {
            diagnostic.help("write the law by which keys are drawn").suggest(place, format!("Uniform(count: {found})"))
        }
        _ => diagnostic.help("`forescale list` and docs/language.md tell which names may stand where"),
    }
}

/// The wrong number of values in the brackets of a name.
fn length(place: Place, expected: &str) -> Diagnostic {
    let name = expected.rsplit("::").next().and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let count = expected.split(" with ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("other");
    let title = format!("`{name}` takes {count} values in its brackets");
    let diagnostic = Diagnostic::error("wrong-type", place, title).label(format!("expected {count} values"));
    match name {
        "Uniform" => diagnostic.help("write the least and the greatest, such as `Uniform(\"20s\", \"60s\")`"),
        _ => diagnostic,
    }
}

/// A text without its quotes.
pub(super) fn text_of(found: &str) -> &str {
    found.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default()
}

/// A number as RON writes it, underscores included.
fn is_a_number(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_digit()) && text.replace('_', "").parse::<f64>().is_ok()
}

/// A number with a unit that lost its quotes.
fn is_quantity(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_digit()) && is_word(text) && text.parse::<f64>().is_err()
}

fn stands_before_nothing(context: &Context<'_>, entry: Option<usize>) -> bool {
    entry.is_some_and(|entry| {
        let entry = &context.outline.entries[entry];
        entry.key.is_some() && entry.value.start == entry.value.end
    })
}

/// Brackets that must hold one value and hold none or several.
fn argument(context: &Context<'_>) -> Diagnostic {
    let group = &context.outline.groups[context.outline.group_at(context.offset)];
    let place = context.document.place(group.span);
    let title = match group.entries.len() {
        0 => "a value is missing in these brackets".to_owned(),
        count => format!("expected one value in these brackets, found {count}"),
    };
    Diagnostic::error("wrong-type", place, title).label("expected one value")
}

/// A struct under another name than its own, or no struct at all.
fn struct_name(context: &Context<'_>, entry: Option<usize>, expected: &str) -> Diagnostic {
    let text = context.document.text();
    let value = entry.map(|entry| context.outline.entries[entry].value).unwrap_or_default();
    let written = &text[value.start..value.end];
    let name =
        &written[..written.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(written.len())];
    let place = context.document.place(Span { start: value.start, end: value.start + name.len() });
    match (expected, name) {
        ("Experiment", "Architecture") => {
            return Diagnostic::error("wrong-type", place, "this is a model, not an experiment")
                .label("expected `Experiment(...)`")
                .help("use `forescale simulate`, or write an experiment that names this file as its model");
        }
        ("Architecture", "Experiment") => {
            return Diagnostic::error("wrong-type", place, "this is an experiment, not a model")
                .label("expected `Architecture(...)`")
                .help("use `forescale run`, or name the file of a model");
        }
        _ => {}
    }
    if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
        let place = context.document.place(value);
        return Diagnostic::error(
            "wrong-type",
            place,
            format!("expected `{expected}(...)`, found {}", describe(written)),
        )
        .label(format!("expected `{expected}(...)`"));
    }
    Diagnostic::error("wrong-type", place.clone(), format!("expected `{expected}`, found `{name}`"))
        .label(format!("expected `{expected}(...)`"))
        .help("this is the only name that may stand here")
        .suggest(place, expected)
}

/// A field whose name is followed by no colon, but by another sign or by nothing where the fields around it have one: its
/// place, its name and its value.
fn lost_colon<'a>(context: &Context<'a>, entry: Option<usize>) -> Option<(Span, &'a str, &'a str)> {
    let entry = &context.outline.entries[entry?];
    let group = &context.outline.groups[entry.group];
    if entry.key.is_some() || group.bracket != '(' {
        return None;
    }
    let written = &context.document.text()[entry.span.start..entry.span.end];
    let (name, rest) = written.split_at(written.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'))?);
    let is_sign = |letter: char| "=<>-~;|".contains(letter);
    let value = rest.trim_start_matches(|letter: char| letter.is_whitespace() || is_sign(letter));
    let is_field = context.outline.has_keys(entry.group) || rest.trim_start().starts_with(is_sign);
    let is_lost = is_field && name.starts_with(char::is_alphabetic) && !value.is_empty() && value.len() < rest.len();
    is_lost.then_some((entry.span, name, value))
}

/// A name that is none of the expected ones.
fn unknown(
    context: &Context<'_>,
    code: &'static str,
    found: &str,
    title: &str,
    what: &str,
    known: &[&str],
) -> Diagnostic {
    let text = context.document.text();
    // The parser stands after the name, or after the quotes that some people put around it.
    let end = floor_char_boundary(text, context.offset);
    let start = text[..end].rfind(found).unwrap_or(end);
    let place = context.document.place(Span { start, end: (start + found.len()).min(text.len()) });
    let diagnostic = Diagnostic::error(code, place.clone(), title).label("unknown name").help(help(
        found,
        what,
        known.iter().copied(),
    ));
    match closest(found, known.iter().copied()) {
        Some(name) => diagnostic.suggest(place, name),
        None => diagnostic,
    }
}

/// What the message is about: the value of the entry, or the token at which the parser stood inside it.
fn subject(context: &Context<'_>, entry: Option<usize>) -> Span {
    let text = context.document.text();
    let offset = floor_char_boundary(text, context.offset);
    let token = match next_token(text, offset) {
        Ok(Some((_, span))) => span,
        _ => Span { start: offset, end: offset },
    };
    let Some(entry) = entry.map(|entry| &context.outline.entries[entry]) else {
        return token;
    };
    let value = entry.value;
    if let Some(key) = entry.key.filter(|key| offset <= key.end || value.start == value.end) {
        return key;
    }
    let inside = value.start < offset && offset < value.end;
    if inside && !entry.children.is_empty() && value.covers(token) { token } else { value }
}

/// What the parser wanted, in words.
fn expectation(error: &ron::Error) -> Option<String> {
    use ron::Error;
    let words = match error {
        Error::ExpectedArray => "a list `[...]`",
        Error::ExpectedBoolean => "`true` or `false`",
        Error::ExpectedFloat => "a number",
        Error::ExpectedInteger | Error::InvalidIntegerDigit { .. } => "a whole number",
        Error::IntegerOutOfBounds => "a whole number within range",
        Error::ExpectedMap => "a map `{...}`",
        Error::ExpectedString => "text in quotes",
        Error::ExpectedStructLike => "fields in `(...)`",
        Error::ExpectedIdentifier => "a name",
        Error::ExpectedUnit => "`()`",
        Error::ExpectedChar => "a character in apostrophes",
        Error::ExpectedNamedStructLike(name) => return Some(format!("`{name}(...)`")),
        Error::ExpectedDifferentStructName { expected, .. } => {
            return Some(format!("`{expected}(...)`"));
        }
        Error::ExpectedDifferentLength { expected, .. } => return Some(expected.clone()),
        Error::UnexpectedChar(_) | Error::Eof => "a value",
        Error::ExpectedStructLikeEnd | Error::ExpectedOptionEnd => "`)` and no further value",
        Error::ExpectedArrayEnd => "`]` and no further value",
        Error::ExpectedMapEnd => "`}` and no further value",
        _ => return None,
    };
    Some(words.to_owned())
}

/// What a piece of text looks like.
pub(super) fn describe(text: &str) -> String {
    let short = text.len() <= 40 && !text.contains('\n');
    let kind = match text.chars().next() {
        None | Some(')' | ']' | '}') => return "nothing".to_owned(),
        Some('"') => "the text",
        Some('[') => return "a list".to_owned(),
        Some('{') => return "a map".to_owned(),
        Some('(') => return "fields in brackets".to_owned(),
        Some(letter) if letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.') => "the number",
        Some(_) => "",
    };
    match (short, kind) {
        (true, "") => format!("`{text}`"),
        (true, kind) => format!("{kind} `{text}`"),
        (false, _) => "something else".to_owned(),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '%' | '/' | '$' | '-'))
}

/// The parser's own words as ours: no capital at the start, no full stop.
fn sentence(message: &str) -> String {
    let message = message.trim().trim_end_matches('.');
    let mut letters = message.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => message.to_owned(),
    }
}
