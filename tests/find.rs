//! The cheapest configuration that is found is the one that queueing theory and a price list know.

use std::path::Path;

use forescale::diagnostic::Diagnostics;
use forescale::experiment::find::{Effort, Found, find, usual_studies};
use forescale::experiment::plan;
use forescale::experiment::store::{Missing, Store};
use forescale::experiment::study::Verdict;

/// Two stations of M/M/c, each for requests of its own: what a core costs depends on how many there are, as in catalogues.
const MODEL: &str = r#"Architecture(name: "two stations", nodes: {
    "clients": Clients(rate: "1000/s", mix: { "left.request": 3, "right.request": 1 }),
    "left": Service(cpu: 1, workers: 1, price: "$1/h", operations: { "request": [ Compute(Exponential("4ms")) ] }),
    "right": Service(cpu: 1, workers: 1, price: "$1/h", operations: { "request": [ Compute(Exponential("8ms")) ] }),
    "licence": Service(price: "$1/h", operations: { "never": [ Compute(Constant("1ms")) ] }),
})"#;

const MOST_CORES: u32 = 14;
const LIMIT_S: f64 = 0.055;

/// A kind of machine: its name, what its clock makes of a millisecond of work, and what it costs besides.
const MACHINES: [(&str, f64, f64); 4] =
    [("slow", 2.0, 0.2), ("usual", 1.0, 1.0), ("fast", 0.6, 2.3), ("too dear", 0.4, 5.0)];

/// Cores come dearer one by one, and cheaper in fours.
fn price_usd_per_hour(cores: u32) -> f64 {
    0.30 * f64::from(cores) - if cores.is_multiple_of(4) { 0.35 } else { 0.0 }
}

fn experiment(most_cores: u32) -> String {
    let list = |of: &dyn Fn(u32) -> String| (1..=most_cores).map(of).collect::<Vec<_>>().join(", ");
    let cores = list(&|cores| cores.to_string());
    let prices = list(&|cores| format!("\"${:.2}/h\"", price_usd_per_hour(cores)));
    let axis = |name: &str| {
        format!(
            r#""{name}": Axis(path: "nodes.{name}.cpu", values: [{cores}],
                with: {{ "nodes.{name}.workers": [{cores}], "nodes.{name}.price": [{prices}] }}),"#
        )
    };
    let machine = |(name, clock, price): &(&str, f64, f64)| {
        format!(
            r#""{name}": {{
                "nodes.left.operations.request": [ Compute(Exponential("{}ms")) ],
                "nodes.right.operations.request": [ Compute(Exponential("{}ms")) ],
                "nodes.licence.price": "${price}/h",
            }},"#,
            4.0 * clock,
            8.0 * clock
        )
    };
    let machines: String = MACHINES.iter().map(machine).collect();
    format!(
        r#"Experiment(title: "find", model: "model.ron",
            load: Axis(path: "nodes.clients.rate", label: "requests per second", values: ["1000/s"]),
            axes: {{ {} {} }},
            variants: {{ {machines} }},
            objectives: [
                Latency(operation: "left.request", quantile: P99, below: "{LIMIT_S}s"),
                Latency(operation: "right.request", quantile: P99, below: "{LIMIT_S}s"),
            ],
        )"#,
        axis("left"),
        axis("right"),
    )
}

/// The probability that the time in system of M/M/c exceeds `t`, infinite queues included.
fn exceeds(servers: u32, arrivals_per_s: f64, service_s: f64, t: f64) -> f64 {
    let load = arrivals_per_s * service_s;
    let utilization = load / f64::from(servers);
    if utilization >= 1.0 {
        return 1.0;
    }
    let blocked = (1..=servers).fold(1.0, |blocked, k| load * blocked / (f64::from(k) + load * blocked));
    let waits = blocked / (1.0 - utilization + utilization * blocked);
    let (mu, theta) = (1.0 / service_s, f64::from(servers) / service_s - arrivals_per_s);
    // Both rates may be the same but for rounding.
    let theta = if (theta - mu).abs() < 1e-6 * mu { theta * (1.0 + 1e-5) } else { theta };
    (1.0 - waits) * (-mu * t).exp() + waits * (mu * (-theta * t).exp() - theta * (-mu * t).exp()) / (mu - theta)
}

