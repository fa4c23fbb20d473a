//! What is told of requests that hardly ever fail is honest: the intervals cover, and a run that is too short says so.

use std::path::Path;

use forescale::diagnostic::report::{Style, text};
use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::compare::difference;
use forescale::experiment::finding::Finding;
use forescale::experiment::metric::Metric;
use forescale::experiment::pipeline::{ErrorLimit, Horizon, Settings, study};
use forescale::experiment::plan::{ModelFile, load_point};
use forescale::experiment::study::{Bound, Interval, Objective, Verdict};
use forescale::model::Compiled;
use forescale::statistics::estimate::mean_interval;
use forescale::statistics::proportion::binomial_interval;
use rayon::prelude::*;

const SEEDS: u64 = 400;
/// 93 of 100; of honest intervals of 95%, 400 fall below that in one of 40 cases.
const HONEST: usize = 372;

fn compiled(nodes: &str) -> Compiled {
    let content = format!("Architecture(name: \"rare\", nodes: {{ {nodes} }})");
    let file = ModelFile { document: Document::new("rare.ron", content), directory: Path::new("").to_owned() };
    let mut diagnostics = Diagnostics::new();
    let compiled = load_point(&file, &[], true, &mut diagnostics);
    compiled.unwrap_or_else(|| panic!("{}", text(&diagnostics, Style::default())))
}

/// Requests that fail independently of each other.
fn bernoulli(probability: f64) -> Compiled {
    compiled(&format!(
        r#""clients": Clients(rate: "1000/s", mix: {{ "server.request": 1 }}),
           "server": Service(operations: {{ "request": [ Wait(Exponential("1ms")), Fail("{}%") ] }})"#,
        100.0 * probability
    ))
}

/// M/M/1 at 0.8 with room for so many, the one in service included.
fn with_room_for(most: u32) -> Compiled {
    compiled(&format!(
        r#""clients": Clients(rate: "80/s", mix: {{ "server.request": 1 }}),
           "server": Service(workers: 1, queue: {}, operations: {{ "request": [ Compute(Exponential("10ms")) ] }})"#,
        most - 1
    ))
}

fn found(compiled: &Compiled, settings: &Settings) -> Finding {
    study(compiled, 0.0, settings).expect("the counts obey the laws")
}

fn error_ratio(finding: &Finding) -> Interval {
    finding.point.operations[0].error_ratio.expect("requests")
}

/// So many studies of ten replications, each over so many seconds.
fn findings(compiled: &Compiled, seconds: u64) -> Vec<Finding> {
    let tell = |seed: u64| {
        let horizon = Horizon::in_windows(seconds * 1_000_000_000, seconds * 1_000_000_000).expect("one window");
        found(compiled, &Settings { seed, replications: 10, horizon, ..Settings::default() })
    };
    (0..SEEDS).into_par_iter().map(tell).collect()
}

fn covering(findings: &[Finding], truth: f64, tell: impl Fn(&Finding) -> (f64, f64)) -> usize {
    findings.iter().map(tell).filter(|(low, high)| *low <= truth && truth <= *high).count()
}

fn told(finding: &Finding) -> (f64, f64) {
    let Interval { value, low, high } = error_ratio(finding);
    assert!(0.0 <= low && low <= value && value <= high && high <= 1.0, "[{low}, {high}] around {value}");
    (low, high)
}

/// Student's interval over replications, which is [0, 0] where nothing failed.
fn by_the_normal_law(finding: &Finding) -> (f64, f64) {
    let each = &finding.replicates.operations[0].error_ratio;
    mean_interval(each).map(|one| (one.low, one.high)).expect("ten replications")
}

#[test]
fn few_failures_are_covered_and_the_normal_law_is_found_out() {
    const REQUESTS: f64 = 10.0 * 1_000.0;
    for expected in [0.5, 2.0, 5.0] {
        let truth = expected / REQUESTS;
        let findings = findings(&bernoulli(truth), 1);
        let honest = covering(&findings, truth, told);
        let liar = covering(&findings, truth, by_the_normal_law);
        println!("{expected} failures expected: {honest} of {SEEDS} cover; by the normal law {liar}");
        assert!(honest >= HONEST, "{honest} of {SEEDS} cover where {expected} failures are expected");
        assert!(liar < HONEST, "nobody notices the normal law: {liar} of {SEEDS} where {expected} are expected");
    }
}

