//! How many requests per second the engine simulates, beside the hand-written loop for the same workload.
//!
//! ```text
//! cargo bench --bench engine -- [FILTER] [--requests N] [--pairs N] [--only CONTENDER]
//! ```
//!
//! The filter is a part of a workload's name: `W1` to `W4`, `users` for the pending-set scaling of W4, or `nodes` for
//! the same traffic spread over more and more services, one visit per request. Contenders run
//! alternately (A B A B ...) after one warm-up each, and the ratio is taken pair by pair, so that a machine that slows
//! down for a while slows both. Time is the processor time of the thread, so that a busy neighbour costs nobody.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod model;
mod reference;

use std::fmt::Write;
use std::time::Instant;

use reference::Outcome;

type Run = Box<dyn FnMut() -> Outcome>;

/// One way to run the workloads. The first contender of the list is the limit that the others are divided by.
struct Contender {
    name: &'static str,
    /// Prepares a run of this workload with this many requests, which is not timed, or says that it cannot run it.
    prepare: fn(Workload, u64) -> Option<Run>,
}

const CONTENDERS: &[Contender] = &[
    Contender { name: "reference", prepare: prepare_reference },
    Contender { name: "engine", prepare: prepare_engine },
];

#[derive(Clone, Copy)]
enum Workload {
    W1,
    W2,
    W3,
    W4,
    /// W4 with this many users, and servers in proportion.
    Users(usize),
    /// As many M/M/1 services, all of them together with the traffic of ten.
    Nodes(usize),
}

const WORKLOADS: &[(&str, Workload)] = &[
    ("W1", Workload::W1),
    ("W2", Workload::W2),
    ("W3", Workload::W3),
    ("W4", Workload::W4),
    ("users-1000", Workload::Users(1_000)),
    ("users-10000", Workload::Users(10_000)),
    ("users-100000", Workload::Users(100_000)),
    ("users-1000000", Workload::Users(1_000_000)),
    ("nodes-10", Workload::Nodes(10)),
    ("nodes-100", Workload::Nodes(100)),
    ("nodes-1000", Workload::Nodes(1_000)),
    ("nodes-10000", Workload::Nodes(10_000)),
];

fn prepare_reference(workload: Workload, requests: u64) -> Option<Run> {
    const SEED: u64 = 1;
    Some(match workload {
        Workload::W1 => Box::new(move || reference::w1::run(requests, SEED)),
        Workload::W2 => Box::new(move || reference::w2::run(requests, SEED)),
        Workload::W3 => Box::new(move || reference::w3::run(requests, SEED)),
        Workload::W4 => Box::new(move || reference::w4::run(requests, SEED)),
        Workload::Users(users) => Box::new(move || reference::w4::run_with_users(users, requests, SEED)),
        Workload::Nodes(stations) => Box::new(move || reference::nodes::run(stations, requests, SEED)),
    })
}

fn prepare_engine(workload: Workload, requests: u64) -> Option<Run> {
    Some(match workload {
        Workload::W1 => model::prepare("w1", &[], requests as f64 / 800.0),
        Workload::W2 => model::prepare("w2", &[], requests as f64 / 1_440.0),
        Workload::W3 => model::prepare("w3", &[], requests as f64 / 1_120.0),
        Workload::W4 => prepare_engine(Workload::Users(50_000), requests)?,
        Workload::Users(users) => {
            let servers = (users / 500).max(1).to_string();
            let users_text = users.to_string();
            let edits = [
                ("nodes.clients.users", users_text.as_str()),
                ("nodes.server.cpu", &servers),
                ("nodes.server.workers", &servers),
            ];
            model::prepare("w4", &edits, requests as f64 / (users as f64 / 10.01))
        }
        Workload::Nodes(services) => model::prepare_services(services, requests),
    })
}

struct Arguments {
    filter: String,
    requests: u64,
    pairs: usize,
    only: String,
}

