//! A JSON document with indentation, but for long lists: the windows of a point, which would fill most of a file, and the points of
//! a gate's baseline take one line each.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// The text of a document, with a line break at its end.
///
/// # Errors
/// When a value has no JSON form.
pub fn document<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    in_lines(value, "windows")
}

/// The text of a document in which the elements of all lists with this key take one line each.
///
/// # Errors
/// When a value has no JSON form.
pub fn in_lines<T: Serialize>(value: &T, list: &str) -> Result<String, serde_json::Error> {
    let mut text = Vec::new();
    let formatter = Lines { list, pretty: PrettyFormatter::new(), key: Vec::new(), is_key: false, depth: None };
    value.serialize(&mut Serializer::with_formatter(&mut text, formatter))?;
    text.push(b'\n');
    Ok(String::from_utf8_lossy(&text).into_owned())
}

struct Lines<'a> {
    /// The key of lists whose elements take one line each.
    list: &'a str,
    pretty: PrettyFormatter<'a>,
    /// The latest key.
    key: Vec<u8>,
    is_key: bool,
    /// Brackets that are open within a list of one-line elements.
    depth: Option<u32>,
}

impl Lines<'_> {
    /// Whether an element that takes one line is open.
    fn is_inline(&self) -> bool {
        self.depth.is_some_and(|depth| depth > 0)
    }

    fn deeper(&mut self) {
        self.depth = self.depth.map(|depth| depth + 1);
    }

    fn shallower(&mut self) {
        self.depth = self.depth.map(|depth| depth.saturating_sub(1));
    }
}

fn separator<W: ?Sized + Write>(writer: &mut W, first: bool) -> io::Result<()> {
    if first { Ok(()) } else { writer.write_all(b", ") }
}

impl Formatter for Lines<'_> {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.depth.is_some() {
            self.deeper();
            return writer.write_all(b"[");
        }
        if self.key == self.list.as_bytes() {
            self.depth = Some(0);
        }
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_inline() {
            self.shallower();
            return writer.write_all(b"]");
        }
        self.depth = None;
        self.key.clear();
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.is_inline() { separator(writer, first) } else { self.pretty.begin_array_value(writer, first) }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_inline() { Ok(()) } else { self.pretty.end_array_value(writer) }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.depth.is_some() {
            self.deeper();
            return writer.write_all(b"{");
        }
        self.key.clear();
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_inline() {
            self.shallower();
            return writer.write_all(b"}");
        }
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.key.clear();
        self.is_key = true;
        if self.is_inline() { separator(writer, first) } else { self.pretty.begin_object_key(writer, first) }
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.is_key = false;
        self.pretty.end_object_key(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_inline() { Ok(()) } else { self.pretty.end_object_value(writer) }
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if self.is_key {
            self.key.extend_from_slice(fragment.as_bytes());
        }
        writer.write_all(fragment.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn only_windows_are_written_otherwise_than_usual() {
        let study = synthetic::study();
        assert_eq!(document(&study).unwrap(), serde_json::to_string_pretty(&study).unwrap() + "\n");
        let study = synthetic::with_windows();
        let text = document(&study).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, serde_json::to_value(&study).unwrap());
        assert!(text.len() * 5 < 4 * serde_json::to_string_pretty(&study).unwrap().len());
        assert!(
            text.lines()
                .any(|line| line.trim_start().starts_with("{\"start_s\": 0.0, \"end_s\": 150.0, \"offered_per_s\": {"))
        );
        let lists =
            serde_json::json!({ "windows": [], "next": [1, { "windows": [[], {}, 3, "windows"] }], "last": {} });
        let text = document(&lists).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), lists, "{text}");
    }
}
