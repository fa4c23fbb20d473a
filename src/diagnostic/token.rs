//! The words of a text: just enough to tell brackets from brackets inside strings and comments.

use crate::diagnostic::outline::Fault;
use crate::diagnostic::span::Span;

/// What a token is to an outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Open(char),
    Close(char),
    Comma,
    Colon,
    /// A name, a number or a string: what may be a key.
    Word,
    Other,
}

/// The first token at or after an offset, or none at the end of the text.
///
/// # Errors
/// When a string or a block comment does not end.
pub fn next_token(text: &str, offset: usize) -> Result<Option<(Token, Span)>, Fault> {
    let start = skip_blank(text, offset)?;
    let bytes = text.as_bytes();
    let Some(first) = bytes.get(start) else {
        return Ok(None);
    };
    let one = |token| Ok(Some((token, Span { start, end: start + 1 })));
    match first {
        b'(' | b'[' | b'{' => one(Token::Open(char::from(*first))),
        b')' | b']' | b'}' => one(Token::Close(char::from(*first))),
        b',' => one(Token::Comma),
        b':' => one(Token::Colon),
        _ => {
            let (token, end) = word(text, start)?;
            Ok(Some((token, Span { start, end })))
        }
    }
}

/// Skips blanks and comments.
///
/// # Errors
/// When a block comment does not end.
pub fn skip_blank(text: &str, offset: usize) -> Result<usize, Fault> {
    let mut at = offset;
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start_matches(is_blank);
        at = text.len() - trimmed.len();
        if trimmed.starts_with("//") {
            at = trimmed.find('\n').map_or(text.len(), |newline| at + newline + 1);
        } else if trimmed.starts_with("/*") {
            at = block_comment_end(text, at)?;
        } else {
            return Ok(at);
        }
    }
}

/// What RON takes for blank.
fn is_blank(letter: char) -> bool {
    letter.is_ascii_whitespace()
        || matches!(letter, '\u{b}' | '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
}

/// Block comments nest.
fn block_comment_end(text: &str, start: usize) -> Result<usize, Fault> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = start;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Ok(at);
                }
            }
            _ => at += 1,
        }
    }
    Err(Fault::Endless { start, comment: true })
}

fn word(text: &str, start: usize) -> Result<(Token, usize), Fault> {
    let rest = &text[start..];
    if let Some(end) = string_end(rest) {
        return match end {
            Some(end) => Ok((Token::Word, start + end)),
            None => Err(Fault::Endless { start, comment: false }),
        };
    }
    if let Some(end) = char_end(rest) {
        return Ok((Token::Word, start + end));
    }
    let rest_of_name = rest.strip_prefix("r#").unwrap_or(rest);
    let name_end =
        rest_of_name.find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '.' | '+' | '-')));
    let end = name_end.unwrap_or(rest_of_name.len()) + (rest.len() - rest_of_name.len());
    if end > 0 {
        return Ok((Token::Word, start + end));
    }
    Ok((Token::Other, start + rest.chars().next().map_or(1, char::len_utf8)))
}

/// The length of the string that the text starts with: none if it starts with no string, and none inside if the string
/// does not end.
fn string_end(text: &str) -> Option<Option<usize>> {
    let plain = text.strip_prefix('b').unwrap_or(text);
    let prefix = text.len() - plain.len();
    if let Some(raw) = plain.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let terminator = format!("\"{}", "#".repeat(hashes));
        let body_start = prefix + 1 + hashes + 1;
        return Some(body.find(&terminator).map(|end| body_start + end + terminator.len()));
    }
    let body = plain.strip_prefix('"')?;
    let mut escaped = false;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(Some(prefix + 1 + at + 1)),
            _ => {}
        }
    }
    Some(None)
}

/// The length of the character literal that the text starts with. A lone apostrophe starts none.
fn char_end(text: &str) -> Option<usize> {
    let plain = text.strip_prefix('b').unwrap_or(text);
    let body = plain.strip_prefix('\'')?;
    let prefix = text.len() - body.len();
    let mut letters = body.char_indices().take(12);
    let (_, first) = letters.next()?;
    if first == '\\' {
        letters.next()?;
    }
    letters.find(|(_, letter)| *letter == '\'').map(|(at, _)| prefix + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_comments_and_characters_are_one_word_each() -> Result<(), Fault> {
        let text = "a_b 1.5e-3 \"q\\\"(\" r##\"x\"#\"## b\"y\" '(' '\\'' r#type /* ( /* */ */ ] // )\n, : =";
        let mut found = Vec::new();
        let mut at = 0;
        while let Some((token, span)) = next_token(text, at)? {
            found.push((token, &text[span.start..span.end]));
            at = span.end;
        }
        let words = ["a_b", "1.5e-3", "\"q\\\"(\"", "r##\"x\"#\"##", "b\"y\"", "'('", "'\\''", "r#type"];
        let rest = [(Token::Close(']'), "]"), (Token::Comma, ","), (Token::Colon, ":"), (Token::Other, "=")];
        assert_eq!(found, words.map(|word| (Token::Word, word)).into_iter().chain(rest).collect::<Vec<_>>());
        Ok(())
    }
}
