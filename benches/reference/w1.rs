//! W1: M/M/1 at utilisation 0.8, mean service time 1 ms.

use super::heap::Calendar;
use super::queue::Queue;
use super::{Draws, MILLISECOND, Meter, Outcome};

const SERVICE_NS: f64 = MILLISECOND;
const INTERARRIVAL_NS: f64 = SERVICE_NS / 0.8;

const ARRIVAL: u32 = 0;

pub fn run(requests: u64, seed: u64) -> Outcome {
    let mut draws = Draws::new("w1", seed);
    let mut meter = Meter::new();
    let mut calendar = Calendar::with_capacity(4);
    // When the requests in the system arrived; the first one is in service.
    let mut present = Queue::<u64>::new();
    calendar.push(draws.exponential(INTERARRIVAL_NS), ARRIVAL);
    loop {
        let (now, event) = calendar.first();
        if event == ARRIVAL {
            calendar.replace_first(now + draws.exponential(INTERARRIVAL_NS), ARRIVAL);
            if present.is_empty() {
                let service = draws.exponential(SERVICE_NS);
                meter.serve(service);
                calendar.push(now + service, ARRIVAL + 1);
            }
            present.push(now);
        } else {
            let arrived = present.pop();
            if present.is_empty() {
                calendar.remove_first();
            } else {
                let service = draws.exponential(SERVICE_NS);
                meter.serve(service);
                calendar.replace_first(now + service, ARRIVAL + 1);
            }
            if meter.finish(now - arrived) == requests {
                return meter.outcome(1, now);
            }
        }
    }
}