/// The price of the cheapest configuration that meets both limits, were they so many times as large.
fn cheapest_usd_per_hour(slack: f64) -> f64 {
    cheapest_at(1_000.0, MOST_CORES, slack)
}

/// The same for another rate of requests, with up to so many cores.
fn cheapest_at(rate_per_s: f64, most_cores: u32, slack: f64) -> f64 {
    let mut cheapest = f64::INFINITY;
    for (_, clock, price) in MACHINES {
        for left in 1..=most_cores {
            for right in 1..=most_cores {
                let meets =
                    |cores, rate, service_s: f64| exceeds(cores, rate, service_s * clock, slack * LIMIT_S) <= 0.01;
                if meets(left, 0.75 * rate_per_s, 0.004) && meets(right, 0.25 * rate_per_s, 0.008) {
                    cheapest = price_usd_per_hour(left).mul_add(1.0, price + price_usd_per_hour(right)).min(cheapest);
                }
            }
        }
    }
    cheapest
}

fn searched(directory: &Path, experiment: &str, threads: usize) -> Found {
    searched_with(directory, experiment, threads, 1, None)
}

fn searched_with(directory: &Path, experiment: &str, threads: usize, seed: u64, most_studies: Option<usize>) -> Found {
    searched_at(directory, experiment, threads, seed, most_studies, None)
}

fn searched_at(
    directory: &Path,
    experiment: &str,
    threads: usize,
    seed: u64,
    most_studies: Option<usize>,
    load: Option<&str>,
) -> Found {
    std::fs::write(directory.join("model.ron"), MODEL).expect("a directory to write to");
    let path = directory.join("find.ron");
    std::fs::write(&path, experiment).expect("a directory to write to");
    let mut diagnostics = Diagnostics::new();
    let space = plan::load_space(&path, true, Some(seed), &mut diagnostics);
    let space = space.unwrap_or_else(|| panic!("an experiment without mistakes: {diagnostics:?}"));
    let store = Store::open(&directory.join(format!("{threads}.sqlite")), Missing::Make).expect("a store");
    let load = load.map_or(space.loads()[0], |text| space.read_load(text).expect("a load"));
    let effort = Effort { most_studies: most_studies.unwrap_or_else(|| usual_studies(&space)), fresh: false };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| find(&space, load, &store, effort)).unwrap_or_else(|failure| panic!("{failure:?}"))
}

#[test]
fn the_cheapest_is_that_of_theory_with_a_fifth_of_the_studies() {
    let directory = tempfile::tempdir().expect("a directory");
    let found = searched(directory.path(), &experiment(MOST_CORES), 2);
    let winner = found.winner.as_ref().expect("something meets the objectives");
    let cost = winner.point.cost_usd_per_hour.expect("a price").value;
    // What no precision can tell apart may win or lose; its price lies between those for a little more and a little less.
    let (at_least, at_most) = (cheapest_usd_per_hour(1.03), cheapest_usd_per_hour(0.95));
    assert!(cost >= at_least - 1e-9, "{} at ${cost} cannot meet the limit: at least ${at_least}", winner.name);
    assert!(cost <= at_most + 1e-9, "{} at ${cost}, though ${at_most} is enough", winner.name);
    assert_eq!(found.configurations, 784.0);
    assert!(found.looked_at >= found.studied.len() as u64 && found.looked_at <= found.studies, "{}", found.looked_at);
    let mut names: Vec<&str> = found.studied.iter().map(|one| one.name.as_str()).collect();
    assert!(found.front.iter().chain(&found.winner).all(|one| names.contains(&one.name.as_str())));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), found.studied.len(), "each configuration once");
    assert!(found.studies <= 784 / 5, "{} studies", found.studies);
    let second = found.runner_up.as_ref().expect("there is always a dearer one");
    assert_eq!(second.choice.verdict, Verdict::Met);
    let difference = second.cost_difference_usd_per_hour.expect("both have prices");
    let dearer = second.choice.point.cost_usd_per_hour.expect("a price").value - cost;
    assert!(difference.value >= 0.0 && (difference.value - dearer).abs() < 1e-9);
    assert!(found.front.len() >= 2 && found.front.iter().any(|one| one.name == winner.name), "{:?}", found.front);
    for pair in found.front.windows(2) {
        let of = |index: usize| {
            let point = &pair[index].point;
            (point.cost_usd_per_hour.expect("a price").value, point.operations[0].p99_s.expect("a p99").value)
        };
        assert!(of(0).0 <= of(1).0 && of(0).1 > of(1).1, "the front goes down: {:?} {:?}", of(0), of(1));
    }
}

