//! What a sensitivity study says of M/M/1 is what its closed form says.

use std::path::Path;

use forescale::diagnostic::report::{Style, text};
use forescale::diagnostic::{Diagnostics, Level};
use forescale::experiment::plan::{self, Plan};
use forescale::experiment::sensitivity::{Effect, Question, Sensitivity, SeriesSensitivity, check_ranges, usual_load};
use forescale::experiment::store::{Missing, Store};
use forescale::model::assumptions::Provenance;

/// M/M/1 with a mean service time of 5 ms, to which an assumption puts a factor, and a limit on p99.
///
/// The time in system is exponential with rate mu - lambda, so p99 = ln(100) / (mu - lambda).
const LAMBDA_PER_S: f64 = 100.0;
const LIMIT_S: f64 = 0.0575;

fn model(assumptions: &str) -> String {
    format!(
        r#"Architecture(name: "m_m_1", nodes: {{
            "clients": Clients(rate: "100/s", mix: {{ "server.request": 1 }}),
            "server": Service(workers: 1, price: "$0.10/h", operations: {{ "request": [ Compute(Exponential("5ms")) ] }}),
            // Nobody waits for what it does.
            "others": Clients(rate: "20/s", mix: {{ "idle.request": 1 }}),
            "idle": Service(operations: {{ "request": [ Compute(Exponential("1ms")) ] }}),
        }}, {assumptions})"#
    )
}

fn experiment(variants: &str) -> String {
    format!(
        r#"Experiment(title: "sensitivity", model: "model.ron", operation: "server.request",
            load: Axis(path: "nodes.clients.rate", label: "requests per second", values: ["50/s", "100/s"]),
            objectives: [ Latency(quantile: P99, below: "57.5ms") ],
            variants: {{ {variants} }},
        )"#
    )
}

fn plan_of(directory: &Path, model: &str, experiment: &str) -> Result<Plan, String> {
    std::fs::write(directory.join("model.ron"), model).expect("a directory to write to");
    let path = directory.join("sensitivity.ron");
    std::fs::write(&path, experiment).expect("a directory to write to");
    let mut diagnostics = Diagnostics::new();
    plan::load(&path, true, Some(1), &mut diagnostics).ok_or_else(|| text(&diagnostics, Style::default()))
}

fn answer(directory: &Path, plan: &Plan, draws: u32) -> Sensitivity {
    let mut diagnostics = Diagnostics::new();
    let series: Vec<usize> = (0..plan.series.len()).collect();
    let question = Question::new(plan, usual_load(plan), &series, &mut diagnostics);
    let question = question.unwrap_or_else(|| panic!("{}", text(&diagnostics, Style::default())));
    let store = Store::open(&directory.join("store.sqlite"), Missing::Make).expect("a store");
    question.answer(draws, &store, false, &|| {}).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn studied(assumptions: &str, variants: &str, draws: u32) -> Sensitivity {
    let directory = tempfile::tempdir().expect("a directory");
    let plan = plan_of(directory.path(), &model(assumptions), &experiment(variants)).expect("no mistakes");
    answer(directory.path(), &plan, draws)
}

fn effect<'a>(series: &'a SeriesSensitivity, name: &str) -> &'a Effect {
    let effects = &series.assumptions;
    effects.iter().find(|effect| effect.assumption.name == name).unwrap_or_else(|| panic!("{name}: {effects:?}"))
}

/// Of a factor that is log-uniform between the ends, the probability that p99 is at most the limit, and p99 at a factor.
fn p99_s(factor: f64) -> f64 {
    let rate = 200.0 / factor - LAMBDA_PER_S;
    if rate > 0.0 { 100f64.ln() / rate } else { f64::INFINITY }
}

fn share_met(low: f64, high: f64) -> f64 {
    let largest = 200.0 / (LAMBDA_PER_S + 100f64.ln() / LIMIT_S);
    ((largest / low).ln() / (high / low).ln()).clamp(0.0, 1.0)
}

