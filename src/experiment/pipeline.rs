//! One point of an experiment: replications, run for longer until the intervals are as narrow as wanted, or a refusal.
//!
//! Steady state, after Law (*Simulation Modeling and Analysis*, 2015, ch. 9), Whitt (Management Science 1989) on run
//! lengths, and Asmussen & Glynn (2007, III.5) on sectioning:
//!
//! ```text
//! run R replications for the settling time and a length T; drop the settling time and the first fifth of T
//! loop: quantile of the pooled histogram, interval by sectioning
//!       population grew throughout, significantly      -> unstable
//!       no drift, |average - pooled| small, interval narrow enough -> done
//!       budget spent                                   -> refuse, and say why
//!       otherwise double T (the runs go on; the first fifth of the new T is dropped)
//! ```
//!
//! A doubled run keeps what it has simulated. Observations are kept in three windows whose borders lie at the fifths
//! 1, 2, 4 and 5 of T; doubling T makes the first window warm-up and the others the beginning of the new ones.

use rayon::prelude::*;

use crate::engine::record::{NodeRecord, Record};
use crate::engine::simulation::{Halt, Limits, Simulation};
use crate::experiment::backlog::{self, Growth};
use crate::experiment::estimate::{Sample, describe};
use crate::experiment::study::{Point, Refusal};
use crate::model::Compiled;
use crate::random::Seed;
use crate::statistics::drift::{DriftThresholds, test_drift};
use crate::techniques::AnyNode;

/// How a point is studied.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub seed: u64,
    pub replications: u32,
    /// Relative half width of the 95% interval of p99 that is aimed at.
    pub precision: f64,
    /// Relative difference between the average and the pooled p99 that is allowed.
    pub bias: f64,
    /// Requests over all replications after which an imprecise point is given up.
    pub budget: u64,
    /// Requests per replication to begin with.
    pub first_requests: u64,
    pub horizon: Horizon,
    /// The operation whose latencies must be precise, or all together.
    pub operation: Option<String>,
}

/// Which time is looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Horizon {
    /// The long run, after a settling time that the model's own time constants set, or a longer one that is given.
    SteadyState { warm_up_ns: Option<u64> },
    /// From time zero for this long, nothing dropped.
    Terminating { duration_ns: u64 },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            replications: 20,
            precision: 0.05,
            bias: 0.02,
            budget: 100_000_000,
            first_requests: 12_000,
            horizon: Horizon::SteadyState { warm_up_ns: None },
            operation: None,
        }
    }
}

impl Settings {
    /// For a first look: fewer replications, wider intervals, sooner given up.
    pub fn quick() -> Self {
        Self { replications: 8, precision: 0.10, bias: 0.04, budget: 10_000_000, ..Self::default() }
    }
}

/// Exceedances of a quantile that each replication must expect, so that its estimate is one of a tail.
const EXCEEDANCES: f64 = 100.0;
/// Share of requests that succeed below which their latencies are beside the point.
const FEW_SUCCEED: f64 = 0.1;
/// One in so many requests without an answer at the end of a study of a given length is worth a note.
const FEW_UNANSWERED: u64 = 200;
/// Visits in progress over all replications of a point that end it: memory is what they cost.
const MOST_VISITS: u32 = 8_000_000;
/// Events within one nanosecond after which time is taken to stand still.
const PATIENCE_EVENTS: u64 = 5_000_000;
/// Memory that one point may take.
const MOST_BYTES: u64 = 2 << 30;

/// A fault of forescale itself, to be reported with the seed.
#[derive(Clone, Debug)]
pub struct Violation {
    pub node: String,
    pub law: String,
    pub seed: u64,
    pub replication: u64,
}

type Runs = Vec<Replication>;

/// One replication in progress.
struct Replication {
    simulation: Simulation<AnyNode>,
    /// The windows of the current length, in order.
    windows: [Record; 3],
}

