//! Differences between configurations: what they say is true, and pairing makes them sharp.

use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::compare::{Pair, compare, difference};
use forescale::experiment::finding::Finding;
use forescale::experiment::metric::Metric;
use forescale::experiment::pipeline::{Settings, study};
use forescale::model::{Compiled, Model, compile, read};
use rayon::prelude::*;

const ARRIVALS_PER_S: f64 = 500.0;

/// M/M/1 with this mean service time.
fn queue(service: &str) -> Compiled {
    let text = format!(
        r#"Architecture(name: "m_m_1", nodes: {{
            "clients": Clients(rate: "{ARRIVALS_PER_S}/s", mix: {{ "server.request": 1 }}),
            "server": Service(workers: 1, price: "$0.10/h", operations: {{ "request": [ Compute(Exponential("{service}")) ] }}),
        }})"#
    );
    let document = Document::new("m_m_1.ron", text);
    let model: Model = read(&document, &mut Diagnostics::new()).expect("a model without mistakes");
    compile(&model, &document, ".".as_ref()).expect("a model that compiles")
}

fn found(compiled: &Compiled, seed: u64) -> Finding {
    let settings = Settings { seed, precision: 0.1, bias: 0.05, ..Settings::default() };
    study(compiled, 0.0, &settings).expect("the counts obey the laws")
}

#[test]
fn what_is_the_same_does_not_differ() {
    let (one, other) = (found(&queue("1ms"), 1), found(&queue("1ms"), 1));
    for metric in [Metric::Throughput, Metric::ErrorRatio, Metric::Mean, Metric::P99, Metric::CostPerHour] {
        let (difference, p_value) = difference(&one, &other, "all", metric).expect("both are told");
        assert_eq!((difference.value, difference.low, difference.high, p_value), (0.0, 0.0, 0.0, 1.0), "{metric:?}");
    }
    let pair = Pair { variant: "same", baseline: &one, finding: &other };
    assert!(compare(&[pair], "all").iter().all(|one| !one.is_real));
}

/// The mean time in system is 1 / (mu - lambda), its 99% quantile ln(100) times that: from 2 ms to 1.8182 ms.
#[test]
fn differences_cover_the_truth_and_are_sharper_than_those_of_independent_runs() {
    const SEEDS: u64 = 40;
    let (before, after) = (queue("1ms"), queue("0.95238095238ms"));
    let mean_s = 1.0 / (1_050.0 - ARRIVALS_PER_S) - 1.0 / (1_000.0 - ARRIVALS_PER_S);
    let pairs: Vec<(Finding, Finding)> =
        (0..SEEDS).into_par_iter().map(|seed| (found(&before, 100 + seed), found(&after, 100 + seed))).collect();
    for (metric, truth) in [(Metric::Mean, mean_s), (Metric::P99, 100f64.ln() * mean_s)] {
        let told: Vec<_> = pairs
            .iter()
            .map(|(before, after)| difference(before, after, "all", metric).expect("both are told").0)
            .collect();
        let covering = told.iter().filter(|one| one.low <= truth && truth <= one.high).count();
        // Binomial(40, 0.95) has mean 38 and standard deviation 1.38.
        assert!(covering >= 33, "{metric:?}: {covering} of {SEEDS} cover {truth}");
        // The same replications, paired with those of the next seed, share nothing.
        let spread = |differences: Vec<f64>| {
            let mean = differences.iter().sum::<f64>() / differences.len() as f64;
            differences.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (differences.len() - 1) as f64
        };
        let values = |finding: &Finding| metric.replicates(finding, "all").expect("they are told").to_vec();
        let paired = pairs.iter().flat_map(|(before, after)| {
            values(after).into_iter().zip(values(before)).map(|(after, before)| after - before).collect::<Vec<_>>()
        });
        let next = pairs.iter().cycle().skip(1);
        let strangers = pairs.iter().zip(next).flat_map(|((before, _), (_, after))| {
            values(after).into_iter().zip(values(before)).map(|(after, before)| after - before).collect::<Vec<_>>()
        });
        let ratio = spread(strangers.collect()) / spread(paired.collect());
        assert!(ratio > 5.0, "{metric:?}: pairing divides the variance by {ratio}");
    }
}

#[test]
fn a_real_difference_is_told_from_chance() {
    let (base, faster) = (found(&queue("1ms"), 3), found(&queue("0.9ms"), 3));
    let pair = Pair { variant: "faster", baseline: &base, finding: &faster };
    let comparisons = compare(&[pair], "all");
    let of = |metric: Metric| comparisons.iter().find(|one| one.metric == metric).expect("it is told");
    assert!(of(Metric::P99).is_real && of(Metric::P99).difference.high < 0.0, "{:?}", of(Metric::P99));
    assert!(!of(Metric::CostPerHour).is_real, "the price is the same: {:?}", of(Metric::CostPerHour));
}