#[test]
fn one_uncertain_service_time_gives_the_share_and_the_spread_of_theory() {
    let (low, high): (f64, f64) = (0.7, 1.5);
    let assumptions = "assumptions: { \"nodes.server.operations.request.0\": Vendor(factor: (0.7, 1.5)) }";
    let found = studied(assumptions, "", 60);
    assert_eq!(found.load, LAMBDA_PER_S, "the load of the model");
    let series = &found.series[0];
    assert_eq!((series.unstable_draws, series.untold_draws), (0, 0), "{series:?}");
    let cpu = effect(series, "server.request.0");
    assert_eq!((cpu.assumption.provenance, cpu.assumption.is_declared), (Provenance::Vendor, true));
    assert!(cpu.correlation.is_some_and(|value| value > 0.98) && cpu.is_real, "{cpu:?}");
    let told = series.met_ratio.expect("verdicts");
    let truth = share_met(low, high);
    assert!(told.low <= truth && truth <= told.high && told.high - told.low < 0.3, "{truth} {told:?}");
    // A stratified sample misses a share by one draw, and here and there one more for the simulation's own error.
    assert!((told.value - truth).abs() <= 3.0 / 60.0, "{truth} {told:?}");
    let spread = series.p99_s.expect("latencies");
    for (quantile, share) in [(spread.p05, 0.05), (spread.p50, 0.5), (spread.p95, 0.95)] {
        let truth = p99_s(low * (high / low).powf(share));
        assert!(quantile.is_some_and(|value| (value / truth - 1.0).abs() < 0.25), "{share}: {quantile:?} {truth}");
    }
    for (third, share) in [(cpu.low_third_p99_s, 1.0 / 6.0), (cpu.high_third_p99_s, 5.0 / 6.0)] {
        let truth = p99_s(low * (high / low).powf(share));
        assert!(third.is_some_and(|value| (value / truth - 1.0).abs() < 0.25), "{share}: {third:?} {truth}");
    }
    let split = cpu.verdict.expect("draws differ");
    assert!(split.decides && split.p_value < 1e-6, "{split:?}");
    let middle = (low * high).sqrt();
    assert!((cpu.assumption.middle / middle - 1.0).abs() < 1e-9);
    let halves = (share_met(low, middle), share_met(middle, high));
    assert!((split.lower_half_met_ratio.value - halves.0).abs() < 0.1, "{split:?} {halves:?}");
    assert!((split.upper_half_met_ratio.value - halves.1).abs() < 0.1, "{split:?} {halves:?}");
}

#[test]
fn what_has_no_effect_is_not_called_deciding_and_what_is_unstable_is_counted() {
    let found = studied("", "", 60);
    let series = &found.series[0];
    let (cpu, idle) = (effect(series, "server.request.0"), effect(series, "idle.request.0"));
    assert!(!cpu.assumption.is_declared && !idle.assumption.is_declared);
    assert!(cpu.is_real && cpu.verdict.is_some_and(|split| split.decides), "{cpu:?}");
    assert!(!idle.is_real && idle.verdict.is_some_and(|split| !split.decides), "{idle:?}");
    // A guess is off by up to 2: at twice the service time the server is full, so only the last draws are unstable or
    // cannot be told from it.
    assert!(series.unstable_draws + series.untold_draws <= 4, "{series:?}");
    let told = series.met_ratio.expect("verdicts");
    let truth = share_met(0.5, 2.0);
    assert!(told.low <= truth && truth <= told.high, "{truth} {told:?}");
}

#[test]
fn the_cheapest_that_meets_the_objective_changes_with_the_assumption() {
    let variants = "\"one\": {}, \"two\": { \"nodes.server.replicas\": 2 }";
    let assumptions = "assumptions: { \"nodes.server.operations.request.0\": Guess(factor: (0.7, 1.5)) }";
    let found = studied(assumptions, variants, 40);
    let decision = found.decision.expect("two variants");
    let truth = share_met(0.7, 1.5);
    let (one, two) = (decision.choices[0].cheapest_ratio, decision.choices[1].cheapest_ratio);
    assert!(one.low <= truth && truth <= one.high, "{truth} {one:?}");
    // Two servers always do, and are dearer.
    assert!((one.value + two.value - 1.0).abs() < 1e-9 && decision.none_ratio.value == 0.0, "{decision:?}");
    let names: Vec<&str> = decision.deciding.iter().map(|one| one.assumption.name.as_str()).collect();
    assert_eq!(names, ["server.request.0"]);
    assert_eq!(decision.deciding[0].lower_half.variant.as_deref(), Some("one"));
    assert_eq!(decision.deciding[0].upper_half.variant.as_deref(), Some("two"));
}