/// Studies one point.
pub fn study(compiled: &Compiled, load: f64, settings: &Settings) -> Result<Point, Violation> {
    let bytes = memory_bytes(compiled, settings.replications);
    if bytes > MOST_BYTES {
        return Ok(describe(&Sample { compiled, records: &[] }, load, 0, EXCEEDANCES, Some(too_large(bytes))));
    }
    let limits = limits(compiled, settings);
    let mut runs: Runs = (0..u64::from(settings.replications))
        .into_par_iter()
        .map(|replication| Replication {
            simulation: compiled.simulation(Seed::new(settings.seed, replication), limits),
            windows: Default::default(),
        })
        .collect();
    let point = match settings.horizon {
        Horizon::Terminating { duration_ns } => terminating(compiled, load, settings, &mut runs, duration_ns),
        Horizon::SteadyState { warm_up_ns } => {
            // A shorter warm-up than the model's own time constants would be a bias.
            let warm_up_ns = warm_up_ns.map_or(compiled.settling_ns(), |ns| ns.max(compiled.settling_ns()));
            steady_state(compiled, load, settings, &mut runs, warm_up_ns)
        }
    };
    audit(compiled, settings, &runs)?;
    Ok(point)
}

fn terminating(compiled: &Compiled, load: f64, settings: &Settings, runs: &mut Runs, duration_ns: u64) -> Point {
    let halted = advance(compiled, runs, duration_ns, settings.budget);
    let records: Vec<Record> = runs.iter_mut().map(|run| run.simulation.take_record()).collect();
    let sample = Sample { compiled, records: &records };
    let refusal = match halted {
        Some(stop) => Some(stop.refusal(compiled, settings)),
        None if sample.answered() == 0 => Some(no_requests()),
        None => None,
    };
    let mut point = describe(&sample, load, duration_ns, EXCEEDANCES / f64::from(settings.replications), refusal);
    let (sent, answered) = (sample.sent(), sample.answered());
    if point.refusal.is_none() && sent - answered > sent / FEW_UNANSWERED {
        point.notes.push(format!(
            "{:.1}% of the requests were still in progress at the end: latencies and errors are those of the others",
            100.0 * (sent - answered) as f64 / sent as f64
        ));
    }
    point
}