/// Of slow machines only those with many cores meet the limits, one configuration in six. Whatever the seed and however few the
/// looks, one of them is found, and what is second is not better than what is first.
#[test]
fn a_small_corner_of_a_space_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let slow = experiment(8).replace("variants: {", "run: [\"slow\"], variants: {").replace("0.055s", "0.08s");
    for seed in 1..=4 {
        let found = searched_with(directory.path(), &slow, 2, seed, Some(12));
        let winner = found.winner.as_ref().unwrap_or_else(|| panic!("seed {seed}: {:?}", found.nearest));
        let cost = |point: &forescale::experiment::study::Point| point.cost_usd_per_hour.expect("a price").value;
        if let Some(second) = &found.runner_up {
            assert!(cost(&second.choice.point) >= cost(&winner.point) - 1e-9, "seed {seed}: {}", second.choice.name);
        }
    }
}

#[test]
fn threads_and_a_full_store_change_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let told = |threads| {
        let found = searched(directory.path(), &experiment(6), threads);
        serde_json::to_string(&found).expect("a document")
    };
    let first = told(2);
    assert_eq!(first, told(2), "from the store");
    assert_eq!(first, told(1), "on one thread");
}

#[test]
fn where_nothing_meets_the_objectives_the_nearest_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let impossible = experiment(6).replace("below: \"0.055s\"", "below: \"2ms\"");
    let found = searched(directory.path(), &impossible, 2);
    assert!(found.winner.is_none() && found.runner_up.is_none());
    let nearest = found.nearest.expect("something is nearest");
    assert_eq!(nearest.variant, "too dear", "the fastest cores come nearest: {}", nearest.name);
}

#[test]
fn a_space_of_a_million_is_searched_in_few_studies() {
    let directory = tempfile::tempdir().expect("a directory");
    let axes: String = (0..3)
        .map(|index| {
            format!(
                r#""queue_{index}": Axis(path: "nodes.idle_{index}.queue", values: Linear(from: 1, to: 30, count: 30)),"#
            )
        })
        .collect();
    let idle: String = (0..3)
        .map(|index| {
            format!(
                r#""nodes.idle_{index}": Service(workers: 1, operations: {{ "never": [ Compute(Constant("1ms")) ] }}),"#
            )
        })
        .collect();
    // Three axes that move nothing that anybody asks for, and the two that do.
    let large = experiment(MOST_CORES)
        .replace("axes: {", &format!("constraints: [\"left + right <= 24\"], axes: {{ {axes}"))
        .replace("variants: {", &format!("variants: {{ \"idle\": {{ {idle} }},"))
        .replace("\"usual\": {", &format!("\"usual\": {{ {idle}"));
    let large = large.replace("variants: {", "run: [\"usual\"], variants: {");
    let found = searched(directory.path(), &large, 2);
    assert_eq!(found.configurations, 14.0 * 14.0 * 27_000.0);
    let winner = found.winner.expect("something meets the objectives");
    let cost = winner.point.cost_usd_per_hour.expect("a price").value;
    let usual = |slack: f64| {
        let fewest = |rate: f64, service_s: f64| {
            let enough = (1..=MOST_CORES).filter(|cores| exceeds(*cores, rate, service_s, slack * LIMIT_S) <= 0.01);
            enough.map(price_usd_per_hour).fold(f64::INFINITY, f64::min)
        };
        1.0 + fewest(750.0, 0.004) + fewest(250.0, 0.008)
    };
    assert!(cost >= usual(1.05) - 1e-9 && cost <= usual(0.9) + 1e-9, "${cost}: {} to {}", usual(1.05), usual(0.9));
    assert!(found.studies < 600, "{}", found.studies);
}

