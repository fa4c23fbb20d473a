//! Names that users wrote, made fit to be shown.

/// The text on one line, without what would move a terminal's cursor or make a document invalid.
pub(super) fn one_line(text: &str) -> String {
    let shown = |character: char| match character {
        // XML forbids both, and nothing shows them.
        '\u{FFFE}' | '\u{FFFF}' => ' ',
        character if character.is_control() => ' ',
        character => character,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_blanks() {
        assert_eq!(one_line("a\nb\u{1b}[31mc\0"), "a b [31mc ");
        assert_eq!(one_line("größe µ 日本"), "größe µ 日本");
    }
}
