//! A short run before the others, which tells how fast requests come.

use crate::engine::simulation::Halt;
use crate::experiment::pipeline::bounds::{LONGEST_NS, limits, patience_events};
use crate::experiment::pipeline::replication::{Stop, run_until};
use crate::experiment::pipeline::{Settings, no_requests};
use crate::experiment::study::Refusal;
use crate::model::Compiled;
use crate::random::Seed;

/// A fifth of the length at which a replication is expected to see the first number of requests. A pilot run tells how
/// fast requests come.
pub(super) fn first_fifth_ns(compiled: &Compiled, settings: &Settings) -> Result<u64, Refusal> {
    const PILOT_REQUESTS: u64 = 500;
    const PILOT_EVENTS: u64 = 2_000_000;
    let patience = patience_events(compiled);
    let most_events = PILOT_EVENTS.max(patience);
    let mut pilot = compiled.simulation(Seed::new(settings.seed, 0), limits(compiled, settings));
    let mut end_ns = 1_000_000;
    let mut answered = 0;
    while answered < PILOT_REQUESTS && end_ns < LONGEST_NS {
        let halted = match run_until(&mut pilot, end_ns, most_events, patience) {
            Ok(()) => false,
            Err(stop @ (Stop::NoProgress { .. } | Stop::Halted(Halt::ZeroDelayCycle(_)))) => {
                return Err(stop.refusal(compiled, settings));
            }
            Err(Stop::Halted(_) | Stop::TooManyVisits { .. }) => true,
        };
        let record = pilot.take_record();
        answered += compiled.clients().map(|index| record.nodes[index].counters.arrivals).sum::<u64>();
        if halted {
            break;
        }
        end_ns *= 2;
    }
    let now_ns = pilot.now_ns();
    if answered == 0 || now_ns == 0 {
        return Err(no_requests());
    }
    let length_ns = now_ns as f64 / answered as f64 * settings.first_requests as f64;
    Ok(((length_ns / 5.0) as u64).max(1))
}
