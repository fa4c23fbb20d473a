//! A written assumption and the part of the model that it is about, or what is wrong with it.

use crate::diagnostic::names;
use crate::diagnostic::outline::Outline;
use crate::diagnostic::span::{Span, Spanned, Verbatim};
use crate::diagnostic::{Diagnostic, Document, Place};
use crate::model::assumptions::quantity::{path_of, quantity};
use crate::model::assumptions::written::{StatedRange, parts};
use crate::model::assumptions::{Assumed, Assumption, Quantity, Range};
use crate::model::number::Number;
use crate::model::path::{Target, follow, key_name};

/// An assumption, and the doubt that what is written lies outside of its range.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub assumed: Assumed,
    pub doubt: Option<Diagnostic>,
}

type Mistake = Box<Diagnostic>;

/// Follows an assumption's path in the document that it was read from.
///
/// # Errors
/// What is wrong with it, shown where it was written.
pub fn resolve(
    document: &Document,
    outline: &Outline,
    path: &Spanned<String>,
    assumption: &Assumption,
) -> Result<Resolved, Mistake> {
    let text = document.text();
    let entry = entry(document, outline, path)?;
    let Some((quantity, span)) = quantity(text, outline, entry) else {
        let found = word(text, outline.entries[entry].value);
        let title = format!("`{}` leads to {found}, not to a law of times or a number", path.value);
        let help = "name one number or law of it, such as `nodes.web.operations.page.0` or `nodes.users.think`";
        return Err(Box::new(Diagnostic::error("wrong-kind", document.place(path.span), title).help(help)));
    };
    let (provenance, stated) = parts(assumption);
    let factor = provenance.factor();
    let by_default = Range::Factor { low: 1.0 / factor, high: factor };
    let stater = Stater { document, path, quantity };
    let (range, doubt) = match stated {
        Some(StatedRange { factor: Some(_), between: Some(between) }) => {
            let title = "a range is stated once: by `factor` or by `between`";
            let help = "leave one of them out: `factor` multiplies what is written, `between` names values";
            return Err(stater.wrong(between.span, title.to_owned(), help));
        }
        Some(StatedRange { factor: Some(factor), .. }) => stater.factor(factor)?,
        Some(StatedRange { between: Some(between), .. }) => stater.between(between)?,
        _ => (by_default, None),
    };
    if range.is_factor() && matches!(quantity, Quantity::Number(number) if number.value == 0.0) {
        let title = format!("`{}` is zero, and every multiple of it too", path.value);
        return Err(stater.wrong(path.span, title, "say which values it may have: `between: (0, 0.1)`"));
    }
    let origin = document.place(path.span);
    let path = path_of(text, outline, entry);
    Ok(Resolved { assumed: Assumed { path, provenance, is_declared: true, quantity, span, range, origin }, doubt })
}

/// The entry that a path leads to.
fn entry(document: &Document, outline: &Outline, path: &Spanned<String>) -> Result<usize, Mistake> {
    let text = document.text();
    let place = document.place(path.span);
    let unknown = |title: String, place: Place, help: String| {
        let title = format!("{title} (in the path `{}`)", path.value);
        Box::new(Diagnostic::error("unknown-path", place, title).help(help))
    };
    match follow(text, outline, &path.value) {
        Ok(Target::Entry(entry)) => Ok(entry),
        Ok(Target::New { group, name }) => {
            let keys = outline.groups[group].entries.iter().filter_map(|entry| outline.entries[*entry].key);
            let known: Vec<String> = keys.map(|key| key_name(&text[key.start..key.end])).collect();
            let known = names::help(&name, "written here", known.iter().map(String::as_str));
            let help = format!("{known}; what is left to its default is varied once it is written");
            Err(unknown(format!("there is no `{name}` here"), part(&place, &name), help))
        }
        Ok(Target::Bare { name, .. }) => {
            let help = "write the value into the model first, so that there is something to vary".to_owned();
            Err(unknown(format!("there is no `{name}` here"), part(&place, &name), help))
        }
        Err(lost) => {
            // The path may have been written in quotes, so its letters start where its text is found.
            let shift = place.text().find(path.value.as_str()).unwrap_or(0);
            Err(unknown(lost.title, place.part(shift + lost.start, shift + lost.end), lost.help))
        }
    }
}

