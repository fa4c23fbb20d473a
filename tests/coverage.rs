//! Intervals that are told cover the truth as often as they say, and the count that shows it would find out a liar.
//!
//! M/M/1 has known answers: the mean time in system is 1 / (mu - lambda), and its 99% quantile ln(100) / (mu - lambda). The
//! same study with more seeds and nearer to saturation is `cargo bench --bench coverage`.

use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::pipeline::{Settings, study};
use forescale::experiment::study::Interval;
use forescale::model::{Compiled, Model, compile, read};
use rayon::prelude::*;

const SEEDS: u64 = 200;
const SERVICE_RATE_PER_S: f64 = 1_000.0;
const ARRIVAL_RATE_PER_S: f64 = 500.0;

/// Binomial(200, 0.95) has mean 190 and standard deviation 3.08.
const HONEST: std::ops::RangeInclusive<usize> = 179..=198;

fn model() -> Compiled {
    let text = format!(
        r#"Architecture(name: "m_m_1", nodes: {{
            "clients": Clients(rate: "{ARRIVAL_RATE_PER_S}/s", mix: {{ "server.request": 1 }}),
            "server": Service(workers: 1, operations: {{ "request": [ Compute(Exponential("1ms")) ] }}),
        }})"#
    );
    let document = Document::new("m_m_1.ron", text);
    let model: Model = read(&document, &mut Diagnostics::new()).expect("a model without mistakes");
    compile(&model, &document, ".".as_ref()).expect("a model that compiles")
}

/// What the pipeline tells of the mean and of p99, seed by seed.
fn told() -> Vec<[Interval; 2]> {
    let compiled = model();
    let tell = |seed| {
        let settings = Settings { seed, ..Settings::default() };
        let point = study(&compiled, 0.0, &settings).expect("the counts obey the laws").point;
        let all = point.operations.first().expect("one operation");
        [all.mean_s.expect("a mean"), all.p99_s.expect("a p99")]
    };
    (0..SEEDS).into_par_iter().map(tell).collect()
}

/// How many intervals cover the truth after a liar has had its way with them.
fn covering(told: &[Interval], truth: f64, liar: impl Fn(Interval) -> Interval) -> usize {
    told.iter().map(|&one| liar(one)).filter(|one| one.low <= truth && truth <= one.high).count()
}

/// The interval with its width changed.
fn changed(one: Interval, width: f64) -> Interval {
    let edge = |edge: f64| one.value + (edge - one.value) * width;
    Interval { value: one.value, low: edge(one.low), high: edge(one.high) }
}

#[test]
fn intervals_cover_the_truth_95_times_in_100_and_liars_are_found_out() {
    let told = told();
    let mean_s = 1.0 / (SERVICE_RATE_PER_S - ARRIVAL_RATE_PER_S);
    for (which, truth) in [mean_s, 100f64.ln() * mean_s].into_iter().enumerate() {
        let told: Vec<Interval> = told.iter().map(|both| both[which]).collect();
        let honest = covering(&told, truth, |one| one);
        assert!(HONEST.contains(&honest), "{honest} of {SEEDS} cover {truth}");
        for (liar, width) in [("tells half the width", 0.5), ("tells twice the width, to be safe", 2.0)] {
            let covering = covering(&told, truth, |one| changed(one, width));
            assert!(!HONEST.contains(&covering), "nobody notices who {liar}: {covering} of {SEEDS} cover {truth}");
        }
    }
}

#[test]
fn what_is_imprecise_is_left_out_and_the_rest_is_told() {
    let settings = Settings { precision: 0.004, budget: 2_000_000, ..Settings::default() };
    let point = study(&model(), 0.0, &settings).expect("the counts obey the laws").point;
    assert_eq!(point.refusal, None);
    let all = point.operations.first().expect("one operation");
    assert_eq!(all.p99_s, None, "p99 needs far more requests to be known to 0.4%");
    assert!(all.mean_s.is_none_or(|mean| mean.relative_half_width() <= settings.precision));
    let throughput = all.throughput_per_s.expect("a throughput");
    assert!((throughput.value / ARRIVAL_RATE_PER_S - 1.0).abs() < 0.01, "{throughput:?}");
    assert!(point.notes.iter().any(|note| note.contains("p99 is known to")), "{:?}", point.notes);
}

/// Those who publish have their replies at once, so their latencies tell nothing of the queue behind.
#[test]
fn waits_of_a_queue_that_has_not_settled_are_left_out() {
    let text = r#"Architecture(name: "behind", nodes: {
        "customers": Clients(rate: "60/s", mix: { "web.order": 1 }),
        "web": Service(operations: { "order": [ Compute(Constant("1ms")), Publish("orders.mail") ] }),
        "orders": Queue(consumers: 4, messages: { "mail": "mailer.send" }),
        "mailer": Service(workers: 4, operations: { "send": [ Wait(Exponential("66.4ms")) ] }),
    })"#;
    let document = Document::new("behind.ron", text);
    let model: Model = read(&document, &mut Diagnostics::new()).expect("a model without mistakes");
    let compiled = compile(&model, &document, ".".as_ref()).expect("a model that compiles");
    let point = study(&compiled, 0.0, &Settings::quick()).expect("the counts obey the laws").point;
    let orders = point.nodes.iter().find(|node| node.name == "orders");
    match (&point.refusal, orders) {
        (Some(refusal), _) => assert!(["drift", "unstable"].contains(&refusal.code.as_str()), "{refusal:?}"),
        (None, Some(orders)) => {
            assert_eq!((orders.queue_length, orders.wait_mean_s), (None, None));
            assert!(point.notes.iter().any(|note| note.contains("orders")), "{:?}", point.notes);
        }
        (None, None) => panic!("the node is told"),
    }
}

/// A backlog that happens to be larger at the end than at the beginning is none that grows for ever.
#[test]
fn a_spent_budget_at_half_load_is_not_called_unstable() {
    for seed in 1..=60 {
        let settings = Settings { seed, budget: 400_000, ..Settings::default() };
        let point = study(&model(), 0.0, &settings).expect("the counts obey the laws").point;
        let code = point.refusal.as_ref().map(|refusal| refusal.code.as_str());
        assert_ne!(code, Some("unstable"), "seed {seed}: {:?}", point.refusal);
    }
}
