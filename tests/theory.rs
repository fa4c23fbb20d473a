//! Theory beside simulation: exact rows agree, and nothing is called exact whose conditions are broken.

use std::path::{Path, PathBuf};

use forescale::diagnostic::Diagnostics;
use forescale::experiment::agreement::{Agreement, Theory, compare};
use forescale::experiment::pipeline::{Settings, study};
use forescale::experiment::plan::{ModelFile, load_point, model_of, read_file};
use forescale::model::Edit;
use forescale::theory::{self, Kind, Part, Quantity};

fn file(name: &str) -> ModelFile {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models").join(format!("{name}.ron"));
    let document = read_file(&path).unwrap_or_else(|found| panic!("{name}: {found:?}"));
    ModelFile { document, directory: path.parent().unwrap_or(Path::new("")).to_owned() }
}

fn edits(written: &[&str]) -> Vec<Edit> {
    written.iter().map(|one| Edit::from_argument("--set", one).expect("a path and a value")).collect()
}

fn said(name: &str, written: &[&str]) -> theory::Theory {
    let file = file(name);
    let model = model_of(&file, &edits(written)).unwrap_or_else(|| panic!("{name} {written:?} cannot be read"));
    theory::explain(&model, &file.directory)
}

fn simulated(name: &str, written: &[&str], said: &theory::Theory) -> Theory {
    let mut diagnostics = Diagnostics::new();
    let compiled = load_point(&file(name), &edits(written), false, &mut diagnostics);
    let compiled = compiled.unwrap_or_else(|| panic!("{name} {written:?}: {diagnostics:?}"));
    let found = study(&compiled, 0.0, &Settings::quick()).unwrap_or_else(|broken| panic!("{name}: {broken:?}"));
    compare(said, &found.point)
}

fn exact(said: &theory::Theory, quantity: Quantity) -> impl Iterator<Item = &theory::Prediction> {
    said.predictions.iter().filter(move |one| one.kind == Kind::Exact && one.quantity == quantity)
}

/// What is claimed beyond rates, which need no conditions.
fn claims_times(said: &theory::Theory) -> bool {
    [Quantity::LatencyMean, Quantity::WaitMean, Quantity::LatencyP99, Quantity::WaitP99, Quantity::LatencyP50]
        .into_iter()
        .any(|quantity| exact(said, quantity).next().is_some())
}

/// Models with exact times, with edits, and a formula that must be among them.
const EXACT: &[(&str, &[&str], &str)] = &[
    ("theory/m_m_1", &[], "M/M/1"),
    ("theory/m_m_c", &[], "M/M/4"),
    ("theory/m_m_c_k", &[], "M/M/1/10"),
    ("theory/m_g_1", &["nodes.clients.rate=500/s"], "M/G/1"),
    ("theory/m_m_1", &["nodes.server.operations.request=[Compute(Constant(\"1ms\"))]"], "M/D/1"),
    ("theory/m_m_1", &["nodes.server.cpu=0.5", "nodes.clients.rate=300/s"], "M/M/1"),
    ("theory/m_m_1", &["nodes.server.replicas=4", "nodes.clients.rate=3000/s"], "E4/M/1"),
    ("theory/gi_m_1", &[], "GI/M/1"),
    ("theory/gi_m_1", &["nodes.clients.arrivals=Renewal(Constant(\"1.25ms\"))"], "D/M/1"),
    ("theory/processor_sharing", &[], "M/G/1-PS"),
    ("theory/processor_sharing", &["nodes.server.cpu=2", "nodes.clients.rate=1500/s"], "M/G/2-PS"),
    ("theory/processor_sharing", &["nodes.server.cpu=1.5", "nodes.clients.rate=900/s"], "M/G/1.5-PS"),
    ("theory/last_come_first_served", &[], "M/M/1"),
    ("theory/infinite_servers", &[], "M/M/∞"),
    ("theory/cache_mixture", &[], "M/G/1"),
    ("theory/tandem", &[], "sum of means"),
    ("theory/jackson", &[], "sum of means"),
    ("theory/closed_network", &["nodes.users.users=150"], "mean value analysis"),
    ("theory/closed_two_classes", &[], "mean value analysis"),
    ("theory/repairman", &[], "mean value analysis"),
    ("techniques/database", &[], "M/G/2-PS"),
];

