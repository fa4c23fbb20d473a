//! Paths into a model: `nodes.postgres.cores`, `links."web -> db".timeout`, `nodes.web.operations.read.0`.

use crate::diagnostic::names;
use crate::diagnostic::outline::Outline;

/// The name that a key's text stands for: without quotes, escapes resolved.
pub fn key_name(written: &str) -> String {
    let quoted = written.starts_with(['"', 'r']) && written.contains('"');
    match quoted.then(|| ron::from_str::<String>(written)) {
        Some(Ok(name)) => name,
        _ => written.strip_prefix("r#").unwrap_or(written).to_owned(),
    }
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To something that is there: the index of its entry.
    Entry(usize),
    /// To a field or map entry that can be added to this group.
    New { group: usize, name: String },
    /// To a field of something that is written without brackets: the index of its entry.
    Bare { entry: usize, name: String },
}

/// Why a path leads nowhere: the range of the path's text that does not fit, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub start: usize,
    pub end: usize,
    pub title: String,
    pub help: String,
}

/// Follows a path through a text.
///
/// A segment ends at a dot. Names that hold dots may be written as they are if they are there and only one reading fits,
/// or in quotes. The names of assumptions are paths themselves, so one that is new takes the rest of the path.
///
/// # Errors
/// When a segment other than the last names nothing, or a name can be read in several ways.
pub fn follow(text: &str, outline: &Outline, path: &str) -> Result<Target, Lost> {
    let Some(mut entry) = outline.groups[0].entries.first().copied() else {
        return Err(lost(path, 0, path.len(), "the text to edit is empty", "name a text that holds an architecture"));
    };
    let mut at = 0;
    loop {
        let Some(group) = descend(outline, entry) else {
            let (name, end) = segment(path, at)?;
            return match end == path.len() && is_bare(text, outline, entry) {
                true => Ok(Target::Bare { entry, name }),
                false => Err(unknown(path, at, end, &[])),
            };
        };
        match step(text, outline, group, path, at)? {
            Step::Into { next, end } if end == path.len() => return Ok(Target::Entry(next)),
            Step::Into { next, end } => {
                entry = next;
                at = end + 1;
            }
            Step::New(name) => return Ok(Target::New { group, name }),
        }
    }
}

enum Step {
    /// To an entry, by the path up to `end`.
    Into { next: usize, end: usize },
    /// To a name that is not there.
    New(String),
}

fn step(text: &str, outline: &Outline, group: usize, path: &str, at: usize) -> Result<Step, Lost> {
    let group = &outline.groups[group];
    let (name, end) = segment(path, at)?;
    let quoted = path[at..].starts_with('"');
    let keyless = group.entries.iter().all(|entry| outline.entries[*entry].key.is_none());
    if keyless && (group.bracket == '[' || !group.entries.is_empty()) {
        let next = name.parse::<usize>().ok().and_then(|index| group.entries.get(index).copied());
        let count = group.entries.len();
        return next.map(|next| Step::Into { next, end }).ok_or_else(|| {
            let title = format!("there is no item `{name}`");
            lost(path, at, end, &title, &format!("the list has {count} items, counted from 0"))
        });
    }
    let keys: Vec<_> = group
        .entries
        .iter()
        .filter_map(|entry| outline.entries[*entry].key.map(|key| (*entry, key_name(&text[key.start..key.end]))))
        .collect();
    let mut matches: Vec<(usize, usize)> = Vec::new();
    for (entry, key) in &keys {
        let ends = if quoted {
            (same(key, &name)).then_some(end)
        } else {
            prefix_end(&path[at..], key).map(|length| at + length)
        };
        matches.extend(ends.map(|end| (*entry, end)));
    }
    match matches.as_slice() {
        [(next, end)] => Ok(Step::Into { next: *next, end: *end }),
        [] if end == path.len() && group.bracket != '[' => Ok(Step::New(name)),
        [] if &path[..at] == "assumptions." && group.bracket == '{' => Ok(Step::New(path[at..].to_owned())),
        [] => {
            let known: Vec<_> = keys.iter().map(|(_, key)| key.as_str()).collect();
            Err(unknown(path, at, end, &known))
        }
        _ => Err(lost(
            path,
            at,
            end,
            "this name can be read in more than one way",
            "put the name that is meant in quotes",
        )),
    }
}

/// How much of the path a key takes up, if the path starts with it. Blanks around an arrow do not matter.
fn prefix_end(path: &str, key: &str) -> Option<usize> {
    let ends = path.char_indices().filter(|(_, letter)| *letter == '.').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().take(64).find(|end| same(&path[..*end], key))
}

fn same(written: &str, key: &str) -> bool {
    let squeeze = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").replace(" -> ", "->");
    written == key || (key.contains("->") && squeeze(written) == squeeze(key))
}

/// The segment that starts here, and where it ends: at a dot or at the end of the path.
fn segment(path: &str, at: usize) -> Result<(String, usize), Lost> {
    let rest = &path[at..];
    let (name, length) = match rest.strip_prefix('"') {
        Some(quoted) => match quoted.find('"') {
            Some(close) => (&quoted[..close], close + 2),
            None => {
                return Err(lost(path, at, path.len(), "this name never ends", "close it with `\"`"));
            }
        },
        None => rest.find('.').map_or((rest, rest.len()), |dot| (&rest[..dot], dot)),
    };
    let end = at + length;
    if name.is_empty() || !(end == path.len() || path[end..].starts_with('.')) {
        return Err(lost(
            path,
            at,
            end.max(at + 1),
            "a name is missing or runs into another",
            "write names with dots between them: `nodes.web.replicas`",
        ));
    }
    Ok((name.to_owned(), end))
}

/// The brackets whose entries the next segment names: those of the value, or of its only argument, as in
/// `Some(Service(..))`.
pub(super) fn descend(outline: &Outline, entry: usize) -> Option<usize> {
    let group = outline.value_group(entry)?;
    match outline.groups[group].entries.as_slice() {
        [only] if outline.groups[group].bracket == '(' && outline.entries[*only].key.is_none() => {
            descend(outline, *only).or(Some(group))
        }
        _ => Some(group),
    }
}

/// Whether paths pass an entry without a name for it: the only argument of what holds it.
pub(super) fn passes(outline: &Outline, entry: usize) -> bool {
    let group = &outline.groups[outline.entries[entry].group];
    group.bracket == '(' && group.entries.len() == 1 && outline.entries[entry].key.is_none()
}

/// How many entries stand before one in its brackets.
pub(super) fn index_of(outline: &Outline, entry: usize) -> usize {
    let group = &outline.groups[outline.entries[entry].group];
    group.entries.iter().take_while(|one| **one != entry).count()
}

fn is_bare(text: &str, outline: &Outline, entry: usize) -> bool {
    let value = outline.entries[entry].value;
    let mut letters = text[value.start..value.end].chars();
    letters.next().is_some_and(char::is_uppercase) && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

fn unknown(path: &str, start: usize, end: usize, known: &[&str]) -> Lost {
    let name = path[start..end].trim_matches('"');
    let title = format!("there is no `{name}` here");
    Lost { start, end, title, help: names::help(name, "there is", known.iter().copied()) }
}

fn lost(path: &str, start: usize, end: usize, title: &str, help: &str) -> Lost {
    Lost { start: start.min(path.len()), end: end.min(path.len()), title: title.to_owned(), help: help.to_owned() }
}