fn steady_state(compiled: &Compiled, load: f64, settings: &Settings, runs: &mut Runs, warm_up_ns: u64) -> Point {
    let refuse = |runs: &mut Runs, simulated_ns: u64, refusal: Refusal| {
        let records: Vec<Record> = runs.par_iter_mut().map(Replication::take_merged).collect();
        describe(&Sample { compiled, records: &records }, load, simulated_ns, EXCEEDANCES, Some(refusal))
    };
    if let Some(clients) = compiled.descriptions.iter().find(|node| node.is_transient) {
        return refuse(runs, 0, time_varying(&clients.name));
    }
    let fifth_ns = match first_fifth_ns(compiled, settings) {
        Ok(fifth_ns) => fifth_ns,
        Err(refusal) => return refuse(runs, 0, refusal),
    };
    // What comes round again, such as entries of a cache that were stored together and expire together, is seen as often
    // as it happens only by a window as long as a whole cycle.
    // Of cycles it holds whole ones: a part of a day is not the day's mean.
    let quarter_ns = compiled.cycle_ns().div_ceil(4);
    let mut fifth_ns = if quarter_ns == 0 { fifth_ns } else { fifth_ns.div_ceil(quarter_ns).max(1) * quarter_ns };
    let budget = settings.budget;
    let at = |fifths: u64, fifth_ns: u64| warm_up_ns.saturating_add(fifths.saturating_mul(fifth_ns));
    // The settling time and the first fifth are dropped.
    if let Some(stop) = advance(compiled, runs, at(1, fifth_ns), budget) {
        let mut refusal = stop.refusal(compiled, settings);
        if stop == Stop::Halted(Halt::TooManyEvents) && warm_up_ns > fifth_ns {
            refusal.reason += &format!(
                ", before the {} s that the model's own times (thinking, times to live, bursts) need to settle were over",
                warm_up_ns / 1_000_000_000
            );
        }
        return refuse(runs, at(1, fifth_ns), refusal);
    }
    runs.par_iter_mut().for_each(|run| drop(run.simulation.take_record()));
    for (window, fifths) in [2, 4, 5].into_iter().enumerate() {
        if let Some(stop) = advance(compiled, runs, at(fifths, fifth_ns), budget) {
            return refuse(runs, at(fifths, fifth_ns), stop.refusal(compiled, settings));
        }
        runs.par_iter_mut().for_each(|run| run.windows[window] = run.simulation.take_record());
    }
    let mut doublings = 0;
    loop {
        let records: Vec<Record> = runs.par_iter().map(|run| run.merged_clients(compiled)).collect();
        let sample = Sample { compiled, records: &records };
        let growth = Growth::of(compiled, runs.iter().map(|run| &run.windows));
        let simulated_ns = at(5, fifth_ns);
        // While requests take longer than the run, the population grows in the stablest of systems.
        let is_long = simulated_ns >= settled_ns(compiled);
        if doublings >= 2 && growth.grows && is_long {
            return refuse(runs, simulated_ns, growth.unstable());
        }
        // Publishers of an overloaded queue see nothing of it, so their latencies alone settle nothing.
        let doubt = doubt(&sample, runs, settings).or_else(|| growth.significant.then(|| growth.backlog()));
        let Some(doubt) = doubt else {
            let records: Vec<Record> = runs.par_iter_mut().map(Replication::take_merged).collect();
            return describe(&Sample { compiled, records: &records }, load, simulated_ns, EXCEEDANCES, None);
        };
        let spent: u64 = runs.iter().map(|run| run.simulation.events() / EVENTS_PER_REQUEST).sum();
        if spent.saturating_mul(2) > budget || simulated_ns > LONGEST_NS {
            let refusal =
                if growth.significant && (is_long || growth.is_saturated()) { growth.unstable() } else { doubt };
            return refuse(runs, simulated_ns, refusal);
        }
        if let Some(stop) = double(compiled, runs, warm_up_ns, fifth_ns, budget) {
            return refuse(runs, simulated_ns, stop.refusal(compiled, settings));
        }
        fifth_ns *= 2;
        doublings += 1;
    }
}

/// How long a run lasts at least before its population tells anything about the long run.
fn settled_ns(compiled: &Compiled) -> u64 {
    compiled.settling_ns().saturating_add(compiled.service_ns().saturating_mul(8))
}

/// A request takes at least two events; counting events bounds also what requests do not show.
const EVENTS_PER_REQUEST: u64 = 2;
/// A hundred years.
const LONGEST_NS: u64 = 3_155_760_000_000_000_000;

impl Replication {
    /// All windows as one, of the nodes that clients' estimates need. The other nodes are left out, because histograms
    /// of all nodes of all replications may fill the memory.
    fn merged_clients(&self, compiled: &Compiled) -> Record {
        let [first, middle, last] = &self.windows;
        let mut nodes = vec![NodeRecord::default(); first.nodes.len()];
        for index in compiled.clients() {
            for window in [first, middle, last] {
                if let Some(record) = window.nodes.get(index) {
                    nodes[index].merge(record);
                }
            }
        }
        let events = first.events + middle.events + last.events;
        Record { start_ns: first.start_ns, end_ns: last.end_ns, events, backlog: last.backlog, nodes }
    }

    /// All windows as one, after which they are gone.
    fn take_merged(&mut self) -> Record {
        let [mut record, middle, last] = std::mem::take(&mut self.windows);
        record.merge(&middle);
        drop(middle);
        record.merge(&last);
        record
    }
}

/// Runs all replications on to a time. Returns why one of them stopped early; that ends the point, so the others need
/// not be run to the same place.
fn advance(compiled: &Compiled, runs: &mut Runs, end_ns: u64, budget: u64) -> Option<Stop> {
    let most_events = (budget / runs.len().max(1) as u64).saturating_mul(EVENTS_PER_REQUEST).saturating_mul(4);
    let patience = patience_events(compiled);
    let stop_of = |run: &mut Replication| match run_until(&mut run.simulation, end_ns, most_events, patience) {
        Ok(()) => None,
        Err(Stop::TooManyVisits { now_ns, .. }) => {
            Some(Stop::TooManyVisits { now_ns, saturated: backlog::saturated(&run.simulation.take_record()) })
        }
        Err(stop) => Some(stop),
    };
    let stops: Vec<Option<Stop>> = runs.par_iter_mut().map(stop_of).collect();
    stops.into_iter().flatten().next()
}

