//! Stores put together.

use crate::{Batch, POINTS, STORE, finished, said};

fn merge(batch: &Batch, arguments: &[&str]) -> (Option<i32>, String) {
    let output = batch.forescale(&[&["merge"], arguments].concat());
    (output.status.code(), said(&output) + &String::from_utf8_lossy(&output.stdout))
}

#[test]
fn the_union_holds_every_row_once() {
    let batch = finished();
    std::fs::copy(batch.path(STORE), batch.path("again.sqlite")).expect("a copy");
    let (code, told) = merge(&batch, &[STORE, "again.sqlite", "--into", "all.sqlite"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("12 points added to all.sqlite, 12 were there already"), "{told}");
    assert_eq!(batch.rows("all.sqlite"), POINTS);
    let output = batch.forescale(&["merge", STORE, "--into", "all.sqlite", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!((&document["points_added"], &document["points_known"]), (&0.into(), &POINTS.into()));
}

#[test]
fn different_contents_for_one_key_are_an_error_that_names_it_and_changes_nothing() {
    let batch = finished();
    let text = "'{\"load\":1.0}'";
    let key = "0".repeat(64);
    for (store, content) in [(STORE, "'{\"load\":2.0}'"), ("other.sqlite", text)] {
        if store != STORE {
            std::fs::copy(batch.path(STORE), batch.path(store)).expect("a copy");
            batch.sql(store, "DELETE FROM finding");
        }
        let checksum = forescale::experiment::run::digest(format!("{key}\n{}", content.trim_matches('\'')).as_bytes());
        batch.sql(store, &format!("INSERT OR REPLACE INTO finding VALUES ('{key}', {content}, '{checksum}')"));
    }
    let (code, told) = merge(&batch, &[STORE, "--into", "other.sqlite"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(&key) && told.contains(STORE) && told.contains("other.sqlite"), "{told}");
    assert_eq!(batch.rows("other.sqlite"), 1, "all or nothing");
}

#[test]
fn what_cannot_be_merged_is_wrong_input() {
    let batch = finished();
    for (arguments, word) in [
        (&["none.sqlite", "--into", "all.sqlite"][..], "there is no store none.sqlite"),
        (&["small.ron", "--into", "all.sqlite"], "no store of forescale"),
        (&[STORE, "--into", STORE], "into itself"),
        (&[STORE, "--into", "small.ron"], "no store of forescale"),
    ] {
        let (code, told) = merge(&batch, arguments);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(word), "{told}");
        assert!(!batch.path("all.sqlite").exists(), "nothing is made before everything was looked at");
    }
}

#[test]
fn an_export_has_a_row_for_each_quantity_from_results_and_from_the_store() {
    let batch = finished();
    assert_eq!(batch.taken(&[]), POINTS);
    let export = |arguments: &[&str]| {
        let output = batch.forescale(&[&["export"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    let csv = export(&["plots/small.json"]);
    assert_eq!(csv, export(&["small.ron", "--quick"]));
    let header = "experiment,variant,load,scope,name,quantity,value,low,high,p_value,refusal,start_s,end_s";
    assert_eq!(csv.lines().next(), Some(header));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let records: Vec<_> = reader.records().map(|record| record.expect("a row")).collect();
    let p99 = records.iter().filter(|row| &row[3] == "operation" && &row[4] == "all" && &row[5] == "p99_s").count();
    assert_eq!(p99, POINTS);
    let lines = export(&["plots/small.json", "--format", "jsonl"]);
    assert_eq!(lines.lines().count(), records.len());
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap_or("")).expect("JSON");
    assert_eq!(
        (&first["experiment"], &first["variant"], &first["load"]),
        (&"small".into(), &"as is".into(), &40.0.into())
    );
    export(&["plots/small.json", "--to", "rows.csv"]);
    assert_eq!(std::fs::read_to_string(batch.path("rows.csv")).expect("a file"), csv);

    let (lacking, wrong) = (batch.forescale(&["export", "small.ron"]), batch.forescale(&["export", "small.json"]));
    assert_eq!((lacking.status.code(), wrong.status.code()), (Some(1), Some(2)));
    assert!(said(&lacking).contains("lacks 12 of 12 points"), "{}", said(&lacking));
}
