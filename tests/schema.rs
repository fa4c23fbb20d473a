//! The layout of results that others read is the one that is kept in `docs/results.schema.json`.
//!
//! After a change that is meant: `FORESCALE_BLESS=1 cargo test --release --test schema`. What readers knew before must keep
//! its meaning, or `SCHEMA` goes up.

use forescale::experiment::study::Study;

const PATH: &str = "docs/results.schema.json";

#[test]
fn the_layout_of_results_is_the_one_that_is_documented() {
    let schema = schemars::schema_for!(Study);
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
    if std::env::var_os("FORESCALE_BLESS").is_some() {
        std::fs::write(PATH, &text).expect("the repository can be written");
    }
    let kept = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(kept == text, "{PATH} is not the layout of today: bless it if the change is meant");
}
