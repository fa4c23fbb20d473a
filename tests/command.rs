//! The command as a user and as a script meet it: exit codes, one document, messages where they belong.

use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn forescale(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forescale"));
    command.current_dir(root()).args(arguments).output().expect("the command starts")
}

fn document(arguments: &[&str]) -> Value {
    let output = forescale(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("exactly one JSON document")
}

const MODEL: &str = "models/techniques/service.ron";

#[test]
fn simulate_prints_one_document_with_the_promised_keys() {
    let found = document(&["simulate", MODEL, "--quick", "--json"]);
    assert_eq!(found["schema"], 1);
    assert_eq!(found["digest"].as_str().map(str::len), Some(64));
    let all = &found["operations"][0];
    assert_eq!(all["name"], "all");
    let (low, value, high) = (&all["p99_s"]["low"], &all["p99_s"]["value"], &all["p99_s"]["high"]);
    assert!(low.as_f64() < value.as_f64() && value.as_f64() < high.as_f64());
    assert!(all["throughput_per_s"]["value"].as_f64().is_some_and(|rate| (rate - 120.0).abs() < 5.0));
    assert!(found["cost_usd_per_hour"]["value"].as_f64().is_some_and(|cost| (cost - 0.096).abs() < 1e-9));
}

#[test]
fn theory_stands_beside_the_results_and_changes_none() {
    let plain = document(&["simulate", "models/theory/m_m_1.ron", "--quick", "--json"]);
    let found = document(&["simulate", "models/theory/m_m_1.ron", "--quick", "--json", "--explain-theory"]);
    assert_eq!(plain["digest"], found["digest"]);
    assert!(plain.get("theory").is_none());
    let rows = found["theory"]["predictions"].as_array().expect("a list");
    let mean = rows.iter().find(|row| row["part"] == "node" && row["quantity"] == "wait_mean_s").expect("a mean wait");
    assert_eq!((&mean["formula"], &mean["kind"], &mean["name"]), (&"M/M/1".into(), &"exact".into(), &"server".into()));
    assert!(mean["theory"].as_f64().is_some_and(|wait_s| (wait_s - 0.004).abs() < 1e-12));
    assert!(mean["simulated"]["low"].as_f64().is_some() && mean["verdict"].as_str().is_some());
    let behind = document(&["simulate", MODEL, "--quick", "--json", "--explain-theory"]);
    assert!(behind["theory"]["without"].is_array());
    let text =
        String::from_utf8(forescale(&["simulate", "models/theory/cache.ron", "--quick", "--explain-theory"]).stdout);
    assert!(
        text.is_ok_and(|text| text.contains("No closed form for cache: no closed form is known here for a Cache."))
    );
}

#[test]
fn the_number_of_threads_changes_no_byte_and_the_seed_does() {
    let arguments = ["simulate", MODEL, "--quick", "--json"];
    let with = |more: &[&str]| forescale(&[&arguments[..], more].concat()).stdout;
    let one = with(&["--threads", "1"]);
    assert_eq!(one, with(&["--threads", "2"]));
    assert_eq!(one, with(&["--threads", "5"]));
    assert_eq!(one, with(&["--seed", "1"]));
    assert_ne!(one, with(&["--seed", "2"]));
}

#[test]
fn an_experiment_gives_the_same_files_on_one_thread_and_on_two() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = format!(
        "Experiment(title: \"t\", model: {:?}, load: Axis(path: \"nodes.visitors.rate\", values: [\"40/s\", \"80/s\", \"400/s\"]),
         variants: {{ \"as is\": {{ \"nodes.web.queue\": 1_000_000 }}, \"more\": {{ \"nodes.web.replicas\": 2 }} }})",
        root().join(MODEL).display().to_string()
    );
    let experiment = folder.path().join("small.ron");
    std::fs::write(&experiment, text).expect("the experiment can be written");
    let run = |threads: &str, out: &str| -> Value {
        let out = folder.path().join(out);
        let arguments =
            ["run", experiment.to_str().expect("a plain path"), "--quick", "--json", "--threads", threads, "--out"];
        let output = forescale(&[&arguments[..], &[out.to_str().expect("a plain path")]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("exactly one JSON document")
    };
    let (one, two) = (run("1", "one"), run("2", "two"));
    assert_eq!(one, two);
    assert_eq!(one["digest"], one["studies"][0]["digest"]);
    let names = |out: &str| {
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path().join(out)).expect("written").flatten().map(|e| e.file_name()).collect();
        // The store lists points as they end; what it holds is in the results.
        names.retain(|name| name != "forescale.sqlite");
        names.sort();
        names
    };
    assert_eq!(names("one"), names("two"));
    for name in names("one") {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(&name)).expect("a file");
        assert!(read("one") == read("two"), "{name:?} differs");
    }
    // 400 requests/s need 4 cores of the 2 there are: with a queue without end, the first variant is overloaded.
    assert_eq!(one["studies"][0]["variants"][0]["points"][2]["refusal"]["code"], "unstable");
}

#[test]
fn wrong_input_ends_with_two_and_says_where() {
    let output = forescale(&["simulate", MODEL, "--set", "nodes.web.repicas=4"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--set:1:") && said.contains("replicas"), "{said}");

    let output = forescale(&["check", MODEL, "tests/invalid/unknown-node.ron", "tests/invalid/missing-comma.ron"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("unknown-node.ron:") && said.contains("missing-comma.ron:"), "{said}");

    let output = forescale(&["simulate", "tests/invalid/unknown-node.ron", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let found: Value = serde_json::from_slice(&output.stdout).expect("exactly one JSON document");
    assert!(found["diagnostics"][0]["line"].as_u64().is_some());

    for arguments in [
        &["simulate", "no-such-file.ron"][..],
        &["run", "no-such-file.ron"],
        &["frobnicate"],
        &["simulate", MODEL, "--duration", "5"],
    ] {
        assert_eq!(forescale(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn values_of_set_need_no_quotes_of_their_own() {
    let bare = forescale(&["simulate", MODEL, "--quick", "--set", "nodes.visitors.rate=60/s"]).stdout;
    let quoted = forescale(&["simulate", MODEL, "--quick", "--set", "nodes.visitors.rate=\"60/s\""]).stdout;
    assert!(!bare.is_empty());
    let numbers = |output: &[u8]| {
        let text = String::from_utf8_lossy(output).into_owned();
        text.split(", digest").next().map(str::to_owned)
    };
    assert_eq!(numbers(&bare), numbers(&quoted));
}

#[test]
fn mistakes_of_all_arguments_are_told_at_once() {
    let arguments =
        ["nodes.web.repicas=4", "nodes.wbe.cpu=2", "nodes.visitors.rate=5ms", "nodes.web.cpu", "name=Many["];
    let arguments: Vec<&str> = arguments.iter().flat_map(|argument| ["--set", argument]).collect();
    let output = forescale(&[&["simulate", MODEL][..], &arguments].concat());
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("5 errors"), "{said}");
}

#[test]
fn experiments_that_would_overwrite_each_other_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = format!(
        "Experiment(title: \"t\", model: {:?}, load: Axis(path: \"nodes.visitors.rate\", values: [\"40/s\"]))",
        root().join(MODEL).display().to_string()
    );
    let path = |name: &str| folder.path().join(name).join("peak.ron").display().to_string();
    for name in ["one", "two"] {
        std::fs::create_dir(folder.path().join(name)).expect("a folder");
        std::fs::write(path(name), &text).expect("a file");
    }
    let out = folder.path().join("out").display().to_string();
    let output = forescale(&["run", &path("one"), &path("two"), "--quick", "--out", &out]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
    assert!(said.contains("one") && said.contains("two") && said.contains("peak.json"), "{said}");
}

#[test]
fn a_key_that_an_experiment_of_the_same_call_uses_is_no_doubt() {
    let list = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(root().join(folder)).expect("a folder").flatten();
        let names = entries.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy()));
        names.filter(|name| name.ends_with(".ron")).collect()
    };
    let files = [list("experiments"), list("models")].concat();
    let arguments: Vec<&str> = ["check", "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let found = document(&arguments);
    // At the most replicas three models could open more connections than their databases accept: that is part of their story.
    let doubts: Vec<&serde_json::Value> = found["diagnostics"].as_array().expect("a list").iter().collect();
    let other = doubts.iter().find(|doubt| doubt["code"] != "too-few-connections");
    assert_eq!((doubts.len(), other), (3, None));
}

#[test]
fn a_folder_that_cannot_be_written_is_a_failure_of_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").expect("a file");
    let experiment = folder.path().join("e.ron");
    let text = format!(
        "Experiment(title: \"t\", model: {:?}, load: Axis(path: \"nodes.visitors.rate\", values: [\"40/s\"]))",
        root().join(MODEL).display().to_string()
    );
    std::fs::write(&experiment, text).expect("a file");
    let out = file.join("below");
    let arguments = ["run", experiment.to_str().expect("plain"), "--quick", "--out", out.to_str().expect("plain")];
    let output = forescale(&arguments);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"));
}

#[test]
fn check_and_list_speak_json_too() {
    let found = document(&["check", MODEL, "--json"]);
    assert_eq!((found["files"].as_u64(), found["files_with_errors"].as_u64()), (Some(1), Some(0)));
    let found = document(&["list", "--json"]);
    let names: Vec<_> = found["techniques"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
    assert!(names.contains(&"Service".into()) && names.contains(&"Link".into()));
}

#[test]
fn an_overloaded_open_model_is_told_to_be_unstable() {
    let found = document(&[
        "simulate",
        MODEL,
        "--quick",
        "--json",
        "--set",
        "nodes.visitors.rate=\"5k/s\"",
        "--set",
        "nodes.web.queue=1_000_000",
    ]);
    assert_eq!(found["refusal"]["code"], "unstable");
    assert!(found["operations"].as_array().is_some_and(Vec::is_empty), "no numbers are given");
}

/// Files are found beside the model, whether a law is drawn from or only looked at.
#[test]
fn where_a_command_is_run_does_not_matter() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("gaps.csv"), "gap_ms\n4\n8\n12\n").expect("a directory to write to");
    let model = r#"Architecture(name: "measured", nodes: {
        "clients": Clients(arrivals: Renewal(Csv(file: "gaps.csv", column: "gap_ms", unit: "ms")), mix: { "server.request": 1 }),
        "server": Service(workers: 8, operations: { "request": [ Wait(Csv(file: "gaps.csv", column: "gap_ms", unit: "ms")) ] }),
    })"#;
    let path = directory.path().join("measured.ron");
    std::fs::write(&path, model).expect("a directory to write to");
    let run = |from: &std::path::Path, model: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forescale"));
        let output = command.current_dir(from).args(["simulate", model, "--quick", "--json"]).output();
        let output = output.expect("the command starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let outside = run(&root(), &path.display().to_string());
    assert_eq!(run(directory.path(), "measured.ron"), outside);
}

/// A folder with a queue at half load, one that is 10% slower, and an experiment on the first.
fn queues(objectives: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, service) in [("fast.ron", "1ms"), ("slow.ron", "1.1ms")] {
        let text = format!(
            r#"Architecture(name: "queue", nodes: {{
                "clients": Clients(rate: "500/s", mix: {{ "server.request": 1 }}),
                "server": Service(workers: 1, operations: {{ "request": [ Compute(Exponential("{service}")) ] }}),
            }})"#
        );
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let experiment = |model: &str| {
        format!(
            r#"Experiment(title: "queues", model: "{model}", objectives: [{objectives}],
                load: Axis(path: "nodes.clients.rate", values: ["400/s", "500/s"]))"#
        )
    };
    std::fs::write(folder.path().join("on_fast.ron"), experiment("fast.ron")).expect("a file");
    std::fs::write(folder.path().join("on_slow.ron"), experiment("slow.ron")).expect("a file");
    folder
}

fn within(folder: &tempfile::TempDir, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forescale"));
    command.current_dir(folder.path()).args(arguments).output().expect("the command starts")
}

#[test]
fn a_gate_says_by_its_exit_code_and_in_its_files_what_became_worse() {
    let folder = queues("");
    let gate = |experiment: &str, baseline: &str| {
        let files = ["--junit", "gate.xml", "--markdown", "gate.md", "--quick"];
        let output = within(&folder, &[&["gate", experiment, "--baseline", baseline], files.as_slice()].concat());
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it was asked for");
        (output.status.code(), read("gate.xml"), read("gate.md"))
    };
    let (code, junit, markdown) = gate("on_fast.ron", "fast.ron");
    assert_eq!(code, Some(0), "{markdown}");
    assert!(junit.contains("failures=\"0\"") && markdown.contains(": passed"), "{junit}{markdown}");
    let (code, junit, markdown) = gate("on_slow.ron", "fast.ron");
    assert_eq!(code, Some(1), "{markdown}");
    assert!(junit.contains("failures=\"2\"") && markdown.contains("**failed**"), "{junit}{markdown}");
    assert_eq!(gate("on_fast.ron", "slow.ron").0, Some(0));
    let output = within(&folder, &["gate", "on_fast.ron", "--baseline", "fast.ron", "--latency-margin", "much"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--latency-margin"));
}

#[test]
fn a_gate_tells_of_requests_that_only_one_model_has() {
    let folder = queues("");
    let other = std::fs::read_to_string(folder.path().join("fast.ron")).expect("a file").replace("request", "page");
    std::fs::write(folder.path().join("other.ron"), other).expect("a file");
    let output = within(&folder, &["gate", "on_fast.ron", "--baseline", "other.ron", "--quick"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("server.page, server.request"), "{said}");
}

#[test]
fn capacity_needs_an_objective_that_gets_harder_with_load() {
    let folder = queues("Throughput(above: \"300/s\")");
    let output = within(&folder, &["capacity", "on_fast.ron", "--quick"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no-limit") && said.contains("no-objectives"), "{said}");
    let folder = queues("Latency(below: \"20ms\"), Throughput(above: \"300/s\")");
    let output = within(&folder, &["capacity", "on_fast.ron", "--quick", "--json", "--variant", "as is"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let capacity = &found["experiments"][0]["capacities"][0];
    // The 99th percentile of M/M/1 is ln(100) / (mu - lambda): 20 ms at 770/s.
    assert!(capacity["met_load"].as_f64().is_some_and(|load| load < 769.8), "{capacity}");
    assert!(capacity["missed_load"].as_f64().is_some_and(|load| load > 769.7), "{capacity}");
}

#[test]
fn sensitivity_writes_results_and_a_tornado_for_each_series() {
    let folder = queues("Latency(below: \"20ms\")");
    let wrong = ["sensitivity", "on_fast.ron", "--quick", "--variant", "as was", "--load", "many"];
    let output = within(&folder, &wrong);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("unknown-variant") && said.contains("--load"), "{said}");
    let output =
        within(&folder, &["sensitivity", "on_fast.ron", "--quick", "--draws", "10", "--json", "--out", "drawn"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let series = &found["experiments"][0]["sensitivity"]["series"][0];
    assert!(series["assumptions"][0]["correlation"].as_f64().is_some_and(|value| value > 0.9), "{series}");
    assert_eq!(found["digest"].as_str().map(str::len), Some(64));
    let names = ["on_fast-sensitivity.json", "on_fast-tornado-as-is.svg"];
    assert!(names.iter().all(|name| folder.path().join("drawn").join(name).exists()));
}

/// Several series of each variant, and a guess whose range may go too far.
fn workers(contention: &str) -> tempfile::TempDir {
    let folder = queues("Latency(below: \"20ms\")");
    let path = folder.path().join("fast.ron");
    let text = std::fs::read_to_string(&path).expect("a file");
    let text = text.replace("workers: 1,", &format!("workers: 1, contention: {contention},"));
    let model = text.trim_end().strip_suffix(')').expect("a model ends with a bracket");
    let text = format!("{model}, assumptions: {{ \"nodes.server.contention\": Guess(factor: (0.5, 2)) }})");
    std::fs::write(path, text).expect("a file");
    let experiment = r#"Experiment(title: "workers", model: "fast.ron", objectives: [ Latency(below: "20ms") ],
        load: Axis(path: "nodes.clients.rate", values: ["400/s", "500/s"]),
        axes: { "workers": Axis(path: "nodes.server.workers", values: [1, 2]) },
        variants: { "as is": {}, "two": { "nodes.server.replicas": 2 } })"#;
    std::fs::write(folder.path().join("workers.ron"), experiment).expect("a file");
    folder
}

#[test]
fn a_variant_stands_for_all_its_series_and_a_series_for_itself() {
    let folder = workers("0.01");
    let names = |verb: &str, series: &str| -> Vec<String> {
        let arguments = [verb, "workers.ron", "--quick", "--json", "--variant", series];
        let more: &[&str] = if verb == "sensitivity" { &["--draws", "10"] } else { &["--tolerance", "50%"] };
        let output = within(&folder, &[&arguments[..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).expect("one document");
        let found = &found["experiments"][0];
        let list = if verb == "sensitivity" { &found["sensitivity"]["series"] } else { &found["capacities"] };
        let list = list.as_array().expect("a list").iter();
        list.map(|one| one["variant"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("sensitivity", "two"), ["two, workers 1", "two, workers 2"]);
    assert_eq!(names("sensitivity", "as is, workers 2"), ["as is, workers 2"]);
    assert_eq!(names("capacity", "two"), ["two, workers 1", "two, workers 2"]);
    let output = within(&folder, &["capacity", "workers.ron", "--variant", "tow"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("unknown-variant") && said.contains("did you mean `two`?"), "{said}");
}

#[test]
fn check_tells_what_sensitivity_would_refuse() {
    let folder = workers("0.9");
    let checked = within(&folder, &["check", "workers.ron"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(said.contains("invalid-range") && said.contains("upper end"), "{said}");
    assert_eq!(said.matches("invalid-range").count(), 1, "once for all series: {said}");
    assert_eq!(within(&folder, &["sensitivity", "workers.ron", "--quick"]).status.code(), Some(2));
    assert_eq!(within(&workers("0.1"), &["check", "workers.ron"]).status.code(), Some(0));
}

/// `export | head` is no failure, in any format.
#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    for format in ["csv", "jsonl"] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_forescale"))
            .current_dir(root())
            .args(["export", "plots/aurora_data_surge.json", "--format", format])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the command starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
