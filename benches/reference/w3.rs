//! W3: a round-robin balancer before 8 application replicas at utilisation 0.7, then a cache or a database.
//!
//! Each replica is a single first-come-first-served server (exponential, 5 ms) that is free again as soon as it has
//! computed. The request then hits the cache with probability 0.7 (a constant 1 ms), or else goes to the database (4
//! servers, first come first served, exponential, 4 ms). The latency is end to end.

use super::heap::Calendar;
use super::queue::Queue;
use super::{Draws, MILLISECOND, Meter, Outcome};

const REPLICAS: usize = 8;
const COMPUTE_NS: f64 = 5.0 * MILLISECOND;
const INTERARRIVAL_NS: f64 = COMPUTE_NS / (0.7 * REPLICAS as f64);
const HIT_PROBABILITY: f64 = 0.7;
const HIT_NS: u64 = 1_000_000;
const CONNECTIONS: usize = 4;
const QUERY_NS: f64 = 4.0 * MILLISECOND;

// Payloads: below COMPUTED + 8 the replica that has computed, below QUERIED + 4 the database server that is done.
const COMPUTED: u32 = 0;
const QUERIED: u32 = COMPUTED + REPLICAS as u32;
const ARRIVAL: u32 = QUERIED + CONNECTIONS as u32;
const HIT: u32 = ARRIVAL + 1;

pub fn run(requests: u64, seed: u64) -> Outcome {
    let mut draws = Draws::new("w3", seed);
    let mut meter = Meter::new();
    let mut calendar = Calendar::with_capacity(64);
    // Every queue holds the times at which its requests arrived at the balancer. The first request at a replica is the
    // one in service. Requests leave the cache in the order they came because its delay is constant.
    let mut replicas: [Queue<u64>; REPLICAS] = std::array::from_fn(|_| Queue::new());
    let mut in_cache = Queue::<u64>::new();
    let mut waiting = Queue::<u64>::new();
    let mut in_query = [0u64; CONNECTIONS];
    let mut idle: u32 = (1 << CONNECTIONS) - 1;
    let mut turn = 0;
    calendar.push(draws.exponential(INTERARRIVAL_NS), ARRIVAL);
    loop {
        let (now, event) = calendar.first();
        if event < QUERIED {
            let replica = &mut replicas[event as usize % REPLICAS];
            let arrived = replica.pop();
            // What becomes of the request: the next event, unless it has to wait for the database.
            let next = if draws.unit() < HIT_PROBABILITY {
                in_cache.push(arrived);
                Some((now + HIT_NS, HIT))
            } else if idle == 0 {
                waiting.push(arrived);
                None
            } else {
                let connection = idle.trailing_zeros();
                idle &= idle - 1;
                in_query[connection as usize % CONNECTIONS] = arrived;
                Some((now + draws.exponential(QUERY_NS), QUERIED + connection))
            };
            if replica.is_empty() {
                match next {
                    Some((time, event)) => calendar.replace_first(time, event),
                    None => calendar.remove_first(),
                }
            } else {
                let compute = draws.exponential(COMPUTE_NS);
                meter.serve(compute);
                calendar.replace_first(now + compute, event);
                if let Some((time, event)) = next {
                    calendar.push(time, event);
                }
            }
        } else if event == ARRIVAL {
            calendar.replace_first(now + draws.exponential(INTERARRIVAL_NS), ARRIVAL);
            let replica = &mut replicas[turn % REPLICAS];
            if replica.is_empty() {
                let compute = draws.exponential(COMPUTE_NS);
                meter.serve(compute);
                calendar.push(now + compute, COMPUTED + (turn % REPLICAS) as u32);
            }
            replica.push(now);
            turn += 1;
        } else {
            let arrived = if event == HIT {
                calendar.remove_first();
                in_cache.pop()
            } else {
                let connection = (event - QUERIED) as usize % CONNECTIONS;
                let arrived = in_query[connection];
                if waiting.is_empty() {
                    idle |= 1 << connection;
                    calendar.remove_first();
                } else {
                    in_query[connection] = waiting.pop();
                    calendar.replace_first(now + draws.exponential(QUERY_NS), event);
                }
                arrived
            };
            if meter.finish(now - arrived) == requests {
                return meter.outcome(REPLICAS, now);
            }
        }
    }
}
