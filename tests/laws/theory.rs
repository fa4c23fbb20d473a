//! The closed forms of queueing theory that the simulator is held against.

use std::sync::LazyLock;

use serde_json::Value;

/// One line of the collection: a system with parameters, and what theory says about it.
pub struct Row {
    pub id: String,
    values: Value,
    approximate: Vec<String>,
}

/// All lines, in the order of the file.
pub static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let text = std::fs::read_to_string("tests/data/theory/closed_forms.json").expect("the collection is there");
    let whole: Value = serde_json::from_str(&text).expect("the collection is JSON");
    let rows = whole["rows"].as_array().expect("a list of rows");
    rows.iter()
        .map(|row| Row {
            id: row["id"].as_str().expect("an id").to_owned(),
            values: row["values"].clone(),
            approximate: row["approximate_values"]
                .as_array()
                .map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
                .unwrap_or_default(),
        })
        .collect()
});

impl Row {
    /// The row of this name.
    pub fn named(id: &str) -> &'static Self {
        ROWS.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("there is no row {id}"))
    }

    /// A value by name; those of lists and tables are called `name[2]` and `table.name`.
    pub fn value(&self, name: &str) -> f64 {
        let names = self.numbers();
        let found = names.iter().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("row {} has no value {name}", self.id)).1
    }

    /// Whether the file calls a value approximate or a limit, which must not be used as an exact truth.
    pub fn is_approximate(&self, name: &str) -> bool {
        self.approximate.iter().any(|known| known == name)
    }

    /// All numbers of the row with their names.
    pub fn numbers(&self) -> Vec<(String, f64)> {
        let mut found = Vec::new();
        flatten("", &self.values, &mut found);
        found
    }
}

fn flatten(name: &str, value: &Value, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64().map(|number| (name.to_owned(), number))),
        Value::Bool(truth) => found.push((name.to_owned(), f64::from(u8::from(*truth)))),
        Value::Array(list) => {
            for (index, one) in list.iter().enumerate() {
                flatten(&format!("{name}[{index}]"), one, found);
            }
        }
        Value::Object(table) => {
            for (key, one) in table {
                let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&inner, one, found);
            }
        }
        Value::Null | Value::String(_) => {}
    }
}
