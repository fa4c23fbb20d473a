//! File names from names that users write.

use std::collections::BTreeSet;

/// Longer slugs would approach the limit of file systems once the study's name and the chart's kind are added.
const LENGTH_MAX: usize = 80;

/// The longest part of a file name that is the study's.
const STEM_LENGTH_MAX: usize = 96;

/// Lower-case ASCII letters and digits with single hyphens between them; `fallback` where nothing is left.
pub(super) fn slug(name: &str, fallback: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            text.push(character.to_ascii_lowercase());
        } else if !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
        if text.len() >= LENGTH_MAX {
            break;
        }
    }
    let text = text.trim_end_matches('-');
    if text.is_empty() { fallback.to_owned() } else { text.to_owned() }
}

/// One slug for each name, all different from each other and from `reserved`. Names that would share a slug are numbered.
pub(super) fn unique_slugs<'a>(names: impl IntoIterator<Item = &'a str>, reserved: &[&str]) -> Vec<String> {
    let mut taken: BTreeSet<String> = reserved.iter().map(|slug| (*slug).to_owned()).collect();
    let mut slugs = Vec::new();
    for name in names {
        let base = slug(name, "variant");
        let mut candidate = base.clone();
        let mut number = 2;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{base}-{number}");
            number += 1;
        }
        slugs.push(candidate);
    }
    slugs
}

/// A study's name as the start of a file name: as it is, but for characters that could leave the directory or trouble a
/// shell.
pub(super) fn file_stem(name: &str) -> String {
    let safe = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let text: String =
        name.chars().take(STEM_LENGTH_MAX).map(|character| if safe(character) { character } else { '-' }).collect();
    let text = text.trim_matches(|character| matches!(character, '-' | '.'));
    if text.is_empty() { "study".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_safe_and_unique() {
        let names =
            ["Baseline", "base/line", "base line", "../..", "", "größer", "base-line-2", "against cost", "日本"];
        let slugs = unique_slugs(names, &["against-cost"]);
        let expected = [
            "baseline",
            "base-line",
            "base-line-2",
            "variant",
            "variant-2",
            "gr-er",
            "base-line-2-2",
            "against-cost-2",
            "variant-3",
        ];
        assert_eq!(slugs, expected);
        let long = "x".repeat(300);
        let slugs = unique_slugs([long.as_str(), long.as_str()], &[]);
        assert_eq!(slugs[0].len(), LENGTH_MAX);
        assert_ne!(slugs[0], slugs[1]);
    }

    #[test]
    fn a_stem_cannot_leave_its_directory() {
        assert_eq!(file_stem("peak_load.v2"), "peak_load.v2");
        assert_eq!(file_stem("../../etc/passwd"), "etc-passwd");
        assert_eq!(file_stem("..."), "study");
        assert_eq!(file_stem(""), "study");
    }
}
