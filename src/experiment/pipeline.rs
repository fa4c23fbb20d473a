//! One point of an experiment: replications, run for longer until the intervals are as narrow as wanted, or a refusal.
//!
//! Steady state, after Law (*Simulation Modeling and Analysis*, 2015, ch. 9), Whitt (Management Science 1989) on run
//! lengths, and Asmussen & Glynn (2007, III.5) on sectioning:
//!
//! ```text
//! run R replications for the settling time and a length T; drop the settling time and the first fifth of T
//! loop: quantile of the pooled histogram, interval by sectioning
//!       population grew throughout, significantly      -> unstable
//!       no drift, |average - pooled| small, interval narrow enough now and, for their lengths, at the last looks -> done
//!       budget spent                                   -> refuse, and say why; if only precision lacks, tell the rest
//!       otherwise double T (the runs go on; the first fifth of the new T is dropped)
//! ```
//!
//! A doubled run keeps what it has simulated. Observations are kept in three windows whose borders lie at the fifths
//! 1, 2, 4 and 5 of T; doubling T makes the first window warm-up and the others the beginning of the new ones.

mod bounds;
mod doubt;
mod pilot;
mod replication;
mod terminating;
mod window;

pub use bounds::memory_bytes;
pub use window::{MOST_WINDOWS, UnfitWindow};

use rayon::prelude::*;

use crate::engine::record::Record;
use crate::engine::simulation::Halt;
use crate::experiment::backlog::Growth;
use crate::experiment::estimate::{Sample, describe};
use crate::experiment::finding::Finding;
use crate::experiment::pipeline::bounds::{EVENTS_PER_REQUEST, LONGEST_NS, MOST_BYTES, limits, settled_ns, too_large};
use crate::experiment::pipeline::doubt::{
    Doubt, Looks, doubt, is_decided, is_open, unsettled, withhold, withhold_unsettled,
};
use crate::experiment::pipeline::pilot::first_fifth_ns;
use crate::experiment::pipeline::replication::{Replication, Runs, Stop, advance, double};
use crate::experiment::pipeline::terminating::{Borders, terminating};
use crate::experiment::study::{Objective, Refusal};
use crate::model::Compiled;
use crate::model::describe::NodeDescription;
use crate::random::Seed;

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
    /// Exceedances of a quantile that each replication must expect, so that its estimate is one of a tail.
    pub exceedances: f64,
    /// Lengths in a row that must promise the precision.
    pub looks: usize,
    /// Limits that error ratios must be told from, as far as the budget goes.
    pub error_limits: Vec<ErrorLimit>,
    /// Limits that latencies must be told from, as far as the budget goes.
    pub latency_limits: Vec<LatencyLimit>,
    /// Whether numbers are told that are doubted, beside the refusal that says why.
    pub tells_doubted: bool,
    /// What a search asks about. Runs that have settled end as soon as it can be judged with caution, however imprecise the
    /// numbers are; for those who only look at the numbers there is nothing here.
    pub decides: Vec<Objective>,
    /// Objectives on latencies and errors that the windows of a study of a given length are held against.
    pub objectives: Vec<Objective>,
}

/// A limit of a quantile of the latency.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyLimit {
    /// The operation, or all together.
    pub operation: Option<String>,
    /// Between 0 and 1.
    pub quantile: f64,
    pub limit_s: f64,
}

/// A limit of an error ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorLimit {
    /// The operation, or all together.
    pub operation: Option<String>,
    /// Between 0 and 1.
    pub ratio: f64,
}

/// Which time is looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Horizon {
    /// The long run, after a settling time that the model's own time constants set, or a longer one that is given.
    SteadyState { warm_up_ns: Option<u64> },
    /// From time zero for this long, nothing dropped.
    Terminating {
        duration_ns: u64,
        /// The time is told in windows this long; the last one may be shorter. At most the duration, and at least a
        /// [`MOST_WINDOWS`]th of it.
        window_ns: u64,
    },
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
            exceedances: 100.0,
            looks: 3,
            error_limits: Vec::new(),
            latency_limits: Vec::new(),
            tells_doubted: false,
            decides: Vec::new(),
            objectives: Vec::new(),
        }
    }
}

impl Settings {
    /// For a first look: fewer replications, wider intervals, sooner given up.
    pub fn quick() -> Self {
        Self { replications: 8, precision: 0.10, bias: 0.04, budget: 10_000_000, ..Self::default() }
    }

    /// For a search that asks about hundreds of configurations: what a few thousand requests tell, which is often that a
    /// configuration is out of the question. Nobody is shown these numbers.
    #[must_use]
    pub fn glance(&self) -> Self {
        Self {
            replications: self.replications.min(4),
            precision: self.precision.max(0.30),
            bias: 1.0,
            // A settling time alone may take a million requests. A length that was asked for cannot be cut at all.
            budget: match self.horizon {
                Horizon::SteadyState { .. } => self.budget.min(4_000_000),
                Horizon::Terminating { .. } => self.budget,
            },
            first_requests: 3_000,
            exceedances: 5.0,
            looks: 1,
            error_limits: Vec::new(),
            latency_limits: Vec::new(),
            tells_doubted: true,
            ..self.clone()
        }
    }
}

/// A glance that is not clear by then stays unclear.
const MOST_DOUBLINGS_AT_A_GLANCE: u32 = 3;