/// What a variant adds is varied there, what it takes away is not, and the rest moves alike in both.
#[test]
fn each_variant_has_the_assumptions_of_its_own_model() {
    let variants = r#"
        "as is": {},
        "remote": { "links": { "clients -> server": Link(latency: Constant("2ms")) } },
        "known": { "assumptions.nodes.idle.operations.request.0": Measured, "assumptions.nodes.server.price": Vendor },
        "other": { "nodes.server.operations.request": [ Compute(Exponential("1ms")), Wait(Exponential("2ms")) ] },
        "less": { "nodes.server.operations.request": [ Call("idle.request") ] },"#;
    let assumptions = "assumptions: { \"nodes.server.operations.request.0\": Vendor(factor: (0.5, 1.5)) }";
    let found = studied(assumptions, variants, 10);
    let names = |index: usize| {
        let mut names: Vec<&str> =
            found.series[index].assumptions.iter().map(|effect| effect.assumption.name.as_str()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(0), ["idle.request.0", "server.request.0"]);
    assert_eq!(names(1), ["clients -> server.latency", "idle.request.0", "server.request.0"]);
    assert_eq!(names(2), ["idle.request.0", "server.price", "server.request.0"]);
    assert_eq!(effect(&found.series[2], "idle.request.0").assumption.provenance, Provenance::Measured);
    assert_eq!(names(3), ["idle.request.0", "server.request.0", "server.request.1"]);
    assert_eq!(names(4), ["idle.request.0"]);
    // The price moves nothing that a request could see.
    assert_eq!(
        effect(&found.series[2], "server.request.0").correlation,
        effect(&found.series[0], "server.request.0").correlation
    );
}

#[test]
fn what_the_experiment_moves_is_not_varied_and_whole_numbers_stay_whole() {
    let assumptions = "assumptions: { \"nodes.clients.rate\": Guess, \"nodes.clients.mix.server.request\": Guess, \
                       \"nodes.server.replicas\": Guess(between: (1, 3)), \"nodes.server.contention\": Guess(between: (0, 0.1)) }";
    let model = model(assumptions).replace("workers: 1,", "workers: 1, replicas: 1, contention: 0.01,");
    let directory = tempfile::tempdir().expect("a directory");
    let plan = plan_of(directory.path(), &model, &experiment("")).expect("no mistakes");
    let found = answer(directory.path(), &plan, 10);
    assert_eq!(found.moved_paths, ["nodes.clients.rate"]);
    let replicas = effect(&found.series[0], "server.replicas");
    assert_eq!((replicas.assumption.is_factor, replicas.assumption.low, replicas.assumption.high), (false, 1.0, 3.0));
    assert_eq!(found.series[0].assumptions.len(), 5);
}

#[test]
fn threads_do_not_matter_and_a_second_answer_studies_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let plan = plan_of(directory.path(), &model(""), &experiment("")).expect("no mistakes");
    let on = |threads: usize, folder: &Path| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        serde_json::to_string(&pool.install(|| answer(folder, &plan, 10))).expect("JSON")
    };
    let other = tempfile::tempdir().expect("a directory");
    let first = on(1, directory.path());
    assert_eq!(first, on(2, other.path()));
    let store = directory.path().join("store.sqlite");
    let size = || std::fs::metadata(&store).expect("a store").len();
    let before = size();
    assert_eq!(on(2, directory.path()), first);
    assert_eq!(size(), before, "everything was in the store");
}

/// Whoever states assumptions finds what was studied before.
#[test]
fn assumptions_change_no_simulated_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let fingerprint = |assumptions: &str| {
        let text = model("").replace("}, )", &format!("}},{assumptions} )"));
        let plan = plan_of(directory.path(), &text, &experiment("")).expect("no mistakes");
        plan.points[0].compiled.fingerprint.clone()
    };
    assert_eq!(fingerprint(""), fingerprint(" assumptions: { \"nodes.idle.operations.request.0\": Measured },"));
}

#[test]
fn ranges_whose_ends_make_no_model_are_told_before_anything_runs() {
    let directory = tempfile::tempdir().expect("a directory");
    let assumptions = "assumptions: { \"nodes.server.contention\": Guess }";
    let model = model(assumptions).replace("workers: 1,", "workers: 1, contention: 0.9,");
    let plan = plan_of(directory.path(), &model, &experiment("")).expect("no mistakes");
    let mut diagnostics = Diagnostics::new();
    assert!(Question::new(&plan, 100.0, &[0], &mut diagnostics).is_none());
    let errors: Vec<_> = diagnostics.iter().filter(|one| one.level == Level::Error).collect();
    assert_eq!(errors.len(), 1, "{diagnostics:?}");
    assert!(errors[0].code == "invalid-range" && errors[0].title.contains("upper end"), "{errors:?}");
    assert!(errors[0].primary.place.text().contains("contention"));
    // Whoever only checks is told the same, once for all variants that share it.
    let mut checked = Diagnostics::new();
    check_ranges(&plan, &mut checked);
    assert_eq!(text(&checked, Style::default()), text(&diagnostics, Style::default()));
    let told = |worst: &str| {
        let model = model.replace("contention: 0.9,", "contention: 0.1,");
        let variants = format!("\"as is\": {{}}, \"other\": {{ \"nodes.server.contention\": {worst} }}");
        let plan = plan_of(directory.path(), &model, &experiment(&variants)).expect("no mistakes");
        let mut checked = Diagnostics::new();
        check_ranges(&plan, &mut checked);
        checked.errors()
    };
    assert_eq!((told("0.2"), told("0.95")), (0, 1), "what a variant puts there counts too");
}