/// Why a replication cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Halted(Halt),
    TooManyVisits {
        now_ns: u64,
        /// The node whose servers hardly ever rested since the last border.
        saturated: Option<usize>,
    },
    /// Events happen and time does not pass.
    NoProgress {
        now_ns: u64,
    },
}

/// Runs on to a time with at most this many events from the start, and looks after each stretch of events whether time
/// has passed.
fn run_until(simulation: &mut Simulation<AnyNode>, end_ns: u64, most_events: u64, patience: u64) -> Result<(), Stop> {
    loop {
        let (events, now_ns) = (simulation.events(), simulation.now_ns());
        simulation.set_event_limit(most_events.min(events.saturating_add(patience)));
        match simulation.run_until(end_ns) {
            Ok(()) => return Ok(()),
            Err(Halt::TooManyEvents)
                if simulation.now_ns() == now_ns && simulation.events() - events >= patience.min(most_events / 2) =>
            {
                return Err(Stop::NoProgress { now_ns });
            }
            Err(Halt::TooManyEvents) if simulation.events() < most_events => {}
            Err(Halt::TooManyVisits) => {
                return Err(Stop::TooManyVisits { now_ns: simulation.now_ns(), saturated: None });
            }
            Err(halt) => return Err(Stop::Halted(halt)),
        }
    }
}

/// Everybody who starts at once may do so in one instant.
fn patience_events(compiled: &Compiled) -> u64 {
    PATIENCE_EVENTS + 8 * u64::from(compiled.population())
}

fn limits(compiled: &Compiled, settings: &Settings) -> Limits {
    let visits = (MOST_VISITS / settings.replications.max(1)).max(10_000);
    Limits { visits: visits.saturating_add(compiled.population()), events: u64::MAX }
}

/// What all replications of a point hold at their largest, roughly and rather too much: measured histograms of a node
/// that is in use, frames and events of users, state of replicas, and visits up to their limit.
pub fn memory_bytes(compiled: &Compiled, replications: u32) -> u64 {
    const NODE: u64 = 155 << 10;
    const USER: u64 = 100;
    const REPLICA: u64 = 300;
    let nodes = compiled.descriptions.len() as u64;
    const CACHE_ENTRY: u64 = 56;
    let one = nodes * NODE
        + u64::from(compiled.population()) * USER
        + compiled.replicas() * REPLICA
        + compiled.cache_entries().saturating_mul(CACHE_ENTRY);
    u64::from(replications).saturating_mul(one)
}

/// Doubles the length of all runs: fifths 5 to 10 of the old length become the second half of the new one.
fn double(compiled: &Compiled, runs: &mut Runs, warm_up_ns: u64, fifth_ns: u64, budget: u64) -> Option<Stop> {
    let at = |fifths: u64| warm_up_ns.saturating_add(fifths.saturating_mul(fifth_ns));
    if let Some(stop) = advance(compiled, runs, at(8), budget) {
        return Some(stop);
    }
    runs.par_iter_mut().for_each(|run| {
        let [_, second, third] = std::mem::take(&mut run.windows);
        let mut middle = third;
        middle.merge(&run.simulation.take_record());
        run.windows = [second, middle, Record::default()];
    });
    let stop = advance(compiled, runs, at(10), budget);
    runs.par_iter_mut().for_each(|run| run.windows[2] = run.simulation.take_record());
    stop
}

