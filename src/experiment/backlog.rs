//! Whether work piles up, and where: what tells an unstable point from a busy one.

use crate::engine::record::Record;
use crate::experiment::study::Refusal;
use crate::model::Compiled;
use crate::statistics::estimate::mean_interval;

/// Share of arrivals by which the backlog grows that is no chance any more.
const GROWTH: f64 = 0.004;
/// Share of the time that a station's servers are busy at least if they are what holds the work up.
const SATURATED: f64 = 0.9;

/// How the backlog changed over the last four of five fifths of the replications.
#[derive(Debug)]
pub struct Growth {
    /// Share of what clients sent that was not worked off.
    pub share: f64,
    /// Whether chance alone is no explanation.
    pub significant: bool,
    /// Whether it is significant and large enough to go on for ever.
    pub grows: bool,
    /// Whether a backlog of before is still worked off.
    pub drains: bool,
    /// Where the work is held up.
    place: Option<Place>,
}

/// A station that gets more than it does.
#[derive(Debug)]
struct Place {
    name: String,
    arrivals_per_s: f64,
    answers_per_s: f64,
    is_saturated: bool,
    /// Another station whose servers hardly ever rest, and how busy they are: what this one may wait for.
    busiest: Option<(String, f64)>,
}

impl Growth {
    /// Compares the ends of the first and the last window of each replication.
    pub fn of<'a>(compiled: &Compiled, runs: impl Iterator<Item = &'a [Record; 3]>) -> Self {
        let mut shares = Vec::new();
        let mut later = Record::default();
        for [first, middle, last] in runs {
            let arrivals = |record: &Record| -> u64 {
                compiled.clients().filter_map(|index| record.nodes.get(index)).map(|node| node.counters.arrivals).sum()
            };
            let sent = (arrivals(middle) + arrivals(last)).max(1);
            // Requests that their users give up join the backlog where they are; only what also stays in a node is more.
            let stays: u64 = (0..last.nodes.len()).map(|node| stays(middle, node) + stays(last, node)).sum();
            let growth = (last.backlog as f64 - first.backlog as f64).min(stays as f64);
            shares.push(growth / sent as f64);
            for record in [middle, last] {
                later.nodes.resize_with(record.nodes.len(), Default::default);
                for (mine, theirs) in later.nodes.iter_mut().zip(&record.nodes) {
                    mine.counters.add(&theirs.counters);
                }
                later.end_ns += record.end_ns - record.start_ns;
            }
        }
        let Some(estimate) = mean_interval(&shares) else {
            return Self { share: 0.0, significant: false, grows: false, drains: false, place: None };
        };
        let significant = estimate.low > 0.0;
        let place = if significant { held_up(compiled, &later) } else { None };
        // A backlog that is small beside all that clients send may be large beside what comes to where it is.
        let stays = place.as_ref().map_or(0.0, |place| 1.0 - place.answers_per_s / place.arrivals_per_s);
        let grows = significant && estimate.value.max(stays) > GROWTH;
        let drains = estimate.high < -GROWTH;
        Self { share: estimate.value, significant, grows, drains, place }
    }

    /// Whether the servers where the work is held up hardly ever rest.
    pub fn is_saturated(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.is_saturated)
    }

    /// Work piles up, which may yet end.
    pub fn backlog(&self) -> Refusal {
        self.refusal("drift", "was not worked off by the end of the run")
    }

    /// Work that had piled up is worked off, which does not go on for ever.
    pub fn draining(&self) -> Refusal {
        let reason = format!(
            "a backlog of before is still worked off: {:.1}% more is done than clients send",
            -100.0 * self.share
        );
        Refusal { code: "drift".to_owned(), reason }
    }

    /// Work piles up for ever.
    pub fn unstable(&self) -> Refusal {
        self.refusal("unstable", "is not worked off: the backlog grows throughout")
    }

    fn refusal(&self, code: &str, fate: &str) -> Refusal {
        let mut reason = String::new();
        if let Some(Place { name, arrivals_per_s, answers_per_s, busiest, .. }) = &self.place {
            reason = format!("at `{name}` {arrivals_per_s:.4}/s arrive and {answers_per_s:.4}/s are done");
            if let Some((busiest, share)) = busiest {
                reason += &format!(", while `{busiest}` is {:.1}% busy", 100.0 * share);
            }
            reason += "; ";
        }
        reason += &format!("{:.1}% of what clients send {fate}", 100.0 * self.share);
        Refusal { code: code.to_owned(), reason }
    }
}

/// Visits by which a node gained in a stretch of time; none for clients, who are visited by nobody.
fn stays(record: &Record, node: usize) -> u64 {
    let counters = &record.nodes[node].counters;
    if record.nodes[node].operations.is_empty() { counters.arrivals.saturating_sub(counters.left) } else { 0 }
}

/// The station where work stays: everything on the way to it holds the same requests, but its servers are the busy ones.
fn held_up(compiled: &Compiled, record: &Record) -> Option<Place> {
    let clients: Vec<usize> = compiled.clients().collect();
    let stations = || (0..record.nodes.len()).filter(|index| !clients.contains(index));
    let most = stations().map(|index| stays(record, index)).max().filter(|&most| most > 0)?;
    let busy = |index: usize| {
        record.nodes[index].counters.busy_ns as f64 / record.nodes[index].counters.capacity_ns.max(1) as f64
    };
    let index =
        stations().filter(|&index| stays(record, index) * 2 >= most).max_by(|&a, &b| busy(a).total_cmp(&busy(b)))?;
    let counters = &record.nodes[index].counters;
    let seconds = record.end_ns as f64 * 1e-9;
    let name = |index: usize| Some(compiled.descriptions.get(index)?.name.clone());
    let is_saturated = busy(index) >= SATURATED;
    // Servers here that have time to spare wait for somebody else's.
    let busiest = stations().filter(|&other| !is_saturated && busy(other) >= SATURATED);
    let busiest = busiest.max_by(|&a, &b| busy(a).total_cmp(&busy(b)));
    Some(Place {
        name: name(index)?,
        arrivals_per_s: counters.arrivals as f64 / seconds,
        answers_per_s: counters.left as f64 / seconds,
        is_saturated,
        busiest: busiest.and_then(|other| Some((name(other)?, busy(other)))),
    })
}

/// A station whose servers hardly ever rested in this stretch of time, if there is one.
pub fn saturated(record: &Record) -> Option<usize> {
    record.nodes.iter().position(|node| {
        let counters = &node.counters;
        counters.capacity_ns > 0 && counters.busy_ns as f64 >= SATURATED * counters.capacity_ns as f64
    })
}
