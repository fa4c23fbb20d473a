//! Which paths into a model lead to the same place.

/// Whether an edit of `outer` replaces what an edit of `inner` did before it.
pub(crate) fn covers(outer: &str, inner: &str) -> bool {
    let (outer, inner) = (plain(outer), plain(inner));
    inner.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether one of two edits undoes the other, in whichever order they are made.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    covers(one, other) || covers(other, one)
}

/// A path without quotes, and without blanks around arrows.
fn plain(path: &str) -> String {
    let parts: Vec<&str> = path.split("->").map(str::trim).collect();
    parts.join("->").replace('"', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_covers_itself_and_what_is_below_it() {
        assert!(covers("nodes.web", "nodes.web"));
        assert!(covers("nodes.web", "nodes.web.replicas"));
        assert!(!covers("nodes.web", "nodes.web2"));
        assert!(!covers("nodes.web.replicas", "nodes.web"));
        assert!(covers("links.\"web -> db\"", "links.web->db.timeout"));
        assert!(overlap("nodes.web.replicas", "nodes"));
    }
}