/// A fifth of the length at which a replication is expected to see the first number of requests. A pilot run tells how
/// fast requests come.
fn first_fifth_ns(compiled: &Compiled, settings: &Settings) -> Result<u64, Refusal> {
    const PILOT_REQUESTS: u64 = 500;
    const PILOT_EVENTS: u64 = 2_000_000;
    let patience = patience_events(compiled);
    let most_events = PILOT_EVENTS.max(patience);
    let mut pilot = compiled.simulation(Seed::new(settings.seed, 0), limits(compiled, settings));
    let mut end_ns = 1_000_000;
    let mut answered = 0;
    while answered < PILOT_REQUESTS && end_ns < LONGEST_NS {
        let halted = match run_until(&mut pilot, end_ns, most_events, patience) {
            Ok(()) => false,
            Err(stop @ (Stop::NoProgress { .. } | Stop::Halted(Halt::ZeroDelayCycle(_)))) => {
                return Err(stop.refusal(compiled, settings));
            }
            Err(Stop::Halted(_) | Stop::TooManyVisits { .. }) => true,
        };
        let record = pilot.take_record();
        answered += compiled.clients().map(|index| record.nodes[index].counters.arrivals).sum::<u64>();
        if halted {
            break;
        }
        end_ns *= 2;
    }
    let now_ns = pilot.now_ns();
    if answered == 0 || now_ns == 0 {
        return Err(no_requests());
    }
    let length_ns = now_ns as f64 / answered as f64 * settings.first_requests as f64;
    Ok(((length_ns / 5.0) as u64).max(1))
}

/// What still speaks against the estimates, or `None` if they can be told.
fn doubt(sample: &Sample<'_>, runs: &Runs, settings: &Settings) -> Option<Refusal> {
    if sample.answered() == 0 {
        return Some(no_requests());
    }
    // Where nearly every request fails, the error ratio is the result. A precise p99 of the few that succeed would take
    // many times the usual run, and would tell nothing; but their mean must have settled.
    let few_succeed = (sample.requests() as f64) < FEW_SUCCEED * sample.answered() as f64;
    if few_succeed && sample.requests() == 0 {
        return None;
    }
    let all = sample.latencies(settings.operation.as_deref());
    let pooled = all.pooled();
    let pooled_ns = pooled.quantile_ns(0.99)?;
    let fewest = all.per_replication.iter().map(|one| one.count()).min().unwrap_or(0);
    if !few_succeed && fewest as f64 * 0.01 < EXCEEDANCES {
        let reason = format!("a replication saw only {fewest} requests, too few for a p99");
        return Some(Refusal { code: "too_few_exceedances".to_owned(), reason });
    }
    let mean_of = |window: usize| -> Vec<f64> {
        let mean_ns = |run: &Replication| sample.mean_latency_ns(&run.windows[window], settings.operation.as_deref());
        runs.iter().map(|run| mean_ns(run).unwrap_or(0.0)).collect()
    };
    if let Some(drift) = test_drift(&mean_of(0), &mean_of(2), DriftThresholds::default())
        && drift.is_drift
    {
        let percent = 100.0 * drift.relative_change;
        let reason = format!("the mean latency still changes by {percent:+.1}% within the run");
        return Some(Refusal { code: "drift".to_owned(), reason });
    }
    if let Some((name, percent)) = filling(sample.compiled, runs) {
        let reason =
            format!("the hit ratio of `{name}` still changes by {percent:+.1}% within the run: the cache fills");
        return Some(Refusal { code: "drift".to_owned(), reason });
    }
    if few_succeed {
        let mean = all.mean()?;
        let half_width = (mean.high - mean.low) / 2.0 / mean.value.abs().max(f64::MIN_POSITIVE);
        return (half_width > settings.precision).then(|| Refusal {
            code: "imprecise".to_owned(),
            reason: format!(
                "the interval of the mean latency of the few requests that succeed is ±{:.1}% (wanted: ±{:.0}%)",
                100.0 * half_width,
                100.0 * settings.precision
            ),
        });
    }
    let estimate = all.quantile(0.99)?;
    let average: f64 = all.per_replication.iter().filter_map(|one| one.quantile_ns(0.99)).sum::<f64>()
        / all.per_replication.len() as f64;
    let bias = (average - pooled_ns).abs() / pooled_ns.max(1.0);
    let half_width = estimate.relative_half_width();
    if bias > settings.bias || half_width > settings.precision {
        let reason = format!(
            "the interval of p99 is ±{:.1}% (wanted: ±{:.0}%), the bias between replications {:.1}%",
            100.0 * half_width,
            100.0 * settings.precision,
            100.0 * bias
        );
        return Some(Refusal { code: "imprecise".to_owned(), reason });
    }
    None
}

