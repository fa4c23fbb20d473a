//! Batches whose series get further loads where their curves bend.

use crate::{Batch, STORE, said};

/// Six loads by three more at most, for two series of which only one bends.
fn batch() -> Batch {
    let batch = Batch::new();
    let text = r#"Experiment(title: "t", model: "model.ron", refine: 3,
        load: Axis(path: "nodes.visitors.rate", values: ["40/s", "100/s", "400/s"]),
        variants: { "as is": {}, "more": { "nodes.web.replicas": 20 } })"#;
    std::fs::write(batch.path("small.ron"), text).expect("the experiment can be written");
    batch
}

fn whole() -> (Batch, String, usize) {
    let batch = batch();
    assert_eq!(batch.taken(&[]), 0);
    let (results, rows) = (batch.results(), batch.rows(STORE));
    assert!((7..=12).contains(&rows), "some loads were added: {rows}");
    (batch, results, rows)
}

#[test]
fn a_batch_that_lost_points_finds_the_same_again() {
    let (batch, results, rows) = whole();
    assert_eq!(batch.taken(&["--require-complete"]), rows);
    // Whatever is lost, listed loads or further ones, in whichever order.
    for lost in [1, rows - 1, 3] {
        let order = if lost == 3 { "key" } else { "rowid DESC" };
        let which = format!("SELECT rowid FROM finding ORDER BY {order} LIMIT {lost}");
        batch.sql(STORE, &format!("DELETE FROM finding WHERE rowid IN ({which})"));
        std::fs::remove_file(batch.path("plots/small.json")).expect("results");
        let output = batch.run(&["--require-complete"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let output = batch.forescale(&["export", "small.ron", "--quick"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        batch.taken(&["--threads", "1"]);
        assert_eq!(batch.results(), results, "without {lost} points");
        assert_eq!(batch.rows(STORE), rows);
    }
    let output = batch.forescale(&["export", "small.ron", "--quick"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(output.stdout, batch.forescale(&["export", "plots/small.json"]).stdout);
}

/// Where a series looks next follows from all of its points, so each part has whole series.
#[test]
fn parts_have_whole_series() {
    let (_, results, rows) = whole();
    let batch = batch();
    let shard = |number: usize| format!("plots/small.shard-{number}-of-3.sqlite");
    for number in 1..=3 {
        assert_eq!(batch.taken(&["--shard", &format!("{number}/3")]), 0);
    }
    let parts: Vec<usize> = (1..=3).map(|number| batch.rows(&shard(number))).collect();
    assert_eq!((parts.iter().sum::<usize>(), parts[2]), (rows, 0), "{parts:?}");
    assert!(parts[..2].iter().all(|rows| *rows >= 3), "{parts:?}");
    let output = batch.forescale(&["merge", &shard(1), &shard(2), &shard(3), "--into", STORE]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(batch.taken(&["--require-complete"]), rows);
    assert_eq!(batch.results(), results);
}
