//! W2: M/M/16 at utilisation 0.9, mean service time 10 ms, first come first served.

use super::heap::Calendar;
use super::queue::Queue;
use super::{Draws, MILLISECOND, Meter, Outcome};

const SERVERS: usize = 16;
const SERVICE_NS: f64 = 10.0 * MILLISECOND;
const INTERARRIVAL_NS: f64 = SERVICE_NS / (0.9 * SERVERS as f64);

/// Payloads below this one are the server whose service ends.
const ARRIVAL: u32 = SERVERS as u32;

pub fn run(requests: u64, seed: u64) -> Outcome {
    let mut draws = Draws::new("w2", seed);
    let mut meter = Meter::new();
    let mut calendar = Calendar::with_capacity(SERVERS + 1);
    let mut waiting = Queue::<u64>::new();
    // When the request in service at each server arrived, and a bit for each idle server.
    let mut in_service = [0u64; SERVERS];
    let mut idle: u32 = (1 << SERVERS) - 1;
    calendar.push(draws.exponential(INTERARRIVAL_NS), ARRIVAL);
    loop {
        let (now, event) = calendar.first();
        if event == ARRIVAL {
            calendar.replace_first(now + draws.exponential(INTERARRIVAL_NS), ARRIVAL);
            if idle == 0 {
                waiting.push(now);
            } else {
                let server = idle.trailing_zeros();
                idle &= idle - 1;
                in_service[server as usize % SERVERS] = now;
                let service = draws.exponential(SERVICE_NS);
                meter.serve(service);
                calendar.push(now + service, server);
            }
        } else {
            let server = event as usize % SERVERS;
            let arrived = in_service[server];
            if waiting.is_empty() {
                idle |= 1 << server;
                calendar.remove_first();
            } else {
                in_service[server] = waiting.pop();
                let service = draws.exponential(SERVICE_NS);
                meter.serve(service);
                calendar.replace_first(now + service, event);
            }
            if meter.finish(now - arrived) == requests {
                return meter.outcome(SERVERS, now);
            }
        }
    }
}
