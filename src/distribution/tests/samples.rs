//! Laws from files.

use super::{draws, mistakes, written};

#[test]
fn samples_are_drawn_from_a_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("latency.csv"), "at, latency_ms\n1, 2.5\n2, 10\n3, 10\n4, 0.000001\n")
        .expect("a file");
    let law = written("Csv(file: \"latency.csv\", column: \"latency_ms\", unit: \"ms\")");
    assert!(law.check().is_empty());
    let law = law.compile(directory.path()).expect("a law");
    assert!((law.mean_s() - 0.005_625_000_25).abs() < 1e-15);
    let count = 40_000;
    let tens = draws(&law, count).filter(|value| *value == 10e6).count() as f64;
    assert!((tens - 0.5 * count as f64).abs() < 4.0 * (0.25 * count as f64).sqrt());
    assert!(draws(&law, count).all(|value| [1.0, 2.5e6, 10e6].contains(&value)));

    let refusal = |content: &str, text: &str| {
        std::fs::write(directory.path().join("other.csv"), content).expect("a file");
        written(text).compile(directory.path()).expect_err(text).to_string()
    };
    let text = "Csv(file: \"other.csv\", column: \"ms\", unit: \"ms\")";
    assert!(refusal("a,b\n1,2\n", text).contains("has no column \"ms\": its columns are: a, b"));
    assert!(refusal("ms\n1\nx\n", text).contains("line 3: \"x\" is not a duration: a number is wanted"));
    assert!(refusal("ms\n-1\n", text).contains("0 or more"));
    assert!(refusal("ms\nNaN\n", text).contains("0 or more"));
    assert!(refusal("ms\n1e30\n", text).contains("ten years"));
    assert!(refusal("ms\n", text).contains("no values"));
    assert!(refusal("", text).contains("no column"));
    assert!(refusal("", "Csv(file: \"none.csv\", column: \"ms\", unit: \"ms\")").contains("cannot be read"));
    assert!(refusal("", "Csv(file: \".\", column: \"ms\", unit: \"ms\")").contains("not a file"));
    assert!(mistakes("Csv(file: \"none.csv\", column: \"ms\", unit: \"parsec\")").contains("not a unit of time"));
}