/// Who finds a full queue is turned away, and so are those right behind. Kleinrock 1975, section 3.6, for the share.
#[test]
fn failures_in_clusters_are_covered_and_those_who_take_them_for_independent_are_found_out() {
    const ROOM: u32 = 34;
    let truth = 0.2 * 0.8f64.powi(ROOM as i32) / (1.0 - 0.8f64.powi(ROOM as i32 + 1));
    let findings = findings(&with_room_for(ROOM), 100);
    let independent = |finding: &Finding| {
        let requests = finding.point.requests as f64;
        let failures = error_ratio(finding).value * requests;
        binomial_interval(failures, requests).expect("few failures")
    };
    let (honest, liar) = (covering(&findings, truth, told), covering(&findings, truth, independent));
    println!("{:.1} failures expected: {honest} of {SEEDS} cover; taken for independent {liar}", truth * 80_000.0);
    assert!(honest >= HONEST, "{honest} of {SEEDS} cover {truth}");
    assert!(liar < HONEST, "nobody notices: {liar} of {SEEDS} cover {truth}");
}

fn objective(quantity: Metric, bound: Bound, limit: f64) -> Objective {
    Objective { name: "errors of all".to_owned(), quantity, operation: "all".to_owned(), bound, limit }
}

#[test]
fn a_run_that_is_too_short_is_not_sure_of_an_availability() {
    let horizon = Horizon::over(1_000_000_000);
    let short = found(&bernoulli(1e-9), &Settings { horizon, ..Settings::default() });
    let bound = error_ratio(&short);
    // Clopper & Pearson 1934 without a failure among 20,000, or somewhat more for requests that came in clusters.
    assert_eq!(bound.value, 0.0);
    assert!((3.5..8.0).contains(&(bound.high * 20_000.0)), "{bound:?}");
    let judged = |limit: f64| objective(Metric::Availability, Bound::Above, limit).judge(&short.point).verdict;
    assert_eq!(judged(0.99), Verdict::Met);
    assert_eq!(judged(0.9999), Verdict::Unsure);
    assert_eq!(judged(1.0), Verdict::Unsure);
    let judged = |limit: f64| objective(Metric::ErrorRatio, Bound::Below, limit).judge(&short.point).verdict;
    assert_eq!((judged(0.01), judged(0.0001)), (Verdict::Met, Verdict::Unsure));
}

#[test]
fn runs_are_longer_until_an_error_ratio_is_told_from_its_limit() {
    let limited = |ratio: f64, budget: u64| {
        let error_limits = vec![ErrorLimit { operation: None, ratio }];
        let finding = found(&bernoulli(1e-9), &Settings { error_limits, budget, ..Settings::quick() });
        assert_eq!(finding.point.refusal, None);
        (finding.point.requests, error_ratio(&finding).high)
    };
    let plain = found(&bernoulli(1e-9), &Settings::quick()).point.requests;
    assert_eq!(limited(0.1, 10_000_000).0, plain, "what is told already needs no longer run");
    let wanted = error_ratio(&found(&bernoulli(1e-9), &Settings::quick())).high / 5.0;
    let (requests, high) = limited(wanted, 50_000_000);
    assert!(requests > 3 * plain && high <= wanted, "{requests} requests, up to {high}, wanted {wanted}");
    let (requests, high) = limited(wanted, 3 * plain);
    assert!(requests < 4 * plain && high > wanted, "{requests} requests, up to {high}, though the budget is spent");
}

#[test]
fn where_nothing_can_fail_nothing_does_for_sure() {
    let settings = Settings { horizon: Horizon::over(1_000_000_000), ..Settings::default() };
    let of = |nodes: &str| error_ratio(&found(&compiled(nodes), &settings));
    let clients = r#""clients": Clients(rate: "100/s", mix: { "server.request": 1 })"#;
    let with = |fields: &str, steps: &str| {
        of(&format!(r#"{clients}, "server": Service({fields} operations: {{ "request": [ {steps} ] }})"#))
    };
    assert_eq!(with("", r#"Wait(Constant("1ms"))"#), Interval { value: 0.0, low: 0.0, high: 0.0 });
    assert_eq!(with("", r#"Fail("0%"), Wait(Constant("1ms"))"#).high, 0.0);
    assert!(with("", r#"Choose([ (0.5, [ Fail("0.0000001%") ]), (0.5, []) ])"#).high > 0.0);
    assert!(with("workers: 50, queue: 50,", r#"Wait(Constant("1ms"))"#).high > 0.0);
    let database = r#""server": Database(cores: 4, operations: { "request": Read(cpu: Constant("1ms")) })"#;
    assert!(of(&format!("{clients}, {database}")).high > 0.0);
}

/// Two designs of which neither fails are not known to fail equally often.
#[test]
fn a_difference_of_two_zeros_is_not_known_exactly() {
    let settings = Settings { horizon: Horizon::over(1_000_000_000), ..Settings::default() };
    let (one, other) = (found(&bernoulli(1e-9), &settings), found(&bernoulli(2e-9), &settings));
    let (told, p_value) = difference(&one, &other, "all", Metric::ErrorRatio).expect("a difference");
    assert_eq!((told.value, p_value), (0.0, 1.0));
    assert!(told.low < -1e-4 && told.high > 1e-4, "{told:?}");
}
