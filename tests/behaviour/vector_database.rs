//! Vector databases: the slowest shard decides, recall follows from where neighbours are, and copies share the work.

use crate::run::{Run, architecture, prepare, run, run_replication};

fn database(rate: &str, written: &str, search: &str) -> String {
    architecture(
        "\"topic\": Zipf(count: 2000, exponent: 0.6)",
        &format!(
            r#""searchers": Clients(rate: "{rate}", mix: {{ "vectors.search": 1 }}),
               "writers": Clients(rate: "10/s", mix: {{ "vectors.insert": 1 }}),
               "vectors": VectorDatabase(vectors: 10_000_000, {written}, operations: {{ "search": {search}, "insert": Insert() }}),"#
        ),
        "",
    )
}

fn runs(text: &str) -> Run {
    run(&prepare(text, &[]), 60.0)
}

/// Mean and standard error over replications.
fn over_replications(text: &str, value: fn(&Run) -> f64) -> (f64, f64) {
    let compiled = prepare(text, &[]);
    let values: Vec<f64> = (0..20).map(|replication| value(&run_replication(&compiled, 60.0, replication))).collect();
    let mean = values.iter().sum::<f64>() / 20.0;
    let error = (values.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (20.0 * 19.0)).sqrt();
    (mean, error)
}

#[test]
fn the_slowest_shard_decides() {
    // So many cores that nobody waits, and one exponential search for each shard.
    let of = |shards: u32| {
        let written = format!("nodes: {shards}, shards: {shards}, cpu: 1000, distance_time: Exponential(\"1us\")");
        over_replications(&database("30/s", &written, "Search(k: 10, ef: 100)"), |run| run.latency_s("searchers"))
    };
    let distances = |shards: f64| 16.0 * (1e7 / shards).ln() / 16f64.ln() + 2.0 * 16.0 * 100.0;
    for shards in [1, 4, 16] {
        let (mean, error) = of(shards);
        let harmonic: f64 = (1..=shards).map(|shard| 1.0 / f64::from(shard)).sum();
        let expected = 1e-6 * distances(f64::from(shards)) * harmonic;
        assert!((mean - expected).abs() < 4.0 * error, "{shards} shards: {mean} against {expected}, error {error}");
        assert!(error < 0.02 * mean, "{shards} shards: the error bar is narrow");
    }
}

#[test]
fn recall_by_hash_is_the_share_of_shards_that_are_asked() {
    for (fan_out, expected) in [(1, 0.125), (4, 0.5), (8, 1.0)] {
        let search = format!("Search(k: 10, ef: 100, fan_out: {fan_out})");
        let text = database("50/s", "nodes: 4, shards: 8, distance_time: Exponential(\"0.1us\")", &search);
        let (mean, error) = over_replications(&text, |run| run.share("vectors", "recall_ratio"));
        assert!((mean - expected).abs() <= 4.0 * error, "{fan_out} of 8: {mean} against {expected}, error {error}");
    }
}

#[test]
fn recall_by_cluster_is_higher_the_more_neighbours_lie_together() {
    let recall = |locality: &str, fan_out: u32| {
        let written = format!(
            "nodes: 4, shards: 200, distance_time: Exponential(\"0.1us\"), partition: ByCluster(key: \"topic\", locality: \"{locality}\")"
        );
        let run = runs(&database("20/s", &written, &format!("Search(k: 10, fan_out: {fan_out})")));
        assert_eq!(run.share("vectors", "shards_per_search"), f64::from(fan_out));
        run.share("vectors", "recall_ratio")
    };
    let (far, near, together) = (recall("2%", 2), recall("20%", 2), recall("100%", 2));
    assert!(far < near && near < together, "{far}, {near}, {together}");
    assert_eq!((together, recall("2%", 200)), (1.0, 1.0));
    let (one, four, sixteen) = (recall("5%", 1), recall("5%", 4), recall("5%", 16));
    assert!(one < four && four < sixteen && sixteen < 1.0, "{one}, {four}, {sixteen}");
}

#[test]
fn an_insert_is_answered_by_the_copies_that_are_needed() {
    // Of three exponential copies the first takes a third of a mean, two 1/3 + 1/2, and all 1/3 + 1/2 + 1.
    let distances = 16.0 * 1e7f64.ln() / 16f64.ln() + 2.0 * 16.0 * 200.0;
    for (consistency, means) in [("One", 1.0 / 3.0), ("Majority", 5.0 / 6.0), ("All", 11.0 / 6.0)] {
        let written = format!(
            "nodes: 3, replication_factor: 3, cpu: 1000, distance_time: Exponential(\"1us\"), write_consistency: {consistency}"
        );
        let (mean, error) =
            over_replications(&database("1/s", &written, "Search(k: 10)"), |run| run.latency_s("writers"));
        let expected = 1e-6 * distances * means;
        assert!((mean - expected).abs() < 4.0 * error, "{consistency}: {mean} against {expected}, error {error}");
        // Whoever is waited for, all copies are written.
        let run = runs(&database("1/s", &written, "Search(k: 10)"));
        let visits: f64 = (0..3).map(|node| run.arrivals(&format!("vectors/{node}"))).sum();
        assert_eq!(visits, 3.0 * run.arrivals("writers") + run.arrivals("searchers"));
    }
}

#[test]
fn one_shard_on_one_node_is_a_service_that_computes() {
    let text = database("200/s", "cpu: 2, distance_time: Exponential(\"1us\")", "Search(k: 10, ef: 100)");
    let run = runs(&text);
    assert_eq!(run.arrivals("vectors/0"), run.arrivals("vectors"));
    assert_eq!(run.node("vectors/0").counters.in_system_ns, run.node("vectors").counters.in_system_ns);
}
