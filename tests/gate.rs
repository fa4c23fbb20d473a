//! A gate falls for what is worse for sure and by more than the margin, and for nothing else.

use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::compare::Pair;
use forescale::experiment::finding::Finding;
use forescale::experiment::gate::{Check, Margins, Outcome, gate};
use forescale::experiment::metric::Metric;
use forescale::experiment::pipeline::{Settings, study};
use forescale::model::{Model, compile, read};

const MARGINS: Margins = Margins { latency_ratio: 0.05, cost_ratio: 0.05, error_ratio: 0.001 };

/// M/M/1 with this load, mean service time and price.
fn found(rate: &str, service: &str, price: &str) -> Finding {
    let text = format!(
        r#"Architecture(name: "m_m_1", nodes: {{
            "clients": Clients(rate: "{rate}", mix: {{ "server.request": 1 }}),
            "server": Service(workers: 1, price: "{price}", operations: {{ "request": [ Compute(Exponential("{service}")) ] }}),
        }})"#
    );
    let document = Document::new("m_m_1.ron", text);
    let model: Model = read(&document, &mut Diagnostics::new()).expect("a model without mistakes");
    let compiled = compile(&model, &document, ".".as_ref()).expect("a model that compiles");
    let settings = Settings { precision: 0.1, bias: 0.05, ..Settings::default() };
    study(&compiled, 0.0, &settings).expect("the counts obey the laws")
}

fn checks(before: &Finding, after: &Finding) -> Vec<Check> {
    gate(&[Pair { variant: "as is", baseline: before, finding: after }], "all", MARGINS)
}

/// How the check of one metric ended.
fn outcome(before: &Finding, after: &Finding, metric: Metric) -> Outcome {
    checks(before, after).iter().find(|check| check.metric == Some(metric)).expect("it is checked").outcome
}

#[test]
fn a_gate_knows_better_worse_and_much_the_same() {
    let base = found("500/s", "1ms", "$0.10/h");
    assert_eq!(outcome(&base, &base, Metric::P99), Outcome::Passed);
    // Time in system 1 / (mu - lambda): 1% slower service makes it 2% longer, 10% makes it 22% longer.
    let slightly = found("500/s", "1.01ms", "$0.10/h");
    assert_eq!(outcome(&base, &slightly, Metric::P99), Outcome::Passed, "worse for sure, within the margin");
    let slower = found("500/s", "1.1ms", "$0.10/h");
    assert_eq!(outcome(&base, &slower, Metric::P99), Outcome::Failed);
    assert_eq!(outcome(&slower, &base, Metric::P99), Outcome::Improved);
    let dearer = found("500/s", "1ms", "$0.12/h");
    assert_eq!(outcome(&base, &dearer, Metric::CostPerHour), Outcome::Failed);
    assert_eq!(outcome(&base, &dearer, Metric::P99), Outcome::Passed);
}

#[test]
fn what_is_no_longer_stable_fails() {
    let (base, overloaded) = (found("500/s", "1ms", "$0.10/h"), found("500/s", "2.2ms", "$0.10/h"));
    let told = checks(&base, &overloaded);
    assert_eq!((told.len(), told[0].outcome, told[0].metric), (1, Outcome::Failed, None), "{told:?}");
    assert!(told[0].note.as_deref().is_some_and(|note| note.contains("unstable")), "{told:?}");
    assert_eq!(checks(&overloaded, &base)[0].outcome, Outcome::Improved);
    assert_eq!(checks(&overloaded, &overloaded)[0].outcome, Outcome::Passed);
}

/// Queues near saturation are what no longer can be told precisely.
#[test]
fn a_latency_that_can_no_longer_be_told_fails() {
    let base = found("500/s", "1ms", "$0.10/h");
    let mut vague = base.clone();
    vague.point.operations.iter_mut().for_each(|operation| operation.p99_s = None);
    vague.point.notes.push("p99 is known to 9%".to_owned());
    let told = checks(&base, &vague);
    let of = |checks: &[Check]| checks.iter().find(|check| check.metric == Some(Metric::P99)).cloned();
    let p99 = of(&told).expect("it is told");
    assert_eq!(p99.outcome, Outcome::Failed);
    assert!(p99.note.is_some_and(|note| note.contains("9%")));
    assert_eq!(of(&checks(&vague, &base)).map(|check| check.outcome), Some(Outcome::Passed));
}
