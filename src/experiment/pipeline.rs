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

use crate::engine::record::Record;
use crate::engine::simulation::{Halt, Limits, Simulation};
use crate::experiment::estimate::{Sample, describe};
use crate::experiment::study::{Point, Refusal};
use crate::model::Compiled;
use crate::random::Seed;
use crate::statistics::drift::{DriftThresholds, test_drift};
use crate::statistics::estimate::mean_interval;
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
/// Share of arrivals by which the population grows that is no chance any more.
const GROWTH: f64 = 0.004;
/// Share of requests that succeed below which their latencies are beside the point.
const FEW_SUCCEED: f64 = 0.1;
/// Visits in progress in one replication that end it.
const MOST_VISITS: u32 = 1_500_000;

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
    let limits = Limits { visits: MOST_VISITS.saturating_add(compiled.population()), events: u64::MAX };
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
    let halted = advance(runs, duration_ns, settings.budget);
    let records: Vec<Record> = runs.iter_mut().map(|run| run.simulation.take_record()).collect();
    let sample = Sample { compiled, records: &records };
    let refusal = match halted {
        Some(halt) => Some(halted_refusal(halt)),
        None if sample.answered() == 0 => Some(no_requests()),
        None => None,
    };
    describe(&sample, load, duration_ns, EXCEEDANCES / f64::from(settings.replications), refusal)
}

fn steady_state(compiled: &Compiled, load: f64, settings: &Settings, runs: &mut Runs, warm_up_ns: u64) -> Point {
    let refuse = |runs: &Runs, simulated_ns: u64, refusal: Refusal| {
        let records: Vec<Record> = runs.iter().map(Replication::merged).collect();
        describe(&Sample { compiled, records: &records }, load, simulated_ns, EXCEEDANCES, Some(refusal))
    };
    let Some(fifth_ns) = first_fifth_ns(compiled, settings) else {
        return refuse(runs, 0, no_requests());
    };
    // What comes round again, such as entries of a cache that were stored together and expire together, is seen as often
    // as it happens only by a window as long as a whole cycle.
    let mut fifth_ns = fifth_ns.max(compiled.cycle_ns().div_ceil(4));
    let budget = settings.budget;
    let at = |fifths: u64, fifth_ns: u64| warm_up_ns.saturating_add(fifths.saturating_mul(fifth_ns));
    // The settling time and the first fifth are dropped.
    if let Some(halt) = advance(runs, at(1, fifth_ns), budget) {
        return refuse(runs, at(1, fifth_ns), halted_refusal(halt));
    }
    runs.par_iter_mut().for_each(|run| drop(run.simulation.take_record()));
    for (window, fifths) in [2, 4, 5].into_iter().enumerate() {
        if let Some(halt) = advance(runs, at(fifths, fifth_ns), budget) {
            return refuse(runs, at(fifths, fifth_ns), halted_refusal(halt));
        }
        runs.par_iter_mut().for_each(|run| run.windows[window] = run.simulation.take_record());
    }
    let mut doublings = 0;
    loop {
        let records: Vec<Record> = runs.par_iter().map(Replication::merged).collect();
        let sample = Sample { compiled, records: &records };
        let growth = growth(runs);
        let simulated_ns = at(5, fifth_ns);
        if doublings >= 2 && growth.grows {
            return refuse(runs, simulated_ns, unstable(growth.share));
        }
        let doubt = doubt(&sample, runs, settings);
        let Some(doubt) = doubt else {
            return describe(&sample, load, simulated_ns, EXCEEDANCES, None);
        };
        let spent: u64 = runs.iter().map(|run| run.simulation.events() / EVENTS_PER_REQUEST).sum();
        if spent.saturating_mul(2) > budget || simulated_ns > LONGEST_NS {
            let refusal = if growth.share > 0.0 && growth.significant { unstable(growth.share) } else { doubt };
            return refuse(runs, simulated_ns, refusal);
        }
        if let Some(halt) = double(runs, warm_up_ns, fifth_ns, budget) {
            return refuse(runs, simulated_ns, halted_refusal(halt));
        }
        fifth_ns *= 2;
        doublings += 1;
    }
}

/// A request takes at least two events; counting events bounds also what requests do not show.
const EVENTS_PER_REQUEST: u64 = 2;
/// A hundred years.
const LONGEST_NS: u64 = 3_155_760_000_000_000_000;

impl Replication {
    fn merged(&self) -> Record {
        let mut record = self.windows[0].clone();
        record.merge(&self.windows[1]);
        record.merge(&self.windows[2]);
        record
    }
}

/// Runs all replications on to a time. Returns why one of them stopped early; that ends the point, so the others need
/// not be run to the same place.
fn advance(runs: &mut Runs, end_ns: u64, budget: u64) -> Option<Halt> {
    let most_events = (budget / runs.len().max(1) as u64).saturating_mul(EVENTS_PER_REQUEST).saturating_mul(4);
    let halts: Vec<Option<Halt>> = runs
        .par_iter_mut()
        .map(|run| {
            run.simulation.set_event_limit(most_events);
            run.simulation.run_until(end_ns).err()
        })
        .collect();
    halts.into_iter().flatten().next()
}

