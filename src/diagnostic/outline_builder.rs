//! Puts an outline together, token by token.

use crate::diagnostic::outline::{DEEPEST, Entry, Fault, Group, Outline, closing};
use crate::diagnostic::span::Span;
use crate::diagnostic::token::Token;

/// An outline in progress.
pub struct Builder {
    outline: Outline,
    /// The group that is open, and its entry in progress.
    group: usize,
    entry: Option<usize>,
    depth: usize,
    /// The token before, whether it is a word that may be a key, and where the one before that ended.
    previous: Span,
    previous_is_word: bool,
    before_previous: usize,
}

impl Builder {
    pub fn new(length: usize) -> Self {
        let whole = Group { bracket: ' ', span: Span { start: 0, end: length }, parent: None, entries: Vec::new() };
        let outline = Outline { groups: vec![whole], entries: Vec::new(), missing_commas: Vec::new() };
        Self {
            outline,
            group: 0,
            entry: None,
            depth: 0,
            previous: Span::default(),
            previous_is_word: false,
            before_previous: 0,
        }
    }

    pub fn add(&mut self, token: Token, span: Span) -> Result<(), Fault> {
        let is_word = matches!(token, Token::Word);
        match token {
            Token::Open(bracket) => self.open(bracket, span)?,
            Token::Close(bracket) => self.close(bracket, span)?,
            Token::Comma => {
                self.reach_to(span.start);
                if let Some(entry) = self.entry.take() {
                    self.outline.entries[entry].end = span.end;
                }
            }
            Token::Colon => self.colon(span),
            Token::Word | Token::Other => self.extend(span),
        }
        self.before_previous = self.previous.end;
        self.previous = span;
        self.previous_is_word = is_word;
        Ok(())
    }

    /// The entry in progress reaches to the end of this token, and starts with it if there is none.
    fn extend(&mut self, span: Span) {
        let entry = match self.entry {
            Some(entry) => entry,
            None => self.start_entry(span),
        };
        let entry = &mut self.outline.entries[entry];
        if entry.value.start == entry.value.end {
            entry.value.start = span.start;
        }
        entry.value.end = span.end;
        entry.span.end = span.end;
        entry.end = span.end;
    }

    /// An entry without a value owns the blank where the value should stand.
    fn reach_to(&mut self, end: usize) {
        if let Some(entry) = self.entry.map(|entry| &mut self.outline.entries[entry])
            && entry.value.start == entry.value.end
        {
            entry.span.end = end;
            entry.end = end;
        }
    }

    fn start_entry(&mut self, span: Span) -> usize {
        let index = self.outline.entries.len();
        let value = Span { start: span.start, end: span.start };
        let (group, end) = (self.group, span.end);
        self.outline.entries.push(Entry { span, key: None, value, group, end, children: Vec::new() });
        self.outline.groups[self.group].entries.push(index);
        self.entry = Some(index);
        index
    }

    fn colon(&mut self, span: Span) {
        let index = match self.entry {
            Some(index) => index,
            None => self.start_entry(span),
        };
        let entry = &self.outline.entries[index];
        let second = self.previous_is_word && self.previous.start > entry.value.start;
        match entry.key {
            None => {
                let key = Span { start: entry.span.start, end: self.previous.end.clamp(entry.span.start, span.start) };
                self.give_key(index, key, span);
            }
            Some(_) if second => self.split(index, span),
            Some(_) => self.extend(span),
        }
    }

    /// A second colon: the word before it is the key of another entry, whose comma was forgotten.
    fn split(&mut self, index: usize, colon: Span) {
        let (key, end) = (self.previous, self.before_previous);
        let entry = &mut self.outline.entries[index];
        entry.value.end = end;
        entry.span.end = end;
        entry.end = end;
        self.outline.missing_commas.push(index);
        let next = self.start_entry(key);
        self.give_key(next, key, colon);
    }

    fn give_key(&mut self, entry: usize, key: Span, colon: Span) {
        let entry = &mut self.outline.entries[entry];
        entry.key = Some(key);
        entry.value = Span { start: colon.end, end: colon.end };
        entry.span.end = colon.end;
        entry.end = colon.end;
    }

    fn open(&mut self, bracket: char, span: Span) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::TooDeep(span.start));
        }
        self.extend(span);
        let group = self.outline.groups.len();
        if let Some(entry) = self.entry {
            self.outline.entries[entry].children.push(group);
        }
        self.outline.groups.push(Group { bracket, span, parent: self.entry, entries: Vec::new() });
        self.group = group;
        self.entry = None;
        Ok(())
    }

    fn close(&mut self, bracket: char, span: Span) -> Result<(), Fault> {
        let group = &mut self.outline.groups[self.group];
        let Some(parent) = group.parent else {
            return Err(Fault::Unopened(span.start));
        };
        if closing(group.bracket) != bracket {
            return Err(Fault::Mismatched { open: group.span.start, close: span.start });
        }
        group.span.end = span.end;
        self.reach_to(span.start);
        self.depth -= 1;
        self.group = self.outline.entries[parent].group;
        self.entry = Some(parent);
        self.extend(span);
        Ok(())
    }

    pub fn finish(self) -> Result<Outline, Fault> {
        match self.outline.groups[self.group].parent {
            Some(_) => Err(Fault::Unclosed(self.outline.groups[self.group].span.start)),
            None => Ok(self.outline),
        }
    }
}