/// A cache whose hit ratio is not what it will be, and by how many percent it changed from the first to the last window.
fn filling<'a>(compiled: &'a Compiled, runs: &Runs) -> Option<(&'a str, f64)> {
    let ratio = |record: &Record, node: usize| {
        let share = record.nodes.get(node)?.shares.iter().find(|share| share.name == "hit_ratio")?;
        (share.denominator > 0.0).then(|| share.numerator / share.denominator)
    };
    compiled.descriptions.iter().enumerate().find_map(|(node, description)| {
        let of =
            |window: usize| -> Option<Vec<f64>> { runs.iter().map(|run| ratio(&run.windows[window], node)).collect() };
        let drift = test_drift(&of(0)?, &of(2)?, DriftThresholds::default())?;
        drift.is_drift.then_some((description.name.as_str(), 100.0 * drift.relative_change))
    })
}

fn audit(compiled: &Compiled, settings: &Settings, runs: &Runs) -> Result<(), Violation> {
    for (replication, run) in runs.iter().enumerate() {
        run.simulation.audit().map_err(|(node, law)| Violation {
            node: compiled.descriptions[node.0 as usize].name.clone(),
            law,
            seed: settings.seed,
            replication: replication as u64,
        })?;
    }
    Ok(())
}

impl Stop {
    fn refusal(self, compiled: &Compiled, settings: &Settings) -> Refusal {
        let most = limits(compiled, settings).visits;
        let (code, reason) = match self {
            Self::TooManyVisits { saturated: Some(index), .. } => {
                let name = &compiled.descriptions[index].name;
                let reason = format!(
                    "more than {most} requests and calls are in progress at once, and `{name}` never rests: work arrives \
                     faster than it is done, or one burst is larger than the memory"
                );
                ("unstable", reason)
            }
            Self::TooManyVisits { now_ns, .. } if now_ns >= settled_ns(compiled) => {
                let reason = format!(
                    "more than {most} requests and calls are in progress at once: work arrives faster than it is done, \
                     or one burst is larger than the memory"
                );
                ("unstable", reason)
            }
            Self::TooManyVisits { .. } | Self::Halted(Halt::TooManyVisits) => {
                let reason = format!(
                    "more than {most} requests and calls are in progress at once, as many as the memory for one \
                     replication holds: use fewer replications, or lower the load"
                );
                ("too_large", reason)
            }
            Self::Halted(Halt::TooManyEvents) => {
                ("budget_spent", format!("the budget of {} requests is spent", settings.budget))
            }
            Self::Halted(halt @ Halt::ZeroDelayCycle(_)) => ("no_progress", halt.to_string()),
            Self::NoProgress { now_ns } => {
                let reason = format!(
                    "millions of events happened {} s after the start without time passing: \
                     let users think, or let requests take time",
                    now_ns as f64 * 1e-9
                );
                ("no_progress", reason)
            }
        };
        Refusal { code: code.to_owned(), reason }
    }
}

fn too_large(bytes: u64) -> Refusal {
    let reason = format!(
        "this needs about {:.1} GiB of memory for one point: use fewer replications, nodes, replicas, users or cache entries",
        bytes as f64 / f64::from(1 << 30)
    );
    Refusal { code: "too_large".to_owned(), reason }
}

fn time_varying(clients: &str) -> Refusal {
    let reason = format!(
        "the load of `{clients}` runs through a course of its own, so there is no long run: ask for a length of time \
         (Terminating in an experiment, --duration when simulating)"
    );
    Refusal { code: "time_varying".to_owned(), reason }
}

fn no_requests() -> Refusal {
    Refusal { code: "no_requests".to_owned(), reason: "no request was ever answered".to_owned() }
}
