//! Values of an axis that are given by their ends and their number.

use crate::diagnostic::span::{Spanned, Verbatim};
use crate::diagnostic::{Diagnostic, Diagnostics, Document};
use crate::experiment::written::Steps;
use crate::units::split_number;

/// More values than anybody looks at along one axis.
const MOST: u32 = 10_000;

/// One end: a number and what stands around it.
struct End<'a> {
    before: &'static str,
    value: f64,
    is_whole: bool,
    /// The unit and the closing quote.
    unit: &'a str,
    quote: &'static str,
}

impl<'a> End<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let quote = if inner.is_some() { "\"" } else { "" };
        let inner = inner.unwrap_or(text).trim();
        let amount = inner.strip_prefix('$');
        let (value, digits, unit) = split_number(amount.unwrap_or(inner))?;
        let before = if amount.is_some() { "$" } else { "" };
        let is_bare = quote.is_empty() && !(unit.is_empty() && before.is_empty());
        let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
        (!is_bare).then_some(Self { before, value, is_whole, unit, quote })
    }

    fn compose(&self, value: f64) -> String {
        format!("{quote}{}{value}{}{quote}", self.before, self.unit, quote = self.quote)
    }
}

/// The texts of the values, those of the ends as they were written.
pub(super) fn texts(steps: &Steps, document: &Document, diagnostics: &mut Diagnostics) -> Option<Vec<String>> {
    let (from, to, count, is_logarithmic) = match steps {
        Steps::Linear { from, to, count } => (from, to, count, false),
        Steps::Logarithmic { from, to, count } => (from, to, count, true),
    };
    let before = diagnostics.errors();
    let (first, last) = (end(from, document, diagnostics), end(to, document, diagnostics));
    check_count(count, document, diagnostics);
    let (first, last) = (first?, last?);
    let mut wrong = |verbatim: &Verbatim, message: &str, help: &str| {
        diagnostics.push(Diagnostic::error("invalid-value", document.place(verbatim.span), message).help(help));
    };
    if (first.before, first.unit, first.quote) != (last.before, last.unit, last.quote) {
        wrong(to, "both ends have the same unit", "write for example from: \"100/s\", to: \"2_000/s\"");
    } else if first.value >= last.value {
        wrong(to, "the values grow from the first end to the last", "write the smaller one at `from`");
    } else if is_logarithmic && first.value <= 0.0 {
        wrong(from, "equal ratios do not start at zero", "write a number above 0, or use Linear");
    }
    if diagnostics.errors() > before {
        return None;
    }
    let whole = first.is_whole && last.is_whole;
    let mut texts = vec![from.text.clone()];
    let mut previous = first.value;
    for value in between(first.value, last.value, count.value, is_logarithmic, whole) {
        if value > previous && value < last.value {
            texts.push(first.compose(value));
            previous = value;
        }
    }
    texts.push(to.text.clone());
    Some(texts)
}

fn end<'a>(verbatim: &'a Verbatim, document: &Document, diagnostics: &mut Diagnostics) -> Option<End<'a>> {
    let end = End::read(&verbatim.text);
    if end.is_none() {
        let place = document.place(verbatim.span);
        let message = format!("`{}` is no number and no number with a unit", verbatim.text);
        diagnostics.push(Diagnostic::error("invalid-value", place, message).help("write for example 10 or \"100/s\""));
    }
    end
}

fn check_count(count: &Spanned<u32>, document: &Document, diagnostics: &mut Diagnostics) {
    if !(2..=MOST).contains(&count.value) {
        let message = "an axis has between 2 and 10,000 values";
        let diagnostic = Diagnostic::error("invalid-value", document.place(count.span), message);
        diagnostics.push(diagnostic.help("write for example 8"));
    }
}

/// The values between the ends, rounded to what a hundredth of a step deserves, and to whole numbers between whole ends.
fn between(first: f64, last: f64, count: u32, is_logarithmic: bool, whole: bool) -> impl Iterator<Item = f64> {
    let at = move |index: u32| {
        let share = f64::from(index) / f64::from(count - 1);
        if is_logarithmic { first * (last / first).powf(share) } else { first + (last - first) * share }
    };
    (1..count - 1).map(move |index| rounded(at(index), at(index + 1) - at(index), whole))
}

fn rounded(value: f64, step: f64, whole: bool) -> f64 {
    let digits = step.log10().floor() as i32 - 2;
    let digits = if whole { digits.max(0) } else { digits };
    let scale = 10f64.powi(digits.abs());
    if digits >= 0 { (value / scale).round() * scale } else { (value * scale).round() / scale }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::span::Span;

    fn made(logarithmic: bool, from: &str, to: &str, count: u32) -> Vec<String> {
        let verbatim = |text: &str| Verbatim { text: text.to_owned(), span: Span::default() };
        let (from, to, count) = (verbatim(from), verbatim(to), Spanned::new(count, Span::default()));
        let steps =
            if logarithmic { Steps::Logarithmic { from, to, count } } else { Steps::Linear { from, to, count } };
        texts(&steps, &Document::new("test", ""), &mut Diagnostics::new()).unwrap_or_default()
    }

    #[test]
    fn equal_differences_and_equal_ratios() {
        assert_eq!(made(false, "10", "40", 4), ["10", "20", "30", "40"]);
        assert_eq!(made(false, "0.0", "1.0", 7), ["0.0", "0.167", "0.333", "0.5", "0.667", "0.833", "1.0"]);
        assert_eq!(made(true, "100", "10_000", 5), ["100", "316", "1000", "3160", "10_000"]);
        assert_eq!(made(true, "0.1", "10.0", 3), ["0.1", "1", "10.0"]);
    }

    #[test]
    fn whole_numbers_stay_whole_and_are_there_once() {
        assert_eq!(made(false, "1", "4", 100), ["1", "2", "3", "4"]);
        assert_eq!(made(true, "1", "4", 50), ["1", "2", "3", "4"]);
    }

    #[test]
    fn units_stay() {
        assert_eq!(made(false, "\"100/s\"", "\"300/s\"", 3), ["\"100/s\"", "\"200/s\"", "\"300/s\""]);
        assert_eq!(made(true, "\"1GiB\"", "\"16GiB\"", 3), ["\"1GiB\"", "\"4GiB\"", "\"16GiB\""]);
        assert_eq!(made(false, "\"$1/h\"", "\"$2/h\"", 2), ["\"$1/h\"", "\"$2/h\""]);
        assert!(made(false, "\"1s\"", "\"500ms\"", 3).is_empty());
        assert!(made(true, "0", "10", 3).is_empty());
        assert!(made(false, "1", "2", 1).is_empty());
        assert!(made(false, "100/s", "200/s", 3).is_empty());
    }
}
