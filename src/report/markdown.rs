//! The table of a study for a pull request.

use crate::experiment::study::Study;

use super::rows;
use super::text::one_line;

/// Title, table, remarks and what is needed to see the same numbers again.
pub fn study(study: &Study) -> String {
    let table = rows::study(study);
    let mut text = format!("### {}\n\n", escaped(&one_line(&study.title)));
    let row =
        |cells: &[String]| format!("| {} |\n", cells.iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join(" | "));
    text.push_str(&row(&table.header));
    let align = |column: usize| if column < table.names { ":--".to_owned() } else { "--:".to_owned() };
    text.push_str(&row(&(0..table.header.len()).map(align).collect::<Vec<_>>()));
    for cells in &table.rows {
        text.push_str(&row(cells));
    }
    text.push('\n');
    for remark in rows::remarks(study) {
        text.push_str(&format!("- {}\n", escaped(&remark)));
    }
    text.push_str(&format!(
        "\nIntervals are 95% confidence intervals. Model {}, seed {}, result `{}`, forescale {}.\n",
        escaped(&one_line(&study.model)),
        study.seed,
        study.digest.chars().take(12).filter(char::is_ascii_alphanumeric).collect::<String>(),
        escaped(&one_line(&study.version)),
    ));
    text
}

/// Text in which Markdown finds no markup: a user's name must not end a cell, start a list or open a tag.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '\n' => escaped.push_str("<br>"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' => escaped.extend(['\\', character]),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use crate::report::synthetic;

    #[test]
    fn a_study_is_a_table() {
        insta::assert_snapshot!(super::study(&synthetic::study()));
    }

    #[test]
    fn names_cannot_break_the_table() {
        let mut study = synthetic::study();
        study.variants[0].name = "a|b\n<script>`*_".to_owned();
        let text = super::study(&study);
        assert!(text.contains(r"| a\|b &lt;script>\`\*\_ |"), "{text}");
        let header = text.lines().find(|line| line.starts_with("| Variant")).unwrap();
        let columns = header.matches(" | ").count();
        let rows = text.lines().filter(|line| line.starts_with('|'));
        assert!(rows.map(|line| line.replace(r"\|", "").matches(" | ").count()).all(|count| count == columns));
    }
}