impl Arguments {
    fn parse() -> Self {
        let mut arguments = Self { filter: "W".into(), requests: 5_000_000, pairs: 5, only: String::new() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                // Cargo passes this one to every benchmark.
                "--bench" => {}
                "--requests" => arguments.requests = number(&mut words).max(1.0) as u64,
                "--only" => arguments.only = words.next().expect("a contender after the flag"),
                "--pairs" => arguments.pairs = number(&mut words).max(1.0) as usize,
                _ => arguments.filter = word,
            }
        }
        arguments
    }
}

fn number(words: &mut impl Iterator<Item = String>) -> f64 {
    words.next().and_then(|text| text.parse().ok()).expect("a number after the flag")
}

fn main() {
    let arguments = Arguments::parse();
    println!("{} requests per run, {} pairs after one warm-up", arguments.requests, arguments.pairs);
    for &(name, workload) in WORKLOADS.iter().filter(|(name, _)| name.contains(&arguments.filter)) {
        measure(name, workload, &arguments);
    }
}

fn measure(name: &str, workload: Workload, arguments: &Arguments) {
    let mut runs: Vec<(&str, Run, Vec<f64>)> = CONTENDERS
        .iter()
        .filter(|contender| contender.name.contains(&arguments.only))
        .filter_map(|contender| Some((contender.name, (contender.prepare)(workload, arguments.requests)?, Vec::new())))
        .collect();
    for (contender, run, _) in &mut runs {
        println!("\n{name} {contender}: {}", describe(&run()));
    }
    for _ in 0..arguments.pairs {
        for (_, run, rates) in &mut runs {
            rates.push(requests_per_second(run));
        }
    }
    if runs.is_empty() {
        return;
    }
    let limit = runs[0].2.clone();
    for (index, (contender, _, rates)) in runs.iter().enumerate() {
        let [median, least, most] = spread(rates.clone()).map(|rate| rate / 1e6);
        let mut line = format!("{name} {contender}: {median:.2} M requests/s ({least:.2} to {most:.2})");
        let _ = write!(line, ", {:.1} ns per request", 1e3 / median);
        if index > 0 {
            let ratios = limit.iter().zip(rates).map(|(limit, rate)| limit / rate).collect();
            let [median, least, most] = spread(ratios);
            let _ = write!(line, ", {median:.2} times the time of {} ({least:.2} to {most:.2})", runs[0].0);
        }
        println!("{line}");
    }
    if let Some(kibibytes) = peak_memory_kibibytes() {
        println!("{name}: the process has used up to {:.1} MiB so far", kibibytes / 1024.0);
    }
}

/// The most memory that this process has ever held, where the system tells it.
fn peak_memory_kibibytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn describe(outcome: &Outcome) -> String {
    format!(
        "{} requests, mean {:.3} ms, p50 {:.3} ms, p99 {:.3} ms, busy {:.4}",
        outcome.requests,
        outcome.mean_latency_s * 1e3,
        outcome.p50_latency_s * 1e3,
        outcome.p99_latency_s * 1e3,
        outcome.busy_fraction,
    )
}

fn requests_per_second(run: &mut Run) -> f64 {
    let begin = Clock::read();
    let outcome = run();
    outcome.requests as f64 / Clock::read().seconds_since(&begin)
}

/// The median, the least and the greatest.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [values[values.len() / 2], values[0], values[values.len() - 1]]
}

/// Processor time where the system tells it, and the time on the wall otherwise.
struct Clock {
    processor_ns: Option<u64>,
    wall: Instant,
}

impl Clock {
    fn read() -> Self {
        // Linux brings the count up to date only when the scheduler runs.
        std::thread::yield_now();
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let processor_ns = text.split_whitespace().next().and_then(|field| field.parse().ok());
        Self { processor_ns, wall: Instant::now() }
    }

    fn seconds_since(&self, begin: &Self) -> f64 {
        match (begin.processor_ns, self.processor_ns) {
            (Some(begin), Some(end)) => (end - begin) as f64 / 1e9,
            _ => (self.wall - begin.wall).as_secs_f64(),
        }
    }
}
