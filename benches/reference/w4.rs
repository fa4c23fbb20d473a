//! W4: a closed loop of 50,000 users who think for 10 s, and 100 first-come-first-served servers of 10 ms.

use super::heap::Calendar;
use super::queue::Queue;
use super::{Draws, MILLISECOND, Meter, Outcome, SECOND};

const USERS: usize = 50_000;
const USERS_PER_SERVER: usize = 500;
const THINK_NS: f64 = 10.0 * SECOND;
const SERVICE_NS: f64 = 10.0 * MILLISECOND;

/// Payloads with this bit are the server whose service ends; all others are the user who has thought.
const SERVED: u32 = 1 << 23;

pub fn run(requests: u64, seed: u64) -> Outcome {
    run_with_users(USERS, requests, seed)
}

/// One request on its way: whose it is and when it was sent.
#[derive(Clone, Copy, Default)]
struct Request {
    sent: u64,
    user: u32,
}

/// The same with any number of users, one server for every 500 of them: the pending set grows, the utilisation does not.
pub fn run_with_users(users: usize, requests: u64, seed: u64) -> Outcome {
    let servers = (users / USERS_PER_SERVER).max(1);
    let mut draws = Draws::new("w4", seed);
    let mut meter = Meter::new();
    let mut calendar = Calendar::with_capacity(users + servers);
    let mut waiting = Queue::<Request>::new();
    let mut in_service = vec![Request::default(); servers];
    let mut idle: Vec<u32> = (0..servers as u32).rev().collect();
    for user in 0..users as u32 {
        calendar.push(draws.exponential(THINK_NS), user);
    }
    loop {
        let (now, event) = calendar.first();
        if event & SERVED == 0 {
            let request = Request { sent: now, user: event };
            if let Some(server) = idle.pop() {
                in_service[server as usize] = request;
                let service = draws.exponential(SERVICE_NS);
                meter.serve(service);
                calendar.replace_first(now + service, SERVED | server);
            } else {
                waiting.push(request);
                calendar.remove_first();
            }
        } else {
            let server = event & !SERVED;
            let request = in_service[server as usize];
            calendar.replace_first(now + draws.exponential(THINK_NS), request.user);
            if waiting.is_empty() {
                idle.push(server);
            } else {
                in_service[server as usize] = waiting.pop();
                let service = draws.exponential(SERVICE_NS);
                meter.serve(service);
                calendar.push(now + service, event);
            }
            if meter.finish(now - request.sent) == requests {
                return meter.outcome(servers, now);
            }
        }
    }
}