/// Doubles the length of all runs: fifths 5 to 10 of the old length become the second half of the new one.
fn double(runs: &mut Runs, warm_up_ns: u64, fifth_ns: u64, budget: u64) -> Option<Halt> {
    let at = |fifths: u64| warm_up_ns.saturating_add(fifths.saturating_mul(fifth_ns));
    if let Some(halt) = advance(runs, at(8), budget) {
        return Some(halt);
    }
    runs.par_iter_mut().for_each(|run| {
        let [_, second, third] = std::mem::take(&mut run.windows);
        let mut middle = third;
        middle.merge(&run.simulation.take_record());
        run.windows = [second, middle, Record::default()];
    });
    let halt = advance(runs, at(10), budget);
    runs.par_iter_mut().for_each(|run| run.windows[2] = run.simulation.take_record());
    halt
}

/// A fifth of the length at which a replication is expected to see the first number of requests. A pilot run tells how
/// fast requests come.
fn first_fifth_ns(compiled: &Compiled, settings: &Settings) -> Option<u64> {
    const PILOT_REQUESTS: u64 = 500;
    const PILOT_EVENTS: u64 = 2_000_000;
    let limits = Limits { visits: MOST_VISITS.saturating_add(compiled.population()), events: PILOT_EVENTS };
    let mut pilot = compiled.simulation(Seed::new(settings.seed, 0), limits);
    let mut end_ns = 1_000_000;
    let mut answered = 0;
    while answered < PILOT_REQUESTS && end_ns < LONGEST_NS {
        let halted = pilot.run_until(end_ns).is_err();
        let record = pilot.take_record();
        answered += compiled.clients().map(|index| record.nodes[index].counters.arrivals).sum::<u64>();
        if halted {
            break;
        }
        end_ns *= 2;
    }
    let now_ns = pilot.now_ns();
    if answered == 0 || now_ns == 0 {
        return None;
    }
    let length_ns = now_ns as f64 / answered as f64 * settings.first_requests as f64;
    Some(((length_ns / 5.0) as u64).max(1))
}

struct Growth {
    /// Share of arrivals that stayed, beyond those that left.
    share: f64,
    significant: bool,
    grows: bool,
}

/// Whether more and more requests are in progress, in all replications alike.
fn growth(runs: &Runs) -> Growth {
    let shares: Vec<f64> = runs
        .iter()
        .map(|run| {
            let [first, middle, last] = &run.windows;
            let arrivals: u64 = [middle, last]
                .iter()
                .flat_map(|record| record.nodes.iter())
                .filter(|node| !node.operations.is_empty())
                .map(|node| node.counters.arrivals)
                .sum();
            (f64::from(last.in_flight) - f64::from(first.in_flight)) / (arrivals.max(1)) as f64
        })
        .collect();
    let Some(estimate) = mean_interval(&shares) else {
        return Growth { share: 0.0, significant: false, grows: false };
    };
    let significant = estimate.low > 0.0;
    Growth { share: estimate.value, significant, grows: significant && estimate.value > GROWTH }
}

/// What still speaks against the estimates, or `None` if they can be told.
fn doubt(sample: &Sample<'_>, runs: &Runs, settings: &Settings) -> Option<Refusal> {
    if sample.answered() == 0 {
        return Some(no_requests());
    }
    // Where nearly every request fails, the error ratio is the result. A precise p99 of the few that succeed would take
    // many times the usual run, and would tell nothing.
    if (sample.requests() as f64) < FEW_SUCCEED * sample.answered() as f64 {
        return None;
    }
    let all = sample.latencies(settings.operation.as_deref());
    let pooled = all.pooled();
    let pooled_ns = pooled.quantile_ns(0.99)?;
    let fewest = all.per_replication.iter().map(|one| one.count()).min().unwrap_or(0);
    if fewest as f64 * 0.01 < EXCEEDANCES {
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

fn audit(compiled: &Compiled, settings: &Settings, runs: &Runs) -> Result<(), Violation> {
    for (replication, run) in runs.iter().enumerate() {
        for (index, node) in run.simulation.nodes().iter().enumerate() {
            node.audit(run.simulation.now_ns()).map_err(|law| Violation {
                node: compiled.descriptions[index].name.clone(),
                law,
                seed: settings.seed,
                replication: replication as u64,
            })?;
        }
    }
    Ok(())
}

fn halted_refusal(halt: Halt) -> Refusal {
    let code = match halt {
        Halt::TooManyVisits => "unstable",
        Halt::TooManyEvents => "imprecise",
        Halt::ZeroDelayCycle(_) => "zero_delay_cycle",
    };
    Refusal { code: code.to_owned(), reason: halt.to_string() }
}

fn unstable(share: f64) -> Refusal {
    let percent = 100.0 * share;
    let reason = format!("{percent:.1}% of what arrives is never worked off: the backlog grows without end");
    Refusal { code: "unstable".to_owned(), reason }
}

fn no_requests() -> Refusal {
    Refusal { code: "no_requests".to_owned(), reason: "no request was ever answered".to_owned() }
}