#[test]
fn exact_rows_agree_with_the_simulation() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (name, written, formula) in EXACT {
        let said = said(name, written);
        let describe = || format!("{name} {written:?}: {:#?}", said.predictions);
        assert!(
            said.predictions.iter().any(|one| one.formula == *formula && one.kind == Kind::Exact),
            "{}",
            describe()
        );
        assert!(claims_times(&said), "{}", describe());
        let beside = simulated(name, written, &said);
        for row in beside.predictions.iter().filter(|row| row.kind == "exact" && row.simulated.is_some()) {
            compared += 1;
            if !matches!(row.verdict, Some(Agreement::Agrees | Agreement::Close)) {
                wrong.push(format!("{name} {written:?} {row:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(compared > 120, "only {compared} rows had a number to compare");
}

#[test]
fn a_wrong_formula_would_be_found() {
    for (name, factor) in [("theory/m_m_1", 1.5), ("theory/m_m_c_k", 0.6), ("theory/repairman", 1.3)] {
        let mut said = said(name, &[]);
        said.predictions.iter_mut().for_each(|one| one.value *= factor);
        let beside = simulated(name, &[], &said);
        let exact: Vec<_> = beside.predictions.iter().filter(|row| row.simulated.is_some()).collect();
        assert!(exact.len() >= 3, "{name}");
        for row in exact {
            assert_eq!(row.verdict, Some(Agreement::Differs), "{name} {row:?}");
        }
    }
}

#[test]
fn broken_conditions_are_not_called_exact() {
    let general = "nodes.server.operations.request=[Compute(LogNormal(mean: \"1ms\", cv: 2.0))]";
    let broken: &[(&str, &[&str])] = &[
        ("theory/priority", &[]),
        ("theory/m_m_1", &["links={ \"clients -> server\": Link(timeout: \"20ms\") }"]),
        ("theory/m_m_1", &["links={ \"clients -> server\": Link(retry: Retry(max_attempts: 2)) }"]),
        ("theory/m_m_1", &["links={ \"clients -> server\": Link(bandwidth: \"10MB/s\", request_size: \"4KB\") }"]),
        ("theory/m_m_1", &["nodes.server.operations.request=[Reply, Compute(Exponential(\"1ms\"))]"]),
        ("theory/m_m_1", &["nodes.server.operations.request=[Compute(Exponential(\"1ms\")), Fail(\"1%\")]"]),
        ("theory/m_m_1", &["nodes.clients.arrivals=Mmpp(states: [(factor: 1, mean_duration: \"1s\")])"]),
        ("theory/m_m_1", &["nodes.server.queue=9", general]),
        ("theory/m_m_c", &[general]),
        ("theory/gi_m_1", &[general]),
        ("theory/batch", &[]),
        ("theory/cache", &[]),
        ("theory/fork_join", &[]),
        ("theory/split_merge", &[]),
        ("theory/join_shortest_queue", &[]),
        ("theory/power_of_two_choices", &[]),
        ("theory/redundancy", &[]),
        ("theory/retrial", &[]),
        ("theory/retries", &[]),
        ("theory/retry_storm", &[]),
        ("theory/scalability", &[]),
        ("theory/shards", &[]),
        ("theory/time_varying", &[]),
        ("techniques/cache", &[]),
        ("techniques/queue", &[]),
        ("techniques/link", &[]),
    ];
    for (name, written) in broken {
        let said = said(name, written);
        let times: Vec<_> = said.predictions.iter().filter(|one| one.kind == Kind::Exact).collect();
        assert!(!claims_times(&said), "{name} {written:?}: {times:#?}");
        assert!(
            !said.silences.is_empty() || said.predictions.iter().any(|one| one.kind == Kind::Approximation),
            "{name}"
        );
    }
}

#[test]
fn behind_general_service_theory_is_an_approximation() {
    let said = said("theory/tandem", &["nodes.first.operations.serve=[Compute(LogNormal(mean: \"1ms\", cv: 2.0))]"]);
    let of = |name: &str| {
        let found = said
            .predictions
            .iter()
            .find(|one| one.part == Part::Node(name.to_owned()) && one.quantity == Quantity::WaitMean);
        found.map(|one| (one.kind, one.formula.as_str()))
    };
    assert_eq!(of("first"), Some((Kind::Exact, "M/G/1")));
    assert_eq!(of("second"), Some((Kind::Approximation, "G/M/1, Allen-Cunneen")));
    let whole = said
        .predictions
        .iter()
        .find(|one| one.part == Part::Operation("all".to_owned()) && one.quantity == Quantity::LatencyMean);
    assert_eq!(whole.map(|one| one.kind), Some(Kind::Approximation));
}

#[test]
fn an_unstable_station_is_called_so() {
    let said = said("theory/tandem", &["nodes.clients.rate=1100/s"]);
    let unstable: Vec<_> = said.predictions.iter().filter(|one| one.kind == Kind::Unstable).collect();
    assert!(
        matches!(unstable.as_slice(), [one] if one.part == Part::Node("first".to_owned()) && (one.value - 1.1).abs() < 1e-9)
    );
    assert!(!claims_times(&said), "{said:#?}");
    assert!(said.silences.iter().any(|one| one.part.name() == "second" && one.reason.contains("unstable")));
}

#[test]
fn several_servers_in_a_closed_network_have_bounds_that_hold() {
    let written = ["nodes.first.workers=2", "nodes.first.cpu=2", "nodes.users.users=300"];
    let said = said("theory/closed_network", &written);
    assert!(said.silences.iter().any(|one| one.part == Part::Node("first".to_owned())));
    let beside = simulated("theory/closed_network", &written, &said);
    let bounds: Vec<_> = beside.predictions.iter().filter(|row| row.kind.ends_with("_bound")).collect();
    assert_eq!(bounds.len(), 2, "{said:#?}");
    assert!(bounds.iter().all(|row| row.verdict == Some(Agreement::Agrees)), "{bounds:#?}");
}

#[test]
fn what_may_be_turned_away_is_not_told_to_get_through() {
    let general = "nodes.server.operations.request=[Compute(LogNormal(mean: \"1ms\", cv: 2.0))]";
    let said = said("theory/m_m_1", &["nodes.server.queue=2", general]);
    let exact = said.predictions.iter().find(|one| one.kind == Kind::Exact && one.quantity == Quantity::Throughput);
    assert!(exact.is_none(), "{exact:#?}");
}