/// What is granted bounds the search; what comes on top of it are steps beside the best, at most as many again.
#[test]
fn few_looks_are_few_looks() {
    let directory = tempfile::tempdir().expect("a directory");
    let few = searched_with(directory.path(), &experiment(6), 2, 1, Some(4));
    let more = searched_with(directory.path(), &experiment(6), 2, 1, Some(40));
    assert!(few.looked_at < more.looked_at, "{} {}", few.looked_at, more.looked_at);
    // Four looks, four beside the best, and the last rounds: eight finalists, eight of the front and eight for the runner-up.
    assert!(few.looked_at <= 4 + 4 + 8 + 8 + 8, "{}", few.looked_at);
}

/// At half the rate, half as many cores do.
#[test]
fn another_load_has_another_cheapest_configuration() {
    let directory = tempfile::tempdir().expect("a directory");
    let found = searched_at(directory.path(), &experiment(8), 2, 1, None, Some("500/s"));
    assert_eq!(found.load, 500.0);
    let cost = found.winner.expect("something meets the objectives").point.cost_usd_per_hour.expect("a price").value;
    let (at_least, at_most) = (cheapest_at(500.0, 8, 1.03), cheapest_at(500.0, 8, 0.93));
    assert!(cost >= at_least - 1e-9 && cost <= at_most + 1e-9, "${cost}: ${at_least} to ${at_most}");
    assert!(cost < cheapest_at(1_000.0, MOST_CORES, 0.93), "more load would cost more");
}

/// Two minutes from an empty start are nearly the long run of stations whose queues last tens of milliseconds.
#[test]
fn a_given_length_of_time_is_searched_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let timed = experiment(8).replace("objectives: [", "horizon: Terminating(duration: \"2m\"), objectives: [");
    let found = searched_at(directory.path(), &timed, 2, 1, None, Some("500/s"));
    let winner = found.winner.expect("something meets the objectives");
    assert_eq!(winner.point.simulated_s, 120.0);
    assert!(!winner.point.windows.is_empty(), "it is told window by window");
    let cost = winner.point.cost_usd_per_hour.expect("a price").value;
    let (at_least, at_most) = (cheapest_at(500.0, 8, 1.06), cheapest_at(500.0, 8, 0.9));
    assert!(cost >= at_least - 1e-9 && cost <= at_most + 1e-9, "${cost}: ${at_least} to ${at_most}");
}

/// The command writes what it prints with `--json`, and a chart of it, the same each time.
#[test]
fn results_and_their_chart_are_written() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("model.ron"), MODEL).expect("a directory to write to");
    std::fs::write(directory.path().join("cores.ron"), experiment(4)).expect("a directory to write to");
    let run = |out: &str, more: &[&str]| {
        let arguments =
            ["find", "cores.ron", "--quick", "--load", "300/s", "--studies", "12", "--store", "kept.sqlite"];
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_forescale"));
        let output = command.current_dir(directory.path()).args(arguments).args(["--out", out]).args(more).output();
        let output = output.expect("the command starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let read =
        |name: &str| std::fs::read(directory.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let printed: serde_json::Value = serde_json::from_str(&run("one", &["--json", "--png"])).expect("one document");
    let written: serde_json::Value = serde_json::from_slice(&read("one/cores-find.json")).expect("a document");
    assert_eq!(written, printed["experiments"][0]);
    assert_eq!(written["found"]["load"], 300.0);
    assert_eq!(
        (&written["quick"], &written["seed"], &written["model"]),
        (&true.into(), &1.into(), &"model.ron".into())
    );
    assert!(written["digest"].as_str().is_some_and(|digest| digest.len() == 64), "{}", written["digest"]);
    assert!(written["found"]["studied"].as_array().is_some_and(|all| all.len() >= 2));
    assert!(run("two", &["--png"]).contains("cheapest"));
    for name in ["cores-find.json", "cores-find.svg", "cores-find.png"] {
        assert!(read(&format!("one/{name}")) == read(&format!("two/{name}")), "{name} differs");
    }
    let chart = String::from_utf8(read("one/cores-find.svg")).expect("text");
    let winner = written["found"]["winner"]["name"].as_str().expect("a winner");
    assert!(chart.contains(&format!("cheapest: {winner}")), "{winner}");
    run("three", &[]);
    assert!(!directory.path().join("three/cores-find.png").exists(), "only where it is asked for");
}
