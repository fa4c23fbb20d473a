//! A message about a text, as plain data: what renders it is elsewhere.

use std::collections::BTreeSet;

use crate::diagnostic::source::{Place, floor_char_boundary};
use crate::diagnostic::span::Span;

/// Whether what was found stops the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The text means nothing that could be run.
    Error,
    /// The text can be run, but its author should know.
    Warning,
}

/// A place and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub place: Place,
    /// May be empty: the place alone is then marked.
    pub text: String,
}

/// A replacement that would probably mend the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub place: Place,
    pub replacement: String,
}

/// One thing to tell about a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub level: Level,
    /// Stable and lower case, for example `unknown-name`.
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub title: String,
    pub primary: Label,
    /// Other places that matter, for example the first of two equal names.
    pub secondary: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    pub suggestion: Option<Suggestion>,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn error(code: &'static str, place: Place, title: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            code,
            title: title.into(),
            primary: Label { place, text: String::new() },
            secondary: Vec::new(),
            help: None,
            suggestion: None,
        }
    }

    /// Something suspicious at a place.
    pub fn warning(code: &'static str, place: Place, title: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(code, place, title) }
    }

    /// Says something at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Marks another place.
    #[must_use]
    pub fn also(mut self, place: Place, text: impl Into<String>) -> Self {
        self.secondary.push(Label { place, text: text.into() });
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Offers a replacement.
    #[must_use]
    pub fn suggest(mut self, place: Place, replacement: impl Into<String>) -> Self {
        self.suggestion = Some(Suggestion { place, replacement: replacement.into() });
        self
    }
}

/// As many messages as anybody reads at once; rendering more would only cost time.
const MOST: usize = 100;

/// What makes two messages the same: name and text before the place, the place, the code and the title.
type Identity = (String, String, Span, &'static str, String);

fn identity(diagnostic: &Diagnostic) -> Identity {
    /// Enough to tell arguments of the command line apart, which share a name, and little to keep of a file.
    const LONGEST: usize = 200;
    let place = &diagnostic.primary.place;
    let (text, start) = (&place.source.text, place.span.start);
    let from = floor_char_boundary(text, start.saturating_sub(LONGEST));
    let before = text.get(from..floor_char_boundary(text, start)).unwrap_or_default().to_owned();
    (place.source.name.clone(), before, place.span, diagnostic.code, diagnostic.title.clone())
}

/// Messages in the order they were found, none twice.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    seen: BTreeSet<Identity>,
    /// Found but not kept.
    pub omitted: usize,
    errors: usize,
}

impl Diagnostics {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message unless it is there already. Errors are counted even when there is no room to keep them.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let identity = identity(&diagnostic);
        if self.seen.contains(&identity) {
            return;
        }
        self.errors += usize::from(diagnostic.level == Level::Error);
        if self.is_full() {
            self.omitted += 1;
            // An error is worth more than a warning that is already there.
            let warning = self.list.iter().rposition(|kept| kept.level == Level::Warning);
            match warning.filter(|_| diagnostic.level == Level::Error) {
                Some(warning) => self.list[warning] = diagnostic,
                None => return,
            }
        } else {
            self.list.push(diagnostic);
        }
        self.seen.insert(identity);
    }

    /// Keeps the warnings that pass, and all errors.
    pub fn retain(&mut self, mut passes: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(|kept| kept.level == Level::Error || passes(kept));
    }

    /// Whether there is no room for more; what is found from now on is only counted.
    pub fn is_full(&self) -> bool {
        self.list.len() >= MOST
    }

    /// Adds all messages of another collection.
    pub fn extend(&mut self, others: Diagnostics) {
        let kept = others.list.iter().filter(|diagnostic| diagnostic.level == Level::Error).count();
        self.errors += others.errors - kept;
        self.omitted += others.omitted;
        for diagnostic in others.list {
            self.push(diagnostic);
        }
    }

    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors were found.
    pub fn errors(&self) -> usize {
        self.errors
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Errors before warnings, each in the order of the text.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<_> = self.list.iter().collect();
        sorted.sort_by(|a, b| {
            let key = |diagnostic: &&Diagnostic| (diagnostic.level, diagnostic.primary.place.span.start);
            key(a).cmp(&key(b))
        });
        sorted
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut diagnostics = Self::new();
        diagnostics.push(diagnostic);
        diagnostics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_is_kept_once_and_the_flood_is_counted() {
        let place = Place::whole("a.ron", "text");
        let mut diagnostics = Diagnostics::new();
        for number in 0..150 {
            for _ in 0..2 {
                diagnostics.push(Diagnostic::error("x", place.clone(), format!("mistake {}", number % 90)));
            }
        }
        assert_eq!((diagnostics.len(), diagnostics.errors(), diagnostics.omitted), (90, 90, 0));
        for number in 100..200 {
            diagnostics.push(Diagnostic::error("x", place.clone(), format!("mistake {number}")));
        }
        assert_eq!((diagnostics.len(), diagnostics.errors(), diagnostics.omitted), (100, 190, 90));
    }
}