/// A fault of forescale itself, to be reported with the seed.
#[derive(Clone, Debug)]
pub struct Violation {
    pub node: String,
    pub law: String,
    pub seed: u64,
    pub replication: u64,
}

/// Studies one point.
pub fn study(compiled: &Compiled, load: f64, settings: &Settings) -> Result<Finding, Violation> {
    let bytes = memory_bytes(compiled, settings);
    if bytes > MOST_BYTES {
        return Ok(describe(&Sample { compiled, records: &[] }, load, 0, settings.exceedances, Some(too_large(bytes))));
    }
    let limits = limits(compiled, settings);
    let mut runs: Runs = (0..u64::from(settings.replications))
        .into_par_iter()
        .map(|replication| Replication {
            simulation: compiled.simulation(Seed::new(settings.seed, replication), limits),
            windows: Default::default(),
            past: Record::default(),
        })
        .collect();
    let finding = match settings.horizon {
        Horizon::Terminating { duration_ns, window_ns } => {
            terminating(compiled, load, settings, &mut runs, Borders { duration_ns, window_ns })
        }
        Horizon::SteadyState { warm_up_ns } => {
            // A shorter warm-up than the model's own time constants would be a bias.
            let warm_up_ns = warm_up_ns.map_or(compiled.settling_ns(), |ns| ns.max(compiled.settling_ns()));
            steady_state(compiled, load, settings, &mut runs, warm_up_ns)
        }
    };
    audit(compiled, settings, &runs)?;
    Ok(finding)
}

fn steady_state(compiled: &Compiled, load: f64, settings: &Settings, runs: &mut Runs, warm_up_ns: u64) -> Finding {
    let refuse = |runs: &mut Runs, simulated_ns: u64, refusal: Refusal| {
        let records: Vec<Record> = runs.par_iter_mut().map(Replication::take_merged).collect();
        let sample = Sample { compiled, records: &records };
        // What was stopped on the way has windows without time.
        let is_whole = records.iter().all(|record| record.end_ns > record.start_ns);
        let told = Some(refusal.clone()).filter(|_| !(settings.tells_doubted && is_whole));
        let mut finding = describe(&sample, load, simulated_ns, settings.exceedances, told);
        finding.point.refusal = Some(refusal);
        finding
    };
    if let Some(node) = compiled.descriptions.iter().find(|node| node.is_transient) {
        return refuse(runs, 0, time_varying(node));
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
    let mut looks = Looks::new();
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
        let doubt = doubt(&sample, runs, settings, &mut looks)
            .or_else(|| growth.significant.then(|| Doubt::Refused(growth.backlog())))
            .or_else(|| growth.drains.then(|| Doubt::Refused(growth.draining())))
            .or_else(|| is_open(&sample, settings).then_some(Doubt::Open));
        let tell = |runs: &mut Runs| {
            let changes = unsettled(runs);
            let records: Vec<Record> = runs.par_iter_mut().map(Replication::take_merged).collect();
            let mut finding =
                describe(&Sample { compiled, records: &records }, load, simulated_ns, settings.exceedances, None);
            withhold_unsettled(&mut finding.point, settings, &changes);
            finding
        };
        let Some(doubt) = doubt else {
            return tell(runs);
        };
        if doubt.is_of_width() && !growth.significant && is_decided(&sample, &settings.decides, settings.exceedances) {
            return tell(runs);
        }
        let spent: u64 = runs.iter().map(|run| run.simulation.events() / EVENTS_PER_REQUEST).sum();
        let is_enough = settings.tells_doubted && doublings >= MOST_DOUBLINGS_AT_A_GLANCE;
        if spent.saturating_mul(2) > budget || simulated_ns > LONGEST_NS || is_enough {
            if growth.grows && (is_long || growth.is_saturated()) {
                return refuse(runs, simulated_ns, growth.unstable());
            }
            match doubt {
                Doubt::Refused(refusal) => return refuse(runs, simulated_ns, refusal),
                _ if growth.significant => return refuse(runs, simulated_ns, growth.backlog()),
                Doubt::Unconfirmed | Doubt::Open => return tell(runs),
                Doubt::Imprecise(_) if settings.tells_doubted => return tell(runs),
                Doubt::Imprecise(reason) => {
                    let mut finding = tell(runs);
                    withhold(&mut finding.point, settings, &reason);
                    return finding;
                }
            }
        }
        if let Some(stop) = double(compiled, runs, warm_up_ns, fifth_ns, budget) {
            return refuse(runs, simulated_ns, stop.refusal(compiled, settings));
        }
        fifth_ns *= 2;
        doublings += 1;
    }
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

fn time_varying(node: &NodeDescription) -> Refusal {
    let NodeDescription { name, is_controller, .. } = node;
    let course = if *is_controller {
        format!("`{name}` acts once at times of its own")
    } else {
        format!("the load of `{name}` runs through a course of its own")
    };
    let reason = format!(
        "{course}, so there is no long run: ask for a length of time \
         (Terminating in an experiment, --duration when simulating)"
    );
    Refusal { code: "time_varying".to_owned(), reason }
}

fn no_requests() -> Refusal {
    Refusal { code: "no_requests".to_owned(), reason: "no request was ever answered".to_owned() }
}
