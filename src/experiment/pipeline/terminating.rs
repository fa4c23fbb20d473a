//! A study of a given length from an empty start: a surge, a recorded day.
//!
//! The replications run side by side from one border to the next. There the record of each is taken: it is reduced to the
//! estimates of the window, and added to the records of the whole time. Histograms and counts are whole numbers, so the
//! sum over the windows is what a run without borders would have recorded.

use rayon::prelude::*;

use crate::engine::record::Record;
use crate::experiment::estimate::{Sample, describe};
use crate::experiment::events::events;
use crate::experiment::finding::Finding;
use crate::experiment::outside::Outside;
use crate::experiment::pipeline::replication::{Runs, advance};
use crate::experiment::pipeline::{Settings, no_requests};
use crate::experiment::study::{Interval, Point};
use crate::experiment::windows::{drop_constants, window};
use crate::model::Compiled;

/// One in so many requests without an answer at the end is worth a note.
const FEW_UNANSWERED: u64 = 200;

/// The time that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Borders {
    pub(super) duration_ns: u64,
    pub(super) window_ns: u64,
}

impl Borders {
    /// The ends of all windows; the last one is the end of the study.
    fn ends_ns(self) -> impl Iterator<Item = u64> {
        let Self { duration_ns, window_ns } = self;
        let window_ns = window_ns.max(1);
        (1..=duration_ns.div_ceil(window_ns)).map(move |window| window.saturating_mul(window_ns).min(duration_ns))
    }
}

pub(super) fn terminating(
    compiled: &Compiled,
    load: f64,
    settings: &Settings,
    runs: &mut Runs,
    borders: Borders,
) -> Finding {
    // So many beyond a quantile over all replications: nobody can make a course of its own any longer.
    let exceedances = settings.exceedances / f64::from(settings.replications);
    let mut windows = Vec::new();
    let mut outside = Outside::of(&settings.objectives, runs.len());
    let mut halted = None;
    for end_ns in borders.ends_ns() {
        halted = advance(compiled, runs, end_ns, settings.budget);
        let records: Vec<Record> = runs.iter_mut().map(|run| run.simulation.take_record()).collect();
        if halted.is_none() {
            let sample = Sample { compiled, records: &records };
            let mut told = window(&sample, settings.operation.as_deref(), exceedances);
            told.outside_objectives_ratio = outside.as_mut().map(|outside| outside.add(&sample)).filter(|it| *it > 0.0);
            windows.push(told);
        }
        runs.par_iter_mut().zip(records).for_each(|(run, record)| run.add_to_past(record));
        if halted.is_some() {
            break;
        }
    }
    let records: Vec<Record> = runs.iter_mut().map(|run| std::mem::take(&mut run.past)).collect();
    let sample = Sample { compiled, records: &records };
    let refusal = match halted {
        Some(stop) => Some(stop.refusal(compiled, settings)),
        None if sample.answered() == 0 => Some(no_requests()),
        None => None,
    };
    let mut finding = describe(&sample, load, borders.duration_ns, exceedances, refusal);
    if finding.point.refusal.is_some() {
        return finding;
    }
    if let Some(outside) = outside {
        outside.tell(&mut finding);
    }
    let point = &mut finding.point;
    drop_constants(&mut windows, point);
    point.windows = windows;
    tell_replica_hours(point);
    tell_events(point, &sample);
    let (sent, answered) = (sample.sent(), sample.answered());
    if sent - answered > sent / FEW_UNANSWERED {
        point.notes.push(format!(
            "{:.1}% of the requests were still in progress at the end: latencies and errors are those of the others",
            100.0 * (sent - answered) as f64 / sent as f64
        ));
    }
    finding
}

fn tell_replica_hours(point: &mut Point) {
    let hours = point.simulated_s / 3600.0;
    for node in &mut point.nodes {
        let times_hours =
            |Interval { value, low, high }| Interval { value: value * hours, low: low * hours, high: high * hours };
        node.replica_hours = node.replicas.map(times_hours);
    }
}

/// What happened in the first replication; in another one the same kinds of things happen at other times.
fn tell_events(point: &mut Point, sample: &Sample<'_>) {
    let Some(record) = sample.records.first() else { return };
    let (events, left_out) = events(sample.compiled, record);
    if left_out > 0 {
        let shown = events.len();
        point.notes.push(format!("{left_out} events after the first {shown} of the first replication are left out"));
    }
    point.events = events;
}
