//! Replications that run side by side: run on to a time, doubled in length, and stopped when they cannot go on.

use rayon::prelude::*;

use crate::engine::record::{NodeRecord, Record};
use crate::engine::simulation::{Halt, Simulation};
use crate::experiment::backlog;
use crate::experiment::pipeline::Settings;
use crate::experiment::pipeline::bounds::{EVENTS_PER_REQUEST, limits, patience_events, settled_ns};
use crate::experiment::study::Refusal;
use crate::model::Compiled;
use crate::techniques::AnyNode;

pub(super) type Runs = Vec<Replication>;

/// One replication in progress.
pub(super) struct Replication {
    pub(super) simulation: Simulation<AnyNode>,
    /// The windows of the current length, in order.
    pub(super) windows: [Record; 3],
    /// All that was recorded in a study of a given length so far.
    pub(super) past: Record,
}

impl Replication {
    /// Adds what was recorded since the last border.
    pub(super) fn add_to_past(&mut self, record: Record) {
        if self.past.nodes.is_empty() {
            self.past = record;
        } else {
            self.past.merge(&record);
        }
    }

    /// All that was recorded since a time that is long enough to tell busy from idle; it is gone after that.
    fn take_stretch(&mut self) -> Record {
        let record = self.simulation.take_record();
        self.add_to_past(record);
        std::mem::take(&mut self.past)
    }

    /// All windows as one, of the nodes that clients' estimates need. The other nodes are left out, because histograms
    /// of all nodes of all replications may fill the memory.
    pub(super) fn merged_clients(&self, compiled: &Compiled) -> Record {
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
    pub(super) fn take_merged(&mut self) -> Record {
        let [mut record, middle, last] = std::mem::take(&mut self.windows);
        record.merge(&middle);
        drop(middle);
        record.merge(&last);
        record
    }
}

/// Runs all replications on to a time. Returns why one of them stopped early; that ends the point, so the others need
/// not be run to the same place.
pub(super) fn advance(compiled: &Compiled, runs: &mut Runs, end_ns: u64, budget: u64) -> Option<Stop> {
    let most_events = (budget / runs.len().max(1) as u64).saturating_mul(EVENTS_PER_REQUEST).saturating_mul(4);
    let patience = patience_events(compiled);
    let stop_of = |run: &mut Replication| match run_until(&mut run.simulation, end_ns, most_events, patience) {
        Ok(()) => None,
        Err(Stop::TooManyVisits { now_ns, .. }) => {
            Some(Stop::TooManyVisits { now_ns, saturated: backlog::saturated(&run.take_stretch()) })
        }
        Err(stop) => Some(stop),
    };
    let stops: Vec<Option<Stop>> = runs.par_iter_mut().map(stop_of).collect();
    stops.into_iter().flatten().next()
}

/// Why a replication cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
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
pub(super) fn run_until(
    simulation: &mut Simulation<AnyNode>,
    end_ns: u64,
    most_events: u64,
    patience: u64,
) -> Result<(), Stop> {
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

/// Doubles the length of all runs: fifths 5 to 10 of the old length become the second half of the new one.
pub(super) fn double(
    compiled: &Compiled,
    runs: &mut Runs,
    warm_up_ns: u64,
    fifth_ns: u64,
    budget: u64,
) -> Option<Stop> {
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

impl Stop {
    pub(super) fn refusal(self, compiled: &Compiled, settings: &Settings) -> Refusal {
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
            Self::Halted(halt @ Halt::ZeroDelayCycle(node)) => {
                let name = &compiled.descriptions[node.0 as usize].name;
                ("no_progress", format!("{halt}; it was at `{name}`"))
            }
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
