//! A gate falls for what is worse for sure and by more than the margin, and for nothing else.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use forescale::diagnostic::{Diagnostics, Document};
use forescale::experiment::baseline::Baseline;
use forescale::experiment::compare::Pair;
use forescale::experiment::finding::Finding;
use forescale::experiment::gate::{Check, Margins, Outcome, gate};
use forescale::experiment::metric::Metric;
use forescale::experiment::pipeline::{Settings, study};
use forescale::experiment::run::result_digest;
use forescale::model::{Model, compile, read};
use serde_json::Value;
use tempfile::TempDir;

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

/// A folder with a model, `server.ron`, and an experiment on it, `peak.ron`. Every call has a store of its own.
struct Versions {
    folder: TempDir,
}

impl Versions {
    /// The model as it was.
    fn new() -> Self {
        let versions = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        versions.write_model("1ms", "request");
        versions.write_experiment("");
        versions
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a folder to write to");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("it was written")
    }

    fn write_model(&self, service: &str, operation: &str) {
        let text = format!(
            r#"Architecture(name: "server", nodes: {{
                "clients": Clients(rate: "500/s", mix: {{ "server.{operation}": 1 }}),
                "server": Service(workers: 1, price: "$0.10/h", operations: {{ "{operation}": [ Compute(Exponential("{service}")) ] }}),
            }})"#
        );
        self.write("server.ron", &text);
    }

    fn write_experiment(&self, fields: &str) {
        let fields = if fields.contains("load:") {
            fields.to_owned()
        } else {
            format!(r#"load: Axis(path: "nodes.clients.rate", values: ["400/s", "500/s"]), {fields}"#)
        };
        self.write("peak.ron", &format!(r#"Experiment(title: "peak", model: "server.ron", {fields})"#));
    }

    /// A gate on the experiment, a quick one unless told otherwise.
    fn gate_as_told(&self, arguments: &[&str]) -> Output {
        let store = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_forescale"));
        command.current_dir(self.folder.path()).args(["gate", "peak.ron"]).args(arguments);
        command.arg("--store").arg(store.path().join("store.sqlite")).output().expect("the command starts")
    }

    fn gate(&self, arguments: &[&str]) -> Output {
        self.gate_as_told(&[arguments, &["--quick"]].concat())
    }

    /// What a gate with the baseline `kept.json` says on standard error, which must end with this code.
    fn said(&self, code: i32, arguments: &[&str]) -> String {
        said(&self.gate(&[&["--baseline", "kept.json"], arguments].concat()), code)
    }
}

/// Messages on one line each, without the frames around the text that they are about.
fn said(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

/// The baseline of [`Versions`] as they are at first.
fn kept() -> &'static str {
    static KEPT: OnceLock<String> = OnceLock::new();
    KEPT.get_or_init(|| {
        let versions = Versions::new();
        said(&versions.gate(&["--save-baseline", "kept.json"]), 0);
        versions.read("kept.json")
    })
}

/// As [`Versions::new`], with the baseline beside the model.
fn with_baseline() -> Versions {
    let versions = Versions::new();
    versions.write("kept.json", kept());
    versions
}

/// The baseline with something else in it, and a digest that fits.
fn edited(edit: impl FnOnce(&mut Value)) -> String {
    let mut document: Value = serde_json::from_str(kept()).expect("a baseline is JSON");
    edit(&mut document);
    document["digest"] = "".into();
    document["digest"] = result_digest(&document).into();
    document.to_string()
}

#[test]
fn a_baseline_that_was_kept_gives_the_very_checks_of_its_model() {
    let versions = with_baseline();
    std::fs::copy(versions.path("server.ron"), versions.path("before.ron")).expect("a copy");
    for (service, code) in [("1ms", 0), ("1.1ms", 1), ("0.9ms", 0), ("2.1ms", 1)] {
        versions.write_model(service, "request");
        let of_model = versions.gate(&["--baseline", "before.ron", "--json"]);
        let of_file = versions.gate(&["--baseline", "kept.json", "--json"]);
        assert_eq!((of_model.status.code(), of_file.status.code()), (Some(code), Some(code)), "{service}");
        assert!(!of_file.stdout.is_empty() && of_model.stdout == of_file.stdout, "{service}");
    }
}

#[test]
fn a_baseline_needs_neither_its_model_nor_its_place() {
    let versions = with_baseline();
    std::fs::rename(versions.path("kept.json"), versions.path("before")).expect("it can be moved");
    versions.write_model("1.1ms", "request");
    let output = versions.gate(&["--baseline", "before", "--json", "--junit", "gate.xml"]);
    let told = said(&output, 1);
    assert!(told.starts_with("error: 2 of 6 checks failed"), "no doubts, and one reason: {told}");
    let checks: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let failed: Vec<&Value> =
        checks["checks"].as_array().expect("a list").iter().filter(|it| it["outcome"] == "failed").collect();
    assert!(failed.len() == 2 && failed.iter().all(|check| check["metric"] == "p99_s"), "{failed:?}");
    assert!(versions.read("gate.xml").contains("failures=\"2\""));
    // The margin is asked of both values as ever.
    said(&versions.gate(&["--baseline", "before", "--latency-margin", "60%"]), 0);
}

#[test]
fn a_baseline_is_the_same_bytes_on_one_thread_and_on_two_and_lets_nothing_else_behind() {
    let versions = Versions::new();
    for (threads, file) in [("1", "one.json"), ("2", "two.json")] {
        let output = versions.gate(&["--save-baseline", file, "--threads", threads, "--json"]);
        said(&output, 0);
        let told: Value = serde_json::from_slice(&output.stdout).expect("one document");
        let text: Value = serde_json::from_str(&versions.read(file)).expect("JSON");
        assert_eq!((&told["digest"], &told["points"]), (&text["digest"], &2.into()));
    }
    assert_eq!(versions.read("one.json"), versions.read("two.json"));
    assert_eq!(versions.read("one.json"), kept());
    said(&versions.gate(&["--save-baseline", "one.json", "--seed", "2"]), 0);
    assert_ne!(versions.read("one.json"), kept(), "a baseline may be saved anew");
    assert_eq!(std::fs::read_dir(versions.folder.path()).expect("a folder").count(), 4);
}

#[test]
fn wherever_a_byte_of_a_baseline_is_flipped_it_is_told_or_means_the_same() {
    let read = |text: &str| Baseline::read(&Document::new("kept.json", text));
    let content = |baseline: &Baseline| serde_json::to_string(baseline).expect("it was JSON");
    let sound = content(&read(kept()).expect("it is sound"));
    let mut told = 0;
    for at in 0..kept().len() {
        let mut bytes = kept().as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 7);
        let flipped = String::from_utf8(bytes).expect("the highest bit is as it was");
        match read(&flipped) {
            Err(_) => told += 1,
            // Blanks, and digits of a number beyond what tells it from others.
            Ok(baseline) => assert_eq!(content(&baseline), sound, "byte {at}"),
        }
    }
    assert!(told * 10 > kept().len() * 9, "{told} of {} flips were told", kept().len());
    for length in 0..kept().trim_end().len() {
        assert!(read(&kept()[..length]).is_err(), "cut to {length} bytes");
    }
    // Formatters and other ends of lines do no harm.
    let plain: Value = serde_json::from_str(kept()).expect("JSON");
    assert_eq!(content(&read(&plain.to_string()).expect("it is sound")), sound);
    assert_eq!(content(&read(&kept().replace('\n', "\r\n")).expect("it is sound")), sound);
}

#[test]
fn what_is_no_baseline_or_no_longer_one_is_wrong_input() {
    let versions = with_baseline();
    let told = |text: &str| {
        versions.write("kept.json", text);
        versions.said(2, &[])
    };
    assert!(told(&kept()[..kept().len() / 2]).contains("kept.json is damaged: EOF"));
    assert!(told("").contains("kept.json is damaged"));
    let changed = kept().replacen("\"error_ratio\": {\"value\": 0.0", "\"error_ratio\": {\"value\": 0.5", 1);
    assert!(changed != kept() && told(&changed).contains("its content is not what was written"));
    let newer = told(&edited(|document| document["schema"] = 2.into()));
    assert!(newer.contains("the layout 2 of a newer forescale"), "{newer}");
    let other = told(&edited(|document| drop(document["points"][0]["finding"].take())));
    assert!(other.contains("cannot be understood by this one"), "{other}");
    assert!(told(r#"{ "schema": 1, "variants": [] }"#).contains("these are results of `forescale run`"));
    assert!(told(r#"{ "schema": 1, "checks": [] }"#).contains("these are the checks of a gate"));
    assert!(told("[1, 2]").contains("is no baseline"));
    std::fs::remove_file(versions.path("kept.json")).expect("it was there");
    assert!(versions.said(2, &[]).contains("cannot read kept.json"));
}

#[test]
fn other_settings_are_told_with_both_values_and_all_at_once() {
    let versions = with_baseline();
    let told = said(&versions.gate_as_told(&["--baseline", "kept.json", "--seed", "7"]), 2);
    assert!(told.contains("the seed 1, this gate has the seed 7") && told.contains("write --seed 1"), "{told}");
    assert!(told.contains("with --quick, this gate has no --quick") && told.contains("add --quick"), "{told}");
    assert!(told.contains("2 errors"), "what --quick decides is no error of its own: {told}");
    versions.write_experiment(
        r#"replications: 6, precision: "20%", budget: 1_000_000, operation: "server.request", horizon: Terminating(duration: "10m")"#,
    );
    let told = versions.said(2, &[]);
    for word in [
        "with 8 replications, this gate has 6 replications",
        "with a precision of 10%, this gate has a precision of 20%",
        "write precision: \"10%\"",
        "a budget of 10000000 requests, this gate has a budget of 1000000 requests",
        "with all operations together, this gate has the operation `server.request`",
        "with the long run, this gate has studies of 600 s",
        "5 errors",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn points_that_only_one_side_has_are_left_out_and_named() {
    let versions = with_baseline();
    versions.write_experiment(
        r#"load: Axis(path: "nodes.clients.rate", values: ["500/s", "600/s"]), variants: { "as is": {}, "more": { "nodes.server.workers": 2 } }"#,
    );
    let output = versions.gate(&["--baseline", "kept.json", "--json"]);
    let told = said(&output, 0);
    assert!(told.contains("the baseline lacks `as is` at 600, `more` at 500, `more` at 600"), "{told}");
    assert!(told.contains("the experiment lacks `as is` at 400"), "{told}");
    assert!(told.contains("the experiment `peak` has changed"), "{told}");
    let checks: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let loads: Vec<_> = checks["checks"].as_array().expect("a list").iter().map(|it| it["load"].as_f64()).collect();
    assert_eq!(loads, [Some(500.0); 3], "of the one common point");
    versions.write_experiment(r#"load: Axis(path: "nodes.clients.rate", values: ["300/s"])"#);
    let told = versions.said(2, &[]);
    assert!(told.contains("none of the points") && told.contains("`as is` at 300"), "{told}");
}

#[test]
fn a_baseline_of_another_build_is_compared_with_a_warning() {
    let versions = with_baseline();
    versions.write("kept.json", &edited(|document| document["build"] = "0123".into()));
    let told = versions.said(0, &[]);
    assert!(told.contains("by another build of forescale") && told.contains("may be less precise"), "{told}");
    versions.write("kept.json", &edited(|document| document["version"] = "0.0.9".into()));
    assert!(!versions.said(0, &[]).contains("forescale 0.0.9"), "the build is what counts");
    versions.write(
        "kept.json",
        &edited(|document| {
            document["version"] = "0.0.9".into();
            document["build"] = "0123".into();
        }),
    );
    assert!(versions.said(0, &[]).contains("by forescale 0.0.9"));
}

#[test]
fn a_baseline_knows_what_clients_requested() {
    let versions = with_baseline();
    versions.write_model("1ms", "page");
    assert!(versions.said(0, &[]).contains("server.page, server.request"));
}

#[test]
fn an_operation_that_only_the_experiments_model_has_is_missed_in_the_other() {
    let versions = Versions::new();
    versions.write_experiment(r#"operation: "server.page""#);
    versions.write_model("1ms", "request");
    std::fs::rename(versions.path("server.ron"), versions.path("before.ron")).expect("it can be moved");
    versions.write_model("1ms", "page");
    let told = said(&versions.gate(&["--baseline", "before.ron"]), 2);
    assert!(told.contains("no client of the baseline model before.ron requests `server.page`"), "{told}");
    assert!(told.contains("before.ron:1:1") && told.contains("1 error"), "{told}");
}

#[test]
fn saving_a_baseline_overwrites_nothing_else() {
    let versions = with_baseline();
    let model = versions.read("server.ron");
    let told = said(&versions.gate(&["--save-baseline", "server.ron"]), 2);
    assert!(told.contains("server.ron is there already and is no baseline"), "{told}");
    assert_eq!(versions.read("server.ron"), model);
    for wrong in [
        &["--save-baseline", "new.json", "--baseline", "server.ron"][..],
        &["--save-baseline", "new.json", "--junit", "a.xml"],
        &[],
    ] {
        said(&versions.gate(wrong), 2);
    }
    std::fs::create_dir(versions.path("folder")).expect("a folder");
    for place in ["folder", "folder/none/kept.json"] {
        let told = said(&versions.gate(&["--save-baseline", place]), 1);
        assert!(told.contains(&format!("cannot write {place}")), "{told}");
    }
    assert!(!versions.path("new.json").exists());
}

#[test]
fn a_report_takes_the_place_of_nothing_that_is_compared() {
    let versions = with_baseline();
    let all = ["kept.json", "peak.ron"];
    let before = all.map(|name| versions.read(name));
    for (report, file) in [("--junit", "kept.json"), ("--markdown", "./kept.json"), ("--junit", "peak.ron")] {
        let told = versions.said(2, &[report, file]);
        assert!(told.contains("this file is read, or written for something else"), "{told}");
    }
    let told = versions.said(2, &["--junit", "report", "--markdown", "report"]);
    assert!(told.contains("--markdown"), "{told}");
    assert_eq!(all.map(|name| versions.read(name)), before);
    // Usage names what is missing by its own name.
    let told = said(&versions.gate(&[]), 2);
    assert!(told.contains("--baseline") && !told.contains("--version"), "{told}");
}
