//! Many M/M/1 stations, each request for one of them at random: what a loop costs that touches one station among many.
//!
//! A station is its queue and, as in the engine, a histogram of waits, one of latencies, and one of what clients see of it. All
//! of them together serve eight requests at a time, however many there are.

use super::heap::Calendar;
use super::queue::Queue;
use super::{Draws, MILLISECOND, Meter, Outcome};
use forescale::statistics::histogram::LatencyHistogram;

const SERVICE_NS: f64 = MILLISECOND;
const INTERARRIVAL_NS: f64 = SERVICE_NS / 8.0;

/// Payloads below this one are the station whose service ends.
const ARRIVAL: u32 = 1 << 23;

struct Station {
    /// When the requests here arrived; the first one is in service.
    present: Queue<u64>,
    latency: LatencyHistogram,
    wait: LatencyHistogram,
    seen: LatencyHistogram,
    /// When the request in service began to be served.
    started: u64,
}

pub fn run(stations: usize, requests: u64, seed: u64) -> Outcome {
    let mut draws = Draws::new("nodes", seed);
    let mut meter = Meter::new();
    let mut calendar = Calendar::with_capacity(stations + 1);
    let mut stations: Vec<Station> = (0..stations)
        .map(|_| Station {
            present: Queue::with_room(4),
            latency: LatencyHistogram::default(),
            wait: LatencyHistogram::default(),
            seen: LatencyHistogram::default(),
            started: 0,
        })
        .collect();
    calendar.push(draws.exponential(INTERARRIVAL_NS), ARRIVAL);
    loop {
        let (now, event) = calendar.first();
        if event == ARRIVAL {
            calendar.replace_first(now + draws.exponential(INTERARRIVAL_NS), ARRIVAL);
            let index = (draws.unit() * stations.len() as f64) as usize;
            let station = &mut stations[index];
            if station.present.is_empty() {
                let service = draws.exponential(SERVICE_NS);
                meter.serve(service);
                station.started = now;
                calendar.push(now + service, index as u32);
            }
            station.present.push(now);
        } else {
            let station = &mut stations[event as usize];
            let arrived = station.present.pop();
            station.latency.record(now - arrived);
            station.wait.record(station.started - arrived);
            station.seen.record(now - arrived);
            if station.present.is_empty() {
                calendar.remove_first();
            } else {
                let service = draws.exponential(SERVICE_NS);
                meter.serve(service);
                station.started = now;
                calendar.replace_first(now + service, event);
            }
            if meter.finish(now - arrived) == requests {
                return meter.outcome(stations.len(), now);
            }
        }
    }
}