/// The last part of a place that is this name, or all of the place.
fn part(place: &Place, name: &str) -> Place {
    place.text().rfind(name).map_or_else(|| place.clone(), |at| place.part(at, at + name.len()))
}

/// What stands at a place, in a word.
fn word(text: &str, span: Span) -> String {
    let value = &text[span.start..span.end];
    let end = value.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(value.len());
    match value.chars().next() {
        _ if end > 0 => format!("`{}`", &value[..end.min(40)]),
        Some('{') => "a map".to_owned(),
        Some('[') => "a list".to_owned(),
        Some('"') => "text".to_owned(),
        _ => "a group of values".to_owned(),
    }
}

/// Reads what is stated about a quantity.
struct Stater<'a> {
    document: &'a Document,
    path: &'a Spanned<String>,
    quantity: Quantity,
}

impl Stater<'_> {
    fn wrong(&self, span: Span, title: String, help: &str) -> Mistake {
        Box::new(Diagnostic::error("invalid-range", self.document.place(span), title).help(help))
    }

    fn factor(&self, factor: &Spanned<(f64, f64)>) -> Result<(Range, Option<Diagnostic>), Mistake> {
        let (low, high) = factor.value;
        if !(low.is_finite() && high.is_finite() && low > 0.0) {
            let title = "factors are numbers above zero".to_owned();
            return Err(self.wrong(factor.span, title, "write for example `factor: (0.5, 2)`"));
        }
        self.check_order(factor.span, low, high)?;
        let doubt = (!(low..=high).contains(&1.0))
            .then(|| self.doubt(factor.span, "what is written, a factor of 1,".to_owned(), "`factor: (0.5, 2)`"));
        Ok((Range::Factor { low, high }, doubt))
    }

    fn between(&self, between: &Spanned<(Verbatim, Verbatim)>) -> Result<(Range, Option<Diagnostic>), Mistake> {
        let Quantity::Number(written) = self.quantity else {
            let title = format!("`{}` leads to a law of times, which is no single value", self.path.value);
            let help = "say by how much all times of the law may be off: `factor: (0.5, 2)`";
            return Err(self.wrong(between.span, title, help));
        };
        let end = |verbatim: &Verbatim| {
            let number = Number::read(&verbatim.text).filter(|number| number.is_like(written));
            number.map(|number| number.value).ok_or_else(|| {
                let title = format!("`{}` is not {} as what is written is", verbatim.text, written.kind);
                let help = format!("write it as the model writes the value, for example {}", written.written());
                self.wrong(verbatim.span, title, &help)
            })
        };
        let (low, high) = (end(&between.value.0)?, end(&between.value.1)?);
        self.check_order(between.span, low, high)?;
        let value = written.written();
        let doubt = (!(low..=high).contains(&written.value))
            .then(|| self.doubt(between.span, format!("what is written, {value},"), "a range around it"));
        Ok((Range::Between { low, high }, doubt))
    }

    fn check_order(&self, span: Span, low: f64, high: f64) -> Result<(), Mistake> {
        if low < high {
            return Ok(());
        }
        let title = "the lower end of a range comes first, and below the upper one".to_owned();
        Err(self.wrong(span, title, "write the smaller one first; what is known exactly needs no assumption"))
    }

    fn doubt(&self, span: Span, what: String, instead: &str) -> Diagnostic {
        let title = format!("{what} lies outside of this range");
        Diagnostic::warning("outside-range", self.document.place(span), title)
            .help(format!("state {instead}, or mend what is written at `{}`", self.path.value))
    }
}
