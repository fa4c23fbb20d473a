//! What was finished is not studied again, whatever ended the run.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::{Batch, POINTS, STORE, finished, said, whole};

#[test]
fn a_killed_run_goes_on_and_ends_in_the_same_bytes() {
    // By the number of rows that are there, and by time: while it starts, while it works, while it writes.
    for (rows, wait_ms) in [(0, 3), (0, 17), (1, 0), (4, 7), (POINTS, 0)] {
        let batch = Batch::new();
        let mut most = 0;
        for _ in 0..2 {
            let mut child = batch
                .command(&["run", "small.ron", "--quick", "--threads", "1"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the command starts");
            while batch.rows(STORE) < rows && child.try_wait().expect("a child").is_none() {
                sleep(Duration::from_millis(1));
            }
            sleep(Duration::from_millis(wait_ms));
            let seen = batch.rows(STORE);
            child.kill().expect("kill -9");
            child.wait().expect("it ended");
            assert!(batch.rows(STORE) >= seen, "a finished point was lost");
            most = batch.rows(STORE);
        }
        assert!(most >= rows);
        assert_eq!(batch.taken(&[]), most);
        assert_eq!(batch.results(), whole().0, "killed after {rows} rows and {wait_ms} ms");
    }
}

#[test]
fn a_finished_run_takes_everything() {
    let batch = finished();
    assert_eq!(batch.taken(&["--require-complete"]), POINTS);
    assert_eq!(batch.results(), whole().0);
}

#[test]
fn one_document_has_the_same_digest() {
    let batch = finished();
    let taken = batch.run(&["--json"]);
    let fresh = batch.run(&["--json", "--fresh"]);
    assert!(!taken.stdout.is_empty());
    assert_eq!(taken.stdout, fresh.stdout);
}

#[test]
fn fresh_studies_every_point_anew_and_must_find_the_same() {
    let batch = finished();
    assert_eq!(batch.taken(&["--fresh"]), 0);
    assert_eq!(batch.results(), whole().0);
    assert_eq!(batch.rows(STORE), POINTS);
    // Something else under the key of a point, with a checksum that fits, can only be found by studying it again.
    let content: String = row(&batch, "content").replace("\"load\":40.0", "\"load\":41.0");
    let key = row(&batch, "key");
    let checksum = forescale::experiment::run::digest(format!("{key}\n{content}").as_bytes());
    batch.sql(STORE, &format!("UPDATE finding SET content = '{content}', checksum = '{checksum}' WHERE key = '{key}'"));
    assert_eq!(batch.taken(&[]), POINTS);
    assert_ne!(batch.results(), whole().0, "the store was not asked");
    let output = batch.run(&["--fresh"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("different numbers for one point") && said(&output).contains(&key));
}

/// Of the point at 40/s of the variant with one replica.
fn row(batch: &Batch, column: &str) -> String {
    let connection = rusqlite::Connection::open(batch.path(STORE)).expect("the store opens");
    let query = format!("SELECT {column} FROM finding WHERE content LIKE '{{\"point\":{{\"load\":40.0,%' ORDER BY key");
    connection.query_row(&query, [], |row| row.get(0)).expect("a row")
}

#[test]
fn a_changed_variant_alone_is_studied_again() {
    let batch = finished();
    batch.write_experiment("3");
    assert_eq!(batch.taken(&[]), POINTS / 2);
    assert_eq!(batch.rows(STORE), POINTS * 3 / 2);
    assert_ne!(batch.results(), whole().0);
    // What it was before is still there.
    batch.write_experiment("2");
    assert_eq!(batch.taken(&[]), POINTS);
    assert_eq!(batch.results(), whole().0);
}

#[test]
fn seed_settings_model_and_its_files_are_part_of_the_question() {
    let batch = finished();
    assert_eq!(batch.taken(&["--seed", "2"]), 0);
    assert_eq!(batch.taken(&["--seed", "1"]), POINTS);
    let model = std::fs::read_to_string(batch.path("model.ron")).expect("the model");
    let traced = model.replacen(
        "LogNormal(mean: \"10ms\", p99: \"40ms\")",
        "Csv(file: \"times.csv\", column: \"t\", unit: \"ms\")",
        1,
    );
    assert_ne!(model, traced, "the model computes for a log-normal time");
    std::fs::write(batch.path("model.ron"), traced).expect("a file");
    for (times, taken) in [("t\n5\n6\n", 0), ("t\n5\n6\n", POINTS), ("t\n5\n7\n", 0)] {
        std::fs::write(batch.path("times.csv"), times).expect("a file");
        assert_eq!(batch.taken(&[]), taken, "{times:?}");
    }
}

#[test]
fn two_processes_on_one_store_both_finish() {
    let batch = Batch::new();
    let start = || {
        let mut command = batch.command(&["run", "small.ron", "--quick", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the command starts")
    };
    let children = [start(), start()];
    let outputs = children.map(|child| child.wait_with_output().expect("it ends"));
    for output in &outputs {
        assert_eq!(output.status.code(), Some(0), "{}", said(output));
    }
    assert_eq!(outputs[0].stdout, outputs[1].stdout);
    assert_eq!(batch.results(), whole().0);
    assert_eq!(batch.rows(STORE), POINTS);
}

#[test]
fn what_is_missing_is_told_where_everything_must_be_there() {
    let batch = finished();
    batch.sql(STORE, "DELETE FROM finding WHERE key IN (SELECT key FROM finding LIMIT 5)");
    let output = batch.run(&["--require-complete"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("lacks 5 of 12 points"), "{}", said(&output));
    assert!(!batch.path("plots/small.json").exists());
}
