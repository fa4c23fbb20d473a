//! Files that are no store, or not any more: told in words, and left as they are.

use crate::{Batch, STORE, finished, said, whole};

/// Runs on a store with this content, which must be refused with this code and left alone.
fn refused(batch: &Batch, content: &[u8], code: i32) -> String {
    std::fs::write(batch.path(STORE), content).expect("a file");
    let output = batch.run(&[]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(std::fs::read(batch.path(STORE)).expect("a file") == content, "the file was changed");
    assert!(!batch.path("plots/small.json").exists(), "results were written");
    said
}

#[test]
fn files_that_are_no_stores_are_wrong_input() {
    let batch = finished();
    assert!(refused(&batch, b"p99 was 12 ms on Monday\n", 2).contains("it is not an SQLite file"));
    assert!(refused(&batch, &[0; 4096], 2).contains("it is not an SQLite file"));
    batch.sql("notes.db", "CREATE TABLE finding (key TEXT); INSERT INTO finding VALUES ('mine')");
    let foreign = std::fs::read(batch.path("notes.db")).expect("a file");
    assert!(refused(&batch, &foreign, 2).contains("an SQLite file of another program"));
    let output = batch.run(&["--store", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("it is not a file"), "{}", said(&output));
}

#[test]
fn other_layouts_are_told() {
    for (version, word) in [(0, "older"), (2, "newer"), (99, "newer")] {
        let batch = finished();
        batch.sql(STORE, &format!("PRAGMA user_version = {version}"));
        let content = std::fs::read(batch.path(STORE)).expect("a file");
        let said = refused(&batch, &content, 2);
        assert!(said.contains(&format!("has the layout {version} of a")) && said.contains(word), "{said}");
    }
}

#[test]
fn a_cut_store_is_damaged() {
    let content = &whole().1;
    for eighths in 1..8 {
        let cut = &content[..content.len() * eighths / 8];
        let said = refused(&finished(), cut, 1);
        assert!(said.contains("is damaged"), "{said}");
    }
}

/// Either it is told, or the numbers are right: wherever a byte is flipped.
#[test]
fn a_flipped_byte_changes_no_number() {
    let content = &whole().1;
    let batch = finished();
    let mut told = 0;
    const TRIES: usize = 80;
    for number in 0..TRIES {
        let mut flipped = content.clone();
        // Spread over the file, headers of pages and all.
        let at = (number * content.len() / TRIES + number * 13) % content.len();
        flipped[at] ^= 1 << (number % 8);
        std::fs::write(batch.path(STORE), &flipped).expect("a file");
        let _ = std::fs::remove_file(batch.path("plots/small.json"));
        let output = batch.run(&[]);
        if output.status.success() {
            assert_eq!(batch.results(), whole().0, "byte {at}");
        } else {
            let said = said(&output);
            assert!(said.contains(STORE) && said.contains("error"), "byte {at}: {said}");
            assert!(output.status.code().is_some_and(|code| code == 1 || code == 2), "byte {at}: {said}");
            assert!(!batch.path("plots/small.json").exists());
            told += 1;
        }
        for rest in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(batch.path(&format!("{STORE}{rest}")));
        }
    }
    assert!(told > TRIES / 2, "most of the file are rows with checksums, and {told} flips were told");
}

#[test]
fn a_changed_row_is_told_and_the_sound_ones_can_be_saved() {
    let batch = finished();
    batch.sql(STORE, "UPDATE finding SET content = replace(content, '0', '1') WHERE rowid = 3");
    let output = batch.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(told.contains("is not what was written") && told.contains("forescale merge"), "{told}");

    let output = batch.forescale(&["merge", STORE, "--into", "saved.sqlite"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("left out"), "{}", said(&output));
    assert_eq!(batch.taken(&["--store", "saved.sqlite"]), 11);
    assert_eq!(batch.results(), whole().0);
}
